"""A scripted gateway as a server: what the panel asks, a page on which anybody pays, and notices with their faults."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from sutler.core.clock import Random
from sutler.simulator.gateways.faults import Delivery, deliveries
from sutler.simulator.gateways.gateway import LyingGateway, Notice, Payment, Request, Transaction, micros_of

MOST_TRIES = 5
TRY_AGAIN_SECONDS = 2.0
LONGEST_BODY = 1 << 20
ACTIONS = ("pay", "half", "refund", "dispute", "win", "lose", "expire")
_EVENTS = {"refund": "refunded", "dispute": "disputed", "win": "won", "lose": "lost"}


@dataclass
class GatewayServer:
    """One gateway behind a port. `rates` says how often each fault strikes; `now` the second that is signed."""

    gateway: LyingGateway
    rates: Mapping[str, float]
    chance: Random
    now: Callable[[], int]
    answers: list[int] = field(default_factory=list)

    def act(self, payment: Payment, action: str) -> None:
        """Does what a customer or the gateway's staff do, and sends the notice of it."""
        struck = [name for name, rate in self.rates.items() if self.chance.random() < rate]
        transaction = payment.transactions[-1] if payment.transactions else None
        event = _EVENTS.get(action, "paid")
        if action in {"pay", "half"}:
            transaction = self._pay(payment, is_half=action == "half" or "amount" in struck, struck=struck)
        elif action == "expire":
            payment.status, event = "expired", "expired"
        elif transaction is None:
            return
        elif action == "refund":
            transaction.refunded_micros = transaction.micros
        else:
            transaction.dispute = {"dispute": "open", "win": "won", "lose": "lost"}[action]
        for each in deliveries(self.gateway, payment, transaction, event, self.now(), struck, self.chance):
            timer = threading.Timer(each.after_seconds, self._send, (payment, each))
            timer.daemon = True
            timer.start()

    def _pay(self, payment: Payment, *, is_half: bool, struck: list[str]) -> Transaction | None:
        # PayPal's money comes when the panel captures it.
        if type(self.gateway.kind).__name__ == "PayPal":
            payment.status = "approved"
            return None
        micros = payment.micros // 2 if is_half and self.gateway.kind.is_divisible else payment.micros
        return self.gateway.pay(payment, micros, "XTS" if "currency" in struck else "")

    def _send(self, payment: Payment, delivery: Delivery, tries: int = MOST_TRIES) -> None:
        url = payment.notice_url or self.gateway.notice_url
        status = _post(url, delivery.notice) if url else 0
        self.answers.append(status)
        if status != 200 and delivery.is_genuine and tries > 1:
            timer = threading.Timer(TRY_AGAIN_SECONDS, self._send, (payment, delivery, tries - 1))
            timer.daemon = True
            timer.start()

    def page(self, payment: Payment) -> str:
        """Returns the page on which a payment is paid, and what happened so far."""
        buttons = "".join(f'<button name="action" value="{each}">{each}</button> ' for each in ACTIONS)
        return (
            f"<!doctype html><title>Pay</title><h1>{escape(payment.reference)}</h1>"
            f"<p>{payment.micros / 1_000_000:.2f} {escape(payment.currency)}, {escape(payment.status)}</p>"
            f'<form method="post">{buttons}</form><pre>{escape(json.dumps(asdict(payment), indent=1))}</pre>'
        )

    def respond(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        """Returns status, headers and body for any request."""
        if request.path == "/journal":
            rows = [asdict(each) for each in self.gateway.payments.values()]
            return 200, {"Content-Type": "application/json"}, json.dumps(rows).encode()
        if request.path == "/begin":
            query = request.query
            payment = self.gateway.open(
                query["order"], micros_of(query["sum"]), query["cur"], query.get("notices", ""), query.get("back", "")
            )
            return 302, {"Location": f"/pay/{payment.id}"}, b""
        paid = self.gateway.find(request.path.removeprefix("/pay/")) if request.path.startswith("/pay/") else None
        if paid is None:
            status, answer = self.gateway.answer(request)
            return status, {"Content-Type": "application/json"}, json.dumps(answer).encode()
        if request.method != "POST":
            return 200, {"Content-Type": "text/html; charset=utf-8"}, self.page(paid).encode()
        self.act(paid, dict(parse_qsl(request.body.decode())).get("action", "pay"))
        return 303, {"Location": paid.return_url or request.path}, b""


def listen(server: GatewayServer, host: str, port: int) -> ThreadingHTTPServer:
    """Returns a listener on the port (0: any) that answers by the server once it is run."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def _respond(self) -> None:
            address = urlsplit(self.path)
            length = min(int(self.headers.get("Content-Length") or 0), LONGEST_BODY)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(address.query))
            request = Request(self.command, address.path, query, headers, self.rfile.read(length))
            status, given, body = server.respond(request)
            self.send_response(status)
            for name, value in {**given, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    listener = ThreadingHTTPServer((host, port), Handler)
    listener.daemon_threads = True
    server.gateway.url = f"http://{host}:{listener.server_port}"
    return listener


def _post(url: str, notice: Notice) -> int:
    if not url.startswith(("http://", "https://")):
        return 0
    request = urllib.request.Request(url, notice.body, dict(notice.headers), method="POST")  # noqa: S310 - looked at
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - looked at
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except OSError:
        return 0
