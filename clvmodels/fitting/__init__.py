"""A family and a summary make a fit: `fit`, whatever the method."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from clvmodels import written as n
from clvmodels.errors import ConvergenceError, DiagnosticWarning, InputError
from clvmodels.fitting.data import purchase_objective, spend_objective
from clvmodels.fitting.family_sums import MBGCNBDObjective
from clvmodels.fitting.mle import Optimum, ascend, maximise
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.result import Fit
from clvmodels.fitting.words import findings, identified, verdict
from clvmodels.language import _
from clvmodels.models import FAMILIES, Family

if TYPE_CHECKING:
    from clvmodels.fitting.priors import Prior
    from clvmodels.summary import Summary

METHODS = ("mle", "posterior", "nuts")
"""The ways to fit."""

__all__ = ["METHODS", "Fit", "fit"]


def fit(
    family: type[Family] | str,
    summary: Summary,
    *,
    method: str = "mle",
    seed: int = 0,
    priors: Mapping[str, Prior] | None = None,
) -> Fit:
    """Fit a family to a summary.

    Parameters
    ----------
    family
        The class or its name, e.g. ``BGNBD`` or ``"bgnbd"``. Purchase families take the summary's patterns
        (x, t_x, T), (M)BG/CNBD-k also the times between purchases, which choose k by likelihood; spend families take
        what they use of each customer's values (Gamma-Gamma the repeat buyers' mean spend), leaving out those of value
        0 (counted in the diagnostics).
    summary
        From `summarize` or `split`.
    method
        ``"mle"``, maximum likelihood: the highest point of the likelihood over several deterministic starts, followed
        to the boundary when it lies there (then a `DiagnosticWarning` says what the data do not tell).
        ``"posterior"``, the exact posterior under weak priors by importance draws, with Pareto k̂ as its certificate;
        where that fails the fit goes to NUTS by itself. ``"nuts"``, PyMC's NUTS in any case.
    seed
        For methods that draw; maximum likelihood is deterministic.
    priors
        Replacements for the weak default priors by quantity, e.g. ``{"dropout": Beta(1, 9)}``, from
        `clvmodels.fitting.priors`; none for maximum likelihood. Quantities do not depend on the unit of time or money.

    Returns
    -------
    Fit
        Time in ``summary.unit``, money in ``summary.currency``.

    Raises
    ------
    InputError
        When the data cannot identify anything: one customer, no repeat buyer, nobody observed, equal or negative spend.
    ConvergenceError
        When the gradient does not vanish, or chains do not mix; the last state is on the exception as ``.fit``.
    MissingDependencyError
        When NUTS is needed and PyMC is not installed.

    Warns
    -----
    DiagnosticWarning
        For an optimum on the boundary, q ≤ 1, or a log without one-time buyers. The fit is usable.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), eq. 6; Fader & Hardie (2013), note 025, eq. 1a.

    Examples
    --------
    >>> from clvmodels.summary import split
    >>> calibration, _ = split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> purchases = fit("bgnbd", calibration)
    >>> round(purchases.log_likelihood, 2)  # the 2005 paper's table 2
    -9582.43
    >>> print(purchases.table().round(3).to_string(index=False))
    parameter  estimate  standard_error  lower  upper
            r     0.243           0.013  0.223  0.264
        alpha     4.414           0.378  3.833  5.082
            a     0.793           0.186  0.539  1.166
            b     2.426           0.705  1.504  3.914
    """
    kind = _family(family)
    if method not in METHODS:
        raise InputError(
            f"method {method!r} is not known. Choose {' or '.join(f'--method {name}' for name in METHODS)}."
        )
    if priors and method == "mle":
        raise InputError('maximum likelihood has no priors. Choose method="posterior", or leave priors out.')
    objective, extra = _objective(kind, summary)
    if method == "mle":
        return _by_likelihood(objective, summary, **extra)
    from clvmodels.fitting.bayes import fit_posterior  # scipy.stats takes half a second to load
    from clvmodels.fitting.priors import PARAMETRISATIONS

    parametrisation = PARAMETRISATIONS[kind.name].with_priors(priors or {}).with_constants(extra.get("constants", {}))
    return fit_posterior(objective, parametrisation, summary, method=method, seed=seed, extra=extra)


def _objective(kind: type[Family], summary: Summary) -> tuple[Objective, dict[str, Any]]:
    """The sums to maximise, and what the diagnostics say of how they came about."""
    if kind.kind == "spend":
        return spend_objective(summary, kind)
    objective = purchase_objective(summary, kind)
    if isinstance(objective, MBGCNBDObjective):
        return objective, {"constants": objective.constants, "profile": objective.profile}
    return objective, {}


def _family(family: type[Family] | str) -> type[Family]:
    if isinstance(family, str) and family in FAMILIES:
        return FAMILIES[family]
    if isinstance(family, type) and issubclass(family, Family) and family in FAMILIES.values():
        return family
    raise InputError(f"family {family!r} is not known. Choose {' or '.join(FAMILIES)}.")


def _by_likelihood(objective: Objective, summary: Summary, **extra: Any) -> Fit:
    optimum = maximise(objective)
    result = _fit(objective, optimum, summary, **extra)
    if not optimum.settled:
        raise ConvergenceError(f"{result.model.title} did not converge: {result.verdict.partition(': ')[2]}.", result)
    for words in result.diagnostics["warnings"]:
        warnings.warn(words, DiagnosticWarning, stacklevel=3)
    return result


def _fit(objective: Objective, optimum: Optimum, summary: Summary, **extra: Any) -> Fit:
    model = objective.family.from_log(objective.log_parameters(optimum.summit.eta), extra.get("constants"))
    jacobian = objective.log_jacobian(optimum.summit.eta)
    covariance = jacobian @ optimum.covariance() @ jacobian.T
    covariance = (covariance + covariance.T) / 2
    errors = np.sqrt(np.maximum(np.diag(covariance), 0)) * np.array(list(model.parameters.values()))
    told = identified(optimum, model)
    boundary = findings(optimum, model, summary.unit)
    restricted, regrets = _with_finite_mean(objective, optimum)
    return Fit(
        model=model,
        method="mle",
        unit=summary.unit,
        log_likelihood=float(optimum.summit.value + objective.shift()),
        n_customers=objective.n_customers,
        converged=optimum.settled,
        verdict=verdict(optimum, model),
        covariance=covariance,
        standard_errors={
            name: float(error) if known else None
            for name, error, known in zip(model.parameter_names(), errors, told, strict=True)
        },
        diagnostics={
            "gradient_norm": optimum.gradient_norm,
            "condition": optimum.condition,
            "boundary": boundary[0] if boundary else None,
            "warnings": boundary + regrets,
            "starts": optimum.starts,
            "evaluations": optimum.evaluations,
            "n_patterns": objective.n_patterns,
            **extra,
        },
        start=summary.start,
        until=summary.until,
        currency=summary.currency,
        sha256=summary.sha256,
        finite_mean=restricted,
    )


def _with_finite_mean(objective: Objective, optimum: Optimum) -> tuple[Family | None, list[str]]:
    """The fit with Gamma-Gamma's q at 1.05 when the estimate has q ≤ 1, and what that costs; else nothing."""
    eta, family = optimum.summit.eta, objective.family
    if family.least is None or eta[family.least[0]] > 0:
        return None, []
    place, least = family.least
    start = eta.copy()
    start[place] = np.log(least)
    held = ascend(objective, start, held=(place,))
    restricted = family.from_log(objective.log_parameters(held.summit.eta))
    return restricted, [
        _(
            "{title}: q is {q}, and at q ≤ 1 the mean spend of the population does not exist: a few customers spend so "
            "much more than the rest that no average settles. Means are taken from the fit restricted to q = {least}, "
            "whose log-likelihood is {lower} lower. Look for wholesale customers or mistyped amounts, and fit them "
            "apart."
        ).format(
            title=family.title,
            q=n.general(np.exp(eta[place])),
            least=n.general(least),
            lower=n.decimal(optimum.summit.value - held.summit.value),
        )
    ]
