"""Any purchase family's log-likelihood summed over patterns, straight from the family's own formulas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np
from scipy import special

from clvmodels.fitting.objective import BLOCK, SIDE_BY_SIDE, Limit, Value
from clvmodels.models import BGBB, BGCNBD, MBGCNBD, MBGNBD, NBD, Family, ParetoNBD
from clvmodels.models.arrays import Array

STEP = 1e-3
"""Of the differences that curvature is taken from: their error is a millionth, and Newton's steps forgive it."""


class FamilyObjective(ABC):
    """A purchase family in coordinates η = (log r, log r/α, …): how alike rates are, and their mean.

    What is particular is the family, its coordinates of dropout and their limits; BG/NBD has faster sums of its own.
    """

    family: ClassVar[type[Family]]
    limits: ClassVar[tuple[Limit, ...]]
    times: ClassVar[tuple[int, ...]]
    """Which parameters are times."""
    dropouts: ClassVar[tuple[tuple[float, ...], ...]]
    """Where to start in the coordinates of dropout."""

    @property
    def constants(self) -> dict[str, int]:
        """The family's constants, where it has any."""
        return {}

    def __init__(self, x: Array, t_x: Array, T: Array, n: Array, *, scale: float | None = None) -> None:
        n = np.asarray(n, float)
        self.scale = scale if scale is not None else float(n @ T) / float(n.sum())
        self._rows = (x, t_x, T, n)
        self.n_customers, self.n_patterns, self.n_per_draw = int(n.sum()), x.size, self.work * x.size
        self._columns = (np.asarray(x, float), t_x / self.scale, T / self.scale)
        self._n, self._purchases = n, float(n @ x)
        self._rate = self._purchases / float(n @ self._columns[2])

    work: ClassVar[int] = 4
    """How many numbers a pattern is, counted in BG/NBD's patterns."""

    def thinned(self, step: int) -> FamilyObjective:
        """Every ``step``-th pattern; they come sorted, so this is a systematic sample."""
        return type(self)(*(column[step // 2 :: step] for column in self._rows), scale=self.scale)

    def rows(self) -> tuple[tuple[Array, ...], Array]:
        """x, t_x, T, and how many customers share them."""
        return self._rows[:3], self._rows[3]

    def shift(self) -> float:
        """The likelihood is a density of x times: dt = scale · dτ."""
        return -self._purchases * float(np.log(self.scale))

    def log_parameters(self, eta: Array) -> Array:
        """Logarithms of the family's parameters in the analyst's units."""
        logs = np.stack(self._standardised(eta))
        logs[list(self.times)] += np.log(self.scale)
        return logs

    def log_jacobian(self, eta: Array) -> Array:
        """Derivative of the log parameters by η."""
        jacobian = np.eye(eta.size)
        jacobian[1, :2] = 1, -1
        jacobian[2:, 2:] = self._dropout_jacobian(eta[2:])
        return jacobian

    def starts(self) -> tuple[Array, ...]:
        """Around the crude purchase rate: much or little heterogeneity, in rate and in dropout."""
        rates = ((0.3, 1.8), (2.0, 1.2), (1.0, 4.0), (1.0, 1.2))
        return tuple(
            np.array([np.log(r), np.log(self._rate * factor), *dropout])
            for (r, factor), dropout in zip(rates, self.dropouts, strict=False)
        )

    def __call__(self, eta: Array) -> Value:
        """Log-likelihood, gradient and Hessian at η; the Hessian from the gradients on either side of each axis."""
        aside = STEP * np.eye(eta.size)
        slope, *beside = self._slopes(np.stack([eta, *(eta + aside), *(eta - aside)]))
        up, down = np.split(np.array(beside), 2)
        hessian = (up - down) / (2 * STEP)
        return float(self._values(eta[None])[0]), slope, (hessian + hessian.T) / 2

    def _slopes(self, etas: Array) -> list[Array]:
        """Gradients at many η, shape (draws, k), in one pass over the patterns."""
        logs = np.stack(self._standardised(etas.T), axis=-1)
        model: Any = self.family.from_log(logs, self.constants)
        by_parameter = np.zeros(logs.T.shape)
        step = max(1, BLOCK // len(etas))
        for start in range(0, self.n_patterns, step):
            block = slice(start, start + step)
            by_parameter += model.score(*(column[block] for column in self._columns)) @ self._n[block]
        return [
            self.log_jacobian(eta).T @ by_log for eta, by_log in zip(etas, by_parameter.T * np.exp(logs), strict=True)
        ]

    def values(self, etas: Array) -> Array:
        """Log-likelihood alone at many η, shape (draws, k), on two threads: NumPy works without Python's lock."""
        rows = max(1, SIDE_BY_SIDE // max(1, self.n_patterns))
        with ThreadPoolExecutor(2) as pool:
            return np.concatenate(list(pool.map(self._values, np.split(etas, range(rows, len(etas), rows)))))

    def _values(self, etas: Array) -> Array:
        model: Any = self.family.from_log(np.stack(self._standardised(etas.T), axis=-1), self.constants)
        value = np.zeros(len(etas))
        for start in range(0, self.n_patterns, SIDE_BY_SIDE):
            block = slice(start, start + SIDE_BY_SIDE)
            value += model.log_likelihood(*(column[block] for column in self._columns)) @ self._n[block]
        return value

    def _standardised(self, eta: Array) -> tuple[Array, ...]:
        """Log parameters with time counted in the mean T; η of shape (k,) or (k, draws)."""
        return eta[0], eta[0] - eta[1], *self._dropout(eta[2:])

    @abstractmethod
    def _dropout(self, eta: Array) -> tuple[Array, ...]:
        """The log parameters of dropout."""

    @abstractmethod
    def _dropout_jacobian(self, eta: Array) -> Array:
        """Their derivative by η."""


class MBGNBDObjective(FamilyObjective):
    """MBG/NBD: (…, log(a + b), logit a/(a + b))."""

    family: ClassVar[type[Family]] = MBGNBD
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(0, 1, np.log(1e3)),  # everybody buys at the same rate
        Limit(2, 1, np.log(1e3)),  # everybody has the same dropout probability
        Limit(2, -1, np.log(1e3)),  # some leave at once, the others never
        Limit(3, -1, np.log(1e4), mutes=(2,)),  # nobody leaves
    )
    times = (1,)
    dropouts = tuple(
        (float(np.log(size)), float(special.logit(share)))
        for size, share in ((3.0, 0.25), (30.0, 0.05), (0.5, 0.5), (0.05, 0.1))
    )

    def _dropout(self, eta: Array) -> tuple[Array, ...]:
        return _shares(eta)

    def _dropout_jacobian(self, eta: Array) -> Array:
        return _share_jacobian(eta)


class MBGCNBDObjective(MBGNBDObjective):
    """MBG/CNBD-k at one k: the coordinates of MBG/NBD, of which the second is still the rate of purchases.

    ``spacing`` is what the times between purchases add to the log-likelihood of k: see `clvmodels.fitting.ticks`.
    """

    family: ClassVar[type[Family]] = MBGCNBD

    def __init__(
        self,
        x: Array,
        t_x: Array,
        T: Array,
        n: Array,
        *,
        scale: float | None = None,
        k: int = 1,
        spacing: float = 0.0,
        profile: dict[str, float] | None = None,
    ) -> None:
        super().__init__(x, t_x, T, n, scale=scale)
        self.k, self.spacing, self.profile = k, spacing, profile or {}
        self.n_per_draw = self.work * (1 + k // 2) * self.n_patterns

    @property
    def constants(self) -> dict[str, int]:
        """The ticks to a purchase."""
        return {"k": self.k}

    def thinned(self, step: int) -> FamilyObjective:
        """Every ``step``-th pattern; what spacing adds is that of all."""
        columns = (column[step // 2 :: step] for column in self._rows)
        return type(self)(*columns, scale=self.scale, k=self.k, spacing=self.spacing)

    def shift(self) -> float:
        """The likelihood is a density of x times, which may not be anywhere."""
        return super().shift() + self.spacing

    def _standardised(self, eta: Array) -> tuple[Array, ...]:
        return eta[0], eta[0] - eta[1] - np.log(self.k), *self._dropout(eta[2:])


class BGCNBDObjective(MBGCNBDObjective):
    """BG/CNBD-k at one k."""

    family: ClassVar[type[Family]] = BGCNBD
    limits: ClassVar[tuple[Limit, ...]] = (
        *MBGNBDObjective.limits,
        Limit(3, 1, np.log(1e4), mutes=(2,)),  # everybody leaves at the first repeat purchase
    )


class ParetoNBDObjective(FamilyObjective):
    """Pareto/NBD: (…, log s, log s/β), with the family's own second derivatives."""

    family: ClassVar[type[Family]] = ParetoNBD
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(0, 1, np.log(1e3)),  # everybody buys at the same rate
        Limit(2, 1, np.log(1e3)),  # everybody leaves at the same rate
        Limit(2, -1, np.log(1e4), mutes=(3,)),  # nobody leaves
        Limit(3, -1, np.log(1e4), mutes=(2,)),  # nobody leaves
        Limit(3, 1, np.log(1e4)),  # some leave at once, the others never
    )
    times = (1, 3)
    dropouts = tuple(
        (float(np.log(shape)), float(np.log(rate))) for shape, rate in ((0.5, 2.0), (5.0, 0.3), (1.0, 5.0), (0.2, 20.0))
    )
    work = 16

    def _dropout(self, eta: Array) -> tuple[Array, ...]:
        return eta[0], eta[0] - eta[1]

    def _dropout_jacobian(self, eta: Array) -> Array:
        return np.array([[1.0, 0], [1, -1]])

    def __call__(self, eta: Array) -> Value:
        """Log-likelihood, gradient and Hessian at η."""
        model: Any = self.family.from_log(np.stack(self._standardised(eta)))
        value, slope, bend = 0.0, np.zeros(4), np.zeros((4, 4))
        for start in range(0, self.n_patterns, BLOCK):
            block = slice(start, start + BLOCK)
            parts, n = model.log_derivatives(*(column[block] for column in self._columns)), self._n[block]
            value += float(n @ parts[0])
            slope += parts[1] @ n
            bend += parts[2] @ n
        jacobian = self.log_jacobian(eta)
        hessian = jacobian.T @ bend @ jacobian
        return value, jacobian.T @ slope, (hessian + hessian.T) / 2


class BGBBObjective(FamilyObjective):
    """BG/BB: (log(α + β), logit α/(α + β), log(γ + δ), logit γ/(γ + δ)); opportunities have no unit to count in."""

    family: ClassVar[type[Family]] = BGBB
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(0, 1, np.log(1e3)),  # everybody buys with the same chance
        Limit(0, -1, np.log(1e3)),  # some buy at every opportunity, the others never
        Limit(2, 1, np.log(1e3)),  # everybody leaves with the same chance
        Limit(2, -1, np.log(1e3)),  # some leave at once, the others never
        Limit(3, -1, np.log(1e4), mutes=(2,)),  # nobody leaves
    )
    times = ()
    dropouts = MBGNBDObjective.dropouts

    def __init__(self, x: Array, t_x: Array, T: Array, n: Array, *, scale: float | None = None) -> None:
        super().__init__(x, t_x, T, n, scale=1.0)
        silent = float(np.max(T - t_x, initial=0.0))
        self.n_per_draw = int((1 + silent) * self.n_patterns)

    def log_jacobian(self, eta: Array) -> Array:
        """Derivative of the log parameters by η."""
        jacobian = np.zeros((4, 4))
        for pair in (slice(0, 2), slice(2, 4)):
            jacobian[pair, pair] = _share_jacobian(eta[pair])
        return jacobian

    def starts(self) -> tuple[Array, ...]:
        """Around the crude chance to buy: much or little heterogeneity, in buying and in leaving."""
        chance = special.logit(np.clip(self._rate, 1e-6, 1 - 1e-6))
        chances = ((1.0, 0.5), (10.0, 0.2), (1.0, 1.0), (1.0, 0.0))
        return tuple(
            np.array([np.log(size), chance + more, *dropout])
            for (size, more), dropout in zip(chances, self.dropouts, strict=True)
        )

    def _standardised(self, eta: Array) -> tuple[Array, ...]:
        return (*_shares(eta[:2]), *self._dropout(eta[2:]))

    def _dropout(self, eta: Array) -> tuple[Array, ...]:
        return _shares(eta)

    def _dropout_jacobian(self, eta: Array) -> Array:
        return _share_jacobian(eta)


class NBDObjective(FamilyObjective):
    """NBD: no coordinate of dropout."""

    family: ClassVar[type[Family]] = NBD
    limits: ClassVar[tuple[Limit, ...]] = (Limit(0, 1, np.log(1e3)),)  # everybody buys at the same rate
    times = (1,)
    dropouts = ((), ())

    def _dropout(self, eta: Array) -> tuple[Array, ...]:
        return ()

    def _dropout_jacobian(self, eta: Array) -> Array:
        return np.zeros((0, 0))


def _shares(eta: Array) -> tuple[Array, Array]:
    """Logarithms of the shapes of a beta distribution, from that of their sum and the logit of the mean."""
    log_size, logit = eta
    return log_size - np.logaddexp(0, -logit), log_size - np.logaddexp(0, logit)


def _share_jacobian(eta: Array) -> Array:
    share = special.expit(eta[1])
    return np.array([[1.0, 1 - share], [1, -share]])


OBJECTIVES: dict[str, type[FamilyObjective]] = {
    sums.family.name: sums
    for sums in (MBGNBDObjective, ParetoNBDObjective, NBDObjective, BGCNBDObjective, MBGCNBDObjective, BGBBObjective)
}
"""By the family's name."""
