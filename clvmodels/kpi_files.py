"""Indicators, channels, levers and lists as a folder of tables: what a spreadsheet or a deck is made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from clvmodels.attention import Attention, attention_to, reason_words
from clvmodels.channels import Channels, compare_channels
from clvmodels.errors import InputError
from clvmodels.files import check_folder, whole_folder
from clvmodels.kpis import KpiHistory, compare_expected_kpis, compare_kpis, expected_kpis, kpi_history, observed_by
from clvmodels.kpis.expected import expected_with_whole
from clvmodels.kpis.groups import cohorts
from clvmodels.levers import Levers, value_levers
from clvmodels.prediction import Predictions
from clvmodels.summary import Summary, summarize

SCHEMA = 1
MARKER = "kpis.json"
ATTENTION = "attention.csv"
TABLES: dict[str, str] = {
    "kpis.csv": "Indicators as observed and as the model expects them, of everyone and of each segment.",
    "periods.csv": "Indicators period by period, with the band that the model predicts.",
    "cohorts.csv": "Acquisition cohorts: repeat purchases beside the model's band, indicators seen and expected.",
    "changes.csv": "Indicators at two dates or of two runs: difference, limits, verdict.",
    "channels.csv": "Channels: sums over their customers, value of the next customer, cost, payback.",
    "channel_months.csv": "Margin of a channel's next customer, cumulated month by month.",
    "levers.csv": "What one percent of order value, frequency or retention is worth, by model and formula.",
    "offers.csv": "What a retention offer may cost to break even.",
    "rewards.csv": "The rise of frequency that pays for a reward.",
    ATTENTION: "Every customer: value at risk, silence, difference between formula and model, and its reason.",
    "lists.csv": "The customers at the top of each list, with the reason in words.",
}
"""Every file that may be written, and what it holds."""


@dataclass(frozen=True, eq=False)
class KpiBook:
    """All that the tables hold; what the data cannot tell is None, and ``notes`` say why.

    Attributes
    ----------
    observed, expected
        From :func:`observed_by` and :func:`expected_kpis`: everyone, then each segment (column ``segment`` names the
        column and ``group`` its value).
    history
        Periods and cohorts with their bands.
    cohort_kpis
        Indicators of each cohort, expected.
    channels
        By segment column.
    levers
        Of everyone, and of the first segment's groups.
    attention
        Who asks for a second look.
    changes
        Against another date or run.
    """

    observed: pd.DataFrame
    expected: pd.DataFrame
    history: KpiHistory | None
    cohort_kpis: pd.DataFrame
    channels: Mapping[str, Channels]
    levers: Levers | None
    levers_by: Levers | None
    attention: Attention
    changes: pd.DataFrame | None
    notes: tuple[str, ...]


MOST_GROUPS = 40
"""Segments with more values than this are names, not groups."""


def kpi_book(
    forecast: Predictions,
    *,
    history: KpiHistory | None = None,
    against: Summary | Predictions | None = None,
    months: int = 12,
    confidence: float = 0.90,
    seed: int = 0,
    each: Callable[[pd.DataFrame], None] | None = None,
) -> KpiBook:
    """Everything about a forecast's indicators, channels, levers and customers, in one value.

    Parameters
    ----------
    forecast
        What :func:`clvmodels.predict` returned.
    history
        Periods and cohorts beside an earlier fit; worked out with the forecast's own fits when absent.
    against
        An earlier date, or another run, to compare with: what was seen, and with its forecast also what is expected.
    months, confidence, seed
        See :func:`compare_channels`.
    each
        Called with what :func:`flag_customers` says of some customers at a time, in their order.
    """
    summary, notes = forecast.summary, []
    segments = [name for name in summary.segments if forecast.frame[name].nunique(dropna=False) <= MOST_GROUPS]
    notes += [
        f"{name!r} has {forecast.frame[name].nunique(dropna=False):,} values and is left out: group them into at most "
        f"{MOST_GROUPS}."
        for name in summary.segments
        if name not in segments
    ]
    channels: dict[str, Channels] = {}
    if forecast.spend is not None:
        for name in segments:
            try:
                channels[name] = compare_channels(forecast, name, months=months, confidence=confidence, seed=seed)
            except InputError as error:
                notes.append(str(error))
    groups = cohorts(summary.frame["first_purchase"])[1]
    money = forecast.spend is not None
    several = [name for name in segments if forecast.frame[name].nunique(dropna=False) > 1]
    cohort_kpis, whole = expected_with_whole(forecast, groups, seed=seed)
    return KpiBook(
        observed=_stacked([observed_by(summary, by or ()) for by in ("", *segments)], segments),
        expected=_stacked([whole, *(expected_kpis(forecast, by, seed=seed) for by in segments)], segments),
        history=history or kpi_history(summary, forecast.purchases, spend=forecast.spend, seed=seed),
        cohort_kpis=cohort_kpis,
        channels=channels,
        levers=value_levers(forecast) if money else None,
        levers_by=value_levers(forecast, several[0]) if money and several else None,
        attention=attention_to(forecast, each=each),
        changes=_changes(against, forecast, seed),
        notes=tuple(notes),
    )


def _changes(against: Summary | Predictions | None, forecast: Predictions, seed: int) -> pd.DataFrame | None:
    """What moved in what was seen and, against a forecast, in what is expected."""
    if against is None:
        return None
    if isinstance(against, Summary):
        return compare_kpis(against, forecast.summary).assign(kind="observed")
    seen = compare_kpis(against.summary, forecast.summary).assign(kind="observed")
    return pd.concat(
        [seen, compare_expected_kpis(against, forecast, seed=seed).assign(kind="expected")], ignore_index=True
    )


def _stacked(tables: Sequence[pd.DataFrame], segments: Sequence[str]) -> pd.DataFrame:
    """Tables of several groupings below one another: ``segment`` is the column's name, ``group`` its value."""
    parts = []
    for name, table in zip(("", *segments), tables, strict=True):
        labels = table[name].astype("string").fillna("") if name else ""
        rows = table.drop(columns=[name] if name else [])
        rows.insert(0, "group", labels)
        rows.insert(0, "segment", name)
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def at_another_date(summary: Summary, until: str) -> Summary:
    """The same purchases as they were known at the end of an earlier day."""
    money = "value" if summary.has_value else "none"
    return summarize(
        summary.purchases, until=until, unit=summary.unit, customer_id="customer_id", date="date", value=money,
        returns="keep", currency=summary.currency,
    )  # fmt: skip


