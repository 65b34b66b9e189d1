"""Mass orders: nothing is placed before the report was seen, each line is reported, the bad ones stay to be mended."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import Customer
from sutler.orders.models import Order
from tests.conftest import make_service
from tests.orders.ordering import demand_sound_books

MASS = "/orders/mass"
PLACE = f"{MASS}/place"


def text(html: str) -> str:
    return " ".join(unescape(re.sub("<.*?>", " ", html)).replace("\u00a0", " ").split())


def box(html: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", html, re.DOTALL)
    return unescape(found[1]).strip("\r\n") if found else ""


def form(html: str) -> dict[str, str]:
    """The form of the page as a browser would send it."""
    hidden = dict(re.findall(r'<input type="hidden" name="(once|checked)" value="(\w*)"', html))
    return hidden | {"orders": box(html)}


def checked(browser: Client, lines: str) -> str:
    start = form(browser.get(MASS).content.decode())
    return browser.post(MASS, start | {"orders": lines}).content.decode()


@pytest.fixture
def lines() -> str:
    """Two good lines and two bad ones."""
    first, second = make_service(), make_service(type="Package", rate_micros=4_900_000)
    return f"{first.pk}|https://example.com/a|1000\n{first.pk}|https://example.com/b|1\n\nnonsense\n{second.pk}|https://example.com/c"


def test_the_check_reports_each_line_and_places_nothing(alice_browser: Client, lines: str) -> None:
    html = checked(alice_browser, lines)
    words = text(html)
    assert "Followers https://example.com/a 1,000 0.90 USD Ready" in words
    assert "The minimum quantity is 50." in words
    assert "4 Invalid line. Use: service ID | link | quantity." in words
    assert words.index("Invalid line.") < words.index("Ready")
    assert 'name="line-4" value="nonsense"' in html
    assert "Total 5.80 USD Balance after the orders 9,994.20 USD Place 2 orders" in words
    assert box(html) == lines
    assert Order.objects.count() == 0


def test_what_was_checked_is_placed_and_the_rest_stays_in_the_box(
    alice: Customer, alice_browser: Client, lines: str
) -> None:
    asked = form(checked(alice_browser, lines))
    for _ in range(2):
        answer = alice_browser.post(PLACE, asked)
        assert answer.headers["Location"] == f"{MASS}?report=1"
    html = alice_browser.get(f"{MASS}?report=1").content.decode()
    orders = list(Order.objects.filter(customer=alice).order_by("pk"))
    assert [each.link for each in orders] == ["https://example.com/a", "https://example.com/c"]
    for each in orders:
        assert f'href="/orders/{each.pk}"' in html
    assert "2 orders placed." in text(html)
    assert "Total 5.80 USD Balance 9,994.20 USD" in text(html)
    assert [each.strip() for each in box(html).splitlines()] == [lines.splitlines()[1], "nonsense"]
    assert form(html)["once"] != asked["once"]
    demand_sound_books()


def test_lines_that_were_changed_are_checked_again(alice_browser: Client, lines: str) -> None:
    asked = form(checked(alice_browser, lines)) | {"orders": lines.replace("1000", "9000")}
    html = alice_browser.post(PLACE, asked).content.decode()
    assert "The lines have changed since the check" in html
    assert "8.10" in html
    assert Order.objects.count() == 0
    alice_browser.post(PLACE, form(html))
    assert Order.objects.count() == 2


@pytest.mark.parametrize("written", ["", " \n ", "1|x|1\n" * 201, "\x00", "1|x|1" * 100_000])
def test_nothing_to_place_is_told_beside_the_box(alice_browser: Client, written: str) -> None:
    html = checked(alice_browser, written)
    assert 'id="id_orders_error"' in html
    assert "Place " not in text(html)


def test_a_service_that_asks_for_more_is_told(alice_browser: Client) -> None:
    service = make_service(type="Custom Comments")
    assert "Order it under New order" in checked(alice_browser, f"{service.pk}|https://example.com/a|10")


def test_a_report_is_for_whom_it_was_made(alice_browser: Client, bob_browser: Client, lines: str) -> None:
    alice_browser.post(PLACE, form(checked(alice_browser, lines)))
    assert bob_browser.get(f"{MASS}?report=1").headers["Location"] == MASS


def test_many_lines_need_no_more_queries(alice_browser: Client) -> None:
    service = make_service()
    counts = []
    for number in (1, 200):
        lines = "\n".join(f"{service.pk}|https://example.com/{each}|100" for each in range(number))
        asked = form(checked(alice_browser, lines))
        with CaptureQueriesContext(connection) as queries:
            alice_browser.post(PLACE, asked)
        counts.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            alice_browser.get(f"{MASS}?report=1")
        assert len(queries) <= 12
    assert counts[1] <= counts[0] + 2


def test_wrong_lines_are_mended_in_the_report(alice_browser: Client, lines: str) -> None:
    asked = form(checked(alice_browser, lines))
    good = lines.splitlines()
    mended = {"line-2": good[1] + "000", "line-4": ""}
    html = alice_browser.post(MASS, asked | mended).content.decode()
    assert box(html).splitlines() == [good[0], good[1] + "000", "", "", good[4]]
    assert "error" not in text(html)
    assert "Place 3 orders" in text(html)
    html = alice_browser.post(PLACE, asked | mended).content.decode()
    assert "The lines have changed since the check" in html
    assert Order.objects.count() == 0


def test_what_was_not_placed_is_mended_by_its_place_in_the_box(alice_browser: Client, lines: str) -> None:
    alice_browser.post(PLACE, form(checked(alice_browser, lines)))
    html = alice_browser.get(f"{MASS}?report=1").content.decode()
    html = alice_browser.post(MASS, form(html) | {"line-2": lines.splitlines()[0]}).content.decode()
    assert [each.strip() for each in box(html).splitlines()] == [lines.splitlines()[1], lines.splitlines()[0]]


def test_lines_that_are_equal_are_told(alice_browser: Client) -> None:
    service = make_service()
    line = f"{service.pk}|https://example.com/a|1000"
    words = text(checked(alice_browser, f"{line}\n{line.replace('|', ' , ')}\n{line}0"))
    assert words.count("Same as line 1") == 1
    assert "1 line asks for the same as another. Both are placed." in words


def test_many_good_lines_stand_behind_a_heading(alice_browser: Client) -> None:
    service = make_service()
    for count, is_open in ((8, True), (9, False)):
        html = checked(
            alice_browser, "\n".join(f"{service.pk}|https://example.com/{each}|100" for each in range(count))
        )
        assert f"{count} lines are ready" in html
        assert ('<details class="apart" open>' in html) is is_open
