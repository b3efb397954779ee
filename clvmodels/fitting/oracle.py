"""The second opinion: lifetimes fits the same summary, and our likelihood judges both estimates."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clvmodels import written as n
from clvmodels.errors import ConvergenceError, DiagnosticWarning
from clvmodels.fitting import fit as fitted
from clvmodels.fitting.data import spend_data
from clvmodels.fitting.result import Fit
from clvmodels.language import _
from clvmodels.models.arrays import Array

if TYPE_CHECKING:
    from clvmodels.summary import Summary

FITTERS = {
    "bgnbd": "BetaGeoFitter",
    "mbgnbd": "ModifiedBetaGeoFitter",
    "pareto_nbd": "ParetoNBDFitter",
    "bgbb": "BetaGeoBetaBinomFitter",
}
FITTERS |= {"gamma_gamma": "GammaGammaFitter", "gamma_gamma_first": "GammaGammaFitter"}
"""lifetimes' names of the families it knows too. Its Gamma-Gamma does not ask which purchases x and m are of."""
TOLERANCES = (1e-7, 1e-5)
"""lifetimes' default, and what it can reach on many logs where it gives up at its optimum, short of the default."""
ASKED = 100_000
"""Customers of a larger log that lifetimes is asked about: it takes a second for so many, a minute for ten million."""


@dataclass(frozen=True)
class Opinion:
    """What another program says about the same data.

    Attributes
    ----------
    engine
        Its name.
    log_likelihood
        Of the purchases: our likelihood at its estimates; None when it found none.
    max_relative_difference
        The largest |its estimate / ours − 1| over the parameters that the data identify; None when there is none.
    parameters
        Its estimates, by name.
    note
        The comparison in words.
    ours
        The purchase fit it was compared with: that of the same customers, where lifetimes was asked about some.
    """

    engine: str
    log_likelihood: float | None
    max_relative_difference: float | None
    parameters: dict[str, float]
    note: str
    ours: Fit = field(repr=False)


def lifetimes_opinion(
    summary: Summary, fit: Fit, spend_fit: Fit | None = None, *, asked: int = ASKED, seed: int = 0
) -> Opinion:
    """Let lifetimes fit what ``fit`` (and ``spend_fit``) fitted, and compare.

    Parameters
    ----------
    summary
        The data of the fits.
    fit, spend_fit
        Our purchase fit and, with money, our spend fit of that summary.
    asked
        Of more customers so many are drawn at random, and both programs fit these: two estimates of the same customers
        agree to many digits or one program is wrong, however few they are.
    seed
        Of that draw.

    Notes
    -----
    The two log-likelihoods are both ours, so that they can be compared to the last digit: lifetimes reports a mean in
    rescaled time. Where lifetimes does not converge the opinion says so and holds no numbers.
    """
    everyone = len(summary.frame)
    some = everyone > asked and any(one.model.name in FITTERS for one in (fit, spend_fit) if one is not None)
    if some:
        drawn = np.sort(np.random.default_rng([seed, 6]).choice(everyone, asked, replace=False))
        summary = summary.of_frame(summary.frame.iloc[drawn].reset_index(drop=True))
        fit, spend_fit = _likeliest(fit, summary), spend_fit and _likeliest(spend_fit, summary)
    patterns = summary.patterns
    purchases: tuple[Array, ...] = (patterns.x, patterns.t_x, patterns.T)
    parts = [_compare(fit, FITTERS.get(fit.model.name), purchases, patterns.n)]
    if spend_fit is not None:
        spent = spend_data(summary, type(spend_fit.model))[0]
        parts.append(_compare(spend_fit, FITTERS.get(spend_fit.model.name), spent, np.ones(spent[0].size, int)))
    differences = [part.difference for part in parts if part.difference is not None]
    notes = [part.note for part in parts]
    if some:
        said = _("Both programs fitted {some} of {all} customers, drawn at random.")
        notes.append(said.format(some=n.count(asked), all=n.count(everyone)))
    return Opinion(
        engine="lifetimes",
        log_likelihood=parts[0].log_likelihood,
        max_relative_difference=max(differences, default=None),
        parameters={name: value for part in parts for name, value in part.parameters.items()},
        note=" ".join(notes),
        ours=fit,
    )


def _likeliest(fit: Fit, summary: Summary) -> Fit:
    """The same family's estimate for other customers, where it is compared; what it warns of is no news."""
    if fit.model.name not in FITTERS:
        return fit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        try:
            return fitted(type(fit.model), summary)
        except ConvergenceError as error:
            found: Fit = error.fit
            return found


@dataclass(frozen=True)
class _Part:
    log_likelihood: float | None
    difference: float | None
    parameters: dict[str, float]
    note: str


def _compare(fit: Fit, fitter: str | None, data: tuple[Array, ...], weights: Array) -> _Part:
    title = fit.model.title
    if fitter is None:
        return _Part(None, None, {}, _("lifetimes has no {title}.").format(title=title))
    failure = loosened = ""
    for tolerance in TOLERANCES:
        found = _estimates(fitter, data, weights, tolerance)
        if not isinstance(found, str):
            break
        failure = failure or found
        loosened = _(" (after a failure, with its tolerance loosened)")
    else:
        said = _("lifetimes gives no {title} estimate: {failure}").format(title=title, failure=failure)
        return _Part(None, None, {}, said)
    ours: Any = fit.model
    theirs: Any = type(fit.model)(**found)
    likelihood = [float(weights @ model.log_likelihood(*data)) for model in (theirs, ours)]
    told = [name for name, error in fit.standard_errors.items() if error is not None]  # the rest could be anything
    difference = max((abs(found[name] / fit.parameters[name] - 1) for name in told), default=None)
    lead = likelihood[1] - likelihood[0]
    if abs(lead) < 1e-3:
        say = _("the same log-likelihood to .001")
    elif lead > 0:
        say = _("a log-likelihood {lead} lower than ours").format(lead=n.general(lead))
    else:
        say = _("a log-likelihood {lead} higher than ours").format(lead=n.general(-lead))
    if difference is None:
        far = _("none is identified")
    elif difference < 1:
        say_far = _("{names} differ by at most {difference} (relative)")
        far = say_far.format(names=", ".join(told), difference=n.significant(difference, 1))
    else:
        say_far = _("{names} differ by a factor of up to {factor}")
        far = say_far.format(names=", ".join(told), factor=n.significant(1 + difference, 1))
    note = _("lifetimes' {title} estimates{loosened} have {say}; {far}.")
    return _Part(likelihood[0], difference, found, note.format(title=title, loosened=loosened, say=say, far=far))


def _estimates(fitter: str, data: tuple[Array, ...], weights: Array, tolerance: float) -> dict[str, float] | str:
    """lifetimes' estimates, or why there are none."""
    with _left_as_it_was():
        try:
            import lifetimes

            fitted = getattr(lifetimes, fitter)(penalizer_coef=0.0).fit(*data, weights=weights, tol=tolerance)
            values = {name: float(value) for name, value in fitted.params_.items()}
        except Exception as error:  # whatever another program does wrong is its opinion, not our failure
            return f"{type(error).__name__}, {' '.join(str(error).split()) or _('without a message')}"
    if not all(np.isfinite(value) and value > 0 for value in values.values()):
        return _("its estimates are {values}").format(values=values)
    return values


@contextlib.contextmanager
def _left_as_it_was() -> Iterator[None]:
    """lifetimes sets a pandas option, adds warning filters and prints: undo all of it."""
    option = "mode.chained_assignment"
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        before = pd.get_option(option)
        try:
            yield
        finally:
            pd.set_option(option, before)
