"""The words of exported tables that a report has no use for."""

from __future__ import annotations

UNITS: dict[str, str] = {"week": "weeks", "day": "days"}
DAY = "calendar day"
SHARE = "probability, 0 to 1"
PURCHASES = "purchases"
OWN_COLUMN = "Column of the input, as on the customer's first purchase day."

CUSTOMERS, TOTALS, DEFINITIONS = "Customers", "Totals", "Definitions"
"""The sheets of a workbook."""

TITLE = "Customers of {source}, seen up to {until}"

TOTAL_HEADINGS = ("Total", "Expected", "90% from", "to", "Sum of the rows")

QUANTITIES: dict[str, str] = {
    "purchases": "Purchases",
    "value": "Value, undiscounted ({currency})",
    "clv": "CLV, discounted ({currency})",
}

DEFINED = ("Column", "Unit", "Meaning")

PROVENANCE: dict[str, str] = {
    "customers": "Customers",
    "source": "Source",
    "sha256": "SHA-256 of the data",
    "observed": "Observed",
    "horizon": "Horizon of the forecast",
    "models": "Models",
    "margin": "Margin, share of revenue",
    "discount_rate": "Discount rate a year",
    "currency": "Currency",
    "made_by": "Made by",
    "report": "Report",
    "created": "Created",
    "command": "Command",
    "seed": "Seed",
    "schema": "Schema of the table",
}
