"""BG/NBD's log-likelihood summed over patterns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, TypeAlias

import numpy as np
import pandas as pd
from scipy import special

from clvmodels.fitting.objective import BLOCK, SIDE_BY_SIDE, Limit, Value
from clvmodels.models import BGNBD, Family
from clvmodels.models.arrays import Array

Index: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]

TOGETHER = 1 << 20
"""Patterns × draws handed to a thread at a time."""


class BGNBDObjective:
    """η = (log r, log r/α, log(a + b), logit a/(a + b)): heterogeneity and mean of the rate, then of dropout."""

    family: ClassVar[type[Family]] = BGNBD
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(0, 1, np.log(1e3)),  # everybody buys at the same rate
        Limit(2, 1, np.log(1e3)),  # everybody has the same dropout probability
        Limit(2, -1, np.log(1e3)),  # some leave at once, the others never
        Limit(3, -1, np.log(1e4), mutes=(2,)),  # nobody leaves
        Limit(3, 1, np.log(1e4), mutes=(2,)),  # everybody leaves at the first repeat purchase
    )

    def __init__(self, x: Array, t_x: Array, T: Array, n: Array, *, scale: float | None = None) -> None:
        n = np.asarray(n, float)
        self.scale = scale if scale is not None else float(n @ T) / float(n.sum())
        self._rows = (x, t_x, T, n)
        self.n_customers, self.n_patterns, self.n_per_draw = int(n.sum()), x.size, x.size
        counts = x.astype(np.intp)
        self._more_than = n.sum() - np.cumsum(np.bincount(counts, n))[:-1]  # customers with more than j repeats
        self._purchases = float(n @ x)
        lengths, where = _distinct(T)
        self._T = lengths / self.scale
        self._n_at, self._x_at = np.bincount(where, n), np.bincount(where, n * x)
        again = np.flatnonzero(counts)
        self._where_T, (last, self._where_t) = where[again], _distinct(t_x[again])
        self._t = last / self.scale
        self._x, self._count, self._n = counts[again], x[again].astype(float), n[again]

    def thinned(self, step: int) -> BGNBDObjective:
        """Every ``step``-th pattern; they come sorted, so this is a systematic sample."""
        return BGNBDObjective(*(column[step // 2 :: step] for column in self._rows), scale=self.scale)

    def shift(self) -> float:
        """The likelihood is a density of x times: dt = scale · dτ."""
        return -self._purchases * float(np.log(self.scale))

    def log_parameters(self, eta: Array) -> Array:
        """log (r, alpha, a, b)."""
        return np.array([0.0, np.log(self.scale), 0.0, 0.0]) + self._standardised(eta)

    @staticmethod
    def _standardised(eta: Array) -> Array:
        log_r, log_rate, log_size, logit = eta
        return np.array(
            [log_r, log_r - log_rate, log_size - np.logaddexp(0, -logit), log_size - np.logaddexp(0, logit)]
        )

    def log_jacobian(self, eta: Array) -> Array:
        """Derivative of log (r, alpha, a, b) by η."""
        share = special.expit(eta[3])
        return np.array([[1.0, 0, 0, 0], [1, -1, 0, 0], [0, 0, 1, 1 - share], [0, 0, 1, -share]])

    def starts(self) -> tuple[Array, ...]:
        """Around the crude purchase rate: much or little heterogeneity, in rate and in dropout."""
        rate = np.log(self._purchases / float(self._n_at @ self._T))
        return tuple(
            np.array([np.log(r), rate + np.log(factor), np.log(size), special.logit(share)])
            for r, factor, size, share in (
                (0.3, 1.8, 3.0, 0.25),
                (2.0, 1.2, 30.0, 0.05),
                (1.0, 4.0, 0.5, 0.5),
                (1.0, 1.2, 0.05, 0.1),
            )
        )

    def __call__(self, eta: Array) -> Value:
        """Log-likelihood, gradient and Hessian at η."""
        value, slope, bend = self._by_log_parameters(self._standardised(eta))
        J = self.log_jacobian(eta)
        bend = J.T @ bend @ J
        share = special.expit(eta[3])
        bend[3, 3] -= share * (1 - share) * (slope[2] + slope[3])
        return value, J.T @ slope, bend

    def rows(self) -> tuple[tuple[Array, ...], Array]:
        """x, t_x, T, and how many customers share them."""
        return self._rows[:3], self._rows[3]

    def values(self, etas: Array) -> Array:
        """Log-likelihood alone at many η, shape (draws, k), on two threads: NumPy works without Python's lock."""
        rows = max(1, min(-(-len(etas) // 2), TOGETHER // max(1, self.n_patterns)))
        with ThreadPoolExecutor(2) as pool:
            return np.concatenate(list(pool.map(self._values, np.split(etas, range(rows, len(etas), rows)))))

    def _values(self, etas: Array) -> Array:
        logs = self._standardised(etas.T)
        r, alpha, a, b = np.exp(logs)[:, :, None]
        j, table = np.arange(self._more_than.size), np.arange(max(self._more_than.size, 1))
        log_T, log_t = np.log1p(self._T / alpha), np.log1p(self._t / alpha)
        value = self._purchases * (logs[0] - logs[1]) - r[:, 0] * (log_T @ self._n_at) - log_T @ self._x_at
        value += (np.log1p(j / r) + np.log((b + j) / (a + b + j))) @ self._more_than
        log_odds = np.log(a / (b + table))
        step = max(1, SIDE_BY_SIDE // max(1, len(etas)))
        for start in range(0, self._x.size, step):
            block = slice(start, start + step)
            odds = np.take(log_T, self._where_T[block], axis=1)
            odds -= np.take(log_t, self._where_t[block], axis=1)
            odds *= self._count[block] + r
            odds += np.take(log_odds, self._x[block] - 1, axis=1)
            beyond = odds.max() - 700
            if beyond > 0:  # e⁷⁰⁰ is the last power of ten but a few
                value += np.maximum(odds - 700, 0) @ self._n[block]
                np.minimum(odds, 700, out=odds)
            np.exp(odds, out=odds)
            odds += 1
            value += np.log(odds, out=odds) @ self._n[block]
        return np.asarray(value)

    def _by_log_parameters(self, log_parameters: Array) -> Value:
        r, alpha, a, b = np.exp(log_parameters)
        value, slope, bend = self._counts(r, a, b)
        by_time = self._lengths(r, alpha)
        value += self._purchases * float(log_parameters[0] - log_parameters[1]) + by_time[0]
        slope += by_time[1] + self._purchases * np.array([1.0, -1, 0, 0])
        bend += by_time[2]
        dropped = self._dropouts(r, alpha, a, b)
        return value + dropped[0], slope + dropped[1], bend + dropped[2]

    def _counts(self, r: float, a: float, b: float) -> Value:
        """Σ ln Γ(r+x)/(Γ(r) rˣ) + ln B(a, b+x)/B(a, b), as a sum over j of what each (j+1)-th purchase adds."""
        j, n = np.arange(self._more_than.size, dtype=float), self._more_than
        stay, leave, start = (b + j) / (a + b + j), a / (a + b + j), b / (b + j)
        log_stay = np.where(leave > 0.5, np.log(stay), np.log1p(-np.minimum(leave, 0.5)))
        slope = np.array([-(j / (r + j)) @ n, 0.0, -leave @ n, (leave * start) @ n])
        bend = np.zeros((4, 4))
        bend[0, 0] = (r * j / (r + j) ** 2) @ n
        bend[2, 2] = -(leave * stay) @ n
        bend[2, 3] = bend[3, 2] = (leave * b / (a + b + j)) @ n
        bend[3, 3] = (leave * start * (j / (b + j) - b / (a + b + j))) @ n
        return float((np.log1p(j / r) + log_stay) @ n), slope, bend

    def _lengths(self, r: float, alpha: float) -> Value:
        """−Σ (r + x) ln(1 + T/α)."""
        z, part = np.log1p(self._T / alpha), self._T / (alpha + self._T)
        weight = r * self._n_at + self._x_at
        none, some = r * float(self._n_at @ z), r * float(self._n_at @ part)
        slope, bend = np.zeros(4), np.zeros((4, 4))
        slope[:2] = -none, weight @ part
        bend[0, 0], bend[1, 1] = -none, -weight @ (part * (1 - part))
        bend[0, 1] = bend[1, 0] = some
        return -float(weight @ z), slope, bend

    def _dropouts(self, r: float, alpha: float, a: float, b: float) -> Value:
        """−Σ ln P(alive) of repeat buyers: ln(1 + odds), log odds = ln a/(b+x−1) + (r+x) ln((α+T)/(α+t_x))."""
        table = np.arange(self._more_than.size, dtype=float)  # x − 1
        log_odds, share = np.log(a / (b + table)), b / (b + table)
        log_T, log_t = np.log1p(self._T / alpha), np.log1p(self._t / alpha)
        part_T, part_t = self._T / (alpha + self._T), self._t / (alpha + self._t)
        value, sums, curvature, products = 0.0, np.zeros(4), np.zeros(3), np.zeros((4, 4))
        for start in range(0, self._x.size, BLOCK):
            block = slice(start, start + BLOCK)
            T, t, x, n = self._where_T[block], self._where_t[block], self._x[block] - 1, self._n[block]
            weight = self._count[block] + r
            rows = np.empty((4, x.size))  # derivatives of the log odds by log r (over r), alpha, a, b (negative)
            np.subtract(log_T[T], log_t[t], out=rows[0])
            gone, since = part_T[T], part_t[t]
            gap = since - gone
            np.multiply(weight, gap, out=rows[1])
            rows[2] = 1
            rows[3] = share[x]
            odds = weight * rows[0]
            odds += log_odds[x]
            capped = np.exp(np.minimum(odds, 700))
            total = 1 + capped
            value += float(n @ np.log(total))
            if odds.max() > 700:  # e⁷⁰⁰ is the last power of ten but a few
                value += float(n @ np.maximum(odds - 700, 0))
            dead = n * (capped / total)
            sums += rows @ dead
            curvature += (gap @ dead, (rows[1] * (gone + since - 1)) @ dead, (rows[3] * rows[3]) @ dead)
            rows_alive = rows * (dead / total)
            products += rows_alive @ rows.T
        signs = np.array([r, 1.0, 1.0, -1.0])
        bend = signs[:, None] * products * signs
        bend[0, 0] += r * sums[0]
        bend[0, 1] += r * curvature[0]
        bend[1, 0] += r * curvature[0]
        bend[1, 1] += curvature[1]
        bend[3, 3] -= sums[3] - curvature[2]
        return value, signs * sums, bend


def _distinct(values: Array) -> tuple[Array, Index]:
    """The distinct values, and where each value stands among them; by hashing, which a million rows notice."""
    where, distinct = pd.factorize(values)
    return np.asarray(distinct, float), where.astype(np.intp, copy=False)
