"""The families: frozen parameters with their formulas.

One is missing on purpose: gamma/Gompertz/NBD (Bemmaor & Glady 2012), Pareto/NBD whose customers leave at a rate that
grows or falls as e^{bt}. Its likelihood is highest where b → 0, which is Pareto/NBD: on CDNOW's sample (−9594.976,
both) as on Online Retail up to August 2011 (−18970.672, both).
"""

from __future__ import annotations

from clvmodels.models.base import Family, PurchaseFamily
from clvmodels.models.bgbb import BGBB
from clvmodels.models.bgcnbd import BGCNBD
from clvmodels.models.bgnbd import BGNBD
from clvmodels.models.gamma_gamma import GammaGamma, GammaGammaFirst, GammaGammaFrequency
from clvmodels.models.lognormal_spend import LogNormalSpend
from clvmodels.models.mbgcnbd import MBGCNBD
from clvmodels.models.mbgnbd import MBGNBD
from clvmodels.models.nbd import NBD
from clvmodels.models.pareto_nbd import ParetoNBD
from clvmodels.models.spend import SpendFamily

FAMILIES: dict[str, type[Family]] = {
    family.name: family
    for family in (
        BGNBD,
        MBGNBD,
        ParetoNBD,
        NBD,
        BGCNBD,
        MBGCNBD,
        BGBB,
        GammaGamma,
        GammaGammaFirst,
        GammaGammaFrequency,
        LogNormalSpend,
    )
}
"""Every family by its name; the laws in the tests run over this table."""


def usual_families(kind: str) -> list[str]:
    """Names of the families of a kind that any log of dates can be given to, in the order of the table.

    Not those for discrete opportunities: by the day they can be fitted, each day a chance to buy, but what runs through
    time (figures, calendars, fractions of a unit) cannot be asked of them.

    Examples
    --------
    >>> "bgbb" in usual_families("purchases"), "nbd" in usual_families("purchases")
    (False, True)
    """
    return [name for name, family in FAMILIES.items() if family.kind == kind and not family.discrete]


__all__ = [
    "BGBB",
    "BGCNBD",
    "BGNBD",
    "FAMILIES",
    "MBGCNBD",
    "MBGNBD",
    "NBD",
    "Family",
    "GammaGamma",
    "GammaGammaFirst",
    "GammaGammaFrequency",
    "LogNormalSpend",
    "ParetoNBD",
    "PurchaseFamily",
    "SpendFamily",
    "usual_families",
]
