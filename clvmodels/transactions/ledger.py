"""Every input row has exactly one fate, and every fate a name: the ledger that makes the numbers add up."""

from __future__ import annotations

from dataclasses import dataclass

REASONS = {
    "used": "purchase days: the first row of each customer and day",
    "same_day": "merged into another purchase of the same customer and day; their money is counted there",
    "refund": "refunds, subtracted from the purchases they belong to",
    "unmatched_refund": "refunds that find no earlier purchase, wholly or in part; the value is that part",
    "refunded": "purchases of which refunds left nothing",
    "zero_value": "value zero, by customers of whom no money is left in a log with refunds",
    "negative": "negative values, left out by --returns drop",
    "holdout": "after the calibration, by its customers",
    "born_in_holdout": "after the calibration, by customers who bought for the first time",
    "after_end": "after the end of the observation",
    "null_id": "without a customer",
    "null_date": "without a date",
    "bad_date": "with a date that cannot be read",
    "null_value": "without a value",
    "bad_value": "with a value that is no number",
    "malformed": "lines that cannot be cut into the columns of the header",
}
"""What each reason means, in the order in which a ledger lists them."""


@dataclass(frozen=True)
class LedgerRow:
    """How many input rows had one fate.

    Attributes
    ----------
    reason
        One of :data:`REASONS`.
    rows, customers
        Input rows, and the different customers among them. Over a ledger ``rows`` sum to the rows of the input.
    value
        The money of these rows that no other line counts, so that it sums to the input's; None without money, or where
        it cannot be read.
    detail
        The lines of the file, for malformed ones.
    """

    reason: str
    rows: int
    customers: int
    value: float | None
    detail: str = ""

    def __post_init__(self) -> None:
        if self.value is not None:  # an engine that sums in parallel settles no more digits than these
            object.__setattr__(self, "value", float(f"{self.value:.12g}"))


def in_order(lines: list[LedgerRow]) -> tuple[LedgerRow, ...]:
    """The lines that have rows, in the order of :data:`REASONS`."""
    order = list(REASONS)
    return tuple(sorted((line for line in lines if line.rows), key=lambda line: order.index(line.reason)))
