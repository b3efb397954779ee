"""Any table of purchases becomes one checked Ibis expression, with a ledger of every row left out and why.

The folder follows the data: ``columns`` (which column is what), ``csv_files`` (a file of text, strictly), ``sources``
(files, frames, databases), ``cells`` (text into days and money), ``log`` (the checked log), ``returns`` (refunds).
"""

from __future__ import annotations

from clvmodels.transactions.log import LedgerRow, Transactions, read_transactions

__all__ = ["LedgerRow", "Transactions", "read_transactions"]
