"""Save and load a fit: JSON that a person can read, never pickle.

Posterior draws go into the same file, as base64 of their little-endian doubles: exact to the last bit, and one file
that every JSON reader opens. NetCDF would be a second file and a dependency, for the few hundred kilobytes that 4,096
draws of four parameters are. The data that a posterior was drawn from are not saved.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from clvmodels import __version__
from clvmodels.calendar import Unit
from clvmodels.errors import InputError
from clvmodels.files import check_file, whole_file
from clvmodels.fitting.draws import Draws
from clvmodels.fitting.result import Fit
from clvmodels.fitting.stack import STACK, StackFit, blend_of
from clvmodels.models import FAMILIES, Family
from clvmodels.models.arrays import Array
from clvmodels.models.formula_rate import FormulaRate, NobodyReturns

FORMAT = "clvmodels fit"
SCHEMA = 2
"""Raised when an older version could no longer read a file rightly: 2 brought posterior draws."""
READABLE = (1, 2)
"""The numbers that `load` reads."""


def save(fit: Fit | tuple[Fit, Fit | None], path: str | Path) -> None:
    """Write a fit, or a (purchases, spend) pair, to a JSON file, whole or not at all.

    Parameters
    ----------
    fit
        One fit, or a pair of them; spend may be None in a pair.
    path
        Ends in ``.json``. Folders above it are made; an existing file is replaced.

    Raises
    ------
    InputError
        When ``fit`` is something else, or the file cannot be written there.

    Notes
    -----
    A fit with a posterior keeps all its draws: CDNOW's purchases and spend together are a file of .7 MB.
    """
    pair = isinstance(fit, (tuple, list))
    fits = list(fit) if isinstance(fit, (tuple, list)) else [fit]
    right = len(fits) == (2 if pair else 1) and isinstance(fits[0], Fit)
    if not right or not all(part is None or isinstance(part, Fit) for part in fits):
        raise InputError(
            f"save writes a fit or a (purchases, spend) pair, not {_name(fit)}. Write for example "
            "save(purchases, 'fit.json') or save((purchases, spend), 'fit.json')."
        )
    content = {
        "format": FORMAT,
        "schema": SCHEMA,
        "version": __version__,
        "pair": pair,
        "fits": [None if part is None else _to_plain(part) for part in fits],
    }
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    target = check_file(path, suffixes=(".json",))
    try:
        with whole_file(target) as beside:
            beside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}. Choose another place.") from None


def load(path: str | Path) -> Fit | tuple[Fit, Fit | None]:
    """Read what `save` wrote: a fit, or a (purchases, spend) pair; every number comes back to the last bit.

    A posterior comes back with its draws, and predicts as before. The data it was drawn from do not (`Fit.to_arviz`
    needs them).

    Raises
    ------
    InputError
        When the file is not there, is not JSON, is not one of ours, or has a schema this version does not read.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}. Name a file that `save` wrote.") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path} is not JSON, or only a part of it. Save the fit again.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path} is JSON, but not a fit. Name a file that `save` wrote, for example fit.json.")
    if content.get("schema") not in READABLE:
        raise InputError(
            f"{path} has schema {content.get('schema')!r} (written by clvmodels {content.get('version', '?')}); "
            f"clvmodels {__version__} reads {' and '.join(map(str, READABLE))}. Fit and save again, or install the "
            "version that wrote it."
        )
    try:
        fits = [None if plain is None else _from_plain(plain) for plain in content["fits"]]
        if content["pair"]:
            purchases, spend = fits
        else:
            (purchases,), spend = fits, None
        if purchases is None:
            raise ValueError("the fit itself is null")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged or was edited: {_name(error)}, {error}. Save the fit again.") from None
    return (purchases, spend) if content["pair"] else purchases


def _to_plain(fit: Fit) -> dict[str, Any]:
    stacked = {}
    if isinstance(fit, StackFit):
        members = [_to_plain(one) for one in fit.members]
        stacked = {"names": list(fit.names), "weights": list(fit.weights), "members": members}
    return stacked | {
        "family": fit.model.name,
        "method": fit.method,
        "parameters": fit.parameters,
        **({"constants": fit.model.constants} if fit.model.constants else {}),
        "standard_errors": fit.standard_errors,
        "log_covariance": fit.covariance.tolist(),
        "log_likelihood": fit.log_likelihood,
        "customers": fit.n_customers,
        "converged": fit.converged,
        "verdict": fit.verdict,
        "diagnostics": _finite(fit.diagnostics),
        "finite_mean": fit.finite_mean and {name: float(v) for name, v in fit.finite_mean.parameters.items()},
        "unit": fit.unit.value,
        "currency": fit.currency,
        "data": {"start": fit.start.isoformat(), "until": fit.until.isoformat(), "sha256": fit.sha256},
        "posterior": fit.posterior and _draws_to_plain(fit.posterior),
    }


