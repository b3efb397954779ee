"""How one step takes up the work of the one before: from a run folder, or from a log by doing the earlier steps now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clvmodels.cli.options import Log, Models, Money, Period, changed, keywords
from clvmodels.errors import InputError

if TYPE_CHECKING:
    from clvmodels.fitting.result import Fit
    from clvmodels.models import SpendFamily
    from clvmodels.prediction import Predictions
    from clvmodels.runs import Run
    from clvmodels.summary import Split, Summary

Fits = tuple["Fit", "Fit | None"]
TABLES = (".csv", ".parquet")
JUDGED = ("evaluation.csv", "comparison.csv")

_DIVIDED = "{} is already read and summarised; these belong to 'clvmodels split' or 'clvmodels summarize'"


def target(out: str | None, source: str, *, name: str, suffixes: tuple[str, ...] = TABLES) -> Path:
    """The file to write: as asked, or ``name`` in the run that is the source; checked before any work."""
    from clvmodels.files import check_file
    from clvmodels.runs import is_run

    if out is None and not is_run(source):
        raise InputError(
            f"{source} is not a run folder, made by 'clvmodels split' or 'clvmodels summarize'. "
            f"If it is a log, say where the result goes: add --out {name}."
        )
    return check_file(out if out is not None else Path(source) / name, suffixes=suffixes, never=source)


def open_run(source: str, log: Log, period: Period) -> Run:
    """The run in the folder ``source``, or one made now by summarising the log ``source``."""
    from clvmodels.runs import Run, is_run, read_run
    from clvmodels.summary import summarize

    if not is_run(source):
        return Run(summarize(source, **keywords(log, period)))
    refuse(changed(log, period), _DIVIDED.format(source))
    return read_run(source)


def open_split(source: str, log: Log, calibration_end: str | None, *, holdout_end: str | None, unit: str) -> Split:
    """The two halves in the run ``source``, or those of the log ``source``, split now."""
    from clvmodels.runs import is_run, read_run
    from clvmodels.summary import Split, split

    if is_run(source):
        given = {"--calibration-end": calibration_end, "--holdout-end": holdout_end, "--unit": unit != "week"}
        refuse([*(name for name, value in given.items() if value), *changed(log)], _DIVIDED.format(source))
        run = read_run(source)
        if run.holdout is None:
            raise InputError(
                f"{source} has no holdout to judge a forecast by. "
                f"Divide the log first: clvmodels split … --calibration-end DATE --out {source}"
            )
        return Split(run.calibration, run.holdout)
    if calibration_end is None:
        raise InputError(
            f"{source} is a log, not yet divided. Add --calibration-end DATE, the last day the model may see."
        )
    return split(source, calibration_end=calibration_end, holdout_end=holdout_end, unit=unit, **keywords(log))


def refuse(options: list[str], reason: str) -> None:
    """Say that options which would be ignored cannot be given."""
    if options:
        raise InputError(f"{', '.join(options)} cannot be given here: {reason}.")


def fit_models(summary: Summary, models: Models) -> Fits:
    """Fit the purchase model and, where there is money, the spend model; ``auto`` and ``stack`` choose by cut-offs."""
    from clvmodels.choice import AUTO, CHOOSING, take

    if models.family not in CHOOSING:
        _check_model("purchases", models.family, option="--family")
    if models.spend not in (None, "none", AUTO):
        _check_model("spend", models.spend, option="--spend")
    taken = take(models.family, models.spend, summary, method=models.method, seed=models.seed)
    if taken.choice is not None:
        from clvmodels.cli.screen import say

        say(taken.choice.reason)
    return taken.purchases, taken.spend


def _check_model(kind: str, name: str, *, option: str) -> None:
    """Refuse, for example, a purchase model for spend."""
    from clvmodels.choice import CHOOSING
    from clvmodels.models import FAMILIES

    there = [known for known, family in FAMILIES.items() if family.kind == kind]
    there += CHOOSING if kind == "purchases" else ["auto", "none"]
    if name not in there:
        raise InputError(f"there is no {kind} model {name!r}. Choose {option} {' or '.join(there)}.")


def find_fits(run: Run, source: str, file: str | None, models: Models) -> Fits:
    """The fits in ``file``, else those in the run, else new ones for a log."""
    from clvmodels.runs import FIT, is_run

    if file is None and not is_run(source):
        return fit_models(run.calibration, models)
    refuse([name for name in changed(models) if name != "--seed"], "the models are taken from a saved fit")
    path = Path(file) if file else Path(source) / FIT
    if not path.exists():
        again = f"Make it first: clvmodels fit {source}" if file is None else "Check the name given with --fit"
        raise InputError(f"there is no {path}. {again}.")
    return load_fits(path)


def load_fits(path: Path) -> Fits:
    """One saved fit, or the pair where there is money."""
    from clvmodels.store import load

    saved = load(path)
    return saved if isinstance(saved, tuple) else (saved, None)


def save_fits(fits: Fits, path: Path) -> None:
    """Save one fit, or the pair where there is money."""
    from clvmodels.store import save

    save(fits if fits[1] else fits[0], path)


def forecast(run: Run, fits: Fits, *, horizon: str | None, money: Money, seed: int) -> Predictions:
    """Predict every customer over the horizon; without one, over the holdout of a split, else 12 months."""
    from clvmodels.prediction import predict

    ahead = horizon or (run.holdout.horizon if run.holdout else "12 months")
    return predict(fits[0], run.calibration, spend=fits[1], horizon=ahead, seed=seed, **keywords(money))


CDNOW_SPEND: dict[str, dict[str, float]] = {
    "gamma_gamma": {"p": 6.25, "q": 3.74, "v": 15.44},
    "gamma_gamma_first": {"p": 9.88, "q": 3.40, "v": 7.93},
    "gamma_gamma_frequency": {"p": 3.71, "q": 4.60, "v": 29.27, "g": 1.098},
    "lognormal": {"sigma": 0.565, "tau": 0.441, "v": 25.22},
}
"""Spend families that can be simulated, with their estimates on CDNOW's sample, in dollars."""


def spend_model(name: str, given: dict[str, float | None]) -> SpendFamily | None:
    """A spend family at CDNOW's parameters, but for those that are given; none by the name "none"."""
    from clvmodels.fitting.data import SPENDS

    wanted = {parameter: value for parameter, value in given.items() if value is not None}
    if name != "none" and name not in CDNOW_SPEND:
        raise InputError(f"{name!r} cannot be simulated. Choose --spend {' or '.join([*CDNOW_SPEND, 'none'])}.")
    defaults = CDNOW_SPEND.get(name, {})
    if unknown := [f"--{parameter}" for parameter in wanted if parameter not in defaults]:
        has = f"its parameters are {', '.join(f'--{known}' for known in defaults)}" if defaults else "it has none"
        raise InputError(f"{', '.join(unknown)} cannot be given with --spend {name}: {has}.")
    return None if name == "none" else SPENDS[name](**(defaults | wanted))
