"""A backtest when it is done: one table per question, all of them tidy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.backtesting import breakdown
from clvmodels.backtesting.rounds import Round
from clvmodels.backtesting.scores import JUDGED, KEYS
from clvmodels.bootstrap import limits, simultaneous_limits
from clvmodels.errors import InputError
from clvmodels.judging import Quantity

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Backtest:
    """Every predictor at every cut-off, judged by the days after it.

    Limits are those of a paired bootstrap: a customer who is drawn counts at every cut-off at which they appear, so
    that overlapping holdouts are not taken for independent ones. The limits of what is pooled also draw the cut-offs,
    as far as there are several: they speak of other customers like these over other periods like these.
    """

    rounds: tuple[Round, ...] = field(repr=False)
    """One per cut-off, the earliest first: both sides, fits, and what every predictor said of each customer."""
    skipped: pd.DataFrame
    """cutoff, family, reason: cut-offs that could not be judged, and families that could not be fitted at one."""
    leaks: pd.DataFrame = field(repr=False)
    """cutoff, predictor, quantity, check, statistic, caught, evidence: who was found to know the future."""
    kinds: dict[str, str]
    """Predictor → "family", "formula" or "elsewhere"."""
    unit: str
    currency: str
    source: str
    sha256: str
    method: str
    n_resamples: int
    seed: int

    def __repr__(self) -> str:
        cuts = ", ".join(map(str, self.cutoffs))
        names = len(self.kinds)
        return (
            f"Backtest({self.source}, {len(self.rounds)} cut-offs ({cuts}), {self.days} days each, {names} predictors)"
        )

    @property
    def cutoffs(self) -> list[dt.date]:
        """The last days that predictors knew."""
        return [one.cutoff for one in self.rounds]

    @property
    def days(self) -> int:
        """Length of every holdout."""
        return self.rounds[0].horizon.days

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What was judged: purchases and, with money, value."""
        return tuple(bench.quantity for bench in self.rounds[-1].benches)

    def leader(self, quantity: Quantity) -> str | None:
        """The family with the lowest pooled CRPS, among those that could be fitted at every cut-off and know no future.

        It describes these cut-offs, and has been looked up in them: which family to trust with the next ones is another
        question, for which see ``--family auto``.
        """
        rows = self.pooled
        rows = rows[(rows["quantity"] == quantity) & (rows["metric"] == "crps") & (rows["cutoffs"] == len(self.rounds))]
        rows = rows[[self.kinds[name] == "family" and name not in self.suspects for name in rows["predictor"]]]
        rows = rows[np.isfinite(rows["value"])]
        return None if rows.empty else str(rows.loc[rows["value"].idxmin(), "predictor"])

    @property
    def suspects(self) -> list[str]:
        """Predictors that were caught knowing the future at some cut-off: no winner can be one of these."""
        return list(dict.fromkeys(self.leaks.loc[self.leaks["caught"], "predictor"]))

    # ------------------------------------------------------------------------------------------------------- leagues

    @cached_property
    def league(self) -> pd.DataFrame:
        """cutoff, quantity, predictor, metric, value, lower, upper: 95 % limits, each row by itself.

        Metrics are those of `clvmodels.evaluate`, and ``abs_log_total_ratio``, |log(predicted total / actual total)|.
        """
        tables = []
        for one in self.rounds:
            low, high = limits(one.scores.value, one.scores.resampled)
            table = one.scores.rows.assign(value=one.scores.value, lower=low, upper=high)
            table.insert(0, "cutoff", one.cutoff)
            tables.append(table)
        return _bounded(pd.concat(tables, ignore_index=True))

    @cached_property
    def pooled(self) -> pd.DataFrame:
        """Over cut-offs: quantity, predictor, metric, value, lower, upper, then how firm and how stable it is.

        ``value`` is the mean over cut-offs, ``lower`` to ``upper`` its 95 % limits over customers and cut-offs,
        ``customers_lower`` to ``customers_upper`` those over customers alone, with these very periods; ``lowest`` and
        ``highest`` are the extremes over cut-offs, ``cutoffs`` how many have the metric.
        """
        rows, value, resampled = self._stack
        low, high = limits(_mean(value), self._pool(resampled, periods=True))
        fixed_low, fixed_high = limits(_mean(value), self._pool(resampled, periods=False))
        known = ~np.isnan(value)
        table = rows.assign(value=_mean(value), lower=low, upper=high)
        table = _bounded(table.assign(customers_lower=fixed_low, customers_upper=fixed_high))
        return table.assign(
            lowest=np.where(known, value, np.inf).min(axis=0),
            highest=np.where(known, value, -np.inf).max(axis=0),
            cutoffs=known.sum(axis=0),
        ).replace({"lowest": {np.inf: np.nan}, "highest": {-np.inf: np.nan}})

    def compare(
        self,
        model: str,
        rivals: Sequence[str] | None = None,
        *,
        metrics: Sequence[str] | None = None,
        periods: bool = True,
    ) -> pd.DataFrame:
        """One predictor beside others, on what is pooled: differences with limits that hold for all rows at once.

        Parameters
        ----------
        model
            A predictor; "bgnbd" is compared on purchases, "bgnbd+gamma_gamma" on value.
        rivals
            Others; every formula and what was made elsewhere by default.
        metrics
            Those wanted; all by default.
        periods
            Whether limits also say how much another set of periods would change the difference.

        Returns
        -------
        DataFrame
            quantity, metric, model, formula (the rival), difference (of |total_error| for that metric), lower, upper,
            verdict ("better", "worse" or "no evidence" for the model), cutoffs, ahead (at how many of them it was).
        """
        if model not in self.kinds:
            raise InputError(f"there is no predictor {model!r}. Choose among {', '.join(self.kinds)}.")
        named = [name for name, kind in self.kinds.items() if kind != "family"] if rivals is None else list(rivals)
        rows, value, resampled = self._stack
        at = {key: i for i, key in enumerate(rows.itertuples(index=False, name=None))}
        wanted = list(JUDGED) if metrics is None else list(metrics)
        pairs = [
            (quantity, metric, model, rival, at[quantity, model, metric], at[quantity, rival, metric])
            for quantity in dict.fromkeys(rows["quantity"])
            for metric in wanted
            for rival in named
            if rival != model and (quantity, model, metric) in at and (quantity, rival, metric) in at
        ]
        table = pd.DataFrame([pair[:4] for pair in pairs], columns=["quantity", "metric", "model", "formula"])
        if not pairs:
            return table.assign(difference=[], lower=[], upper=[], verdict=[], cutoffs=[], ahead=[])
        ours, theirs = np.array([pair[4:] for pair in pairs]).T

        def differences(numbers: Array) -> Array:
            with np.errstate(invalid="ignore"):
                parts = [
                    JUDGED[pair[1]].compared(numbers[:, i]) - JUDGED[pair[1]].compared(numbers[:, j])
                    for pair, i, j in zip(pairs, ours, theirs, strict=True)
                ]
            return np.stack(parts, axis=1)

        each = differences(value)
        estimate = _mean(each)
        low, high = simultaneous_limits(estimate, self._pool(differences(resampled), periods=periods))
        sign = np.array([JUDGED[pair[1]].sign for pair in pairs])
        direction = sign * (np.where(low > 0, 1, 0) - np.where(high < 0, 1, 0))
        return table.assign(
            difference=estimate,
            lower=low,
            upper=high,
            verdict=np.select([direction > 0, direction < 0], ["better", "worse"], "no evidence"),
            cutoffs=(~np.isnan(each)).sum(axis=0),
            ahead=(sign * each > 0).sum(axis=0),
        )

    @cached_property
    def _stack(self) -> tuple[pd.DataFrame, Array, Array]:
        """Rows of any cut-off, their values (cut-offs, rows) and resamples (cut-offs, rows, B); NaN where absent."""
        rows = pd.concat([one.scores.rows for one in self.rounds], ignore_index=True).drop_duplicates(ignore_index=True)
        order = {name: i for i, name in enumerate(self.kinds)}
        keys = pd.DataFrame(
            {
                "quantity": rows["quantity"],
                "predictor": rows["predictor"].map(order),
                "metric": rows["metric"].map({name: i for i, name in enumerate(JUDGED)}),
            }
        )
        rows = rows.loc[keys.sort_values(KEYS).index].reset_index(drop=True)
        at = {key: i for i, key in enumerate(rows.itertuples(index=False, name=None))}
        value = np.full((len(self.rounds), len(rows)), np.nan)
        resampled = np.full((*value.shape, self.n_resamples), np.nan)
        for k, one in enumerate(self.rounds):
            places = [at[key] for key in one.scores.rows.itertuples(index=False, name=None)]
            value[k, places], resampled[k, places] = one.scores.value, one.scores.resampled
        return rows, value, resampled

    def _pool(self, resampled: Array, *, periods: bool) -> Array:
        """Mean over cut-offs of each resample, shape (rows, B); with ``periods`` the cut-offs are drawn as well."""
        count, _, resamples = resampled.shape
        weight = np.ones((count, resamples))
        if periods and count > 1:
            rng = np.random.default_rng([self.seed, count])
            weight = rng.multinomial(count, np.full(count, 1 / count), size=resamples).T.astype(float)
        known = ~np.isnan(resampled)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = np.where(known & (weight[:, None] > 0), resampled * weight[:, None], 0.0).sum(axis=0)
            return np.asarray(total / (known * weight[:, None]).sum(axis=0))

    # ------------------------------------------------------------------------------------------------ where errors are

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """cutoff, family, parameter, estimate, standard_error, lower, upper: how stable the estimates are."""
        tables = []
        for one in self.rounds:
            for name, fit in {**one.purchases, **one.spends}.items():
                table = fit.table()
                table.insert(0, "cutoff", one.cutoff)
                table.insert(1, "family", name)
                tables.append(table)
        columns = ["cutoff", "family", "parameter", "estimate", "standard_error", "lower", "upper"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    @cached_property
    def fits(self) -> pd.DataFrame:
        """cutoff, family, customers, log_likelihood, converged, notes: every fit and what it warned of."""
        rows = []
        for one in self.rounds:
            said = dict.fromkeys([*one.purchases, *one.spends], "")
            for name, note in one.notes:
                if name in said:
                    said[name] = f"{said[name]} {note}".strip()
            for name, fit in {**one.purchases, **one.spends}.items():
                rows.append((one.cutoff, name, fit.n_customers, fit.log_likelihood, bool(fit.converged), said[name]))
        return pd.DataFrame(rows, columns=["cutoff", "family", "customers", "log_likelihood", "converged", "notes"])

    @cached_property
    def by_horizon(self) -> pd.DataFrame:
        """cutoff, quantity, predictor, days, predicted, actual, total_error: totals up to some days after each cut-off.

        Predictions made elsewhere speak of the whole holdout only, and are left out.
        """
        return breakdown.by_horizon(self.rounds)

    @cached_property
    def by_frequency(self) -> pd.DataFrame:
        """cutoff, quantity, predictor, frequency, customers, predicted, actual, total_error, mae, rmse, crps."""
        return breakdown.by_frequency(self.rounds)

    @cached_property
    def by_cohort(self) -> pd.DataFrame:
        """cutoff, quantity, predictor, cohort, customers, predicted, actual, total_error, mae, rmse, crps.

        A cohort is a month of first purchases, or a quarter or year where there would be more than twelve.
        """
        return breakdown.by_cohort(self.rounds)

    @cached_property
    def one_time(self) -> pd.DataFrame:
        """cutoff, quantity, predictor, metric, value: among those who had bought once.

        ``p_active`` is the share that a family says will come back; predictor ``actual`` has the share that did.
        """
        return breakdown.one_time(self.rounds)

    @cached_property
    def totals(self) -> pd.DataFrame:
        """cutoff, quantity, predictor, predicted, actual, ratio: totals over the holdout, predicted / actual."""
        rows = [
            (one.cutoff, bench.quantity, each.name, float(each.mean.sum()), float(bench.actual.sum()))
            for one in self.rounds
            for bench in one.benches
            for each in bench.predictors
        ]
        table = pd.DataFrame(rows, columns=["cutoff", "quantity", "predictor", "predicted", "actual"])
        return table.assign(ratio=table["predicted"] / table["actual"].where(table["actual"] > 0))


def _mean(value: Array) -> Array:
    """Mean over cut-offs of what exists."""
    known = ~np.isnan(value)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, value, 0.0).sum(axis=0) / known.sum(axis=0))


def _bounded(table: pd.DataFrame) -> pd.DataFrame:
    """Limits that do not go where the metric cannot."""
    floor = table["metric"].map({name: metric.lowest for name, metric in JUDGED.items()}).to_numpy(float)
    ceiling = table["metric"].map({name: metric.highest for name, metric in JUDGED.items()}).to_numpy(float)
    for end, bound in (("lower", np.maximum), ("upper", np.minimum)):
        for name in (end, f"customers_{end}"):
            if name in table:
                table[name] = bound(table[name].to_numpy(float), floor if end == "lower" else ceiling)
    return table
