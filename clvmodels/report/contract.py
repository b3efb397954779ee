"""Everything a report found, as the plain data of `report.json`: no NaN, no object, fractions as fractions."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from clvmodels import __version__
from clvmodels.checks import Check
from clvmodels.choice import Choice
from clvmodels.errors import InputError
from clvmodels.evaluation import Evaluation
from clvmodels.fitting.oracle import Opinion
from clvmodels.fitting.result import Fit
from clvmodels.fitting.stack import StackFit
from clvmodels.kpi_files import KpiBook
from clvmodels.kpis import Kpis
from clvmodels.language import _
from clvmodels.prediction import Predictions
from clvmodels.report import meeting_data
from clvmodels.summary import Holdout

SCHEMA = 1
PACKAGES = (
    "numpy", "scipy", "pandas", "pyarrow", "ibis-framework", "duckdb", "arviz", "pymc", "nutpie", "lifetimes",
    "matplotlib", "jinja2", "typst",
)  # fmt: skip


PARTS = (
    "data", "calibration", "holdout", "models", "evaluation", "comparison", "forecast", "kpis", "checks", "provenance",
)  # fmt: skip
"""What every report.json holds besides its schema."""

CERTIFICATE = ("asked", "draws", "ess", "k_hat", "k_hat_limit", "r_hat", "tail_ess", "divergences")
"""What a posterior fit's diagnostics say of its draws; those of the other method are null."""


@dataclass(frozen=True)
class Analysis:
    """Everything one pass through the pipe found: what the report is about."""

    past: Mapping[str, Any]
    """Of the calibration and the holdout, from `past_data`."""
    evaluation: Evaluation
    future: Predictions
    """The refit's prediction beyond the data."""
    notes: tuple[str, ...]
    """What the refits warned of."""
    kpis: Kpis
    checks: tuple[Check, ...]
    cards: tuple[Mapping[str, Any], ...]
    book: KpiBook
    stability: Mapping[str, pd.DataFrame] | None
    """A handful of telling customers."""
    choices: tuple[Choice | None, Choice | None]
    """How the families were chosen: for the calibration, and for the forecast."""
    fitted_until: dt.date
    """Last day of the calibration."""
    examples: tuple[Mapping[str, Any], ...]
    options: Mapping[str, Any]
    source: str
    title: str
    command: str
    seed: int
    created: dt.datetime


def past_data(
    forecast: Predictions, holdout: Holdout, opinion: Opinion | None, notes: tuple[str, ...]
) -> dict[str, Any]:
    """The parts of report.json about the calibration and the holdout.

    Parameters
    ----------
    forecast
        The calibration fit's prediction of the holdout.
    holdout
        What happened in it.
    opinion
        Of lifetimes.
    notes
        What the fits warned of.
    """
    calibration, has_value = forecast.summary, forecast.spend is not None
    bought = calibration.frame["frequency"]
    return {
        "calibration": {
            "start": calibration.start,
            "end": calibration.until,
            "customers": len(bought),
            "repeat_customers": int((bought > 0).sum()),
            "purchases": int((bought + 1).sum()),
            "repeat_purchases": int(bought.sum()),
        },
        "holdout": {
            "start": holdout.horizon.start,
            "end": holdout.horizon.end,
            "purchases": int(holdout.frame["purchases"].sum()),
            "value": float(holdout.frame["value"].sum()) if has_value else None,
            "new_customers": holdout.new_customers,
            "new_purchases": holdout.new_purchases,
            "forecast": _totals(forecast, has_value),
        },
        "models": {
            "purchases": _fit(forecast.purchases),
            "spend": _fit(forecast.spend),
            "oracle": {
                "engine": opinion.engine if opinion else "lifetimes",
                "log_likelihood": opinion.log_likelihood if opinion else None,
                "max_relative_difference": opinion.max_relative_difference if opinion else None,
                "note": opinion.note if opinion else None,
            },
            "notes": notes,
        },
    }


def report_data(found: Analysis) -> dict[str, Any]:
    """The content of report.json, by section 4 of the contract."""
    summary, has_value = found.future.summary, found.future.spend is not None
    data: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "data": {
                "source": found.source,
                "title": found.title,
                "sha256": summary.sha256,
                "rows": sum(row.rows for row in summary.ledger),
                "customers": len(summary.frame),
                "repeat_customers": int((summary.frame["frequency"] > 0).sum()),
                "first_date": summary.start,
                "last_date": _last_date(summary.frame),
                "currency": summary.currency,
                "ledger": [asdict(row) for row in summary.ledger],
                "examples": found.examples,
            },
            **found.past,
            "evaluation": found.evaluation.metrics.to_dict("records"),
            "comparison": found.evaluation.comparison.to_dict("records"),
            "league": [None if one is None else one.plain() for one in found.choices],
            "forecast": {
                "models": {
                    "purchases": _fit(found.future.purchases),
                    "spend": _fit(found.future.spend),
                    "notes": found.notes,
                },
                "start": found.future.horizon.start,
                "end": found.future.horizon.end,
                "unit": summary.unit.value,
                "discount_rate": found.future.discount_rate,
                "margin": found.future.margin,
                **_totals(found.future, has_value),
                "active_customers": float(found.future.frame["p_active"].sum()),
                "formula_value": float(found.future.frame["formula_value"].sum()) if has_value else None,
                "tiers": _tiers(found.future.frame) if has_value else None,
            },
            "kpis": {
                **found.kpis.plain(),
                **meeting_data.indicators(found.book, found.future, found.fitted_until.isoformat()),
                "customer_lifetime_value": float(found.future.frame["clv"].mean()) if has_value else None,
            },
            "channels": meeting_data.channels(found.book),
            "levers": meeting_data.levers(found.book),
            "attention": meeting_data.attention(found.book, found.stability),
            "cards": found.cards,
            "checks": found.checks,
            "provenance": {
                "version": __version__,
                "command": found.command,
                "seed": found.seed,
                "created": found.created.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "id": _identity(summary.sha256, found),
                "resamples": found.evaluation.n_resamples,
                "options": found.options,
                "packages": installed(),
            },
        }
    )
    return data


