"""A month in the life of a panel: `python -m tests.browser.month` fills the empty panel that the environment names.

Customers order thirty days long, at the panel's own desk and through two providers; what they order meets every fate.
Everything is done by the panel's own verbs, each at its moment in the past. Chance is seeded: the same month each time.
"""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "sutler.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402

from sutler.accounts import customers, groups, keys, terms  # noqa: E402
from sutler.accounts.models import Customer, Role, User  # noqa: E402
from sutler.books import figures  # noqa: E402
from sutler.books.post import deposit, open_wallet  # noqa: E402
from sutler.catalogue import exchange_rates  # noqa: E402
from sutler.catalogue.models import Service  # noqa: E402
from sutler.core.clock import SystemClock, new_token, seeded  # noqa: E402
from sutler.core.events import failure  # noqa: E402
from sutler.core.lifecycle import Status  # noqa: E402
from sutler.core.money import Micros  # noqa: E402
from sutler.core.refusals import Refusal  # noqa: E402
from sutler.core.worth import Worth  # noqa: E402
from sutler.fulfilment import provider_settings  # noqa: E402
from sutler.fulfilment.catalogue import routes  # noqa: E402
from sutler.fulfilment.models import Provider, ProviderState, UpstreamOrder  # noqa: E402
from sutler.fulfilment.polling.apply import apply_answers  # noqa: E402
from sutler.fulfilment.providers import ledger  # noqa: E402
from sutler.fulfilment.providers.call_log import LoggedExchange  # noqa: E402
from sutler.fulfilment.reconciling import balance  # noqa: E402
from sutler.ops.demo.catalogue import stock  # noqa: E402
from sutler.ops.users import create_person  # noqa: E402
from sutler.orders import delivery_times, drip, subscriptions  # noqa: E402
from sutler.orders.models import Order  # noqa: E402
from sutler.orders.move import Report, report  # noqa: E402
from sutler.orders.place import Placed, PlaceRequest, place  # noqa: E402
from sutler.panels.results import Balance, Exchange, UpstreamStatus  # noqa: E402
from tests.browser import CUSTOMER, OWNER, PASSWORD, SUPPORT  # noqa: E402
from tests.browser.month_office import keep_an_office  # noqa: E402
from tests.fulfilment.upstream import accepted, make_upstream_service  # noqa: E402
from tests.fulfilment.upstream_world import TIMED_OUT, send  # noqa: E402
from tests.orders.ordering import placed  # noqa: E402

DAYS = 30
UNIT = 1_000_000
NAMES = (
    "Northwind Media",
    "Blue Harbour",
    "Kite & Co",
    "Atelier Lune",
    "Parkside Studio",
    "Rossi Digital",
    "Fjord Works",
    "Oak Street Agency",
    "Mira Santos",
    "Tandem",
)
# The services of the demo's catalogue that are ordered every day, and which of them the providers deliver.
FOLLOWERS, SPREAD, LIKES, VIEWS = 1, 3, 6, 7
DAILY, ROUTED = (FOLLOWERS, SPREAD, 5, LIKES, VIEWS, 12, 18), {FOLLOWERS: 0, LIKES: 0, VIEWS: 1}
QUANTITIES = (100, 250, 500, 1000, 1500, 2500)
FATES = (*[Status.COMPLETED] * 17, *[Status.PARTIAL] * 2, Status.CANCELED)


def live(now: datetime) -> None:
    """Lets the month before `now` happen."""
    chance, first = Random(7), now - timedelta(days=DAYS)
    with transaction.atomic():
        stock()
        owner = hire(first)
        people = open_accounts(owner, first)
        write_terms(owner, people[0].people.get(), first)
    there = add_providers(first)
    for number in range(DAYS):
        work_a_day(first + timedelta(days=number, hours=1), people, there, chance, number)
    order_over_time(people[0], now)
    leave_open(people, there, now, chance)
    keep_an_office(people, owner, now)
    ask_the_providers(there, now)
    while figures.keep_up(now):
        pass
    while delivery_times.measure(now):
        pass


def hire(now: datetime) -> User:
    """The owner and somebody who supports; returns the owner."""
    for email, name, role in ((OWNER, "Olga Meyer", Role.OWNER), (SUPPORT, "Sue Park", Role.SUPPORT)):
        create_person(email, PASSWORD, now, role=role)
        User.objects.filter(email=email).update(name=name)
    return User.objects.get(email=OWNER)


