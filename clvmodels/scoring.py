"""Customers scored with a fit that was made before: batch by batch, wherever they are, and how the fit is doing.

Nothing is estimated here. What customers alive will do depends on (x, T) alone, so it is worked out for the distinct
pairs and looked up for the customers; P(alive) and spend are formulas of each row. The rows come out of the engine in
Arrow batches and go straight to where they are wanted.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clvmodels.calendar import Horizon, Unit
from clvmodels.drift import Drift, drift_of
from clvmodels.errors import InputError, UnitError
from clvmodels.exports.streams import Stream, write_stream
from clvmodels.files import write_parts
from clvmodels.fitting.result import Fit
from clvmodels.formula import formula_customer_value
from clvmodels.models.arrays import Array
from clvmodels.models.base import PurchaseFamily
from clvmodels.outcomes.points import predictive
from clvmodels.outcomes.smooth import by_age
from clvmodels.outcomes.survival import over_draws
from clvmodels.prediction import ahead_of, check_margin, predict
from clvmodels.store import load
from clvmodels.summary import Summary, summarize
from clvmodels.transactions import Transactions, read_transactions

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 1_000_000
"""Customers in Python at a time."""

INTERVALS = ("purchases_lower", "purchases_upper", "value_lower", "value_upper", "clv_lower", "clv_upper")


@dataclass(frozen=True, eq=False)
class Scores:
    """Customers' scores, still to be worked out; :func:`score` makes one.

    Attributes
    ----------
    summary
        The customers.
    purchases, spend
        The fits they are scored with, as they were saved.
    horizon, discount_rate, margin
        What the numbers mean.
    intervals
        Whether the ends of outcome intervals are among the columns.
    drift
        How the fit has done since it was made; None when the log ends where the fit's data ended.
    """

    summary: Summary = field(repr=False)
    purchases: Fit = field(repr=False)
    spend: Fit | None = field(repr=False)
    horizon: Horizon
    discount_rate: float
    margin: float
    intervals: bool
    seed: int
    drift: Drift | None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """All customers in one table, in the order of ``summary.frame``."""
        return self._scored(self.summary.frame)

    def of(self, customer_ids: Iterable[Any]) -> pd.DataFrame:
        """The scores of some customers only, for example of those that :func:`clvmodels.update` touched."""
        known = self.summary.frame
        wanted = known["customer_id"].isin(list(customer_ids))
        return self._scored(known[wanted].reset_index(drop=True))

    def parts(self, size: int = BATCH) -> Iterator[pd.DataFrame]:
        """``frame``, up to ``size`` rows at a time, as the engine hands them out: nothing else is kept."""
        return (self._scored(known) for known in self.summary.parts(size))

    def batches(self, size: int = BATCH) -> Iterator[pa.Table]:
        """`parts` as Arrow tables, days as dates."""
        for known in self.summary.parts(size):
            yield self.table_of(known)

    def on_spark(self) -> Any:
        """The scores as a Spark frame, worked out where the customers are (``mapInArrow``); None on other engines.

        Nothing comes to this process: the workers, which need clvmodels installed, score their own batches.
        """
        table = self.summary.raw
        if table is None or table.get_backend().name != "pyspark":
            return None
        import ibis
        from ibis.backends.pyspark.datatypes import PySparkSchema

        con = table.get_backend()
        customers = con._session.sql(con.compile(table))
        worker = dataclasses.replace(self, summary=self.summary.bare(), drift=None)
        empty = worker.table_of(self.summary.rows_of(table.limit(20).to_pandas()))
        schema = PySparkSchema.from_ibis(ibis.schema(empty.schema))

        def scored(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                if batch.num_rows:
                    yield from worker.table_of(worker.summary.rows_of(batch.to_pandas())).to_batches()

        return customers.mapInArrow(scored, schema)

    def table_of(self, known: pd.DataFrame) -> pa.Table:
        """Arrow's table of the scores of some rows of ``summary.frame``."""
        import pyarrow as pa

        table = pa.Table.from_pandas(self._scored(known), preserve_index=False)
        for name in ("first_purchase", "last_purchase", "horizon_start", "horizon_end"):
            at = table.column_names.index(name)
            table = table.set_column(at, name, table.column(at).cast(pa.date32()))
        return table.replace_schema_metadata(None)

    def _scored(self, known: pd.DataFrame) -> pd.DataFrame:
        """The contract's columns of some customers; tiers need all of them and are left out."""
        if self.intervals:
            summary = self.summary.of_frame(known)
            full = predict(
                self.purchases, summary, spend=self.spend, horizon=self.horizon, discount_rate=self.discount_rate,
                margin=self.margin, seed=self.seed,
            )  # fmt: skip
            return full.frame.drop(columns=["tier"], errors="ignore")
        money = self.spend is not None
        past = ["first_purchase", "last_purchase", "frequency", "recency", "T"] + [
            "monetary_value",
            "value_past",
        ] * money
        model: Any = predictive(self.purchases, seed=self.seed)
        unit = self.summary.unit
        delta = unit.delta(self.discount_rate) if money else None
        points = point_predictions(model, known, unit=unit, t=self.horizon.length(unit), delta=delta)
        columns: dict[str, Any] = {name: known[name] for name in ["customer_id", *past]}
        columns |= {
            "horizon_start": pd.Timestamp(self.horizon.start),
            "horizon_end": pd.Timestamp(self.horizon.end),
            "p_alive": points["p_alive"],
            "p_active": points["p_active"],
            "expected_purchases": points["expected_purchases"],
        }
        if self.spend is not None:
            family: Any = predictive(self.spend, seed=self.seed)
            spend = _blocked(family.expected_spend, family.observed(known)[:2], family.n_draws)
            columns |= {
                "expected_spend": spend,
                "value": points["expected_purchases"] * spend * self.margin,
                "clv": points["discounted_purchases"] * spend * self.margin,
                "formula_value": formula_customer_value(self.summary.of_frame(known), self.horizon) * self.margin,
            }
        described = [*self.summary.segments, *([self.summary.cost] if self.summary.cost else [])]
        return pd.DataFrame(columns | {name: known[name] for name in described}, copy=False)


