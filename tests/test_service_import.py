"""Services from outside: whatever a file holds, all of it is read and bounded, or nothing is stored."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from sutler.catalogue import version
from sutler.catalogue.models import Category, Service
from sutler.catalogue.service_file import Unreadable, check, read_csv, read_json
from sutler.cli import main
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES
from sutler.ops.demo_catalogue import SERVICES, stock

# The answer of the published API pages, as it stands there.
PUBLISHED = b"""[
    {"service": 1, "name": "Followers", "type": "Default", "category": "First Category",
     "rate": "0.90", "min": "50", "max": "10000", "refill": true, "cancel": true},
    {"service": 2, "name": "Comments", "type": "Custom Comments", "category": "Second Category",
     "rate": "8", "min": "10", "max": "1500", "refill": false, "cancel": true}
]"""
GOOD = {"service": 7, "name": "N", "type": "Default", "category": "C", "rate": "1", "min": "1", "max": "9"}


def load(content: bytes, *options: str) -> Result:
    return CliRunner().invoke(main, ["service", "import", "-", *options], input=io.BytesIO(content))


def wrong(row: Any) -> str:
    """Returns what is said of a row that must be wrong."""
    offers, faults = check(read_json(json.dumps([row]).encode()))
    assert offers == []
    [fault] = faults
    assert fault.isprintable()
    assert len(fault) < 250
    return fault


@pytest.mark.django_db
def test_the_published_answer_goes_on_sale() -> None:
    assert load(PUBLISHED).stdout == "2 new, 0 changed.\n"
    first, second = Service.objects.order_by("pk")
    assert (first.pk, first.name, first.rate_micros, first.min, first.max) == (1, "Followers", 900_000, 50, 10_000)
    assert (first.refill, first.cancel, first.dripfeed) == (True, True, False)
    assert (second.pk, second.type, second.rate_micros) == (2, "Custom Comments", 8_000_000)
    assert [each.name for each in Category.objects.all()] == ["First Category", "Second Category"]
    listed = CliRunner().invoke(main, ["service", "list", "--category", "Second Category"]).stdout
    assert "Custom Comments" in listed
    assert "Followers" not in listed


@pytest.mark.django_db
def test_importing_again_changes_by_id_and_keeps_what_the_file_does_not_say() -> None:
    load(PUBLISHED)
    Service.objects.filter(pk=1).update(dripfeed=True, state="paused", refill_days=30)
    before = version.current()
    assert load(PUBLISHED.replace(b'"0.90"', b"0.95")).stdout == "0 new, 2 changed.\n"
    first = Service.objects.get(pk=1)
    assert (first.rate_micros, first.dripfeed, first.state, first.refill_days) == (950_000, True, "paused", 30)
    assert version.current() != before


@pytest.mark.django_db
def test_ids_go_on_after_those_that_a_file_brought() -> None:
    load(PUBLISHED)
    nameless = (
        b"name,type,category,rate,min,max,refill,refill_days\nA,default,C,1.5,1,5,yes,\nB,Package,C,2,1,1,no,30\n"
    )
    assert load(nameless, "--format", "csv").stdout == "2 new, 0 changed.\n"
    assert list(Service.objects.order_by("pk").values_list("pk", "name", "refill", "refill_days"))[2:] == [
        (3, "A", True, None),
        (4, "B", False, 30),
    ]
    added = CliRunner().invoke(
        main, ["service", "add", "--name", "D", "--category", "C", "--rate", "1", "--max", "5", "--dripfeed"]
    )
    assert added.stdout == "Service 5 is on sale.\n"
    assert Service.objects.get(pk=5).dripfeed
    CliRunner().invoke(main, ["service", "set-state", "5", "hidden"])
    assert Service.objects.get(pk=5).state == "hidden"


@pytest.mark.django_db
def test_one_wrong_row_and_nothing_is_imported_but_each_is_named() -> None:
    rows = [GOOD, GOOD | {"service": 8, "rate": "0,90"}, GOOD | {"service": 9, "type": "Magic"}, GOOD]
    result = load(json.dumps(rows).encode())
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "row 2 (service '8'): rate '0,90' is not an amount above 0 such as 0.90",
        "row 3 (service '9'): type 'Magic' is not one of the protocol's types",
        "row 4 (service '7'): its id stands in an earlier row already",
        "sutler: nothing was imported: 3 of 4 rows are wrong",
    ]
    assert not Category.objects.exists()


HOSTILE: dict[str, list[Any]] = {
    "rate": [
        *(0, "0", -1, "-1", "NaN", "1e3", "1,5", "1_0", "１", "", None, [1], {}, "9" * 400),
        *("0.0000001", True, "0x1", " ", "9000000001"),
    ],
    "min": [0, -1, 10, 1.5, 9.0, "x", "2147483648", 10**400, None, True],
    "max": [0, "2147483648", "9 9"],
    "service": [0, -1, "0", "1.0", 2**31, "x", [], True],
    "name": ["", "  ", "a\x00b", "a\x1b[31mb", "\ud800", "x" * 501, ["a"], None],
    "category": ["", "x" * 201, "\x7f"],
    "type": ["", "Followers", None, "Default2"],
    "refill": ["maybe", 2, [], "tru"],
    "desc": ["x" * 10_001, "a\x00b", {}],
}


@pytest.mark.parametrize(("name", "raw"), [(name, raw) for name, cells in HOSTILE.items() for raw in cells])
def test_a_hostile_cell_is_named_and_shown_harmlessly(name: str, raw: Any) -> None:
    assert f"{name} " in wrong(GOOD | {name: raw}) or "min 10 and max 9" in wrong(GOOD | {name: raw})


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ({"rate": 0.9}, {"rate_micros": 900_000}),
        ({"rate": 12}, {"rate_micros": 12_000_000}),
        ({"type": "custom_comments"}, {"type": "Custom Comments"}),
        ({"type": "WEB TRAFFIC"}, {"type": "Web Traffic"}),
        ({"name": "  Two\n\twords "}, {"name": "Two words"}),
        ({"name": "=1+1 <b>\u202e"}, {"name": "=1+1 <b>\u202e"}),
        ({"refill": 1, "cancel": "0"}, {"refill": True, "cancel": False}),
        ({"refill": None}, {"refill": False}),
        ({"refill_days": ""}, {"refill_days": None}),
        ({"refill_days": 30}, {"refill_days": 30}),
        ({"desc": "a \r\n\tb"}, {"description": "a\nb"}),
        ({"average_time": [1]}, {}),
    ],
)
def test_cells_are_read_as_panels_write_them(raw: dict[str, Any], stored: dict[str, Any]) -> None:
    offers, faults = check(read_json(json.dumps([GOOD | raw]).encode()))
    assert faults == []
    assert offers[0].fields.items() >= stored.items()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"error": "Invalid API key"}', "a refusal, not a list of services: 'Invalid API key'"),
        (b"null", "not a list of services"),
        (b"12", "not a list of services"),
        (b"[1]", "not a list of services"),
        (b'{"data": "x"}', "not a list of services"),
    ],
)
def test_a_file_that_is_no_list_of_services_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read_json(content)


@pytest.mark.parametrize("shape", [b"%s", b'{"data": %s}'])
def test_the_list_may_stand_under_data(shape: bytes) -> None:
    assert read_json(shape % PUBLISHED) == read_json(PUBLISHED)


def test_an_object_of_services_is_a_list() -> None:
    assert read_json(b'{"7": {"service": 7}, "8": {"service": 8}}') == [{"service": "7"}, {"service": "8"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "missing: name, type"),
        (b"name,type\na,b\n", "missing: category, rate, min, max"),
        (b"name,type,category,rate,min,max\n\xff,b\n", "not UTF-8"),
        (b'name,type,category,rate,min,max\n"a"b,c\n', "line 2 is not CSV"),
        (b"name,type,category,rate,min,max\n" + b"a" * 200_000, "is not CSV"),
    ],
)
def test_a_file_that_is_no_csv_of_services_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read_csv(content)


def test_a_csv_row_of_the_wrong_length_is_named() -> None:
    rows = read_csv(b"\xef\xbb\xbfname,type,category,rate,min,max\na,Default,c,1,1,5,9\na,Default,c,1,1\n")
    assert check(rows)[1] == ["row 1: it has more columns than the first line names", "row 2: max is missing"]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(content: bytes) -> None:
    for read in (read_json, read_csv):
        try:
            check(read(content))
        except Unreadable as error:
            assert "\n" not in str(error)


_cell = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))
_near = st.sampled_from(["Default", "1", "0.5", "9000000000", "2147483647", "true", "a", *ORDER_TYPES])


@given(st.lists(st.dictionaries(st.sampled_from([*GOOD, "refill", "refill_days", "desc"]), _cell | _near), max_size=4))
def test_whatever_is_accepted_fits_the_catalogue(rows: list[dict[str, Any]]) -> None:
    offers, faults = check(read_json(json.dumps(rows).encode()))
    assert len(offers) + len(faults) == len(rows)
    for offer in offers:
        assert offer.service_id is None or 1 <= offer.service_id <= LARGEST_NUMBER
        assert 1 <= offer.fields["min"] <= offer.fields["max"] <= LARGEST_NUMBER
        assert offer.fields["rate_micros"] > 0
        assert offer.fields["type"] in ORDER_TYPES
        assert 1 <= len(offer.fields["name"]) <= 500


@pytest.mark.django_db
def test_a_file_by_name_is_csv_if_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "services.csv"
    file.write_text("name,type\n")
    result = CliRunner().invoke(main, ["service", "import", str(file)])
    assert (result.exit_code, "the first line must name" in result.stderr) == (1, True)


@pytest.mark.django_db
def test_the_demo_sells_every_type_with_and_without_each_promise() -> None:
    stock()
    on_sale = list(Service.objects.all())
    assert len(on_sale) == len(SERVICES)
    assert {each.type for each in on_sale} == set(ORDER_TYPES)
    for promise in ("refill", "cancel", "dripfeed", "one_active_order_per_link"):
        assert {getattr(each, promise) for each in on_sale} == {True, False}
    assert all(ORDER_TYPES[each.type].can_drip for each in on_sale if each.dripfeed)
    assert {each.refill_wait_hours for each in on_sale} == {0}
    assert [each.pk for each in on_sale] == sorted(each.pk for each in on_sale)
