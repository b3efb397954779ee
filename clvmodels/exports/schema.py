"""What a table of customers is made of: every column's kind, unit and meaning, and the facts that belong to them all.

The same names, order and kinds go into every format; `SCHEMA` is raised when one of them changes its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from clvmodels import __version__
from clvmodels.errors import InputError
from clvmodels.exports import words
from clvmodels.language import language

if TYPE_CHECKING:
    from clvmodels.prediction import Predictions
    from clvmodels.report.build import Report

SCHEMA = 1
KEY = b"clvmodels"
"""Where a Parquet file keeps the facts, as JSON, beside its columns' own descriptions."""

TABLE = "customers.parquet"
EXACT = 10**15
"""A spreadsheet keeps 15 digits: longer ids are text."""
QUANTITIES = {"purchases": "expected_purchases", "value": "value", "clv": "clv"}
"""Total → the column that sums to it."""

Kind = Literal["text", "plain", "date", "count", "number", "duration", "money", "probability"]
"""``plain`` is a number that means nothing but itself, such as an id."""
KINDS: dict[str, Kind] = {
    "customer_id": "text",
    "first_purchase": "date",
    "last_purchase": "date",
    "frequency": "count",
    "recency": "duration",
    "T": "duration",
    "monetary_value": "money",
    "value_past": "money",
    "horizon_start": "date",
    "horizon_end": "date",
    "p_alive": "probability",
    "p_active": "probability",
    "expected_purchases": "number",
    "purchases_lower": "count",
    "purchases_upper": "count",
    "expected_spend": "money",
    "value": "money",
    "value_lower": "money",
    "value_upper": "money",
    "clv": "money",
    "clv_lower": "money",
    "clv_upper": "money",
    "formula_value": "money",
    "tier": "text",
}
COUNTED = {"frequency", "purchases_lower", "purchases_upper", "expected_purchases"}
"""Columns that count purchases."""


@dataclass(frozen=True)
class Column:
    """One column: its name in every format, its kind, its unit in words, and what it means."""

    name: str
    kind: Kind
    unit: str
    meaning: str


@dataclass(frozen=True, eq=False)
class CustomerTable:
    """Customers with the facts that their numbers depend on.

    Attributes
    ----------
    frame
        One row per customer, section 3 of the contract.
    about
        Schema, source and its hash, period, horizon, unit, currency, margin, rate, models and totals; plain values.
    """

    frame: pd.DataFrame = field(repr=False)
    about: Mapping[str, Any]

    @property
    def columns(self) -> tuple[Column, ...]:
        """What each column of ``frame`` holds."""
        return tuple(self._column(name) for name in self.frame.columns)

    def _column(self, name: str) -> Column:
        from clvmodels.report import texts  # the report's own words; only when something is written

        kind, units = self._kind(name), words.UNITS[self.about["unit"]]
        meaning = texts.COLUMNS[name].format(units=units) if name in KINDS else words.COLUMN["own"]
        unit = {
            "money": self.about["currency"],
            "duration": units,
            "date": words.COLUMN["day"],
            "probability": words.COLUMN["share"],
        }
        return Column(name, kind, unit.get(kind, words.COLUMN["purchases"] if name in COUNTED else ""), meaning)

    def _kind(self, name: str) -> Kind:
        """The contract's kind of a column; for ids and the input's own columns what pandas sees."""
        if name in KINDS and name != "customer_id":
            return KINDS[name]
        values = self.frame[name]
        if name == self.about["cost"]:
            return "money"
        if pd.api.types.is_datetime64_any_dtype(values):
            return "date"
        if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
            return "text"
        return "plain" if values.abs().max() < EXACT else "text"


