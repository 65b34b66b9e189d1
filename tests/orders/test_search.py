"""Lists of orders, ordering again, mass orders, favourites, and how long services take."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue import delivery_times as paces
from sutler.catalogue import favourites
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Reason, Refusal
from sutler.orders import delivery_times, drip, mass, reorder, search
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.orders.search import Filters
from tests.conftest import NOW, make_service
from tests.orders.ordering import placed, reported

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), "gfedcba"),
        (Filters(statuses=frozenset({Status.COMPLETED})), "b"),
        (Filters(statuses=frozenset({Status.PROCESSING})), "c"),
        (Filters(statuses=frozenset({Status.PENDING, Status.COMPLETED})), "gfedba"),
        (Filters(text="https://example.com/d"), "d"),
        (Filters(text=" M/E "), "e"),
        (Filters(text="%"), ""),
        (Filters(placed_from=NOW + HOUR), "gf"),
        (Filters(placed_until=NOW + HOUR), "fedcba"),
        (Filters(service_id=LARGEST_NUMBER), ""),
        (Filters(text="99999999999999999999"), ""),
    ],
)
def test_what_is_asked_for_is_found(
    alice: Customer, bob: Customer, service: Service, filters: Filters, found: str
) -> None:
    for name in "abcdefg":
        later = {"f": HOUR, "g": 2 * HOUR}.get(name, timedelta())
        order = placed(alice, service, NOW + later, link=f"https://example.com/{name}")
        if name in "bc":
            reported(order, {"b": Status.COMPLETED, "c": Status.PROCESSING}[name])
    other = placed(bob, service, link="https://example.com/bob")
    page = search.of_customer(alice.pk, filters)
    assert "".join(each.link[-1] for each in page.orders) == found
    assert page.next_before is None
    everybodys = search.of_all(filters).orders
    assert [each for each in everybodys if each != other] == page.orders
    assert search.of_all(filters, customer_id=alice.pk).orders == page.orders


def test_an_order_is_found_by_its_number_by_its_owner_alone(alice: Customer, bob: Customer, service: Service) -> None:
    order = placed(alice, service)
    text = Filters(text=f" {order.pk} ")
    assert search.of_customer(alice.pk, text).orders == [order]
    assert search.of_customer(bob.pk, text).orders == []
    assert (search.get(alice.pk, order.pk), search.get(bob.pk, order.pk)) == (order, None)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_pages_hold_every_order_once(alice: Customer, bob: Customer, service: Service, size: int) -> None:
    for number in range(6):
        placed(alice, service, link=str(number))
        placed(bob, service, link=str(number))
    own = pages(lambda before: search.of_customer(alice.pk, Filters(), before=before, limit=size))
    assert own == list(Order.objects.filter(customer=alice).order_by("-pk"))
    everybodys = pages(lambda before: search.of_all(Filters(), before=before, limit=size))
    assert everybodys == list(Order.objects.order_by("-pk"))


def pages(ask: Callable[[int | None], search.Page]) -> list[Order]:
    found: list[Order] = []
    before = None
    while True:
        page = ask(before)
        found += page.orders
        if page.next_before is None:
            return found
        before = page.next_before


def test_what_is_rare_is_found_on_a_later_page(
    alice: Customer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_IDS_PASSED", 4)
    rare = make_service()
    wanted = placed(alice, rare)
    for number in range(10):
        placed(alice, service, link=str(number))
    first = search.of_all(Filters(service_id=rare.pk))
    assert first.orders == []
    assert first.next_before is not None
    assert pages(lambda before: search.of_all(Filters(service_id=rare.pk), before=before)) == [wanted]


def test_orders_are_counted(alice: Customer, bob: Customer, service: Service) -> None:
    orders = [placed(alice, service, link=str(number)) for number in range(4)]
    placed(alice, service, link="drip", runs=2, interval=5)
    placed(bob, service)
    reported(orders[0], Status.COMPLETED)
    reported(orders[1], Status.IN_PROGRESS)
    assert search.count_open() == {Status.PENDING: 3, Status.PROCESSING: 0, Status.IN_PROGRESS: 1}


@pytest.mark.parametrize(
    ("type_", "form"),
    [
        ("Default", {"link": "https://a.b", "quantity": "100"}),
        ("Default", {"link": "https://a.b", "quantity": "100", "runs": "2", "interval": "5"}),
        ("Package", {"link": "https://a.b"}),
        ("Custom Comments", {"link": "https://a.b", "comments": "\n".join(f"c{number}" for number in range(60))}),
        ("Mentions", {"link": "https://a.b", "quantity": "100", "usernames": "a\nb"}),
        ("Poll", {"link": "https://a.b", "quantity": "100", "answer_number": "2"}),
        ("Subscriptions", {"username": "x", "min": "50", "max": "60", "posts": "3", "delay": "5"}),
    ],
)
def test_an_order_is_asked_for_again(alice: Customer, bob: Customer, type_: str, form: dict[str, str]) -> None:
    service = make_service(type=type_)
    asked = {"service": str(service.pk)} | form
    [first] = place([PlaceRequest(alice.pk, asked)], NOW)
    assert isinstance(first, Placed)
    again = reorder.form(alice.pk, first.order_id)
    assert again is not None
    assert {name: text for name, text in again.items() if text} == asked
    assert reorder.form(bob.pk, first.order_id) is None
    assert isinstance(place([PlaceRequest(alice.pk, again)], NOW)[0], Placed)


def test_a_run_is_asked_for_again_by_itself(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=2, interval=5)
    drip.place_due_runs(NOW)
    run = Order.objects.get(parent=parent)
    assert reorder.form(alice.pk, run.pk) == {"service": str(service.pk), "link": parent.link, "quantity": "100"}


def test_lines_are_placed_each_on_its_own(alice: Customer, service: Service) -> None:
    package = make_service(type="Package", min=1, max=1)
    text = "\n".join(
        [
            f"{service.pk}|https://a.b/1|100",
            "",
            f" {service.pk} | https://a.b/x|y | 200 ",
            "what is this",
            f"{service.pk}|https://a.b/2|5",
            "999|https://a.b/2|100",
            f"{package.pk}|https://a.b/3",
        ]
    )
    lines = mass.read(text)
    assert isinstance(lines, list)
    told = mass.place_lines(alice.pk, lines, "token", NOW)
    assert [each.line.number for each in told] == [1, 3, 4, 5, 6, 7]
    assert [each.outcome if isinstance(each.outcome, Refusal) else None for each in told] == [
        None,
        None,
        Refusal(Reason.INCORRECT_REQUEST),
        Refusal(Reason.QUANTITY_BELOW_MINIMUM, bound=50),
        Refusal(Reason.INCORRECT_SERVICE),
        None,
    ]
    assert list(Order.objects.order_by("pk").values_list("link", "quantity")) == [
        ("https://a.b/1", 100),
        ("https://a.b/x|y", 200),
        ("https://a.b/3", 1),
    ]
    assert mass.place_lines(alice.pk, lines, "token", NOW) == told
    assert Order.objects.count() == 3


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("1|https://a.b/c,d|100", ("1", "https://a.b/c,d", "100")),
        ("1\thttps://a.b/c\t100", ("1", "https://a.b/c", "100")),
        ("1\thttps://a.b/c\t100\t\t", ("1", "https://a.b/c", "100")),
        ("1, https://a.b/c , 100", ("1", "https://a.b/c", "100")),
        ("1;https://a.b/c;100", ("1", "https://a.b/c", "100")),
        ('"1";"https://a.b/c";"100"', ("1", "https://a.b/c", "100")),
        ("1,https://a.b/c|d,100", ("1", "https://a.b/c|d", "100")),
        ("1\thttps://a.b/c", ("1", "https://a.b/c")),
        ("1", None),
        ("1\t\t", None),
        ("", None),
    ],
)
def test_a_line_is_read_as_people_write_and_paste_it(line: str, form: tuple[str, ...] | None) -> None:
    names = ("service", "link", "quantity")
    lines = mass.read(f"{line}\nx")
    assert isinstance(lines, list)
    read = lines[0].form if line else None
    assert read == (dict(zip(names, form, strict=False)) if form else None)


@pytest.mark.parametrize("text", ["", " \n \n", "1|a|1\n" * 201])
def test_there_are_as_many_lines_as_can_be_placed(text: str) -> None:
    assert mass.read(text) == Refusal(Reason.INCORRECT_FIELD, "orders")


def test_favourites(alice: Customer, bob: Customer, service: Service) -> None:
    assert [favourites.add(alice.pk, service.pk) for _ in range(2)] == [None, None]
    assert favourites.add(alice.pk, 999) == Refusal(Reason.INCORRECT_SERVICE)
    assert (favourites.of(alice.pk), favourites.of(bob.pk)) == ({service.pk}, set())
    favourites.remove(bob.pk, service.pk)
    assert favourites.of(alice.pk) == {service.pk}
    favourites.remove(alice.pk, service.pk)
    assert favourites.of(alice.pk) == set()


def test_the_pace_of_a_service_is_the_mean_of_its_completed_orders(alice: Customer, service: Service) -> None:
    other = make_service()
    for number, minutes in enumerate((10, 20, 60)):
        reported(placed(alice, service, link=str(number)), Status.COMPLETED, NOW + timedelta(minutes=minutes))
    reported(placed(alice, other), Status.CANCELED, NOW + HOUR)
    assert paces.of() == {}
    while delivery_times.measure(NOW, limit=2):
        pass
    assert paces.of() == {service.pk: timedelta(minutes=30)}
    reported(placed(alice, service, link="x"), Status.COMPLETED, NOW + timedelta(minutes=30))
    assert delivery_times.measure(NOW) == 1
    assert paces.of([service.pk, other.pk]) == {service.pk: timedelta(minutes=30)}
    assert delivery_times.measure(NOW) == 0


def test_the_pace_follows_what_is_new(alice: Customer, service: Service) -> None:
    paces.add({service.pk: [60] * 500})
    paces.add({service.pk: [600] * 100})
    assert timedelta(seconds=350) < paces.of()[service.pk] < timedelta(seconds=450)
