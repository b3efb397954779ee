"""Several purchase families as one: a weighted mixture, whose members keep their own parameters and draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.errors import InputError
from clvmodels.language import attribute
from clvmodels.models.arrays import NUMPY, Array, Counts, Ops
from clvmodels.models.base import Alive, PurchaseFamily


@dataclass(frozen=True)
class Blend(PurchaseFamily):
    """A mixture of purchase families: with the chance ``weights[i]`` the world is as ``members[i]`` says.

    Whatever is asked is the weighted mean of the members' answers (a member with draws is averaged over them first), so
    that probabilities stay probabilities: the distribution of a customer's purchases is the mixture of theirs. It goes
    wherever a family goes that is not estimated: `PurchaseOutcomes`, `ValueOutcomes`, scores. Its members are fitted
    one by one; members may differ in family, in stages and in the number of their draws.

    Parameters
    ----------
    weights
        One for each member; not negative, with sum 1.
    members
        Purchase families in the same unit of time.

    Raises
    ------
    InputError
        When the weights are no weights, or not one for each member.

    Examples
    --------
    >>> from clvmodels.models import BGNBD, ParetoNBD
    >>> members = BGNBD(0.243, 4.414, 0.793, 2.426), ParetoNBD(0.553, 10.578, 0.606, 11.669)
    >>> [round(float(one.expected_purchases(39, 2, 30.43, 38.86)), 3) for one in (*members, Blend((0.3, 0.7), members))]
    [1.226, 1.455, 1.386]
    """

    name = "blend"
    title = attribute("Blend")

    weights: tuple[float, ...]
    members: tuple[PurchaseFamily, ...]

    def __post_init__(self) -> None:
        right = len(self.weights) == len(self.members) > 0 and all(weight >= 0 for weight in self.weights)
        if not right or abs(sum(self.weights) - 1) > 1e-9:
            raise InputError(
                f"a blend of {len(self.members)} families has weights {self.weights}: give one for each, none of them "
                "negative, with sum 1."
            )

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """None: the parameters are the members'."""
        return ()

    @property
    def n_draws(self) -> int:
        """Draws of all members together."""
        return sum(member.n_draws for member in self.members)

    @property
    def stages(self) -> int:
        """Stages of all members, one member after another."""
        return sum(member.stages for member in self.members)

    @property
    def components(self) -> tuple[tuple[float, PurchaseFamily], ...]:
        """The members that count, with their weights; a blend among them is opened."""
        return tuple(
            (weight * inner, part)
            for weight, member in zip(self.weights, self.members, strict=True)
            for inner, part in member.components
            if weight > 0
        )

    @property
    def lost(self) -> float:
        """Weight of the members that say so: a share of the customers, where other weights are chances of worlds."""
        return float(sum(weight * member.lost for weight, member in zip(self.weights, self.members, strict=True)))

    def rescale(self, factor: float) -> Blend:
        """The same blend when time is counted in units ``factor`` times smaller."""
        return Blend(self.weights, tuple(member.rescale(factor) for member in self.members))

    def alive(self, stage: int = 0) -> Alive:
        """That of the member to which the stage belongs."""
        for member in self.members:
            if stage < member.stages:
                return member.alive(stage)
            stage -= member.stages
        raise IndexError(f"a blend of {self.stages} stages has no stage {stage + self.stages}")

    def p_stages(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Weight × probability of being alive in each stage, averaged over draws."""
        parts = zip(self.weights, self.members, strict=True)
        return np.concatenate([weight * np.stack([_mean(p) for p in one.p_stages(x, t_x, T)]) for weight, one in parts])

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Array:
        """Logarithm of the mixed likelihood."""
        return np.asarray(np.log(self._mixed("_likelihood", x, t_x, T)))

    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Nothing to differ by: shape (0, n)."""
        return np.zeros((0, *np.broadcast_shapes(*(np.shape(value) for value in (x, t_x, T)))))

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability that the customer has not dropped out by T."""
        return self._mixed("p_alive", x, t_x, T)

    def p_active(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of at least one purchase in (T, T + t]."""
        return self._mixed("p_active", t, x, t_x, T)

    def expected_purchases(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Expected number of purchases in (T, T + t]."""
        return self._mixed("expected_purchases", t, x, t_x, T)

    def discounted_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, delta: ArrayLike
    ) -> Array:
        """Expected discounted number of purchases in (T, T + t]."""
        parts = zip(self.weights, self.members, strict=True)
        return np.asarray(sum(w * _mean(one.discounted_purchases(t, x, t_x, T, delta=delta)) for w, one in parts))

    def pmf(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of exactly n purchases in (T, T + t]."""
        return self._mixed("pmf", n, t, x, t_x, T)

    def survival(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t]."""
        return self._mixed("survival", n, t, x, t_x, T)

    def sample(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, seed: int | np.random.Generator
    ) -> Counts:
        """One simulated number of purchases in (T, T + t] per customer: a member, and a draw of it, for each."""
        rng = np.random.default_rng(seed)
        shape = np.broadcast_shapes(*(np.shape(value) for value in (t, x, t_x, T)))
        chosen = rng.choice(len(self.members), size=shape, p=np.asarray(self.weights) / sum(self.weights))
        result = np.zeros(shape, np.int64)
        for place, member in enumerate(self.members):
            bought = member.sample(t, x, t_x, T, seed=rng)
            if member.n_draws > 1:
                bought = np.take_along_axis(bought, rng.integers(member.n_draws, size=shape)[None], axis=0)[0]
            result = np.where(chosen == place, bought, result)
        return result

    def sample_times(self, t: ArrayLike, *, seed: int | np.random.Generator) -> tuple[Counts, Array]:
        """Simulated repeat purchases of new customers, each of one member; members at one estimate only."""
        rng = np.random.default_rng(seed)
        t = np.atleast_1d(np.asarray(t, float))
        chosen = rng.choice(len(self.members), size=t.size, p=np.asarray(self.weights) / sum(self.weights))
        who, when = [], []
        for place, member in enumerate(self.members):
            mine = np.flatnonzero(chosen == place)
            customer, times = member.sample_times(t[mine], seed=rng)
            who.append(mine[customer])
            when.append(times)
        customers, moments = np.concatenate(who), np.concatenate(when)
        order = np.lexsort((moments, customers))
        return customers[order], moments[order]

    def _mixed(self, formula: str, *arguments: Any) -> Array:
        def answer(member: PurchaseFamily) -> Array:
            if formula == "_likelihood":
                return np.asarray(np.exp(member.log_likelihood(*arguments)))
            return np.asarray(getattr(member, formula)(*arguments))

        return np.asarray(sum(w * _mean(answer(one)) for w, one in zip(self.weights, self.members, strict=True)))


def _mean(values: Array) -> Array:
    """Averaged over draws, where there are any."""
    return np.asarray(values if np.ndim(values) < 2 else np.mean(values, axis=0))
