"""Services from a file: what can be read of it is imported, the rest is named, and nothing of ours is overwritten."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from sutler.accounts.models import AuditEntry
from sutler.catalogue import version
from sutler.catalogue.models import Category, Service
from sutler.catalogue.service_file import Unreadable, check, read_csv, read_json, text_of
from sutler.cli import main
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES
from sutler.ops.demo.catalogue import SERVICES, stock
from tests.cases import INPUTS

pytestmark = pytest.mark.postgresql

# The answer of the published API pages, as it stands there.
PUBLISHED = b"""[
    {"service": 1, "name": "Followers", "type": "Default", "category": "First Category",
     "rate": "0.90", "min": "50", "max": "10000", "refill": true, "cancel": true},
    {"service": 2, "name": "Comments", "type": "Custom Comments", "category": "Second Category",
     "rate": "8", "min": "10", "max": "1500", "refill": false, "cancel": true}
]"""
FOREIGN = INPUTS.joinpath("import_ids_collide.json").read_bytes()
GOOD = {"service": 7, "name": "N", "type": "Default", "category": "C", "rate": "1", "min": "1", "max": "9"}


def load(content: bytes, *options: str) -> Result:
    return CliRunner().invoke(main, ["service", "import", "-", *options], input=io.BytesIO(content))


def wrong(row: Any) -> str:
    """Returns what is said of a row that must be wrong."""
    offers, faults = check(read_json(json.dumps([row, GOOD | {"service": 8}])))
    assert [each.service_id for each in offers] == [8]
    [(name, fault)] = faults
    assert (name + fault).isprintable()
    assert len(name + fault) < 250
    return fault


@pytest.mark.django_db
def test_the_published_answer_goes_on_sale() -> None:
    assert load(PUBLISHED).stdout == "2 new, 0 changed, 0 unchanged, 0 skipped.\n"
    first, second = Service.objects.order_by("pk")
    assert (first.pk, first.name, first.rate_micros, first.min, first.max) == (1, "Followers", 900_000, 50, 10_000)
    assert (first.refill, first.cancel, first.dripfeed) == (True, True, False)
    assert (second.pk, second.type, second.rate_micros) == (2, "Custom Comments", 8_000_000)
    assert [each.name for each in Category.objects.all()] == ["First Category", "Second Category"]
    listed = CliRunner().invoke(main, ["service", "list", "--category", "Second Category"]).stdout
    assert "Custom Comments" in listed
    assert "Followers" not in listed


@pytest.mark.django_db
def test_an_update_changes_by_id_and_keeps_what_the_file_does_not_say() -> None:
    load(PUBLISHED)
    Service.objects.filter(pk=1).update(dripfeed=True, state="paused", refill_days=30)
    before = version.current()
    result = load(PUBLISHED.replace(b'"0.90"', b"0.95"), "--update", "--yes")
    assert result.stdout.splitlines() == [
        "changes: 1 Followers: rate: 0.90 -> 0.95",
        "0 new, 1 changed, 1 unchanged, 0 skipped.",
    ]
    first = Service.objects.get(pk=1)
    assert (first.rate_micros, first.dripfeed, first.state, first.refill_days) == (950_000, True, "paused", 30)
    assert version.current() != before
    assert (AuditEntry.objects.get(after__has_key="1").after or {})["1"] == "rate: 0.90 -> 0.95"


class TestTheIdsOfOurs:
    """A file's ids are its writer's."""

    @pytest.fixture(autouse=True)
    def ours(self, db: None) -> None:
        load(PUBLISHED)

    def services(self) -> list[Any]:
        return list(Service.objects.order_by("pk").values())

    def test_without_a_word_none_of_ours_changes_and_each_row_is_named(self) -> None:
        before = self.services()
        result = load(FOREIGN)
        assert (result.exit_code, self.services()) == (1, before)
        assert "2 left out: its ID is that of a service of ours (1 Followers: " in result.stderr
        assert "rate: 0.90 -> 77.00" in result.stderr
        assert "2 Comments: " in result.stderr

    @pytest.mark.parametrize("options", [("--update",), ("--new-ids",), ()])
    def test_a_dry_run_shows_all_and_changes_nothing(self, options: tuple[str, ...]) -> None:
        before, written = self.services(), AuditEntry.objects.count()
        result = load(FOREIGN, "--dry-run", *options)
        assert result.exit_code == 0
        assert "Nothing was changed." in result.stdout
        assert "Somebody else's service 1" in result.output
        assert (self.services(), AuditEntry.objects.count()) == (before, written)

    def test_under_new_ids_they_stand_beside_ours(self) -> None:
        before = self.services()
        assert load(FOREIGN, "--new-ids").stdout == "2 new, 0 changed, 0 unchanged, 0 skipped.\n"
        assert self.services()[:2] == before
        assert [each["name"] for each in self.services()[2:]] == [
            "Somebody else's service 1",
            "Somebody else's service 2",
        ]

    def test_an_update_never_makes_a_service_of_another_type(self) -> None:
        result = load(FOREIGN, "--update", "--yes", "--accept-rises")
        assert [each["type"] for each in self.services()] == ["Default", "Custom Comments"]
        assert (
            "2 left out: it is of another type than our service, which cannot be changed (1 Followers" in result.stderr
        )

    def test_an_update_is_asked_about(self) -> None:
        before = self.services()
        assert load(PUBLISHED.replace(b'"0.90"', b"0.95"), "--update").exit_code == 1
        assert self.services() == before

    def test_a_rate_that_rises_too_far_is_left_out_unless_it_is_accepted(self) -> None:
        dear = PUBLISHED.replace(b'"0.90"', b"1.18")
        assert "1 left out: its rate would rise by more than 30 % (1 Followers: rate: 0.90 -> 1.18)" in (
            load(dear, "--update", "--yes").stderr
        )
        assert self.services()[0]["rate_micros"] == 900_000
        load(dear, "--update", "--yes", "--accept-rises")
        assert self.services()[0]["rate_micros"] == 1_180_000


@pytest.mark.django_db
def test_ids_go_on_after_those_that_a_file_brought() -> None:
    load(PUBLISHED)
    nameless = (
        b"name,type,category,rate,min,max,refill,refill_days\nA,default,C,1.5,1,5,yes,\nB,Package,C,2,1,1,no,30\n"
    )
    assert load(nameless, "--format", "csv").stdout == "2 new, 0 changed, 0 unchanged, 0 skipped.\n"
    assert list(Service.objects.order_by("pk").values_list("pk", "name", "refill", "refill_days"))[2:] == [
        (3, "A", True, None),
        (4, "B", False, 30),
    ]
    added = CliRunner().invoke(
        main, ["service", "add", "--name", "D", "--category", "C", "--rate", "1", "--max", "5", "--dripfeed"]
    )
    assert added.stdout == "Service 5 created.\n"
    assert Service.objects.get(pk=5).dripfeed
    CliRunner().invoke(main, ["service", "set-state", "5", "hidden", "--yes"])
    assert Service.objects.get(pk=5).state == "hidden"


@pytest.mark.django_db
def test_a_wrong_row_is_left_out_and_named_and_the_others_are_imported() -> None:
    rows = [GOOD, GOOD | {"service": 8, "rate": "0,90"}, GOOD | {"service": 9, "type": "Magic"}, GOOD, 7]
    result = load(json.dumps(rows).encode())
    assert result.exit_code == 0
    assert sorted(result.stderr.splitlines()) == [
        "1 left out: another row with its id is dearer or the same (row 4 (service 7))",
        "1 left out: it is no object (row 5)",
        "1 left out: its rate is no amount above 0 (row 2 (service 8))",
        "1 left out: its type 'Magic' is none of the protocol's (row 3 (service 9))",
    ]
    assert [each.pk for each in Service.objects.all()] == [7]
    assert load(json.dumps(rows[1:3]).encode()).exit_code == 1


HOSTILE: dict[str, list[Any]] = {
    "rate": [
        0,
        "0",
        -1,
        "-1",
        "NaN",
        "1,5",
        "1_0",
        "１",
        "",
        None,
        [1],
        {},
        "9" * 400,
        True,
        "0x1",
        " ",
        "9000000001",
    ],
    "min": [-1, 10, 1.5, "x", "2147483648", 10**400, None, True],
    "max": [0, "9 9", "Unlimited", "1.000"],
    "service": [0, -1, "0", 2**31, "x", [], True],
    "name": ["", "  ", None, ["a"], "\u200b\u2060", "\ufffd\ufffd"],
    "type": ["", "Followers", None, "Default2"],
    "refill_days": ["maybe", [], -1, 2**31],
    "one_active_order_per_link": ["maybe", 2, "tru"],
}


@pytest.mark.parametrize(("name", "raw"), [(name, raw) for name, cells in HOSTILE.items() for raw in cells])
def test_a_hostile_cell_is_named_and_spoils_no_other_row(name: str, raw: Any) -> None:
    assert {"service": "id", "max": "min and max"}.get(name, name) in wrong(GOOD | {name: raw})


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ({"rate": 0.9}, {"rate_micros": 900_000}),
        ({"rate": 12}, {"rate_micros": 12_000_000}),
        ({"type": "custom_comments"}, {"type": "Custom Comments"}),
        ({"type": "WEB TRAFFIC"}, {"type": "Web Traffic"}),
        ({"name": "  Two\n\twords "}, {"name": "Two words"}),
        ({"name": "=1+1 <b>\u202e"}, {"name": "=1+1 <b>"}),
        ({"name": "x" * 501}, {"name": "x" * 500}),
        ({"min": 0, "max": "5000000000"}, {"min": 1, "max": LARGEST_NUMBER}),
        ({"rate": "0.0000001"}, {"rate_micros": 1}),
        ({"refill": 1, "cancel": "0"}, {"refill": True, "cancel": False}),
        ({"refill": None}, {"refill": False}),
        ({"refill_days": ""}, {"refill_days": None}),
        ({"refill_days": 30}, {"refill_days": 30}),
        ({"desc": "a \r\n\tb"}, {"description": "a\nb"}),
        ({"average_time": [1]}, {}),
    ],
)
def test_cells_are_read_as_panels_write_them(raw: dict[str, Any], stored: dict[str, Any]) -> None:
    offers, faults = check(read_json(json.dumps([GOOD | raw])))
    assert faults == []
    assert offers[0].fields.items() >= stored.items()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<html><b>Warning</b>", "not JSON: it begins with 'Warning'"),
        (b"\xff\xfe", "is empty"),
        (b"\xff", "charset is not known"),
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
        read_json(text_of(content))


@pytest.mark.parametrize("shape", ["%s", '{"data": %s}', '{"status": "ok", "services": %s}', "[%s]", '{"data": [%s]}'])
def test_the_list_may_be_wrapped(shape: str) -> None:
    assert read_json(shape % PUBLISHED.decode()) == read_json(PUBLISHED.decode())


def test_an_object_of_services_is_a_list() -> None:
    assert read_json('{"7": {"service": 7}, "8": {"service": 8}}') == [{"service": 7}, {"service": 8}]


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
        read_csv(text_of(content))


def test_a_csv_row_of_the_wrong_length_is_named() -> None:
    rows = read_csv("\ufeffname,type,category,rate,min,max\na,Default,c,1,1,5,9\na,Default,c,1,1\n")
    assert check(rows)[1] == [
        ("row 1", "it has more columns than the first line names"),
        ("row 2", "its min and max are no limits"),
    ]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(content: bytes) -> None:
    for read in (read_json, read_csv):
        try:
            check(read(text_of(content)))
        except Unreadable as error:
            assert "\n" not in str(error)


_cell = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))
_near = st.sampled_from(["Default", "1", "0.5", "9000000000", "2147483647", "true", "a", *ORDER_TYPES])


@given(st.lists(st.dictionaries(st.sampled_from([*GOOD, "refill", "refill_days", "desc"]), _cell | _near), max_size=4))
def test_whatever_is_accepted_fits_the_catalogue(rows: list[dict[str, Any]]) -> None:
    offers, faults = check(read_json(json.dumps(rows)))
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
