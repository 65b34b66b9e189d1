"""The services: what a customer sees of them, searches and marks."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import Customer, CustomerGroup
from sutler.catalogue import favourites
from sutler.catalogue.models import Service, ServicePace
from sutler.shop import services
from sutler.web.templatetags.web import lasting
from tests.conftest import make_service

HTMX = {"hx-request": "true"}


def numbers(browser: Client, address: str = "/services", **headers: str) -> list[int]:
    """The services of a page, from top to bottom."""
    html = browser.get(address, headers=headers).content.decode()
    return [int(each) for each in re.findall(r'<tr id="service-(\d+)"', html)]


def test_a_service_is_shown_with_all_that_is_promised(alice: Customer, alice_browser: Client) -> None:
    alice.group = CustomerGroup.objects.create(name="Friends", discount_basis_points=1000)
    alice.save()
    service = make_service(name="A & B", refill_days=30, description="First\n\n<b>second", delivery="By hand")
    ServicePace.objects.create(service=service, mean_seconds=12_000, orders=3)
    html = alice_browser.get("/services").content.decode()
    words = " ".join(re.sub("<.*?>", " ", html).split())
    row = "A &amp; B Drip-feed 30-day refill Cancel Details First &lt;b&gt;second Delivery By hand"
    assert f"{row} 0.81 USD per 1,000 50 / 10,000 3 h 20 min Order A &amp; B" in words.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (12_000, "3 h 20 min"), (86_400, "1 d")],
)
def test_a_length_of_time_is_told_in_its_largest_units(seconds: int | None, shown: str) -> None:
    assert lasting(None if seconds is None else timedelta(seconds=seconds)) == shown


def test_a_package_is_sold_by_the_piece(alice_browser: Client) -> None:
    make_service(type="Package", min=1, max=1)
    assert ">each<" in alice_browser.get("/services").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [("", [1, 2]), ("?q=LIKES", [2]), ("?q=2", [2]), ("?q=%00", []), ("?category=x&after=y", [1, 2])],
)
def test_services_are_found_by_what_is_typed(alice_browser: Client, query: str, found: list[int]) -> None:
    made = [make_service(name="Views").pk, make_service(name="Likes").pk]
    if query == "?q=2":
        query = f"?q={made[1]}"
    for headers in ({}, HTMX):
        assert numbers(alice_browser, f"/services{query}", **headers) == [made[each - 1] for each in found]


def test_htmx_gets_a_part_and_a_reload_the_whole(alice_browser: Client) -> None:
    make_service()
    assert "<html" not in alice_browser.get("/services", headers=HTMX).content.decode()
    assert "Nothing found" in alice_browser.get("/services?q=zzz", headers=HTMX).content.decode()


def test_what_is_hidden_or_closed_to_the_country_is_absent(alice: Customer, alice_browser: Client) -> None:
    alice.country = "DE"
    alice.save()
    sold = make_service()
    make_service(closed_countries="DE")
    make_service(state=Service.State.HIDDEN)
    assert numbers(alice_browser) == [sold.pk]


def test_rows_come_in_parts_with_and_without_script(alice_browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ROWS", 2)
    made = [make_service(name=f"Likes {each}").pk for each in range(5)]
    for headers in ({}, HTMX):
        seen, address = list[int](), "/services?q=likes"
        while address:
            html = alice_browser.get(address, headers=headers).content.decode()
            seen += [int(each) for each in re.findall(r'<tr id="service-(\d+)"', html)]
            more = re.search(r'href="(\?q=likes&amp;after=\d+)"', html)
            address = f"/services{more[1].replace('&amp;', '&')}" if more else ""
        assert seen == made
    assert 'class="group"' not in html, "rows below others go on under their heading"


def test_a_favourite_is_marked_and_taken_away(alice: Customer, alice_browser: Client) -> None:
    service, other = make_service(), make_service()
    address = f"/services/{service.pk}/favourite"
    answer = alice_browser.post(address, {"marked": "1", "query": "q=follow\r\nX: 1"})
    assert answer.headers["Location"] == f"/services?q=follow%0D%0AX%3A+1#service-{service.pk}"
    assert numbers(alice_browser, "/services?favourites=1") == [service.pk]
    assert 'aria-pressed="false"' in alice_browser.post(address, {"marked": "0"}, headers=HTMX).content.decode()
    assert "No favourites yet" in alice_browser.get("/services?favourites=1").content.decode()
    assert favourites.of(alice.pk) == set()
    assert other.pk in numbers(alice_browser)


def test_favourites_are_ones_own_and_only_of_what_is_sold(
    alice: Customer, alice_browser: Client, bob_browser: Client
) -> None:
    service, hidden = make_service(), make_service(state=Service.State.HIDDEN)
    for each in (service.pk, hidden.pk, 987654321):
        alice_browser.post(f"/services/{each}/favourite", {"marked": "1"})
    bob_browser.post(f"/services/{service.pk}/favourite", {"marked": "0"})
    assert favourites.of(alice.pk) == {service.pk}
    assert numbers(bob_browser, "/services?favourites=1") == []


def test_an_empty_shop_says_so(alice_browser: Client) -> None:
    assert "No services yet" in alice_browser.get("/services").content.decode()


def test_many_services_need_no_more_queries(alice_browser: Client) -> None:
    make_service()
    counts = []
    for _ in range(2):
        alice_browser.get("/services")  # the process keeps the panel's face, the terms and what is sold
        with CaptureQueriesContext(connection) as queries:
            alice_browser.get("/services")
        counts.append(len(queries))
        for each in range(20):
            make_service(name=f"Likes {each}")
    assert counts[0] == counts[1] <= 12


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("sort=cheapest", "bca"),
        ("sort=dearest", "acb"),
        ("sort=name", "abc"),
        ("sort=nothing", "abc"),
        ("refill=1", "a"),
        ("cancel=1", "b"),
        ("drip=1", "c"),
        ("refill=1&cancel=1", ""),
        ("least=2", "ac"),
        ("least=2&most=2,50", "c"),
        ("most=x", "abc"),
        ("q=lantern&sort=cheapest&least=2", "ca"),
    ],
)
def test_services_are_sorted_and_narrowed_by_price_and_options(alice_browser: Client, query: str, names: str) -> None:
    make_service(name="Lantern a", rate_micros=3_000_000, refill=True, cancel=False, dripfeed=False)
    make_service(name="Lantern b", rate_micros=1_000_000, refill=False, cancel=True, dripfeed=False)
    make_service(name="Lantern c", rate_micros=2_000_000, refill=False, cancel=False, dripfeed=True)
    html = alice_browser.get(f"/services?{query}").content.decode()
    assert "".join(re.findall(r'<span dir="auto">Lantern (.)</span>', html)) == names
    assert not names or f"{len(names)} service" in html


def test_a_sorted_list_goes_on_where_it_ended(alice_browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ROWS", 2)
    for name, rate in (("a", 3), ("b", 1), ("c", 2)):
        make_service(name=f"Lantern {name}", rate_micros=rate * 1_000_000)
    seen, address = "", "/services?sort=cheapest"
    while address:
        html = alice_browser.get(address).content.decode()
        seen += "".join(re.findall(r'<span dir="auto">Lantern (.)</span>', html))
        more = re.search(r'href="(\?[^"]*after=[^"]*)"', html)
        address = "/services" + more[1].replace("&amp;", "&") if more else ""
    assert seen == "bca"
    assert "3 services found" in html
