"""Fit + customers + horizon → one row per customer, with intervals, and totals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels import written
from clvmodels.calendar import ONE_DAY, Horizon, Unit
from clvmodels.errors import InputError, UnitError
from clvmodels.fitting.data import spend_known
from clvmodels.fitting.result import Fit
from clvmodels.forecast_rows import customer_rows, outcome_columns
from clvmodels.language import _
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes
from clvmodels.outcomes.chances import top_threshold
from clvmodels.outcomes.counts import PART
from clvmodels.outcomes.means import mean_limits
from clvmodels.outcomes.points import predictive
from clvmodels.summary import Summary
from clvmodels.totals import Portfolio, Totals, worked_out

FEWEST_DRAWS = 100
"""Draws below which the ends of an interval are guesses."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a horizon will bring, customer by customer and in total.

    Attributes
    ----------
    frame
        One row per customer, in the order of ``summary.frame``: see :func:`predict` for the columns.
    horizon, unit, discount_rate, margin, currency
        What the numbers mean: days, unit of recency and T, annual effective rate, share of revenue, money.
    purchases, spend, summary
        What they were made from.
    """

    frame: pd.DataFrame = field(repr=False)
    horizon: Horizon
    unit: Unit
    discount_rate: float
    margin: float
    currency: str
    purchases: Fit = field(repr=False)
    spend: Fit | None = field(repr=False)
    summary: Summary = field(repr=False)
    portfolio: Portfolio = field(repr=False)

    @cached_property
    def totals(self) -> Totals:
        """Sums of the rows of ``frame``, with 90 % limits that hold chance and the uncertainty of the parameters."""
        return self.portfolio.totals(np.zeros(len(self.frame), np.intp), 1)[0]

    @property
    def purchase_outcomes(self) -> PurchaseOutcomes:
        """The distribution of each customer's purchases in the horizon, in the order of ``frame``."""
        return self.portfolio.outcomes

    @property
    def value_outcomes(self) -> ValueOutcomes:
        """The distribution of each customer's revenue (margin 1, undiscounted), in the order of ``frame``."""
        if self.portfolio.values is None:
            raise InputError(
                "these predictions hold no money: they were made without a spend fit. Pass spend= to predict."
            )
        return self.portfolio.values

    def some(self, customers: NDArray[np.intp]) -> Predictions:
        """The same of some customers, by their places in ``frame``: as if no others had been predicted."""
        portfolio = self.portfolio.some(customers)
        known = self.summary.frame.iloc[customers].reset_index(drop=True)
        return replace(
            self,
            frame=self.frame.iloc[customers].reset_index(drop=True),
            summary=self.summary.of_frame(known),
            portfolio=portfolio,
        )

    def parts(self) -> Iterator[Predictions]:
        """The same of all customers, in their order, at most ``PART`` at a time."""
        everyone = len(self.frame)
        if everyone <= PART:
            yield self
            return
        for start in range(0, everyone, PART):
            yield self.some(np.arange(start, min(start + PART, everyone)))

    def by(self, segment: str | Sequence[str]) -> pd.DataFrame:
        """Totals per segment, with 90 % limits; every column of the rows sums to ``totals``.

        Limits do not add up: the segments' chances partly cancel, and the same parameters move them together.

        Parameters
        ----------
        segment
            A column of ``frame`` (a segment, ``tier``, ``frequency`` …), or several. Missing values are a group of
            their own.

        Returns
        -------
        DataFrame
            The segment column(s), then ``customers``, ``purchases``, ``purchases_lower``, ``purchases_upper`` and, with
            money, the same of ``value`` and ``clv``.
        """
        labels, code = self._groups(segment)
        rows = self.portfolio.totals(code, len(labels))
        table = pd.DataFrame(rows, columns=[each.name for each in fields(Totals)]).dropna(axis=1, how="all")
        return pd.concat([labels, table], axis=1)

    def _groups(self, segment: str | Sequence[str]) -> tuple[pd.DataFrame, NDArray[np.intp]]:
        """The distinct values of some columns, and which of them each customer has; no column: everyone together."""
        names = [segment] if isinstance(segment, str) else list(segment)
        if unknown := [name for name in names if name not in self.frame]:
            raise InputError(
                f"{unknown[0]!r} is not a column of the predictions. Choose among {', '.join(self.frame.columns)}."
            )
        if not names:
            return pd.DataFrame(index=[0]), np.zeros(len(self.frame), np.intp)
        code = np.asarray(self.frame.groupby(names, dropna=False, observed=True, sort=True).ngroup(), np.intp)
        first = pd.Series(code).drop_duplicates().sort_values().index
        return self.frame.loc[first, names].reset_index(drop=True), code

    def mean_intervals(
        self, *, level: float = 0.90, draws: int = 1000, seed: int = 0, by: str | Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Limits of the means: how well do we know the average of customers like this one?

        They hold the uncertainty of the parameters alone and shrink as the log grows. What *this* customer will do is
        another question: chance rules it, and ``*_lower``, ``*_upper`` of ``frame`` and ``totals`` answer it. Means are
        taken at draws of the posterior, or at log-normal draws with the covariance of an estimate; draws of spend are
        paired with draws of purchases at random. Nothing here depends on the units of time and money. Where an estimate
        hardly knows a parameter (small logs) its draws go too far, even beyond ``totals``: fit a posterior there.

        Parameters
        ----------
        level
            Share of draws inside the limits; the rest is split evenly.
        draws
            At least 100. With 1,000 another seed moves a limit by about 2 % of the interval's width.
        seed
            The same seed gives the same bytes.
        by
            Columns of ``frame`` whose totals are asked for instead of customers, as in :meth:`by`; ``[]`` for everyone.

        Returns
        -------
        DataFrame
            ``customer_id``, in the order of ``frame`` (or the columns of ``by`` and ``customers``), then
            ``purchases_mean_lower``, ``purchases_mean_upper`` and, with money, the same of ``value`` and ``clv``.

        Examples
        --------
        >>> import clvmodels as clv
        >>> calibration = clv.split("cdnow-sample").calibration
        >>> forecast = clv.predict(clv.fit("bgnbd", calibration), calibration, horizon="39 weeks")
        >>> forecast.mean_intervals(by=[]).round().to_dict("records")  # the mean total; with chance 1,491 to 1,826
        [{'customers': 2357, 'purchases_mean_lower': 1538.0, 'purchases_mean_upper': 1782.0}]
        """
        problems = []
        if not 0 < level < 1:
            problems.append(f"level is {level:g}. It is the share of cases inside the limits: for 90 % write 0.90.")
        if not (isinstance(draws, int) and draws >= FEWEST_DRAWS):
            problems.append(f"draws is {draws}. Limits of a mean need a whole number of {FEWEST_DRAWS} draws or more.")
        if problems:
            raise InputError("the means have no such limits", problems)
        labels, code = self.frame[["customer_id"]], None
        if by is not None:
            labels, code = self._groups(by)
            labels = labels.assign(customers=np.bincount(code, minlength=len(labels)))
        values = self.portfolio.values
        limits = mean_limits(
            self.purchases,
            self.spend,
            self.purchase_outcomes,
            known=values.statistics if values is not None else None,
            delta=self.portfolio.delta,
            margin=self.margin,
            level=level,
            draws=draws,
            seed=seed,
            group=code,
            n_groups=len(labels) if code is not None else 0,
        )
        ends = {
            f"{name}_mean_{side}": end
            for name, both in zip(("purchases", "value", "clv"), limits, strict=False)
            for side, end in zip(("lower", "upper"), both, strict=True)
        }
        return labels.assign(**ends)

    def probabilities(
        self,
        *,
        purchases: Sequence[int] = (0, 1, 2, 5),
        values: Sequence[float] = (),
        top: float | None = 0.10,
    ) -> pd.DataFrame:
        """Chances of each customer in the horizon: computed, not simulated; parameters' uncertainty is inside.

        Parameters
        ----------
        purchases
            Numbers n of purchases: columns ``p_purchases_0`` … hold P(exactly n).
        values
            Amounts x of undiscounted value (revenue × margin): columns ``p_value_above_100`` … hold P(value > x).
        top
            Share of the customers: ``p_top_10`` holds the probability of being among the best 10 % by value. It is
            P(value > s), where s is the value that 10 % of the customers are expected to exceed, so that the column
            sums to 10 % of them; if fewer are expected to buy at all, s is 0. The true threshold varies by chance: for
            300 customers the column is right to 0.015, for thousands no simulation tells the difference. None,
            or no money: no such column.

        Returns
        -------
        DataFrame
            ``customer_id``, in the order of ``frame``, then the columns above.
        """
        problems = [
            f"{n!r} is no number of purchases. Ask for whole numbers from 0."
            for n in purchases
            if not (isinstance(n, int | np.integer) and n >= 0)
        ]
        problems += [f"{x!r} is no amount of value. Ask for numbers from 0." for x in values if not 0 <= x < np.inf]
        if top is not None and not 0 < top < 1:
            problems.append(f"top is {top:g}. It is a share of the customers: for the best 10 % write 0.10.")
        if problems:
            raise InputError("there are no such probabilities", problems)
        columns: dict[str, Any] = {"customer_id": self.frame["customer_id"]}
        columns |= {f"p_purchases_{n}": self.purchase_outcomes.pmf(n) for n in purchases}
        columns |= {f"p_value_above_{x:.15g}": 1 - self.value_outcomes.cdf(x / self.margin) for x in values}
        if top is not None and self.portfolio.values is not None:
            columns[f"p_top_{100 * top:.15g}"] = 1 - self.value_outcomes.cdf(top_threshold(self.value_outcomes, top))
        return pd.DataFrame(columns)


def predict(
    purchases: Fit,
    summary: Summary,
    *,
    spend: Fit | None = None,
    horizon: str | Horizon = "12 months",
    discount_rate: float = 0.10,
    margin: float = 1.0,
    intervals: bool = True,
    seed: int = 0,
) -> Predictions:
    """Predict every customer of a summary over a horizon that starts the day after its ``until``.

    Columns of the result's ``frame``, after the customer's history:

    ========================================  ==========================================================================
    ``horizon_start``, ``horizon_end``        first and last day, both included
    ``p_alive``                               probability of not having dropped out (1 for one-time buyers in BG/NBD)
    ``p_active``                              probability of at least one purchase in the horizon
    ``expected_purchases``                    mean number of purchase days in the horizon
    ``purchases_lower``, ``purchases_upper``  5 % and 95 % quantile of that number: what this customer may do
    ``expected_spend``                        mean value of one purchase
    ``value``                                 expected_purchases × expected_spend × margin, undiscounted
    ``value_lower``, ``value_upper``          5 % and 95 % quantile of the value
    ``clv``                                   value with every purchase discounted to ``until`` by its date
    ``clv_lower``, ``clv_upper``              those of the value × clv/value
    ``formula_value``                         past revenue / T × horizon × margin, T at least 13 weeks
    ``tier``                                  by clv: "top" 10 % of customers, "high" 20 %, "middle" 30 %, "low" 40 %
    ========================================  ==========================================================================

    then segments and cost. None of the values includes the past. Customers with equal clv share a tier: each counts
    the customers above it and half of its equals. Without ``spend`` the columns of money and ``tier`` are left out.
    When the fits hold a posterior, means and quantiles are those of the mixture over it.

    Parameters
    ----------
    purchases
        Fit of a purchase family, in the unit of the summary.
    summary
        The customers; they need not be those of the fit.
    spend
        Fit of a spend family, in the currency of the summary, which must hold what the family uses of it.
    horizon
        ``"12 months"``, ``"39 weeks"``, a last day, or a :class:`Horizon` that starts the day after ``summary.until``.
    discount_rate
        Annual and effective: 0.10 makes 1.10 a year from now worth 1 today. 0 for no discounting.
    margin
        Share of revenue that is kept, in (0, 1]; it multiplies all values.
    intervals
        Whether ``frame`` has the ends of customers' intervals, which are most of the work; ``totals`` always has its.
    seed
        Used for limits of value totals when spend is heavy-tailed (p x + q ≤ 3), for totals of a posterior, and for
        customers when the posterior is that of a small log or very skewed; all else is computed, not drawn.

    Raises
    ------
    UnitError
        When fit and summary count time in different units.
    InputError
        When kinds, currencies, horizon, margin or rate do not fit.
    """
    _check(purchases, summary, spend, margin)
    span = ahead_of(summary, horizon)
    delta, t = summary.unit.delta(discount_rate), span.length(summary.unit)
    known = summary.frame
    model: Any = predictive(purchases, seed=seed)
    outcomes = PurchaseOutcomes(model, t, known["frequency"], known["recency"], known["T"])
    values = None
    if spend is not None:
        money: Any = predictive(spend, seed=seed)
        values = ValueOutcomes(outcomes, money, spend_known(summary, type(money), cannot="cannot predict"))
    portfolio, columns = worked_out(
        Portfolio(purchases, spend, outcomes, values, delta, margin, seed),
        lambda some: outcome_columns(some, intervals=intervals),
    )
    return Predictions(
        frame=customer_rows(summary, span, margin, columns),
        horizon=span,
        unit=summary.unit,
        discount_rate=discount_rate,
        margin=margin,
        currency=summary.currency,
        purchases=purchases,
        spend=spend,
        summary=summary,
        portfolio=portfolio,
    )


def _check(purchases: Fit, summary: Summary, spend: Fit | None, margin: float) -> None:
    """Refuse fits and customers that do not belong together."""
    if purchases.unit is not summary.unit:
        mine, theirs = purchases.unit, summary.unit
        factor = max(mine.days, theirs.days) / min(mine.days, theirs.days)
        raise UnitError(
            f"the fit is in {mine.value}s, the customers are summarised in {theirs.value}s. Predictions would be wrong "
            f'by a factor of {factor:g}. Summarise them with unit="{mine.value}".'
        )
    problems = []
    if purchases.model.kind != "purchases":
        problems.append(
            f"{purchases.model.title} is a model of spend; the first argument is the fit of a purchase model, "
            "for example fit(BGNBD, summary)."
        )
    if spend is not None:
        if spend.model.kind != "spend":
            problems.append(
                f"{spend.model.title} is a model of purchases; spend= takes the fit of a spend model, "
                "for example fit(GammaGamma, summary)."
            )
        elif not summary.has_value:
            problems.append(
                "the customers have no values, and a spend fit needs the mean of each customer's purchases. "
                "Read the transactions with their value column, or leave spend out."
            )
        elif spend.currency != summary.currency:
            problems.append(
                f"spend was fitted in {spend.currency}, the customers' values are in {summary.currency}. "
                "The predictions would mix the two. Fit and predict with the same --currency."
            )
    try:
        check_margin(margin)
    except InputError as error:
        problems.append(str(error))
    if problems:
        raise InputError("these customers cannot be predicted", problems)


def check_margin(margin: float) -> None:
    """Refuse a margin that is no share of revenue."""
    if not 0 < margin <= 1:
        said = _("margin is {margin}. It is the share of revenue that is kept: for 30% write 0.30.")
        raise InputError(said.format(margin=written.general(margin, 6)))


def ahead_of(summary: Summary, horizon: str | Horizon) -> Horizon:
    """The horizon, which has to start the day after the customers were last observed."""
    span, first = Horizon.parse(horizon, after=summary.until), summary.until + ONE_DAY
    if span.start != first:
        raise InputError(
            f"the horizon starts on {span.start}, but customers are observed to {summary.until}. "
            f"A forecast starts the day after: choose a horizon that starts on {first}."
        )
    return span
