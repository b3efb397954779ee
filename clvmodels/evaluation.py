"""Was the model any good, and was it better than the formula? Metrics, paired bootstrap, verdicts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from clvmodels.comparison import compare
from clvmodels.elsewhere import read_predictions
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.formula import FORMULAS, predict_by_formula
from clvmodels.judging import Bench, Predictor, Quantity
from clvmodels.metrics import empty_parts
from clvmodels.prediction import Predictions
from clvmodels.summary import Holdout
from clvmodels.twins import knows_too_much, twin_auc, twins_of
from clvmodels.verdict import headline

Array = NDArray[np.float64]
Others = Mapping[str, "tuple[ArrayLike | None, ArrayLike | None]"]
"""Name → purchases and value, one number per customer; None for what is not predicted."""

FEWEST_RESAMPLES = 20


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The model and every variant of the formula, judged on the same holdout.

    All limits are of the sampling of customers: another set of customers like these, with the fit and the holdout
    period held fixed. Another period may differ by more; that is what several cut-offs are for. With all of CDNOW as
    the world and samples of 2,357 as the data, the simultaneous limits of everything but the RMSE hold jointly in
    94 % of samples, and a verdict is wrong in 2 %. The RMSE rests on a few very large customers, whom a sample may
    miss altogether: its limits are too narrow (they hold in 80 %), which no resampling of the sample can tell.
    """

    metrics: pd.DataFrame
    """predictor, quantity, metric, value, lower, upper: 95 % limits, each row by itself."""
    comparison: pd.DataFrame
    """quantity, metric, model, formula, difference, lower, upper, verdict: 95 % limits that hold for all rows at once.

    difference = model − formula (of |total_error| for that metric); verdict says what it means for the model:
    "better", "worse" or "no evidence".
    """
    customers: pd.DataFrame
    """customer_id, and for each quantity ``actual_purchases``, ``purchases_<predictor>`` … (``actual_value`` …)."""
    models: dict[str, str]
    """Quantity → the model's name as a predictor, e.g. {"purchases": "bgnbd", "value": "bgnbd+gamma_gamma"}."""
    skipped: pd.DataFrame
    """predictor, quantity, parts: how many of the ten parts had no actual, and are left out of decile_mape."""
    ranges: Mapping[Quantity, tuple[Array, Array]]
    """Quantity → the model's F(y−) and F(y) at what each customer did, in the order of ``customers``."""
    n_resamples: int
    seed: int

    def headline(self) -> list[str]:
        """Sentences that say where the formula wins as plainly as where it loses, with numbers and limits."""
        return headline(self.metrics, self.comparison, self.models)

    def actual(self, quantity: Quantity) -> Array:
        """What each customer did in the holdout, in the order of ``customers``."""
        return self.customers[f"actual_{quantity}"].to_numpy(float)

    def predicted(self, quantity: Quantity, predictor: str | None = None) -> Array:
        """A predictor's mean for each customer, in the order of ``customers``; the model's by default."""
        return self.customers[f"{quantity}_{predictor or self.models[quantity]}"].to_numpy(float)


def evaluate(
    forecast: Predictions,
    holdout: Holdout,
    *,
    others: Others | None = None,
    predictions: Any = None,
    missing: str = "refuse",
    resamples: int = 500,
    seed: int = 0,
) -> Evaluation:
    """Judge a forecast made from the calibration period by what the holdout brought, beside the formula.

    Purchases are purchase days; value is revenue (margin 1, undiscounted), whatever the forecast's margin and discount
    rate. ``clvmodels.metrics`` says what the metrics are; differences come from a paired bootstrap over customers.

    Parameters
    ----------
    forecast
        Predictions of the calibration customers for the holdout's days: ``horizon=holdout.horizon``.
    holdout
        The other side of the same split.
    others
        Further rivals: name → (purchases or None, value or None), in the order of ``forecast.summary.frame``.
    predictions, missing
        Rivals in a CSV or Parquet file or a table, made elsewhere: see :func:`clvmodels.elsewhere.read_predictions`.
    resamples, seed
        Bootstrap resamples of the customers, at least 20.

    Raises
    ------
    InputError
        When the two do not match in days or customers, or ``others`` or ``predictions`` do not match them.

    Warns
    -----
    DiagnosticWarning
        When one of the others tells customers apart whom only the future can: it has seen the holdout.
    """
    _check(forecast, holdout, resamples)
    known = forecast.summary
    brought = dict(others or {})
    if predictions is not None:
        elsewhere = read_predictions(predictions, missing=missing)
        said = elsewhere.at(known.until, known.frame["customer_id"], has_value=known.has_value)
        if both := [name for name in said if name in brought]:
            raise InputError(f"{both[0]!r} is in others and in {elsewhere.source}. Give one of them another name.")
        brought |= said
    benches = benches_of(forecast, holdout, others=brought)
    _warn_of_leaks(forecast, benches, brought)
    metrics, comparison = compare(benches, resamples=resamples, seed=seed)
    return Evaluation(
        metrics=metrics,
        comparison=comparison,
        customers=_customer_table(forecast, benches),
        models={bench.quantity: bench.model for bench in benches},
        skipped=_skipped_table(benches),
        ranges={bench.quantity: bench.predictors[0].range for bench in benches},
        n_resamples=resamples,
        seed=seed,
    )


# ------------------------------------------------------------------------------------------------------------ input


