"""Tables in memory, as Arrow: recognised without importing the library they come from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def as_arrow(source: Any) -> tuple[tuple[str, ...], Callable[[Sequence[int]], pa.Table]] | None:
    """Names and a function that gives the chosen columns as Arrow; None when it is no table."""
    import pyarrow as pa

    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return _pandas(source)
    if polars is not None and isinstance(source, polars.LazyFrame):
        source = source.collect()
    if isinstance(source, pa.RecordBatchReader):
        source = source.read_all()
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if polars is not None and isinstance(source, polars.DataFrame):
        frame = source
        return tuple(frame.columns), lambda at: _named([frame.to_series(i).to_arrow() for i in at])
    if not isinstance(source, pa.Table) and hasattr(source, "__arrow_c_stream__"):
        source = pa.table(source)
    if isinstance(source, pa.Table):
        rows = source
        return tuple(rows.column_names), lambda at: _named([rows.column(i) for i in at])
    return None


def _pandas(frame: Any) -> tuple[tuple[str, ...], Callable[[Sequence[int]], pa.Table]]:
    import pandas as pd
    import pyarrow as pa

    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()

    def column(at: int) -> pa.Array:
        values = frame.iloc[:, at]
        if isinstance(values.dtype, pd.PeriodDtype):
            values = values.dt.to_timestamp()
        try:
            return pa.Array.from_pandas(values)
        except pa.ArrowException:  # a column of objects of several kinds: 17850 beside "C17850"
            return pa.Array.from_pandas(values.map(str, na_action="ignore"), type=pa.string())

    return tuple(str(name) for name in frame.columns), lambda at: _named([column(i) for i in at])


def _named(columns: Sequence[Any]) -> pa.Table:
    import pyarrow as pa

    def plain(values: Any) -> Any:
        return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values

    return pa.table({f"c{i}": plain(values) for i, values in enumerate(columns)})
