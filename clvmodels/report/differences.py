"""Two reports compared: what moved in data, fits, indicators, forecast, verdicts and customers, and is it noise?"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from clvmodels.errors import InputError
from clvmodels.forecast_rows import TIERS
from clvmodels.kpis.changes import compare_kpis
from clvmodels.language import _
from clvmodels.report.build import Report
from clvmodels.report.contract import read_data
from clvmodels.summary import Summary

LEVEL = 0.95
"""Of the limits of each difference."""
MOVERS = 5
"""Customers listed on either side."""

Verdict = Literal["up", "down", "no evidence", "options", "count", "length", "same"]

PER_LENGTH = {"mae", "rmse", "crps", "log_score"}
"""Measures that grow with the length of the holdout."""
IGNORED = {"seed", "calibration_end", "holdout_end", "until", "horizon", "language"}
"""Options that are said elsewhere, or change no number."""


@dataclass(frozen=True)
class Change:
    """One number in both reports.

    Attributes
    ----------
    part, name
        Where it stands: "data", "parameters", "kpis", "forecast" or "scores", and under which name there.
    before, after
        None where a report does not have it.
    lower, upper
        95 % limits of the difference; None for what has no uncertainty, or none that is known.
    verdict
        "up" or "down" when the limits leave out 0, "no evidence" when they do not; "options" when both reports are of
        the same data, so that no chance is between them; "count" for what is counted; "length" for errors over holdouts
        of different length, which grow with it; "same".
    """

    part: str
    name: str
    before: float | None
    after: float | None
    lower: float | None = None
    upper: float | None = None
    verdict: Verdict = "count"

    @property
    def difference(self) -> float | None:
        """After minus before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def relative(self) -> float | None:
        """The difference as a fraction of before."""
        return self.difference / abs(self.before) if self.difference is not None and self.before else None


@dataclass(frozen=True, eq=False)
class Difference:
    """What moved from one report to another.

    Attributes
    ----------
    before, after
        The two report.json.
    same_data
        Whether both see the same rows up to the same day.
    changes
        Every number that both have.
    options
        What was asked differently: name, before, after.
    verdicts
        Comparisons with the formula whose verdict is another: quantity, metric, rival, before, after.
    checks
        Checks whose status is another: title, before, after.
    tiers
        Customers by tier before (rows) and after (columns), "" for not there; None where a customer table is missing.
    movers
        Customers whose expected value (or purchases) rose or fell most: customer_id, before, after, difference.
    rank_correlation
        Spearman's, of what customers in both were and are expected to bring.
    """

    before: Mapping[str, Any] = field(repr=False)
    after: Mapping[str, Any] = field(repr=False)
    same_data: bool
    changes: tuple[Change, ...] = field(repr=False)
    options: tuple[tuple[str, Any, Any], ...]
    verdicts: tuple[tuple[str, str, str, str, str], ...] = field(repr=False)
    checks: tuple[tuple[str, str, str], ...]
    tiers: pd.DataFrame | None = field(default=None, repr=False)
    movers: pd.DataFrame | None = field(default=None, repr=False)
    rank_correlation: float | None = None

    def of(self, part: str) -> tuple[Change, ...]:
        """The changes of one part."""
        return tuple(change for change in self.changes if change.part == part)

    def plain(self) -> dict[str, Any]:
        """For JSON."""

        def who(data: Mapping[str, Any]) -> dict[str, Any]:
            facts = {"id": data["provenance"]["id"], "created": data["provenance"]["created"]}
            return facts | {name: data["data"][name] for name in ("title", "sha256", "first_date", "last_date")}

        return {
            "before": who(self.before),
            "after": who(self.after),
            "same_data": self.same_data,
            "changes": [
                {**vars(change), "difference": change.difference, "relative": change.relative}
                for change in self.changes
            ],
            "options": [dict(zip(("name", "before", "after"), one, strict=True)) for one in self.options],
            "verdicts": [
                dict(zip(("quantity", "metric", "rival", "before", "after"), one, strict=True)) for one in self.verdicts
            ],
            "checks": [dict(zip(("title", "before", "after"), one, strict=True)) for one in self.checks],
            "tiers": None if self.tiers is None else self.tiers.to_dict("index"),
            "movers": None if self.movers is None else self.movers.to_dict("records"),
            "rank_correlation": self.rank_correlation,
        }


