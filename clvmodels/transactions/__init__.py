"""Any table of purchases becomes one checked Ibis expression, with a ledger of every row left out and why.

The folder in the order of the data: ``ledger`` (the reasons), ``columns`` (which column is what), ``engine``,
``csv_files``, ``paths``, ``frames``, ``databases`` and ``sources`` (any table, inside an engine), ``cells`` and
``dates`` (text into days and money), ``rows`` (each judged), ``problems`` (what is wrong, in words), ``log`` (the
checked log), ``returns``, ``fates`` and ``period`` (what becomes of its rows).
"""

from __future__ import annotations

from clvmodels.transactions.ledger import REASONS, LedgerRow
from clvmodels.transactions.log import Transactions, read_transactions

__all__ = ["REASONS", "LedgerRow", "Transactions", "read_transactions"]
