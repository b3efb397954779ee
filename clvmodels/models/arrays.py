"""The array operations a likelihood may use, and the special functions whose usual form loses digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
Parameter: TypeAlias = Any
"""A float, an array of shape (draws, 1), or a symbolic scalar."""

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)

BLOCK = 1 << 14
"""Elements worked on at a time, so that the temporary arrays stay in the processor's cache."""

LARGE = 20.0
"""From here on four terms of Stirling's series are exact in double precision."""


class Ops(Protocol):
    """What a log-likelihood is written with, so that one text runs on NumPy and on a symbolic library.

    Data (x, t_x, T, m) are always NumPy arrays; parameters and results may be symbolic.
    """

    def log(self, value: Any, /) -> Any:
        """Natural logarithm."""

    def log1p(self, value: Any, /) -> Any:
        """log(1 + value)."""

    def exp(self, value: Any, /) -> Any:
        """Exponential."""

    def expm1(self, value: Any, /) -> Any:
        """exp(value) − 1."""

    def minimum(self, first: Any, second: Any, /) -> Any:
        """The smaller one."""

    def logaddexp(self, first: Any, second: Any, /) -> Any:
        """log(exp(first) + exp(second))."""

    def where(self, condition: Any, first: Any, second: Any, /) -> Any:
        """``first`` where the condition (data) holds, else ``second``."""

    def log_rising(self, start: Any, count: Any, /) -> Any:
        """lnΓ(start + count) − lnΓ(start)."""

    def betaln(self, first: Any, second: Any, /) -> Any:
        """ln B(first, second)."""

    def stirling_rest(self, value: Any, /) -> Any:
        """What Stirling's formula leaves out of lnΓ(value)."""


def stirling_rest(z: ArrayLike) -> Array:
    """What Stirling's formula leaves out: lnΓ(z) − [(z − ½) ln z − z + ½ ln 2π] (Abramowitz & Stegun 6.1.41)."""
    z = np.asarray(z, float)
    far = np.maximum(z, LARGE)
    w = 1 / (far * far)
    rest = np.asarray((1 / 12 - w * (1 / 360 - w * (1 / 1260 - w / 1680))) / far)
    if np.all(z >= LARGE):
        return rest
    near = np.minimum(z, LARGE)
    return np.where(z >= LARGE, rest, special.gammaln(near) - (near - 0.5) * np.log(near) + near - LOG_SQRT_2PI)


def log_rising(start: ArrayLike, count: ArrayLike) -> Array:
    """lnΓ(start + count) − lnΓ(start) without the cancellation of two large logarithms.

    The difference of two ``gammaln`` is off by .03 at 5e8; here Stirling's formula is subtracted term by term.

    Examples
    --------
    >>> round(float(log_rising(2.5, 3)), 12) == round(float(np.log(2.5 * 3.5 * 4.5)), 12)
    True
    """
    start, count = np.asarray(start, float), np.asarray(count, float)
    end = start + count
    main = count * (np.log(start) - 1) + (end - 0.5) * np.log1p(count / start)
    return np.asarray(main + (stirling_rest(end) - stirling_rest(start)))


def betaln(first: ArrayLike, second: ArrayLike) -> Array:
    """ln B(first, second), by Stirling's formula with what it leaves out: SciPy's is off by 1e-10 at (3.7, 62,000)."""
    few, many = np.minimum(first, second), np.maximum(first, second)
    total, share = few + many, few / many
    main = few * np.log(share) - 0.5 * np.log(few) - (total - 0.5) * np.log1p(share) + LOG_SQRT_2PI
    return np.asarray(main + (stirling_rest(few) + stirling_rest(many) - stirling_rest(total)))


def digamma_rest(z: ArrayLike) -> Array:
    """What ln z − 1/(2z) leaves out: ψ(z) − ln z + 1/(2z) (Abramowitz & Stegun 6.3.18), `stirling_rest`'s slope."""
    z = np.asarray(z, float)
    rest = -_digamma_rest(np.maximum(z, LARGE))
    if np.all(z >= LARGE):
        return rest
    near = np.minimum(z, LARGE)
    return np.asarray(np.where(z >= LARGE, rest, special.digamma(near) - np.log(near) + 1 / (2 * near)))