def of_predictions(forecast: Predictions) -> CustomerTable:
    """The table of a forecast, with what it was made from."""
    summary, totals = forecast.summary, forecast.totals
    about = {
        "schema": SCHEMA,
        "made_by": f"clvmodels {__version__}",
        "source": summary.source,
        "sha256": summary.sha256,
        "start": summary.start.isoformat(),
        "until": summary.until.isoformat(),
        "horizon_start": forecast.horizon.start.isoformat(),
        "horizon_end": forecast.horizon.end.isoformat(),
        "unit": forecast.unit.value,
        "currency": forecast.currency,
        "margin": forecast.margin,
        "discount_rate": forecast.discount_rate,
        "models": [f"{fit.model.title} ({fit.method})" for fit in (forecast.purchases, forecast.spend) if fit],
        "totals": {
            name: [getattr(totals, name + end) for end in ("", "_lower", "_upper")]
            for name in QUANTITIES
            if getattr(totals, name) is not None
        },
        "cost": summary.cost,
        "language": language(),
        "report": None,
        "created": None,
        "command": None,
        "seed": forecast.portfolio.seed,
    }
    return CustomerTable(forecast.frame, about)


def of_report(report: Report) -> CustomerTable:
    """The table of a report."""
    return CustomerTable(report.customers, _about(report.data))


def _about(data: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a report, from its report.json."""
    ahead, made = data["forecast"], data["provenance"]
    return {
        "schema": SCHEMA,
        "made_by": f"clvmodels {made['version']}",
        "source": data["data"]["source"],
        "sha256": data["data"]["sha256"],
        "start": data["data"]["first_date"],
        "until": made["options"]["until"],
        "horizon_start": ahead["start"],
        "horizon_end": ahead["end"],
        "unit": ahead["unit"],
        "currency": data["data"]["currency"],
        "margin": ahead["margin"],
        "discount_rate": ahead["discount_rate"],
        "models": [f"{fit['title']} ({fit['method']})" for fit in _fits(ahead["models"])],
        "totals": {
            name: [ahead[name + end] for end in ("", "_lower", "_upper")]
            for name in QUANTITIES
            if ahead[name] is not None
        },
        "cost": made["options"].get("cost"),
        "language": made["options"].get("language", "en"),
        "report": made["id"],
        "created": made["created"],
        "command": made["command"],
        "seed": made["seed"],
    }


def _fits(models: Mapping[str, Any]) -> list[Any]:
    return [models[kind] for kind in ("purchases", "spend") if models[kind]]


def read_customers(source: str | Path) -> CustomerTable:
    """The table in a report folder, in a run folder after ``clvmodels predict``, or in a ``customers.parquet`` of ours.

    Raises
    ------
    InputError
        When there is none, or it does not say what its numbers mean.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(source)
    path = folder / TABLE if folder.is_dir() else folder
    report = folder / "report.json"
    if not path.is_file():
        if not folder.is_dir():
            raise InputError(
                f"there is no folder {source}. Name a report, or a run with predictions: clvmodels export report …"
            )
        cure = f"clvmodels report … --out {source}" if report.is_file() else f"clvmodels predict {source}"
        raise InputError(f"{source} holds no {TABLE}: there are no customers to export. Make it with: {cure}")
    try:
        rows = pq.read_table(path)
        facts = (rows.schema.metadata or {}).get(KEY)
        about = _about(json.loads(report.read_text(encoding="utf-8"))) if report.is_file() else json.loads(facts or b"")
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ValueError) and not isinstance(error, pa.ArrowException) and not report.is_file():
            raise InputError(
                f"{path} does not say what its numbers mean: it was not written by 'clvmodels predict' or 'clvmodels "
                "report', or by an earlier version of them. Make it again."
            ) from None
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise InputError(f"{source} cannot be read ({reason}). It may be damaged: make it again.") from None
    if about["schema"] != SCHEMA:
        raise InputError(
            f"{path} was written with schema {about['schema']}; clvmodels {__version__} exports {SCHEMA}. "
            "Make it again, or export with the version that wrote it."
        )
    return CustomerTable(rows.to_pandas(), about)
