"""What programs and people are told in Django's place, and how many connections a process takes."""

import json
import subprocess
import sys
from typing import Any

import pytest

from sutler.admission.light_answers import asset, refusal
from sutler.api.admin_request import BUSY, TOO_LARGE
from sutler.server import descriptors_allow

V1 = {"status": "fail", "error": "Service busy, try again"}
V2 = {"data": None, "error_message": "Service busy, try again", "error_code": 503}
PLAIN = {"error": "Service busy, try again"}


def scope(path: str, method: str = "GET", language: str = "en") -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"\xff",
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 80),
        "headers": [(b"accept-language", language.encode())],
    }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/adminapi/v1", V1),
        ("/adminapi/v1/", V1),
        ("/AdminApi/v1", V1),
        ("/adminapi/v2/orders", V2),
        ("/adminapi/v2/orders/pull", V2),
        ("/adminapi/v3", V2),
        ("/api/v1", PLAIN),
        ("/healthz", PLAIN),
        ("/metrics", PLAIN),
    ],
)
def test_programs_are_told_in_the_shape_they_expect(path: str, said: dict[str, object]) -> None:
    answer = refusal(scope(path), BUSY)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/json")
    assert json.loads(answer.content) == said
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Too many requests right now"), ("ru", "Сервис перегружен"), ("xx", "Too many")]
)
def test_people_are_told_in_their_language(language: str, text: str) -> None:
    answer = refusal(scope("/orders", language=language), BUSY)
    assert text in answer.content.decode()
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"


def test_a_body_that_is_too_large_ends_the_connection() -> None:
    answer = refusal(scope("/report", "POST"), TOO_LARGE)
    assert (answer.status_code, answer["Connection"]) == (413, "close")
    assert "Retry-After" not in answer


@pytest.mark.parametrize(
    ("path", "method"),
    [("/assets/web/base.css", "GET"), ("/assets/", "GET"), ("/orders", "GET"), ("/assets/x", "POST")],
)
def test_what_is_no_file_is_left_to_django(path: str, method: str) -> None:
    assert asset(scope(path, method)) is None


@pytest.mark.parametrize(("soft", "hard", "connections"), [(256, 1024, 824), (1024, 1024, 824), (100, 150, 1)])
def test_connections_stay_below_the_limit_on_descriptors(soft: int, hard: int, connections: int) -> None:
    program = (
        f"import resource as r; r.setrlimit(r.RLIMIT_NOFILE, ({soft}, {hard}));"
        "from sutler.server import descriptors_allow;"
        "print(descriptors_allow(4000), *r.getrlimit(r.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(connections), str(hard), str(hard)]


def test_fewer_connections_may_be_wanted() -> None:
    assert descriptors_allow(10) == 10