def _check(forecast: Predictions, holdout: Holdout, resamples: int) -> None:
    """Refuse a forecast and a holdout that do not belong together, with all reasons at once."""
    problems = []
    if forecast.horizon != holdout.horizon:
        problems.append(
            f"the forecast is for {forecast.horizon}, the holdout is {holdout.horizon}. "
            "Totals over different days cannot be compared. Predict with horizon=holdout.horizon."
        )
    mine, theirs = forecast.summary.frame["customer_id"], holdout.frame["customer_id"]
    for one, other, where in ((mine, theirs, "forecast"), (theirs, mine, "holdout")):
        alone = one[~one.isin(other)]
        if len(alone):
            problems.append(
                f"{len(alone):,} of {len(one):,} customers {_are(alone)} in the {where} only (first: {alone.iloc[0]}). "
                "Every customer is judged on both sides. Use the two sides of one split."
            )
    if len(twice := theirs[theirs.duplicated()]):
        problems.append(
            f"{len(twice):,} of {len(theirs):,} customers {_are(twice)} in the holdout more than once "
            f"(first: {twice.iloc[0]}). Use the two sides of one split."
        )
    if resamples < FEWEST_RESAMPLES:
        problems.append(
            f"resamples is {resamples}. 95 % limits need at least {FEWEST_RESAMPLES} resamples; the default is 500."
        )
    if problems:
        raise InputError("the forecast cannot be evaluated", problems)


def _warn_of_leaks(forecast: Predictions, benches: Sequence[Bench], brought: Others) -> None:
    """Tell of predictions made elsewhere that know what no history tells."""
    if not brought:
        return
    twins = twins_of(forecast.summary)
    for bench in benches:
        for one in bench.predictors:
            if one.name not in brought:
                continue
            caught, evidence = knows_too_much(*twin_auc(one.mean, bench.actual, twins))
            if caught:
                warnings.warn(
                    f"{one.name} seems to have seen the holdout: {evidence}. Its scores are no forecast's.",
                    DiagnosticWarning,
                    stacklevel=3,
                )


def _are(some: Sized) -> str:
    return "is" if len(some) == 1 else "are"


def benches_of(forecast: Predictions, holdout: Holdout, *, others: Others | None = None) -> list[Bench]:
    """For each quantity the actual of each customer, the model, the formula's variants and the others."""
    customers = forecast.summary.frame["customer_id"]
    realised = holdout.of(customers)
    actual = realised["purchases"].to_numpy(float)
    model = forecast.purchases.model.name
    models = [Predictor.of_purchases(model, forecast.purchase_outcomes, actual)]
    actuals = [actual]
    if forecast.spend is not None and "value" in realised:
        actual = realised["value"].to_numpy(float)
        name = f"{model}+{forecast.spend.model.name}"
        models.append(Predictor.of_value(name, forecast.value_outcomes, actual))
        actuals.append(actual)
    rivals: dict[str, tuple[Array | None, Array | None]] = {
        name: (variant.purchases, variant.value)
        for name, variant in predict_by_formula(forecast.summary, forecast.horizon).items()
    }
    rivals |= _checked(others or {}, {*FORMULAS, *(one.name for one in models)}, len(customers))
    benches = []
    quantities: tuple[Quantity, Quantity] = ("purchases", "value")
    for column, (quantity, one, actual) in enumerate(zip(quantities, models, actuals, strict=False)):
        points = [
            Predictor.point(name, prediction, actual)
            for name, predictions in rivals.items()
            if (prediction := predictions[column]) is not None
        ]
        benches.append(Bench(quantity, actual, (one, *points)))
    return benches


def _checked(others: Others, taken: set[str], customers: int) -> dict[str, tuple[Array | None, Array | None]]:
    """Other rivals as arrays, one finite number per customer."""
    problems = []
    arrays: dict[str, tuple[Array | None, Array | None]] = {}
    for name, (purchases, value) in others.items():
        if name in taken:
            problems.append(f"{name!r} is a predictor already. Give it another name.")
        columns = [None if one is None else np.asarray(one, float) for one in (purchases, value)]
        both = (columns[0], columns[1])
        for array, quantity in zip(both, ("purchases", "value"), strict=True):
            if array is None:
                continue
            if array.shape != (customers,):
                problems.append(
                    f"{name!r} has {quantity} of shape {array.shape} for {customers:,} customers. "
                    "Give one number per customer, in the order of forecast.summary.frame."
                )
            elif missing := int((~np.isfinite(array)).sum()):
                problems.append(
                    f"{name!r} has {missing:,} missing or infinite {quantity} "
                    f"(first: row {int(np.argmin(np.isfinite(array)))}). Predict 0 where nothing is expected."
                )
        arrays[name] = both
    if problems:
        raise InputError("other predictors cannot be evaluated", problems)
    return arrays


# ----------------------------------------------------------------------------------------------------------- tables


def _customer_table(forecast: Predictions, benches: Sequence[Bench]) -> pd.DataFrame:
    columns = {"customer_id": forecast.summary.frame["customer_id"].array}
    for bench in benches:
        columns[f"actual_{bench.quantity}"] = bench.actual
        columns |= {f"{bench.quantity}_{one.name}": one.mean for one in bench.predictors}
    return pd.DataFrame(columns)


def _skipped_table(benches: Sequence[Bench]) -> pd.DataFrame:
    rows = [
        (one.name, bench.quantity, empty_parts(one.mean, bench.actual)) for bench in benches for one in bench.predictors
    ]
    return pd.DataFrame(rows, columns=["predictor", "quantity", "parts"])
