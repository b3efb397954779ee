"""Do models and formulas, at published parameters, miss the holdout of CDNOW by as much as the literature has it?

Nothing is fitted here but where it says so. Errors are those of the mean, 39 weeks after 39 weeks.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import metrics
from clvmodels.models import BGNBD, GammaGamma, ParetoNBD

BG = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)  # Fader, Hardie & Lee (2005), table 2: both
PARETO = ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
SPEND = GammaGamma(p=6.25, q=3.74, v=15.44)  # Fader & Hardie (2013), note 025
Array = np.ndarray


@dataclass(frozen=True)
class Log:
    """Who bought what until the cut-off, and after it."""

    x: Array
    t_x: Array
    T: Array
    repeats: Array
    """Mean value of the repeat purchases; NaN without."""
    everything: Array
    """Sum of the values, first purchase included."""
    purchases: Array
    value: Array
    weeks: float

    @property
    def known(self) -> tuple[Array, Array, Array]:
        return self.x, self.t_x, self.T


def read(source: str, calibration_end: str = "1997-09-30") -> Log:
    calibration, holdout = clv.split(source, calibration_end=calibration_end, holdout_end="1998-06-30")
    frame = calibration.frame
    after = holdout.frame.set_index("customer_id").loc[frame["customer_id"]]
    columns = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T", "monetary_value", "value_past"))
    later = (after[name].to_numpy(float) for name in ("purchases", "value"))
    return Log(*columns, *later, holdout.horizon.length(calibration.unit))


@pytest.fixture(scope="module")
def sample() -> Log:
    return read("cdnow-sample")


@pytest.fixture(scope="module")
def master() -> Log:
    return read("cdnow")


def purchases_of(log: Log) -> dict[str, Array]:
    return {
        "BG/NBD": BG.expected_purchases(39, *log.known),
        "Pareto/NBD": PARETO.expected_purchases(39, *log.known),
        "x/T": log.x / log.T * 39,
        "(x+1)/T": (log.x + 1) / log.T * 39,
    }


def values_of(log: Log) -> dict[str, Array]:
    expected, again = BG.expected_purchases(39, *log.known), log.x > 0
    repeats = np.where(again, log.repeats, 0.0)
    order = log.everything / (log.x + 1)
    return {
        "BG/NBD × Gamma-Gamma": expected * SPEND.expected_spend(log.x, repeats),
        "BG/NBD × own mean": expected * np.where(again, repeats, log.everything),  # of one-time buyers: their order
        "AOV x/T": order * log.x / log.T * 39,
        "AOV (x+1)/T": order * (log.x + 1) / log.T * 39,
        "the same for all": np.full(log.x.size, order.mean() * (log.x + 1).sum() / log.T.sum() * 39),
    }


# Total error, mean absolute and root mean squared error, and for purchases Pearson's correlation.
PURCHASES = {
    "sample": {
        "BG/NBD": (-0.121, 0.786, 1.608, 0.626),
        "Pareto/NBD": (-0.115, 0.755, 1.603, 0.630),
        "x/T": (0.557, 1.024, 2.212, 0.584),
        "(x+1)/T": (2.065, 1.922, 2.723, 0.585),
    },
    "master": {
        "BG/NBD": (-0.158, 0.815, 1.737, 0.668),
        "Pareto/NBD": (-0.150, 0.787, 1.728, 0.670),
        "x/T": (0.474, 1.038, 2.158, 0.651),
        "(x+1)/T": (1.916, 1.909, 2.660, 0.650),
    },
}
VALUES = {
    "sample": {
        "BG/NBD × Gamma-Gamma": (-0.155, 30.42, 72.30),
        "BG/NBD × own mean": (-0.175, 30.05, 72.69),
        "AOV x/T": (0.628, 43.46, 199.23),
        "AOV (x+1)/T": (1.930, 73.03, 219.19),
        "the same for all": (1.639, 79.46, 99.74),
    },
    "master": {
        "BG/NBD × Gamma-Gamma": (-0.192, 32.45, 93.07),
        "BG/NBD × own mean": (-0.208, 32.07, 93.21),
        "AOV x/T": (0.456, 42.36, 132.67),
        "AOV (x+1)/T": (1.656, 71.43, 154.06),
    },
}


@pytest.mark.parametrize("name", PURCHASES)
def test_errors_of_purchases(name: str, request: pytest.FixtureRequest) -> None:
    log: Log = request.getfixturevalue(name)
    predicted = purchases_of(log)
    for predictor, (total, absolute, squared, pearson) in PURCHASES[name].items():
        one = predicted[predictor]
        assert metrics.total_error(one, log.purchases) == pytest.approx(total, abs=6e-4), predictor
        assert metrics.mae(one, log.purchases) == pytest.approx(absolute, abs=6e-4), predictor
        assert metrics.rmse(one, log.purchases) == pytest.approx(squared, abs=6e-4), predictor
        assert np.corrcoef(one, log.purchases)[0, 1] == pytest.approx(pearson, abs=6e-4), predictor


@pytest.mark.parametrize("name", VALUES)
def test_errors_of_value(name: str, request: pytest.FixtureRequest) -> None:
    log: Log = request.getfixturevalue(name)
    predicted = values_of(log)
    for predictor, (total, absolute, squared) in VALUES[name].items():
        one = predicted[predictor]
        assert metrics.total_error(one, log.value) == pytest.approx(total, abs=6e-4), predictor
        assert metrics.mae(one, log.value) == pytest.approx(absolute, abs=6e-3), predictor
        assert metrics.rmse(one, log.value) == pytest.approx(squared, abs=6e-3), predictor


def test_the_models_agree_on_customers(sample: Log) -> None:
    """Table 3 of the 2005 paper: the two models' expectations correlate by .996."""
    both = [model.expected_purchases(39, *sample.known) for model in (BG, PARETO)]
    assert np.corrcoef(*both)[0, 1] == pytest.approx(0.996, abs=6e-4)


