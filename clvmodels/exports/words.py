"""The words of exported tables that a report has no use for."""

from __future__ import annotations

from clvmodels.language import SPOKEN, Catalogue

UNITS: Catalogue[str] = SPOKEN | {"week": "weeks", "day": "days"}

COLUMN: Catalogue[str] = SPOKEN | {
    "day": "calendar day",
    "share": "probability, 0 to 1",
    "purchases": "purchases",
    "own": "Column of the input, as on the customer's first purchase day.",
}

SHEETS: Catalogue[str] = SPOKEN | {"customers": "Customers", "totals": "Totals", "definitions": "Definitions"}

TITLE: Catalogue[str] = SPOKEN | {"title": "Customers of {source}, seen up to {until}"}

HEADINGS: Catalogue[tuple[str, ...]] = SPOKEN | {
    "totals": ("Total", "Expected", "90% from", "to", "Sum of the rows"),
    "definitions": ("Column", "Unit", "Meaning"),
}

QUANTITIES: Catalogue[str] = SPOKEN | {
    "purchases": "Purchases",
    "value": "Value, undiscounted ({currency})",
    "clv": "CLV, discounted ({currency})",
}

PROVENANCE: Catalogue[str] = SPOKEN | {
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
