"""The shell on accounts: names, missing things told in one way, keys of staff, what only pages could set, secrets."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from django.conf import settings
from django.contrib.auth import authenticate

from sutler.accounts import keys, panel, terms
from sutler.accounts.models import Customer, CustomerGroup, User
from sutler.catalogue.models import Service
from sutler.cli import main
from sutler.core.clock import SystemClock
from sutler.core.events import CauseKind, cause
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.models import Alarm
from sutler.fulfilment.providers import alarms
from sutler.orders.models import Order
from sutler.payments import gateway_settings, settle
from sutler.payments.gateways.shape import Fact, FactKind
from sutler.payments.models import Checkout, Method
from tests.conftest import NOW
from tests.ops.test_cli import done, failed, run
from tests.orders.ordering import balance, placed
from tests.payments.gateway_methods import STRIPE_SETTINGS, method_of, opened, signed_method

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "a\u202eb", "x" * 201])
def test_a_customer_without_a_name_is_refused(name: str) -> None:
    failed(2, "customer", "create", "--name", name)
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("command", "thing"),
    [
        (["customer", "show", "777"], "customer 777"),
        (["customer", "keys", "777"], "customer 777"),
        (["customer", "suspend", "777"], "customer 777"),
        (["customer", "change", "777", "--name", "x"], "customer 777"),
        (["customer", "override", "ALICE", "777", "2"], "service 777"),
        (["customer", "revoke", "ALICE", "777"], "valid key 777 of customer ALICE"),
        (["customer", "change", "ALICE", "--group", "gold"], "group gold"),
        (["service", "show", "777"], "service 777"),
        (["service", "set-state", "777", "paused"], "service 777"),
        (["service", "restrict", "777", "--delivery", "x"], "service 777"),
        (["order", "show", "777"], "order 777"),
        (["order", "set-status", "777", "completed"], "order 777"),
        (["order", "resolve", "777", "absent"], "unconfirmed order 777"),
        (["order", "approve", "777"], "order 777"),
        (["provider", "show", "777"], "provider 777"),
        (["provider", "pause", "777"], "provider 777"),
        (["provider", "change", "777", "--name", "x"], "provider 777"),
        (["staff", "key", "no@example.com"], "staff member no@example.com"),
        (["staff", "keys", "no@example.com"], "staff member no@example.com"),
        (["staff", "role", "no@example.com", "owner"], "staff member no@example.com"),
        (["staff", "deactivate", "no@example.com"], "staff member no@example.com"),
        (["alarms", "--close", "777"], "open alarm 777"),
        (["payment-method", "change", "777", "--fee", "1"], "payment method 777"),
    ],
)
def test_a_missing_thing_is_told_in_one_way(alice: Customer, command: list[str], thing: str) -> None:
    asked = [part.replace("ALICE", str(alice.pk)) for part in command]
    assert f"{thing} not found".replace("ALICE", str(alice.pk)) in failed(1, *asked)


def test_alarms_exits_1_while_one_is_open() -> None:
    assert run("alarms").exit_code == 0
    alarms.sound(None, Alarm.Kind.DESK, Subject(SubjectType.SERVICE, 1), cause(CauseKind.AT_DESK), NOW)
    assert run("alarms").exit_code == 1
    done("alarms", "--close", str(Alarm.objects.get().pk))
    assert run("alarms").exit_code == run("alarms", "--all").exit_code == 0


def test_alarms_shows_what_payments_need(alice: Customer, sam: User) -> None:
    method = signed_method(sam)
    checkout = opened(alice, method)
    fact = Fact(FactKind.PAID, checkout.reference, "", "tx-1", 20_000_000, "USD")
    assert settle.apply(method, fact, NOW).outcome is settle.Outcome.APPLIED
    shown = run("alarms")
    assert shown.exit_code == 1
    assert checkout.request.reference in shown.output
    assert "too little" in shown.output


def test_reconcile_tells_each_difference(alice: Customer, sam: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No difference." in done("payments", "reconcile")
    monkeypatch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", [])
    method = method_of(sam, "stripe", {**STRIPE_SETTINGS, "api_url": "http://127.0.0.1:1"})
    checkout = opened(alice, method)
    Checkout.objects.filter(pk=checkout.pk).update(begun_at=NOW, gateway_id="cs_1")
    shown = run("payments", "reconcile", "--days", "9")
    assert shown.exit_code == 1
    assert "not asked: its address does not begin with https://" in " ".join(shown.output.split())


def test_a_cause_that_is_used_says_so(alice: Customer) -> None:
    credit = ("customer", "credit", str(alice.pk), "5", "--reason", "bank", "--cause", "b-1")
    before = balance(alice)
    assert "booked" not in run(*credit).stderr
    again = run(*credit)
    assert again.exit_code == 0
    assert "b-1 was recorded on" in again.stderr
    assert "not credited again" in again.stderr
    assert balance(alice) == before + 5_000_000


@pytest.mark.parametrize("word", ["cancelled", "Canceled", "CANCELLED"])
def test_cancelled_is_understood(alice: Customer, service: Service, word: str) -> None:
    order = placed(alice, service)
    done("order", "set-status", str(order.pk), word)
    assert Order.objects.get().status == "Canceled"
    assert str(order.pk) in done("order", "list", "--status", word)


@pytest.mark.parametrize("word", ["in_progress", "In progress", "inprogress", "in-progress"])
def test_words_are_understood_however_they_are_joined(alice: Customer, service: Service, word: str) -> None:
    order = placed(alice, service)
    done("order", "set-status", str(order.pk), word)
    assert Order.objects.get().status == "In progress"


def test_staff_keys_are_listed_and_revoked(alice: Customer) -> None:
    done("staff", "create", "sam@example.com")
    secret = done("staff", "key", "sam@example.com", "--label", "executor").strip()
    line = done("staff", "keys", "SAM@example.com").splitlines()[1]
    assert "executor" in line
    assert "valid" in line
    assert secret not in line
    other = keys.create("o" * 43, SystemClock().now(), customer_id=alice.pk)
    failed(1, "staff", "revoke", "sam@example.com", str(other.pk))
    done("staff", "revoke", "sam@example.com", line.split()[0])
    assert keys.find([keys.digest(secret)]) == {}
    assert "revoked" in done("staff", "keys", "sam@example.com")


def test_staff_are_deactivated_and_come_back() -> None:
    done("staff", "create", "sam@example.com")
    done("staff", "deactivate", "sam@example.com")
    assert not User.objects.get().is_active
    assert "is deactivated" in failed(1, "staff", "key", "sam@example.com")
    done("staff", "reactivate", "sam@example.com")
    assert User.objects.get().is_active


def test_customers_are_searched_and_shown(alice: Customer, bob: Customer) -> None:
    User.objects.create_user("shop@example.org", "x", customer=bob, date_joined=NOW)
    for words, who in (("ALI", alice), ("shop@", bob), (str(bob.pk), bob)):
        assert [line.split()[1] for line in done("customer", "list", "--search", words).splitlines()[1:]] == [who.name]
    assert "shop@example.org" in done("customer", "show", str(bob.pk))


def test_a_service_is_shown(service: Service) -> None:
    assert "0.90" in done("service", "show", str(service.pk))


def test_what_pages_set_of_a_customer(alice: Customer) -> None:
    number = str(alice.pk)
    done("customer", "group", "gold", "--discount", "5")
    done("customer", "change", number, "--group", "gold", "--repeat-window", "120", "--integer-services")
    alice.refresh_from_db()
    assert (alice.group, alice.repeat_window_seconds) == (CustomerGroup.objects.get(), 120)
    assert (alice.integer_services, alice.null_start_count, alice.name) == (True, False, "Alice")
    done("customer", "change", number, "--group", "", "--null-start-count")
    alice.refresh_from_db()
    assert (alice.group, alice.repeat_window_seconds, alice.null_start_count) == (None, 120, True)
    failed(2, "customer", "change", number)
    assert "repeat_window" in failed(1, "customer", "change", number, "--group", "gold", "--repeat-window", "-1")
    alice.refresh_from_db()
    assert alice.group is None


def test_terms_and_face(tmp_path: Path) -> None:
    file = tmp_path / "terms.txt"
    file.write_text("Be kind.")
    done("panel", "terms", str(file))
    done("panel", "face", "--name", "Shop", "--accent", "#112233")
    done("panel", "face", "--tagline", "For you")
    version, face = terms.current(), panel.profile()
    assert version is not None
    assert version.terms == "Be kind."
    assert (face.name, face.accent, face.tagline) == ("Shop", "#112233", "For you")
    failed(1, "panel", "face", "--accent", "green")
    failed(2, "panel", "face")


def test_payment_methods(tmp_path: Path) -> None:
    file = tmp_path / "bank.txt"
    file.write_text("Send it to us.")
    given = ("--name", "Bank", "--currency", "usd", "--min", "10", "--max", "500", "--instructions", str(file))
    done("payment-method", "add", *given)
    done("payment-method", "change", str(Method.objects.get().pk), "--fee", "2.5", "--withdrawn")
    made = Method.objects.get()
    assert (made.name, made.currency, made.fee_basis_points, made.is_offered) == ("Bank", "USD", 250, False)
    assert made.instructions == "Send it to us."
    assert "withdrawn" in done("payment-method", "list")
    failed(2, "payment-method", "add", "--name", "Other")
    failed(1, "payment-method", "change", str(made.pk), "--max", "5")


def test_payment_methods_of_gateways(tmp_path: Path) -> None:
    secrets = tmp_path / "stripe.txt"
    given = ("--kind", "stripe", "--name", "Card", "--currency", "USD", "--min", "5", "--max", "500")
    assert "secret_key* signing_secret* api_url" in done("payment-method", "kinds")
    assert "secret_key" in failed(1, "payment-method", "add", *given)
    secrets.write_text("secret_key=sk_test_none\n\nsigning_secret = whsec_none\n")
    said = done("payment-method", "add", *given, "--secrets-file", str(secrets))
    made = Method.objects.get()
    assert f"/payments/notices/{made.public_id}" in said
    assert gateway_settings.settings_of(made)["signing_secret"] == "whsec_none"
    done("payment-method", "change", str(made.pk), "--partial", "--setting", "api_url=https://stripe.example")
    made.refresh_from_db()
    assert (made.accepts_partial, made.settings["api_url"]) == (True, "https://stripe.example")
    assert gateway_settings.settings_of(made)["secret_key"] == "sk_test_none"
    assert "barter" not in failed(2, "payment-method", "change", str(made.pk), "--setting", "barter")
    failed(1, "payment-method", "change", str(made.pk), "--setting", "nothing=1")
    failed(1, "payment-method", "add", *given[2:], "--kind", "barter")


@pytest.mark.parametrize("command", [["staff", "create"], ["customer", "create", "--name", "C", "--email"]])
def test_a_password_comes_from_standard_input(command: list[str]) -> None:
    given = [*command, "c@example.com", "--password-file", "-"]
    result = CliRunner().invoke(main, given, input="correct horse battery\n")
    assert result.exit_code == 0, result.output
    assert "correct horse" not in result.output
    assert authenticate(username="c@example.com", password="correct horse battery") == User.objects.get()


def test_a_password_is_given_once_and_is_not_empty() -> None:
    failed(2, "staff", "create", "c@example.com", "--password", "a", "--password-file", "/dev/null")
    failed(2, "staff", "create", "c@example.com", "--password-file", "/dev/null")


def test_bench_alone_shows_its_help() -> None:
    assert run("bench").exit_code == 0
