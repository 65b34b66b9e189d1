"""A whole move from each family: totals to the last unit, green books, nothing twice however often it is repeated."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum

from sutler.accounts import keys
from sutler.accounts.models import ApiKey, Customer, User
from sutler.books.models import LedgerAccount, Transfer
from sutler.catalogue.models import PriceOverride, Service
from sutler.core.lifecycle import Status
from sutler.fulfilment.models import AskTime, Attempt, DeskOrder, Provider, UpstreamOrder
from sutler.move_in import passes, totals
from sutler.move_in.models import Finding, RunningOrder
from sutler.move_in.reading.known import Known
from sutler.move_in.sources.mysql import MySqlSource
from sutler.ops.verify import CHECKS, prove
from sutler.orders.models import Order, OrderEvent
from sutler.support.models import Message, Ticket
from tests.conftest import NOW
from tests.move_in.made_classic import make_classic
from tests.move_in.made_smartpanel import make_smartpanel
from tests.move_in.old_panel import Made, Size, connection_to, key_of

SIZE = Size()
FAMILIES: dict[str, Callable[..., Made]] = {"smartpanel": make_smartpanel, "classic": make_classic}

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def one_pass(url: str, *, is_last: bool = False, prefix: str | None = None) -> tuple[MySqlSource, Known]:
    source = MySqlSource(url, prefix=prefix)
    known = passes.known_of(source, passes.zone_named("Europe/Istanbul"), NOW)
    passes.begin(source, "Europe/Istanbul", NOW)
    passes.run(source, known, lambda _name, _rows: None, is_last=is_last)
    return source, known


def assert_green() -> None:
    broken = [line for each in prove(CHECKS, lambda _: None, lambda _: None) for line in each.lines()]
    assert broken == []


@pytest.fixture(params=["smartpanel", "classic"])
def old_panel(request: pytest.FixtureRequest, old_database: str) -> tuple[str, Made]:
    with connection_to(old_database) as connection:
        return old_database, FAMILIES[request.param](connection, SIZE)


def test_a_load_and_a_cut_over_bring_everything_to_the_last_unit(old_panel: tuple[str, Made]) -> None:
    url, made = old_panel

    source, known = one_pass(url)

    assert [each for each in totals.compare(source, known) if each.difference] == []
    assert RunningOrder.objects.count() >= len(made.running)
    assert not AskTime.objects.exists()
    assert_green()

    source, known = one_pass(url, is_last=True)

    assert [each for each in totals.compare(source, known) if each.difference] == []
    assert not RunningOrder.objects.exists()
    followed = {(each.order_id, each.upstream_id) for each in UpstreamOrder.objects.filter(finished_at=None)}
    assert followed >= set(made.running)
    assert AskTime.objects.count() == len(followed)
    assert not Attempt.objects.exclude(state="accepted").exists()
    assert_green()


def test_repeating_a_pass_changes_nothing(old_panel: tuple[str, Made]) -> None:
    url, _ = old_panel
    one_pass(url, is_last=True)
    tables = (Customer, User, Service, Order, OrderEvent, Transfer, Attempt, UpstreamOrder, Ticket, Message, Finding)
    before = [each.objects.count() for each in tables]

    one_pass(url, is_last=True)

    assert [each.objects.count() for each in tables] == before


def test_an_old_key_is_its_customers(old_panel: tuple[str, Made]) -> None:
    url, made = old_panel

    one_pass(url)

    holder = keys.find([keys.digest(made.key)])[keys.digest(made.key)]
    assert holder.customer_id == 1
    assert holder.suspended


def test_the_cut_over_switches_on_who_was_active_there(old_panel: tuple[str, Made]) -> None:
    url, _ = old_panel
    source, known = one_pass(url, is_last=True)

    passes.set_on(NOW, *passes.active(source, known))

    assert list(Customer.objects.exclude(suspended_at=None).values_list("pk", flat=True)) == [12]
    assert Provider.objects.get().state == Provider.State.ON
    assert Provider.objects.get().live_state.highest_id >= 50_000
    with pytest.raises(passes.CannotMoveIn, match="ended"):
        passes.begin(source, "", NOW)


def test_new_ids_are_above_all_that_came(old_panel: tuple[str, Made], now: Any) -> None:
    url, _ = old_panel
    one_pass(url, is_last=True)
    last = Order.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert last < 2**31

    made = Customer.objects.create(name="New", currency="USD", created_at=now)

    assert made.pk > SIZE.customers


def test_traps_of_a_smartpanel(old_database: str) -> None:
    with connection_to(old_database) as connection:
        make_smartpanel(connection, SIZE, prefix="sp_")

    one_pass(old_database, is_last=True)

    n = SIZE.orders
    behind = {each.old_id: each.reason for each in Finding.objects.filter(name="orders", came=False)}
    assert behind == {
        str(n + 1): "customer 999999 is gone",
        str(n + 4): "the quantity 'many' is no number",
        str(2**31 + 5): "the id is above 2147483647",
    }
    statuses = dict(Order.objects.filter(pk__gt=n).values_list("pk", "status"))
    assert statuses == {
        n + 2: Status.COMPLETED,  # of a service that is gone
        n + 3: Status.IN_PROGRESS,  # its provider is gone
        n + 5: Status.COMPLETED,  # its upstream id is another's
        n + 6: Status.COMPLETED,  # in Turkish, without a date
        n + 7: Status.PENDING,  # "error", never sent
        n + 8: Status.PROCESSING,  # "awaiting", and it is upstream
        n + 9: Status.CANCELED,  # "refunded"
        n + 10: Status.IN_PROGRESS,  # "fail", and it is upstream
    }
    assert Service.objects.get(pk=9999).state == Service.State.HIDDEN
    assert Service.objects.get(pk=5).state == Service.State.HIDDEN
    assert DeskOrder.objects.filter(order=n + 7).exists()
    assert not UpstreamOrder.objects.filter(order__in=[n + 3, n + 5, n + 7]).exists()
    assert [Customer.objects.get(pk=each).name for each in (1, 2, 3)] == ["Zoë", "A & B", "Fun"]
    assert Customer.objects.get(pk=8).wallet.balance_micros == -3_500_000
    assert User.objects.get(email="one@example.com").customer_id == 4
    assert not User.objects.filter(customer=5).exists()
    assert not User.objects.get(customer=7).has_usable_password()
    assert User.objects.get(customer=1).check_password("password")
    assert PriceOverride.objects.get().rate_micros == 700_000
    assert Customer.objects.get(pk=10).group.discount_basis_points == 500  # type: ignore[union-attr]
    assert [each.text for each in Message.objects.order_by("pk")] == ["Where is it?", "On its way"]


def test_floats_and_debts_of_the_classic_family(old_database: str) -> None:
    with connection_to(old_database) as connection:
        make_classic(connection, SIZE)

    one_pass(old_database, is_last=True)

    balances = dict(LedgerAccount.objects.filter(kind="wallet").values_list("customer_id", "balance_micros"))
    assert [balances[each] for each in (1, 2, 3, 4)] == [1_000_000_000, 300_000, 7_123_457, -2_250_000]
    deposits = Transfer.objects.filter(cause__startswith="funds:").aggregate(sum=Sum("amount_micros"))
    assert deposits["sum"] == 300_000
    assert Service.objects.get(pk=4).state == Service.State.HIDDEN
    assert Service.objects.get(pk=6).state == Service.State.HIDDEN
    assert not User.objects.get(customer=1).has_usable_password()
    assert Order.objects.get(pk=1).link == "https://example.com/1?a=1&b=2"


def test_dates_are_those_of_the_old_servers_zone(old_database: str) -> None:
    with connection_to(old_database) as connection:
        make_classic(connection, SIZE)

    one_pass(old_database)

    with connection_to(old_database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT order_create FROM orders WHERE order_id = 1")
        [(there,)] = cursor.fetchall()
    assert Order.objects.get(pk=1).created_at.replace(tzinfo=None) == there - timedelta(hours=3)


def test_a_balance_that_changes_there_is_followed(old_database: str) -> None:
    with connection_to(old_database) as connection:
        make_smartpanel(connection, SIZE)
        one_pass(old_database)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE general_users SET balance = balance + 7.5 WHERE id = 1")
        connection.commit()

        one_pass(old_database)

    assert Customer.objects.get(pk=1).wallet.balance_micros == 1_007_500_000
    assert Transfer.objects.get(cause="import:smartpanel:1:pass-2").amount_micros == 7_500_000
    assert_green()


def test_a_plan_writes_nothing_and_names_what_cannot_come(old_database: str) -> None:
    with connection_to(old_database) as connection:
        make_smartpanel(connection, SIZE)
    source = MySqlSource(old_database)

    found = passes.plan(source, passes.known_of(source, None, NOW), lambda _name, _rows: None)

    assert found.coming["customers"] == SIZE.customers
    assert found.coming["orders"] == SIZE.orders + 8
    assert {each.reason for each in found.remarks if each.name == "orders" and not each.came} == {
        "customer 999999 is gone",
        "the quantity 'many' is no number",
        "the id is above 2147483647",
    }
    assert not Customer.objects.exists()


def test_keys_are_kept_as_digests_alone(old_database: str) -> None:
    with connection_to(old_database) as connection:
        make_smartpanel(connection, SIZE)

    one_pass(old_database)

    for field in ApiKey.objects.filter(customer=1).values().get().values():
        assert key_of(1) not in str(field)