def digamma_rise(start: ArrayLike, count: ArrayLike) -> Array:
    """ψ(start + count) − ψ(start), exact also where both are large (Abramowitz & Stegun 6.3.18)."""
    start, count = np.asarray(start, float), np.asarray(count, float)
    far = np.maximum(start, LARGE)
    end = far + count
    rise = np.log1p(count / far) + count / (2 * far * end) + (_digamma_rest(far) - _digamma_rest(end))
    if np.all(start >= LARGE):
        return np.asarray(rise)
    return np.asarray(np.where(start >= LARGE, rise, special.digamma(start + count) - special.digamma(start)))


def _digamma_rest(z: Array) -> Array:
    w = 1 / (z * z)
    return np.asarray(w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w / 240))))


def trigamma_rise(start: ArrayLike, count: ArrayLike) -> Array:
    """ψ′(start + count) − ψ′(start), exact also where both are large (Abramowitz & Stegun 6.4.11)."""
    start, count = np.asarray(start, float), np.asarray(count, float)
    far = np.maximum(start, LARGE)
    end = far + count
    rise = -count / (far * end) * (1 + (far + end) / (2 * far * end)) + (_trigamma_rest(end) - _trigamma_rest(far))
    if np.all(start >= LARGE):
        return np.asarray(rise)
    return np.asarray(np.where(start >= LARGE, rise, special.zeta(2, start + count) - special.zeta(2, start)))


def _trigamma_rest(z: Array) -> Array:
    w = 1 / (z * z)
    return np.asarray(w / z * (1 / 6 - w * (1 / 30 - w * (1 / 42 - w / 30))))


def per_distinct(formula: Callable[[Array], Any], x: ArrayLike) -> Any:
    """``formula`` at the distinct values of the counts ``x`` only, put back in x's place.

    A million patterns hold a few hundred distinct x: whatever depends on x alone costs nothing this way. Parameters of
    shape (draws, 1) broadcast as usual; the result may be symbolic.

    Examples
    --------
    >>> per_distinct(np.sqrt, [4, 0, 4, 9]).tolist()
    [2.0, 0.0, 2.0, 3.0]
    """
    x = np.asarray(x, float)
    if x.ndim == 0 or x.size == 0:
        return formula(x)
    counts = x.astype(np.intp)
    if x.min() >= 0 and x.max() < 4 * x.size + 1000 and np.array_equal(counts, x):  # no sort needed
        distinct = np.flatnonzero(np.bincount(counts.ravel()))
        place = np.zeros(distinct[-1] + 1, np.intp)
        place[distinct] = np.arange(distinct.size)
        return formula(distinct.astype(float))[..., place[counts]]
    values, where = np.unique(x, return_inverse=True)
    return formula(values)[..., where.reshape(x.shape)]


def in_blocks(formula: Callable[..., Array], *values: ArrayLike) -> Array:
    """``formula`` of the broadcast values, an elementwise one, on a few thousand at a time."""
    arrays = np.broadcast_arrays(*(np.asarray(value, float) for value in values))
    if arrays[0].size <= BLOCK:
        return formula(*arrays)
    out = np.empty(arrays[0].shape)
    inner = out[0].size
    step = max(1, BLOCK // inner)
    for start in range(0, len(out), step):
        rows = slice(start, start + step)
        out[rows] = (
            formula(*(array[rows] for array in arrays))
            if inner <= BLOCK
            else in_blocks(formula, *(array[start] for array in arrays))
        )
    return out


class _NumPy:
    """NumPy and SciPy."""

    log = staticmethod(np.log)
    log1p = staticmethod(np.log1p)
    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    minimum = staticmethod(np.minimum)
    logaddexp = staticmethod(np.logaddexp)
    where = staticmethod(np.where)
    log_rising = staticmethod(log_rising)
    betaln = staticmethod(betaln)
    stirling_rest = staticmethod(stirling_rest)


NUMPY: Ops = _NumPy()
