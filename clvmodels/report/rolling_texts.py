"""Every text of a backtest's page, in English; `clvmodels.language` says how it becomes another language."""

from __future__ import annotations

from collections.abc import Mapping

from clvmodels.language import SPOKEN

TITLES: Mapping[str, str] = SPOKEN | {
    "page": "Backtest",
    "subtitle": "{source} · {cutoffs} cut-offs, {first} to {last} · {days} days each",
    "running": "{source}, backtest {first} to {last}, data {hash}",
    "summary": "In sentences",
    "league": "Who wins",
    "errors": "Where the errors are",
    "stability": "Are the estimates stable",
    "trust": "Can this be trusted",
    "files": "Files",
}

SENTENCES: Mapping[str, str] = SPOKEN | {
    "headline": "Best on {quantity}: {model} (CRPS {crps}; the best formula or heuristic {rival_crps}).",
    "note": "Looked up in these very cut-offs: a model for the next forecast is chosen on earlier cut-offs only.",
    "cut": "The log was cut at {cutoffs} days, {first} to {last}. At each of them {predictors} predictors forecast the "
    "next {days} days from what was known by then; at the last there were {customers} customers.",
    "best": "**Lowest CRPS, {quantity}:** {model}, {crps} on average over the cut-offs; the best of the formulas and "
    "heuristics, “{rival}”, has {rival_crps}. The difference is {difference} [{lower}, {upper}]: {verdict}. {model} "
    "was ahead at {ahead} of {cutoffs} cut-offs.",
    "total": "**Total, {quantity}:** {model} was off by a factor of {factor} on average, “{textbook}” by {other}. "
    "Single cut-offs: {lowest} to {highest} times what happened.",
    "rank": "**Ranking, {quantity}:** {model} has a Gini of {gini}, “{rival}” {rival_gini}, the highest of the "
    "formulas and heuristics; the difference is {difference} [{lower}, {upper}]: {verdict}.",
    "better": "{model} is better",
    "worse": "{model} is worse",
    "no evidence": "no evidence that either is better",
    "losses": "**Where {model} loses, {quantity}:** with evidence, {losses}.",
    "loss": "{measure} to {who}",
    "lossless": "**Where {model} loses, {quantity}:** on no measure is there evidence that a formula or a heuristic is "
    "better.",
    "once": "**One-time buyers:** {actual} came back in the holdouts on average; {model} said {said}.",
    "stable": "**Stability:** most moved {parameter} of {family}; its largest estimate is {ratio} times the smallest.",
    "blind": "**No leak:** every calibration was made once more from a log without the rows after its cut-off, and was "
    "the same.",
    "leak": "**Not to be believed:** {name} knew at {cutoff} what cannot be known: {evidence}.",
    "twins": "of customers with the same purchase dates, {share} of those who bought later ranked above those who did "
    "not",
    "changed": "its predictions change when the rows after the cut-off are taken away",
    "skipped": "**Left out:** {count} cut-offs or fits, with reasons in `skipped.csv`; first {what} at {cutoff}.",
    "a_cutoff": "the whole cut-off",
    "looked": "The leading models were looked up in these very cut-offs. Which model to trust with the next forecast "
    "is another question, and is answered on earlier cut-offs only: `--family auto`.",
    "limits": "Limits in brackets hold for all measures of a model at once, over other customers like these and other "
    "periods like these ({resamples} paired resamples of customers and cut-offs).",
}

CAPTIONS: Mapping[str, str] = SPOKEN | {
    "pooled": "Means over cut-offs, {quantity}. |log ratio| is |log(predicted ÷ actual)| of the total.",
    "compared": "{model} against formulas and heuristics, {quantity}: the verdict on the difference over cut-offs, and "
    "at how many of them it was ahead.",
}

HEADINGS: Mapping[str, str] = SPOKEN | {
    "predictor": "Prediction",
    "measure": "Measure",
    "log_ratio": "Total, |log ratio|",
}

FILES: Mapping[str, str] = SPOKEN | {
    "league.csv": "every measure of every predictor at every cut-off, with 95% limits; also as Parquet",
    "pooled.csv": "means over cut-offs, with limits over customers and cut-offs, and over customers alone",
    "comparison.csv": "the leading models against all formulas and heuristics, with simultaneous limits",
    "parameters.csv": "every estimate at every cut-off, with its standard error",
    "fits.csv": "every fit: log-likelihood, convergence, notes",
    "totals.csv": "predicted and actual totals",
    "by_horizon.csv": "totals up to some days after each cut-off",
    "by_frequency.csv": "totals and errors by repeat purchases",
    "by_cohort.csv": "totals and errors by first purchase",
    "one_time.csv": "every measure among those who had bought once",
    "skipped.csv": "what could not be fitted or judged, and why",
    "leaks.csv": "what was looked at to find who knows the future",
    "backtest.json": "for programs: cut-offs, predictors, league, comparison, sentences, versions, hash of the data",
}
