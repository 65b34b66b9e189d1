"""A new order: the form of each type, the price, placing, refusals beside their fields, and nothing typed is lost."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import Customer
from sutler.catalogue import favourites
from sutler.catalogue.models import Category, Service
from sutler.core.order_types import ORDER_TYPES
from sutler.orders.models import Order
from tests.conftest import make_service
from tests.orders.ordering import LINK, demand_sound_books, placed

NEW = "/orders/new"
PLACE, PRICE = f"{NEW}/place", f"{NEW}/price"
HTMX = {"hx-request": "true"}
# What a customer writes into each field.
TYPED = {
    "link": LINK,
    "quantity": "100",
    "comments": "one\r\ntwo",
    "usernames": "a, b",
    "hashtags": "x",
    "hashtag": "h",
    "username": "someone",
    "media": LINK,
    "answer_number": "2",
    "groups": "g",
    "keywords": "k",
    "country": "DE",
    "device": "1",
    "type_of_traffic": "1",
    "google_keyword": "shoes",
    "min": "60",
    "max": "70",
    "delay": "5",
    "expiry": "2999-12-31",
    "posts": "3",
}


def text(html: str) -> str:
    return " ".join(unescape(re.sub("<.*?>", " ", html)).split())


def shown(browser: Client, address: str = NEW) -> str:
    return browser.get(address, follow=True).content.decode()


def value(html: str, name: str) -> str:
    """What stands in an input of the form."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', html)
    return unescape(found[1]) if found else ""


def sent(browser: Client, service: Service, **typed: str) -> str:
    """Sends the form as a browser would; where it leads, or the page with what was refused."""
    once = value(shown(browser, f"{NEW}?service={service.pk}"), "once")
    form = {"category": str(service.category_id), "service": str(service.pk), "once": once} | typed
    answer = browser.post(PLACE, form)
    return answer.headers.get("Location", "") or answer.content.decode()


def errors(html: str) -> dict[str, str]:
    """What is wrong, by field."""
    return {name: text(words) for name, words in re.findall(r'id="id_(\w+)_error">(.*?)</ul>', html, re.DOTALL)}


@pytest.mark.parametrize("name", ORDER_TYPES)
def test_an_order_of_each_type_is_placed(alice: Customer, alice_browser: Client, name: str) -> None:
    service = make_service(type=name, min=1, dripfeed=ORDER_TYPES[name].can_drip)
    typed = {each.name: TYPED[each.name] for each in ORDER_TYPES[name].fields if each.name in TYPED}
    location = sent(alice_browser, service, **typed)
    order = Order.objects.get(customer=alice, service=service)
    assert location == f"/orders/{order.pk}"
    assert "page:" not in shown(alice_browser, location), "the form's own name for its sending is nobody's number"
    demand_sound_books()


def test_a_drip_feed_is_placed_and_priced_for_all_runs(alice: Customer, alice_browser: Client) -> None:
    service = make_service()
    typed = {"link": LINK, "quantity": "1000", "runs": "3", "interval": "10"}
    asked = {"service": str(service.pk)} | typed
    part = alice_browser.post(PRICE, asked, headers=HTMX).content.decode()
    assert "Total for 3,000 2.70 USD Balance 10,000.00 USD Balance after the order 9,997.30 USD" in text(part)
    sent(alice_browser, service, **typed)
    assert Order.objects.get(customer=alice).charge_micros == 2_700_000


def test_a_double_click_is_one_order(alice: Customer, alice_browser: Client) -> None:
    service = make_service()
    once = value(shown(alice_browser), "once")
    form = {"service": str(service.pk), "once": once, "link": LINK, "quantity": "1000"}
    first, second = (alice_browser.post(PLACE, form).headers["Location"] for _ in range(2))
    assert first == second
    assert Order.objects.count() == 1
    changed = alice_browser.post(PLACE, form | {"quantity": "2000"}).content.decode()
    assert "This form already placed an order" in changed
    assert value(changed, "once") != once
    assert value(changed, "quantity") == "2000"


