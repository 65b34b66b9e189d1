"""The operator's commands: what they do, and the one line and the exit code when they cannot."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from django.contrib.auth import authenticate
from django.db import DatabaseError, OperationalError

from sutler.accounts import keys
from sutler.accounts.models import Customer, CustomerGroup, User
from sutler.books.models import LedgerAccount, Transfer
from sutler.catalogue.models import ExchangeRate, PriceOverride, Service
from sutler.cli import UNCLEAR, Shell, main
from sutler.config import ConfigError
from sutler.core.worth import Worth
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.storage.transactions import Busy, CommitUnclear
from tests.blank import fresh_database
from tests.conftest import NOW, make_customer
from tests.live.panel import SUTLER


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)


def done(*arguments: str, stdin: str | bytes | None = None) -> str:
    """Runs a command that must succeed and returns what it printed."""
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def failed(code: int, *arguments: str) -> str:
    """Runs a command that must fail with this code, in one line on stderr alone; returns the line."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("sutler: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def environment(**settings: str) -> dict[str, str]:
    """The environment of a process of its own, with no setting but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUTLER_", "DJANGO_"))}
    return kept | settings


def balance_micros(customer: Customer) -> int | None:
    return LedgerAccount.objects.get(customer=customer).balance_micros


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = [(path, group)]
    context = click.Context(group)
    for name in group.list_commands(context):
        inner = (*path, name)
        command = group.get_command(context, name)
        assert command is not None
        found += commands(command, inner) if isinstance(command, click.Group) else [(inner, command)]
    return found


@pytest.mark.parametrize("path", [path for path, _ in commands(main)], ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    said = done(*path, "--help")
    assert "Example:" in said
    assert " ".join(("sutler", *path)) in said.partition("Example:")[2]


@pytest.mark.parametrize(
    "path", [path for path, each in commands(main) if not getattr(each, "invoke_without_command", True)]
)
def test_a_group_alone_shows_its_help_as_wrong_usage(path: tuple[str, ...]) -> None:
    result = run(*path)
    assert result.exit_code == 2
    assert "Commands:" in result.stderr


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (2, ["nonsense"], "No such command 'nonsense'. (see `sutler --help`)"),
        (2, ["--nonsense"], "No such option"),
        (2, ["serve", "--port", "0"], "0 is not in the range"),
        (2, ["customer", "create"], "Missing option '--name'"),
        (2, ["customer", "create", "--name", "A", "--currency", "u$d"], "not a valid currency code"),
        (2, ["customer", "create", "--name", "A", "--currency", "uß"], "not a valid currency code"),
        (2, ["customer", "create", "--name", "A", "--currency", "USD\n"], "not a valid currency code"),
        (2, ["customer", "create", "--name", "A\x1b[31m"], "printable"),
        (2, ["customer", "create", "--name", "A" * 201], "at most 200"),
        (2, ["customer", "create", "--name", "A", "--email", "nobody"], "valid email"),
        (2, ["customer", "create", "--name", "A", "--email", "a@example.com", "--password", "short"], "too short"),
        (2, ["customer", "create", "--name", "A", "--credit-limit", "-1"], "not a valid amount"),
        (1, ["customer", "create", "--name", "A", "--group", "none"], "group none not found"),
        (2, ["customer", "group", "g", "--discount", "100"], "percentage"),
        (2, ["customer", "group", "g", "--discount", "0.001"], "percentage"),
        (2, ["customer", "group", "g", "--discount", "-5"], "percentage"),
        (2, ["customer", "credit", "1", "１２", "--reason", "x"], "not a valid amount"),
        (2, ["customer", "credit", "1", "1e3", "--reason", "x"], "not a valid amount"),
        (2, ["customer", "credit", "1", "9000000001", "--reason", "x"], "not a valid amount"),
        (2, ["customer", "credit", "1", "--5", "--reason", "x"], "not a valid amount"),
        (2, ["customer", "credit", "1", "5"], "Missing option '--reason'"),
        (2, ["customer", "credit", "0", "5", "--reason", "x"], "not in the range"),
        (2, ["customer", "credit", "2147483648", "5", "--reason", "x"], "not in the range"),
        (2, ["customer", "credit", "1", "5", "--reason", "x", "--cause", "c" * 41], "at most 40"),
        *((1, ["customer", *verb], "customer 1 not found") for verb in (["key", "1"], ["keys", "1"], ["suspend", "1"])),
        (1, ["customer", "credit", "1", "5", "--reason", "x"], "customer 1 not found"),
        (1, ["customer", "revoke", "1", "1"], "valid key 1 of customer 1 not found"),
        (2, ["customer", "override", "1", "1"], "either a rate above 0 or --remove"),
        (2, ["customer", "override", "1", "1", "2", "--remove"], "either a rate above 0 or --remove"),
        (1, ["customer", "override", "1", "1", "2"], "customer 1 not found"),
        (1, ["staff", "key", "sam@example.com"], "staff member sam@example.com not found"),
        (2, ["rate", "set", "USD", "2"], "the base currency"),
        (2, ["rate", "set", "EUR", "0"], "above 0"),
        (2, ["rate", "set", "EUR", "1,08"], "not a valid exchange rate"),
        (
            2,
            ["service", "add", "--name", "x", "--category", "c", "--rate", "0", "--max", "5"],
            "its rate is no amount above 0",
        ),
        (
            2,
            ["service", "add", "--name", "x", "--category", "c", "--rate", "1", "--max", "0"],
            "its min and max are no limits",
        ),
        (2, ["service", "import", "no-such-file.json"], "does not exist"),
        (1, ["service", "set-state", "1", "paused"], "service 1 not found"),
        (1, ["order", "show", "1"], "order 1 not found"),
        (1, ["order", "set-status", "1", "completed"], "order 1 not found"),
        (2, ["order", "set-status", "1", "done"], "'done' is not one of"),
        (2, ["order", "list", "--limit", "0"], "not in the range"),
    ],
)
@pytest.mark.django_db
def test_what_cannot_be_done_is_said_in_one_line(code: int, arguments: list[str], said: str) -> None:
    assert said in failed(code, *arguments)
    assert not Customer.objects.exists()
    assert not Service.objects.exists()


@pytest.mark.parametrize("command", ["serve", "run", "demo"])
@pytest.mark.django_db
def test_a_port_that_is_taken_is_said_before_anything_starts(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} of 127.0.0.1 cannot be used" in failed(1, command, "--port", port)


@click.group(cls=Shell)
def trouble() -> None:
    """Stands for commands in which something happens that no command expects."""


@trouble.command()
@click.argument("what")
def make(what: str) -> None:
    raise {
        "bug": KeyError("secret detail"),
        "database": OperationalError("database is locked\nand more"),
        "damage": DatabaseError("file is not a database"),
        "lock": Busy("database is locked"),
        "lost": CommitUnclear(),
        "setting": ConfigError("SUTLER_X is wrong"),
        "interrupt": KeyboardInterrupt(),
    }[what]


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("database", "sutler: database is locked\n"),
        ("damage", "sutler: file is not a database\n"),
        ("lock", "sutler: database is locked\n"),
        ("lost", f"sutler: {UNCLEAR}\n"),
        ("setting", "sutler: SUTLER_X is wrong\n"),
        ("interrupt", "\nsutler: stopped\n"),
    ],
)
def test_faults_from_outside_are_one_line(what: str, line: str) -> None:
    result = CliRunner().invoke(trouble, ["make", what])
    assert (result.exit_code, result.stderr, result.stdout) == (1, line, "")


@pytest.mark.parametrize("folder", [".", "not-there"])
def test_a_bug_is_one_line_and_its_trace_is_in_the_log(tmp_path: Path, folder: str) -> None:
    result = CliRunner(env={"SUTLER_DATA_DIR": str(tmp_path / folder)}).invoke(trouble, ["make", "bug"])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "KeyError" in result.stderr
    assert "secret detail" not in result.stderr
    log = Path(result.stderr.strip().rpartition(" ")[2])
    assert "KeyError: 'secret detail'" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    log.unlink()


@pytest.mark.django_db
def test_a_customer_from_account_to_key() -> None:
    done("customer", "group", "resellers", "--discount", "7.5")
    said = done("customer", "create", "--name", "Alice", "--group", "resellers", "--email", "alice@example.com")
    alice = Customer.objects.get()
    assert (alice.name, alice.currency, alice.group) == ("Alice", "USD", CustomerGroup.objects.get(name="resellers"))
    assert CustomerGroup.objects.get().discount_basis_points == 750
    assert authenticate(username="alice@example.com", password=said.split()[-1]) == User.objects.get(customer=alice)
    assert not User.objects.get().is_staff

    assert done("customer", "credit", str(alice.pk), "50.25", "--reason", "paid") == (
        f"Balance of customer {alice.pk}: 50.25 USD\n"
    )
    assert done("customer", "credit", str(alice.pk), "-0.25", "--reason", "too much").endswith(": 50.00 USD\n")
    assert "refused: not enough funds" in failed(1, "customer", "credit", str(alice.pk), "-50.01", "--reason", "x")
    assert set(LedgerAccount.objects.filter(customer=None).values_list("kind", flat=True)) >= {"deposits", "revenue"}

    made = run(
        *("customer", "key", str(alice.pk), "--label", "shop", "--scope", "read", "--scope", "order"),
        *("--address", "203.0.113.0/24", "--daily-cap", "12.5"),
    )
    secret = made.stdout.strip()
    [holder] = keys.find([keys.digest(secret)]).values()
    assert (holder.customer_id, holder.scopes, holder.daily_cap_micros) == (
        alice.pk,
        frozenset({"read", "order"}),
        12_500_000,
    )
    assert holder.allows_address("203.0.113.9")
    assert not holder.allows_address("203.0.114.9")
    listed = done("customer", "keys", str(alice.pk))
    assert secret[:8] in listed
    assert secret not in listed
    done("customer", "revoke", str(alice.pk), str(holder.key_id))
    assert keys.find([keys.digest(secret)]) == {}


@pytest.mark.django_db
def test_a_customer_is_suspended_and_resumed() -> None:
    alice = make_customer("Alice")
    done("customer", "suspend", str(alice.pk))
    assert "suspended" in done("customer", "list")
    done("customer", "resume", str(alice.pk))
    alice.refresh_from_db()
    assert alice.suspended_at is None


@pytest.mark.django_db
def test_a_payment_is_credited_once_under_its_cause() -> None:
    alice, bob = make_customer("Alice"), make_customer("Bob")
    pay = ("customer", "credit", str(alice.pk), "5", "--reason", "bank", "--cause", "b-1")
    assert done(*pay) == done(*pay)
    assert balance_micros(alice) == 10_005_000_000
    for other in ((str(bob.pk), "5"), (str(alice.pk), "6")):
        line = failed(1, "customer", "credit", *other, "--reason", "bank", "--cause", "b-1")
        assert "b-1 is already recorded" in line
    assert balance_micros(bob) == 10_000_000_000
    assert not Transfer.objects.filter(cause="b-1").exists()  # the operator's names are apart from the panel's own


@pytest.mark.django_db
def test_a_customer_below_zero_within_the_credit_limit() -> None:
    done("customer", "create", "--name", "Carol", "--credit-limit", "20")
    carol = str(Customer.objects.get().pk)
    assert done("customer", "credit", carol, "-20", "--reason", "x").endswith(": -20.00 USD\n")
    failed(1, "customer", "credit", carol, "-0.000001", "--reason", "x")


@pytest.mark.django_db
def test_exchange_rates_and_a_customers_own_rate(service: Service) -> None:
    said = run("customer", "create", "--name", "Eva", "--currency", "EUR")
    assert "Orders in EUR need an exchange rate" in said.stderr
    done("rate", "set", "EUR", "1.07")
    done("rate", "set", "EUR", "1.08")
    assert ExchangeRate.objects.get().worth == Worth(108, 100)
    assert done("rate", "list").splitlines()[1].split()[:6] == ["EUR", "1", "EUR", "=", "1.08", "USD"]
    eva = str(Customer.objects.get().pk)
    done("customer", "override", eva, str(service.pk), "0.5")
    assert PriceOverride.objects.get().rate_micros == 500_000
    done("customer", "override", eva, str(service.pk), "--remove")
    assert not PriceOverride.objects.exists()


@pytest.mark.django_db
def test_staff_and_the_key_of_an_executor() -> None:
    said = done("staff", "create", "sam@example.com")
    sam = User.objects.get()
    assert authenticate(username="sam@example.com", password=said.split()[-1]) == sam
    assert (sam.is_staff, sam.is_superuser) == (True, False)
    secret = done("staff", "key", "SAM@example.com", "--scope", "fulfil_orders").strip()
    [holder] = keys.find([keys.digest(secret)]).values()
    assert (holder.user_id, holder.scopes) == (sam.pk, frozenset({"fulfil_orders"}))
    assert "sam@example.com already has a login" in failed(1, "staff", "create", "sam@example.com")
    assert "unknown scope read" in failed(2, "staff", "key", "sam@example.com", "--scope", "read")


@pytest.mark.django_db
def test_an_order_is_listed_shown_and_moved_by_the_operator(alice: Customer, service: Service) -> None:
    form = {"service": str(service.pk), "link": "https://example.com/a", "quantity": "1000"}
    placed = place([PlaceRequest(alice.pk, form), PlaceRequest(alice.pk, form)], NOW)
    first, second = (str(each.order_id) for each in placed if isinstance(each, Placed))
    assert [line.split()[0] for line in done("order", "list").splitlines()] == ["ID", second, first]
    assert "Partial requires --remains" in failed(1, "order", "set-status", first, "partial")
    assert Order.objects.get(pk=first).status == "Pending"
    assert "is Partial" in done("order", "set-status", first, "partial", "--remains", "400", "--note", "by hand")
    assert Order.objects.get(pk=first).returned_micros == 360_000
    assert [line.split()[0] for line in done("order", "list", "--status", "pending").splitlines()] == ["ID", second]
    shown = done("order", "show", first)
    for piece in ("https://example.com/a", "by hand", "operator", f"order:{first}", f"return:{first}", "0.36"):
        assert piece in shown
    assert "move not allowed" in failed(1, "order", "set-status", first, "completed")


@pytest.mark.django_db
def test_verify_names_each_breach(alice: Customer) -> None:
    assert "no mismatch" in done("verify")
    LedgerAccount.objects.filter(customer=alice).update(balance_micros=1)
    broken = run("verify")
    assert broken.exit_code == 1
    assert broken.stderr == "sutler: 1 mismatch\n"
    assert "every wallet" in broken.stdout


def test_config_masks_what_is_secret() -> None:
    said = (
        CliRunner(env={"SUTLER_METRICS_TOKEN": "hush", "SUTLER_PANEL_NAME": "Corner"}).invoke(main, ["config"]).stdout
    )
    lines = {line.split()[0]: line for line in said.splitlines()}
    assert "Corner" in lines["SUTLER_PANEL_NAME"]
    assert "(set)" in lines["SUTLER_METRICS_TOKEN"]
    assert "hush" not in said


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("SUTLER_PROT", "80", "unknown setting SUTLER_PROT; `sutler config` lists the known ones"),
        ("SUTLER_BASE_CURRENCY", "usd", "SUTLER_BASE_CURRENCY must be a currency code such as USD, not 'usd'"),
    ],
)
def test_an_unusable_setting_stops_every_start(tmp_path: Path, name: str, text: str, said: str) -> None:
    result = subprocess.run(
        [SUTLER, "serve", "--data-dir", tmp_path],
        env=environment(**{name: text}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"sutler: {said}\n")


@pytest.mark.long
def test_init_makes_a_panel_and_brings_it_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "panel"

    def sutler(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SUTLER, *arguments, "--data-dir", folder],
            env=environment(SUTLER_DATABASE_URL=url),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    with fresh_database(f"sutler_init_{os.getpid()}") as url:
        early = sutler("customer", "list")
        assert early.returncode == 1
        assert "`sutler init`" in early.stderr
        nobody = sutler("init")
        assert (nobody.returncode, nobody.stdout) == (2, "")
        assert "add --email" in nobody.stderr
        first = sutler("init", "--email", "sam@example.com")
        assert first.returncode == 0, first.stderr
        assert first.stdout.startswith("The panel is ready. Staff: sam@example.com ")
        key = (folder / "secret-key").read_text()
        again = sutler("init", "--email", "other@example.com")
        assert (again.returncode, again.stdout) == (0, "The panel is up to date.\n")
        assert (folder / "secret-key").read_text() == key
    assert len(key.strip()) == 64
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_sutler_without_its_source_has_no_benchmark(tmp_path: Path) -> None:
    (tmp_path / "sutler").symlink_to(Path(sys.modules["sutler"].__path__[0]))
    code = "import sutler; sutler.__file__ = 'a/b/sutler/__init__.py'; from sutler.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "bench"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "run it from a checkout" in result.stderr