def open_accounts(owner: User, now: datetime) -> list[Customer]:
    """The customers, the first of whom is Alice's; one has another currency, three a better price."""
    assert exchange_rates.put("EUR", Worth(108, 100), now) is None
    resellers = groups.save("Resellers", 500, owner, now)
    assert not isinstance(resellers, Refusal)
    people = []
    for place_, name in enumerate(NAMES):
        currency = "EUR" if name == "Atelier Lune" else str(settings.SUTLER["SUTLER_BASE_CURRENCY"])
        made = customers.create(name, currency, now, resellers if place_ in {1, 5, 7} else None)
        open_wallet(made.pk, currency)
        deposit(made.pk, (400 + 90 * place_) * UNIT, f"deposit:first:{made.pk}", "Bank transfer", now)
        people.append(made)
    create_person(CUSTOMER, PASSWORD, now, customer=people[0])
    User.objects.filter(email=CUSTOMER).update(name="Alice Moreau")
    keys.create(new_token(), now, customer_id=people[0].pk, label="Website")
    keys.create(new_token(), now, customer_id=people[0].pk, label="Reports", scopes=("read",))
    return people


def write_terms(owner: User, alice: User, now: datetime) -> None:
    """The terms, which Alice has accepted."""
    use = "Nothing unlawful, and nothing in the name of somebody who has not agreed."
    written = terms.publish("We deliver what you order, or give the money back.", use, owner, now)
    assert not isinstance(written, Refusal)
    assert terms.accept(alice, written.pk, now) is None


def add_providers(now: datetime) -> list[Provider]:
    """Two providers with a catalogue, money, and a route to what they deliver."""
    made = []
    for name, low in (("Northstar", 50), ("Bluewave", 200)):
        url = f"https://{name.lower()}.example/api/v2"
        added = provider_settings.add("USD", now, name=name, url=url, key=new_token(), low_balance_micros=low * UNIT)
        assert isinstance(added, Provider), added
        assert not isinstance(ledger.top_up(added.pk, 250 * UNIT, f"{name} 1", "Invoice", now), Refusal)
        ProviderState.objects.filter(provider=added).update(catalogue_at=now, gap_micros=0)
        made.append(added)
    for service_id, at in ROUTED.items():
        sold = Service.objects.get(pk=service_id)
        rate, name = sold.rate_micros * 6 // 10, f"{sold.name} | fast | {sold.min}-{sold.max}"
        more = {"min": sold.min, "max": sold.max, "category": "Social", "dripfeed": sold.dripfeed}
        upstream = make_upstream_service(
            made[at], upstream_id=str(100 + service_id), name=name, rate_micros=rate, **more
        )
        assert not isinstance(routes.add(service_id, upstream.pk, now), Refusal)
    return made


