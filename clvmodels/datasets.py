"""Public logs under a name: CDNOW (shipped inside lifetimes) and Online Retail (downloaded once, checksummed)."""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from clvmodels.errors import InputError, MissingDependencyError
from clvmodels.language import noted


@dataclass(frozen=True)
class Dataset:
    """A log that analysts may call by its name, with the split under which its results were published."""

    name: str
    title: str
    load: Callable[[], pd.DataFrame]
    published_split: tuple[dt.date, dt.date] | None
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


def online_retail() -> pd.DataFrame:
    """The 541,909 invoice lines of a British online shop of gifts, 2010-12-01 to 2011-12-09; a quarter are of guests.

    Downloaded once from the UCI Machine Learning Repository. No checksum of its archive is known to us: the SHA-256 of
    the first download is kept beside it and every later reading is held against that. ``CLVMODELS_ONLINE_RETAIL`` names
    a local copy (zip or xlsx), ``CLVMODELS_DATA_URL`` another server.

    Returns
    -------
    DataFrame
        ``customer_id`` (null for guests), ``date`` (with time), ``value`` = quantity × unit price in pounds, below zero
        for cancellations, ``order_id``, ``country``; one row per invoice line.

    Raises
    ------
    InputError
        When it cannot be downloaded, or is not the file that was downloaded first.
    MissingDependencyError
        Without openpyxl, which reads the workbook.

    References
    ----------
    Chen (2015), Online Retail, UCI Machine Learning Repository, doi:10.24432/C5BW33.
    """
    if importlib.util.find_spec("openpyxl") is None:
        raise MissingDependencyError("Online Retail is a workbook: pip install openpyxl")
    import pooch

    path = Path(os.environ.get("CLVMODELS_ONLINE_RETAIL") or _download("online+retail.zip", "352"))
    if not path.is_file():
        raise InputError(f"CLVMODELS_ONLINE_RETAIL names {path}, where there is no file. Correct or unset it.")
    cache = Path(pooch.os_cache("clvmodels"))
    table = cache / f"online_retail-{pooch.file_hash(str(path))[:16]}.parquet"
    if not table.exists():  # reading the workbook takes a minute, once
        cache.mkdir(parents=True, exist_ok=True)
        lines = pd.read_excel(_unzipped(path), dtype={"InvoiceNo": str, "CustomerID": "Int64"})
        pd.DataFrame(
            {
                "customer_id": lines["CustomerID"],
                "date": lines["InvoiceDate"],
                "value": lines["Quantity"] * lines["UnitPrice"],
                "order_id": lines["InvoiceNo"],
                "country": lines["Country"],
            }
        ).to_parquet(table.with_suffix(".part"))
        table.with_suffix(".part").replace(table)
    return pd.read_parquet(table)


def _unzipped(path: Path) -> io.BytesIO:
    content = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    return io.BytesIO(content)


def _download(name: str, number: str) -> str:
    import pooch

    folder = Path(pooch.os_cache("clvmodels"))
    record = folder / f"{name}.sha256"
    server = os.environ.get("CLVMODELS_DATA_URL", "https://archive.ics.uci.edu/static/public")
    try:
        known = record.read_text().strip() if record.exists() else None
        path = pooch.retrieve(f"{server}/{number}/{name}", known_hash=known, fname=name, path=folder)
    except Exception as error:  # of requests, urllib3 or pooch, whose common parent is this one
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{name} cannot be downloaded ({reason}). Try again, or name a local copy in CLVMODELS_ONLINE_RETAIL."
        ) from None
    record.write_text(pooch.file_hash(path))
    return str(path)


_CDNOW_SPLIT = (dt.date(1997, 9, 30), dt.date(1998, 6, 30))
DATASETS: dict[str, Dataset] = {
    "cdnow": Dataset("cdnow", "CDNOW", cdnow, _CDNOW_SPLIT, "USD"),
    "cdnow-sample": Dataset("cdnow-sample", noted("CDNOW, 1/10th sample"), cdnow_sample, _CDNOW_SPLIT, "USD"),
    "online-retail": Dataset("online-retail", "Online Retail", online_retail, None, "GBP"),
}
"""Logs that stand for themselves as a source."""
