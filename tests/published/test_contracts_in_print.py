"""Does BG/BB, of customers who take every opportunity while they are there, project contracts as the literature does?

With a chance to buy of 1 a purchase is a renewal, and BG/BB the shifted-beta-geometric model of Fader & Hardie (2007),
How to Project Customer Retention, Journal of Interactive Marketing 21(1), 76–90, with γ and δ as its α and β.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from clvmodels.models import BGBB

# Per cent of 1,000 customers who are left after 1, 2, … 12 years; seven are seen, five foretold.
REGULAR = [63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3]
HIGH_END = [86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4]
SEEN = 7


def renewing(gamma: float, delta: float) -> BGBB:
    """Who is there renews: a chance to buy of 1 − 1e-12."""
    return BGBB(alpha=1e6, beta=1e-6, gamma=gamma, delta=delta)


def log_likelihood(model: BGBB, survival: list[float]) -> float:
    """Of 1,000 customers: who left in year t renewed t − 1 times, and was silent from then on."""
    left = -np.diff([1000.0, *(10 * share for share in survival[:SEEN])])
    renewals = np.arange(SEEN + 1.0)
    each = model.log_likelihood(renewals, renewals, np.full(SEEN + 1, float(SEEN)))
    return float(each @ [*left, 10 * survival[SEEN - 1]])


@pytest.mark.parametrize(
    ("survival", "alpha", "beta", "maximum", "in_twelve_years"),
    [(REGULAR, 0.704, 1.182, -1680.3, 0.170), (HIGH_END, 0.668, 3.806, -1611.2, 0.378)],
)
def test_projection(survival: list[float], alpha: float, beta: float, maximum: float, in_twelve_years: float) -> None:
    def loss(logs: np.ndarray) -> float:
        return -log_likelihood(renewing(*np.exp(logs)), survival)

    found = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8})
    assert -found.fun == pytest.approx(maximum, abs=0.06)
    model = renewing(*np.exp(found.x))
    assert (model.gamma, model.delta) == pytest.approx((alpha, beta), abs=6e-4)
    renewals = model.expected_purchases(np.arange(1, 13), 0, 0, 0)  # the sum of the survival up to then
    left = np.diff(renewals, prepend=0.0)
    assert left[11] == pytest.approx(in_twelve_years, abs=6e-4)
    np.testing.assert_allclose(left[:SEEN], np.array(survival[:SEEN]) / 100, atol=0.02)


def test_residual_lifetime() -> None:
    """High End at 10 % a year: payments of a new customer, the first included, and of one who has renewed four times.

    BTYD's sBG example, at an estimate of which the paper prints three digits: hence the tolerance.
    """
    model, rate = renewing(0.668, 3.806), np.log(1.1)
    assert 1 + float(model.discounted_purchases(400, 0, 0, 0, delta=rate)) == pytest.approx(5.920551, rel=1e-3)
    due = float(model.discounted_purchases(400, 4, 4, 4, delta=rate)) * 1.1  # the fifth renewal counts in full
    assert due == pytest.approx(6.893253, rel=1e-3)