def compare_reports(before: str | Path | Report, after: str | Path | Report) -> Difference:
    """Compare two reports: folders, or what `build_report` returned.

    Limits of a difference take the two reports as independent: their parameters' errors and their customers' luck. Two
    reports that share customers are less far apart by chance than that, so that "more than noise" is said too seldom
    rather than too often. Indicators of customers in both reports are paired.

    Raises
    ------
    InputError
        When a folder is no report, or the two cannot be compared: other units or currencies.
    """
    one, two = _read(before), _read(after)
    problems = [
        _("{what} is {a} in {before} and {b} in {after}.").format(what=what, a=a, before=before, b=b, after=after)
        for what, a, b in (
            (_("the unit of time"), one["forecast"]["unit"], two["forecast"]["unit"]),
            (_("the currency"), _currency(one), _currency(two)),
        )
        if a != b and None not in (a, b)
    ]
    if problems:
        cure = _("Differences would mix the two. Make one of the reports again with the other's --unit and --currency.")
        raise InputError(
            _("the reports cannot be compared"),
            [f"{problem} {cure}" for problem in problems],
        )
    same = one["data"]["sha256"] == two["data"]["sha256"] and _until(one) == _until(two)
    customers = _customers(before), _customers(after)
    tables: dict[str, Any] = {}
    if customers[0] is not None and customers[1] is not None:
        tables = _moves(customers[0], customers[1])
    changes = [*_data(one, two), *_parameters(one, two, same), *_kpis(one, two, customers, same)]
    changes += [*_forecast(one, two, same), *_scores(one, two, same)]
    return Difference(
        before=one,
        after=two,
        same_data=same,
        changes=tuple(changes),
        options=_options(one, two),
        verdicts=_verdicts(one, two),
        checks=_checks(one, two),
        **tables,
    )


def _read(report: str | Path | Report) -> Mapping[str, Any]:
    return report.data if isinstance(report, Report) else read_data(report)


def _currency(data: Mapping[str, Any]) -> str | None:
    return data["data"]["currency"] if data["forecast"]["value"] is not None else None


def _until(data: Mapping[str, Any]) -> str:
    return str(data["provenance"]["options"]["until"])


def _customers(folder: str | Path | Report) -> pd.DataFrame | None:
    """The customer table; None where it was left out."""
    if isinstance(folder, Report):
        return folder.customers.assign(customer_id=folder.customers["customer_id"].astype(str))
    for name, read in (("customers.parquet", pd.read_parquet), ("customers.csv", pd.read_csv)):
        path = Path(folder) / name
        if path.is_file():
            try:
                frame: pd.DataFrame = read(path)
                return frame.assign(customer_id=frame["customer_id"].astype(str))
            except (OSError, ValueError, KeyError) as error:  # of Arrow and of pandas' reader, too
                raise InputError(
                    _("{path} cannot be read ({name}). Make the report again.").format(
                        path=path, name=type(error).__name__
                    )
                ) from None
    return None


# ---------------------------------------------------------------------------------------------------------- the parts


def _judged(part: str, name: str, before: float | None, after: float | None, error: float | None, same: bool) -> Change:
    """A change with limits from the standard error of the difference."""
    if before is None or after is None:
        return Change(part, name, before, after)
    if before == after:
        return Change(part, name, before, after, verdict="same")
    if same:
        return Change(part, name, before, after, verdict="options")
    if error is None or not math.isfinite(error):
        return Change(part, name, before, after)
    reach = float(special.ndtri((1 + LEVEL) / 2)) * error
    low, high = after - before - reach, after - before + reach
    verdict: Verdict = "up" if low > 0 else "down" if high < 0 else "no evidence"
    return Change(part, name, before, after, low, high, verdict)