def plain(value: Any) -> Any:
    """``value`` as JSON knows it: dates as ISO text, numbers that are none as null.

    Examples
    --------
    >>> plain({"a": float("nan"), "b": np.int64(3), "c": dt.date(1997, 9, 30), "d": (np.inf, np.bool_(True))})
    {'a': None, 'b': 3, 'c': '1997-09-30', 'd': [None, True]}
    """
    match value:
        case None | bool() | str() | int():
            return value
        case np.bool_() | np.integer():
            return value.item()
        case float() | np.floating():
            return float(value) if math.isfinite(value) else None
        case dt.datetime():  # pandas.Timestamp is one too; NaT is not equal to itself
            return value.isoformat() if value == value else None
        case dt.date():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case np.ndarray() | list() | tuple():
            return [plain(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return plain({name: getattr(value, name) for name in value.__dataclass_fields__})
        case _ if value is pd.NA or value is pd.NaT:
            return None
    raise TypeError(f"{type(value).__name__} has no place in report.json")


def dumps(data: Mapping[str, Any]) -> str:
    """JSON text that fails rather than hold a NaN."""
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_data(folder: str | Path) -> dict[str, Any]:
    """What the report.json in a folder holds: whole, and of the schema that this version writes.

    Raises
    ------
    InputError
        When it is not there, cannot be read, lacks a part, or has another schema.
    """
    path = Path(folder) / "report.json"
    if not path.is_file():
        raise InputError(
            _("{folder} is no report: it holds no report.json. Name a folder that 'report' wrote.").format(
                folder=folder
            )
        )
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        schema = data["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            _("{path} cannot be read ({name}). Make the report again.").format(path=path, name=type(error).__name__)
        ) from None
    if schema != SCHEMA:
        raise InputError(
            _("{path} has schema {schema}; this version reads {known}. Make the report again.").format(
                path=path, schema=schema, known=SCHEMA
            )
        )
    missing = [name for name in PARTS if name not in data]
    if missing:
        raise InputError(
            _("{path} has no {parts}: it is not as it was written. Make the report again.").format(
                path=path, parts=", ".join(map(repr, missing))
            )
        )
    return data


def _fit(fit: Fit | None) -> dict[str, Any] | None:
    if fit is None:
        return None
    return {
        "family": fit.model.name,
        "title": fit.model.title,
        "method": fit.method,
        "parameters": fit.parameters | fit.model.constants,
        "standard_errors": fit.standard_errors,
        "log_likelihood": None if isinstance(fit, StackFit) else fit.log_likelihood,  # its members have one each
        "converged": bool(fit.converged),
        "verdict": fit.verdict,
        "customers": fit.n_customers,
        "certificate": {name: fit.diagnostics.get(name) for name in CERTIFICATE} if fit.posterior else None,
        "priors": fit.diagnostics.get("priors"),
        "prior_influence": fit.diagnostics.get("prior_influence"),
        "prior_influence_words": fit.diagnostics.get("prior_influence_words"),
    }


def _totals(predictions: Predictions, has_value: bool) -> dict[str, Any]:
    """The totals of a forecast; those of money are null without money."""
    totals = {name: getattr(predictions.totals, name) for name in predictions.totals.__dataclass_fields__}
    return {
        name: total if has_value or not name.startswith(("value", "clv")) else None for name, total in totals.items()
    }


def _tiers(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Customers, value and CLV by tier, the most valuable first."""
    table = frame.groupby("tier", observed=True).agg(
        customers=("value", "size"),
        expected_purchases=("expected_purchases", "sum"),
        value=("value", "sum"),
        clv=("clv", "sum"),
        value_past=("value_past", "sum"),
        formula_value=("formula_value", "sum"),
    )
    order = frame.groupby("tier", observed=True)["value"].mean().sort_values(ascending=False, kind="stable").index
    return [{"tier": str(tier), **table.loc[tier].to_dict()} for tier in order]


def _last_date(frame: pd.DataFrame) -> dt.date:
    return pd.Timestamp(frame["last_purchase"].max()).date()


def installed() -> dict[str, str]:
    """Versions of Python and of the packages that results may depend on."""
    packages = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # a reader's own build without one of them
            continue
    return packages


def _identity(sha256: str, found: Analysis) -> str:
    """Twelve characters that change when data, options, seed or version do, and not when the clock does."""
    facts = json.dumps([sha256, plain(found.options), found.seed, __version__], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:12]
