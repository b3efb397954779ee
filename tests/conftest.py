"""Fixtures that every test folder shares."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from hypothesis import settings

# The same examples on every run: what fails here fails everywhere, and what passes can be relied on.
settings.register_profile("seeded", derandomize=True)
settings.load_profile("seeded")

# Two test processes with two BLAS threads each wait for one another: small fits took seventeen times as long.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
os.environ.setdefault("CLVMODELS_WORKERS", "1")  # the test processes have all processors between them

ONLINE_RETAIL = Path(__file__).resolve().parents[2] / "shared" / "data" / "online_retail.parquet"


def need(present: object, what: str) -> None:
    """Skip on a user's machine, fail in CI: a green run there cannot hide a missing install step."""
    if present:
        return
    if os.environ.get("CLVMODELS_NO_SKIP"):
        pytest.fail(f"{what} is needed here and missing")
    pytest.skip(f"{what} is not here")


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what other people's libraries warn of."""
    # PySpark 4 hands frames over in a way that pandas 4 will refuse, and keeps a socket to Java open.
    config.addinivalue_line("filterwarnings", "ignore:The copy keyword is deprecated:DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")
    # Ibis closes its connection to Postgres when it is collected, of which psycopg warns.
    config.addinivalue_line("filterwarnings", "ignore:<psycopg.Connection:ResourceWarning")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs Online Retail where its copy is absent: it is not ours to ship, so its absence is no skip."""
    if ONLINE_RETAIL.exists():
        return
    absent = [item for item in items if "online_retail" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=absent)
    items[:] = [item for item in items if item not in absent]


@pytest.fixture(scope="session")
def online_retail() -> Path:
    """UCI Online Retail at invoice level."""
    return ONLINE_RETAIL


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, in a folder that is thrown away: ``postgres://…/shop``."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path(p).parent for p in [which("initdb")] if p]
    need(programs, "a PostgreSQL server")
    # It refuses to run as root; Debian's package brings a user for it.
    as_user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="clvmodels-postgres-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        if as_user:
            shutil.chown(folder, "postgres", "postgres")

        def run(program: str, *words: str) -> None:
            command = [str(programs[-1] / program), *words]
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, check=False, timeout=60, **as_user,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout

        data, log = str(folder / "data"), str(folder / "log")
        run("initdb", "-D", data, "-U", "ana", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        options = f"-F -p {port} -k {folder} -c listen_addresses=127.0.0.1 -c shared_buffers=32MB"
        run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "ana", "shop")
            yield f"postgres://ana@127.0.0.1:{port}/shop"
        finally:
            gc.collect()  # what is kept in the server is dropped while it is there
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Spark session inside this process, small and quiet, whose clock is not UTC; its catalogue is thrown away."""
    need(which("java") or os.environ.get("JAVA_HOME"), "Java")
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # of the workers
    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -Djava.io.tmpdir={folder}",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "America/Sao_Paulo",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]").appName("clvmodels")
    for name, value in settings.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries
        session = builder.getOrCreate()
    yield session
    session.stop()
