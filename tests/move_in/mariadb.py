"""The MariaDB of the tests: the one that answers at SUTLER_TEST_MARIADB, or one of our own for the run."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from tests.move_in.old_panel import connection_to

URL = os.environ.get("SUTLER_TEST_MARIADB", "mysql://root@127.0.0.1:3306")
_STARTS_WITHIN_SECONDS = 30


def _answers(url: str) -> bool:
    try:
        connection_to(url).close()
    except pymysql.MySQLError:
        return False
    return True


def _started(folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """Starts a MariaDB of our own in the folder; returns its address and its process."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    user = ["--user=root"] if os.getuid() == 0 else []
    data = f"--datadir={folder / 'data'}"
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", data, "--auth-root-authentication-method=normal", *user],
        check=True,
        capture_output=True,
    )
    place = [
        f"--port={port}",
        f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'pid'}",
        "--bind-address=127.0.0.1",
    ]
    running = subprocess.Popen(
        ["mariadbd", "--no-defaults", data, *place, *user], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"mysql://root@127.0.0.1:{port}"
    until = time.monotonic() + _STARTS_WITHIN_SECONDS
    while not _answers(url) and time.monotonic() < until:
        time.sleep(0.1)
    return url, running


@contextmanager
def running_mariadb() -> Iterator[str | None]:
    """The address of a server without a database; None where none answers and none is installed."""
    if _answers(URL):
        yield URL
    elif shutil.which("mariadbd") is None:
        yield None
    else:
        with tempfile.TemporaryDirectory() as folder:
            url, running = _started(Path(folder))
            try:
                yield url
            finally:
                running.terminate()
                running.wait()


@contextmanager
def old_database_on(server: str) -> Iterator[str]:
    """The address of an empty database of that server, gone afterwards."""
    name = f"sutler_test_{uuid.uuid4().hex[:12]}"
    with connection_to(server) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.cursor().execute(f"DROP DATABASE {name}")
