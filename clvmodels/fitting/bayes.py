"""A posterior fit: importance draws with their certificate, and NUTS where the certificate fails or is not wanted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from clvmodels import written as n
from clvmodels.errors import ConvergenceError, DiagnosticWarning, MissingDependencyError
from clvmodels.fitting.draws import ENOUGH, GOOD, MIXED, Draws
from clvmodels.fitting.influence import prior_influence
from clvmodels.fitting.nuts import compile_model
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.posterior import sample_posterior
from clvmodels.fitting.priors import Parametrisation
from clvmodels.fitting.result import Fit
from clvmodels.fitting.words import by_likelihood
from clvmodels.language import _

if TYPE_CHECKING:
    from clvmodels.summary import Summary


def fit_posterior(
    objective: Objective,
    parametrisation: Parametrisation,
    summary: Summary,
    *,
    method: str,
    seed: int,
    extra: Mapping[str, Any] | None = None,
) -> Fit:
    """The posterior of one family, by ``method`` ``"posterior"`` or ``"nuts"``.

    Warns
    -----
    DiagnosticWarning
        When the importance draws fail their certificate, and NUTS takes over.

    Raises
    ------
    MissingDependencyError
        When NUTS is needed and PyMC is not installed.
    ConvergenceError
        When NUTS does not converge either; the draws are on the exception's ``fit``.
    """
    title = parametrisation.family.title
    failed: Draws | None = None
    if method == "posterior":
        draws = sample_posterior(objective, parametrisation, seed=seed)
        if not draws.certified:
            failed = draws
    if method == "nuts" or failed:
        if failed:
            reason = _(
                "{title}: with {customers} customers the posterior is too skewed for importance draws (Pareto k̂ "
                "{k_hat}, limit {limit})"
            ).format(
                title=title,
                customers=n.count(objective.n_customers),
                k_hat=n.decimal(failed.k_hat),
                limit=n.decimal(failed.limit),
            )
        try:
            draws = _sample(objective, parametrisation, seed=seed)
        except MissingDependencyError as error:
            if failed is None:
                raise
            said = _("{reason}, so NUTS is needed. {error} Or choose --method mle.")
            raise MissingDependencyError(said.format(reason=reason, error=error)) from error
        if failed:
            said = _("{reason}; sampled with NUTS instead.").format(reason=reason)
            warnings.warn(said, DiagnosticWarning, stacklevel=3)
    fit = _fit(objective, parametrisation, summary, draws, asked=method, seed=seed, extra=extra or {})
    if not fit.converged:
        raise ConvergenceError(f"{title} did not converge: {fit.verdict.partition(': ')[2]}.", fit)
    for words in fit.diagnostics["warnings"]:
        warnings.warn(words, DiagnosticWarning, stacklevel=3)
    return fit


def _sample(objective: Objective, parametrisation: Parametrisation, *, seed: int) -> Draws:
    """NUTS; when the chains have not mixed, once more with longer ones, of which every fourth draw is kept."""
    data, counts = objective.rows()
    sampler = compile_model(parametrisation, data)
    draws = sampler.sample(counts, objective.scale, seed=seed)
    if not draws.certified:
        draws = sampler.sample(counts, objective.scale, seed=seed + 1, tune=2000, draws=4000, thin=4)
    return draws


def _fit(
    objective: Objective,
    parametrisation: Parametrisation,
    summary: Summary,
    draws: Draws,
    *,
    asked: str,
    seed: int,
    extra: Mapping[str, Any],
) -> Fit:
    centre = draws.weights @ draws.u
    model = parametrisation.model(centre, objective.scale)
    names = model.parameter_names()
    influence, influence_words = prior_influence(
        draws, parametrisation, anew=lambda changed: sample_posterior(objective, changed, seed=seed)
    )
    return Fit(
        model=model,
        method="nuts" if draws.k_hat is None else "posterior",
        unit=summary.unit,
        log_likelihood=float(objective(parametrisation.to_eta(centre))[0] + objective.shift()),
        n_customers=objective.n_customers,
        converged=draws.certified,
        verdict=_verdict(draws) + by_likelihood(draws.constants),
        covariance=draws.covariance,
        standard_errors={name: float(sd) for name, sd in zip(names, draws.sd, strict=True)},
        diagnostics={
            "asked": asked,
            "seed": seed,
            "k_hat": draws.k_hat,
            "k_hat_limit": draws.limit if draws.k_hat is not None else None,
            "r_hat": draws.r_hat,
            "ess": draws.ess,
            "tail_ess": draws.tail_ess,
            "divergences": draws.divergences,
            "draws": draws.size,
            "priors": {q.name: repr(q.prior) for q in parametrisation.quantities},
            "prior_influence": influence,
            "prior_influence_words": influence_words,
            "boundary": None,
            "warnings": _regrets(draws),
            "n_patterns": objective.n_patterns,
            "n_left_out": 0,
            **extra,
        },
        start=summary.start,
        until=summary.until,
        currency=summary.currency,
        sha256=summary.sha256,
        posterior=draws,
        observed=objective.rows(),
    )


def _regrets(draws: Draws) -> list[str]:
    """What is wrong with the data although the draws are right: a Gamma-Gamma that presses q against 1."""
    if draws.family.least is None:
        return []
    place, hardly = draws.family.least
    share = float(draws.weights @ (draws.log_parameters[:, place] < np.log(hardly)))
    if share < 0.5:
        return []
    return [
        _(
            "{title}: q is below {least} in {share} of the posterior, and at q ≤ 1 the mean spend of the population "
            "does not exist: a few customers spend so much more than the rest that no average settles. Forecasts of "
            "value rest on the prior. Look for wholesale customers or mistyped amounts, and fit them apart."
        ).format(title=draws.family.title, least=n.general(hardly), share=n.percent(share, 0))
    ]


def _verdict(draws: Draws) -> str:
    """One line on how far the draws can be trusted."""
    facts = {"ess": n.count(draws.ess), "size": n.count(draws.size)}
    if draws.k_hat is not None:
        if not draws.certified:
            said = _(
                "not certified: Pareto k̂ {k_hat}, not usable (limit {limit}); {size} weighted draws are worth {ess}"
            )
        elif draws.k_hat < GOOD:
            said = _("certified: Pareto k̂ {k_hat}, good (limit {limit}); {size} weighted draws are worth {ess}")
        else:
            said = _("certified: Pareto k̂ {k_hat}, usable (limit {limit}); {size} weighted draws are worth {ess}")
        return said.format(k_hat=n.decimal(draws.k_hat), limit=n.decimal(draws.limit), **facts)
    return _(
        "{converged}: R̂ {r_hat} (should be < {mixed}), {size} draws in {chains} chains are worth {ess}, in the tails "
        "{tail} (should be ≥ {enough}), {divergences} divergences (should be < {many})"
    ).format(
        converged=_("converged") if draws.certified else _("not converged"),
        r_hat=n.decimal(draws.r_hat, 3),
        mixed=n.general(MIXED),
        chains=draws.chains,
        tail=n.count(draws.tail_ess),
        enough=ENOUGH * draws.chains,
        divergences=draws.divergences,
        many=draws.size // 100,
        **facts,
    )
