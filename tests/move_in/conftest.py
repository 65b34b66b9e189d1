"""A MariaDB to move in from."""

import os
from collections.abc import Iterator

import pytest

from tests.move_in.mariadb import old_database_on, running_mariadb


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """The address of a MariaDB. Skips where there is none and none can be started; a run that requires one fails."""
    with running_mariadb() as url:
        if url is None:
            assert not os.environ.get("REQUIRE_MARIADB"), "there is no MariaDB, and this run requires one"
            pytest.skip("no MariaDB answers at SUTLER_TEST_MARIADB, and none is installed")
        yield url


@pytest.fixture
def old_database(mariadb: str) -> Iterator[str]:
    """The address of an empty database there, gone afterwards."""
    with old_database_on(mariadb) as url:
        yield url
