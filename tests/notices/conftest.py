"""A reader that has begun, and a mail server that the panel sends to."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from sutler.accounts import mail
from sutler.notices import send
from sutler.notices.jobs import Reader, forget_old
from sutler.notices.models import Reading
from tests.conftest import NOW
from tests.notices.smtp_server import SmtpServer, smtp_server
from tests.pages.conftest import browser_of, make_person

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def reader(db: None) -> Reader:
    """What was before it is nobody's news."""
    reader = Reader()
    assert reader.read(NOW - MINUTE) == 0
    return reader


@pytest.fixture
def sam_browser(db: None) -> Client:
    return browser_of(make_person("owner@example.com", role="owner"))


@pytest.fixture
def server(settings: Settings) -> Iterator[SmtpServer]:
    settings.SUTLER = settings.SUTLER | {"SUTLER_PUBLIC_URL": "https://panel.example"}
    with smtp_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def passes(reader: Reader, now: datetime = NOW, *, was_running: bool = True) -> None:
    """What a worker that was running until now does in one pass, letters too."""
    if was_running:
        Reading.objects.update(read_at=now - MINUTE)
    reader.read(now)
    for job in (send.send_due, mail.send_due, send.follow_letters, forget_old):
        job(now)
