"""The search of the menu: what it finds, that customers find only what is theirs, and that no search reads a table."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts import quick_search as accounts
from sutler.accounts.models import Customer, Role
from sutler.catalogue.models import Service
from sutler.fulfilment.desk import order_search
from sutler.orders import quick_search as orders
from sutler.payments import funds
from sutler.payments.models import FundsRequest, Method
from sutler.support import quick_search as support
from sutler.support import tickets
from sutler.support.models import Ticket
from tests.conftest import NOW, make_service
from tests.orders.ordering import placed
from tests.pages.conftest import browser_of, make_person

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
MOST_QUERIES = 12
# The methods of paying are a handful: they may be read from end to end.
FEW = "payments_method"


def links(browser: Client, text: str) -> list[str]:
    """Where the hits of a search lead."""
    html = browser.get(f"/search?q={quote(text)}", headers=HTMX).content.decode()
    return re.findall(r'<a href="([^"]+)"', html)


def office_links(browser: Client, text: str) -> list[str]:
    html = browser.get(f"/office/search?q={quote(text)}", headers=HTMX).content.decode()
    return re.findall(r'<a href="([^"]+)"', html)


def paid_in(customer: Customer) -> FundsRequest:
    method, _ = Method.objects.get_or_create(name="Transfer", currency="USD", min_micros=1, max_micros=10)
    amounts = {"amount_micros": 1, "credit_micros": 1, "currency": "USD"}
    return FundsRequest.objects.create(customer=customer, method=method, asked_at=NOW, **amounts)


def asked(customer: Customer, subject: str) -> Ticket:
    ticket = tickets.open_(customer.pk, None, subject, "Please look.", NOW)
    assert isinstance(ticket, Ticket)
    return ticket


def test_a_customer_finds_what_is_theirs_by_all_that_they_know(alice: Customer, alice_browser: Client) -> None:
    service = make_service(name="Garden lamps")
    order = placed(alice, service, link="https://example.com/lantern")
    payment, ticket = paid_in(alice), asked(alice, "Broken lantern")
    for text, address in {
        str(order.pk): f"/orders/{order.pk}",
        f"#{order.pk}": f"/orders/{order.pk}",
        "lantern": f"/orders/{order.pk}",
        "garden": f"/orders/new?service={service.pk}",
        payment.reference: f"/funds/add/{payment.pk}",
        "broken": f"/tickets/{ticket.pk}",
        "mass": "/orders/mass",
    }.items():
        assert address in links(alice_browser, text), text


def test_nobody_finds_what_is_anothers(alice: Customer, bob_browser: Client, service: Service) -> None:
    order = placed(alice, service, link="https://example.com/lantern")
    payment, ticket = paid_in(alice), asked(alice, "Broken lantern")
    for text in (str(order.pk), "lantern", payment.reference, str(payment.pk), str(ticket.pk), "broken", alice.name):
        own = [each for each in links(bob_browser, text) if "service=" not in each]
        assert own == [], text


def test_staff_find_everybodys(alice: Customer, alice_browser: Client, sam_browser: Client) -> None:
    service = make_service(name="Garden lamps")
    order = placed(alice, service, link="https://example.com/lantern")
    payment, ticket = paid_in(alice), asked(alice, "Broken lantern")
    for text, address in {
        str(order.pk): f"/office/orders/{order.pk}",
        "LANTERN": f"/office/orders/{order.pk}",
        "alice@exa": f"/office/customers/{alice.pk}",
        alice.name[1:]: f"/office/customers/{alice.pk}",
        "garden": f"/office/services/{service.pk}",
        payment.reference: f"/office/payments/{payment.pk}",
        "broken": f"/office/tickets/{ticket.pk}",
        "alarm": "/office/alarms",
    }.items():
        assert address in office_links(sam_browser, text), text


def test_a_role_finds_what_it_may_see_alone(alice: Customer, service: Service) -> None:
    order, payment = placed(alice, service), paid_in(alice)
    browser = browser_of(make_person("hands@example.com", role=Role.FULFILMENT))
    assert office_links(browser, str(order.pk)) == [f"/office/orders/{order.pk}"]
    assert office_links(browser, alice.name) == []
    assert office_links(browser, payment.reference) == []


def test_the_only_hit_is_opened_and_several_are_listed(alice: Customer, alice_browser: Client) -> None:
    service = make_service(name="Garden lamps")
    order = placed(alice, service, link="https://example.com/lantern")
    assert alice_browser.get("/search?q=lantern").headers["location"] == f"/orders/{order.pk}"
    placed(alice, service, link="https://example.com/lantern/2")
    page = alice_browser.get("/search?q=lantern")
    assert page.status_code == 200
    assert "/lantern/2" in page.content.decode()
    assert "Nothing found" in alice_browser.get("/search?q=nowhere").content.decode()


@pytest.mark.parametrize(
    "text", ["", " ", "#", "%", "'", "\0", "9" * 30, "é" * 300, "F-", "F-" + "9" * 18, "a@", "\U0010ffff"]
)
def test_whatever_is_typed_is_answered(alice_browser: Client, sam_browser: Client, text: str) -> None:
    assert alice_browser.get("/search", {"q": text}).status_code in {200, 302}
    assert sam_browser.get("/office/search", {"q": text}).status_code in {200, 302}


@pytest.mark.parametrize("text", ["17", "lantern", "alice@example.com", "F-000017", "abc-17"])
def test_a_search_needs_few_queries(
    alice: Customer, alice_browser: Client, sam_browser: Client, service: Service, text: str
) -> None:
    placed(alice, service, link="https://example.com/lantern")
    alice_browser.get("/dashboard")
    for browser, address in ((alice_browser, "/search"), (sam_browser, "/office/search")):
        with CaptureQueriesContext(connection) as queries:
            browser.get(address, {"q": text})
        statements = [each["sql"] for each in queries if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        assert len(statements) <= MOST_QUERIES, statements


def test_every_search_goes_by_an_index_or_reads_the_newest_rows_alone(
    alice: Customer, service: Service, explained: Callable[[Callable[[], object]], list[str]]
) -> None:
    searches: list[Callable[[], object]] = [
        lambda: orders.of_customer(alice.pk, "17", 5),
        lambda: orders.of_customer(alice.pk, "lantern", 5),
        lambda: orders.of_all("17", 5, [18]),
        lambda: orders.of_all("lantern", 5),
        lambda: orders.same_link_at(alice.pk, "https://example.com/lantern"),
        lambda: orders.recent_services(alice.pk, 5),
        lambda: order_search.ids_of("17", 1),
        lambda: accounts.customers("17", 5),
        lambda: accounts.customers("alice@exa", 5),
        lambda: accounts.customers("lice", 5),
        lambda: funds.of_all(text="F-000017"),
        lambda: funds.of_all(text="pi_17"),
        lambda: funds.of_customer(alice.pk, text="pi_17"),
        lambda: support.tickets("17", 5),
        lambda: support.tickets("lantern", 5),
        lambda: support.tickets("lantern", 5, customer_id=alice.pk),
    ]
    for search in searches:
        assert explained(search) == []


@pytest.fixture
def explained() -> Callable[[Callable[[], object]], list[str]]:
    """Runs a search; returns the steps of its plans that read a table, or a whole index, from end to end."""

    def explain(search: Callable[[], object]) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            search()
        statements = [each["sql"] for each in queries if each["sql"].startswith(("SELECT", "(SELECT"))]
        assert statements
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":  # the tables of a test are too small for an index otherwise
                cursor.execute("SET LOCAL enable_seqscan = off")
            return [step for each in statements for step in _whole_reads(cursor, each)]

    return explain


def _whole_reads(cursor: Any, statement: str) -> list[str]:
    if connection.vendor == "postgresql":
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
        [[[plan]]] = cursor.fetchall()
        return list(_unbound(plan["Plan"], is_limited=False))
    cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
    steps = [str(row[-1]) for row in cursor.fetchall()]
    # U0 is the subquery for the newest rows, which has a LIMIT.
    return [step for step in steps if re.match(rf"SCAN (?!CONSTANT|U0\b|{FEW})", step)]


def _unbound(node: dict[str, Any], *, is_limited: bool) -> Iterator[str]:
    """Scans of a plan of PostgreSQL without a condition that an index serves, but for those of the newest rows."""
    is_limited = is_limited or (node["Node Type"] == "Limit" and node.get("Parent Relationship") == "InitPlan")
    is_scan = node["Node Type"].endswith("Scan") and node.get("Relation Name", "") != FEW
    if is_scan and node["Node Type"] != "Bitmap Heap Scan" and "Index Cond" not in node and not is_limited:
        yield str(node)
    for below in node.get("Plans", ()):
        yield from _unbound(below, is_limited=is_limited)


def test_a_link_is_looked_for_in_the_newest_orders(
    alice: Customer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, *others = [placed(alice, service, link=f"https://example.com/{each}") for each in ("lantern", "a", "b")]
    for most, found in ((2, []), (3, [old])):
        monkeypatch.setattr(orders, "MOST_ORDERS_READ", most)
        assert orders.of_all("lantern", 5) == orders.of_customer(alice.pk, "lantern", 5) == found
    assert orders.of_all(str(old.pk), 5) == [old]
    assert others


def test_the_search_stands_on_every_page(alice_browser: Client, sam_browser: Client) -> None:
    for browser, page, address in ((alice_browser, "/orders", "/search"), (sam_browser, "/office/", "/office/search")):
        html = browser.get(page).content.decode()
        assert f'role="search" action="{address}"' in html
        assert "web/search" in html
