"""Out of one panel and into another: every row comes back as it was, or nothing does."""

import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import connection

from sutler.accounts.models import Customer, PanelProfile
from sutler.move_in.archive.read import ArchiveFault, load, manifest_of
from sutler.move_in.archive.tables import LEFT_OUT, all_models, exported, table
from sutler.move_in.archive.write import MANIFEST, export
from sutler.orders.models import Order
from sutler.storage.statements import is_postgres
from tests.conftest import NOW, make_customer
from tests.fulfilment.upstream import There
from tests.move_in.test_passes import assert_green

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def nobody(_name: str, _rows: int) -> None:
    """Nobody watches."""


def rows() -> dict[str, list[dict[str, Any]]]:
    return {table(each): list(each._default_manager.order_by("pk").values()) for each in exported()}


def empty() -> None:
    with connection.cursor() as cursor:
        if is_postgres():
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for model in reversed(exported()):
            cursor.execute(f"DELETE FROM {table(model)}")


@pytest.fixture
def archive(there: There, tmp_path: Path) -> Path:
    """The archive of a panel with an order at a provider, a logo, odd texts, and a number that is no float."""
    there.sent()
    make_customer('Quote " \\ \n новый 😀', balance_micros=9_007_199_254_740_993)
    PanelProfile.objects.create(pk=7, name="Panel", logo=bytes(range(256)), logo_type="image/png")
    file = tmp_path / "panel.zip"
    export(file, NOW, nobody)
    return file


def test_every_row_comes_back_as_it_was(archive: Path) -> None:
    before = rows()
    assert sum(map(len, before.values())) > 20
    empty()

    load(archive, nobody)

    assert rows() == before
    assert_green()


def test_the_next_ids_stand_above_all_that_were_given_out(archive: Path, now: Any) -> None:
    last = Customer.objects.order_by("-pk")[0].pk
    empty()
    load(archive, nobody)

    assert Customer.objects.create(name="New", currency="USD", created_at=now).pk > last


def test_an_archive_reads_the_same_from_both_engines(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        lines = opened.read("orders_order.jsonl").splitlines()
    order = msgspec.json.decode(lines[0])
    placed = Order.objects.get()
    assert order["created_at"] == "2026-11-21T12:00:00Z"
    assert (order["id"], order["details"], order["finished_at"]) == (placed.pk, None, None)
    assert order["charge_micros"] == 900_000


def test_it_is_not_read_where_a_panel_is(archive: Path) -> None:
    with pytest.raises(ArchiveFault, match="panel here already"):
        load(archive, nobody)


def rewritten(archive: Path, name: str, change: Any) -> Path:
    """The archive with one member changed."""
    other = archive.with_name("other.zip")
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(other, "w") as target:
        for each in source.namelist():
            content = source.read(each)
            target.writestr(each, change(content) if each == name else content)
    return other


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("accounts_customer.jsonl", lambda text: text.replace(b"Alice", b"Alicf"), "not what the manifest says"),
        ("accounts_customer.jsonl", lambda text: text[: text.index(b"\n") + 1], "not what the manifest says"),
        ("accounts_customer.jsonl", lambda _: b"{", "damaged"),
        ("accounts_customer.jsonl", lambda _: b"", "not what the manifest says"),
        (MANIFEST, lambda text: text.replace(b"orders.0001_tables", b"orders.9999_other"), "newer program"),
        (MANIFEST, lambda text: text.replace(b"sutler export 1", b"sutler export 9"), "not read back"),
        (MANIFEST, lambda _: b"{}", "no archive"),
    ],
)
def test_a_damaged_archive_leaves_nothing_behind(archive: Path, name: str, change: Any, words: str) -> None:
    damaged = rewritten(archive, name, change)
    empty()

    with pytest.raises(ArchiveFault, match=words):
        load(damaged, nobody)

    assert not any(each._default_manager.exists() for each in exported())


def test_an_archive_that_was_cut_off_is_none(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-100])

    with pytest.raises(ArchiveFault, match="cut off"):
        manifest_of(archive)


def test_another_panels_key_does_not_fit(archive: Path) -> None:
    other = rewritten(archive, MANIFEST, lambda text: text.replace(b'"key_digest": ""', b'"key_digest": "0"'))
    empty()

    with pytest.raises(ArchiveFault, match="another secret key"):
        load(other, nobody)


def test_spreadsheets_are_for_people(there: There, tmp_path: Path) -> None:
    make_customer("=cmd()")
    file = tmp_path / "lists.zip"
    export(file, NOW, nobody, as_csv=True)

    with zipfile.ZipFile(file) as opened:
        lines = opened.read("accounts_customer.csv").decode().splitlines()
    assert lines[0].startswith("id,name,currency")
    assert any("'=cmd()" in each for each in lines)
    with pytest.raises(ArchiveFault, match="not read back"):
        manifest_of(file)


def test_nothing_is_written_over(archive: Path) -> None:
    with pytest.raises(FileExistsError):
        export(archive, NOW, nobody)


def test_only_what_belongs_to_the_machine_is_left_out() -> None:
    labels = {each._meta.label for each in all_models()}
    assert labels >= LEFT_OUT
    assert {each._meta.label for each in exported()} == labels - LEFT_OUT
