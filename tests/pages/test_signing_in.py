"""Signing in and out, the second factor, sessions, and being signed in as a customer."""

import base64
import hmac
import re
import struct

import pytest
from django.test import Client

from sutler.accounts.models import Customer, Role, Shared
from sutler.core.clock import SystemClock
from sutler.web.sign_in import impersonation
from tests.pages.conftest import PASSWORD, browser_of, make_person, sent

LOGIN = "/account/login/"


def sign_in(browser: Client, password: str = PASSWORD) -> str:
    """Where the panel sends who signs in as Alice; empty if it shows the form again."""
    answer = browser.post(LOGIN, {"login": "alice@example.com", "password": password})
    return answer.headers.get("Location", "")


def one_time_code(secret: str) -> str:
    """The code of RFC 6238 for now."""
    counter = struct.pack(">Q", int(SystemClock().now().timestamp()) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture
def alice_signs_in(alice: Customer) -> Client:
    make_person("alice@example.com", alice)
    return Client()


def test_the_right_password_leads_in_and_signing_out_leads_out(alice_signs_in: Client) -> None:
    assert sign_in(alice_signs_in) == "/"
    assert alice_signs_in.get("/dashboard").status_code == 200
    assert alice_signs_in.get("/account/logout/").status_code == 200  # asks first
    alice_signs_in.post("/account/logout/")
    assert alice_signs_in.get("/dashboard").status_code == 302


def test_a_wrong_password_says_nothing_of_the_address(alice_signs_in: Client) -> None:
    known = alice_signs_in.post(LOGIN, {"login": "alice@example.com", "password": "wrong"}).content.decode()
    unknown = alice_signs_in.post(LOGIN, {"login": "nobody@example.com", "password": "wrong"}).content.decode()
    said = re.compile(r'class="message error"[^>]*>.*?<span>(.*?)</span>', re.DOTALL)
    assert said.findall(known) == said.findall(unknown) != []


def test_guessing_is_stopped(alice_signs_in: Client) -> None:
    for _ in range(12):
        sign_in(alice_signs_in, "wrong")
    assert sign_in(alice_signs_in) == ""


def test_attempts_are_counted_where_every_process_looks(alice_signs_in: Client) -> None:
    sign_in(alice_signs_in, "wrong")
    assert Shared.objects.exists()


def test_somebody_shut_out_cannot_sign_in(alice: Customer) -> None:
    person = make_person("alice@example.com", alice)
    person.is_active = False
    person.save()
    assert sign_in(Client()) in {"", "/account/inactive/"}


def test_after_signing_in_one_is_where_one_wanted_to_be(alice_signs_in: Client) -> None:
    form = {"login": "alice@example.com", "password": PASSWORD, "next": "/dashboard"}
    assert alice_signs_in.post(LOGIN, form).headers["Location"] == "/dashboard"
    other = Client().post(LOGIN, form | {"next": "https://evil.example/"})
    assert other.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/office/routes/3?page=2#top", "/office/routes/3%3Fpage%3D2"),
        ("http://evil.example/office", "/office/routes/3/enable"),
        ("http://testserver//evil.example", "/office/routes/3/enable"),
        ("", "/office/routes/3/enable"),
    ],
)
def test_who_sent_a_form_too_late_comes_back_to_its_page(referer: str, back: str) -> None:
    answer = Client().post("/office/routes/3/enable", headers={"Referer": referer})
    assert answer.headers["Location"] == f"{LOGIN}?next={back}"


def test_a_forgotten_password_is_set_anew_by_letter(alice_signs_in: Client) -> None:
    alice_signs_in.post("/account/password/reset/", {"email": "alice@example.com"})
    [link] = re.findall(r"http://testserver(\S+)", str(sent()[0].body))
    form = alice_signs_in.get(link, follow=True)
    alice_signs_in.post(
        form.request["PATH_INFO"], {"password1": "another fine secret", "password2": "another fine secret"}
    )
    assert sign_in(alice_signs_in) == ""
    assert sign_in(alice_signs_in, "another fine secret") == "/"


def test_a_second_factor_is_enrolled_and_then_demanded(alice_signs_in: Client) -> None:
    sign_in(alice_signs_in)
    assert alice_signs_in.get("/account/2fa/totp/activate/").headers["Location"].startswith("/account/reauthenticate/")
    alice_signs_in.post("/account/reauthenticate/", {"password": PASSWORD})
    html = alice_signs_in.get("/account/2fa/totp/activate/").content.decode()
    assert "<svg" in html.partition('class="qr"')[2]
    [secret] = re.findall(r'id="authenticator_secret" value="(\w+)"', html)
    answer = alice_signs_in.post("/account/2fa/totp/activate/", {"code": one_time_code(secret)})
    assert answer.headers["Location"] == "/account/2fa/recovery-codes/"
    codes = alice_signs_in.get("/account/2fa/recovery-codes/").content.decode()
    recovery = re.findall(
        r"^(\d{8})$", codes.partition("<textarea")[2].replace(">", ">\n").replace("<", "\n<"), re.MULTILINE
    )
    later = Client()
    assert sign_in(later) == "/account/2fa/authenticate/"
    assert later.get("/dashboard").status_code == 302
    assert later.post("/account/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert later.post("/account/2fa/authenticate/", {"code": recovery[0]}).headers["Location"] == "/"
    assert later.get("/dashboard").status_code == 200


def test_other_sessions_are_listed_and_ended(alice_signs_in: Client) -> None:
    here, there = alice_signs_in, Client(headers={"user-agent": "Another browser"})
    sign_in(here)
    sign_in(there)
    assert "Another browser" in here.get("/account/sessions/").content.decode()
    here.post("/account/sessions/")
    assert here.get("/dashboard").status_code == 200
    assert there.get("/dashboard").status_code == 302


@pytest.mark.parametrize("path", [LOGIN, "/account/signup/", "/account/logout/", "/theme", "/language", "/office/stop"])
def test_a_form_from_elsewhere_is_turned_away(db: None, path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path, {"theme": "dark"})
    assert answer.status_code == 403
    assert "Access denied" in answer.content.decode()


def test_staff_see_the_shop_as_a_customer_until_they_stop(alice: Customer) -> None:
    browser = browser_of(make_person("sue@example.com", role=Role.SUPPORT))
    session = browser.session
    session[impersonation.SESSION_KEY] = alice.pk
    session.save()
    html = browser.get("/dashboard").content.decode()
    assert "signed in as Alice" in html
    assert "10,000.00" in html
    assert browser.post("/office/stop").headers["Location"] == "/office/"
    assert browser.get("/dashboard").status_code == 404


def test_a_customer_cannot_be_signed_in_as_another(alice_browser: Client, bob: Customer) -> None:
    session = alice_browser.session
    session[impersonation.SESSION_KEY] = bob.pk
    session.save()
    assert "signed in as" not in alice_browser.get("/dashboard").content.decode()


def test_staff_without_the_right_are_not_signed_in_as_anybody(alice: Customer) -> None:
    browser = browser_of(make_person("fred@example.com", role=Role.FULFILMENT))
    session = browser.session
    session[impersonation.SESSION_KEY] = alice.pk
    session.save()
    assert browser.get("/dashboard").status_code == 404
