"""The access log: a line a request that hides what is secret, and logs that no name from outside makes long."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sutler.admission.access_log import AccessLog, shown
from sutler.cli import LARGEST_LOG_BYTES, main
from sutler.ops.logs import LONGEST_VALUE, MOST_TRACE_LINES, bounded, without_needless_trace
from tests.live.caller import until
from tests.live.panel import Panel, Server

LONG = "x" * 8000


@pytest.mark.parametrize(
    ("path", "in_log"),
    [
        ("/api/v2", "/api/v2"),
        ("/orders/17", "/orders/17"),
        ("/assets/web/base.0123456789ab.css", "/assets/web/base.0123456789ab.css"),
        ("/account/login/", "/account/login/"),
        ("/account/2fa/recovery-codes/", "/account/2fa/recovery-codes/"),
        ("/account/sessions/17/end", "/account/sessions/17/end"),
        ("/account/confirm-email/Mw:1wBkYq:3F-abcdefgh/", "/account/confirm-email/***/"),
        ("/account/password/reset/key/1-d3f0ab-0123456789abcdef0123456789abcdef/", "/account/password/reset/key/***/"),
        ("//account/confirm-email/abc:def:ghi", "//account/confirm-email/***"),
        ("/account/confirm-email/" + "a" * 64, "/account/confirm-email/***"),
        ("/" + LONG, "/" + "x" * 199 + "..."),
    ],
)
def test_a_path_is_logged_without_keys_of_links_and_bounded(path: str, in_log: str) -> None:
    assert shown(path) == in_log


@pytest.fixture(scope="module")
def logging_server(panel: Panel) -> Server:
    return panel.server(SUTLER_ACCESS_LOG="1", SUTLER_LOG_FORMAT="json")


@pytest.fixture
def logged(logging_server: Server) -> Server:
    """A server that logs requests, as JSON, with nothing in its log yet."""
    logging_server.log.write_text("")
    return logging_server


def lines(server: Server) -> list[dict[str, Any]]:
    told = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [json.loads(line) for line in told]


def asked(server: Server) -> list[dict[str, Any]]:
    return [line for line in lines(server) if line["event"] == "request" and line["path"] != "/healthz"]


def test_each_request_is_one_line_with_the_id_that_the_caller_got(panel: Panel, logged: Server) -> None:
    caller = panel.customer("Logged").via(logged)
    answers = [
        caller.post({"action": "balance"}),
        logged.http.get(f"{logged.url}/api/v2?key={caller.key}&action=balance"),
        logged.http.get(f"{logged.url}/account/confirm-email/Mw:1wBkYq:secret-token/"),
        logged.http.get(f"{logged.url}/nothing-here"),
    ]
    until(lambda: len(asked(logged)) == len(answers))
    for answer, line in zip(answers, asked(logged), strict=True):
        assert answer.headers["X-Request-ID"] == line["request_id"]
        assert answer.status_code == line["status"]
        assert (line["address"], line["milliseconds"] >= 0) == ("127.0.0.1", True)
    assert [line["path"] for line in asked(logged)][1:] == ["/api/v2", "/account/confirm-email/***/", "/nothing-here"]
    assert len({answer.headers["X-Request-ID"] for answer in answers}) == len(answers)
    assert caller.key not in logged.log.read_text()
    assert "secret-token" not in logged.log.read_text().replace("Not Found", "")


def test_switched_off_nothing_is_wrapped_and_nothing_written(panel: Panel) -> None:
    answer = panel.http.get(f"{panel.url}/healthz")
    assert "X-Request-ID" not in answer.headers
    assert '"event": "request"' not in panel.main.log.read_text()
    assert (
        AccessLog.__module__
        not in subprocess.run(
            [sys.executable, "-c", "from sutler.asgi import application; print(type(application).__module__)"],
            env=panel.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


def test_a_foreign_host_is_one_line_without_a_trace(logged: Server) -> None:
    before = len(lines(logged))
    answer = logged.http.get(f"{logged.url}/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    until(lambda: len(lines(logged)) > before + 1)
    told = [line for line in lines(logged)[before:] if line["event"] != "request"]
    assert len(told) == 1
    assert "evil.example" in told[0]["event"]
    assert "Traceback" not in logged.log.read_text()


@pytest.mark.parametrize(
    "request_of",
    [
        {"headers": {"User-Agent": LONG}},
        {"headers": {"Host": LONG + ".example"}},
        {"headers": {"X-Forwarded-For": LONG}},
        {"headers": {"Cookie": f"sessionid={LONG}; device={LONG}"}},
        {"data": {"login": LONG + "@example.com", "password": LONG}},
        {"data": {"email": LONG, "name": LONG}},
    ],
    ids=["agent", "host", "address", "cookie", "login", "email"],
)
def test_a_hostile_name_makes_no_long_line(logged: Server, request_of: dict[str, Any]) -> None:
    for path in ("/account/login/", "/" + LONG, "/adminapi/v2/orders", "/api/v2"):
        logged.http.request("POST", logged.url + path, **request_of)
    assert max(map(len, logged.log.read_text().splitlines())) < 2000


def test_every_value_is_bounded_and_printable() -> None:
    values = {"event": LONG, "fields": {"a": LONG}, "name": "a\nb\x1b[31m", "status": 200, "none": None}
    told = bounded(None, "", values)
    assert all(len(str(value)) < LONGEST_VALUE + 50 for value in told.values())
    assert (told["name"], told["status"], told["none"]) == ("a?b?[31m", 200, None)


def test_a_trace_is_bounded_in_lines_and_in_their_length() -> None:
    told = bounded(None, "", {"event": "failure", "exception": "\n".join([LONG] * 1000)})["exception"].splitlines()
    assert len(told) <= MOST_TRACE_LINES + 1
    assert max(map(len, told)) < LONGEST_VALUE + 50


@pytest.mark.parametrize(
    ("logger", "status", "has_trace"),
    [("django.security.DisallowedHost", 400, False), ("django.request", 503, False), ("django.request", 500, True)],
)
def test_only_a_bug_leaves_a_trace(logger: str, status: int, has_trace: bool) -> None:
    error = ValueError("said")
    record = logging.LogRecord(logger, logging.ERROR, "", 1, "of %s", ("x",), (ValueError, error, None))
    record.status_code = status
    assert without_needless_trace(record)
    assert (record.exc_info is not None) is has_trace
    assert has_trace or record.getMessage() == "of x (ValueError: said)"


def test_the_log_of_errors_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTLER_DATA_DIR", str(tmp_path))
    from sutler import cli

    log = tmp_path / "errors.log"
    for _ in range(3):
        log.write_bytes(b"x" * (LARGEST_LOG_BYTES + 1))
        cli._logged(ValueError("y" * 1_000_000))
        assert log.stat().st_size < 100_000
    assert sorted(each.name for each in tmp_path.iterdir()) == ["errors.log", "errors.log.1"]
    assert main.name == "sutler"
