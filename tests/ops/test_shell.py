"""The shell itself: data instead of tables, completion, and nothing loaded that a command does not need."""

import inspect
import json
import os
import subprocess
import sys

import click
import pytest

from sutler.accounts.models import Customer, User
from sutler.catalogue.models import Service
from sutler.cli import TABLES, main
from sutler.orders.place import Placed, PlaceRequest, place
from tests.conftest import NOW
from tests.live.panel import SUTLER
from tests.ops.test_cli import commands, done

# What they show beside a table is for people: a plan, a question, progress.
FOR_PEOPLE = {"install", "uninstall", "lying-upstream", "recover", "service import"}


def shows_table(command: click.Command) -> bool:
    source = inspect.getsource(inspect.unwrap(command.callback)) if command.callback else ""
    return any(verb in source for verb in ("show_table(", "show_keys("))


def test_whatever_shows_a_table_can_give_data() -> None:
    shown = {" ".join(path) for path, command in commands(main) if shows_table(command)}
    assert shown - FOR_PEOPLE == TABLES
    assert {path for path in map(str, TABLES) if path.endswith(("list", "show"))} >= {"order list", "order show"}


def test_a_list_is_one_line_of_objects(sam: User) -> None:
    [listed] = json.loads(done("staff", "list", "--json"))
    assert listed["email"] == sam.email
    assert json.loads(done("order", "list", "--json")) == []


def test_what_is_shown_of_one_thing_is_an_object_and_a_list_for_each_table(alice: Customer, service: Service) -> None:
    form = {"service": str(service.pk), "link": "https://example.com/a", "quantity": "100"}
    [placed] = place([PlaceRequest(alice.pk, form)], NOW)
    assert isinstance(placed, Placed)
    fields, events, transfers = map(json.loads, filter(None, done("order", "show", "1", "--json").splitlines()))
    assert (fields["id"], fields["quantity"]) == (placed.order_id, 100)
    assert (events, [each["cause"] for each in transfers]) == ([], [f"order:{placed.order_id}"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(shell: str) -> None:
    assert "_SUTLER_COMPLETE" in done("completion", shell)
    words = {"COMP_WORDS": "sutler provider to", "COMP_CWORD": "to" if shell == "fish" else "2"}
    asked = os.environ | words | {"_SUTLER_COMPLETE": f"{shell}_complete"}
    answer = subprocess.run([SUTLER], env=asked, capture_output=True, text=True, check=False)
    assert "topup" in answer.stdout, answer.stderr


def test_what_needs_no_panel_loads_little() -> None:
    code = """
import sys
from click.testing import CliRunner
from sutler.cli import main
for arguments in (["--version"], ["config"], ["completion", "fish"]):
    assert CliRunner().invoke(main, arguments).exit_code == 0, arguments
print(sorted({"django.db", "rich", "httpx2", "cryptography", "sutler.core.upstream_words"}.intersection(sys.modules)))
"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUTLER_", "DJANGO_"))}
    ended = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.stderr) == ("[]", "")