def check_kpi_folder(directory: str | Path) -> Path:
    """Say before any work whether ``directory`` can become a folder of these tables."""
    return check_folder(directory, marker=MARKER, ours={MARKER, *TABLES}, what="kpis")


def write_kpis(
    target: Path,
    forecast: Predictions,
    *,
    against: Summary | Predictions | None = None,
    months: int = 12,
    confidence: float = 0.90,
    seed: int = 0,
) -> tuple[KpiBook, list[str]]:
    """Measure (see :func:`kpi_book`) and write the tables there are, whole or not at all; the book and their names.

    The table of every customer is written while its lists are made, and never there as a whole.
    """
    with whole_folder(target) as folder:
        book = kpi_book(
            forecast, against=against, months=months, confidence=confidence, seed=seed,
            each=lambda flags: _append(flags, folder / ATTENTION),
        )  # fmt: skip
        tables = kpi_tables(book, forecast)
        for name, table in tables.items():
            _append(table, folder / name)
        names = [name for name in TABLES if name in tables or name == ATTENTION]
        horizon = forecast.horizon
        facts: dict[str, Any] = {
            "schema": SCHEMA,
            "source": forecast.summary.source,
            "sha256": forecast.summary.sha256,
            "observed_until": forecast.summary.until.isoformat(),
            "horizon": {"start": horizon.start.isoformat(), "end": horizon.end.isoformat()},
            "unit": forecast.unit.value,
            "currency": forecast.currency,
            "margin": forecast.margin,
            "discount_rate": forecast.discount_rate,
            "period": book.history.period if book.history else None,
            "cohort": book.history.cohort_length if book.history else None,
            "tables": {name: TABLES[name] for name in names},
            "notes": list(book.notes),
        }
        (folder / MARKER).write_text(json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return book, names


def _append(table: pd.DataFrame, path: Path) -> None:
    """Rows of a CSV, below those that are there."""
    table.to_csv(
        path, index=False, mode="a", header=not path.exists(), float_format="%.10g", lineterminator="\n",
        date_format="%Y-%m-%d",
    )  # fmt: skip


def kpi_tables(book: KpiBook, forecast: Predictions) -> dict[str, pd.DataFrame]:
    """The tables as they are written, by file name, but that of every customer."""
    seen = book.observed.rename(columns={"lower": "mean_lower", "upper": "mean_upper"}).assign(kind="observed")
    known = book.expected.assign(kind="expected")
    columns = ["kind", "segment", "group", "customers", "indicator", "value", "mean_lower", "mean_upper", "lower"]
    tables = {"kpis.csv": pd.concat([seen, known], ignore_index=True)[[*columns, "upper"]]}
    if book.history is not None:
        tables["periods.csv"] = book.history.periods
        wide = book.cohort_kpis.pivot(index="cohort", columns="indicator", values="value")
        wide = wide.add_prefix("expected_").reset_index()
        tables["cohorts.csv"] = book.history.cohorts.merge(wide, on="cohort", how="left")
    if book.changes is not None:
        tables["changes.csv"] = book.changes
    for name, part in (("channels.csv", "table"), ("channel_months.csv", "curve")):
        found = [
            getattr(each, part).rename(columns={segment: "channel"}).assign(segment=segment)
            for segment, each in book.channels.items()
        ]
        if found:
            tables[name] = pd.concat(found, ignore_index=True)
    for name, part in (("levers.csv", "one_percent"), ("offers.csv", "offers"), ("rewards.csv", "rewards")):
        if book.levers is not None:
            tables[name] = _levered(book, part)
    tables["lists.csv"] = listed(book.attention, forecast)
    return tables


def _levered(book: KpiBook, part: str) -> pd.DataFrame:
    """Everyone's rows, then those of the segment's groups."""
    tables = [getattr(book.levers, part).assign(group="")]
    if book.levers_by is not None:
        more = getattr(book.levers_by, part)
        tables.append(more.rename(columns={more.columns[0]: "group"}))
    found = pd.concat(tables, ignore_index=True)
    others = [name for name in found.columns if name != "group"]
    ordered: pd.DataFrame = found[["group", *others]]
    return ordered


def listed(found: Attention, forecast: Predictions) -> pd.DataFrame:
    """The lists below one another, with the reason of the difference in words."""
    parts = []
    for name, rows in found.lists.items():
        part = rows.assign(list=name, rank=range(1, len(rows) + 1))
        if "reason" in rows:
            part["words"] = [
                reason_words(row, currency=forecast.currency, horizon_days=forecast.horizon.days)
                for row in rows.to_dict("records")
            ]
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    first = ["list", "rank", "customer_id"]
    return table[[*first, *(name for name in table if name not in first)]]
