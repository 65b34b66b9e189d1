"""The scripted upstream as a real server: real connections, really broken, and the command that runs it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from click.testing import CliRunner, Result

from sutler.core.clock import SystemClock, seeded
from sutler.ops.lying_upstream import lying_upstream
from sutler.simulator.faults import SWITCHES, Faults
from sutler.simulator.server import Server, journal
from sutler.simulator.upstream import KEY, LyingUpstream
from tests.live.panel import free_port
from tests.simulator.simulated import LINK

CALLS = 8
# How long a silent upstream is waited for.
PATIENCE_SECONDS = 0.2
START_SECONDS = 20.0


@contextmanager
def serving(**faults: float) -> Iterator[tuple[LyingUpstream, str]]:
    """An upstream with these faults on a port of its own, and its root address."""
    upstream, port, ready = LyingUpstream(seeded(1), SystemClock(), Faults(**faults)), free_port(), threading.Event()  # type: ignore[arg-type]
    server = Server(upstream, "127.0.0.1", port, ready.set)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(START_SECONDS)
        yield upstream, f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def call(root: str, action: str, patience_seconds: float = START_SECONDS, **fields: object) -> httpx2.Response:
    form = {"key": KEY, "action": action} | {name: str(each) for name, each in fields.items()}
    with httpx2.Client(timeout=httpx2.Timeout(START_SECONDS, read=patience_seconds), trust_env=False) as http:
        return http.post(f"{root}/api/v2", data=form)


def errors_of(root: str, patience_seconds: float = PATIENCE_SECONDS, calls: int = CALLS) -> set[type[Exception]]:
    """What so many calls of add come to, none of which is answered."""
    errors: set[type[Exception]] = set()
    for number in range(calls):
        with pytest.raises(httpx2.HTTPError) as caught:
            call(root, "add", patience_seconds, service=1, link=f"{LINK}/{number}", quantity=100)
        errors.add(caught.type)
    return errors


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lying_upstream, arguments)


class TestServer:
    def test_without_faults_it_is_an_ordinary_panel(self) -> None:
        with serving() as (upstream, root):
            placed = call(root, "add", service=1, link=LINK, quantity=100)
            assert placed.headers["content-type"] == "application/json"
            order_id = placed.json()["order"]
            assert call(root, "status", order=order_id).json()["status"] == "Pending"
            assert call(root, "balance").json() == {"balance": "9999.91", "currency": "USD"}
            assert [each.told for each in upstream.orders_for(LINK)] == [True]

    def test_another_path_is_not_found_in_json(self) -> None:
        with serving() as (_, root):
            response = httpx2.get(f"{root}/admin", trust_env=False)
            assert (response.status_code, response.json()) == (404, {"error": "Incorrect request"})

    def test_the_journal_tells_what_was_really_done(self) -> None:
        with serving(created_twice=1.0) as (upstream, root):
            call(root, "add", service=1, link=LINK, quantity=100)
            told = httpx2.get(f"{root}/journal", trust_env=False).json()
            assert told == journal(upstream)
            assert (told["charged"], told["balance"], len(told["orders"])) == ("0.18", "9999.82", 2)
            assert [(each["told"], each["fault"]) for each in told["orders"]] == [(True, ""), (False, "created_twice")]

    def test_a_lost_answer_is_silence_an_end_or_a_reset_of_the_connection(self) -> None:
        with serving(answer_lost=1.0) as (upstream, root):
            assert errors_of(root) == {httpx2.ReadTimeout, httpx2.RemoteProtocolError, httpx2.ReadError}
            assert [each.told for each in upstream.journal()] == [False] * CALLS

    @pytest.mark.parametrize("fault", ["request_lost", "unreachable"])
    def test_of_a_lost_request_nothing_is_done(self, fault: str) -> None:
        with serving(**{fault: 1.0}) as (upstream, root):
            assert errors_of(root) <= {httpx2.ReadTimeout, httpx2.RemoteProtocolError, httpx2.ReadError}
            assert upstream.journal() == []

    def test_a_body_that_is_cut_off_never_comes_to_its_end(self) -> None:
        with serving(cut_off=1.0) as (upstream, root):
            assert errors_of(root, START_SECONDS) == {httpx2.RemoteProtocolError}
            assert len(upstream.journal()) == CALLS

    def test_a_late_answer_comes_to_whoever_waits(self) -> None:
        with serving(answered_late=1.0, late_seconds=0.05) as (upstream, root):
            order_id = call(root, "add", service=1, link=LINK, quantity=100).json()["order"]
            (order,) = upstream.orders_for(LINK)
            assert (order.id, order.told) == (str(order_id), True)

    def test_whoever_hangs_up_was_not_told(self) -> None:
        with serving(answered_late=1.0, late_seconds=30.0) as (upstream, root):
            assert errors_of(root, calls=2) == {httpx2.ReadTimeout}
            assert not any(each.told for each in upstream.journal())

    def test_broken_answers_arrive_as_they_are(self) -> None:
        with serving(http_502=1.0) as (_, root):
            response = call(root, "balance")
            assert (response.status_code, response.headers["content-type"]) == (502, "text/html")

    def test_breaking_connections_is_not_a_failure_of_the_server(self, caplog: pytest.LogCaptureFixture) -> None:
        with serving(answer_lost=0.5, cut_off=1.0) as (_, root):
            errors_of(root)
        assert [each.getMessage() for each in caplog.records if each.name.startswith("uvicorn.error")] == []

    def test_it_stops_at_once_though_somebody_waits(self, caplog: pytest.LogCaptureFixture) -> None:
        body = f"key={KEY}&action=add&service=1&link={LINK}&quantity=100".encode()
        with serving(answered_late=1.0, late_seconds=500.0) as (upstream, root):
            address = httpx2.URL(root)
            caller = socket.create_connection((address.host, address.port or 0))
            caller.sendall(b"POST /api/v2 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            while not upstream.journal():
                threading.Event().wait(0.01)
        with caller:
            assert caller.recv(1) == b""
        assert [each.getMessage() for each in caplog.records if each.name == "uvicorn.error"] == []


class TestCommand:
    def test_every_fault_is_listed_with_what_it_does(self) -> None:
        result = run("--list-faults")
        assert result.exit_code == 0
        for each in SWITCHES:
            assert re.search(rf"^{each.name} +{each.default:g} +{re.escape(each.about)}$", result.stdout, re.MULTILINE)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ("typo=1", "'typo' is not a fault; see --list-faults."),
            ("html=2", "html is a share from 0 to 1, not 2.0"),
            ("html=often", "'html=often'"),
            ("html=nan", "html is a share from 0 to 1, not nan"),
            ("only=1", "'only' is not a fault"),
        ],
    )
    def test_a_fault_that_cannot_be_meant_is_wrong_usage(self, given: str, said: str) -> None:
        result = run("--fault", given)
        assert result.exit_code == 2
        assert said in result.output

    def test_it_prints_where_it_is_and_what_is_switched_on_and_stops_cleanly(self) -> None:
        arguments = ["--port", str(free_port()), "--services", "3", "--key", "k", "--fault", "html", "--only", "add"]
        program = "from sutler.ops.lying_upstream import lying_upstream; lying_upstream()"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUTLER_", "DJANGO_"))}
        command = [sys.executable, "-c", program, *arguments]
        with subprocess.Popen(command, env=kept, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                lines = [process.stdout.readline().strip() for _ in range(5)]
                said = dict(line.split("=", 1) for line in lines[:3])
                assert said["LYING_UPSTREAM_KEY"] == "k"
                assert lines[4].split()[:2] == ["html", "1"]
                heard = [
                    httpx2.post(said["LYING_UPSTREAM_URL"], data={"key": "k", "action": each}, trust_env=False)
                    for each in ("services", "add")
                ]
                assert len(heard[0].json()) == 3
                assert heard[1].headers["content-type"] == "text/html"
                assert httpx2.get(said["LYING_UPSTREAM_JOURNAL"], trust_env=False).json()["orders"] == []
                process.send_signal(signal.SIGTERM)
                _, errors = process.communicate(timeout=START_SECONDS)
                assert (process.returncode, errors) == (0, "")
            finally:
                process.kill()
