"""What an optimum means, in words: from its gradient, its curvature and its distance to the boundary."""

from __future__ import annotations

from collections.abc import Mapping

from clvmodels import written as n
from clvmodels.calendar import Unit
from clvmodels.fitting.mle import FLAT, Optimum
from clvmodels.fitting.objective import Limit
from clvmodels.language import SPOKEN, _, ngettext, pgettext
from clvmodels.models import (
    BGBB,
    BGCNBD,
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    Family,
    GammaGamma,
    GammaGammaFirst,
    GammaGammaFrequency,
    LogNormalSpend,
    ParetoNBD,
    PurchaseFamily,
)
from clvmodels.models.ticking import TickingFamily

REMEDIES: Mapping[str, str] = SPOKEN | {
    "posterior": 'method="posterior", whose prior bounds them',
    "longer": "a longer calibration period",
    "nbd": "NBD, which has no dropout (--family nbd)",
}
"""What to try when the data do not tell something."""
UNITS: Mapping[str, str] = SPOKEN | {"week": "week", "day": "day"}


def verdict(optimum: Optimum, model: Family) -> str:
    """One line on convergence: the evidence, not the optimiser's flag."""
    starts = ngettext("{n} start", "{n} starts", optimum.starts).format(n=optimum.starts)
    right = _("should be < {limit}").format(limit=n.general(FLAT))
    if not optimum.settled:
        norm = n.general(optimum.gradient_norm, 2)
        said = _("not converged: gradient norm {norm} ({right}) after {starts}")
        return said.format(norm=norm, right=right, starts=starts)
    if optimum.gradient_norm >= FLAT:
        right = _("all of it rounding")
    evidence = _("gradient norm {norm} ({right}) from the best of {starts}").format(
        norm=n.general(optimum.gradient_norm, 1), right=right, starts=starts
    )
    told = [name for name, error in zip(model.parameter_names(), identified(optimum, model), strict=True) if error]
    if optimum.identified.any():
        evidence += _(", Hessian condition {condition}").format(condition=n.general(optimum.condition, 2))
    where = _("converged on the boundary") if optimum.boundary else _("converged")
    if len(told) == len(model.parameter_names()):
        known = _("all parameters are identified")
    elif told:
        known = _("identified: {names}").format(names=", ".join(told))
    else:
        known = _("no parameter is identified on its own")
    return f"{where}: {evidence}; {known}{by_likelihood(model.constants)}"


def by_likelihood(constants: Mapping[str, int]) -> str:
    """The end of a verdict: which whole numbers the likelihood chose, if any."""
    parts = [_("; {name} = {value} by likelihood").format(name=name, value=value) for name, value in constants.items()]
    return "".join(parts)


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
    values = ", ".join(f"{name}={n.general(float(model.parameters[name]))}" for name in names)
    meaning, facts = _meaning(limit, model, unit)
    what = meaning.format(tell=_("do not tell") if on_it else _("hardly tell"), values=values, **facts)
    remedies = ["posterior", "longer"]
    if model.kind == "purchases" and limit.coordinate > 1:
        remedies.append("nbd")
    numbered = "; ".join(f"{i}. {REMEDIES[remedy]}" for i, remedy in enumerate(remedies, 1))
    said = _("{title}: {what}. Forecasts no longer than the data are usable; standard errors of {names} are not given.")
    both = pgettext("parameters", " and ").join(names)
    return said.format(title=model.title, what=what, names=both) + _(" Try: ") + numbered + "."


_PARAMETERS: dict[tuple[type[Family], int], tuple[str, ...]] = {
    (BGNBD, 0): ("r", "alpha"),
    (BGNBD, 2): ("a", "b"),
    (BGNBD, 3): ("a", "b"),
    (MBGNBD, 0): ("r", "alpha"),
    (MBGNBD, 2): ("a", "b"),
    (MBGNBD, 3): ("a", "b"),
    (BGCNBD, 0): ("r", "alpha"),
    (BGCNBD, 2): ("a", "b"),
    (BGCNBD, 3): ("a", "b"),
    (MBGCNBD, 0): ("r", "alpha"),
    (MBGCNBD, 2): ("a", "b"),
    (MBGCNBD, 3): ("a", "b"),
    (BGBB, 0): ("alpha", "beta"),
    (BGBB, 2): ("gamma", "delta"),
    (BGBB, 3): ("gamma", "delta"),
    (ParetoNBD, 0): ("r", "alpha"),
    (ParetoNBD, 2): ("s", "beta"),
    (ParetoNBD, 3): ("s", "beta"),
    (NBD, 0): ("r", "alpha"),
    (LogNormalSpend, 1): ("tau",),
    **{
        (family, coordinate): (name, "v")
        for family in (GammaGamma, GammaGammaFirst, GammaGammaFrequency)
        for coordinate, name in enumerate("pq")
    },
}
"""The parameters that lose their meaning when a working coordinate runs away."""


