"""From nothing to a dashboard: signing up, confirming the address, accepting the terms."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import caches
from django.test import Client

from sutler.accounts import terms
from sutler.accounts.models import Customer, User
from sutler.books.balances import balances
from tests.conftest import NOW
from tests.pages.conftest import PASSWORD, make_person, sent

SIGN_UP = "/account/signup/"
FORM = {"email": "carol@example.com", "name": "Carol Ltd", "password1": PASSWORD}


def test_from_sign_up_to_the_dashboard(guest: Client) -> None:
    answer = guest.post(SIGN_UP, FORM)
    assert answer.headers["Location"] == "/account/confirm-email/"
    assert guest.get("/dashboard").status_code == 302  # not before the address is confirmed
    [letter] = sent()
    assert letter.to == ["carol@example.com"]
    assert "Sutler" in letter.body
    [link] = re.findall(r"http://testserver(/account/confirm-email/\S+)", str(letter.body))
    assert guest.get(link).status_code == 200
    assert guest.post(link, follow=True).status_code == 200
    answer = guest.get("/", follow=True)
    assert answer.redirect_chain == [("/dashboard", 302)]
    assert "Dashboard" in answer.content.decode()


def test_whoever_signs_up_is_a_customer_with_an_empty_wallet_in_the_base_currency(guest: Client) -> None:
    guest.post(SIGN_UP, FORM)
    user = User.objects.get(email="carol@example.com")
    assert (user.name, user.is_staff, user.role) == ("Carol Ltd", False, "")
    assert user.customer is not None
    assert (user.customer.name, user.customer.currency) == ("Carol Ltd", "USD")
    assert balances([user.customer.pk]) == [(0, "USD")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"email": "carol"}, "valid email"),
        ({"name": ""}, "required"),
        ({"password1": "short"}, "at least 10 characters"),
        ({"password1": "carol@example.com"}, "similar"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_the_rest_is_kept(
    guest: Client, change: dict[str, str], said: str
) -> None:
    html = guest.post(SIGN_UP, FORM | change).content.decode()
    assert re.search(rf'class="errorlist"[^>]*>.*{said}', html)
    kept = [value for name, value in FORM.items() if name not in change and name != "password1"]
    assert all(f'value="{value}"' in html for value in kept)
    assert not User.objects.exists()
    assert not Customer.objects.exists()


def test_an_address_that_signs_in_already_is_not_given_away(guest: Client) -> None:
    make_person("carol@example.com", Customer.objects.create(name="C", currency="USD", created_at=NOW))
    answer = guest.post(SIGN_UP, FORM)
    assert answer.headers["Location"] == "/account/confirm-email/"
    assert User.objects.count() == 1
    assert "already" in sent()[0].body


def test_the_terms_are_accepted_in_the_version_that_was_shown(guest: Client) -> None:
    version = terms.publish("Pay first.", "", None, NOW)
    assert "Pay first." in guest.get("/terms").content.decode()
    shown = guest.get(SIGN_UP).content.decode()
    assert f'name="terms_version" value="{version.pk}"' in shown  # type: ignore[union-attr]
    assert "Read and accept the terms." in guest.post(SIGN_UP, FORM | {"terms_version": version.pk}).content.decode()  # type: ignore[union-attr]
    newer = terms.publish("Pay first, and promptly.", "", None, NOW)
    late = guest.post(SIGN_UP, FORM | {"terms": "on", "terms_version": version.pk}).content.decode()  # type: ignore[union-attr]
    assert "terms have just changed" in late
    assert f'name="terms_version" value="{newer.pk}"' in late  # type: ignore[union-attr]
    assert not User.objects.exists()
    guest.post(SIGN_UP, FORM | {"terms": "on", "terms_version": newer.pk})  # type: ignore[union-attr]
    assert terms.accepted(User.objects.get())


def test_without_terms_there_is_no_page_and_no_question(guest: Client) -> None:
    assert guest.get("/terms").status_code == 404
    assert 'name="terms"' not in guest.get(SIGN_UP).content.decode()


def test_who_signs_up_has_to_confirm_the_address(guest: Client) -> None:
    guest.post(SIGN_UP, FORM)
    assert not EmailAddress.objects.get().verified
    answer = guest.post("/account/login/", {"login": FORM["email"], "password": PASSWORD})
    assert answer.headers["Location"] == "/account/confirm-email/"


def test_the_confirmation_is_sent_again_to_who_signs_in_without_it(guest: Client) -> None:
    page = guest.post(SIGN_UP, FORM, follow=True).content.decode()
    assert 'href="/account/login/"' in page
    assert len(sent()) == 1
    for is_later, letters in ((False, 1), (True, 2)):
        if is_later:
            caches["default"].clear()  # three minutes are over
        answer = guest.post("/account/login/", {"login": FORM["email"], "password": PASSWORD})
        assert answer.headers["Location"] == "/account/confirm-email/"
        assert len(sent()) == letters
