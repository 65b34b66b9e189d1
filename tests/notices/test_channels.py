"""Telegram and webhooks against servers scripted from their documentation, over real HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from sutler.accounts.models import Customer
from sutler.fulfilment.models import Alarm
from sutler.notices.jobs import Reader
from sutler.notices.models import Channel, Delivery
from sutler.support import tickets
from tests.conftest import NOW
from tests.notices.conftest import DAY, passes
from tests.payments.gateway_server import Asked, GatewayServer, served

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
ALL = ["ticket", "payment"]


@pytest.fixture
def service_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayServer]:
    """Telegram at `/bot...`, else a webhook that answers 204 below /hook, 403 elsewhere."""
    monkeypatch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", ["127.0.0.1"])

    def script(asked: Asked) -> tuple[int, Any]:
        if asked.path.startswith("/bot"):
            if asked.path != f"/bot{TOKEN}/sendMessage":
                return 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}
            if json.loads(asked.body)["chat_id"] != "-100200":
                return 400, {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}
            return 200, {"ok": True, "result": {"message_id": 1}}
        return (204, b"") if asked.path == "/hook" else (403, b"invalid_token")

    with served(script) as server:
        yield server


def telegram(server: GatewayServer, **changed: str) -> dict[str, Any]:
    own = {"token": TOKEN, "chat_id": "-100200", "api_url": server.url} | changed
    return form(own)


def form(own: dict[str, str]) -> dict[str, Any]:
    common = {"name": "Desk", "kinds": ALL, "language": "en", "is_on": "on"}
    return common | {f"setting_{name}": value for name, value in own.items()}


def made(browser: Client, kind: str, fields: dict[str, Any]) -> Channel:
    answer = browser.post(f"/office/notices/channels/new?kind={kind}", fields)
    assert answer.status_code == 302, answer.content.decode()
    return Channel.objects.get()


def page_of_test(browser: Client, channel: Channel) -> str:
    return str(browser.post(f"/office/notices/channels/{channel.pk}/test", follow=True).content.decode())


def test_telegram_is_set_up_tested_and_hears(
    reader: Reader, sam_browser: Client, alice: Customer, service_server: GatewayServer
) -> None:
    channel = made(sam_browser, "telegram", telegram(service_server))
    assert TOKEN not in f"{channel.settings}{channel.sealed_settings}"
    page = sam_browser.get(f"/office/notices/channels/{channel.pk}").content.decode()
    assert TOKEN not in page
    assert "The test message was accepted." in page_of_test(sam_browser, channel)
    tickets.open_(alice.pk, None, "Where <b>is</b> it?", "x", NOW)
    passes(reader)
    sent = json.loads(service_server.asked[-1].body)
    assert sent["text"].startswith("[Sutler] New message in ticket ")
    assert "Where <b>is</b> it?" in sent["text"]
    assert "parse_mode" not in sent
    assert Delivery.objects.get(channel=channel).state == "sent"
    assert "Desk" in sam_browser.get("/office/notices/deliveries").content.decode()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"token": TOKEN[:-1] + "x"}, "HTTP 401 Unauthorized"),
        ({"chat_id": "-7"}, "HTTP 400 Bad Request: chat not found"),
    ],
)
def test_what_telegram_refuses_is_shown(
    sam_browser: Client, service_server: GatewayServer, changed: dict[str, str], why: str
) -> None:
    channel = made(sam_browser, "telegram", telegram(service_server, **changed))
    page = page_of_test(sam_browser, channel)
    assert why in page
    assert TOKEN[-10:-1] not in page


@pytest.mark.parametrize(
    "changed", [{"token": "abc"}, {"chat_id": "my chat"}, {"token": ""}, {"token": "\n"}, {"api_url": "ftp://x"}]
)
def test_settings_that_cannot_be_right_are_refused(
    sam_browser: Client, service_server: GatewayServer, changed: dict[str, str]
) -> None:
    answer = sam_browser.post("/office/notices/channels/new?kind=telegram", telegram(service_server, **changed))
    assert 'class="errorlist"' in answer.content.decode()
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("service", "body"),
    [
        ("slack", {"text": "[Sutler]\n\nThis is a test message. Notices will arrive here."}),
        ("mattermost", {"text": "[Sutler]\n\nThis is a test message. Notices will arrive here."}),
        (
            "discord",
            {
                "content": "[Sutler]\n\nThis is a test message. Notices will arrive here.",
                "allowed_mentions": {"parse": []},
            },
        ),
        ("json", {"subject": "[Sutler]", "text": "This is a test message. Notices will arrive here."}),
        ("ntfy", "[Sutler]\n\nThis is a test message. Notices will arrive here."),
    ],
)
def test_each_service_gets_its_form(
    sam_browser: Client, service_server: GatewayServer, service: str, body: dict[str, Any] | str
) -> None:
    own = {"form": service, "url": f"{service_server.url}/hook", "token": "tk_1"}
    channel = made(sam_browser, "webhook", form(own))
    assert "The test message was accepted." in page_of_test(sam_browser, channel)
    [asked] = service_server.asked
    sent = asked.body.decode()
    assert (json.loads(sent) if isinstance(body, dict) else sent) == body
    assert asked.headers["authorization"] == "Bearer tk_1"


def test_a_private_address_is_refused(
    sam_browser: Client, service_server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", [])
    own = {"form": "slack", "url": f"{service_server.url}/hook".replace("http:", "https:")}
    channel = made(sam_browser, "webhook", form(own))
    assert "cannot be reached" in page_of_test(sam_browser, channel)
    assert service_server.asked == []


def test_what_never_arrives_is_given_up_with_an_alarm(
    reader: Reader, sam_browser: Client, alice: Customer, service_server: GatewayServer
) -> None:
    channel = made(sam_browser, "webhook", form({"form": "slack", "url": f"{service_server.url}/gone"}))
    tickets.open_(alice.pk, None, "Where is it?", "x", NOW)
    for day in range(8):
        passes(reader, NOW + day * DAY)
    delivery = Delivery.objects.filter(channel=channel).order_by("pk")[0]
    assert (delivery.state, delivery.attempts, delivery.fault) == ("given up", 6, "it answered HTTP 403 invalid_token")
    alarm = Alarm.objects.get(kind=Alarm.Kind.NOTICES)
    assert alarm.cause == {"kind": "notice given up", "channel": "Desk", "fault": "it answered HTTP 403 invalid_token"}


def test_a_channel_is_removed_with_what_waits_for_it(sam_browser: Client, service_server: GatewayServer) -> None:
    channel = made(sam_browser, "telegram", telegram(service_server))
    sam_browser.post(f"/office/notices/channels/{channel.pk}/remove")
    assert not Channel.objects.exists()


def test_my_notices_are_stored(sam_browser: Client) -> None:
    fields = {"kinds": ALL, "when": "daily", "daily_hour": "8", "quiet_from": "22", "quiet_until": "7"}
    answer = sam_browser.post("/office/notices", fields | {"language": "ru", "time_zone": "Asia/Tokyo"})
    assert answer.headers["Location"] == "/office/notices"
    page = sam_browser.get("/office/notices").content.decode()
    assert 'lang="ru"' in page
    assert page.count("checked") == len(ALL)