def _meaning(limit: Limit, model: Family, unit: Unit) -> tuple[str, dict[str, str]]:
    """What a limit means, and what to fill into that."""
    match model, limit.coordinate, limit.sign:
        case BGBB(alpha=alpha, beta=beta), 0, 1:
            return (
                _(
                    "these data {tell} how customers differ in their chance to buy (alpha and beta grow together; "
                    "{values}), only that its mean alpha/(alpha+beta) is {mean}"
                ),
                {"mean": n.general(alpha / (alpha + beta))},
            )
        case BGBB(alpha=alpha, beta=beta), 0, -1:
            return (
                _(
                    "these data {tell} how often customers buy (alpha and beta vanish together; {values}), only that a "
                    "share of {mean} buys at every opportunity while the others never do"
                ),
                {"mean": n.general(alpha / (alpha + beta))},
            )
        case BGBB(gamma=gamma, delta=delta), 2, 1:
            return (
                _(
                    "these data {tell} how customers differ in dropout (gamma and delta grow together; {values}), only "
                    "that its mean gamma/(gamma+delta) is {mean}"
                ),
                {"mean": n.general(gamma / (gamma + delta))},
            )
        case BGBB(gamma=gamma, delta=delta), 2, -1:
            return (
                _(
                    "these data {tell} how customers differ in dropout (gamma and delta vanish together; {values}), "
                    "only that a share of {mean} leaves before the first opportunity while the others stay"
                ),
                {"mean": n.general(gamma / (gamma + delta))},
            )
        case BGBB(), 3, -1:
            return _("these data {tell} whether customers drop out at all (gamma/(gamma+delta) vanishes; {values})"), {}
        case TickingFamily(r=r, alpha=alpha, k=k), 0, 1:
            return (
                _(
                    "these data {tell} how customers differ in their purchase rate (r and alpha grow together; "
                    "{values}), only that its mean r/(k·alpha) is {mean} purchases a {unit}"
                ),
                {"mean": n.general(r / (k * alpha)), "unit": UNITS[unit.value]},
            )
        case PurchaseFamily(), 0, 1:
            r, alpha = model.parameters["r"], model.parameters["alpha"]
            return (
                _(
                    "these data {tell} how customers differ in their purchase rate (r and alpha grow together; "
                    "{values}), only that its mean r/alpha is {mean} purchases a {unit}"
                ),
                {"mean": n.general(r / alpha), "unit": UNITS[unit.value]},
            )
        case ((BGNBD(a=a, b=b) | MBGNBD(a=a, b=b) | TickingFamily(a=a, b=b)), 2, 1):
            return (
                _(
                    "these data {tell} how customers differ in dropout (a and b grow together; {values}), only that "
                    "its mean a/(a+b) is {mean}"
                ),
                {"mean": n.general(a / (a + b))},
            )
        case ((BGNBD(a=a, b=b) | MBGNBD(a=a, b=b) | TickingFamily(a=a, b=b)), 2, -1):
            return (
                _(
                    "these data {tell} how customers differ in dropout (a and b vanish together; {values}), only that "
                    "a share of {share} leaves at the first {occasion} while the others stay"
                ),
                {
                    "share": n.general(a / (a + b)),
                    "occasion": _("repeat purchase") if isinstance(model, (BGNBD, BGCNBD)) else _("purchase"),
                },
            )
        case BGNBD() | MBGNBD() | TickingFamily(), 3, -1:
            return _("these data {tell} whether customers drop out at all (a/(a+b) vanishes; {values})"), {}
        case BGNBD() | BGCNBD(), 3, 1:
            said = _("these data {tell} whether anybody stays after the first repeat purchase (b vanishes; {values})")
            return said, {}
        case ParetoNBD(s=s, beta=beta), 2, 1:
            return (
                _(
                    "these data {tell} how customers differ in how long they stay (s and beta grow together; "
                    "{values}), only that they leave at a mean rate s/beta of {mean} a {unit}"
                ),
                {"mean": n.general(s / beta), "unit": UNITS[unit.value]},
            )
        case ParetoNBD(), 2 | 3, -1:
            return _("these data {tell} whether customers leave at all (s/beta or s vanishes; {values})"), {}
        case ParetoNBD(), 3, 1:
            return (
                _(
                    "these data {tell} when customers leave, only that some do so soon after the first purchase while "
                    "the others stay (beta vanishes; {values})"
                ),
                {},
            )
        case GammaGamma(p=p, q=q, v=v), 0, 1:
            return (
                _(
                    "these data {tell} how a customer's spend varies between purchases (p grows and v vanishes; "
                    "{values}), only that p·v is {product} with q={q}"
                ),
                {"product": n.general(p * v, 4), "q": n.general(q)},
            )
        case GammaGamma(p=p, q=q, v=v), 1, 1:
            return (
                _(
                    "these data {tell} how customers differ in spend (q and v grow together; {values}), only that the "
                    "mean spend is {mean}"
                ),
                {"mean": n.general(p * v / (q - 1), 4)},
            )
        case LogNormalSpend(v=v), 1, -1:
            return (
                _(
                    "these data {tell} how customers differ in spend (tau vanishes; {values}), only that the median "
                    "purchase is {median}"
                ),
                {"median": n.general(v, 4)},
            )
    raise AssertionError(f"no words for {limit}")  # a new limit needs its sentence
