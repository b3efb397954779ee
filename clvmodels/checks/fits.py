"""Checks of the fits: did they arrive, are the parameters told apart, does somebody else agree?"""

from __future__ import annotations

from typing import Any

import numpy as np

from clvmodels import written as n
from clvmodels.checks.finding import Check, Status, sentence
from clvmodels.fitting.oracle import Opinion
from clvmodels.fitting.result import Fit
from clvmodels.fitting.stack import StackFit
from clvmodels.language import _, pgettext

LOOSE = 1.0
"""Standard deviation of a log parameter: at 1 it is known within a factor e only, and its value is not to be quoted."""
ORACLE_PARAMETERS = 0.01
"""Relative difference of parameters between two correct optimisers on a flat likelihood; 1 % moves no forecast."""
ORACLE_LIKELIHOOD = 0.01
"""Log-likelihood points, as the literature prints them (two decimals)."""
POSTERIOR_LIKELIHOOD = 2.0
"""A posterior mean lies below the maximum by design; two points are well inside the 95 % region (χ²₄/2 = 4.7)."""
POSTERIOR_PARAMETERS = 1.0
"""Relative difference from which on nobody would call two sets of parameters the same: one is twice the other."""
PRIOR_SHIFT = 0.5
"""Posterior standard deviations: a shift by half of one changes no decision that its 90 % interval would not."""
WIDE_SPREAD = 1.5
"""Standard deviation of log orders from which on the largest hundredth of them holds a fifth of all value."""
USELESS_Q = 2.0
"""Gamma-Gamma's q: at most 1, the mean spend of the population is infinite; at most 2, its variance is."""


def convergence(fit: Fit, refit: Fit) -> Check:
    """Did the optimiser arrive, or are the draws certified, in the calibration and on all data?"""
    ok = fit.converged and refit.converged
    title = _("Convergence of {title}") if fit.posterior is None else _("Certificate of {title}'s posterior")
    diagnostics = ("k_hat", "k_hat_limit", "r_hat", "ess", "tail_ess", "divergences")
    values: dict[str, Any] = {"log_likelihood": fit.log_likelihood}
    for side, one in (("calibration", fit), ("all_data", refit)):
        values[side] = {"method": one.method} | {name: one.diagnostics.get(name) for name in diagnostics}
    return Check(
        f"convergence_{fit.model.name}",
        title.format(title=fit.model.title),
        "pass" if ok else "fail",
        _("Calibration: {first}. All data: {later}.")
        .format(first=fit.verdict, later=refit.verdict)
        .replace(" -", " −"),
        _("Nothing to do.") if ok else _("Do not use this fit; look for outliers or wrong units in the input."),
        values,
    )


def priors(fit: Fit, refit: Fit) -> Check | None:
    """Would priors half or twice as wide have said something else?"""
    if fit.posterior is None:
        return None
    sides = {_("Calibration"): fit.diagnostics, _("All data"): refit.diagnostics}
    shift = max(max(found["prior_influence"].values()) for found in sides.values())
    ok = shift <= PRIOR_SHIFT
    return Check(
        f"priors_{fit.model.name}",
        _("Influence of {title}'s priors").format(title=fit.model.title),
        "pass" if ok else "review",
        " ".join(sentence(f"{side}: {found['prior_influence_words']}") for side, found in sides.items()),
        _("The data decide, not the priors.")
        if ok
        else _(
            "The data leave some parameters to the priors: quote forecasts, not parameters, and compare the forecast "
            "with that of priors half and twice as wide (`clvmodels.fitting.influence.with_prior_scale`)."
        ),
        {"shift": shift, "calibration": fit.diagnostics["prior_influence"]}
        | {"all_data": refit.diagnostics["prior_influence"]},
    )


def weakest_direction(fit: Fit) -> tuple[str, float]:
    """The combination of log parameters the data know least about, in words, and its standard deviation.

    The eigenvector of the covariance with the largest eigenvalue; parameters that move in the same sense are joined by
    "and", those that move against them by "against".
    """
    loose = [name for name, error in fit.standard_errors.items() if error is None]
    if loose:
        return _joined(loose), float("inf")
    values, vectors = np.linalg.eigh(np.asarray(fit.covariance, float))
    direction, sd = vectors[:, -1], float(np.sqrt(max(values[-1], 0.0)))
    direction = direction * np.sign(direction[np.argmax(np.abs(direction))])
    names = list(fit.parameters)
    up = [name for name, weight in zip(names, direction, strict=True) if weight > 0.3]
    down = [name for name, weight in zip(names, direction, strict=True) if weight < -0.3]
    if down:
        return _("{these} against {those}").format(these=_joined(up), those=_joined(down)), sd
    return (_("{these} together").format(these=_joined(up)) if len(up) > 1 else _joined(up)), sd


def _joined(names: list[str]) -> str:
    return pgettext("parameters", " and ").join(names)


