"""What pages are put together from: plots, pages of lists, money, moments, navigation."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from sutler.accounts.models import Customer
from sutler.accounts.roles import Permission
from sutler.web import navigation, paging
from sutler.web.plots import HEIGHT, WIDTH, Series, bar_plot, line_plot, ticks
from sutler.web.templatetags.web import money
from tests.conftest import NOW


def shown(text: str, **more: object) -> str:
    return Template(text).render(Context(more))


@given(st.integers(0, 10**18))
def test_a_scale_begins_at_0_holds_the_largest_and_is_even(largest: int) -> None:
    marks = ticks(largest)
    assert marks[0] == 0
    assert marks[-1] >= largest
    assert 2 <= len(marks) <= 5
    assert len({after - before for before, after in pairwise(marks)}) == 1


@pytest.mark.parametrize(
    ("largest", "marks"),
    [(0, [0, 1]), (1, [0, 1]), (7, [0, 2, 4, 6, 8]), (100, [0, 50, 100]), (101, [0, 50, 100, 150])],
)
def test_the_marks_of_a_scale_are_round(largest: int, marks: list[int]) -> None:
    assert ticks(largest) == marks


@given(st.lists(st.integers(0, 10**15), max_size=40), st.sampled_from([line_plot, bar_plot]))
def test_a_plot_is_well_formed_and_stays_in_its_frame(values: list[int], draw: object) -> None:
    labels = [f"<{at}>" for at in range(len(values))]
    plot = draw("A & B", labels, [Series("x", values), Series("y", values)])  # type: ignore[operator]
    root = ET.fromstring(f"<svg>{plot.shapes}</svg>")
    for rect in root.iter("rect"):
        assert 0 <= float(rect.attrib["x"]) <= WIDTH
        assert 0 <= float(rect.attrib["y"]) <= HEIGHT
    assert [row[0] for row in plot.rows] == labels
    assert [row[1] for row in plot.rows] == [[str(value)] * 2 for value in values]


def test_a_plot_says_in_a_table_what_it_shows() -> None:
    plot = bar_plot("Orders", ["Mon", "Tue"], [Series("Orders", [3, 5])], lambda value: f"{value} pieces")
    html = shown("{% plot plot %}", plot=plot)
    assert re.findall(r'<td class="number">(.*?)</td>', html) == ["3 pieces", "5 pieces"]
    assert "<title>Mon\n3 pieces</title>" in html


@pytest.mark.parametrize(
    ("micros", "kind", "text"),
    [
        (12_500_000, "balance", "12.50"),
        (1_234_567_890_000, "balance", "1,234,567.89"),
        (-5_000_000, "balance", "\u22125.00"),
        (1, "charge", "0.00001"),
        (1, "balance", "0.00"),
        (900_001, "rate", "0.900001"),
    ],
)
def test_money_always_has_its_currency(micros: int, kind: str, text: str) -> None:
    assert re.sub("<.*?>", "", money(micros, "USD", kind)) == f"{text}\u00a0USD"


def test_money_is_written_as_the_reader_writes_numbers() -> None:
    with translation.override("ru"):
        assert re.sub("<.*?>", "", money(1_234_500_000, "RUB")) == "1\u00a0234,50\u00a0RUB"


def test_a_moment_is_in_the_readers_zone_and_exact_for_programs() -> None:
    with timezone.override("Europe/Moscow"):
        html = shown("{% moment at %}", at=NOW)
    assert ">21 Nov 2026, 15:00<" in html
    assert f'datetime="{NOW.isoformat()}"' in html
    assert shown("{% moment at %}", at=None) == "\u2013"


def test_words_of_others_are_only_words() -> None:
    assert "<b>" not in shown("{% chip words %}{% status words %}{% money 1 words %}", words="<b>")


@pytest.mark.django_db
def test_a_list_is_walked_through_page_by_page() -> None:
    made = [Customer.objects.create(name=str(n), currency="USD", created_at=NOW).pk for n in range(7)]
    seen, query = [], ""
    while True:
        request = RequestFactory().get(f"/{query}", {} if query else {"status": "open"})
        page = paging.by_key(Customer.objects.all(), paging.before(request), 3)
        seen += [each.pk for each in page.rows]
        html = Template("{% pages page %}").render(Context({"page": page, "request": request}))
        links = re.findall(r'href="(\?[^"]*)" rel="next"', html)
        if not links:
            break
        query = links[0].replace("&amp;", "&")
        assert "status=open" in query
    assert seen == made[::-1]


@pytest.mark.parametrize("asked", ["", "0", "-1", "x", "99999999999999999999", "\u0663"])
def test_a_page_that_makes_no_sense_is_the_first(asked: str) -> None:
    request = RequestFactory().get("/", {"page": asked, "before": asked})
    assert list(paging.by_number(list(range(60)), request).rows) == list(range(25))
    assert paging.before(request) in {None, 0}


def test_pages_by_number_end_where_the_rows_do() -> None:
    last = paging.by_number(list(range(60)), RequestFactory().get("/", {"page": "3"}))
    assert (list(last.rows), last.newer, last.older) == (list(range(50, 60)), "2", "")


def test_a_role_is_shown_what_it_may_open_and_where_it_is() -> None:
    links = navigation.places(navigation.STAFF, frozenset({Permission.SEE_ORDERS}), "/account/sessions/")
    assert [(each.address, each.is_here) for each in links if each.address in {"/office/", "/account/2fa/"}] == [
        ("/office/", False),
        ("/account/2fa/", True),
    ]
    assert navigation.places(navigation.STAFF, frozenset(), "/")[:-1] == []
