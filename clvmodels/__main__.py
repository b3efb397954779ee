"""``python -m clvmodels`` is the command ``clvmodels``."""

from clvmodels.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
