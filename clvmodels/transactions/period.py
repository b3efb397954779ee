"""The purchases among the days of a period, by customer, and the fate of every row in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clvmodels.transactions.fates import fates, fates_netted
from clvmodels.transactions.ledger import LedgerRow
from clvmodels.transactions.parts import PART, by_parts
from clvmodels.transactions.returns import net

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from clvmodels.transactions.log import Transactions


@dataclass(frozen=True, eq=False)
class Period:
    """What was bought in some days of a log.

    Attributes
    ----------
    purchases
        ``customer_id``, ``date``, ``value``, segments and cost: one row per purchase day.
    customers
        ``customer_id``, ``purchases`` and, with money, ``value``; when they were asked for also ``first_purchase``,
        ``last_purchase`` and, with money, ``value_first`` and, of the days of positive value, ``n_valued``,
        ``log_value_mean``, ``log_value_variance``; kept in the engine.
    rows
        ``customer_id``, ``rows`` and, with money, ``value``: all input rows of each customer, whatever became of them.
    fates
        A ledger of the period's own rows.

    The tables of a log that is worked on in several parts have ``_part`` too.
    """

    purchases: ir.Table
    customers: ir.Table
    rows: ir.Table
    fates: list[LedgerRow]


def period(log: Transactions, days: ir.Table, *, totals: bool = False) -> Period:
    """The purchases among ``days`` of the log; nothing else is looked at: the caller cuts off what must not be seen.

    With ``totals`` of each customer no more than their number and sum: half the work.
    """

    def by_customer(kept: ir.Table) -> ir.Table:
        measures = _totals(kept, has_value=log.has_value) | ({} if totals else _history(kept, has_value=log.has_value))
        return kept.group_by("customer_id", *part).agg(**measures)

    part = [PART] if log.parts > 1 else []
    columns = ["customer_id", "date", *log.segments, *([log.cost] if log.cost else []), *part]
    if log.has_value and log.returns == "net" and bool((days["_negative"] > 0).any().to_pandas()):
        netted = by_parts(days, log.parts, net)
        kept = netted.filter(netted["_counts"]).select(*columns, "_rows", value=netted["_kept"])
        rows = by_parts(
            days, log.parts, lambda d: d.group_by("customer_id", *part).agg(rows=d["_rows"].sum(), value=d.value.sum())
        )
        customers = by_parts(kept, log.parts, by_customer)
        return Period(kept.drop("_rows"), customers, rows, fates_netted(netted))
    kept = days.select(*columns, "_rows", *(["value"] if log.has_value else []))
    customers = by_parts(kept, log.parts, by_customer)
    rows = customers.select(
        "customer_id", *(["value"] if log.has_value else []), rows=customers.purchases + customers["_merged"]
    )
    return Period(kept.drop("_rows"), customers, rows, fates(customers, has_value=log.has_value))


def _totals(kept: ir.Table, *, has_value: bool) -> dict[str, ir.Value]:
    money = {"value": kept.value.sum()} if has_value else {}
    return {"purchases": kept.count(), "_merged": (kept["_rows"] - 1).sum(), **money}


def _history(kept: ir.Table, *, has_value: bool) -> dict[str, ir.Value]:
    found = {"first_purchase": kept.date.min(), "last_purchase": kept.date.max()}
    if has_value:
        logarithm = (kept.value > 0).ifelse(kept.value, None).ln()
        found |= {
            "value_first": kept.value.argmin(kept.date),
            "n_valued": logarithm.count(),
            "log_value_mean": logarithm.mean(),
            "log_value_variance": logarithm.var(how="pop"),
        }
    return found
