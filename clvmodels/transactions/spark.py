"""Spark by an address of our own, ``spark://``: the session that is there, a local one, or a cluster's."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clvmodels.errors import InputError

SCHEMES = ("spark", "pyspark")


def connect_spark(url: str) -> Any:
    """Ibis on the Spark session that ``url`` names; it is made when there is none.

    ``spark://`` is the session of this process, else what Spark's own configuration says (spark-submit, a notebook of
    the platform; a local session when it says nothing); ``spark://local[4]`` a local one; ``spark://host:7077`` a
    cluster's master. Ibis sets the session's time zone to UTC.
    """
    if find_spec("pyspark") is None:
        raise InputError(f"{url} needs Spark, which is not installed. Type: pip install 'clvmodels[spark]'.")
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").exists()):
        raise InputError(
            f"{url} needs Java, which Spark runs on, and there is none on this machine. Install Java 17 or newer "
            "(Debian, Ubuntu: apt install default-jre-headless; macOS: brew install openjdk), or give the Parquet "
            "files themselves: they are read without it."
        )
    import ibis
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is None:
        place = url.partition("://")[2].rstrip("/")
        builder: Any = SparkSession.builder
        builder = builder.appName("clvmodels").config("spark.ui.showConsoleProgress", "false")
        if not place or place.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # its workers are this Python, which has clvmodels
        if place:
            builder = builder.master(place if place.startswith("local") else f"spark://{place}")
        session = builder.getOrCreate()
    return ibis.pyspark.connect(session)
