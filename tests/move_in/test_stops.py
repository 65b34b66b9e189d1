"""A run that is stopped after any of its batches goes on where it was: the same end, and nothing twice."""

import itertools
from typing import Any

import pytest

from sutler.accounts.models import ApiKey, Customer, User
from sutler.books.models import LedgerAccount, Transfer
from sutler.catalogue.models import PriceOverride, Service
from sutler.fulfilment.models import AskTime, Attempt, Route, UpstreamOrder
from sutler.move_in import passes
from sutler.move_in.models import Finding, Mark, RunningOrder
from sutler.move_in.sources.mysql import MySqlSource
from sutler.orders.models import Order, OrderEvent
from sutler.payments.models import FundsRequest
from sutler.support.models import Message, Ticket
from tests.conftest import NOW
from tests.move_in.made_smartpanel import make_smartpanel
from tests.move_in.old_panel import Size, connection_to
from tests.move_in.test_passes import assert_green

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

SIZE = Size(customers=15, services=6, orders=60)
_TABLES = (
    Customer,
    User,
    ApiKey,
    Service,
    PriceOverride,
    Route,
    Order,
    OrderEvent,
    Attempt,
    UpstreamOrder,
    AskTime,
    RunningOrder,
    FundsRequest,
    Ticket,
    Message,
    Mark,
)


class Stopped(Exception):
    """The run ends here."""


def end_state() -> dict[str, Any]:
    counts: dict[str, Any] = {each.__name__: each.objects.count() for each in _TABLES}
    counts["orders"] = list(Order.objects.order_by("pk").values_list("pk", "status", "charge_micros", "remains"))
    counts["wallets"] = list(
        LedgerAccount.objects.filter(kind="wallet").order_by("customer").values_list("customer", "balance_micros")
    )
    counts["findings"] = sorted(Finding.objects.values_list("name", "old_id", "reason"))
    counts["causes"] = Transfer.objects.exclude(cause__startswith="import:").count()
    return counts


def run_until(url: str, batches: int | None, *, is_last: bool) -> bool:
    """Runs a pass and stops it after so many batches; returns True if it came to its end before."""
    left = itertools.count(batches if batches is not None else 10**9, -1)

    def tell(_name: str, _rows: int) -> None:
        if next(left) <= 0:
            raise Stopped

    source = MySqlSource(url)
    known = passes.known_of(source, None, NOW)
    passes.begin(source, "", NOW)
    try:
        passes.run(source, known, tell, is_last=is_last, size=16)
    except Stopped:
        return False
    finally:
        source.close()
    return True


@pytest.mark.parametrize("step", [pytest.param(each, marks=pytest.mark.long) for each in (0, 1, 3, 8, 11)] + [5])
def test_a_run_that_is_stopped_again_and_again_ends_the_same(old_database: str, step: int) -> None:
    with connection_to(old_database) as connection:
        make_smartpanel(connection, SIZE)

    stops = 0
    while not run_until(old_database, step + stops, is_last=False):
        stops += 1
    while not run_until(old_database, step + stops, is_last=True):
        stops += 1

    assert stops > 0
    assert_green()
    stopped = end_state()
    assert stopped["RunningOrder"] == 0
    assert run_until(old_database, None, is_last=True)
    assert end_state() == stopped
    assert len(stopped["orders"]) == SIZE.orders + 8
