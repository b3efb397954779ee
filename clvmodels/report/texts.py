"""Every sentence of the report, in one place, in English; `clvmodels.language` says how it becomes another language.

``SPOKEN | {...}`` is translated when it is looked up. What is no text (letters, arrows, names) stays a plain dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from clvmodels.language import SPOKEN


class Metric(NamedTuple):
    """How a metric is called, printed and read: ``style`` names its rounding, ``better`` its direction."""

    label: str
    short: str
    aspect: str
    style: str
    better: str
    definition: str

    @property
    def spoken(self) -> tuple[str, ...]:
        """The fields that are texts."""
        return ("label", "short", "definition")


METRICS: Mapping[str, Metric] = SPOKEN | {
    "total_error": Metric(
        "Error of the total",
        "the total",
        "totals",
        "percent",
        "zero",
        "Predicted total over actual total, minus 1: −10% means that a tenth of what happened was not foreseen.",
    ),
    "mae": Metric(
        "Mean absolute error",
        "absolute error",
        "errors",
        "amount",
        "low",
        "Average distance between a customer's actual and the predicted median. With most customers at zero it "
        "rewards predicting zero for everybody: never read it alone.",
    ),
    "rmse": Metric(
        "Root mean squared error",
        "squared error",
        "errors",
        "amount",
        "low",
        "Square root of the average squared distance between a customer's actual and the predicted mean; large misses "
        "weigh most.",
    ),
    "crps": Metric(
        "Distribution error (CRPS)",
        "distribution error",
        "errors",
        "amount",
        "low",
        "Continuous ranked probability score: the mean absolute error of a whole predicted distribution, in the same "
        "unit. A single number is judged as a certain prediction.",
    ),
    "log_score": Metric(
        "Log score",
        "log score",
        "errors",
        "score",
        "high",
        "Average log of the probability given to what then happened; only for predictors that give probabilities.",
    ),
    "gini": Metric(
        "Ranking (Gini)",
        "Gini",
        "ranking",
        "score",
        "high",
        "How well the prediction sorts customers by what they then bought: 1 is the perfect order, 0 is no order.",
    ),
    "spearman": Metric(
        "Ranking (Spearman)",
        "Spearman",
        "ranking",
        "score",
        "high",
        "Rank correlation of predicted and actual; ties of the prediction are broken at random, in expectation.",
    ),
    "auc_active": Metric(
        "Who buys at all (AUC)",
        "who buys at all",
        "ranking",
        "score",
        "high",
        "Chance that a customer who bought was ranked above one who did not; 0.5 is a coin toss.",
    ),
    "top_decile_capture": Metric(
        "Captured by the top tenth",
        "the top tenth",
        "ranking",
        "share",
        "high",
        "Share of what was actually bought that came from the tenth of customers predicted highest; 10% is chance.",
    ),
    "decile_mape": Metric(
        "Error by tenths",
        "error by tenths",
        "calibration",
        "percent",
        "low",
        "Customers are cut into ten equal groups by prediction; the average relative error of the ten group totals.",
    ),
    "coverage_90": Metric(
        "Coverage of 90% intervals",
        "coverage",
        "intervals",
        "share",
        "nominal",
        "Share of customers whose actual fell inside the interval that should hold 90% of them.",
    ),
    "pit_ks": Metric(
        "Distance from calibrated (PIT)",
        "PIT",
        "intervals",
        "score",
        "low",
        "Largest gap between the distribution of predicted probabilities of what happened and the uniform one it "
        "should be; 0 is perfect.",
    ),
}

ASPECTS: Mapping[str, str] = SPOKEN | {
    "totals": "the total",
    "errors": "errors per customer",
    "ranking": "ranking customers",
    "calibration": "amounts by group",
}
"""What a reader wants to know about a predictor, each said separately; the label is a continuation of "better on …"."""

ASPECTS_OF_ONE: Mapping[str, str] = SPOKEN | {
    "totals": "the total of {quantity}",
    "errors": "errors per customer in {quantity}",
    "ranking": "ranking customers by {quantity}",
    "calibration": "{quantity} by group",
}
"""The same where purchases and value have different verdicts."""

LEADING_TITLES: Mapping[str, str] = SPOKEN | {
    "totals": "Total (predicted over actual, minus 1)",
    "errors": "Errors per customer (root mean squared)",
    "ranking": "Ranking of customers (Gini)",
    "calibration": "Amounts by group of customers (mean error of ten groups)",
}

LEADING: dict[str, str] = {"totals": "total_error", "errors": "rmse", "ranking": "gini", "calibration": "decile_mape"}
"""The metric that speaks for an aspect where there is room for one number only."""

QUANTITIES: Mapping[str, str] = SPOKEN | {"purchases": "purchases", "value": "value"}

PREDICTORS: Mapping[str, tuple[str, str]] = SPOKEN | {
    "formula": (
        "Formula, one number for all",
        "Orders per customer-year × holdout length, over all customers together, given to everybody; for value, × the "
        "average order.",
    ),
    "formula_customer": (
        "Formula per customer",
        "The same with each customer's own orders: all orders ÷ time observed × holdout length; for value, × the "
        "customer's average order. The number everybody compares with.",
    ),
    "formula_repeat": (
        "Formula, repeat orders only",
        "The formula per customer with the first order left out of frequency and average order.",
    ),
    "hiatus": (
        "Formula with a silence rule",
        "The formula for repeat orders, but zero for customers silent for more than 26 weeks.",
    ),
    "persistence": (
        "Same as before",
        "What the customer bought, after the first order, in the last stretch of the calibration that is as long as "
        "the holdout.",
    ),
    "zero": ("Nothing", "Zero for everybody: the floor that any prediction must beat."),
}

VERDICTS: Mapping[str, str] = SPOKEN | {
    "better": "better",
    "worse": "worse",
    "holm": "worse (Holm)",
    "no evidence": "no evidence",
    "mixed": "mixed",
}

STATUS: Mapping[str, str] = SPOKEN | {"pass": "pass", "review": "review", "fail": "fail"}

LEDGER: Mapping[str, tuple[str, str]] = SPOKEN | {
    "used": ("Used: purchases, one per customer and day", "used"),
    "same_day": ("Merged into a purchase of the same customer and day", "merged into a purchase of the same day"),
    "refund": ("Refunds, subtracted from the purchases they belong to", "refunds subtracted from their purchases"),
    "unmatched_refund": ("Refunds that find no earlier purchase", "refunds without an earlier purchase"),
    "refunded": ("Purchases of which refunds left nothing", "purchases refunded in full"),
    "zero_value": ("Value zero, of customers with no money left", "of value zero by customers with no money left"),
    "negative": ("Left out: negative value", "of negative value"),
    "holdout": ("In the holdout, by customers of the calibration", "in the holdout"),
    "born_in_holdout": (
        "In the holdout, by customers who bought for the first time",
        "in the holdout, by customers who were new in it",
    ),
    "after_end": ("After the end of observation", "after the end of observation"),
    "null_id": ("Left out: no customer", "without a customer"),
    "null_date": ("Left out: no date", "without a date"),
    "bad_date": ("Left out: unreadable date", "with an unreadable date"),
    "null_value": ("Left out: no value", "without a value"),
    "bad_value": ("Left out: unreadable value", "with an unreadable value"),
    "malformed": ("Left out: unreadable line", "unreadable"),
}
"""The reasons of the ledger, as a row of a table and in a sentence; one without an entry is printed as it is."""

TITLES: Mapping[str, str] = SPOKEN | {
    "report": "Customer lifetime value report",
    "subtitle": "{source} · {first} to {last} · {customers} customers{currency}",
    "running": "{source} · {first} to {last} · data {hash}",
    "summary": "Summary",
    "data": "The data",
    "believe": "Can the forecast be believed?",
    "choice": "How the model was chosen",
    "model": "What the model says about customers",
    "use": "The forecast",
    "indicators": "Indicators: observed and expected",
    "channels": "Channels and what they cost",
    "levers": "Levers: what a change would be worth",
    "attention": "Who deserves attention",
    "cards": "A handful of customers",
    "checks": "Quality checks",
    "methods": "Methods",
    "limits": "Limits",
    "glossary": "Glossary",
    "cite": "How to cite and reproduce",
    "appendix": "Appendix: all numbers of the holdout",
}

HEADLINE: Mapping[str, str] = SPOKEN | {
    "better": "better on {aspects}",
    "worse": "worse on {aspects}",
    "mixed": "divided on {aspects}",
    "detail": "{aspect} (better by {better}; worse by {worse})",
    "no evidence": "without evidence of a difference on {aspects}",
    "opening": "Against {formula}, the model is {verdicts}.",
    "losses": "With evidence it loses on {losses}.",
    "loss": "{measure} of {quantity} to {who}",
    "quoted": "“{name}”",
    "formula": "average order value × frequency × duration",
    "formula_counts": "frequency × duration",
    "note": "Fitted on data up to {calibration_end}, judged on {holdout_customers} customers from {holdout_start} to "
    "{holdout_end}. {totals} {checks}",
    "totals": "In total the model was {model} off in {quantity}, the formula {formula}.",
    "checks_clean": "All {n} quality checks pass.",
    "checks": "Of {n} quality checks, {counts}: see section {section}.",
}

SENTENCES: Mapping[str, str] = SPOKEN | {
    "data": "**Data.** The data hold {customers} customers; {repeat} of them ({repeat_share}) bought on more than one "
    "day. Of {rows} rows, {used} count as a purchase; {rest}.",
    "data_all": "nothing was left out",
    "data_rest": "the others: {reasons}",
    "examples": "**Three customers.** Time runs from each customer's first purchase to {until}: {examples}. See "
    "{figure}.",
    "example": "customer {id} has been observed for {T} {units} (T), bought on {frequency} "
    "(frequency), the last time {recency} {units} after the first (recency)",
    "example_once": "customer {id} has been observed for {T} {units} (T) and never bought again (frequency 0)",
    "horizon": "**Horizon.** The forecast covers {start} to {end}, both days included; time is counted in {units}; a "
    "year is a calendar year.",
    "clv": "**Value.** CLV here means {what} from purchases after {until}, up to {end}, discounted at {rate} a year. "
    "It excludes everything bought before; that is in the column `value_past`.",
    "clv_revenue": "revenue",
    "clv_margin": "revenue × a margin of {margin}",
    "clv_none": "**Value.** The data have no money, so this report forecasts purchases after {until}, up to {end}, "
    "and no CLV. It excludes everything bought before.",
    "compare": "**Model or formula?** In the holdout, {start} to {end}, against {formula} per customer, the model was, "
    "by one measure of each kind:",
    "compare_part": "{aspect}: {verdicts}",
    "compare_verdict": "**{verdict}** for {quantity}, {model} against {formula}, difference {difference} [{lower}, "
    "{upper}]",
    "coverage": "**Intervals.** The 90% intervals contained the truth in {purchases} of cases for purchases{value}. "
    "The total number of purchases fell {inside} its 90% interval.",
    "coverage_value": " and in {value} for value",
    "inside": "inside",
    "outside": "outside",
    "once": "**One-time buyers.** Of the {n} customers with a single purchase by {end}, the model expected "
    "{predicted} to come back in the holdout; {actual} did.",
    "once_none": "**One-time buyers.** No customer had a single purchase by {end}: they seem to have been removed "
    "from the data.",
    "association": "**Spend and frequency** are {verdict} (Spearman {rho} [{rho_lower}, {rho_upper}]); giving each "
    "frequency class its own average spend would change predicted revenue by {effect} [{lower}, {upper}].",
    "association_unknown": "**Spend and frequency.** Too few repeat buyers for a correlation; giving each frequency "
    "class its own average spend would change predicted revenue by {effect} [{lower}, {upper}].",
    "associated": "associated",
    "not_associated": "not associated",
    "association_none": "**Spend and frequency.** Without money there is no association to test.",
    "identification": "**Identification.** The fit is {identified}; the weakest direction is {direction}, {evidence}.",
    "identified": "identified",
    "not_identified": "not fully identified",
    "files": "**Source.** Results customer by customer are in `customers.csv` and `customers.parquet`, from data "
    "{hash} with clvmodels {version} and seed {seed}; cite as “{citation}”.",
}
"""The ten sentences of the summary, in their order; see :func:`clvmodels.report.story.sentences`."""

CITATION: Mapping[str, str] = SPOKEN | {
    "citation": "Customer lifetime value report {id}, {source}, {first} to {last}, clvmodels {version}, {created}"
}

CARDS: Mapping[str, str] = SPOKEN | {
    "value": "Expected value",
    "clv": "CLV, discounted",
    "purchases": "Expected purchases",
    "active": "Customers expected to buy",
    "interval": "90% interval {lower} to {upper}",
    "period": "{start} to {end}",
    "formula": "the formula says {value}",
    "share": "{share} of {customers}",
    "rate": "at {rate} a year; {mean} per customer",
}

PROSE: Mapping[str, str] = SPOKEN | {
    "ledger": "Every row of the input has exactly one fate; the rows add up to the input. Purchases of one customer "
    "on one day are one purchase.",
    "split": "The model saw purchases from {start} to {end} only: {customers} customers, {repeat} of them with a "
    "repeat purchase. It then predicted {holdout_start} to {holdout_end} for the same customers, and so did the "
    "formula in its variants. {new}",
    "split_new": "The {new} customers who first bought in the holdout are not part of the comparison: neither the "
    "model nor the formula could know them.",
    "split_none": "No customer first bought in the holdout.",
    "comparison": "Each cell says whether **{model}** was better or worse than the predictor of that column, or "
    "whether {resamples} resamples of the customers leave it open. The limits behind the verdicts hold for all of "
    "them together (95%).",
    "holm": "“Worse (Holm)”: the simultaneous limits leave it open, but Holm's test at 5%, over all comparisons of "
    "this quantity, does not.",
    "spend": "The model takes spend not to depend on frequency. If each class of customers were shrunk towards its "
    "own average instead of that of all repeat buyers, predicted revenue would change by the last column.",
    "spend_first": "The model takes spend not to depend on frequency. If each class of customers were shrunk towards "
    "its own average instead of that of all customers, predicted revenue would change by the last column.",
    "spend_growth": "The model lets the level of spend go with frequency: twice the purchases, {g} times the spend "
    "[{lower}, {upper}] (90%). Against the same model without that factor, fitted to the same customers, it changes "
    "predicted revenue by {effect} [{effect_lower}, {effect_upper}]. The ratio and the last column show what is left "
    "beside it: what would change if each class of customers were shrunk towards its own average.",
    "refit": "For the forecast the same model is fitted again to everything up to {until}.",
    "certificate": "**Can the draws be trusted?** Estimated by {estimation}. An importance sample is certified by its "
    "Pareto k̂, a chain by its R̂:",
    "certified": "{title}, {side}: {verdict}.",
    "influence": "**Influence of the priors** on the fits behind the forecast: {parts}.",
    "influence_part": "{title}: {words}",
    "notes": "**The fits note:**",
    "oracle": "**Second opinion**, an independent implementation fitted to the calibration data:",
    "total_interval": "Intervals of totals include the uncertainty of the parameters. They assume that customers go "
    "on as before: a change of season, price or assortment is not in them.",
    "tiers": "Tiers rank customers by CLV; customers of equal CLV share a tier. Past value is what they have spent so "
    "far; the formula's value is average order value × frequency × horizon.",
    "formula_wins": "**Where a formula wins.** With evidence: {wins}.",
    "formula_win": "{measure} for {quantity}: {who}",
    "formula_never": "**Where a formula wins.** On no measure is there evidence that a variant of the formula beats "
    "the model.",
    "formulas": "Variants of the formula, with T, x and the horizon of each customer:",
    "times_margin": " × a margin of {margin}",
    "own_columns": "Columns of the input, as on each customer's first purchase day: {columns}.",
    "arrows": "↓ lower is better, ↑ higher is better, → nearer to this number is better. The limits are those of the "
    "model's own measure; what each measure means is in the glossary.",
    "amounts_in": "Amounts in {currency}.",
    "table_elsewhere": "All rows in `figures/{name}.csv`.",
    "guard": "The formula's values add up to {formula}, {ratio} times the model's {model}. They differ most for "
    "customers who have gone silent and for those observed for a short time, whose rate the formula continues as it "
    "is.",
    "checks": "A check passes, asks for review, or fails. Each names its evidence and what to do; the thresholds and "
    "their reasons are in the documentation of `clvmodels.checks`.",
    "files": "Columns of `customers.csv` and `customers.parquet`, one row per customer:",
    "reproduce": "This command makes this report again from the same data:",
    "cite": "Cite as:",
    "packages": "Made by clvmodels {version} with {packages}; seed {seed}, report id {id}. SHA-256 of the data:",
    "as_table": "Data as table",
    "rows_shown": "The first {shown} of {total} rows.",
    "contents": "Contents",
    "page": "Page {page} of {pages}",
    "lead": "What is expected is an average over what may happen. The 90% interval of a customer is wide, and often "
    "starts at zero, because chance decides for one customer; totals are much better known.",
}

STORIES: Mapping[str, str] = SPOKEN | {
    "bgnbd": "BG/NBD (Fader, Hardie & Lee 2005, Marketing Science 24(2)): while alive, a customer buys at random at a "
    "personal rate; after each repeat purchase the customer may drop out, with a personal probability. Rates follow a "
    "gamma distribution with shape r and rate α, dropout probabilities a beta distribution with a and b.",
    "mbgnbd": "MBG/NBD (Batislam, Denizel & Filiztekin 2007, International Journal of Research in Marketing 24(3)): "
    "while alive, a customer buys at random at a personal rate; after each purchase, the first one included, the "
    "customer may drop out, with a personal probability. Rates follow a gamma distribution with shape r and rate α, "
    "dropout probabilities a beta distribution with a and b.",
    "pareto_nbd": "Pareto/NBD (Schmittlein, Morrison & Colombo 1987, Management Science 33(1)): while alive, a "
    "customer buys at random at a personal rate, and may leave at any moment, at a rate of its own. Purchase rates "
    "follow a gamma distribution with shape r and rate α, rates of leaving one with s and β.",
    "nbd": "NBD (Ehrenberg 1959, Applied Statistics 8(1)): a customer buys at random at a personal rate and never "
    "leaves; P(alive) is 1 for everyone. Rates follow a gamma distribution with shape r and rate α. It is the lower "
    "bar: a model that knows of leaving should do better.",
    "bgcnbd": "BG/CNBD-k (Reutterer, Platzer & Schröder 2021, International Journal of Research in Marketing 38(1)): "
    "while alive, a customer buys at every k-th tick of a clock that ticks at random at a personal rate, and so the "
    "more regularly the larger k is; after each repeat purchase the customer may drop out, with a personal "
    "probability. Rates of ticks follow a gamma distribution with shape r and rate α, dropout probabilities a beta "
    "distribution with a and b; k is the whole number under which the times between purchases are likeliest, and with "
    "k = 1 this is BG/NBD.",
    "mbgcnbd": "MBG/CNBD-k (Platzer & Reutterer 2016, Marketing Science 35(5); Reutterer, Platzer & Schröder 2021, "
    "International Journal of Research in Marketing 38(1)): while alive, a customer buys at every k-th tick of a clock "
    "that ticks at random at a personal rate, and so the more regularly the larger k is; after each purchase, the "
    "first one included, the customer may drop out, with a personal probability. Rates of ticks follow a gamma "
    "distribution with shape r and rate α, dropout probabilities a beta distribution with a and b; k is the whole "
    "number under which the times between purchases are likeliest, and with k = 1 this is MBG/NBD.",
    "bgbb": "BG/BB (Fader, Hardie & Shang 2010, Marketing Science 29(6)): time is counted in opportunities to buy, "
    "here units of time; before each of them a customer may leave, with a personal probability, and who is still "
    "there buys with another one. Chances to buy follow a beta distribution with α and β, chances to leave one with γ "
    "and δ.",
}
"""What each purchase family takes customers to do."""

SPEND_STORIES: Mapping[str, str] = SPOKEN | {
    "gamma_gamma_first": "**Spend.** Gamma-Gamma (Fader & Hardie, note 025, 2013) on all purchases: orders of one "
    "customer vary around a personal mean, and these means vary between customers; p, q and v are estimated from all "
    "customers, the value of the first purchase included, which the published model leaves out: for one-time buyers it "
    "is all that is known. A customer's own average is shrunk towards the average of all, the more so the fewer orders "
    "there are. Spend is assumed not to depend on frequency; check the association among the quality checks.",
    "gamma_gamma_frequency": "**Spend.** Gamma-Gamma (Fader & Hardie, note 025, 2013) on every single order: orders of "
    "one customer vary around a personal mean, and these means vary between customers, around a level that goes with "
    "frequency: each doubling of a customer's purchases multiplies it by g. p, q, v and g are estimated from all "
    "orders of positive value, the first included, by the likelihood of each of them and not of the customers' means "
    "alone. A customer's own average is shrunk towards the average of customers who buy as often, the more so the "
    "fewer orders there are.",
    "lognormal": "**Spend.** A hierarchical log-normal model: the logarithms of one customer's orders vary around a "
    "personal level with standard deviation σ (sigma), and these levels vary between customers around the logarithm of "
    "v with standard deviation τ (tau); estimated from all orders of positive value, the first included. A customer's "
    "own level is shrunk towards that of all, the more so the fewer orders there are. The distribution of a sum of "
    "orders is approximated by a skew-normal distribution of its logarithm with the exact mean, variance and skewness; "
    "its mean and variance are exact. Spend is assumed not to depend on frequency; check the association among the "
    "quality checks.",
}
"""What the spend families other than the published one take customers to do."""

METHODS: Mapping[str, str] = SPOKEN | {
    "purchases": "**Purchases.** {story} Time is counted in {units} from the first purchase. Estimated by "
    "{estimation}.",
    "spend": "**Spend.** Gamma-Gamma (Fader & Hardie, note 025, 2013): orders of one customer vary around a personal "
    "mean, and these means vary between customers; p, q and v are estimated from customers with repeat purchases. A "
    "customer's own average is shrunk towards the average of all, the more so the fewer orders there are. Spend is "
    "assumed not to depend on frequency; check the association among the quality checks.",
    "intervals": "**Intervals.** Of a customer: the 90% range of what may happen, from the model's own distribution, "
    "without simulation. Of a total: the same plus the uncertainty of the parameters (delta method).",
    "posterior_intervals": "**Intervals.** From the posterior of the parameters. Of a customer: the 90% range of what "
    "may happen, averaged over the posterior, without simulation. Of a total: the same, with what the parameters move "
    "for all customers together.",
    "priors": "**Priors.** Weak, and the same in any unit of time or money, for they are stated on quantities without "
    "unit (`clvmodels.fitting.priors`). {priors}.",
    "discounting": "**Discounting.** Continuous, at the effective annual rate of {rate}, from the end of observation; "
    "purchases are discounted from the day they are expected.",
    "comparison": "**Comparison.** Every predictor is computed from the calibration period alone. Differences are "
    "resampled over customers ({resamples} paired bootstrap resamples); limits are simultaneous over all comparisons, "
    "so that many comparisons do not produce a winner by luck. Value, where there is money, is judged as revenue: "
    "margin 1, undiscounted.",
    "floor": "**Formula.** Rates over less than 13 weeks of observation are computed as if it were 13 weeks: a rate "
    "over three days would make the formula a straw man.",
}

LIMITS: Mapping[str, str] = SPOKEN | {
    "cutoff": "One cut-off is one experiment: another calibration date may give another winner on some measures.",
    "season": "Seasons, promotions and prices are not in the model. A holdout that has Christmas in it is not one "
    "that has not.",
    "alive": "BG/NBD takes every one-time buyer to be still a customer (P(alive) = 1). Use the probability of at "
    "least one purchase in the horizon, which the tables lead with.",
    "new": "Customers acquired after {until} are not in the forecast: it is the value of the customers already there.",
    "causal": "Nothing here is causal: that frequent buyers are worth more does not mean that making somebody buy "
    "more often makes them worth as much.",
    "costs": "Values are revenue{margin}; acquisition and service costs are not taken off.",
}

GLOSSARY: Mapping[str, str] = SPOKEN | {
    "Purchase": "A day on which a customer bought: several orders on one day are one purchase.",
    "Frequency (x)": "Number of repeat purchases: purchase days after the first.",
    "Recency (t_x)": "Time from the first to the last purchase. Large is recent.",
    "T": "Time from the first purchase to the end of observation.",
    "Calibration": "The period whose purchases the model and the formula may see.",
    "Holdout": "The period after it, kept back to judge predictions.",
    "P(active)": "Probability of at least one purchase in the horizon.",
    "P(alive)": "Probability that the customer has not dropped out, a quantity of the model that nobody can observe.",
    "Value": "Expected revenue in the horizon × margin, not discounted.",
    "CLV": "The same, discounted to the end of observation. Nothing of the past is in it.",
    "90% interval": "Nine in ten outcomes should fall inside.",
    "Tier": "Customers by CLV: top is the highest tenth, high the next fifth, middle the next three tenths, low the "
    "rest.",
    "Active time": "Time in the horizon until a customer drops out, expected by the model. Nobody can observe it.",
    "Next customer (LTV)": "Expected margin of a customer still to be won, from the first order on, first order "
    "included, discounted.",
    "At risk": "Expected value × probability of no purchase in the horizon.",
}

GLOSSARY_OF_MONEY = frozenset({"Value", "CLV", "Tier", "Next customer (LTV)", "At risk"})
"""Entries that a report without money leaves out."""

COLUMNS: Mapping[str, str] = SPOKEN | {
    "customer_id": "The customer, as in the input.",
    "first_purchase": "Day of the first purchase.",
    "last_purchase": "Day of the last purchase.",
    "frequency": "Repeat purchases: purchase days after the first.",
    "recency": "Time from first to last purchase, in {units}.",
    "T": "Time from first purchase to the end of observation, in {units}.",
    "monetary_value": "Mean value of the repeat purchases; empty for one-time buyers.",
    "value_past": "All that the customer has spent so far, first purchase included.",
    "horizon_start": "First day of the forecast.",
    "horizon_end": "Last day of the forecast.",
    "p_alive": "Probability that the customer has not dropped out.",
    "p_active": "Probability of at least one purchase in the horizon.",
    "expected_purchases": "Mean number of purchases in the horizon.",
    "purchases_lower": "Lower end of the 90% interval of purchases.",
    "purchases_upper": "Upper end of the 90% interval of purchases.",
    "expected_spend": "Mean value of a future purchase.",
    "value": "Mean revenue in the horizon × margin, undiscounted.",
    "value_lower": "Lower end of the 90% interval of value.",
    "value_upper": "Upper end of the 90% interval of value.",
    "clv": "Value, discounted to the end of observation.",
    "clv_lower": "Lower end of the 90% interval of CLV.",
    "clv_upper": "Upper end of the 90% interval of CLV.",
    "formula_value": "Average order value × purchase frequency × horizon for this customer × margin.",
    "tier": "Group by CLV: top (highest 10%), high (next 20%), middle (next 30%), low.",
}

ARROWS: dict[str, str] = {"low": "↓", "high": "↑", "zero": "→0", "nominal": "→90%"}

BETTER: Mapping[str, str] = SPOKEN | {
    "low": "lower is better",
    "high": "higher is better",
    "zero": "nearer to zero is better",
    "nominal": "90% is right",
}

MARKS: Mapping[str, str] = SPOKEN | {"picture": "Figure {number}", "table": "Table {number}"}

HEADINGS: Mapping[str, str] = SPOKEN | {
    "total": "All rows of the input",
    "fate": "What became of the rows",
    "rows": "Rows",
    "customers": "Customers",
    "value": "Value",
    "indicator": "Indicator",
    "definition": "Definition",
    "trap": "Trap",
    "measure": "Measure",
    "limits": "95% limits",
    "limits_all": "95% limits, all rows together",
    "parameter": "Parameter",
    "calibration": "Calibration",
    "refit": "All data",
    "error": "Std. error",
    "log_likelihood": "log-likelihood",
    "quantity": "Total",
    "expected": "Expected",
    "lower": "90% from",
    "upper": "to",
    "each": "Per customer",
    "tier": "Tier",
    "expected_purchases": "Expected purchases",
    "share": "Share of value",
    "past": "Past value",
    "formula": "Formula's value",
    "customer": "Customer",
    "last_purchase": "Last purchase",
    "frequency": "Frequency",
    "p_active": "P(active)",
    "interval": "90% interval",
    "rival": "Against",
    "model": "Model",
    "rival_value": "Rival",
    "difference": "Difference",
    "verdict": "Model is",
    "all": "All",
    "repeats": "Repeat purchases",
    "mean_spend": "Mean spend per purchase",
    "ratio": "÷ that of repeat buyers",
    "effect": "Effect on revenue",
}

CAPTIONS: Mapping[str, str] = SPOKEN | {
    "ledger": "Every row of the input and what became of it",
    "scores_purchases": "Holdout: purchases. Errors in purchases per customer",
    "scores_value": "Holdout: value. Errors in {currency} per customer",
    "verdicts_purchases": "Purchases: is the model better than each rival?",
    "verdicts_value": "Value: is the model better than each rival?",
    "comparison_purchases": "Purchases: {model} against each rival",
    "comparison_value": "Value: {model} against each rival",
    "spend": "Average spend per purchase by frequency, calibration period",
    "parameters": "Parameters: {estimation}; time in {units}",
    "totals": "Forecast for {customers} customers, {start} to {end}",
    "tiers": "Expected value by tier of customers",
    "top_value": "The {top} customers with the highest expected value",
    "top_purchases": "The {top} customers with the most expected purchases",
}

TOTALS: Mapping[str, str] = SPOKEN | {
    "purchases": "Purchases",
    "value": "Value, undiscounted",
    "clv": "CLV, discounted",
}

TIERS: Mapping[str, str] = SPOKEN | {
    "top": "Top 10%",
    "high": "High, next 20%",
    "middle": "Middle, next 30%",
    "low": "Low, rest",
}
"""Words for the tiers of the customer table; a tier without an entry is printed as it is."""

KPIS: Mapping[str, str] = SPOKEN | {
    "average_order_value": "Average order value",
    "purchase_frequency": "Purchase frequency",
    "relationship_duration": "Relationship duration",
    "churn_rate": "Churn rate",
    "customer_lifetime_value": "Customer lifetime value",
}

KPI_CLV: Mapping[str, str] = SPOKEN | {
    "definition": "Mean CLV per customer as the model forecasts it: discounted value in the horizon.",
    "trap": "It excludes the past, and customers still to be acquired; over another horizon it is another number.",
}

ESTIMATION: Mapping[str, str] = SPOKEN | {
    "mle": "maximum likelihood",
    "posterior": "the mean of the posterior under weak priors, drawn by importance sampling",
    "nuts": "the mean of the posterior under weak priors, drawn by NUTS",
    "mixed": "the mean of the posterior under weak priors, drawn by importance sampling and, where its certificate "
    "fails, by NUTS",
}

UNITS: Mapping[str, str] = SPOKEN | {"week": "weeks", "day": "days"}
"""Units of time in the plural."""

LETTERS: dict[str, str] = {"alpha": "α", "beta": "β", "gamma": "γ", "sigma": "σ", "tau": "τ"}
"""Parameters as the papers write them; the others are their own letters."""
