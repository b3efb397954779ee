"""One customer on a card: what was bought when, P(alive) after every day, and what the horizon may bring."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.calendar import Unit
from clvmodels.errors import InputError
from clvmodels.models.arrays import Array
from clvmodels.outcomes import PurchaseOutcomes
from clvmodels.prediction import Predictions

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
"""Quantiles of value on a card."""
POINTS = 100
"""Points of a path between purchases; every purchase has its own, with the day before."""
MOST_COUNTS, LAST = 240, 0.995
"""Bars of the distribution of purchases: up to this quantile; the rest is "or more"."""
SEARCHED = 200_000
"""Ids looked at for likeness."""


@dataclass(frozen=True, eq=False)
class CustomerCard:
    """What is known and expected of one customer.

    Attributes
    ----------
    row
        The customer's row of ``Predictions.frame``, by column.
    history
        ``date``[, ``value``] of every purchase, in order.
    path
        ``date``, ``purchases`` (so far), ``p_alive``: after the day, had observation ended then; the model is the one
        fitted to everything.
    outcomes
        ``purchases``, ``probability``, ``more``: the distribution of purchases in the horizon; ``more`` marks the last
        row, "or more".
    values
        Quantile level → value in the horizon, undiscounted; None without money.
    silence, rhythm
        Time since the last purchase; mean time between purchases, None for one-time buyers; in units.
    formula_purchases
        What the formula expects: (x + 1)/T × horizon.
    unit
        Of time.
    """

    row: Mapping[str, Any] = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    path: pd.DataFrame = field(repr=False)
    outcomes: pd.DataFrame = field(repr=False)
    values: Mapping[float, float] | None
    silence: float
    rhythm: float | None
    formula_purchases: float
    unit: Unit

    @property
    def customer_id(self) -> str:
        """As in the input."""
        return str(self.row["customer_id"])

    def plain(self) -> dict[str, Any]:
        """For JSON: dates as ISO text, the path and the distribution as lists of records."""

        def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
            dates = {"date": frame["date"].dt.strftime("%Y-%m-%d")} if "date" in frame else {}
            return frame.assign(**dates).to_dict("records")  # type: ignore[return-value]

        return {
            **{name: _plain(value) for name, value in self.row.items()},
            "unit": self.unit.value,
            "silence": self.silence,
            "mean_gap": self.rhythm,
            "formula_purchases": self.formula_purchases,
            "value_quantiles": self.values and {f"{level:g}": value for level, value in self.values.items()},
            "history": records(self.history),
            "p_alive_path": records(self.path),
            "purchases_distribution": records(self.outcomes),
        }


def customer_card(forecast: Predictions, customer_id: Any) -> CustomerCard:
    """The card of one customer.

    Parameters
    ----------
    forecast
        Predictions of a summary that holds its purchases.
    customer_id
        As in the input; a number may be given as text.

    Raises
    ------
    InputError
        When there is no such customer; the ids most like it are named.

    Examples
    --------
    >>> import clvmodels as clv
    >>> summary = clv.summarize("cdnow-sample")
    >>> card = customer_card(clv.predict(clv.fit("bgnbd", summary), summary), "111")
    >>> len(card.history), round(float(card.silence), 1), card.path["p_alive"].round(2).tolist()[-1]
    (16, 1.4, 0.95)
    """
    return customer_cards(forecast, [customer_id])[0]


def customer_cards(forecast: Predictions, customer_ids: Sequence[Any]) -> tuple[CustomerCard, ...]:
    """The cards of a few customers, in the order asked for."""
    ids = forecast.frame["customer_id"]
    texts = ids if isinstance(ids.dtype, pd.StringDtype) else ids.astype(str)
    places = [_place(texts, str(asked)) for asked in customer_ids]
    history = forecast.summary.history(list(ids.iloc[places])).groupby("customer_id", sort=False)
    return tuple(
        _card(forecast, place, history.get_group(ids.iloc[place]).drop(columns="customer_id").reset_index(drop=True))
        for place in places
    )


def _place(ids: pd.Series[str], asked: str) -> int:
    """Where a customer stands among the ids."""
    found = np.flatnonzero((ids == asked).to_numpy())
    if found.size == 0:
        raise InputError(
            f"there is no customer {asked!r} among {len(ids):,}.{_like(ids, asked)} "
            "Ids are compared as text, capitals and leading zeros included."
        )
    return int(found[0])


def _like(ids: pd.Series[str], asked: str) -> str:
    """The ids that somebody may have meant: alike but for capitals and zeros, else the nearest by spelling."""
    bare = ids.str.strip().str.lower().str.lstrip("0")
    same = ids[bare == asked.strip().lower().lstrip("0")]
    near = list(same.head(3)) or difflib.get_close_matches(asked, list(ids.head(SEARCHED)), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(near)}?" if near else f" The first ids are {', '.join(ids.head(3))}."


def _card(forecast: Predictions, place: int, history: pd.DataFrame) -> CustomerCard:
    unit, summary = forecast.unit, forecast.summary
    row = {str(name): value for name, value in forecast.frame.iloc[place].items()}
    days = (history["date"] - history["date"].iloc[0]).dt.days.to_numpy(float)
    path = _path(forecast, history["date"].iloc[0], days, (pd.Timestamp(summary.until) - history["date"].iloc[0]).days)
    values = None
    if (one := forecast.portfolio.some(np.array([place])).values) is not None:
        amounts = np.asarray(one.quantile(LEVELS), float).ravel() * forecast.margin
        values = dict(zip(LEVELS, map(float, amounts), strict=True))
    x, t_x, T = (float(row[name]) for name in ("frequency", "recency", "T"))
    return CustomerCard(
        row=row,
        history=history,
        path=path,
        outcomes=_outcomes(forecast.purchase_outcomes.some(np.array([place]))),
        values=values,
        silence=T - t_x,
        rhythm=t_x / x if x else None,
        formula_purchases=float(formula_orders(forecast.summary.frame.iloc[[place]], forecast)[0]),
        unit=unit,
    )


def formula_orders(known: pd.DataFrame, forecast: Predictions) -> Array:
    """Purchases by the formula of some rows of the summary's frame: (x + 1)/T × horizon, T at least 13 weeks."""
    from clvmodels.formula import SHORTEST_OBSERVATION_DAYS

    unit = forecast.unit
    observed = np.maximum(known["T"].to_numpy(float), unit.from_days(SHORTEST_OBSERVATION_DAYS))
    return np.asarray((known["frequency"].to_numpy(float) + 1) * forecast.horizon.length(unit) / observed)