def test_histogram_of_the_calibration(sample: Log) -> None:
    """The same paper: χ² with three degrees of freedom is 4.82 of BG/NBD, 11.99 of Pareto/NBD; 0 … 6 and 7+."""
    actual = np.bincount(np.minimum(sample.x, 7).astype(int))
    for model, chi_square in ((BG, 4.82), (PARETO, 11.99)):
        expected = [float(model.pmf(n, sample.T, 0, 0, 0).sum()) for n in range(7)]
        expected.append(sample.T.size - sum(expected))
        assert np.sum((actual - expected) ** 2 / expected) == pytest.approx(chi_square, abs=6e-3)


@pytest.mark.parametrize(
    ("model", "total", "both", "alone"), [(BG, 4166, -0.0398, -0.113), (PARETO, 4269, -0.016, -0.073)]
)
def test_tracking(model: BGNBD | ParetoNBD, total: float, both: float, alone: float, sample: Log) -> None:
    """To week 78 the models are 4 % and 2 % too low, but that counts the calibration; the holdout alone is worse."""
    before, after = (float(model.expected_purchases(sample.T + more, 0, 0, 0).sum()) for more in (0, 39))
    assert after == pytest.approx(total, abs=1)
    assert after / (2457 + 1882) - 1 == pytest.approx(both, abs=6e-4)
    assert (after - before) / 1882 - 1 == pytest.approx(alone, abs=6e-4)


def test_repeat_purchases_by_the_week(sample: Log) -> None:
    """BTYD's vignette, weeks 20 to 25 by Pareto/NBD; its weeks end a day later than ours."""
    ends = [
        PARETO.expected_purchases(np.maximum(sample.T - 39 + 1 / 7 + week, 0), 0, 0, 0).sum() for week in range(19, 26)
    ]
    np.testing.assert_allclose(np.diff(ends), [78.3, 76.4, 74.6, 73.0, 71.4, 69.9], atol=0.06)


def test_one_time_buyers_and_those_of_three_repeats(sample: Log) -> None:
    """One-time buyers bring 18 % of the holdout; a point forecast hides how differently those with x = 3 go on."""
    once, three = sample.x == 0, sample.x == 3
    assert sample.purchases[once].sum() == 334
    assert sample.purchases[once].sum() / 1882 == pytest.approx(0.18, abs=5e-3)
    assert (sample.purchases[three].min(), sample.purchases[three].max()) == (0, 10)
    for model, zero, low, high, mean in ((BG, 0.23, 0.04, 2.57, 1.52), (PARETO, 0.14, 0.09, 2.84, 1.71)):
        expected = model.expected_purchases(39, *sample.known)
        assert expected[once].mean() == pytest.approx(zero, abs=6e-3)
        found = expected[three].min(), expected[three].max(), expected[three].mean()
        assert found == pytest.approx((low, high, mean), abs=1.5e-2)


