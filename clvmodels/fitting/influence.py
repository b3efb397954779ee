"""How much the priors matter: what the draws would say had every prior been half or twice as wide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from clvmodels import written as n
from clvmodels.errors import InputError
from clvmodels.fitting.distributions import prior_from_text
from clvmodels.fitting.draws import Draws, smooth
from clvmodels.fitting.priors import PARAMETRISATIONS, Parametrisation
from clvmodels.fitting.result import Fit
from clvmodels.language import _

SCALES = {0.5: "half", 2.0: "twice"}
"""The prior scales that the influence is reported for."""


def reweighted(draws: Draws, parametrisation: Parametrisation, factor: float) -> Draws:
    """The same draws, weighted as if every prior had been ``factor`` times as wide; their k̂ says if they can tell."""
    with np.errstate(divide="ignore"):
        log_ratio = np.log(draws.weights) + parametrisation.wider(factor).log_prior(draws.u)
    log_ratio = log_ratio - parametrisation.log_prior(draws.u)
    weights, k_hat = smooth(log_ratio - log_ratio.max())
    return replace(draws, weights=weights, chains=1, k_hat=k_hat, r_hat=None, bulk_ess=None, tail_ess=None)


def prior_influence(
    draws: Draws, parametrisation: Parametrisation, anew: Callable[[Parametrisation], Draws] | None = None
) -> tuple[dict[str, float], str]:
    """How far the posterior mean of any quantity moves, in posterior standard deviations, by prior scale; and in words.

    Where reweighted draws fail their certificate, ``anew`` draws under the changed priors. Where that fails too, the
    shift is a lower bound, and the words say so.
    """
    centre = draws.weights @ draws.u
    spread = np.sqrt(draws.weights @ (draws.u - centre) ** 2)
    shifts, parts = {}, []
    for factor, name in SCALES.items():
        other = reweighted(draws, parametrisation, factor)
        if not other.certified and anew:
            fresh = anew(parametrisation.wider(factor))
            other = fresh if fresh.certified else other
        shift = float(np.max(np.abs(other.weights @ (other.u - centre)) / spread))
        shifts[f"{factor:g}"] = shift
        if other.certified:
            said = {"half": _("with priors half as wide by at most {shift}")}
            said |= {"twice": _("with priors twice as wide by at most {shift}")}
        else:
            said = {"half": _("with priors half as wide by at least (k̂ {k_hat}: these draws cannot tell) {shift}")}
            said |= {"twice": _("with priors twice as wide by at least (k̂ {k_hat}: these draws cannot tell) {shift}")}
        parts.append(said[name].format(shift=n.decimal(shift), k_hat=n.decimal(other.k_hat)))
    return shifts, _("estimates move {parts} posterior standard deviations").format(parts=", ".join(parts))


def with_prior_scale(fit: Fit, factor: float) -> Fit:
    """The fit as it would be had every prior been ``factor`` times as wide: give it to `predict` and compare.

    The draws stay, their weights change. ``converged`` and ``verdict`` say whether draws from the one posterior can
    stand for the other; where they cannot, fit again with ``priors=``. ``log_likelihood`` stays that of ``fit``.

    Raises
    ------
    InputError
        For a fit without a posterior, or a factor that is not positive.
    """
    if fit.posterior is None:
        raise InputError(f"a fit by {fit.method} has no priors. Fit the summary with method='posterior' or 'nuts'.")
    if not factor > 0:
        raise InputError(f"priors cannot be {factor} times as wide. Give a positive factor, for example 2.")
    priors = {name: prior_from_text(text) for name, text in fit.diagnostics["priors"].items()}
    parametrisation = PARAMETRISATIONS[fit.model.name].with_priors(priors)
    draws = reweighted(fit.posterior, parametrisation, factor)
    centre = fit.posterior.weights @ fit.posterior.log_parameters, draws.weights @ draws.log_parameters
    return replace(
        fit,
        model=fit.model.at(fit.model.log_vector + centre[1] - centre[0]),
        converged=draws.certified,
        verdict=(
            f"every prior {factor:g} times as wide, by reweighting: "
            f"{'certified' if draws.certified else 'not certified'}, Pareto k̂ {draws.k_hat:.2f} (limit "
            f"{draws.limit:.2f}); {draws.size:,} draws are worth {draws.ess:,.0f}"
        ),
        covariance=draws.covariance,
        standard_errors=dict(zip(fit.parameters, draws.sd.tolist(), strict=True)),
        diagnostics=fit.diagnostics
        | {"k_hat": draws.k_hat, "k_hat_limit": draws.limit, "ess": draws.ess}
        | {"priors": {q.name: repr(q.prior) for q in parametrisation.wider(factor).quantities}},
        posterior=draws,
    )
