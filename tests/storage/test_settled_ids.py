"""A reader that goes on from the last ID it saw misses what commits late; one that waits for settled IDs does not."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.events import EventKind
from sutler.orders.change import event, write_events
from sutler.orders.models import Order, OrderEvent
from sutler.storage.settled_ids import SettledIds
from sutler.storage.transactions import Busy, durable
from tests.conftest import NOW
from tests.orders.ordering import placed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
ON_POSTGRES_ALONE = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
TABLE = OrderEvent._meta.db_table


def happen(order: Order, count: int = 1) -> None:
    write_events(event(order.pk, "worker", NOW, EventKind.APPROVED) for _ in range(count))


@contextmanager
def unfinished(order: Order) -> Iterator[Callable[[], None]]:
    """Another transaction has written an event and does not commit until it is told to."""
    written, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            happen(order)
            written.set()
            may_end.wait(10)
        connection.close()

    with ThreadPoolExecutor(1) as other:
        ending = other.submit(write)
        written.wait(10)

        def end() -> None:
            may_end.set()
            ending.result()

        try:
            yield end
        finally:
            end()


@pytest.fixture
def order(alice: Customer, service: Service) -> Order:
    return placed(alice, service)


def seen(after: int, up_to: int) -> list[int]:
    return list(OrderEvent.objects.filter(pk__gt=after, pk__lte=up_to).order_by("pk").values_list("pk", flat=True))


def test_what_is_committed_is_settled(order: Order) -> None:
    settled = SettledIds(TABLE)
    before = settled.up_to()
    happen(order, 3)
    assert len(seen(before, settled.up_to())) == 3
    assert settled.up_to() == settled.up_to()


def test_a_table_without_rows_has_nothing_settled(db: None) -> None:
    assert seen(0, SettledIds(TABLE).up_to()) == []


@ON_POSTGRES_ALONE
def test_an_id_is_not_settled_while_an_earlier_one_may_still_appear(order: Order) -> None:
    settled = SettledIds(TABLE)
    start = settled.up_to()
    with unfinished(order) as end:
        happen(order)
        naive = seen(start, 1 << 40)
        assert len(naive) == 1  # the later of the two: who remembers its ID misses the other
        assert settled.up_to() < naive[0] - 1
        end()
        assert len(seen(start, settled.up_to())) == 2


@ON_POSTGRES_ALONE
def test_one_that_begins_says_nothing_before_it_knows(order: Order) -> None:
    with unfinished(order), pytest.raises(Busy):
        SettledIds(TABLE, patience_seconds=0.02).up_to()


@ON_POSTGRES_ALONE
def test_what_is_rolled_back_holds_nothing_up(order: Order) -> None:
    settled = SettledIds(TABLE)
    start = settled.up_to()
    with pytest.raises(KeyError), transaction.atomic():
        happen(order)
        raise KeyError
    happen(order)
    assert len(seen(start, settled.up_to())) == 1


REFUSE_WITHOUT_NUMBER = """
    CREATE FUNCTION pg_temp.demand_number() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF pg_current_xact_id_if_assigned() IS NULL THEN RAISE 'no number when ID % was drawn', NEW.id; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER demand_number BEFORE INSERT ON orders_orderevent FOR EACH ROW
        EXECUTE FUNCTION pg_temp.demand_number()
"""


@ON_POSTGRES_ALONE
def test_a_transaction_has_its_number_before_it_draws_an_id(order: Order) -> None:
    """Else one that begins with an event could still show it after the number that settles its ID."""
    happen(order)  # the first of 32 IDs is drawn with a record in the log, which takes a number in any case
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_WITHOUT_NUMBER)
        try:
            happen(order)
        finally:
            cursor.execute("DROP TRIGGER demand_number ON orders_orderevent")


def read_beside(writers: int, events: int, order: Order, pause_seconds: float) -> tuple[list[int], list[int]]:
    """Has so many threads write events beside a naive reader and one of settled IDs; returns what each has seen."""
    done = threading.Event()
    naive: list[int] = []
    exact: list[int] = []

    def write(seed: int) -> None:
        chance = random.Random(seed)
        left = events // writers
        while left:
            count = min(left, chance.randint(1, 5))
            with durable():
                happen(order, count)
                if chance.random() < 0.1:
                    time.sleep(chance.random() * pause_seconds)
            left -= count
        connection.close()

    def read() -> None:
        settled = SettledIds(TABLE)
        is_last = False
        while not is_last:
            is_last = done.is_set()
            naive.extend(seen(naive[-1] if naive else 0, 1 << 40))
            exact.extend(seen(exact[-1] if exact else 0, settled.up_to()))
        connection.close()

    with ThreadPoolExecutor(writers + 1) as threads:
        reading = threads.submit(read)
        for each in [threads.submit(write, seed) for seed in range(writers)]:
            each.result()
        done.set()
        reading.result()
    return naive, exact


@ON_POSTGRES_ALONE
@pytest.mark.soak
def test_sixteen_writers_and_a_hundred_thousand_events(order: Order) -> None:
    first = OrderEvent.objects.count()
    naive, exact = read_beside(16, 100_000, order, 0.02)
    stored = list(OrderEvent.objects.order_by("pk").values_list("pk", flat=True))
    assert len(stored) == first + 100_000
    assert exact == stored
    assert len(naive) < len(stored)  # else this test could not fail


@ON_POSTGRES_ALONE
def test_four_writers_and_a_thousand_events(order: Order) -> None:
    _, exact = read_beside(4, 1000, order, 0.005)
    assert exact == list(OrderEvent.objects.order_by("pk").values_list("pk", flat=True))