def work_a_day(
    now: datetime, people: Sequence[Customer], there: Sequence[Provider], chance: Random, number: int
) -> None:
    """A day's orders, placed in the morning, ended before the next day."""
    asked = []
    for turn in range(chance.randint(6, 9) + number // 4):
        service, customer = chance.choice(DAILY), people[0] if turn < 2 else chance.choice(people)
        link = f"https://example.com/{chance.choice(('p', 'reel', 'video'))}/{number:02}{turn:02}"
        asked.append(PlaceRequest(customer.pk, form(service, link, chance.choice(QUANTITIES))))
    made = [each.order_id for each in place(asked, now) if isinstance(each, Placed)]
    orders = list(Order.objects.filter(pk__in=made).order_by("pk"))
    ours = [each for each in orders if each.service_id not in ROUTED]
    deliver(ours, now, chance)
    for each in there:
        sent = [order for order in orders if order.service_id in ROUTED and there[ROUTED[order.service_id]] == each]
        deliver_there(each, sent, now, chance)


def form(service: int, link: str, quantity: int) -> dict[str, str]:
    """The fields of a plain order."""
    return {"service": str(service), "link": link, "quantity": str(quantity)}


def deliver(orders: Sequence[Order], now: datetime, chance: Random) -> None:
    """What the desk does with orders of a day."""
    begun = [Report(each.pk, Status.PROCESSING, start_count=chance.randint(20, 9000)) for each in orders]
    report(begun, "staff 1", now + timedelta(minutes=7))
    for each in orders:
        fate, at = chance.choice(FATES), now + timedelta(minutes=chance.randint(30, 600))
        left = each.quantity * 3 // 10 if fate is Status.PARTIAL else 0
        report([Report(each.pk, fate, None, left)], "staff 1", at)


def deliver_there(provider: Provider, orders: Sequence[Order], now: datetime, chance: Random) -> None:
    """What a provider does with orders of a day, and how it answered meanwhile."""
    said, calls = {}, []
    for order in orders:
        there = send_on(order, str(700_000 + 7 * order.pk), now + timedelta(seconds=order.pk % 60))
        fate = chance.choice(FATES)
        left = {Status.PARTIAL: order.quantity // 4, Status.CANCELED: order.quantity}.get(fate, 0)
        cost = Micros(there.expected_micros * (order.quantity - left) // order.quantity)
        said[there.pk] = UpstreamStatus(fate, fate, cost, "USD", chance.randint(20, 9000), left)
        calls.append(call("add", "Accepted", now, chance))
    apply_answers(
        provider.pk, said, [*calls, call("status", "Answered", now, chance)], now + timedelta(hours=3), seeded(1)
    )


@transaction.atomic
def send_on(order: Order, upstream_id: str, now: datetime) -> UpstreamOrder:
    """The order as it stands once the provider of its service has accepted it under this id."""
    route = order.service.routes.select_related("upstream_service__provider").get()
    return accepted(order, route.upstream_service, upstream_id, now)


def call(action: str, outcome: str, now: datetime, chance: Random, why: str = "") -> LoggedExchange:
    """One call to a provider as it is written down."""
    at = now + timedelta(seconds=chance.randint(1, 55))
    code = None if outcome == "NoAnswer" else 200
    cause = failure(why) if why else None
    answer = '{"error":"Server is busy"}' if outcome == "Declined" else ""
    return LoggedExchange(
        Exchange(action, {"action": action}, answer, code, at, chance.randint(90, 700), outcome, cause)
    )


def order_over_time(alice: Customer, now: datetime) -> None:
    """A drip-feed with runs behind and before it, and a subscription with posts."""
    began = now - timedelta(hours=5)
    fed = placed(
        alice,
        Service.objects.get(pk=SPREAD),
        began,
        link="https://example.com/spread",
        quantity=200,
        runs=6,
        interval=60,
    )
    for hour in range(4):
        drip.place_due_runs(began + timedelta(hours=hour, minutes=1))
    for child in list(Order.objects.filter(parent=fed).order_by("pk"))[:3]:
        report([Report(child.pk, Status.COMPLETED)], "executor", child.created_at + timedelta(minutes=20))
    follow = Service.objects.get(type="Subscriptions")
    followed = placed(alice, follow, began, username="northwind", min=50, max=100, delay=0, posts=10)
    for number in range(3):
        at = began + timedelta(hours=number)
        link = f"https://example.com/post/{number}"
        assert subscriptions.report_post(followed.pk, link, at, seeded(number), "executor") is None
        subscriptions.place_due_posts(at + timedelta(minutes=1))
    for child in list(Order.objects.filter(parent=followed).order_by("pk"))[:2]:
        report([Report(child.pk, Status.COMPLETED)], "executor", child.created_at + timedelta(minutes=20))


def leave_open(people: Sequence[Customer], there: Sequence[Provider], now: datetime, chance: Random) -> None:
    """What is not done yet: orders at the desk and at a provider, and one whose outcome is unknown."""
    recently = now - timedelta(minutes=50)
    asked = [
        PlaceRequest(people[turn % 4].pk, form(chance.choice((12, 18, 5)), f"https://example.com/new/{turn}", 400))
        for turn in range(14)
    ]
    open_ids = [each.order_id for each in place(asked, recently) if isinstance(each, Placed)]
    begun = [Report(each, Status.PROCESSING, start_count=chance.randint(20, 900)) for each in open_ids[::2]]
    report(begun, "staff 1", recently + timedelta(minutes=4))
    going = [Report(each, Status.IN_PROGRESS, remains=160) for each in open_ids[::4]]
    report(going, "staff 1", recently + timedelta(minutes=15))
    for number in range(3):
        order = placed(people[number], Service.objects.get(pk=VIEWS), recently, link=f"https://example.com/v/{number}")
        upstream = send_on(order, str(990_001 + number), recently)
        said = UpstreamStatus(Status.IN_PROGRESS, "In progress", None, "USD", 40, 300 * number)
        apply_answers(there[1].pk, {upstream.pk: said}, (), recently + timedelta(minutes=9), seeded(1))
    lost = placed(
        people[0], Service.objects.get(pk=FOLLOWERS), recently, link="https://example.com/lost", quantity=1500
    )
    send(lost, TIMED_OUT, recently)


def ask_the_providers(there: Sequence[Provider], now: datetime) -> None:
    """A day of calls, and what each provider says of its balance."""
    chance = Random(3)
    for provider in there:
        calls = []
        for hour in range(24):
            at = now - timedelta(hours=24 - hour)
            calls += [call("status", "Answered", at, chance) for _ in range(6 + hour % 5)]
            if hour % 9 == 4:
                calls.append(call("status", "Declined", at, chance, "BUSY: Server is busy"))
        before = balance.standing(provider.pk)
        held = Balance(Micros(ledger.book_balance_micros(provider.pk)), "USD")
        balance.record(provider.pk, before, held, calls, now - timedelta(minutes=2))


if __name__ == "__main__":
    live(SystemClock().now())
