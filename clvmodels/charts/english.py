"""Every word that a figure shows, in English; `clvmodels.language` says how it becomes another language."""

from __future__ import annotations

from collections.abc import Mapping

from clvmodels.charts.meeting_english import MEETING
from clvmodels.charts.rolling_english import ROLLING
from clvmodels.language import SPOKEN, Catalogue

OTHERS: Catalogue[str] = SPOKEN | {
    # units of time
    "week": "week",
    "day": "day",
    "weeks": "weeks",
    "days": "days",
    # predictors
    "actual": "Actual",
    "model": "Model ({model})",
    "model_short": "Model",
    "formula": "Formula, one number for all",
    "formula_customer": "Formula per customer",
    "formula_repeat": "Formula, repeat orders only",
    "formula_short": "Formula",
    # periods
    "calibration": "Calibration",
    "holdout": "Holdout",
    "periods": "Calibration {start} to {end}, holdout to {holdout_end}; {customers} customers",
    "quantity.purchases": "Purchases",
    "quantity.value": "Value",
    # headings and words of the tables behind the figures
    "column.customer_id": "Customer",
    "column.x": "x, repeat purchases",
    "column.t_x": "tₓ, {units}",
    "column.T": "T, {units}",
    "column.date": "Date",
    "column.date.tracking": "Up to",
    "column.period": "Period",
    "column.days": "Days",
    "column.frequency": "Repeat purchases",
    "column.customers": "Customers",
    "column.customers.gain": "Best customers",
    "column.actual": "Actual",
    "column.actual.timeline": "Holdout: actual",
    "column.actual.alive_heatmap": "Share who bought",
    "column.model": "Model",
    "column.formula": "Formula, one number for all",
    "column.formula.verdict": "Formula",
    "column.formula_customer": "Formula per customer",
    "column.formula_repeat": "Formula, repeat orders only",
    "column.cumulative_actual": "Actual, cumulative",
    "column.cumulative_model": "Model, cumulative",
    "column.cumulative_formula_customer": "Formula per customer, cumulative",
    "column.cumulative_formula_repeat": "Formula, repeat orders only, cumulative",
    "column.lower": "Lower limit (90%)",
    "column.upper": "Upper limit (90%)",
    "column.lower.pit": "From",
    "column.upper.pit": "To",
    "column.lower.value_distribution": "From, {currency}",
    "column.upper.value_distribution": "To, {currency}",
    "column.lower.verdict": "Lower limit (95%)",
    "column.upper.verdict": "Upper limit (95%)",
    "column.predictor": "Prediction",
    "column.decile": "Tenth",
    "column.predicted": "Predicted",
    "column.bin_lower": "Predicted from",
    "column.bin_upper": "Predicted to",
    "column.observed": "Share who bought",
    "column.perfect": "Perfect ranking",
    "column.quantity": "Quantity",
    "column.density": "Customers ÷ expected",
    "column.metric": "Measure",
    "column.topic": "About",
    "column.verdict": "Verdict for the model",
    "column.advantage": "Advantage of the model",
    "column.silence": "{units} since last purchase",
    "column.p_alive": "P(alive)",
    "column.tier": "Tier",
    "column.value": "Value, {currency}",
    "cell.calibration": "calibration",
    "cell.holdout": "holdout",
    "cell.model": "Model",
    "cell.purchases": "purchases",
    "cell.value": "value",
    "cell.totals": "total",
    "cell.errors": "errors per customer",
    "cell.ranking": "ranking",
    "cell.calibration_topic": "amounts by group",
    "cell.better": "better",
    "cell.worse": "worse",
    "cell.no evidence": "no evidence",
    "cell.log_score": "Log score",
    "cell.coverage_90": "Coverage of 90% intervals",
    "cell.pit_ks": "Distance from calibrated (PIT)",
    "cell.hiatus": "Formula with a silence rule",
    "cell.persistence": "Same as before",
    "cell.zero": "Nobody buys again",
    # timeline
    "timeline.title": "What do x, tₓ and T mean for three real customers?",
    "timeline.customer": "Customer {id}:  x = {x}",
    "timeline.t_x": "tₓ = {t_x} {units}",
    "timeline.T": "T = {T} {units}",
    "timeline.first": "First purchase",
    "timeline.repeat": "Repeat purchase",
    "timeline.later": "Purchase in the holdout",
    "timeline.predicted": "Holdout purchases",
    "timeline.caption": (
        "Purchases on one day count once. x counts the repeat purchases, tₓ runs from the first purchase to the "
        "last and T from the first purchase to the end of calibration ({end}), in {units}. That is all the model "
        "sees of a customer's purchases; the holdout (shaded) is hidden from it. On the right: purchases in the "
        "holdout by the model, by the formula per customer, and in fact. The customers were chosen by x, tₓ and T "
        "alone."
    ),
    "timeline.alt": "Timeline of three customers with their purchases in calibration and holdout: {customers}.",
    "timeline.alt_customer": "customer {id} with x = {x}, tₓ = {t_x}, T = {T} {units}",
    # tracking
    "tracking.title": "Do repeat purchases come when model and formula say?",
    "tracking.cumulative": "Repeat purchases, cumulative",
    "tracking.period": "Repeat purchases per {period}",
    "tracking.more": "+{number}",
    "tracking.more_head": "Total",
    "tracking.band": "90% interval of the model",
    "tracking.caption": (
        "Repeat purchases of the {customers} customers of the calibration, by {period}. Up to {end} the model's "
        "line is what it expects of new customers with these first purchase dates; from then on it is what it "
        "expects of these customers given what they did, and the formulas go on at their constant rate. In the "
        "holdout: actual {actual}, model {model} [{lower}, {upper}], formula {formula_customer} per customer and "
        "{formula_repeat} with repeat orders only."
    ),
    "tracking.alt": (
        "Two line charts of repeat purchases over time. In the holdout customers made {actual} purchases; the model"
        " predicted {model}, the formula {formula_customer} or, with repeats only, {formula_repeat}."
    ),
    # frequency_histogram
    "frequency_histogram.title": "How many customers came back, and how often?",
    "frequency_histogram.x": "Repeat purchases in calibration",
    "frequency_histogram.y": "Customers",
    "frequency_histogram.formula": "Same rate for all",
    "frequency_histogram.caption": (
        "Customers by number of repeat purchases from their first purchase to {end}. The model's counts are sums of"
        " each customer's probabilities. The formula knows one average rate; with that rate for everybody purchases"
        " would be Poisson distributed."
    ),
    "frequency_histogram.from": "90% from",
    "frequency_histogram.to": "to",
    "frequency_histogram.band": "90% band of the model, all classes together",
    "frequency_histogram.caption_inside": (
        "The band is the model's posterior predictive: if the model is right, all {classes} counts lie inside it in "
        "90% of cases. Here all do."
    ),
    "frequency_histogram.caption_outside": (
        "The band is the model's posterior predictive: if the model is right, all {classes} counts lie inside it in "
        "90% of cases. Here {outside} of {classes} lie outside."
    ),
    "frequency_histogram.alt": (
        "Bar chart of customers by number of repeat purchases: {actual} customers did not come back; the model "
        "expects {model}."
    ),
    # prior_predictive
    "prior_predictive.title": "What do the priors of {model} expect before any data?",
    "prior_predictive.note": "{draws} simulated logs; observed {start} to {end}, {customers} customers",
    "prior_predictive.y": "Simulated logs",
    "prior_predictive.simulated": "Simulated from the priors",
    "prior_predictive.observed": "Observed",
    "prior_predictive.purchases_per_customer": "Repeat purchases each",
    "prior_predictive.one_time_share": "Customers never back",
    "prior_predictive.top_tenth_share": "Share of the best tenth",
    "prior_predictive.mean_spend": "Mean spend, {currency}",
    "prior_predictive.caption": (
        "Each of {draws} simulated logs has its own parameters, drawn from the priors of {model}, and the customers of "
        "the data. Good priors allow every plausible log and give the observed one no special place: {places}."
    ),
    "prior_predictive.place": "{quantity}: {share} of the logs lie below the observed {observed}",
    "prior_predictive.alt": "Histograms of logs simulated from the priors, with the observed value. {places}.",
    "column.draw": "Simulated log",
    "column.value.prior_predictive": "Simulated",
    "column.observed.prior_predictive": "Observed",
    "cell.purchases_per_customer": "repeat purchases per customer",
    "cell.one_time_share": "customers without a repeat purchase",
    "cell.top_tenth_share": "share of the best tenth",
    "cell.mean_spend": "mean spend",
    # conditional_expectation
    "conditional_expectation.title": "What do customers buy next, by how often they bought before?",
    "conditional_expectation.x": "Repeat purchases in calibration",
    "conditional_expectation.y": "Holdout purchases per customer",
    "conditional_expectation.customers": "Customers",
    "conditional_expectation.all": "Formula",
    "conditional_expectation.repeats": "…repeats only",
    "conditional_expectation.band": "90% interval of the model",
    "conditional_expectation.caption": (
        "Mean purchases from {start} to {holdout_end}, for customers grouped by their repeat purchases before. The "
        "band is where the mean of the group should fall in 90% of cases if the model is right: chance and "
        "uncertainty of its parameters together."
    ),
    "conditional_expectation.alt": (
        "Line chart of mean holdout purchases by repeat purchases in calibration. Those who had bought once bought "
        "{actual} each; the model predicted {model}, the formula {formula_customer}."
    ),
    # deciles
    "deciles.title_value": "Does predicted value hold, from the best tenth of customers to the last?",
    "deciles.title_purchases": "Do predicted purchases hold, from the best tenth of customers to the last?",
    "deciles.predicted": "{name}, predicted",
    "deciles.x": "Tenth of customers (1 = highest prediction)",
    "deciles.y_value": "Mean value per customer, {currency}",
    "deciles.y_purchases": "Mean purchases per customer",
    "deciles.caption": (
        "Customers are sorted by each prediction and cut into ten equal parts (ties shared in proportion); shown "
        "are the mean predicted and what followed from {start} to {holdout_end}. The best tenth in the model's "
        "order brought {model_actual} each, with {model_predicted} predicted; in the formula's order "
        "{formula_actual}, with {formula_predicted} predicted."
    ),
    "deciles.alt": (
        "Two bar charts by tenth of customers. Best tenth by the model: predicted {model_predicted}, actual "
        "{model_actual}. Best tenth by the formula: predicted {formula_predicted}, actual {formula_actual}."
    ),
    # gain
    "gain.title_value": "How well does each prediction find the most valuable customers?",
    "gain.title_purchases": "How well does each prediction find the best customers?",
    "gain.x": "Share of customers, highest prediction first",
    "gain.x_short": "Share of customers",
    "gain.panel_value": "Share of the holdout's value",
    "gain.panel_purchases": "Share of the holdout's purchases",
    "gain.difference": "Lead of the model",
    "gain.points": "Percentage points",
    "gain.perfect": "Perfect ranking",
    "gain.diagonal": "Chance",
    "gain.gini": "{name}: Gini {gini}",
    "gain.caption": (
        "Share of what the customers brought from {start} to {holdout_end} that comes from the customers ranked "
        "highest. The top tenth by the model holds {model_top}, by the formula {formula_top}, in a perfect ranking "
        "{perfect_top}. The Gini is the area over chance, divided by that of the perfect ranking. On the right: "
        "above zero the model leads."
    ),
    "gain.alt": (
        "Gain curves. The top tenth by the model holds {model_top} of the total, by the formula {formula_top}, "
        "perfectly {perfect_top}."
    ),
    # reliability
    "reliability.title": "When a purchase is predicted with 30%, do 30% buy?",
    "reliability.x": "Predicted probability of at least one purchase in the holdout",
    "reliability.y": "Share who bought",
    "reliability.counts": "Customers",
    "reliability.ideal": "Predicted = observed",
    "reliability.caption": (
        "Customers grouped by the predicted probability that they buy from {start} to {holdout_end}, against the "
        "share who did; bars are 90% binomial intervals. The formula gives no probability; 1 − exp(−purchases) is "
        "taken for it. In all {actual} customers bought; the model expected {model}, the formula "
        "{formula_customer}."
    ),
    "reliability.alt": (
        "Reliability diagram: {actual} customers bought in the holdout, the model expected {model}, the formula "
        "{formula_customer}."
    ),
    # pit
    "pit.title": "Are the predicted ranges honest?",
    "pit.x_purchases": "Where actual purchases fall in the prediction",
    "pit.x_value": "Where actual value falls in the prediction",
    "pit.y": "Customers ÷ expected",
    "pit.ideal": "If the model is right",
    "pit.caption": (
        "Probability integral transform (PIT, not randomised): each customer's actual is put in its place between 0"
        " and 1 in the predicted distribution. Bars level at 1 mean honest ranges; high at both ends, too narrow; "
        "high on the right, predictions too low. The formula is a single number and has no range to judge."
    ),
    "pit.alt": (
        "Histograms of the probability integral transform; the bars lie between {lowest} and {highest} times what "
        "is expected."
    ),
    # verdict
    "verdict.title": "Where is the model better than the formula, and where worse?",
    "verdict.panel": "{quantity}: {topic}",
    "verdict.level": "level",
    "verdict.errors": "errors per customer",
    "verdict.ranking": "ranking",
    "verdict.unit_level": "Advantage of the model, as a fraction →",
    "verdict.unit_errors_purchases": "Advantage of the model, purchases →",
    "verdict.unit_errors_value": "Advantage of the model, {currency} →",
    "verdict.unit_ranking": "Advantage of the model →",
    "verdict.solid": "against the formula per customer",
    "verdict.dotted": "against the formula, repeat orders only",
    "verdict.better": "Model better",
    "verdict.worse": "Formula better",
    "verdict.no evidence": "No evidence",
    "verdict.total_error": "Error of the total",
    "verdict.decile_mape": "Error by tenths",
    "verdict.mae": "Mean absolute error",
    "verdict.rmse": "Root mean sq. error",
    "verdict.crps": "Distribution (CRPS)",
    "verdict.gini": "Gini",
    "verdict.spearman": "Spearman",
    "verdict.auc_active": "Who buys (AUC)",
    "verdict.top_decile_capture": "In the top tenth",
    "verdict.caption": (
        "Differences between model and formula in the holdout, turned so that right of the line the model is "
        "better. Bars are simultaneous 95% intervals from {resamples} paired resamples of customers: where one "
        "crosses the line there is no evidence. Of {n} comparisons the model is better in {better}, the formula in "
        "{worse}, and {undecided} are undecided."
    ),
    "verdict.alt": (
        "Forest plot of {n} comparisons: model better in {better}, formula better in {worse}, no evidence in "
        "{undecided}."
    ),
    # heatmaps
    "heatmap.x": "Repeat purchases in calibration",
    "heatmap.y": "{units} since the last purchase, on {end}",
    "alive_heatmap.title": "Who is still a customer?",
    "alive_heatmap.model": "Model: probability of still being one",
    "alive_heatmap.actual": "Actual: share who bought in the holdout",
    "alive_heatmap.caption": (
        "For a customer observed for {T} {units} until {end}, by repeat purchases and time since the last one. "
        "Left: the model's P(alive); for the formula everybody is a customer for ever. Right: the share of real "
        "customers who bought from {start} to {holdout_end}, in cells of at least {least} customers; who is still a"
        " customer need not buy. One-time buyers are not on the map, their last purchase being their first: the "
        "model predicted that {zero_model} of them would buy, and {zero_actual} did."
    ),
    "alive_heatmap.alt": (
        "Two heat maps over repeat purchases and time since the last purchase: the model's probability of still "
        "being a customer, from {lowest} to {highest}, and the actual share who bought in the holdout."
    ),
    "purchases_heatmap.title": "How many purchases to expect, by frequency and last purchase?",
    "purchases_heatmap.bar": "Purchases per customer in the holdout",
    "purchases_heatmap.caption": (
        "Purchases from {start} to {holdout_end} of a customer observed for {T} {units}, by repeat purchases and "
        "time since the last one; actual means of real customers, in cells of at least {least}. The formula does "
        "not look at the time since the last purchase. One-time buyers are not on the map: predicted {zero_model}, "
        "actual {zero_actual} each."
    ),
    "purchases_heatmap.alt": (
        "Three heat maps of holdout purchases over repeat purchases and time since the last purchase: the model "
        "expects {lowest_model} to {highest_model}, the formula {lowest_formula} to {highest_formula}; actual means"
        " lie between {lowest_actual} and {highest_actual}."
    ),
    # value_distribution
    "value_distribution.title": "How is predicted value spread over customers?",
    "value_distribution.note": "Forecast {start} to {end}; {customers} customers",
    "tier.top": "Top",
    "tier.high": "High",
    "tier.middle": "Middle",
    "tier.low": "Low",
    "value_distribution.x": "Predicted value per customer, {start} to {end}, {currency}",
    "value_distribution.y": "Customers",
    "value_distribution.small": "under {edge}",
    "value_distribution.tier": "Tier",
    "value_distribution.customers": "Customers",
    "value_distribution.value": "Predicted value",
    "value_distribution.share": "Share",
    "value_distribution.formula": "Formula says",
    "value_distribution.model": "Model, by tier",
    "value_distribution.total": "All",
    "value_distribution.caption": (
        "Expected value of each of {customers} customers from {start} to {end} by the model (bars, coloured by "
        "tier) and by the formula (outline), on a logarithmic scale. Together the model expects {value}, the "
        "formula {formula}. What they will in fact be worth is not known yet."
    ),
    "value_distribution.alt": (
        "Histogram of predicted value per customer by tier, with a table: the highest tier has {top_customers} of "
        "customers and {top_value} of the value."
    ),
    # customer_paths
    "customer_paths.title": "Is this customer still there?",
    "customer_paths.note": "P(alive) after every day, {start} to {end}",
    "customer_paths.customer": "Customer {id} (repeat purchases: {x})",
    "customer_paths.purchase": "Purchase",
    "customer_paths.alive": "P(alive), model",
    "customer_paths.caption": (
        "What {model} would have said after each day, had observation ended then; its parameters are those fitted to "
        "all data up to {end}. Silence lowers P(alive), the faster the more often the customer used to buy; a purchase "
        "proves that the customer was there. The formula and the actual purchases know no such probability."
    ),
    "customer_paths.alt": "P(alive) over time beside the purchases: {customers}.",
    "customer_paths.alt_customer": "customer {id} (repeat purchases: {x}) ends at {share}",
    # customer_outcomes
    "customer_outcomes.title": "How often may this customer buy again?",
    "customer_outcomes.note": "Purchases from {start} to {end}",
    "customer_outcomes.customer": "Customer {id}: 90% from {lower} to {upper}",
    "customer_outcomes.x": "Purchases in the horizon",
    "customer_outcomes.bars": "Probability, model",
    "customer_outcomes.mean": "Mean, model",
    "customer_outcomes.formula": "Formula per customer",
    "customer_outcomes.caption": (
        "The probability of each number of purchases by {model} (bars; the last bar is that number or more), its mean, "
        "and the number that the formula expects. The actual number is not known yet: any bar may come true."
    ),
    "customer_outcomes.alt": "Distribution of the number of purchases: {customers}.",
    "customer_outcomes.alt_customer": (
        "customer {id} buys nothing with {zero}, on average {mean} times, {formula} times by the formula"
    ),
    "column.bought": "Purchases on the day",
    "column.purchases": "Purchases so far",
    "column.purchases.customer_outcomes": "Purchases in the horizon",
    "column.probability": "Probability",
}

ENGLISH: Mapping[str, str] = OTHERS | ROLLING | MEETING
"""The default."""