def test_spend_of_repeat_buyers(sample: Log) -> None:
    """The summary table of Fader, Hardie & Lee (2005, JMR), and lifetimes' correlation of frequency and spend."""
    spent = sample.repeats[sample.x > 0]
    rounded = [spent.mean(), spent.std(ddof=1), spent.min(), np.median(spent), spent.max()]
    assert [round(float(number)) for number in rounded] == [35, 30, 3, 27, 300]
    assert np.corrcoef(sample.x[sample.x > 0], spent)[0, 1] == pytest.approx(0.113884, abs=1e-5)


def test_twelve_months_of_lifetimes_are_months_of_thirty_weeks(sample: Log) -> None:
    """Its documentation's CLV of ten customers at 1 % a month: the default month has 30 units of time, here weeks."""
    spec = importlib.util.find_spec("lifetimes")
    assert spec is not None
    assert spec.origin is not None
    table = pd.read_csv(Path(spec.origin).parent / "datasets" / "cdnow_customers_summary_with_transactions.csv")
    x, t_x, T, mean = (table[name].to_numpy(float)[:10] for name in ("x", "t_x", "T", "zbar"))
    calibration = clv.split("cdnow-sample").calibration
    purchases, spend = (clv.fit(family, calibration).model for family in (BGNBD, GammaGamma))
    until = np.stack([purchases.expected_purchases(30.0 * month, x, t_x, T) for month in range(13)])
    found = (np.diff(until, axis=0) / 1.01 ** np.arange(1, 13)[:, None]).sum(axis=0) * spend.expected_spend(x, mean)
    printed = [140.10, 18.94, 38.18, 38.18, 38.18, 1003.87, 28.11, 38.18, 167.42, 38.18]
    np.testing.assert_allclose(found, printed, rtol=1e-3)


def test_pareto_nbd_of_78_weeks() -> None:
    """Fitted: the estimates behind BTYD's discounted expectations."""
    fit = clv.fit(ParetoNBD, clv.summarize("cdnow-sample", until="1998-06-30"))
    found = {"r": 0.5629966, "alpha": 12.5590370, "s": 0.4081095, "beta": 10.5148048}
    assert fit.parameters == pytest.approx(found, rel=1e-4)


def test_who_comes_back_in_half_a_year() -> None:
    """Fitted to the master's 1997: P(alive) of BG/NBD calls one-time buyers active for ever (colinhuliselan on GitHub).

    By the chance to return, P(alive), its area under the curve and log loss; and the silence that tells best.
    """
    log = read("cdnow", "1997-12-31")
    active = log.purchases > 0
    assert np.mean(~active) == pytest.approx(0.7720, abs=6e-5)
    published = {"bgnbd": (0.8206, 0.3143, 0.7882, 0.4244), "pareto_nbd": (0.8194, 0.7805, 0.7998, 0.4208)}
    calibration = clv.split("cdnow", calibration_end="1997-12-31", holdout_end="1998-06-30").calibration
    for name, (returns, alive, area, loss) in published.items():
        model = clv.fit(name, calibration).model
        chance = model.p_active(log.weeks, *log.known)
        assert np.mean((chance > 0.5) == active) == pytest.approx(returns, abs=1e-4)
        assert np.mean((model.p_alive(*log.known) > 0.5) == active) == pytest.approx(alive, abs=1e-4)
        assert metrics.auc_active(chance, log.purchases) == pytest.approx(area, abs=1e-4)
        assert -np.mean(np.log(np.where(active, chance, 1 - chance))) == pytest.approx(loss, abs=1e-4)
    silent = np.round(7 * (log.T - log.t_x))
    best = max(float(np.mean((silent <= days) == active)) for days in range(30, 150))
    assert best == pytest.approx(0.8097, abs=1e-4)  # 81 days there
