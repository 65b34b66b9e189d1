"""Wrong passwords slow whoever guesses; the owner signs in from elsewhere, and from a browser that is known."""

import pytest
from django.test import Client

from sutler.accounts.models import Customer
from sutler.web.sign_in import guessing
from tests.pages.conftest import PASSWORD, make_person

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
LOGIN, EMAIL = "/account/login/", "alice@example.com"
OWNER, GUESSER = "192.0.2.1", "198.51.100.7"


def signs_in(browser: Client, address: str, password: str = PASSWORD, email: str = EMAIL) -> bool:
    answer = browser.post(LOGIN, {"login": email, "password": password}, REMOTE_ADDR=address)
    return answer.headers.get("Location") == "/"


def guess(address: str, times: int, email: str = EMAIL, browser: Client | None = None) -> None:
    for _ in range(times):
        assert not signs_in(browser or Client(), address, "wrong", email)


@pytest.fixture(autouse=True)
def person(alice: Customer) -> None:
    make_person(EMAIL, alice)


def test_whoever_guesses_waits_and_the_owner_signs_in_from_elsewhere() -> None:
    guess(GUESSER, 8)
    assert not signs_in(Client(), GUESSER)
    assert signs_in(Client(), OWNER)


def test_a_guesser_with_another_spelling_of_the_account_waits_too() -> None:
    guess(GUESSER, 3)
    guess(GUESSER, 2, EMAIL.upper())
    assert not signs_in(Client(), GUESSER)


def test_a_known_browser_signs_in_from_the_guessers_own_address() -> None:
    browser = Client()
    assert signs_in(browser, OWNER)
    browser.post("/account/logout/")
    guess(GUESSER, 12)
    assert signs_in(browser, GUESSER)


def test_many_guessers_slow_all_strangers_but_no_known_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "ALL_STRANGERS", "12/h/key")
    browser = Client()
    assert signs_in(browser, OWNER)
    browser.post("/account/logout/")
    for number in range(4):
        guess(f"198.51.100.{number}", 4)
    assert not signs_in(Client(), "203.0.113.9")
    assert signs_in(browser, "203.0.113.9")


def test_one_guesser_over_the_limit_does_not_use_up_what_is_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "ALL_STRANGERS", "8/h/key")
    guess(GUESSER, 20)
    assert signs_in(Client(), OWNER)


def test_a_known_browser_that_guesses_waits_too() -> None:
    browser = Client()
    assert signs_in(browser, OWNER)
    browser.post("/account/logout/")
    guess(OWNER, 5, browser=browser)
    assert not signs_in(browser, OWNER)
    assert signs_in(Client(), "192.0.2.200")


def test_a_browser_known_at_one_account_is_a_stranger_at_another(bob: Customer) -> None:
    make_person("bob@example.com", bob)
    browser = Client()
    assert signs_in(browser, GUESSER, email="bob@example.com")
    browser.post("/account/logout/")
    guess(GUESSER, 5, browser=browser)
    assert not signs_in(browser, GUESSER)


@pytest.mark.parametrize("forged", ["x", "", "a:b:c", "x" * 5000])
def test_a_cookie_that_is_not_ours_is_no_cookie(forged: str) -> None:
    browser = Client()
    browser.cookies[guessing.COOKIE] = forged
    guess(GUESSER, 5, browser=browser)
    assert not signs_in(browser, GUESSER)


def test_the_cookie_is_for_signing_in_alone() -> None:
    browser = Client()
    signs_in(browser, OWNER)
    cookie = browser.cookies[guessing.COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/account/", True, "Lax")
    assert EMAIL not in cookie.value
