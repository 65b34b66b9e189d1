"""The scripted gateways as real servers: announced, paid on their page, reported, and looked up over HTTP."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from random import Random

import pytest
from click.testing import CliRunner
from django.conf import settings

from sutler.accounts.models import Customer, User
from sutler.core.clock import SystemClock
from sutler.ops.lying_gateway import lying_gateway
from sutler.payments import checkouts, look_ups
from sutler.payments.models import Checkout
from sutler.simulator.gateways.gateway import LyingGateway
from sutler.simulator.gateways.kinds import KINDS, settings_of
from sutler.simulator.gateways.server import GatewayServer, listen
from tests.conftest import START_MICROS
from tests.orders.ordering import balance
from tests.payments.gateway_methods import UNIT, method_of, opened, sent
from tests.payments.gateway_server import Asked, served


@pytest.fixture(params=list(KINDS))
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayServer]:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", ["127.0.0.1"])
    gateway = LyingGateway(KINDS[request.param]())
    server = GatewayServer(gateway, {}, Random(1), lambda: int(SystemClock().now().timestamp()))
    with listen(server, "127.0.0.1", 0) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        listener.shutdown()
        thread.join()


def get(url: str, body: bytes | None = None) -> bytes:
    with urllib.request.urlopen(url, body, timeout=10) as answer:
        return bytes(answer.read())


@pytest.mark.django_db
def test_from_its_page_to_the_balance(alice: Customer, sam: User, server: GatewayServer) -> None:
    now = SystemClock().now()
    kind = next(name for name, make in KINDS.items() if isinstance(server.gateway.kind, make))  # type: ignore[arg-type]
    notices: list[Asked] = []
    heard = threading.Event()

    def script(asked: Asked) -> tuple[int, object]:
        notices.append(asked)
        heard.set()
        return 200, {}

    with served(script) as panel:
        method = method_of(sam, kind, settings_of(kind, server.gateway.url), now)
        checkout = opened(alice, method, 50, now)
        addresses = checkouts.Addresses(lambda pk: f"{server.gateway.url}/journal", lambda pk: f"{panel.url}/{pk}")
        begun = checkouts.begin(alice.pk, checkout.request_id, addresses, now)
        assert isinstance(begun, Checkout), begun
        server.gateway.notice_url = panel.url
        if begun.page_url:
            assert b"50.00 USD" in get(begun.page_url.replace("&amp;", "&"))
        [payment] = server.gateway.payments.values()
        payment.notice_url = payment.notice_url or panel.url
        get(f"{server.gateway.url}/pay/{payment.id}", b"action=pay")
        assert heard.wait(10)
    headers = {name: value for name, value in notices[0].headers.items() if name.startswith(("x-", "stripe", "btcpay"))}
    answer = sent(method, (notices[0].body, {**headers, "content-type": notices[0].headers["content-type"]}))
    assert answer.status_code == 200
    # Some say in a notice only that there is something to ask about.
    look_ups.look_up_now(checkout.request_id, now)
    assert balance(alice) == START_MICROS + 50 * UNIT
    assert json.loads(get(f"{server.gateway.url}/journal"))[0]["reference"] == checkout.reference


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--list-faults"], "doubled"), (["other"], "Invalid value"), (["stripe", "--fault", "x"], "is not one of")],
)
def test_the_command_says_what_it_takes(arguments: list[str], words: str) -> None:
    assert words in CliRunner().invoke(lying_gateway, arguments).output
