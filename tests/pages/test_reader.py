"""Languages, zones, light and dark, and the pages for when there is none."""

import gettext
import io
from pathlib import Path
from typing import IO, Any

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.db import OperationalError, connection
from django.test import Client

import sutler.web
from sutler.accounts.models import Customer
from sutler.core.clock import SystemClock
from tests.conftest import make_service
from tests.orders.ordering import placed
from tests.pages.conftest import browser_of, make_person

LOCALE = Path(sutler.web.__file__).parent / "locale"


@pytest.mark.parametrize(
    ("accepts", "language"),
    [("ru", "ru"), ("ru-RU,ru;q=0.9,en;q=0.8", "ru"), ("de", "en"), ("", "en"), ("x" * 9999, "en")],
)
def test_a_guest_reads_in_the_language_of_the_browser(guest: Client, accepts: str, language: str) -> None:
    answer = guest.get("/", headers={"accept-language": accepts})
    assert f'<html lang="{language}"' in answer.content.decode()
    assert answer.headers["Content-Language"] == language


def test_a_language_that_was_chosen_stays(guest: Client) -> None:
    assert (
        guest.post("/language", {"language": "ru", "next": "/account/login/"}).headers["Location"] == "/account/login/"
    )
    assert '<html lang="ru"' in guest.get("/").content.decode()
    guest.post("/language", {"language": "xx"})
    assert '<html lang="ru"' in guest.get("/").content.decode()


def test_a_persons_own_language_and_zone_stand_above_the_browsers(alice: Customer) -> None:
    person = make_person("alice@example.com", alice)
    person.language, person.time_zone = "ru", "Asia/Tokyo"
    person.save()
    now = SystemClock().now()
    placed(alice, make_service(), now)
    html = browser_of(person).get("/dashboard", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="ru"' in html
    assert f'datetime="{now.isoformat()}"' in html
    assert "JST" in html
    assert "Ожидает" in html


@pytest.mark.parametrize(
    ("chosen", "shown"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("auto", ""), ("pink", "")]
)
def test_light_and_dark_are_chosen_without_a_script(guest: Client, chosen: str, shown: str) -> None:
    assert guest.post("/theme", {"theme": chosen, "next": "/api"}).headers["Location"] == "/api"
    assert f'<html lang="en"{shown}>' in guest.get("/").content.decode()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:1", ""])
def test_a_preference_never_leads_elsewhere(guest: Client, back: str) -> None:
    assert guest.post("/theme", {"theme": "dark", "next": back}).headers["Location"] == "/"


def test_there_is_a_page_for_when_there_is_none(guest: Client) -> None:
    answer = guest.get("/nothing", headers={"accept-language": "ru"})
    assert answer.status_code == 404
    assert "Не найдено" in answer.content.decode()


def test_a_database_that_is_away_is_told_without_it(guest: Client) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    guest.raise_request_exception = False
    with connection.execute_wrapper(fail):
        answer = guest.get("/")
    assert answer.status_code == 503
    assert "Temporarily unavailable" in answer.content.decode()


def words(compiled: IO[bytes]) -> dict[Any, str]:
    """What a compiled catalogue translates, without its heading."""
    catalogue: dict[Any, str] = gettext.GNUTranslations(compiled)._catalog  # type: ignore[attr-defined]
    return {key: text for key, text in catalogue.items() if key}


@pytest.mark.parametrize("catalogue", sorted(LOCALE.rglob("*.po")), ids=lambda path: path.parent.parent.name)
def test_what_is_compiled_is_what_is_translated(catalogue: Path) -> None:
    compiled = io.BytesIO()
    with catalogue.open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    with catalogue.with_suffix(".mo").open("rb") as kept:
        assert words(compiled) == words(kept)
