"""What is on sale, as a customer looks at it: searched, priced, and without what is closed to them."""

import pytest

from sutler.catalogue.models import Category, PriceOverride, Service
from sutler.catalogue.storefront import Buyer, Storefront, storefront
from tests.conftest import make_customer, make_service

pytestmark = pytest.mark.postgresql

BUYER = Buyer(1, "USD", 0, "DE")


def names(found: Storefront, *asked: object, **more: object) -> list[str]:
    return [each.name for each in found.find(*asked, **more)]  # type: ignore[arg-type]


@pytest.fixture
def stocked(db: None) -> list[Service]:
    """Three services in two categories, in an order that is not that of their ids."""
    late = Category.objects.create(name="Late", position=9)
    early = Category.objects.create(name="Early", position=1)
    return [
        make_service(name="Likes, fast", category=late),
        make_service(name="Likes, slow", category=early, position=2),
        make_service(name="Views", category=early, position=1),
    ]


def test_offers_stand_in_the_order_of_the_catalogue(stocked: list[Service]) -> None:
    found = storefront(BUYER)
    assert [each.name for each in found.offers] == ["Views", "Likes, slow", "Likes, fast"]
    assert list(found.categories.values()) == ["Early", "Late"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["Views", "Likes, slow", "Likes, fast"]),
        ("LIKES", ["Likes, slow", "Likes, fast"]),
        ("early likes", ["Likes, slow"]),
        ("  fast\tlikes ", ["Likes, fast"]),
        ("nothing", []),
        ("\x00\ud800", []),
        ("likes " * 10_000, ["Likes, slow", "Likes, fast"]),
    ],
)
def test_every_word_is_looked_for_in_name_and_category(stocked: list[Service], words: str, found: list[str]) -> None:
    assert names(storefront(BUYER), words) == found


def test_a_search_can_be_bound_to_a_category_and_to_some_services(stocked: list[Service]) -> None:
    fast, slow, _views = stocked
    assert names(storefront(BUYER), category_id=fast.category_id) == ["Likes, fast"]
    assert names(storefront(BUYER), among={fast.pk, slow.pk}) == ["Likes, slow", "Likes, fast"]
    assert names(storefront(BUYER), str(slow.pk), among={slow.pk}) == ["Likes, slow"]


def test_what_is_not_on_sale_or_closed_to_the_country_is_not_there(db: None) -> None:
    sold, closed, hidden = (
        make_service(),
        make_service(closed_countries="DE FR"),
        make_service(state=Service.State.HIDDEN),
    )
    found = storefront(BUYER)
    assert [each.pk for each in found.offers] == [sold.pk]
    assert [found.offer(each) is None for each in (sold.pk, closed.pk, hidden.pk, None)] == [False, True, True, True]
    assert storefront(Buyer(1, "USD", 0, "US")).offer(closed.pk) is not None


def test_without_a_rate_for_their_currency_nothing_is_sold(db: None) -> None:
    service = make_service()
    found = storefront(Buyer(1, "XYZ", 0, ""))
    assert (found.offers, found.offer(service.pk)) == ((), None)


def test_the_price_is_the_buyers_own_and_follows_the_catalogue(db: None) -> None:
    alice, service = make_customer("Alice"), make_service()
    buyer = Buyer(alice.pk, "USD", 1000, "")

    def rate() -> int:
        found = storefront(buyer)
        return found.rate(found.offers[0])

    assert rate() == 810_000
    PriceOverride.objects.create(customer=alice, service=service, rate_micros=500_000)
    assert rate() == 500_000
    Service.objects.get(pk=service.pk).delete()
    assert storefront(buyer).offers == ()