@pytest.mark.parametrize(
    ("fields", "typed", "wrong"),
    [
        ({}, {"link": "", "quantity": ""}, {"link", "quantity"}),
        ({}, {"quantity": "1"}, {"quantity"}),
        ({}, {"quantity": "99999999999999999999"}, {"quantity"}),
        ({}, {"quantity": "1.5"}, {"quantity"}),
        ({}, {"runs": "3"}, {"interval"}),
        ({"link_allowed": "other.example/*"}, {}, {"link"}),
        ({"type": "Custom Comments", "min": 5}, {"comments": "one\ntwo"}, {"comments"}),
        ({"type": "Mentions Custom List", "max": 1, "min": 1}, {"usernames": "a,b"}, {"usernames"}),
        ({"type": "Subscriptions"}, TYPED | {"min": "1"}, {"min"}),
        ({"type": "Subscriptions"}, TYPED | {"max": "99999"}, {"max"}),
        ({"type": "Subscriptions"}, TYPED | {"expiry": "2001-01-01"}, {"expiry"}),
        ({"type": "Subscriptions"}, TYPED | {"expiry": "soon"}, {"expiry"}),
        ({"type": "Web Traffic"}, TYPED | {"google_keyword": ""}, {"google_keyword"}),
        ({"type": "Web Traffic"}, TYPED | {"device": "9"}, {"device"}),
    ],
)
def test_a_refusal_stands_beside_its_field_and_nothing_is_lost(
    alice: Customer, alice_browser: Client, fields: dict[str, object], typed: dict[str, str], wrong: set[str]
) -> None:
    given = {"link": "https://example.com/<x>", "quantity": "1000"} | typed
    html = sent(alice_browser, make_service(**fields), **given)
    assert errors(html).keys() == wrong
    assert Order.objects.count() == 0
    for each in given.keys() & {"link", "quantity", "username", "min", "max"}:
        if given[each]:
            assert value(html, each) == given[each]


def test_a_link_in_use_is_told_beside_the_link(alice: Customer, alice_browser: Client) -> None:
    service = make_service(one_active_order_per_link=True)
    placed(alice, service)
    assert "active order" in errors(sent(alice_browser, service, link=LINK, quantity="1000"))["link"]


def test_too_little_money_is_told_with_the_price(alice_browser: Client) -> None:
    service = make_service(rate_micros=20_000_000_000)
    html = sent(alice_browser, service, link=LINK, quantity="1000")
    assert text(html).count("Not enough funds for this order. Add funds and try again.") == 2
    assert "20,000.00" in html


def test_a_suspended_customer_places_nothing(alice: Customer, alice_browser: Client) -> None:
    service = make_service()
    Customer.objects.filter(pk=alice.pk).update(suspended_at="2026-01-01T00:00Z")
    assert "cannot place orders" in sent(alice_browser, service, link=LINK, quantity="1000")
    assert Order.objects.count() == 0


def test_another_service_is_never_ordered_in_place_of_one_that_is_gone(alice_browser: Client) -> None:
    make_service(name="Still here")
    gone = make_service()
    once = value(shown(alice_browser), "once")
    Service.objects.filter(pk=gone.pk).update(state=Service.State.PAUSED)
    gone.refresh_from_db()
    gone.save()
    form = {"service": str(gone.pk), "once": once, "link": LINK, "quantity": "1000"}
    html = alice_browser.post(PLACE, form).content.decode()
    assert "no longer available" in errors(html)["service"]
    assert value(html, "link") == LINK
    assert Order.objects.count() == 0


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_choosing_another_service_keeps_what_was_typed(alice_browser: Client, headers: dict[str, str]) -> None:
    comments, likes = make_service(type="Custom Comments"), make_service(name="Likes")
    form = {"category": str(likes.category_id), "service": str(likes.pk)}
    answer = alice_browser.post(NEW, form | {"link": LINK, "comments": "one\r\ntwo"}, headers=headers)
    html = answer.content.decode()
    assert ("<html" in html) is not bool(headers)
    assert answer.headers.get("HX-Replace-Url", "") == (f"{NEW}?service={likes.pk}" if headers else "")
    assert value(html, "link") == LINK
    assert value(html, "comments") == "one\r\ntwo"
    back = {"service": str(comments.pk), "comments": value(html, "comments")}
    html = alice_browser.post(NEW, back, headers=headers).content.decode()
    assert "one\r\ntwo</textarea>" in html
    assert "2 lines" in text(html)