def _data(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[Change]:
    names = ("rows", "customers", "repeat_customers")
    return [_judged("data", name, one["data"].get(name), two["data"].get(name), None, False) for name in names]


def _parameters(one: Mapping[str, Any], two: Mapping[str, Any], same: bool) -> list[Change]:
    """Of the fits behind the forecasts, where both use the same family."""
    changes = []
    for kind in ("purchases", "spend"):
        a, b = one["forecast"]["models"][kind], two["forecast"]["models"][kind]
        if not a or not b or a["family"] != b["family"]:
            continue
        for name in a["parameters"]:
            errors = [fit["standard_errors"].get(name) for fit in (a, b)]
            error = None if None in errors else math.hypot(*errors)
            values = a["parameters"][name], b["parameters"][name]
            changes.append(_judged("parameters", f"{a['title']}: {name}", *values, error, same))
    return changes


def _kpis(
    one: Mapping[str, Any], two: Mapping[str, Any], customers: tuple[pd.DataFrame | None, ...], same: bool
) -> list[Change]:
    """The indicators as observed, customers in both paired; then the mean CLV."""
    changes = []
    frames = [frame for frame in customers if frame is not None]
    if len(frames) == 2:
        summaries = [
            Summary.from_frame(_rfm(frame), until=_until(data), unit=data["forecast"]["unit"], currency=str(currency))
            for frame, data in zip(frames, (one, two), strict=True)
            for currency in [data["data"]["currency"]]
        ]
        for row in compare_kpis(*summaries).to_dict("records"):
            values = row["before"], row["after"]
            if same or values[0] == values[1]:
                changes.append(_judged("kpis", row["indicator"], *values, None, same))
            else:
                changes.append(Change("kpis", row["indicator"], *values, row["lower"], row["upper"], row["verdict"]))
    else:
        names = ("average_order_value", "purchase_frequency", "relationship_duration", "churn_rate")
        changes = [_judged("kpis", name, one["kpis"].get(name), two["kpis"].get(name), None, same) for name in names]
    clv = [data["kpis"].get("customer_lifetime_value") for data in (one, two)]
    errors = [_error(data["forecast"], "clv", data["forecast"]["customers"]) for data in (one, two)]
    error = None if None in errors else math.hypot(*errors)  # type: ignore[arg-type]
    return [
        change
        for change in [*changes, _judged("kpis", "customer_lifetime_value", clv[0], clv[1], error, same)]
        if _has(change)
    ]


def _rfm(frame: pd.DataFrame) -> pd.DataFrame:
    """What a summary needs of a customer table; the value of the first purchase follows from the others."""
    names = ["customer_id", "first_purchase", "last_purchase", "frequency", "recency", "T"]
    rfm = frame[names].copy()
    if "monetary_value" in frame:
        rfm["monetary_value"] = frame["monetary_value"]
        rfm["value_past"] = frame["value_past"]
        rfm["value_first"] = frame["value_past"] - frame["frequency"] * frame["monetary_value"].fillna(0.0)
    return rfm


def _has(change: Change) -> bool:
    return change.before is not None or change.after is not None


def _error(ahead: Mapping[str, Any], name: str, by: float = 1.0) -> float | None:
    """The standard error of a total, from its 90 % limits."""
    if ahead[name] is None:
        return None
    width: float = ahead[name + "_upper"] - ahead[name + "_lower"]
    return width / (2 * float(special.ndtri(0.95))) / by


def _forecast(one: Mapping[str, Any], two: Mapping[str, Any], same: bool) -> list[Change]:
    changes = []
    for name in ("purchases", "value", "clv"):
        a, b = one["forecast"], two["forecast"]
        errors = [_error(a, name), _error(b, name)]
        error = None if None in errors else math.hypot(*errors)  # type: ignore[arg-type]
        changes.append(_judged("forecast", name, a[name], b[name], error, same))
    active = [data["forecast"]["active_customers"] for data in (one, two)]
    changes.append(_judged("forecast", "active_customers", active[0], active[1], None, same))
    return [change for change in changes if _has(change)]


def _scores(one: Mapping[str, Any], two: Mapping[str, Any], same: bool) -> list[Change]:
    """The model's measures in the holdout; their limits are of 95 %."""
    found = [_models_scores(data) for data in (one, two)]
    days = [_days(data["holdout"]) for data in (one, two)]
    changes = []
    for key, a in found[0].items():
        if key not in found[1]:
            continue
        b = found[1][key]
        if key[1] in PER_LENGTH and max(days) > 1.1 * min(days):
            changes.append(Change("scores", "/".join(key), a["value"], b["value"], verdict="length"))
            continue
        widths = [(row["upper"] - row["lower"]) if row["upper"] is not None else None for row in (a, b)]
        error = None if None in widths else math.hypot(*widths) / (2 * float(special.ndtri(0.975)))  # type: ignore[arg-type]
        changes.append(_judged("scores", "/".join(key), a["value"], b["value"], error, same))
    return changes


def _days(holdout: Mapping[str, Any]) -> int:
    return (dt.date.fromisoformat(holdout["end"]) - dt.date.fromisoformat(holdout["start"])).days + 1


def _models_scores(data: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    who = {row["quantity"]: row["model"] for row in data["comparison"]}
    return {
        (row["quantity"], row["metric"]): row
        for row in data["evaluation"]
        if row["predictor"] == who.get(row["quantity"]) and row["value"] is not None
    }


def _options(one: Mapping[str, Any], two: Mapping[str, Any]) -> tuple[tuple[str, Any, Any], ...]:
    a, b = (data["provenance"]["options"] for data in (one, two))
    return tuple((name, a[name], b[name]) for name in a if name in b and name not in IGNORED and a[name] != b[name])


def _verdicts(one: Mapping[str, Any], two: Mapping[str, Any]) -> tuple[tuple[str, str, str, str, str], ...]:
    a, b = (
        {(row["quantity"], row["metric"], row["formula"]): row["verdict"] for row in data["comparison"]}
        for data in (one, two)
    )
    return tuple((*key, a[key], b[key]) for key in a if key in b and a[key] != b[key])


def _checks(one: Mapping[str, Any], two: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    a, b = ({check["name"]: check for check in data["checks"]} for data in (one, two))
    names = dict.fromkeys([*a, *b])
    status = [(name, a.get(name, {}).get("status", ""), b.get(name, {}).get("status", "")) for name in names]
    return tuple(
        ((b.get(name) or a[name])["title"], before, after) for name, before, after in status if before != after
    )


def _moves(one: pd.DataFrame, two: pd.DataFrame) -> dict[str, Any]:
    """Tiers before and after, who moved most, and how much of the order is kept."""
    name = "value" if "value" in one and "value" in two else "expected_purchases"
    both = one.merge(two, on="customer_id", how="outer", suffixes=("_before", "_after"))
    tiers = None
    if name == "value":
        names = [*TIERS, ""]
        before, after = (both[f"tier_{side}"].astype(object).fillna("") for side in ("before", "after"))
        tiers = pd.crosstab(before, after).reindex(index=names, columns=names, fill_value=0)
    a, b = both[f"{name}_before"], both[f"{name}_after"]
    there = a.notna() & b.notna()
    moved = pd.DataFrame({"customer_id": both["customer_id"], "before": a, "after": b, "difference": b - a})[
        there
    ].sort_values(["difference", "customer_id"], kind="stable")
    rank = None
    if there.sum() > 2 and a[there].nunique() > 1 and b[there].nunique() > 1:
        rank = float(np.corrcoef(a[there].rank(), b[there].rank())[0, 1])
    falls, rises = moved[moved["difference"] < 0].head(MOVERS), moved[moved["difference"] > 0].tail(MOVERS)[::-1]
    return {
        "tiers": tiers,
        "movers": pd.concat([rises, falls], ignore_index=True),
        "rank_correlation": rank,
    }
