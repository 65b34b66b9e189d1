"""What the bench needs of the machine, and the clear line when it is not there."""

import shutil
from collections.abc import Collection

from bench.callers import BenchError
from bench.engines import POSTGRESQL, postgres_version, server


def require(engines: Collection[str]) -> None:
    """Raises BenchError if wrk is missing, or PostgreSQL where it is to be measured."""
    if shutil.which("wrk") is None:
        raise BenchError("wrk is missing; on Debian: apt-get install wrk")
    if POSTGRESQL in engines and postgres_version() is None:
        raise BenchError(f"no PostgreSQL answers at {server()}; set SUTLER_TEST_POSTGRES or use --engine sqlite")


def has_pgbench() -> bool:
    """Returns True if pgbench can be run."""
    return shutil.which("pgbench") is not None and postgres_version() is not None
