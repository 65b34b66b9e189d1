"""What an office has to do with besides orders: tickets, funds, refills, approvals, announcements, alarms."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sutler.accounts.models import Customer, User
from sutler.books import adjustments
from sutler.catalogue import favourites, overrides, updates
from sutler.catalogue.models import Service, ServiceUpdate
from sutler.core.events import CauseKind, cause
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.refusals import Refusal
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.fulfilment.models import Alarm, Provider
from sutler.fulfilment.providers import alarms
from sutler.notices import channel_settings
from sutler.notices.models import Channel
from sutler.orders import cancel, refill
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.payments import funds, methods
from sutler.payments.models import FundsRequest, Method
from sutler.support import announcements, reports, tickets
from sutler.support.models import Ticket

UNIT = 1_000_000
CAREFUL, FAVOURITES = 22, (1, 6, 7)


def keep_an_office(people: Sequence[Customer], owner: User, now: datetime) -> None:
    """Has each thing that the office keeps happen."""
    alice = people[0]
    ask_after_orders(alice, now)
    pay_in(people, owner, now)
    write_tickets(people, owner, now)
    have_orders_approved(people[1], now)
    tell_of_services(alice, now)
    look_after_money(people, owner, now)
    sound_alarms(now)
    open_a_channel(owner, now)


def open_a_channel(owner: User, now: datetime) -> None:
    """A room of staff where nothing is said yet."""
    draft = channel_settings.Draft(
        "webhook", "Night watch", (), "", True, {"url": "https://chat.example/hook", "form": "json"}
    )
    channel = channel_settings.save(draft, owner, now)
    assert isinstance(channel, Channel), channel


def ask_after_orders(alice: Customer, now: datetime) -> None:
    """Refills, one of them done and one not, and a cancel that staff have to decide."""
    done = Order.objects.filter(customer=alice, status=Status.COMPLETED, service__refill=True, kind="single")
    finished = done.filter(finished_at__lt=now - timedelta(days=1)).order_by("-pk").values_list("pk", flat=True)
    asked = [refill.request_refills(alice.pk, [pk], now - timedelta(hours=3))[0] for pk in finished[:6]]
    taken = [each for each in asked if not isinstance(each, Refusal)]
    refill.report([(each, RefillStatus.COMPLETED) for each in taken[1::2]], "staff 1", now - timedelta(hours=1))
    under_way = Order.objects.filter(customer=alice, status=Status.IN_PROGRESS, service__cancel=True, kind="single")
    order_ids = list(under_way.values_list("pk", flat=True)[:1])
    assert cancel.request_cancels(alice.pk, order_ids, now - timedelta(minutes=20)) == [None] * len(order_ids)


def pay_in(people: Sequence[Customer], owner: User, now: datetime) -> None:
    """A way to pay, and requests that were paid, wait and were declined."""
    draft = methods.Draft(
        "Bank transfer", "Pay to DE00 0000 0000 and quote the reference.", "USD", 10 * UNIT, 5000 * UNIT, 0, 0
    )
    method = methods.save(draft, owner, now - timedelta(days=20))
    assert isinstance(method, Method), method
    for hours, customer, amount in ((6, 0, 250), (5, 1, 400), (4, 2, 90), (3, 0, 300), (1, 4, 150)):
        at = now - timedelta(hours=hours)
        asked = funds.ask(people[customer].pk, method.pk, amount * UNIT, f"INV-{amount}", None, at)
        assert isinstance(asked, FundsRequest), asked
        if hours > 4:
            funds.confirm(asked.pk, owner, now - timedelta(minutes=30 + hours))
        elif hours == 4:
            funds.reject(asked.pk, "Nothing has arrived under this reference.", owner, now - timedelta(minutes=30))


def write_tickets(people: Sequence[Customer], owner: User, now: datetime) -> None:
    """Tickets that wait, that are answered, that are closed, and a report from outside."""
    order = Order.objects.filter(customer=people[0], status=Status.PARTIAL).order_by("-pk").first()
    about = [order.pk] if order else []
    alice = people[0].people.get()
    told: tuple[tuple[int, User | None, str, str, list[int], int], ...] = (
        (0, alice, "Stopped before the end", "This one ended as partial. Can the rest be sent as well?", about, 2),
        (0, alice, "An invoice for last month", "Could you send one invoice for all of last month?", [], 20),
        (1, None, "A key for our second shop", "Can one account have a key for each of our shops?", [], 5),
        (3, None, "The average time", "The average time of Views seems too short to me.", [], 30),
    )
    for number, (customer, author, subject, text, orders, hours) in enumerate(told):
        at = now - timedelta(hours=hours)
        category = Ticket.Category.ORDER if orders else Ticket.Category.OTHER
        made = tickets.open_(people[customer].pk, author, subject, text, at, category=category, order_ids=orders)
        assert isinstance(made, Ticket), made
        if number != 2:
            answered = "Thank you for writing. The rest of the order was refunded to your balance."
            tickets.answer(made.pk, owner, answered, at + timedelta(minutes=40))
        if number == 0:
            tickets.note(made.pk, owner, "The provider stopped it; nothing to be had from them.", at)
            tickets.reply(people[0].pk, made.pk, author, "I see it now, thank you.", at + timedelta(minutes=55))
        if number == 3:
            tickets.close(made.pk, at + timedelta(hours=2))
    said = "One of your customers sells this under my name."
    assert not isinstance(reports.report("eve@example.com", "My name is used", said, "192.0.2.1", now), Refusal)


def have_orders_approved(customer: Customer, now: datetime) -> None:
    """Orders of a service that staff approve first: they wait."""
    Service.objects.filter(pk=CAREFUL).update(needs_approval=True)
    Service.objects.get(pk=CAREFUL).save()
    fields = {"service": str(CAREFUL), "quantity": "2000", "country": "WW", "device": "1", "type_of_traffic": "2"}
    for number in range(3):
        form = fields | {"link": f"https://example.com/landing/{number}"}
        form |= {"google_keyword": "tea", "referring_url": "https://example.com"}
        answer = place([PlaceRequest(customer.pk, form)], now - timedelta(minutes=15 * number + 5))[0]
        assert isinstance(answer, Placed), answer


def tell_of_services(alice: Customer, now: datetime) -> None:
    """Favourites, an own price, and what customers are told of changes."""
    for service_id in FAVOURITES:
        assert favourites.add(alice.pk, service_id) is None
    overrides.put(alice.pk, FAVOURITES[1], 290_000)
    by_id = Service.objects.in_bulk(list(range(1, 8)))
    kinds = ServiceUpdate.Kind
    told = (
        (1, kinds.PRICE, "0.95", "0.90"),
        (7, kinds.NEW, "", ""),
        (5, kinds.PAUSED, "", ""),
        (5, kinds.BACK, "", ""),
    )
    updates.publish(
        updates.note(by_id[service_id], kind, now - timedelta(hours=9 * (5 - number)), before, after)
        for number, (service_id, kind, before, after) in enumerate(told)
    )


def look_after_money(people: Sequence[Customer], owner: User, now: datetime) -> None:
    """Corrections of balances, and something that all customers are told."""
    adjustments.adjust(people[2].pk, 12_500_000, "Late delivery of order 40", owner, now - timedelta(minutes=9))
    adjustments.adjust(people[3].pk, -4_000_000, "Credited twice", owner, now - timedelta(minutes=5))
    text = "Most services now offer drip-feed. Find it under New order."
    since, until = now - timedelta(days=1), now + timedelta(days=30)
    announcements.save("New: drip-feed", text, "info", since, until, owner, now)


def sound_alarms(now: datetime) -> None:
    """What staff must look at."""
    second = Provider.objects.order_by("pk")[1]
    low = cause(CauseKind.BALANCE_LOW, held_micros=148_200_000, currency="USD", low_micros=200_000_000)
    alarms.sound(second.pk, Alarm.Kind.LOW_BALANCE, WHOLE, low, now - timedelta(hours=3))
    wait = cause(CauseKind.PRICES_WAIT, count=1)
    alarms.sound(second.pk, Alarm.Kind.CATALOGUE, Subject(SubjectType.PRICES), wait, now - timedelta(hours=8))
