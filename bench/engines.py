"""Fresh databases for the bench on either engine, and the processes that work on them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench.callers import BenchError

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
ENGINES = (SQLITE, POSTGRESQL)

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
LOCAL_SERVER = "postgres://postgres@127.0.0.1:5432/postgres"


@dataclass(frozen=True, slots=True)
class Database:
    """One database of the panel: its data folder, on PostgreSQL its address, and whose code runs on it."""

    folder: Path
    url: str = ""
    source: Path = ROOT / "src"
    address_requests_per_second: int = 0

    def environment(self) -> dict[str, str]:
        """Returns the environment that a process of the panel needs to run on it, without limits on keys."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUTLER_")}
        return inherited | {
            "DJANGO_SETTINGS_MODULE": "sutler.settings",
            "PYTHONPATH": str(self.source),
            "SUTLER_DATA_DIR": str(self.folder),
            "SUTLER_DATABASE_URL": self.url,
            "SUTLER_SECRET_KEY": "for the bench only",
            "SUTLER_KEY_REQUESTS_PER_SECOND": "0",
            "SUTLER_ADDRESS_REQUESTS_PER_SECOND": str(self.address_requests_per_second),
            "SUTLER_UPSTREAM_PRIVATE_HOSTS": "127.0.0.1",
        }

    def seed(self, *arguments: str, heard: Callable[[str], None] = lambda _: None) -> None:
        """Runs a command of `bench.seed` on the database; `heard` is called with each line that it says."""
        ask([sys.executable, "-m", "bench.seed", *arguments], self.environment(), heard)

    def round(self, *arguments: str) -> str:
        """Runs a command of `bench.upstream_round` on the database; returns the last line that it says."""
        return ask([sys.executable, "-m", "bench.upstream_round", *arguments], self.environment())

    def verify(self) -> None:
        """Runs `sutler verify` on the database. Raises BenchError if the books do not agree."""
        ask([str(PROGRAMS / "sutler"), "verify", "--data-dir", str(self.folder)], self.environment())

    def settle(self) -> None:
        """Lets PostgreSQL write out what earlier runs left behind, so that no run pays for the one before."""
        if self.url:
            _on_server(sql.SQL("CHECKPOINT"))


@contextmanager
def fresh(engine: str, folder: Path, like: Database | None = None) -> Iterator[Database]:
    """Gives an empty database, or a copy of another, and takes it away again. The other must not be in use."""
    folder.mkdir()
    try:
        if engine == SQLITE:
            if like:
                shutil.copytree(like.folder, folder, dirs_exist_ok=True)
            yield Database(folder)
            return
        with _on_postgres(f"sutler_bench_{os.getpid()}_{folder.name}", like) as url:
            yield Database(folder, url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ask(
    command: list[str], environment: dict[str, str] | None = None, heard: Callable[[str], None] = lambda _: None
) -> str:
    """Runs a command to its end and returns the last line that it says; `heard` is called with each.

    Raises BenchError if it fails.
    """
    said = ["nothing said"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            said.append(line.strip())
            heard(line.strip())
    last = next(filter(None, reversed(said)))
    if process.returncode:
        raise BenchError(f"{' '.join(command[1:4])} failed: {last}")
    return last


def server() -> str:
    """Returns the address of the PostgreSQL server that the bench may create databases on."""
    return os.environ.get("SUTLER_TEST_POSTGRES") or LOCAL_SERVER


def postgres_version() -> str | None:
    """Returns the server's version, or None if it does not answer."""
    try:
        with psycopg.connect(server(), connect_timeout=3) as connection:
            return str(connection.info.parameter_status("server_version")).partition(" ")[0]
    except psycopg.OperationalError:
        return None


@contextmanager
def _on_postgres(name: str, like: Database | None) -> Iterator[str]:
    template = urlsplit(like.url).path.lstrip("/") if like else "template1"
    _on_server(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield urlsplit(server())._replace(path=f"/{name}").geturl()
    finally:
        _on_server(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _on_server(statement: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(statement)
