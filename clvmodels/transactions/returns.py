"""Refunds: a day below zero takes its amount from the customer's latest earlier purchases, last in, first out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clvmodels.transactions.engine import keep

if TYPE_CHECKING:
    import ibis.expr.types as ir

NOTHING_LEFT = 1e-9
"""A purchase of which no more than this share is left does not count."""
_ROUNDING = 1e-12  # of a running balance, what is only the rounding of its sum


def net(days: ir.Table) -> ir.Table:
    """What is left of each day once refunds have found the purchases they belong to.

    With B the running sum of a customer's days, D = min(0, lowest B so far) and the level L = B − D, the money standing
    after each day: later refunds take from a day what the level exceeds its own minimum from that day on,

        kept = value − (L − min of L from here on), and at least 0;

    and what D falls on a day is the part of a refund that found no earlier purchase. Σ kept + last D = Σ value.

    Parameters
    ----------
    days
        One row per customer and day: ``customer_id``, ``date``, ``value`` (sum), ``_gross`` (sum of positive values),
        ``_negative`` (number of negative rows).

    Returns
    -------
    Table
        ``days`` with ``_kept`` (≥ 0), ``_unmatched`` (≤ 0) and ``_counts``, whether the day is a purchase.

    Notes
    -----
    A day counts when more than 1e-9 of its *gross* value is left: measured by its sum, a day that nets to zero would
    count or not by the rounding of that sum, which depends on the order of the rows. A day of value zero counts too (an
    order for nothing is an order) unless no money at all is left of its customer: in a log with refunds that is an
    adjustment, not a customer. Online Retail keeps 16,518 purchase days of 4,321 customers worth 8,318,595.
    """
    import ibis

    refunding = days.filter(days["_negative"] > 0).select("customer_id").distinct()
    # Most customers never return anything: the windows are for the others, and worth keeping.
    settled = keep([_settle(days.semi_join(refunding, "customer_id"))])
    quiet = days.anti_join(refunding, "customer_id").mutate(_unmatched=ibis.literal(0.0))
    quiet = quiet.mutate(_kept=quiet.value)
    suspects = quiet.semi_join(quiet.filter(quiet["_gross"] == 0).select("customer_id").distinct(), "customer_id")
    sums = suspects.group_by("customer_id").agg(money=suspects["_gross"].sum())
    broke = sums.filter(sums.money == 0)
    counted = quiet.anti_join(broke, "customer_id").mutate(_counts=ibis.literal(True))
    ignored = quiet.semi_join(broke, "customer_id").mutate(_counts=ibis.literal(False))
    return ibis.union(*(part.select(*settled.columns) for part in (settled, counted, ignored)))


def _settle(days: ir.Table) -> ir.Table:
    import ibis

    so_far = ibis.window(group_by="customer_id", order_by="date", preceding=None, following=0)
    from_here = ibis.window(group_by="customer_id", order_by=ibis.desc("date"), preceding=None, following=0)
    in_order = ibis.window(group_by="customer_id", order_by="date")
    everything = ibis.window(group_by="customer_id")
    zero = ibis.literal(0.0)

    t = days.mutate(_balance=days.value.sum().over(so_far))
    t = t.mutate(_debt=ibis.least(zero, t["_balance"].min().over(so_far)))
    t = t.mutate(_level=t["_balance"] - t["_debt"], _before=t["_debt"].lag().over(in_order).fill_null(0.0))
    t = t.mutate(_left=ibis.greatest(zero, t.value - (t["_level"] - t["_level"].min().over(from_here))))
    fallen = t["_debt"] - t["_before"]
    t = t.mutate(
        _kept=ibis.ifelse(t["_left"] > NOTHING_LEFT * t["_gross"] + _ROUNDING * t["_level"], t["_left"], zero),
        _unmatched=ibis.ifelse(fallen < NOTHING_LEFT * t.value, fallen, zero),
    )
    t = t.mutate(_money=t["_kept"].sum().over(everything))
    nothing = (t["_gross"] == 0) & (t.value == 0)
    t = t.mutate(_counts=(t["_kept"] > 0) | (nothing & (t["_money"] > 0)))
    return t.drop("_balance", "_debt", "_level", "_before", "_left", "_money").order_by("customer_id", "date")