def point_predictions(
    model: PurchaseFamily, known: pd.DataFrame, *, unit: Unit, t: float, delta: float | None = None
) -> dict[str, Array]:
    """P(alive), P(active), expected purchases and discounted ones of each row of a summary's frame.

    Parameters
    ----------
    model
        A purchase family: one estimate, or draws of equal weight, over which the results are averaged.
    known
        Columns ``frequency``, ``recency``, ``T``.
    unit
        Of ``recency`` and ``T``, which are whole days.
    t
        Length of the horizon.
    delta
        Continuous discount rate; without it ``discounted_purchases`` is left out.

    Returns
    -------
    Name → numbers: ``p_alive``, ``p_active``, ``expected_purchases``[, ``discounted_purchases``].
    """
    x, t_x, T = (known[name].to_numpy() for name in ("frequency", "recency", "T"))
    counts = x.astype(np.int64)
    ages = np.rint(T * unit.days).astype(np.int64)
    width = int(ages.max(initial=0)) + 1
    cell = counts * width + ages  # sorted by x, then T
    there = np.zeros(int(cell.max(initial=0)) + 1, bool) if cell.max(initial=0) < 20 * cell.size + 10**6 else None
    if there is None:
        cells, place = np.unique(cell, return_inverse=True)
    else:
        there[cell] = True
        cells = np.flatnonzero(there)
        place = (np.cumsum(there) - 1)[cell]
    pair_x, pair_T = (cells // width).astype(float), (cells % width) / unit.days
    quantities: dict[str, Callable[[Any, Array, Array], Any]] = {
        "p_active": lambda alive, x, T: alive.p_active(t, x, T),
        "expected_purchases": lambda alive, x, T: alive.expected_purchases(t, x, T),
    }
    if delta is not None:
        quantities["discounted_purchases"] = lambda alive, x, T: alive.discounted_purchases(t, x, T, delta=delta)
    result = {name: np.zeros(x.size) for name in ("p_alive", *quantities)}
    for weight, member in model.components:
        later = {
            name: [_of_pairs(quantity, member.alive(stage), pair_x, pair_T) for stage in range(member.stages)]
            for name, quantity in quantities.items()
        }
        step = max(1, BLOCK // member.n_draws)
        for start in range(0, x.size, step):
            rows = slice(start, start + step)
            chances = member.p_stages(x[rows].astype(float), t_x[rows], T[rows])
            result["p_alive"][rows] += weight * over_draws(chances.sum(axis=0))
            for name, values in later.items():
                ahead = sum(p * f[..., place[rows]] for p, f in zip(chances, values, strict=True))
                result[name][rows] += weight * over_draws(ahead)
    result["p_active"] = np.minimum(result["p_active"], result["expected_purchases"])
    if delta is not None:
        result["discounted_purchases"] = np.minimum(result["discounted_purchases"], result["expected_purchases"])
    return result


BLOCK = 1 << 17
"""Rows × draws worked on at a time."""


def _of_pairs(quantity: Callable[[Any, Array, Array], Any], alive: Any, x: Array, T: Array) -> Array:
    smooth = by_age(lambda x, T: quantity(alive, x, T), x, T)
    return np.asarray(quantity(alive, x, T)) if smooth is None else smooth


def _blocked(function: Callable[..., Array], columns: Sequence[Array], draws: int) -> Array:
    step = max(1, BLOCK // draws)
    size = len(columns[0])
    parts = [slice(start, start + step) for start in range(0, size, step)]
    return np.concatenate([over_draws(function(*(column[part] for column in columns))) for part in parts])


def score(
    fit: Fit | tuple[Fit, Fit | None] | str | Path,
    source: Any,
    *,
    until: str | dt.date | None = None,
    horizon: str | Horizon = "12 months",
    discount_rate: float = 0.10,
    margin: float = 1.0,
    intervals: bool = False,
    unit: str | Unit | None = None,
    table: str | None = None,
    customer_id: str | None = None,
    date: str | None = None,
    value: str | bool | None = None,
    segment: str | Sequence[str] = (),
    cost: str | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    returns: str = "net",
    currency: str | None = None,
    seed: int = 0,
) -> Scores:
    """Score customers with a fit that was made before, without fitting anything.

    Parameters
    ----------
    fit
        A purchase fit, a (purchases, spend) pair, or the JSON file that holds one.
    source
        A log that :func:`clvmodels.read_transactions` reads, as it is today: old purchases and new ones; or a Summary.
    until, horizon, discount_rate, margin
        As for :func:`clvmodels.summarize` and :func:`clvmodels.predict`.
    intervals
        Whether outcome intervals are worked out too (some seconds for a million customers).
    unit, currency
        Must be those of the fit, which are the defaults.

    The other parameters say how to read ``source``.

    Returns
    -------
    Scores
        ``.frame`` for all customers at once, ``.batches()`` for many, ``.drift`` for what became of the fit's forecast.

    Raises
    ------
    UnitError
        When fit and customers count time in different units.
    InputError
        When currencies differ, the customers are observed to a day before the fit's last, or the log holds purchases
        after that day only.

    Examples
    --------
    >>> import clvmodels as clv
    >>> fit = clv.fit("bgnbd", clv.summarize("cdnow-sample", until="1997-12-31"))
    >>> scores = score(fit, "cdnow-sample", horizon="39 weeks")
    >>> float(scores.frame.expected_purchases.sum().round())
    1479.0
    >>> scores.drift.verdict
    'keep'
    """
    if isinstance(fit, str | Path):
        fit = load(fit)
    purchases, spend = fit if isinstance(fit, tuple) else (fit, None)
    log: Transactions | None = None
    if isinstance(source, Summary):
        summary = source
    else:
        wanted = Unit(unit) if unit is not None else purchases.unit
        log = read_transactions(
            source,
            table=table,
            customer_id=customer_id,
            date=date,
            value="none" if spend is None and value is None else value,
            segment=segment,
            cost=cost,
            date_format=date_format,
            decimal=decimal,
            returns=returns,
            currency=currency or purchases.currency,
        )
        summary = summarize(log, until=until, unit=wanted)
    check_window(purchases, spend, summary)
    if log is not None and log.first_date > purchases.until:
        raise InputError(
            f"the log begins on {log.first_date}, and the fit has seen purchases from {purchases.start} to "
            f"{purchases.until}. Without the earlier ones every customer looks new. Give the whole log, old purchases "
            "and new ones; new rows alone carry a summary on: clvmodels.update."
        )
    span = ahead_of(summary, horizon)
    check_margin(margin)
    drift = None if log is None else drift_of(purchases, log, summary.until, seed=seed)
    return Scores(summary, purchases, spend, span, discount_rate, margin, intervals, seed, drift)


def check_window(purchases: Fit, spend: Fit | None, summary: Summary) -> None:
    """Refuse a fit that was made for other customers: in another unit or currency, or of days yet to come."""
    if purchases.model.kind != "purchases":
        raise InputError(
            f"{purchases.model.title} is a model of spend. Give the fit of a purchase model, or a (purchases, spend) "
            "pair: clvmodels fit writes one."
        )
    if purchases.unit is not summary.unit:
        mine, theirs = purchases.unit, summary.unit
        factor = max(mine.days, theirs.days) / min(mine.days, theirs.days)
        raise UnitError(
            f"the fit is in {mine.value}s, the customers are summarised in {theirs.value}s. Scores would be wrong by a "
            f"factor of {factor:g}. Leave --unit out, or fit again with --unit {theirs.value}."
        )
    problems = []
    if spend is not None and not summary.has_value:
        problems.append(
            "the customers have no values, and the fit holds a model of spend. Name the value column with --value, or "
            "fit with --spend none."
        )
    if spend is not None and summary.has_value and spend.currency != summary.currency:
        problems.append(
            f"spend was fitted in {spend.currency}, the customers' values are in {summary.currency}. The scores would "
            f"mix the two. Score with --currency {spend.currency} if that is what they are, else fit again."
        )
    if summary.until < purchases.until:
        problems.append(
            f"the customers are observed to {summary.until}, and the fit has seen purchases to {purchases.until}: it "
            "knows what it would forecast. Give a log that goes on to that day at least, or fit again."
        )
    if problems:
        raise InputError("this fit does not belong to these customers", problems)


def write_scores(scores: Scores, target: Path | Stream) -> int:
    """Write all scores, a batch at a time: Parquet by row groups, CSV by parts, a database by appending; their number.

    A CSV has ISO dates and ten significant digits. Whatever is written appears whole or not at all.
    """
    if isinstance(target, Path):
        return write_parts(scores.parts(), target)
    table = scores.on_spark()
    if target.on_spark and table is not None:
        table.write.mode("overwrite" if target.replace else "errorifexists").saveAsTable(target.table)
        return int(table.sparkSession.table(target.table).count())
    return write_stream(scores.batches(), target)