def identification(fit: Fit) -> Check:
    """Do the data tell all parameters apart?"""
    if isinstance(fit, StackFit):
        fit = fit.lead
    words, sd = weakest_direction(fit)
    boundary = fit.diagnostics.get("boundary")
    status: Status = "review" if boundary or sd > LOOSE else "pass"
    if not np.isfinite(sd):
        spread = _("which the data do not determine")
    elif sd < 0.3:
        spread = _("known within ±{error} (90%)").format(error=n.percent(1.645 * sd, 0))
    else:
        spread = _("known within a factor of {factor} (90%)").format(factor=n.significant(np.exp(1.645 * sd), 2))
    said, found, advice = str(boundary or "").partition(_(" Try: "))
    direction = _("The weakest direction is {direction}, {spread}.").format(direction=words, spread=spread)
    usable = _(
        "Forecasts within the observed span are usable; do not quote these parameters one by one, nor long horizons."
    )
    return Check(
        "identification" if fit.model.kind == "purchases" else f"identification_{fit.model.kind}",
        _("Identification of {title}").format(title=fit.model.title),
        status,
        sentence(said) if boundary else direction,
        _("All parameters are told apart by the data.") if status == "pass" else usable + found + advice,
        {
            "direction": words,
            "spread": spread,
            "sd": sd,
            "boundary": boundary,
            "condition": fit.diagnostics.get("condition"),
        },
    )


def second_opinion(opinion: Opinion | None) -> Check:
    """Does an independent implementation find the same optimum?"""
    name, title = "second_opinion", _("Second opinion")
    if opinion is None or opinion.log_likelihood is None:
        note = opinion.note if opinion else _("There is no second opinion on these data.")
        return Check(name, title, "review", note, _("Rely on the convergence check."))
    fit = opinion.ours
    agree = _("Two implementations agree, or ours found the higher likelihood.")
    if fit.method != "mle":
        agree = _(
            "They agree: weak priors put the posterior's mean beside the highest point of the likelihood, not on it."
        )
    ahead = round(opinion.log_likelihood - fit.log_likelihood, 6)  # further digits depend on the order of millions
    difference = opinion.max_relative_difference
    flat = _("Both are equally likely with different parameters: the likelihood is flat, see identification.")
    if fit.method != "mle" and difference is not None and difference > POSTERIOR_PARAMETERS:
        agree = flat
    status: Status = "pass"
    if ahead > (ORACLE_LIKELIHOOD if fit.method == "mle" else POSTERIOR_LIKELIHOOD):
        status = "fail"
    elif (
        fit.method == "mle"
        and difference is not None
        and difference > ORACLE_PARAMETERS
        and ahead >= -ORACLE_LIKELIHOOD
    ):
        status = "review"
    return Check(
        name,
        title,
        status,
        opinion.note,
        {
            "pass": agree,
            "review": flat,
            "fail": _("The other implementation found a better fit. Please report this, with the data if possible."),
        }[status],
        {"log_likelihood_difference": ahead, "max_relative_difference": difference},
    )


def spend_shape(fit: Fit) -> Check:
    """Does the mean spend of the population exist (q > 1), and its variance (q > 2)?"""
    if "q" not in fit.parameters:
        return _log_spread(fit)
    q = float(fit.parameters["q"])
    status: Status = "fail" if q <= 1 else "review" if q <= USELESS_Q else "pass"
    return Check(
        "spend_tail",
        _("Tail of spend"),
        status,
        _("The shape q of the distribution of mean spend is {q}.").format(q=n.decimal(q))
        if q < 100
        else _("The shape q of the distribution of mean spend is above 100."),
        {
            "pass": _("Mean and variance of spend exist."),
            "review": _(
                "The variance of spend is infinite: a few large orders decide. Quote medians or cap orders beside the "
                "mean."
            ),
            "fail": _(
                "The mean spend of the population does not exist; values use a fit restricted to q ≥ {least}. Look for "
                "giant orders."
            ).format(least=n.decimal(1.05)),
        }[status],
        {"q": q},
    )


def _log_spread(fit: Fit) -> Check:
    """Log-normal spend has all moments; how much do the largest orders decide?"""
    spread = float(np.hypot(fit.parameters["sigma"], fit.parameters["tau"]))
    ok = spread <= WIDE_SPREAD
    return Check(
        "spend_tail",
        _("Tail of spend"),
        "pass" if ok else "review",
        _(
            "The logarithms of single orders have standard deviation {spread}: nine in ten lie within a factor of "
            "{factor} of the median."
        ).format(spread=n.decimal(spread), factor=n.decimal(float(np.exp(1.645 * spread)), 1)),
        _("Mean and variance of spend exist.")
        if ok
        else _("A few large orders decide the mean. Quote medians or cap orders beside the mean."),
        {"spread": spread},
    )
