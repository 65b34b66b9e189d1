"""The newer fulfilment interface: whose keys it takes, and what it says when something is wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from sutler.accounts import keys
from sutler.accounts.models import ApiKey, Customer, User
from sutler.api import admin_v2
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.fulfilment.desk import desk
from sutler.orders.models import Order
from sutler.storage.transactions import Busy, CommitUnclear
from tests.api.admin_caller import Executor, heard
from tests.conftest import ALICE_KEY, NOW, SAM_KEY
from tests.orders.ordering import placed

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", ["", "wrong", ALICE_KEY, SAM_KEY[:-1], SAM_KEY.upper() + "é"])
def test_only_keys_of_staff_are_taken(executor: Executor, alice: Customer, service: Service, key: str) -> None:
    placed(alice, service)
    for route in admin_v2.ROUTES:
        stranger = Executor(key)
        refused = stranger.refused(route.path.replace("{id}", "1"), {"ids": "1", "status": "completed"}, route.method)
        assert refused == (401, "Invalid API key")
    assert Order.objects.get().status == Status.PENDING


def test_a_key_ends_with_its_holder(executor: Executor, sam: User) -> None:
    executor.get("orders")
    sam.is_active = False
    sam.save()
    assert executor.refused("orders", method="GET") == (401, "Invalid API key")


def test_a_revoked_key_is_none(executor: Executor) -> None:
    key = ApiKey.objects.get(digest=keys.digest(SAM_KEY))
    keys.revoke(key.pk, NOW)
    assert executor.refused("orders", method="GET") == (401, "Invalid API key")


@pytest.mark.parametrize("scope", keys.STAFF_SCOPES)
def test_a_key_may_do_what_its_scope_says(sam: User, scope: str) -> None:
    secret = "6" * 64
    keys.create(secret, NOW, user_id=sam.pk, scopes=(scope,))
    executor = Executor(secret)
    for route in admin_v2.ROUTES:
        code = heard(executor.send(route.method, route.path.replace("{id}", "1"), {}))["error_code"]
        assert (code == 403) == (route.scope != scope), route


@pytest.mark.parametrize(
    ("networks", "address", "code"),
    [
        (("10.0.0.0/8",), "10.1.2.3", 0),
        (("10.0.0.0/8",), "11.1.2.3", 401),
        (("10.0.0.0/8",), "", 401),
        (("2001:db8::/32", "10.0.0.1"), "2001:db8::5", 0),
        ((), "", 0),
    ],
)
def test_a_key_may_be_kept_to_addresses(sam: User, networks: tuple[str, ...], address: str, code: int) -> None:
    secret = "7" * 64
    keys.create(secret, NOW, user_id=sam.pk, networks=networks)
    sent = Executor(secret).send("GET", "orders", REMOTE_ADDR=address)
    assert heard(sent)["error_code"] == code


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(executor: Executor) -> None:
    key = ApiKey.objects.filter(digest=keys.digest(SAM_KEY))
    executor.get("orders")
    used_at = key.get().last_used_at
    assert used_at is not None
    executor.get("orders")
    assert key.get().last_used_at == used_at
    key.update(last_used_at=used_at - timedelta(seconds=61))
    executor.get("orders")
    again = key.get().last_used_at
    assert again is not None
    assert used_at <= again <= datetime.now(UTC)


@pytest.mark.parametrize(
    "path",
    ["/adminapi/v2/", "/adminapi/v2/nothing", "/adminapi/v2/orders/x", "/adminapi/v2/orders/1/2"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_paths_are_json_too(executor: Executor, path: str, method: str) -> None:
    said = heard(executor.client.generic(method, path))
    assert (said["error_code"], said["error_message"]) == (404, "Not found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "orders/pull", "POST"),
        ("PUT", "orders/update", "POST"),
        ("DELETE", "orders/1", "GET"),
        ("POST", "orders", "GET"),
        ("PATCH", "cancel/reject", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(executor: Executor, method: str, path: str, allowed: str) -> None:
    answer = executor.send(method, path)
    assert heard(answer)["error_code"] == 405
    assert answer["Allow"] == allowed


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1]", b"[" * 100_000, b'"text"', b"\xff\xfe", b'{"a":NaN}', b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"null"],
)
def test_malformed_json_is_said_to_be(executor: Executor, alice: Customer, service: Service, body: bytes) -> None:
    placed(alice, service)
    assert heard(executor.send("POST", "orders/pull", body))["error_message"] == "Incorrect request"
    assert Order.objects.get().status == Status.PENDING


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nbroken"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"limit=%FF%FE"),
        ("text/plain", b"\x00\x01"),
    ],
)
def test_hostile_forms_are_answered(executor: Executor, content_type: str, body: bytes) -> None:
    assert heard(executor.send("POST", "orders/pull", body, content_type=content_type))["error_code"] in {0, 400}


def test_what_was_sent_is_echoed_as_text_only(executor: Executor) -> None:
    sent = b"ids=%ED%A0%80,%00," + b"9" * 5000 + b"&status=completed"
    answer = executor.send("POST", "orders/change-status", sent, content_type="application/x-www-form-urlencoded")
    outcomes = heard(answer)["data"]["orders"]
    assert [each["success"] for each in outcomes] == [False, False, False]
    assert max(len(each["id"]) for each in outcomes) <= 100
    huge = executor.send("POST", "orders/update", b'{"orders":[{"id":' + b"9" * 400 + b',"remains":1}]}')
    assert heard(huge)["data"]["orders"][0]["success"] is False


def test_a_body_has_a_limit(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_BODY_LIMIT_BYTES", 100)
    assert heard(executor.send("POST", "orders/pull", b" " * 101))["error_code"] == 413
    assert heard(executor.send("POST", "orders/pull", b"{}" + b" " * 98))["error_code"] == 0


@pytest.mark.parametrize(
    ("error", "code", "retry_after"),
    [(Busy("locked"), 503, "1"), (CommitUnclear(), 500, None), (KeyError("bug"), 500, None)],
)
def test_faults_are_answered_in_the_envelope(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, retry_after: str | None
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(desk, "pull", fail)
    answer = executor.send("POST", "orders/pull")
    said = heard(answer)
    assert said["error_code"] == code
    assert answer.get("Retry-After") == retry_after
    assert "bug" not in said["error_message"]


def test_a_table_that_is_gone_is_no_html(executor: Executor) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_cancelrequest RENAME TO elsewhere")
    assert heard(executor.send("POST", "cancel/pull"))["error_code"] in {500, 503}
