"""A large log's customers in parts, each worked on by itself: what is grouped at a time fits in memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from clvmodels.transactions.engine import keep

if TYPE_CHECKING:
    import ibis.expr.types as ir

PART = "_part"
"""Column that says in which part a row's customer is; there is none where all are in one."""
WHOLE, FEWEST, MOST = 2_500_000, 2, 12_500_000
"""Rows that are worked on in one piece; the fewest parts of more; the most rows of a part, where they are many."""


def parts_for(rows: int) -> int:
    """In how many parts so many rows are worked on.

    Every part is a reading of the source, so that there are no more of them than memory asks for.

    Examples
    --------
    >>> parts_for(100_000), parts_for(10_000_000), parts_for(102_000_000)
    (1, 2, 9)
    """
    return 1 if rows <= WHOLE else max(FEWEST, math.ceil(rows / MOST))


def part_of(customer_id: ir.Value, part: int, parts: int) -> ir.BooleanValue:
    """Whether these customers are in the part, inside DuckDB."""
    return _hash()(customer_id) % parts == part


@cache
def _hash() -> Any:
    import ibis

    @ibis.udf.scalar.builtin(name="hash", signature=((None,), "uint64"))  # type: ignore[untyped-decorator]
    def duckdb_hash(anything: Any) -> int:  # type: ignore[empty-body]
        """DuckDB's own, never negative; Ibis asks it for a signed one, by way of a string of bits."""

    return duckdb_hash


def by_parts(table: ir.Table, parts: int, work: Callable[[ir.Table], ir.Table]) -> ir.Table:
    """``work`` done on one part's rows after the other, the results kept in the engine as one table.

    Parameters
    ----------
    table
        Rows of customers; with several parts it has the column ``_part``, which ``work`` must not lose.
    parts
        How many there are.
    work
        What treats no customer's rows together with another's.
    """
    if parts == 1:
        return keep([work(table)], compress=False)
    # What is made of a log is a tenth of it: worth compressing where that is much.
    return keep((work(table.filter(table[PART] == part)) for part in range(parts)), compress=parts > FEWEST)
