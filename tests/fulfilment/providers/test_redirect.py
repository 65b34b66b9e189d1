"""A provider whose address leads elsewhere: told when it is added, tested, asked for its balance, synced."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from sutler.core.event_texts import cause_text
from sutler.fulfilment.models import Alarm, Provider
from sutler.fulfilment.providers import call_log
from tests.ops.test_cli import done, run

pytestmark = pytest.mark.django_db

SERVICE = {"service": 1, "name": "Likes", "type": "Default", "rate": "0.90", "min": "50", "max": "1000"}


class Moved(BaseHTTPRequestHandler):
    """A panel that a web server redirects to `/red/`, as the case file has it."""

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_there = self.path == "/red/"
        value: Any = [SERVICE] if "action=services" in form else {"balance": "10", "currency": "USD"}
        body = json.dumps(value).encode() if is_there else b""
        self.send_response(200 if is_there else 301)
        if not is_there:
            self.send_header("Location", "/red/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def address(settings: Any) -> Iterator[str]:
    settings.SUTLER = settings.SUTLER | {"SUTLER_UPSTREAM_PRIVATE_HOSTS": ["127.0.0.1"]}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Moved)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/red"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_operator_is_told_wherever_the_provider_is_asked(address: str) -> None:
    told = f"The URL redirects to {address}/, and orders are not sent through redirects."
    added = done("provider", "add", "--name", "Moved", "--currency", "USD", "--url", address, "--key", "k" * 20)
    made = Provider.objects.get()
    assert told in added
    assert told in done("provider", "balance", str(made.pk))
    assert told in done("provider", "sync", str(made.pk))
    alarm = Alarm.objects.get(kind=Alarm.Kind.CATALOGUE, subject_type=call_log.REDIRECTED.type, closed_at=None)
    assert f"{address}/" in cause_text(alarm.cause)
    tested = run("provider", "test", str(made.pk))
    assert tested.exit_code == 1
    assert f"it leads to {address}/" in tested.stdout

    done("provider", "change", str(made.pk), "--slash", "with")
    assert not Alarm.objects.filter(subject_type=call_log.REDIRECTED.type, closed_at=None).exists()
    assert "redirects to" not in done("provider", "balance", str(made.pk)) + done("provider", "sync", str(made.pk))
