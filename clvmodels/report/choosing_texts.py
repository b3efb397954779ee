"""Every text of the section on how the model was chosen, in English."""

from __future__ import annotations

from collections.abc import Mapping

from clvmodels.language import SPOKEN

PROSE: Mapping[str, str] = SPOKEN | {
    "rule": "Before anything was judged, the calibration period itself was cut at {cutoffs} earlier days. From each of "
    "them every model forecast what was left of the calibration, and was scored by what had come. Nothing of the "
    "holdout was known. The best mean log score wins; models within one standard error of it count as equal, and the "
    "one with the fewest parameters is taken. The stack, a weighted mixture of the models and of the formula, has to "
    "be better than that by more than one standard error, with weights that know nothing of the cut-off they are "
    "judged at; that nobody buys again is a member of it only where that makes it better by more than two.",
    "reason": "**The choice.** {reason}",
    "later": "**For the forecast** the same was done with all data up to its start. {reason}",
    "anew": "For the forecast the choice was made anew, and {title} is fitted to everything up to {until}.",
    "why": "**What the stack is.** With a chance of its weight the world is as one member says: a customer's "
    "distribution of purchases is the weighted mean of the members'. Total limits hold this doubt too.",
}

CAPTIONS: Mapping[str, str] = SPOKEN | {
    "league": "Models at the earlier cut-offs, purchases. Differences are to the model with the best log score, paired "
    "by customer, with 95% limits; the error of totals is the mean factor by which they were off.",
    "spends": "Models of spend at the same cut-offs: mean CRPS of each customer's value, in {currency} (lower is "
    "better).",
    "cutoffs": "The earlier cut-offs.",
}

HEADINGS: Mapping[str, str] = SPOKEN | {
    "model": "Model",
    "log_score": "Log score",
    "log_difference": "Difference, log score",
    "crps": "CRPS",
    "crps_difference": "Difference, CRPS",
    "factor": "Totals off by",
    "weight": "Weight in the stack",
    "chosen": "Chosen",
    "cutoff": "Cut-off",
    "end": "Judged up to",
    "customers": "Customers",
    "purchases": "Purchases after it",
    "yes": "yes",
    "formula_customer": "Formula per customer",
    "formula_repeat": "Formula, repeat orders only",
    "zero": "Nobody buys again",
}
