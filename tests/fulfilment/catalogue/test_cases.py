"""Catalogues as panels and people have sent them: one reader for the sync, the import from a provider, and a file."""

import gzip
import io
import json
import tracemalloc
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result

from sutler.catalogue.models import Service
from sutler.cli import main
from sutler.core.events import CauseKind, cause
from sutler.fulfilment.catalogue import sync
from sutler.fulfilment.catalogue.import_services import Imported, Rule, bring_in
from sutler.fulfilment.models import Route, UpstreamService
from sutler.panels.http_call import LONGEST_CATALOGUE_BYTES
from sutler.panels.results import Catalogue, Failure, NoAnswer
from tests.cases import INPUTS
from tests.conftest import NOW
from tests.fulfilment.catalogue.catalogues import make_provider
from tests.panels.panel_calls import CALLS, Upstream

ROW = {"service": 1, "name": "Подписчики", "type": "Default", "category": "Т", "rate": "1", "min": 10, "max": 100}
CYRILLIC = json.dumps([ROW], ensure_ascii=False)
Sold = dict[str, tuple[str, int, int, int]]


def case(name: str) -> bytes:
    return INPUTS.joinpath(name).read_bytes()


def answered(body: bytes, **headers: str) -> Catalogue | Failure:
    """What the client of a panel makes of these bytes."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    found: Catalogue | Failure = Upstream(lambda _: httpx2.Response(200, content=body, headers=named)).ask(
        CALLS["services"]
    )
    return found


def from_file(body: bytes, *options: str) -> Result:
    return CliRunner().invoke(main, ["service", "import", "-", *options], input=io.BytesIO(body))


def synced(body: bytes) -> Sold:
    provider = make_provider(sealed_key="")
    sync.apply_catalogue(provider.pk, answered(body), NOW)
    return {
        each.upstream_id: (each.name, each.rate_micros, each.min, each.max) for each in UpstreamService.objects.all()
    }


def imported() -> Sold:
    """Puts on sale at cost what was synced."""
    ids = list(UpstreamService.objects.values_list("upstream_id", flat=True))
    outcome = bring_in(UpstreamService.objects.first().provider_id, Rule(), NOW, upstream_ids=ids)  # type: ignore[union-attr]
    assert isinstance(outcome, Imported)
    by_id = Service.objects.in_bulk(outcome.made.values())
    return {upstream_id: sold(by_id[pk]) for upstream_id, pk in outcome.made.items()}


def sold(service: Service) -> tuple[str, int, int, int]:
    return service.name, service.rate_micros, service.min, service.max


def in_file(body: bytes) -> Sold:
    Route.objects.all().delete()
    Service.objects.all().delete()
    result = from_file(body)
    assert result.exit_code == 0, result.output
    return {str(each.pk): sold(each) for each in Service.objects.all()}


NUMBERS = {
    "1": (120_000_000, 10, 1000),
    "2": (300_001, 10, 1000),
    "3": (10, 10, 1000),
    "4": (124, 10, 1000),
    "5": (1_234_500_000, 1000, 1_000_000),
    "6": (900_000, 10, 2**31 - 1),
    "7": (900_000, 10, 10_000),
    "8": (900_000, 10, 1000),
    "9": (900_000, 10, 1_000_000),
    "10": (500_000, 10, 1000),
    "11": (500_000, 10, 1000),
    "12": (900_000, 10, 2**31 - 1),
}
WITH_DOTS = {"2": (900_000, 100, 50_000), "3": (900_000, 1000, 5_000_000), "4": (900_000, 10, 1000)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (case("catalogue_numbers.json"), NUMBERS),
        (json.dumps(json.loads(case("counts_with_dots.json"))["services"]).encode(), WITH_DOTS),
        (case("counts_with_dots.json"), WITH_DOTS),
        (case("catalogue_wrapped.json"), {"1": (900_000, 10, 1000)}),
        (case("catalogue_many_unreadable.json"), {"100": (900_000, 10, 1000)}),
    ],
)
def test_rates_and_limits_are_the_same_on_all_three_ways(body: bytes, wanted: dict[str, tuple[int, int, int]]) -> None:
    found = synced(body)
    assert {name: each[1:] for name, each in found.items()} == wanted
    assert imported() == found
    assert in_file(body) == found


@pytest.mark.django_db
@pytest.mark.parametrize("backwards", [False, True])
def test_of_two_rows_with_one_id_the_price_does_not_follow_their_order(backwards: bool) -> None:
    rows = json.loads(case("catalogue_duplicate_id.json"))
    body = json.dumps(rows[::-1] if backwards else rows).encode()
    assert synced(body) == {"15": ("Service 15", 1_500_000, 10, 1000)}
    assert in_file(body) == {"15": ("Service 15", 1_500_000, 10, 1000)}
    assert "1 left out: another row with its id is dearer or the same (" in from_file(body).stderr


@pytest.mark.django_db
def test_entities_are_decoded_once_in_names_headings_and_descriptions() -> None:
    rows = json.loads(case("catalogue_entities.json"))
    rows[1] |= {"desc": "R&B &amp;amp; a&copy=1<br>\nTom &#38; Jerry &#8238;x"}
    body = json.dumps(rows).encode()
    assert [each[0] for each in synced(body).values()] == ["Real & Active 'HQ' ♻️", '5 < 10 "fast"']
    assert UpstreamService.objects.get(upstream_id="1").category == "Tom & Jerry"
    assert from_file(body).exit_code == 0
    first, second = Service.objects.order_by("pk")
    assert (first.name, first.category.name, second.name) == ("Real & Active 'HQ' ♻️", "Tom & Jerry", '5 < 10 "fast"')
    assert second.description == "R&B &amp; a&copy=1<br>\nTom & Jerry x"


@pytest.mark.django_db
def test_a_mark_that_turns_text_goes_and_a_name_of_nothing_that_shows_is_refused() -> None:
    body = case("import_bad_names.json")
    assert synced(body) == {"901": ("abc gnp.exe", 900_000, 10, 1000)}
    result = from_file(body)
    assert [each.name for each in Service.objects.all()] == ["abc gnp.exe"]
    assert "1 left out: it has no name (row 2 (service 902))" in result.stderr


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("A\u200bB\u2060C\u200e", "ABC"),
        ("\u200b\u2060", None),
        ("\ufe0f\u200d", None),
        ("\u3164\u2800", None),
        ("&#8203;&nbsp;", None),
        ("👩\u200d💻 work", "👩\u200d💻 work"),
        ("caf\ufffd", "caf"),
        ("\ufffd\ufffd\ufffd 1000", None),
        ("&#0; A", "A"),
        ("&#xD800;B", "B"),
    ],
)
def test_names_show_something_and_hide_nothing(name: str, read: str | None) -> None:
    found = answered(json.dumps([ROW | {"name": name}, ROW | {"service": 2}]).encode())
    assert isinstance(found, Catalogue)
    assert [each.name for each in found.services] == ([read] if read else []) + ["Подписчики"]


CHARSETS = [
    ("utf-8", "application/json"),
    ("utf-8", "application/json; charset=iso-8859-1"),
    ("utf-8-sig", ""),
    ("utf-16", ""),
    ("utf-16-le", "application/json"),
    ("utf-16-be", ""),
    ("utf-32", ""),
    ("windows-1251", "application/json; charset=windows-1251"),
    ("windows-1251", 'text/html; charset="CP1251"'),
    ("koi8-r", "application/json;charset=KOI8-R"),
]


@pytest.mark.parametrize(("codec", "content_type"), CHARSETS)
def test_a_charset_is_honoured(codec: str, content_type: str) -> None:
    found = answered(CYRILLIC.encode(codec), Content_Type=content_type)
    assert isinstance(found, Catalogue)
    assert [each.name for each in found.services] == ["Подписчики"]


def test_western_names_are_read_as_browsers_do() -> None:
    body = json.dumps([ROW | {"name": "Señal – rápida"}], ensure_ascii=False).encode("cp1252", "replace")
    found = answered(body, Content_Type="application/json; charset=latin1")
    assert isinstance(found, Catalogue)
    assert found.services[0].name == "Señal – rápida"


@pytest.mark.parametrize(
    ("codec", "content_type"),
    [
        ("windows-1251", ""),
        ("windows-1251", "application/json; charset=utf-8"),
        ("windows-1251", "application/json; charset=utf-7"),
        ("windows-1251", "application/json; charset=x-user-defined"),
        ("windows-1251", "application/json; charset=utf-16"),
    ],
)
def test_bytes_in_no_charset_that_is_named_are_no_catalogue(codec: str, content_type: str) -> None:
    found = answered(CYRILLIC.encode(codec), Content_Type=content_type)
    assert isinstance(found, NoAnswer)
    assert "charset is not known" in found.why


@pytest.mark.django_db
def test_a_file_in_another_charset_is_refused_or_read_as_it_is_told() -> None:
    body = case("catalogue_windows1251.json")
    assert "charset is not known" in from_file(body).stderr
    assert from_file(body, "--charset", "windows-1251").exit_code == 0
    assert [each.name for each in Service.objects.all()] == ["Подписчики"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (case("catalogue_php_warning.txt"), "Warning : Undefined variable in api.php on line 12"),
        (b"<!DOCTYPE html><html><title>Just a moment...</title>", "Just a moment..."),
        (b"Fatal error: Uncaught PDOException", "Fatal error: Uncaught PDOException"),
    ],
)
def test_what_stands_before_the_json_is_named(body: bytes, told: str) -> None:
    found = answered(body)
    assert isinstance(found, NoAnswer)
    assert f"the answer is not JSON: it begins with {told!r}"[:-1] in found.why


def test_a_number_longer_than_any_spoils_its_own_row_alone() -> None:
    body = b'[%b, {"service": 2, "name": "B", "rate": %b, "min": 1, "max": 2}]' % (CYRILLIC[1:-1].encode(), b"9" * 9000)
    found = answered(body)
    assert isinstance(found, Catalogue)
    assert ([each.upstream_id for each in found.services], len(found.dropped)) == (["1"], 1)


@pytest.mark.django_db
def test_a_summary_says_how_many_rows_in_all_and_why() -> None:
    body = case("catalogue_many_unreadable.json")
    result = from_file(body)
    assert "60 left out: its min and max are no limits (row 1 (service 1), row 2" in result.stderr
    assert " and 40 more)" in result.stderr
    assert result.stdout == "1 new, 0 changed, 0 unchanged, 60 skipped.\n"
    report = sync.apply_catalogue(make_provider(sealed_key="").pk, answered(body), NOW)
    assert [(each.why, each.count, each.more) for each in report.left_out] == [
        ("its min and max are no limits", 60, 40)
    ]
    none = json.dumps(json.loads(body)[:60]).encode()
    fault = sync.apply_catalogue(make_provider("Other", sealed_key="").pk, answered(none), NOW).fault
    assert fault == cause(CauseKind.CATALOGUE_UNREADABLE, count=60, reasons="its min and max are no limits (60)")


class TestSize:
    def body(self, length: int) -> bytes:
        row = ROW | {"name": "ñ" * 300, "desc": "♻" * 250}
        count = length // (len(json.dumps(row | {"service": 10_000}, ensure_ascii=False).encode()) + len(", "))
        rows: list[dict[str, Any]] = [row | {"service": 10_000 + number} for number in range(count)]
        return json.dumps(rows, ensure_ascii=False).encode().ljust(length)

    @pytest.mark.long
    def test_thirty_two_mebibytes_are_read_in_bounded_memory(self) -> None:
        body = self.body(LONGEST_CATALOGUE_BYTES)
        packed = gzip.compress(body, 1)
        tracemalloc.start()
        found = answered(packed, Content_Encoding="gzip")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert isinstance(found, Catalogue)
        assert len(found.services) > 20_000
        assert peak < 6 * LONGEST_CATALOGUE_BYTES

    def test_more_is_no_answer(self) -> None:
        body = self.body(2**20).ljust(LONGEST_CATALOGUE_BYTES + 1)
        for packed, headers in ((body, {}), (gzip.compress(body, 1), {"Content_Encoding": "gzip"})):
            assert isinstance(answered(packed, **headers), NoAnswer)
