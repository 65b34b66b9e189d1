"""PostgreSQL: dumped by `pg_dump`, restored by `pg_restore`, both of the machine's own installation."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import environ
import psycopg
from psycopg import errors, sql

from sutler import config
from sutler.backups.database import Database
from sutler.backups.fault import BackupFault

# A dump or a restore that takes longer is given up.
LONGEST_SECONDS = 4 * 3600
_CONNECT_SECONDS = 10
_LONGEST_NAME = 63
_SCRATCH = "sutler_check_"
_LONGEST_COMPLAINT = 300
_HAS_TABLE = "SELECT to_regclass(%s)"
_TABLES = (
    "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
)


class Postgres(Database):
    """A database on a server.

    Its password never stands in a command line, which others on the machine can read.
    """

    engine = "postgresql"
    dump_name = "database.pgdump"

    def __init__(self, url: str, name: str = "") -> None:
        self._url = url
        given = environ.Env.db_url_config(url)
        self.name = name or given["NAME"]
        self._server = {
            "host": given["HOST"],
            "port": str(given["PORT"]),
            "user": given["USER"],
            "password": given["PASSWORD"],
        }
        self._options = config.postgres_options(given)

    def version(self) -> str:
        """Returns the version of the server."""
        return str(self._value("SHOW server_version")).partition(" ")[0]

    def size_bytes(self) -> int | None:
        """Returns None: a dump is packed, and how well is not known before."""
        return None

    def is_empty(self) -> bool:
        """Returns True if the database has no tables."""
        return not self._value(_TABLES)

    def dump(self, file: Path) -> None:
        """Has `pg_dump` write the file: one snapshot, packed."""
        self._run("pg_dump", "--format=custom", "--no-owner", "--no-acl", "--lock-wait-timeout=30000", f"--file={file}")

    def load(self, file: Path) -> None:
        """Has `pg_restore` fill the database in one transaction."""
        how = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-acl")
        self._run("pg_restore", *how, f"--dbname={self.name}", str(file))

    @contextmanager
    def scratch(self) -> Iterator["Postgres"]:
        """Gives an empty database on the same server, gone when the block ends; one at a time for each database.

        One that was left over is dropped first. Raises BackupFault if the user may not create databases or another
        check is under way.
        """
        scratch = Postgres(self._url, (_SCRATCH + self.name)[:_LONGEST_NAME])
        drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(scratch.name))
        with self._connected() as server:
            try:
                server.execute(drop)
                server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(scratch.name)))
            except errors.ObjectInUse as error:
                raise BackupFault(f"another check uses the database {scratch.name}") from error
            except errors.InsufficientPrivilege as error:
                raise BackupFault(
                    f"the check restores into a scratch database, which {self._server['user']} may not create:"
                    f" ALTER ROLE {self._server['user']} CREATEDB"
                ) from error
        try:
            with scratch._connected():  # nobody drops it meanwhile
                yield scratch
        finally:
            with self._connected() as server:
                server.execute(drop)

    @property
    def url(self) -> str:
        """The URL of this database, for a process's environment alone: the password is in it."""
        whole, mark, query = self._url.partition("?")
        return whole.rpartition("/")[0] + "/" + self.name + mark + query

    def _rows(self, table: str, query: str) -> list[Any]:
        with self._connected() as connection:
            found = connection.execute(_HAS_TABLE, [table]).fetchone()
            return connection.execute(query.encode()).fetchall() if found and found[0] else []

    def _value(self, query: str) -> Any:
        with self._connected() as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    @contextmanager
    def _connected(self) -> Iterator["psycopg.Connection[Any]"]:
        known = self._options | {key: value for key, value in self._server.items() if value}
        try:
            with psycopg.connect(
                dbname=self.name, connect_timeout=_CONNECT_SECONDS, autocommit=True, **known
            ) as connection:
                yield connection
        except psycopg.Error as error:
            raise BackupFault(f"PostgreSQL: {_last_line(str(error)) or type(error).__name__}") from error

    def _run(self, name: str, *arguments: str) -> None:
        # The server's own environment, and no setting of ours that would show in /proc longer than needed.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SUTLER_")}
        own = {f"PG{key.upper()}": value for key, value in self._server.items() if value}
        own |= {config.POSTGRES_OPTIONS[name]: value for name, value in self._options.items()}
        command = [program(name), *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - ours
                command,
                env=kept | own | {"PGDATABASE": self.name, "PGCONNECT_TIMEOUT": str(_CONNECT_SECONDS), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BackupFault(f"{name} took longer than {LONGEST_SECONDS // 3600} hours") from error
        except OSError as error:
            raise BackupFault(f"{name} cannot be run: {error.strerror}") from error
        if done.returncode:
            complaint = _first_error(done.stderr.decode(errors="replace").splitlines())
            raise BackupFault(f"{name} failed: {complaint or _ending(done.returncode)}")


def program(name: str) -> str:
    """Returns where a client program of PostgreSQL is: on PATH, or the newest of Debian's folders.

    Raises BackupFault if there is none.
    """
    if on_path := shutil.which(name):
        return on_path
    installed = [each for each in Path("/usr/lib/postgresql").glob(f"*/bin/{name}") if each.parts[-3].isdecimal()]
    if not installed:
        raise BackupFault(f"{name} is not installed; it comes with PostgreSQL's client programs")
    return str(max(installed, key=lambda each: int(each.parts[-3])))


def _ending(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"stopped by {signal.strsignal(-code)}"


def _first_error(lines: Sequence[str]) -> str:
    told = [line.strip() for line in lines if line.strip()]
    return next((line for line in told if "error:" in line), told[-1] if told else "")[:_LONGEST_COMPLAINT]


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:_LONGEST_COMPLAINT]
