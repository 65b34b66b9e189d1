"""What the bench needs of the machine, and how it leaves it."""

import shutil
import signal
import sys
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


def tidy_up_on_sigterm() -> None:
    """Makes SIGTERM end the bench as Ctrl-C does: servers stopped, databases taken away."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: ended by SIGTERM"))
