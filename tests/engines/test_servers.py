"""Do the servers that tests need start and answer?"""

from __future__ import annotations

from typing import Any

import ibis
import pytest

pytestmark = pytest.mark.external


def test_postgres_answers(postgres: str) -> None:
    con = ibis.connect(postgres)
    assert con.sql("select 1 as one").to_pandas()["one"].tolist() == [1]
    con.disconnect()


def test_spark_answers(spark: Any) -> None:
    con = ibis.pyspark.connect(spark)
    assert con.sql("select 1 as one").to_pandas()["one"].tolist() == [1]
