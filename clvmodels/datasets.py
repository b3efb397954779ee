"""Public logs under a name: CDNOW (shipped inside lifetimes) and Online Retail (downloaded once, checksummed)."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from clvmodels.errors import MissingDependencyError


@dataclass(frozen=True)
class Dataset:
    """A log that analysts may call by its name, with the split under which its results were published."""

    name: str
    title: str
    load: Callable[[], pd.DataFrame]
    calibration_end: dt.date
    holdout_end: dt.date
    currency: str


def cdnow() -> pd.DataFrame:
    """The 69,659 CD purchases of 23,570 customers who began in the first quarter of 1997.

    Returns
    -------
    DataFrame
        ``customer_id`` (1 to 23,570), ``date``, ``value`` in dollars; one row per transaction, in the file's order.

    References
    ----------
    Fader & Hardie (2001), "Forecasting repeat sales at CDNOW", Interfaces 31(3).

    Examples
    --------
    >>> log = cdnow()
    >>> len(log), log.customer_id.nunique()
    (69659, 23570)
    """
    return _read_cdnow("CDNOW_master.txt", ["customer_id", "date", "quantity", "value"], skip=1)


def cdnow_sample() -> pd.DataFrame:
    """The 1/10th sample of CDNOW on which BG/NBD was published: 2,357 customers, ids of the master file.

    References
    ----------
    Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2).

    Examples
    --------
    >>> log = cdnow_sample()
    >>> len(log), log.customer_id.nunique()
    (6919, 2357)
    """
    return _read_cdnow("CDNOW_sample.txt", ["customer_id", "sample_id", "date", "quantity", "value"], skip=0)


def _read_cdnow(name: str, columns: list[str], skip: int) -> pd.DataFrame:
    # lifetimes.datasets needs an old setuptools and importing lifetimes changes global state: only its file is read.
    found = importlib.util.find_spec("lifetimes")
    if found is None or not found.submodule_search_locations:
        raise MissingDependencyError("CDNOW is shipped inside lifetimes: pip install lifetimes")
    path = Path(found.submodule_search_locations[0]) / "datasets" / name
    log = pd.read_csv(path, sep=r"\s+", names=columns, skiprows=skip)
    log["date"] = pd.to_datetime(log["date"].astype(str), format="%Y%m%d")
    return log[["customer_id", "date", "value"]]


DATASETS: dict[str, Dataset] = {
    "cdnow": Dataset("cdnow", "CDNOW", cdnow, dt.date(1997, 9, 30), dt.date(1998, 6, 30), "USD"),
    "cdnow-sample": Dataset(
        "cdnow-sample", "CDNOW, 1/10th sample", cdnow_sample, dt.date(1997, 9, 30), dt.date(1998, 6, 30), "USD"
    ),
}
