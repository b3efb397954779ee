"""A progress line on stderr for what takes longer than two seconds; silent when stderr is no terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 2.0
"""Seconds without a word: who waits less than that needs no progress bar."""

Say = Callable[[str], None]
"""Tells what is being done now, in a few words."""


@contextmanager
def progress(task: str) -> Iterator[Say]:
    """Show what is going on, with the time it has taken; yields the function that says which step it is.

    Examples
    --------
    >>> with progress("report") as say:
    ...     say("fitting BG/NBD")
    """
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=True) as bar:
        bar.stop()  # the constructor's __enter__ starts it; the timer below does so again when it is due
        row = bar.add_task(task)
        timer = threading.Timer(PATIENCE, bar.start)
        timer.daemon = True
        timer.start()
        try:
            yield lambda step: bar.update(row, description=f"{task}: {step}")
        finally:
            timer.cancel()
