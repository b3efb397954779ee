"""Numbers and dates of the report: those of :mod:`clvmodels.written`, under the name that report files use."""

from clvmodels.written import (
    MINUS,
    MISSING,
    amounts,
    between,
    count,
    day,
    decimal,
    known,
    listing,
    money,
    percent,
    points,
    rate,
    significant,
)

__all__ = [
    "MINUS",
    "MISSING",
    "amounts",
    "between",
    "count",
    "day",
    "decimal",
    "known",
    "listing",
    "money",
    "percent",
    "points",
    "rate",
    "significant",
]