def _path(forecast: Predictions, first: pd.Timestamp, days: Array, last: int) -> pd.DataFrame:
    """P(alive) after the days that a picture of the path needs."""
    step = max(1, -(-last // POINTS))
    wanted = np.concatenate([np.arange(0, last + 1, step), days, days[1:] - 1, [last]])
    at = np.unique(wanted[(wanted >= 0) & (wanted <= last)])
    so_far = np.searchsorted(days, at, side="right")
    unit = float(forecast.unit.days)
    known = PurchaseOutcomes(forecast.purchase_outcomes.model, 1.0, so_far - 1.0, days[so_far - 1] / unit, at / unit)
    return pd.DataFrame({"date": first + pd.to_timedelta(at, unit="D"), "purchases": so_far, "p_alive": known.p_alive})


def _outcomes(one: PurchaseOutcomes) -> pd.DataFrame:
    """The probability of 0, 1, 2 … purchases; the last row is "or more"."""
    last = int(np.clip(np.max(one.quantile([LAST])), 4, MOST_COUNTS))
    n = np.arange(last + 1)
    chances = np.array([float(one.pmf(k)[0]) for k in n[:-1]])
    return pd.DataFrame(
        {"purchases": n, "probability": np.append(chances, max(1 - chances.sum(), 0.0)), "more": n == last}
    )


def telling(frame: pd.DataFrame) -> dict[str, Any]:
    """A handful of customers worth a look, by why: a reason's name → the customer's id; nobody twice.

    ``highest``: expects the most; ``at_risk``: most value (or purchases) times the probability of no purchase;
    ``overrated``: the formula expects most more than the model; ``silent``: least likely alive of those who came often.
    Customers who tie are taken in the order of the rows.
    """
    money = "value" in frame
    value = frame["value" if money else "expected_purchases"].to_numpy(float)
    often = frame["frequency"].to_numpy(float) >= 3
    scores = {
        "highest": value,
        "at_risk": value * (1 - frame["p_active"].to_numpy(float)),
        "overrated": frame["formula_value"].to_numpy(float) - value if money else None,
        "silent": np.where(often, 1 - frame["p_alive"].to_numpy(float), -1.0) if often.any() else None,
    }
    chosen: dict[str, int] = {}
    for reason, score in scores.items():
        if score is not None and len(chosen) < len(frame):
            free = score.copy()
            free[list(chosen.values())] = -np.inf
            chosen[reason] = int(np.argmax(free))
    return {reason: frame["customer_id"].iloc[place] for reason, place in chosen.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
