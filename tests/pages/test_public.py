"""What everybody sees: the panel's face, terms, reports; and the doors that new terms close."""

import re

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts import panel, terms
from sutler.accounts.models import Customer, User
from sutler.core.clock import SystemClock
from sutler.support.models import Ticket
from sutler.web import branding
from sutler.web.sign_in.sessions import browser_words
from tests.conftest import make_service

GIVEN = {"email": "eve@example.com", "subject": "A link", "text": "This is mine."}
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Mobile Safari/604.1"


def test_the_front_page_shows_what_is_sold_and_from_which_price(guest: Client) -> None:
    service = make_service()
    html = guest.get("/").content.decode()
    assert service.category.name in html
    assert "per 1,000" in html


def test_the_panels_face_is_on_every_page(guest: Client, alice_browser: Client, sam: User) -> None:
    now = SystemClock().now()
    assert panel.change("Corner shop", "All from one hand", "#ffee00", sam, now) is None
    assert panel.set_logo(b"\x89PNG\r\n\x1a\nrest", sam, now) is None
    for browser, path in ((guest, "/"), (guest, "/account/login/"), (alice_browser, "/dashboard")):
        html = browser.get(path).content.decode()
        assert "Corner shop" in html
        assert "/panel/accent.css?ffee00" in html
        assert "/panel/logo?" in html
    assert guest.get("/panel/logo").headers["Content-Type"] == "image/png"
    assert "--accent:#" in guest.get("/panel/accent.css").content.decode()


@pytest.mark.parametrize("accent", ["#ffee00", "#000000", "#ffffff", "#1f6f5c", "#ff0000", "#0000ff", "#808080"])
def test_an_accent_can_be_read_whatever_it_is(accent: str) -> None:
    colours = re.findall(
        r"--accent:#(\w+);--focus:#\w+;--accent-soft:#(\w+);--on-accent:#(\w+)", branding.stylesheet(accent)
    )
    assert len(colours) == 3
    for found, soft, on_accent in colours:
        ink, ground, over = ((int(c[:2], 16), int(c[2:4], 16), int(c[4:], 16)) for c in (found, soft, on_accent))
        assert branding.contrast(ink, ground) >= 4.5
        assert branding.contrast(ink, over) >= 4.5


def test_a_report_opens_a_ticket_and_too_many_are_refused_without_losing_what_was_typed(guest: Client) -> None:
    for _ in range(5):
        assert guest.post("/report", GIVEN).headers["Location"] == "/report/sent"
    answer = guest.post("/report", GIVEN)
    assert "This is mine." in answer.content.decode()
    assert answer.context["form"].non_field_errors()
    assert Ticket.objects.filter(customer=None, category="report").count() == 5
    assert guest.post("/report", GIVEN | {"email": "eve"}).context["form"].errors.keys() == {"email"}


def test_new_terms_are_asked_for_once(alice_browser: Client, sam: User) -> None:
    now = SystemClock().now()
    version = terms.publish("Be kind.", "No harm.", sam, now)
    caches["process"].clear()
    asked = alice_browser.get("/orders?status=x")
    assert asked.headers["Location"] == "/terms/accept?next=/orders%3Fstatus%3Dx"
    assert "Be kind." in alice_browser.get(asked.headers["Location"]).content.decode()
    stale = alice_browser.post("/terms/accept", {"version": "999", "next": "/orders"})
    assert stale.status_code == 200
    given = {"version": version.pk, "next": "https://evil.example/"}  # type: ignore[union-attr]
    assert alice_browser.post("/terms/accept", given).headers["Location"] == "/"
    assert alice_browser.get("/orders").status_code == 200
    assert "No harm." in alice_browser.get("/acceptable-use").content.decode()


def test_a_session_is_named_as_people_do() -> None:
    assert browser_words(CHROME) == "Chrome on Linux"
    assert browser_words(PHONE) == "Safari on iOS"
    assert browser_words("curl/8") == "Unknown browser"


def test_one_other_session_is_signed_out_by_its_owner_alone(alice_browser: Client, bob_browser: Client) -> None:
    user = User.objects.get(email="alice@example.com")
    other = Client(headers={"user-agent": CHROME})
    other.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    session = UserSession.objects.create(
        user=user, ip="203.0.113.7", user_agent=CHROME, session_key=other.session.session_key
    )
    assert "Chrome on Linux" in alice_browser.get("/account/sessions/").content.decode()
    assert bob_browser.post(f"/account/sessions/{session.pk}/end").status_code == 404
    assert other.get("/dashboard").status_code == 200
    assert alice_browser.post(f"/account/sessions/{session.pk}/end").status_code == 302
    assert other.get("/dashboard").status_code == 302


def test_a_profile_is_saved_and_a_country_said_once(alice: Customer, alice_browser: Client) -> None:
    given = {"name": "Al", "language": "en", "time_zone": "Europe/Paris", "country": "FR", "notices": ["funds"]}
    assert alice_browser.post("/account", given).status_code == 302
    user = User.objects.get(email="alice@example.com")
    assert (user.name, user.time_zone, user.notices) == ("Al", "Europe/Paris", "funds")
    assert alice_browser.post("/account", given | {"country": "DE"}).status_code == 302
    alice.refresh_from_db()
    assert alice.country == "FR"
    wrong = alice_browser.post("/account", given | {"time_zone": "Moon"})
    assert wrong.context["form"].errors.keys() == {"time_zone"}


def test_the_api_page_stands_in_the_layout_of_its_reader(guest: Client, alice_browser: Client) -> None:
    for browser, has_menu in ((guest, False), (alice_browser, True)):
        html = browser.get("/api").content.decode()
        assert html.count("<main") == html.count("<h1") == 1
        assert ("Sign out" in html) is has_menu


def test_an_error_page_bears_the_panels_name_and_asks_no_database(guest: Client, sam: User) -> None:
    panel.change("Lantern Panel", "", "#224466", sam, SystemClock().now())
    guest.get("/")
    caches["process"].delete("panel_face")  # what the process has read grows old; the error page still has it
    with CaptureQueriesContext(connection) as queries:
        html = guest.get("/nowhere").content.decode()
    assert "Lantern Panel" in html
    assert "224466" in html
    assert not [each["sql"] for each in queries if "panelprofile" in each["sql"]]