def _from_plain(plain: dict[str, Any]) -> Fit:
    if plain["family"] == STACK:
        return _stack_from_plain(plain)
    family: type[Family] = ({one.name: one for one in (FormulaRate, NobodyReturns)} | FAMILIES)[plain["family"]]
    constants = {name: int(plain["constants"][name]) for name in family.constant_names}
    model = _model(family, plain["parameters"], constants)
    covariance = np.array(plain["log_covariance"], float)
    size = len(family.parameter_names())
    if covariance.shape != (size, size) or tuple(plain["standard_errors"]) != family.parameter_names():
        raise ValueError(f"the covariance and standard errors do not fit the {size} parameters of {family.title}")
    return Fit(
        model=model,
        method=plain["method"],
        unit=Unit(plain["unit"]),
        log_likelihood=float(plain["log_likelihood"]),
        n_customers=int(plain["customers"]),
        converged=plain["converged"],
        verdict=plain["verdict"],
        covariance=covariance,
        standard_errors=plain["standard_errors"],
        diagnostics=_infinite(plain["diagnostics"]),
        start=dt.date.fromisoformat(plain["data"]["start"]),
        until=dt.date.fromisoformat(plain["data"]["until"]),
        currency=plain["currency"],
        sha256=plain["data"]["sha256"],
        finite_mean=plain["finite_mean"] and _model(family, plain["finite_mean"], constants),
        posterior=plain.get("posterior") and _draws_from_plain(plain["posterior"], family, constants),
    )


def _stack_from_plain(plain: dict[str, Any]) -> StackFit:
    members = tuple(_from_plain(one) for one in plain["members"])
    names, weights = tuple(plain["names"]), tuple(float(weight) for weight in plain["weights"])
    if not len(members) == len(names) == len(weights):
        raise ValueError(f"{len(members)} members have {len(names)} names and {len(weights)} weights")
    return StackFit(
        model=blend_of(weights, [one.predictive_model for one in members]),
        method=plain["method"],
        unit=Unit(plain["unit"]),
        log_likelihood=float(plain["log_likelihood"]),
        n_customers=int(plain["customers"]),
        converged=plain["converged"],
        verdict=plain["verdict"],
        covariance=np.zeros((0, 0)),
        standard_errors=plain["standard_errors"],
        diagnostics=_infinite(plain["diagnostics"]),
        start=dt.date.fromisoformat(plain["data"]["start"]),
        until=dt.date.fromisoformat(plain["data"]["until"]),
        currency=plain["currency"],
        sha256=plain["data"]["sha256"],
        members=members,
        names=names,
        weights=weights,
    )


_ARRAYS = ("u", "log_parameters", "weights")
_NUMBERS = ("chains", "k_hat", "r_hat", "bulk_ess", "tail_ess", "divergences")


def _draws_to_plain(draws: Draws) -> dict[str, Any]:
    plain: dict[str, Any] = {"draws": draws.size, "encoding": "base64 of little-endian float64, row by row"}
    plain |= {name: _finite(getattr(draws, name)) for name in _NUMBERS}
    return plain | {name: base64.b64encode(getattr(draws, name).astype("<f8").tobytes()).decode() for name in _ARRAYS}


def _draws_from_plain(plain: dict[str, Any], family: type[Family], constants: dict[str, int]) -> Draws:
    size, k = int(plain["draws"]), len(family.parameter_names())

    def array(name: str, *shape: int) -> Array:
        try:
            content = base64.b64decode(plain[name], validate=True)
        except binascii.Error as error:
            raise ValueError(f"{name} of the posterior is not base64 ({error})") from None
        values = np.frombuffer(content[: len(content) // 8 * 8], "<f8")
        if values.size != np.prod(shape) or not np.isfinite(values).all():
            raise ValueError(f"{name} of the posterior is not {' × '.join(map(str, shape))} finite numbers")
        return values.astype(float).reshape(shape)

    return Draws(
        family,
        array("u", size, k),
        array("log_parameters", size, k),
        array("weights", size),
        **{name: _infinite(plain[name]) for name in _NUMBERS},
        constants=constants,
    )


def _model(family: type[Family], parameters: dict[str, Any], constants: dict[str, int]) -> Family:
    return family(**{name: float(value) for name, value in parameters.items()}, **constants)


_NOT_IN_JSON = ("infinity", "-infinity", "nan")


def _finite(value: Any) -> Any:
    """JSON has no infinity: a word stands for it."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
    return value


def _infinite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _infinite(part) for name, part in value.items()}
    return float(value) if isinstance(value, str) and value in _NOT_IN_JSON else value


def _name(value: object) -> str:
    return type(value).__name__
