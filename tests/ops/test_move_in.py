"""`sutler move-in` and what goes with it, as the operator sees it: what it prints, and one line when it cannot."""

from pathlib import Path

import pytest

from sutler.accounts.models import Customer
from tests.move_in.conftest import mariadb, old_database  # noqa: F401 - fixtures
from tests.move_in.made_smartpanel import make_smartpanel
from tests.move_in.old_panel import Size, connection_to
from tests.ops.test_cli import done, failed

pytestmark = pytest.mark.django_db


def test_from_plan_to_cut_over(old_database: str) -> None:  # noqa: F811
    with connection_to(old_database) as connection:
        make_smartpanel(connection, Size(customers=15, services=6, orders=30))

    planned = done("move-in", "plan", "--from", old_database)
    assert "smartpanel; currency USD" in planned
    assert "customer 999999 is gone" in planned
    assert not Customer.objects.exists()
    assert "orders Completed" in done("move-in", "load", "--from", old_database)
    assert "customers" in done("move-in", "shadow", "--from", old_database)
    assert done("move-in", "cut-over", "--yes", "--from", old_database).endswith("start `sutler run`.\n")
    assert "the id is above 2147483647" in done("move-in", "left")
    assert "nothing more is read" in failed(1, "move-in", "load", "--from", old_database)


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, ["load"], "say where the old panel is"),
        (1, ["load", "--from", "http://panel.example"], "must be like mysql://"),
        (1, ["load", "--from", "mysql://root@127.0.0.1:1/panel"], "the old panel's server"),
        (1, ["load", "--from", "nothing.toml"], "nothing.toml"),
        (2, ["archive", "nothing.zip"], "does not exist"),
    ],
)
def test_what_cannot_be_is_one_line(code: int, arguments: list[str], words: str) -> None:
    assert words in failed(code, "move-in", *arguments)


def test_a_customers_data(alice: Customer, tmp_path: Path) -> None:
    file = tmp_path / "alice.zip"

    assert "1 customer" in done("customer", "data", str(alice.pk), str(file))
    assert "there already" in failed(1, "customer", "data", str(alice.pk), str(file))
    assert "is a number now" in done("customer", "erase", str(alice.pk), "--yes")
    assert "not found" in failed(1, "customer", "erase", "999", "--yes")
    assert "rows of" in done("export", str(tmp_path / "panel.zip"))
