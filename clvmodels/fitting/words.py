"""What an optimum means, in words: from its gradient, its curvature and its distance to the boundary."""

from __future__ import annotations

from clvmodels.calendar import Unit
from clvmodels.fitting.mle import FLAT, Optimum
from clvmodels.fitting.objective import Limit
from clvmodels.models import (
    BGNBD,
    MBGNBD,
    NBD,
    Family,
    GammaGamma,
    GammaGammaFirst,
    GammaGammaFrequency,
    ParetoNBD,
    PurchaseFamily,
)

REMEDIES: tuple[str, ...] = ('method="posterior", whose prior bounds them', "a longer calibration period")
"""What to try when the data do not tell something."""


def verdict(optimum: Optimum, model: Family) -> str:
    """One line on convergence: the evidence, not the optimiser's flag."""
    starts = f"{optimum.starts} start{'s' if optimum.starts > 1 else ''}"
    if not optimum.settled:
        return f"not converged: gradient norm {optimum.gradient_norm:.2g} (should be < {FLAT:g}) after {starts}"
    right = "all of it rounding" if optimum.gradient_norm >= FLAT else f"should be < {FLAT:g}"
    evidence = f"gradient norm {optimum.gradient_norm:.1g} ({right}) from the best of {starts}"
    told = [name for name, error in zip(model.parameter_names(), identified(optimum, model), strict=True) if error]
    if optimum.identified.any():
        evidence += f", Hessian condition {optimum.condition:.2g}"
    where = "converged on the boundary" if optimum.boundary else "converged"
    if len(told) == len(model.parameter_names()):
        return f"{where}: {evidence}; all parameters are identified"
    known = f"identified: {', '.join(told)}" if told else "no parameter is identified on its own"
    return f"{where}: {evidence}; {known}"


def identified(optimum: Optimum, model: Family) -> tuple[bool, ...]:
    """Per parameter of the family: whether the data identify it on its own."""
    lost: set[str] = set()
    for limit in (*optimum.boundary, *optimum.weak):
        lost |= set(_PARAMETERS[type(model), limit.coordinate])
    return tuple(name not in lost for name in model.parameter_names())


def findings(optimum: Optimum, model: Family, unit: Unit) -> list[str]:
    """A sentence or two for each thing the data do not tell; empty for an ordinary optimum."""
    told: dict[int, Limit] = {}
    for limit in (*optimum.boundary, *optimum.weak):
        told.setdefault(limit.coordinate, limit)
    muted = {coordinate for limit in told.values() for coordinate in limit.mutes}
    return [
        _finding(limit, model, unit, on_it=limit in optimum.boundary)
        for limit in told.values()
        if limit.coordinate not in muted
    ]


def _finding(limit: Limit, model: Family, unit: Unit, *, on_it: bool) -> str:
    names = _PARAMETERS[type(model), limit.coordinate]
    values = ", ".join(f"{name}={float(model.parameters[name]):.3g}" for name in names)
    what = _meaning(limit, model, unit).format(tell="do not tell" if on_it else "hardly tell", values=values)
    remedies = list(REMEDIES)
    if model.kind == "purchases" and limit.coordinate > 1:
        remedies.append("NBD, which has no dropout (--family nbd)")
    numbered = "; ".join(f"{i}. {remedy}" for i, remedy in enumerate(remedies, 1)) if remedies[1:] else remedies[0]
    return (
        f"{model.title}: {what}. Forecasts no longer than the data are usable; standard errors of "
        f"{' and '.join(names)} are not given. Try{':' if remedies[1:] else ''} {numbered}."
    )


_PARAMETERS: dict[tuple[type[Family], int], tuple[str, ...]] = {
    (BGNBD, 0): ("r", "alpha"),
    (BGNBD, 2): ("a", "b"),
    (BGNBD, 3): ("a", "b"),
    (MBGNBD, 0): ("r", "alpha"),
    (MBGNBD, 2): ("a", "b"),
    (MBGNBD, 3): ("a", "b"),
    (ParetoNBD, 0): ("r", "alpha"),
    (ParetoNBD, 2): ("s", "beta"),
    (ParetoNBD, 3): ("s", "beta"),
    (NBD, 0): ("r", "alpha"),
    **{
        (family, coordinate): (name, "v")
        for family in (GammaGamma, GammaGammaFirst, GammaGammaFrequency)
        for coordinate, name in enumerate("pq")
    },
}
"""The parameters that lose their meaning when a working coordinate runs away."""


def _meaning(limit: Limit, model: Family, unit: Unit) -> str:
    occasion = "repeat purchase" if isinstance(model, BGNBD) else "purchase"
    match model, limit.coordinate, limit.sign:
        case PurchaseFamily(), 0, 1:
            r, alpha = model.parameters["r"], model.parameters["alpha"]
            return (
                "these data {tell} how customers differ in their purchase rate (r and alpha grow together; {values}), "
                f"only that its mean r/alpha is {r / alpha:.3g} purchases a {unit.value}"
            )
        case ((BGNBD(a=a, b=b) | MBGNBD(a=a, b=b)), 2, 1):
            return (
                "these data {tell} how customers differ in dropout (a and b grow together; {values}), "
                f"only that its mean a/(a+b) is {a / (a + b):.3g}"
            )
        case ((BGNBD(a=a, b=b) | MBGNBD(a=a, b=b)), 2, -1):
            return (
                "these data {tell} how customers differ in dropout (a and b vanish together; {values}), "
                f"only that a share of {a / (a + b):.3g} leaves at the first {occasion} while the others stay"
            )
        case BGNBD() | MBGNBD(), 3, -1:
            return "these data {tell} whether customers drop out at all (a/(a+b) vanishes; {values})"
        case BGNBD(), 3, 1:
            return "these data {tell} whether anybody stays after the first repeat purchase (b vanishes; {values})"
        case ParetoNBD(s=s, beta=beta), 2, 1:
            return (
                "these data {tell} how customers differ in how long they stay (s and beta grow together; {values}), "
                f"only that they leave at a mean rate s/beta of {s / beta:.3g} a {unit.value}"
            )
        case ParetoNBD(), 2 | 3, -1:
            return "these data {tell} whether customers leave at all (s/beta or s vanishes; {values})"
        case ParetoNBD(), 3, 1:
            return (
                "these data {tell} when customers leave, only that some do so soon after the first purchase while the "
                "others stay (beta vanishes; {values})"
            )
        case GammaGamma(p=p, q=q, v=v), 0, 1:
            return (
                "these data {tell} how a customer's spend varies between purchases "
                f"(p grows and v vanishes; {{values}}), only that p·v is {p * v:.4g} with q={q:.3g}"
            )
        case GammaGamma(p=p, q=q, v=v), 1, 1:
            return (
                "these data {tell} how customers differ in spend (q and v grow together; {values}), "
                f"only that the mean spend is {p * v / (q - 1):.4g}"
            )
    raise AssertionError(f"no words for {limit}")  # a new limit needs its sentence