def test_another_category_shows_its_first_service(alice_browser: Client) -> None:
    here = make_service()
    there = make_service(category=Category.objects.create(name="Other"))
    form = {"category": str(there.category_id), "service": str(here.pk)}
    html = alice_browser.post(NEW, form).content.decode()
    assert f'value="{there.pk}" selected' in html
    assert f">{here.pk} · " not in html


def test_the_same_again_is_filled_in_for_its_owner_alone(
    alice: Customer, alice_browser: Client, bob_browser: Client
) -> None:
    order = placed(alice, make_service(), link="https://example.com/mine", quantity="700")
    html = shown(alice_browser, f"{NEW}?again={order.pk}")
    assert (value(html, "link"), value(html, "quantity")) == ("https://example.com/mine", "700")
    assert "mine" not in shown(bob_browser, f"{NEW}?again={order.pk}")


@pytest.mark.parametrize("query", ["?service=x", "?service=987654321", "?category=x&service=", "?again=x", "?once=%00"])
def test_an_address_that_makes_no_sense_shows_the_form(alice_browser: Client, query: str) -> None:
    service = make_service()
    assert f'value="{service.pk}" selected' in shown(alice_browser, NEW + query)


def test_what_is_closed_to_the_country_cannot_be_ordered(alice: Customer, alice_browser: Client) -> None:
    make_service()
    closed = make_service(name="Elsewhere only", closed_countries="DE")
    alice.country = "DE"
    alice.save()
    assert "Elsewhere only" not in shown(alice_browser, f"{NEW}?service={closed.pk}")
    assert "service" in errors(sent(alice_browser, closed, link=LINK, quantity="1000"))
    assert Order.objects.count() == 0


def test_an_empty_shop_says_so(alice_browser: Client) -> None:
    assert "No services yet" in shown(alice_browser)
    assert alice_browser.post(PLACE).status_code == 200


