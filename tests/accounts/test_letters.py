"""Letters of the sign-in pages and of the panel: queued with what they tell, sealed while they wait, in its name."""

from datetime import timedelta

import pytest
from django.core import mail as outgoing
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from pytest_django.fixtures import Settings

from sutler.accounts import mail
from sutler.accounts.models import Customer, Letter, PanelProfile, User
from tests.conftest import NOW
from tests.pages.conftest import PASSWORD, make_person
from tests.pages.test_signing_up import FORM, SIGN_UP

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
LATER = NOW + timedelta(days=365)
AWAY = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": 9}


@pytest.fixture
def no_mail_server(settings: Settings) -> Settings:
    for name, value in AWAY.items():
        setattr(settings, name, value)
    return settings


def test_without_a_mail_server_signing_up_works_and_the_letter_waits(client: Client, no_mail_server: Settings) -> None:
    assert client.post(SIGN_UP, FORM).headers["Location"] == "/account/confirm-email/"
    letter = Letter.objects.get()
    assert mail.send_due(letter.written_at) == 1
    letter.refresh_from_db()
    assert (letter.sent_at, letter.attempts) == (None, 1)
    assert letter.due_at is not None
    no_mail_server.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert mail.send_due(letter.due_at) == 1
    [sent] = outgoing.outbox
    assert "/account/confirm-email/" in sent.body


def test_without_a_mail_server_a_reset_is_a_letter_that_waits(
    client: Client, alice: Customer, no_mail_server: Settings
) -> None:
    make_person("alice@example.com", alice)
    assert client.post("/account/password/reset/", {"email": "alice@example.com"}).status_code == 302
    assert Letter.objects.get().to == "alice@example.com"


def test_a_server_that_is_away_is_waited_for_once_not_once_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def away(_: EmailBackend) -> None:
        tries.append(1)
        raise TimeoutError

    monkeypatch.setattr(EmailBackend, "open", away)
    for number in range(5):
        mail.write(f"{number}@example.com", "s", "x", NOW)
    assert mail.send_due(NOW) == 5
    assert len(tries) == 1
    assert set(Letter.objects.values_list("fault", flat=True)) == {"TimeoutError: "}


def test_a_link_is_sealed_while_it_waits_and_gone_once_it_is_sent(client: Client) -> None:
    client.post(SIGN_UP, FORM)
    letter = Letter.objects.get()
    assert letter.text == ""
    assert "confirm-email" not in letter.sealed_text
    mail.send_due(letter.written_at)
    letter.refresh_from_db()
    assert (letter.sealed_text, letter.sent_at is not None) == ("", True)


def test_a_letter_that_was_sealed_with_a_lost_key_is_given_up_and_says_so(settings: Settings) -> None:
    mail.write("a@example.com", "s", "x", NOW, is_secret=True)
    settings.SECRET_KEY = "another"
    now = NOW
    for _ in range(6):
        mail.send_due(now)
        now += timedelta(days=1)
    letter = Letter.objects.get()
    assert (letter.due_at, letter.sealed_text, letter.fault[:11]) == (None, "", "Unreadable:")


@pytest.mark.parametrize(
    ("public_url", "sender", "domain"),
    [
        ("https://panel.example", "panel@localhost", "panel.example"),
        ("", "Desk <desk@mail.example>", "mail.example"),
        ("https://panel.example:8443/", "desk@mail.example", "panel.example"),
    ],
)
def test_letters_carry_the_panels_name_and_domain(
    client: Client, settings: Settings, public_url: str, sender: str, domain: str
) -> None:
    settings.SUTLER = settings.SUTLER | {"SUTLER_PUBLIC_URL": public_url}
    settings.DEFAULT_FROM_EMAIL = sender
    PanelProfile.objects.create(pk=1, name="Likes & Co")
    client.post(SIGN_UP, FORM)
    client.post("/account/password/reset/", {"email": FORM["email"]})
    mail.write("a@example.com", "Your funds at Likes & Co", "x", NOW)
    mail.send_due(LATER)
    assert len(outgoing.outbox) == 3
    for letter in outgoing.outbox:
        message = letter.message()
        assert "Likes & Co" in str(message["Subject"])
        assert str(message["Message-ID"]).endswith(f"@{domain}>")
        assert "example.com" not in letter.body.replace(FORM["email"], "").replace("a@example.com", "")
    ids = [str(each.message()["Message-ID"]) for each in outgoing.outbox]
    assert len(set(ids)) == 3


def test_a_letter_that_is_sent_twice_is_the_same_letter() -> None:
    letter = mail.write("a@example.com", "s", "x", NOW)
    mail.send_due(NOW)
    Letter.objects.filter(pk=letter.pk).update(due_at=NOW, sent_at=None)
    mail.send_due(NOW)
    first, second = (str(each.message()["Message-ID"]) for each in outgoing.outbox)
    assert first == second


def test_letters_that_wait_are_a_figure(client: Client) -> None:
    mail.write("a@example.com", "s", "x", NOW)
    assert "sutler_letters_waiting 1.0" in client.get("/metrics").content.decode()


def test_a_person_signs_in_only_after_the_letter(client: Client) -> None:
    client.post(SIGN_UP, FORM)
    assert User.objects.count() == 1
    assert client.post("/account/login/", {"login": FORM["email"], "password": PASSWORD}).status_code == 302
