"""Asking what placing would do: the same answers, and nothing changed."""

from collections.abc import Mapping

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.order_types import ORDER_TYPES, items, pieces
from sutler.core.placing import Draft
from sutler.core.refusals import Reason, Refusal
from sutler.orders import mass
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place, rehearse
from tests.conftest import NOW, make_service
from tests.orders.ordering import LINK, balance, demand_sound_books

pytestmark = pytest.mark.postgresql


def asked(customer: Customer, service: Service, quantity: int, request_id: str | None = None) -> PlaceRequest:
    return PlaceRequest(customer.pk, {"service": str(service.pk), "link": LINK, "quantity": str(quantity)}, request_id)


def test_a_rehearsal_answers_as_placing_does_and_changes_nothing(alice: Customer, service: Service) -> None:
    before = balance(alice)
    requests = [asked(alice, service, 1000), asked(alice, service, 1), asked(alice, service, 2000)]
    said = rehearse(requests, NOW)
    assert (balance(alice), Order.objects.count()) == (before, 0)
    done = place(requests, NOW)
    assert [each.charge_micros if isinstance(each, Draft) else each for each in said] == [
        900_000,
        Refusal(Reason.QUANTITY_BELOW_MINIMUM, bound=50),
        1_800_000,
    ]
    assert [isinstance(each, Placed) for each in done] == [True, False, True]
    demand_sound_books()


def test_the_balance_falls_from_line_to_line(alice: Customer) -> None:
    service = make_service(rate_micros=6_000_000_000, max=10_000)
    first, second = rehearse([asked(alice, service, 1000)] * 2, NOW)
    assert isinstance(first, Draft)
    assert second == Refusal(Reason.NOT_ENOUGH_FUNDS)


def test_what_a_request_id_has_placed_is_said(alice: Customer, service: Service) -> None:
    request = asked(alice, service, 1000, "once")
    placed = place([request], NOW)
    assert rehearse([request], NOW) == placed


def test_lines_are_rehearsed_as_they_are_placed(alice: Customer, service: Service) -> None:
    lines = mass.read(f"{service.pk}|{LINK}|1000\nnonsense\n")
    assert not isinstance(lines, Refusal)
    said = mass.rehearse_lines(alice.pk, lines, "once", NOW)
    assert isinstance(said[0].outcome, Draft)
    assert said[1].outcome == Refusal(Reason.INCORRECT_REQUEST)
    assert Order.objects.count() == 0
    placed = mass.place_lines(alice.pk, lines, "once", NOW)
    assert mass.rehearse_lines(alice.pk, lines, "once", NOW) == placed


@pytest.mark.parametrize(
    ("name", "form", "count"),
    [
        ("Default", {"quantity": "1000"}, 1000),
        ("Default", {"quantity": "1000", "runs": "3"}, 3000),
        ("Default", {"quantity": "x", "runs": "3"}, None),
        ("Default", {}, None),
        ("Package", {}, 1),
        ("Custom Comments", {"comments": "a\n\n b \r\nc"}, 3),
        ("Custom Comments", {"comments": " \n "}, None),
        ("Mentions Custom List", {"usernames": "a, b\nc"}, 3),
        ("Comment Replies", {"username": "a", "comments": "x\ny"}, 2),
        ("Mentions", {"quantity": "20", "runs": "9", "usernames": "a"}, 20),
        ("Subscriptions", {"min": "10", "max": "20", "quantity": "5"}, None),
    ],
)
def test_how_many_pieces_a_form_asks_for_so_far(name: str, form: Mapping[str, str], count: int | None) -> None:
    assert pieces(ORDER_TYPES[name], form) == count


@pytest.mark.parametrize(("text", "count"), [("", 0), ("a", 1), ("a,b,,c\n", 3), ("\x00", 0), ("a\n" * 10_001, 0)])
def test_items_are_counted_as_they_would_be_read(text: str, count: int) -> None:
    usernames = next(each for each in ORDER_TYPES["Mentions"].fields if each.name == "usernames")
    assert items(usernames, text) == count
