"""What stands behind the numbers: methods, limits, glossary, and how to cite and reproduce the report."""

from __future__ import annotations

import pandas as pd

from clvmodels.language import gettext
from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.comparisons import rivals_of
from clvmodels.report.document import Block, Bullets, Code, Item, Paragraph, Terms
from clvmodels.report.sentences import Data, citation, estimation, is_bayesian, quantities, units


def methods(data: Data) -> list[Block]:
    """How the numbers were made, and the variants of the formula."""
    has_value = "value" in quantities(data)
    left_out = {"intervals"} if is_bayesian(data) else {"posterior_intervals", "priors"}
    left_out |= set() if has_value else {"spend", "discounting"}
    family = data["models"]["purchases"]
    facts = {
        "story": texts.STORIES.get(family["family"], family["title"] + "."),
        "units": units(data),
        "estimation": estimation(data),
        "rate": n.rate(data["forecast"]["discount_rate"]),
        "resamples": n.count(data["provenance"]["resamples"]),
        "priors": _priors(data),
    }
    stories = {"spend": texts.SPEND_STORIES.get(data["models"]["spend"]["family"])} if has_value else {}
    used = {name: stories.get(name) or text for name, text in texts.METHODS.items() if name not in left_out}
    said = [text.format(**facts) for text in used.values()]
    rivals = tuple(texts.PREDICTORS[name] for name in rivals_of(data, "purchases") if name in texts.PREDICTORS)
    return [*(Paragraph(text) for text in said), Paragraph(texts.PROSE["formulas"]), Terms(rivals)]


def _priors(data: Data) -> str:
    """The priors as they are written in Python, by quantity."""
    models = (data["models"][kind] for kind in ("purchases", "spend"))
    return "; ".join(
        f"{fit['title']}: " + ", ".join(f"`{name} ~ {prior}`" for name, prior in fit["priors"].items())
        for fit in models
        if fit and fit["priors"]
    )


def limits(data: Data) -> list[Block]:
    """What the report does not say."""
    has_value, margin = "value" in quantities(data), data["forecast"]["margin"]
    family = data["models"]["purchases"]["family"]
    return [
        Bullets(
            tuple(
                Item(
                    text.format(
                        until=n.day(data["provenance"]["options"]["until"]),
                        margin="" if margin == 1 else texts.PROSE["times_margin"].format(margin=n.rate(margin)),
                    )
                )
                for name, text in texts.LIMITS.items()
                if (has_value or name != "costs") and (family == "bgnbd" or name != "alive")
            )
        )
    ]


def glossary(data: Data) -> list[Block]:
    """The words of customers and periods, then those of the measures."""
    has_value = "value" in quantities(data)
    words = {
        gettext(word): told for word, told in texts.GLOSSARY.items() if has_value or word not in texts.GLOSSARY_OF_MONEY
    }
    return [Terms(tuple(words.items())), _measures()]


def _measures() -> Terms:
    return Terms(
        tuple((m.label, f"{m.definition} ({texts.BETTER[m.better].capitalize()}.)") for m in texts.METRICS.values())
    )


def cite(data: Data, customers: pd.DataFrame) -> list[Block]:
    """Citation, command, versions, hash, and the columns of the customer table."""
    p = data["provenance"]
    packages = n.listing([f"{name} {version}" for name, version in p["packages"].items()])
    columns = tuple(
        (f"`{c}`", texts.COLUMNS[c].format(units=units(data))) for c in customers.columns if c in texts.COLUMNS
    )
    others = [f"`{c}`" for c in customers.columns if c not in texts.COLUMNS]
    return [
        Paragraph(texts.PROSE["cite"]),
        Code(citation(data)),
        Paragraph(texts.PROSE["reproduce"]),
        Code(p["command"]),
        Paragraph(texts.PROSE["packages"].format(version=p["version"], packages=packages, seed=p["seed"], id=p["id"])),
        Code(data["data"]["sha256"]),
        Paragraph(texts.PROSE["files"]),
        Terms(columns),
        *([Paragraph(texts.PROSE["own_columns"].format(columns=n.listing(others)))] if others else []),
    ]
