"""Staff's own software on the fulfilment interface: what it sends and what it must hear."""

import json
from typing import Any

import pytest
from django.test import Client

from sutler.accounts.models import User
from tests.conftest import SAM_KEY

UNKNOWN_ID = 999_999
ORDER_KEYS = {
    "id",
    "user",
    "charge",
    "currency",
    "link",
    "quantity",
    "start_count",
    "remains",
    "service_id",
    "service_name",
    "service_type",
    "status",
    "created",
    "created_timestamp",
    "parent_id",
}


def heard(answer: Any) -> dict[str, Any]:
    """What the interface said, which must be JSON in its envelope and agree with the HTTP code."""
    assert answer["Content-Type"] == "application/json"
    said: dict[str, Any] = json.loads(answer.content)
    assert list(said) == ["data", "error_message", "error_code"]
    assert said["error_code"] == (0 if answer.status_code == 200 else answer.status_code)
    assert (said["data"] is None) == bool(said["error_message"]) == (answer.status_code != 200)
    return said


class Executor:
    """Staff's own software: one key and the wire."""

    def __init__(self, key: str = SAM_KEY) -> None:
        self.key = key
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=True)

    def send(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        given = {"content_type": "application/json", "headers": {"X-Api-Key": self.key}} | more
        return self.client.generic(method, f"/adminapi/v2/{path}", content, **given)

    def post(self, path: str, **body: object) -> Any:
        said = heard(self.send("POST", path, body))
        assert said["error_code"] == 0, said
        return said["data"]

    def get(self, path: str) -> Any:
        said = heard(self.send("GET", path))
        assert said["error_code"] == 0, said
        return said["data"]

    def refused(self, path: str, body: object = None, method: str = "POST") -> tuple[int, str]:
        said = heard(self.send(method, path, body))
        return said["error_code"], said["error_message"]


@pytest.fixture
def executor(sam: User) -> Executor:
    return Executor()
