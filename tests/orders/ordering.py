"""What the tests of orders share: placing an order as a customer would, and reading what the books say of it."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from django.db import OperationalError, connection
from django.db.models import Sum

from sutler.accounts.models import Customer
from sutler.books import audit as books_audit
from sutler.books.models import LedgerAccount, Transfer
from sutler.catalogue.models import Service
from sutler.core.event_texts import event_text
from sutler.core.events import EventKind
from sutler.core.lifecycle import Status
from sutler.core.refusals import Refusal
from sutler.orders import audit as orders_audit
from sutler.orders.models import Order, OrderEvent
from sutler.orders.move import Report, report
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.storage.transactions import Busy
from tests.conftest import NOW

Answer = TypeVar("Answer")

LINK = "https://example.com/post/1"


def placed(customer: Customer, service: Service, now: datetime = NOW, **form: object) -> Order:
    """The order that the customer gets for these fields; a link and a quantity of 1000 unless given."""
    fields = {"service": service.pk, "link": LINK, "quantity": 1000} | form
    answer = place([PlaceRequest(customer.pk, {name: str(value) for name, value in fields.items()})], now)[0]
    assert isinstance(answer, Placed), answer
    return Order.objects.get(pk=answer.order_id)


def reported(
    order: Order | int,
    status: Status,
    now: datetime = NOW,
    *,
    start_count: int | None = None,
    remains: int | None = None,
    actor: str = "executor",
) -> None:
    """Whoever fulfils the order says that it has come so far; Partial with nothing left unless it is told."""
    number = order if isinstance(order, int) else order.pk
    if status is Status.PARTIAL and remains is None:
        remains = 0
    outcome = report([Report(number, status, start_count, remains)], actor, now)[0]
    assert not isinstance(outcome, Refusal), outcome


def balance(customer: Customer) -> int:
    """What is in the customer's wallet, in micros."""
    return LedgerAccount.objects.get(customer=customer).balance_micros or 0


def held(kind: str, currency: str = "USD") -> int:
    """What all transfers together have left in a house account, in micros."""
    came = Transfer.objects.filter(credit__kind=kind, credit__currency=currency)
    went = Transfer.objects.filter(debit__kind=kind, debit__currency=currency)
    return sum(
        sign * (each.aggregate(total=Sum("amount_micros"))["total"] or 0) for sign, each in ((1, came), (-1, went))
    )


def transfers(*orders: Order | int) -> dict[str, int]:
    """The transfers that belong to the orders, by cause, in micros."""
    numbers = [each if isinstance(each, int) else each.pk for each in orders]
    return dict(Transfer.objects.filter(order_id__in=numbers).order_by("pk").values_list("cause", "amount_micros"))


def moves(order: Order | int) -> list[tuple[str, str]]:
    """The states an order went through, as its events tell."""
    number = order if isinstance(order, int) else order.pk
    told = OrderEvent.objects.filter(order_id=number, to_status__isnull=False).order_by("pk")
    return [(each.from_status or "", each.to_status or "") for each in told]


def notes(order: Order | int, **conditions: Any) -> list[str]:
    """What the order's events say beside its moves, oldest first."""
    number = order if isinstance(order, int) else order.pk
    found = (
        OrderEvent.objects.filter(order_id=number, **conditions)
        .exclude(kind__in=[EventKind.MOVED, EventKind.PROGRESS])
        .order_by("pk")
    )
    return [event_text(each.kind, each.data) for each in found]


def demand_sound_books() -> None:
    """Every order's own transfers add up to its charge, a final order has nothing in hand, and the audit agrees."""
    came, went = Counter[int](), Counter[int]()
    pending = {LedgerAccount.Kind.IN_HAND, LedgerAccount.Kind.SCHEDULED}
    for each in Transfer.objects.filter(order_id__isnull=False).select_related("debit", "credit"):
        assert each.order_id is not None
        if each.credit.kind in pending:
            came[each.order_id] += each.amount_micros
        if each.debit.kind in pending and not each.cause.startswith("run:"):
            went[each.order_id] += each.amount_micros
    for order in Order.objects.all():
        assert came[order.pk] == order.charge_micros
        assert went[order.pk] <= order.charge_micros
        if order.kind == Order.Kind.SINGLE:
            assert (went[order.pk] == order.charge_micros) == (order.finished_at is not None or not order.charge_micros)
    with connection.cursor() as cursor:
        for check in (*books_audit.CHECKS, *orders_audit.CHECKS):
            cursor.execute(check.sql)
            assert cursor.fetchall() == [], check.sentence


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """Makes the calls together, each in a thread of its own, and returns what they returned.

    Whoever finds the database busy comes again, as any caller would: an in-memory SQLite does not wait by itself.
    """
    start, pause = threading.Barrier(len(calls)), threading.Event()

    def make(call: Callable[[], Answer]) -> Answer:
        start.wait()
        try:
            for _ in range(1000):
                try:
                    return call()
                except (Busy, OperationalError):
                    assert connection.vendor == "sqlite", "nobody is kept off by a lock here"
                    pause.wait(0.002)
            raise TimeoutError
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(make, calls))