def test_the_form_and_its_price_need_few_queries(alice_browser: Client) -> None:
    service = make_service()
    form = {"service": str(service.pk), "link": LINK, "quantity": "1"}
    shown(alice_browser)  # the process keeps what is sold until it changes
    for page in (NEW, PRICE, PLACE):
        with CaptureQueriesContext(connection) as queries:
            assert alice_browser.post(page, form).status_code == 200
        asked = [each["sql"] for each in queries if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        assert len(asked) <= 12, asked


def found_ids(html: str) -> list[int]:
    """The services that the form's search offers, in their order."""
    return [int(each) for each in re.findall(r'name="pick" value="(\d+)"', html)]


def test_a_service_is_found_as_one_types_with_what_was_ordered_or_marked_first(
    alice: Customer, alice_browser: Client
) -> None:
    here, other = Category.objects.create(name="Lamps"), Category.objects.create(name="Other")
    first, second, marked = (make_service(name=f"Lantern {each}", category=here) for each in "abc")
    ordered, absent = make_service(name="Lantern d", category=other), make_service(name="Chair", category=other)
    favourites.add(alice.pk, marked.pk)
    placed(alice, ordered)
    html = shown(alice_browser, f"{NEW}/find?find=lantern")
    assert found_ids(html) == [ordered.pk, marked.pk, first.pk, second.pk]
    assert re.findall(r'name="among" value="(\d+)"', html) == [str(here.pk), str(other.pk)]
    assert found_ids(shown(alice_browser, f"{NEW}/find?find=lantern&among={other.pk}")) == [ordered.pk]
    assert found_ids(shown(alice_browser, f"{NEW}/find?find={absent.pk}")) == [absent.pk]
    assert found_ids(shown(alice_browser, f"{NEW}/find?find=")) == [ordered.pk, marked.pk]
    assert "Nothing found" in shown(alice_browser, f"{NEW}/find?find=nowhere")


def test_the_search_of_the_form_works_without_script_and_keeps_what_was_typed(alice_browser: Client) -> None:
    here, there = make_service(), make_service(name="Lantern", category=Category.objects.create(name="Other"))
    form = {"service": str(here.pk), "category": str(here.category_id), "link": LINK, "quantity": "600"}
    html = alice_browser.post(NEW, form | {"find": "lantern", "search": "1"}).content.decode()
    assert found_ids(html) == [there.pk]
    html = alice_browser.post(NEW, form | {"find": "lantern", "pick": str(there.pk)}).content.decode()
    assert f'value="{there.pk}" selected' in html
    assert (value(html, "link"), value(html, "quantity"), value(html, "find")) == (LINK, "600", "")


@pytest.mark.parametrize(("find", "placed"), [("lantern", 0), ("", 1)])
def test_enter_places_the_order_but_where_a_search_is_typed_it_searches(
    alice_browser: Client, find: str, placed: int
) -> None:
    here, there = make_service(), make_service(name="Lantern", category=Category.objects.create(name="Other"))
    form = {"service": str(here.pk), "category": str(here.category_id), "link": LINK, "quantity": "600"}
    answer = alice_browser.post(f"{NEW}/place", form | {"find": find, "by_enter": "1"})
    assert Order.objects.count() == placed
    if not placed:
        assert found_ids(answer.content.decode()) == [there.pk]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"quantity": "1"}, "Quantity: The minimum quantity is 50."),
        ({"quantity": "1000001"}, "Quantity: The maximum quantity is 1,000,000."),
        ({"quantity": "1", "runs": "100"}, "Quantity: The minimum quantity is 50."),
        ({"quantity": "many"}, "Quantity: Invalid value."),
        ({"quantity": "-5"}, "Quantity: Invalid value."),
    ],
)
def test_an_impossible_quantity_is_told_as_one_types_and_never_priced(
    alice_browser: Client, typed: dict[str, str], told: str
) -> None:
    service = make_service(min=50, max=1_000_000, dripfeed=True)
    html = alice_browser.post(PRICE, {"service": str(service.pk), **typed}).content.decode()
    assert told in text(html)
    assert "Total for" not in text(html)
    assert "after the order" not in text(html)


def test_a_link_that_is_not_taken_is_told_as_one_types(alice_browser: Client) -> None:
    service = make_service(link_allowed="example.com/*")
    form = {"service": str(service.pk), "quantity": "1000"}
    html = alice_browser.post(PRICE, form | {"link": "https://elsewhere.example/x"}).content.decode()
    assert "Link: This service does not accept this link." in text(html)
    assert "does not accept" not in alice_browser.post(PRICE, form | {"link": "example.com/x"}).content.decode()


def test_a_link_that_was_ordered_before_is_told_to_its_owner_alone(
    alice: Customer, alice_browser: Client, bob_browser: Client
) -> None:
    service = make_service()
    order = placed(alice, service, link=LINK)
    form = {"service": str(service.pk), "link": LINK}
    assert f"You ordered this link before: Order {order.pk}" in text(alice_browser.post(PRICE, form).content.decode())
    assert "You ordered" not in alice_browser.post(PRICE, form | {"link": LINK + "x"}).content.decode()
    assert "You ordered" not in bob_browser.post(PRICE, form).content.decode()
