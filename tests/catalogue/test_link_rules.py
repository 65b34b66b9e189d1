"""Acceptable use: which links are taken, which countries are sold to, and what the API answers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.accounts import customers
from sutler.accounts.models import Customer
from sutler.catalogue import acceptable_use
from sutler.catalogue.models import Service
from sutler.catalogue.services_answer import feeds
from sutler.core import link_rules
from sutler.core.clock import seeded
from sutler.core.refusals import Reason, Refusal
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.orders.subscriptions import report_post
from tests.conftest import NOW, make_service
from tests.orders.ordering import placed

BAD_LINK = Refusal(Reason.INCORRECT_FIELD, "link")


@pytest.mark.parametrize(
    ("allowed", "refused", "link", "expected"),
    [
        ("example.com/*", "", "https://example.com/a", True),
        ("example.com/*", "", "http://www.EXAMPLE.com", True),
        ("https://www.example.com/*", "", "example.com/a?b#c", True),
        ("example.com/*", "", "https://example.com.evil.net/", False),
        ("example.com/*", "", "https://example.com@evil.net/", False),
        ("example.com/*", "", "https://evil.net/https://example.com/a", False),
        ("*.example.com/*", "", "https://a.b.example.com:8443/x", True),
        ("example.com/*/live/*", "", "https://example.com/u/live/1", True),
        ("example.com/*/live/*", "", "https://example.com/u/post/1", False),
        ("example.com/*\nexample.org/*", "", "https://example.org/", True),
        ("@*", "", "@somebody", True),
        ("@*", "", "https://example.com/", False),
        ("", "*child*", "https://example.com/CHILD", False),
        ("", "*child*", "https://example.com/%63hild", False),
        ("", "bad.com/*", "bad.com", False),
        ("", "bad.com/*", "HTTPS://user:x@bad.com./y", False),
        ("", "bad.com/*", "//bad.com:443", False),
        ("", "bad.com/*", "https:\\\\bad.com\\y", False),
        ("", "bad.com/*", "https://good.com/bad.com/", True),
        ("example.com/*", "example.com/private/*", "https://example.com/private/1", False),
        ("example.com/a", "", "https://example.com/ab", False),
        ("a*a", "", "a", False),
    ],
)
def test_a_link_is_taken_or_not(allowed: str, refused: str, link: str, expected: bool) -> None:
    rules = link_rules.read(allowed, refused)
    assert rules is not None
    assert rules.allow(link) is expected


def test_no_patterns_are_no_rules() -> None:
    assert link_rules.read(" \n\n", "") is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_stars_stand_for_any_text(before: str, after: str) -> None:
    text = f"x/{before}/y/{after}".lower()
    assert link_rules._matches("x/*/y/*", text)
    assert not link_rules._matches("x/*/y/*z", text + "w")


def test_no_pattern_takes_long() -> None:
    pattern, text = "*a" * 90 + "*b", "a" * 2048
    assert not link_rules._matches(pattern, text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "outcome"),
    [
        ({"link": "https://example.com/a", "quantity": "100"}, None),
        ({"link": "https://other.com/a", "quantity": "100"}, BAD_LINK),
        ({"link": "https://other.com/a", "quantity": "x"}, BAD_LINK),
        ({"link": "https://other.com/a", "quantity": "1"}, BAD_LINK),
        ({"quantity": "100"}, BAD_LINK),
        ({"link": "https://example.com/a", "quantity": "1"}, Refusal(Reason.QUANTITY_BELOW_MINIMUM, bound=50)),
    ],
)
def test_a_refused_link_answers_before_the_quantity(
    alice: Customer, form: dict[str, str], outcome: Refusal | None
) -> None:
    service = make_service(link_allowed="example.com/*")
    [answer] = place([PlaceRequest(alice.pk, {"service": str(service.pk)} | form)], NOW)
    assert isinstance(answer, Placed) if outcome is None else answer == outcome


@pytest.mark.django_db
def test_a_post_of_a_subscription_is_held_against_the_rules(alice: Customer) -> None:
    follow = make_service(type="Subscriptions", link_refused="*bad*")
    order = placed(alice, follow, username="x", min=50, max=50, delay=0)
    assert report_post(order.pk, "https://bad.com/1", NOW, seeded(1), "staff 1") == BAD_LINK
    assert report_post(order.pk, "https://good.com/1", NOW, seeded(1), "staff 1") is None


@pytest.mark.django_db
def test_a_service_is_not_sold_to_a_country_it_is_closed_to(alice: Customer, bob: Customer) -> None:
    customers.set_country(alice.pk, "DE")
    customers.set_country(bob.pk, "FR")
    closed, free = make_service(closed_countries="DE US"), make_service()
    seen = [
        {each["service"] for each in msgspec.json.decode(feed.plain)}
        for feed in feeds([(alice.pk, False), (bob.pk, False)])
    ]
    assert seen == [{free.pk}, {closed.pk, free.pk}]
    form = {"service": str(closed.pk), "link": "a", "quantity": "100"}
    answers = place([PlaceRequest(each.pk, form) for each in (alice, bob)], NOW)
    assert answers[0] == Refusal(Reason.INCORRECT_SERVICE)
    assert isinstance(answers[1], Placed)


@pytest.mark.django_db
def test_the_feed_is_built_once_for_all_countries_that_nothing_is_closed_to(alice: Customer, bob: Customer) -> None:
    customers.set_country(alice.pk, "IT")
    customers.set_country(bob.pk, "FR")
    make_service(closed_countries="DE")
    first, second = feeds([(alice.pk, False), (bob.pk, False)])
    assert first is second


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        ({"link_allowed": " a.com/* \r\n\r\nb.com/*", "needs_approval": True}, None),
        ({"closed_countries": "de, fr us"}, None),
        ({"closed_countries": "Germany"}, Refusal(Reason.INCORRECT_FIELD, "closed_countries")),
        ({"link_refused": "x" * 201}, Refusal(Reason.INCORRECT_FIELD, "link_refused")),
        ({"link_allowed": "x\n" * 101}, Refusal(Reason.INCORRECT_FIELD, "link_allowed")),
        ({"delivery": "x" * 2001}, Refusal(Reason.INCORRECT_FIELD, "delivery")),
    ],
)
def test_staff_write_the_rules_of_a_service(
    service: Service, rules: dict[str, object], outcome: Refusal | None
) -> None:
    assert acceptable_use.restrict(service.pk, **rules) == outcome  # type: ignore[arg-type]
    service.refresh_from_db()
    assert service.needs_approval is bool(rules.get("needs_approval"))
    assert service.closed_countries == ("DE FR US" if rules == {"closed_countries": "de, fr us"} else "")
    if rules.get("needs_approval"):
        assert service.link_allowed == "a.com/*\nb.com/*"


@pytest.mark.django_db
def test_there_is_nothing_to_restrict_where_there_is_no_service() -> None:
    assert acceptable_use.restrict(999, needs_approval=True) == Refusal(Reason.INCORRECT_SERVICE)
