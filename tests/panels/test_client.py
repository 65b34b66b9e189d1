"""The client of an upstream panel: what it sends, how it takes what goes wrong on the way, what it writes down."""

import asyncio
import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import httpx2
import pytest

from sutler.core.event_texts import cause_text
from sutler.core.events import CauseKind, cause
from sutler.core.money import Micros
from sutler.core.upstream_words import DeclineKind, UnknownStatus
from sutler.panels.client import Panel, PanelSettings
from sutler.panels.http_call import LONGEST_ANSWER_BYTES, LONGEST_CATALOGUE_BYTES
from sutler.panels.results import Accepted, Balance, Declined, NoAnswer, NotSent, Taken, UpstreamRefill
from tests.panels.panel_calls import CALLS, KEY, NOW, ORDER, PLACING, URL, Upstream, failing, saying

add, services, statuses, balance = CALLS["add"], CALLS["services"], CALLS["statuses"], CALLS["balance"]
every_call = pytest.mark.parametrize("name", CALLS)


class TestAsking:
    FIELDS = {
        "add": {"action": "add", **ORDER},
        "services": {"action": "services"},
        "status": {"action": "status", "order": "1"},
        "statuses": {"action": "status", "orders": "1,10,100"},
        "balance": {"action": "balance"},
        "refill": {"action": "refill", "order": "1"},
        "refill_status": {"action": "refill_status", "refill": "1"},
        "refill_statuses": {"action": "refill_status", "refills": "1,10,100"},
        "cancel": {"action": "cancel", "orders": "1,10,100"},
    }

    @every_call
    def test_each_call_is_one_post_of_a_form(self, name: str) -> None:
        panel = saying({})
        panel.ask(CALLS[name])
        (sent,) = panel.requests
        assert (sent.method, str(sent.url)) == ("POST", URL)
        assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert sent.headers["User-Agent"].startswith("Sutler/")
        assert panel.form == {"key": KEY, **self.FIELDS[name]}

    @every_call
    def test_a_panel_may_want_its_calls_as_get(self, name: str) -> None:
        panel = saying({}, method="GET", url=f"{URL}?route=api")
        panel.ask(CALLS[name])
        (sent,) = panel.requests
        assert (sent.method, sent.content, sent.url.path) == ("GET", b"", "/api/v2")
        assert panel.form == {"route": "api", "key": KEY, **self.FIELDS[name]}

    def test_a_panel_may_have_its_own_name_for_the_key_and_fields_of_its_own(self) -> None:
        panel = saying({}, key_field="api_key", extra_fields={"user": "7", "service": "99"})
        panel.ask(add)
        assert panel.form == {"api_key": KEY, "action": "add", "user": "7", **ORDER}

    @pytest.mark.parametrize(
        ("trailing_slash", "url", "asked"),
        [
            *((None, URL, URL), (None, f"{URL}/", f"{URL}/"), (True, URL, f"{URL}/"), (True, f"{URL}/", f"{URL}/")),
            *((False, f"{URL}/", URL), (False, f"{URL}//?a=b", f"{URL}?a=b")),
        ],
    )
    def test_the_trailing_slash_is_a_setting(self, trailing_slash: bool | None, url: str, asked: str) -> None:
        panel = saying({}, trailing_slash=trailing_slash, url=url)
        panel.ask(balance)
        assert str(panel.requests[0].url) == asked

    def test_a_panel_that_cancels_one_order_a_call(self) -> None:
        panel = saying({"cancel": 1}, cancel_field="order")
        assert panel.ask(lambda panel: panel.cancel(["5"])) == {"5": Taken()}
        assert panel.form == {"key": KEY, "action": "cancel", "order": "5"}
        with pytest.raises(ValueError, match="1 to 1"):
            panel.ask(lambda panel: panel.cancel(["5", "6"]))

    @pytest.mark.parametrize("count", [0, 101])
    def test_a_batch_holds_one_to_a_hundred_ids(self, count: int) -> None:
        panel = saying({})
        for call in (Panel.statuses, Panel.refill_statuses, Panel.cancel):
            with pytest.raises(ValueError, match="1 to 100"):
                panel.ask(lambda panel, call=call: call(panel, [str(each) for each in range(count)]))  # type: ignore[misc]
        assert panel.requests == []

    @every_call
    def test_what_changes_something_may_take_long_what_reads_may_not(self, name: str) -> None:
        panel = saying({})
        panel.ask(CALLS[name])
        seconds = 120 if name in PLACING else 30
        assert panel.requests[0].extensions["timeout"] == {"connect": 5, "pool": 5, "read": seconds, "write": seconds}


class TestUnclear:
    """What is no answer, and what provably never left."""

    @every_call
    @pytest.mark.parametrize(
        "body",
        [
            *(
                "",
                " ",
                "null",
                "true",
                "0",
                '"ok"',
                "[]x",
                "<html>502</html>",
                '<br />Warning{"order":1}',
                "{",
                '{"order":1',
            ),
            *('{"order":NaN}', '{"order":', "\x00", "[" * 100_000, "1" * 5000, '{"message":"Server Error"}'),
            *('{"status":true}', '{"error":""}', '{"error":null}'),
        ],
        ids=lambda body: ascii(body[:30]),
    )
    def test_what_cannot_be_understood_is_no_answer(self, name: str, body: str) -> None:
        for http_status in (200, 404, 500, 503):
            panel = saying(body, http_status)
            outcome = panel.ask(CALLS[name])
            if isinstance(outcome, UpstreamRefill):  # all that a refill has is a word
                assert outcome == UpstreamRefill(UnknownStatus.UNKNOWN, "true")
            else:
                assert isinstance(outcome, NoAnswer)
                assert panel.exchanges[0].outcome == "NoAnswer"

    @every_call
    @pytest.mark.parametrize(
        "error",
        [
            *(httpx2.ConnectError("refused"), httpx2.ConnectTimeout("late"), httpx2.PoolTimeout("full")),
            httpx2.UnsupportedProtocol("ftp"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_without_a_connection_nothing_was_sent(self, name: str, error: Exception) -> None:
        assert isinstance(failing(error).ask(CALLS[name]), NotSent)

    @every_call
    @pytest.mark.parametrize(
        "error",
        [
            *(httpx2.ReadTimeout("late"), httpx2.WriteTimeout("late"), httpx2.ReadError("reset")),
            *(httpx2.WriteError("reset"), httpx2.CloseError("reset"), httpx2.RemoteProtocolError("bad")),
            *(httpx2.LocalProtocolError("bad"), httpx2.ProxyError("bad"), httpx2.DecodingError("bad")),
            *(httpx2.TooManyRedirects("many"), httpx2.TransportError("?"), httpx2.StreamClosed(), TimeoutError()),
            *(OSError("reset"), ssl.SSLError("bad"), ValueError("?"), RuntimeError("?"), MemoryError(), KeyError(KEY)),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_whatever_else_goes_wrong_may_have_been_sent(self, name: str, error: Exception) -> None:
        panel = failing(error)
        outcome = panel.ask(CALLS[name])
        assert isinstance(outcome, NoAnswer)
        assert KEY not in outcome.why

    @every_call
    @pytest.mark.parametrize(
        "url", ["", "panel.example/api", "ftp://panel.example/", "https://", "http://[::1", "http://a:b/"]
    )
    def test_a_url_that_is_none_sends_nothing(self, name: str, url: str) -> None:
        panel = Upstream(lambda _: httpx2.Response(200), url=url)

        async def over_the_real_network() -> Any:
            return await panel.call(CALLS[name], httpx2.AsyncHTTPTransport(verify=False))

        assert isinstance(asyncio.run(over_the_real_network()), NotSent)

    def test_being_cancelled_is_passed_on_and_the_unknown_left_to_the_caller(self) -> None:
        async def never(_: httpx2.Request) -> httpx2.Response:
            await asyncio.Event().wait()
            raise AssertionError

        async def stop() -> None:
            asking = asyncio.create_task(
                Upstream(lambda _: httpx2.Response(200)).call(add, httpx2.MockTransport(never))
            )
            await asyncio.sleep(0)
            asking.cancel()
            await asking

        with pytest.raises(asyncio.CancelledError):
            asyncio.run(stop())


class TestBody:
    @pytest.mark.parametrize(
        ("call", "longest"), [("balance", LONGEST_ANSWER_BYTES), ("services", LONGEST_CATALOGUE_BYTES)]
    )
    def test_a_longer_answer_than_may_be_is_given_up_before_its_end(self, call: str, longest: int) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 2**20
                yield b" " * 2**20

        panel = Upstream(lambda _: httpx2.Response(200, content=endless()))
        assert isinstance(panel.ask(CALLS[call]), NoAnswer)
        assert sent <= longest + 2**20

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            ("gzip", gzip.compress(b'{"order":5}', mtime=0)),
            ("GZIP", gzip.compress(b'{"order":5}', mtime=0)),
            ("identity", b'{"order":5}'),
        ],
    )
    def test_a_packed_answer_is_unpacked(self, encoding: str, body: bytes) -> None:
        panel = Upstream(lambda _: httpx2.Response(200, content=body, headers={"Content-Encoding": encoding}))
        assert panel.ask(add) == Accepted("5")

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            *(("gzip", gzip.compress(b'{"order":5}', mtime=0)[:-9]), ("gzip", b'{"order":5}'), ("gzip", b"")),
            ("gzip, gzip", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0)),
            *(("br", b"{}"), ("deflate", zlib.compress(b"{}"))),
            ("gzip", gzip.compress(b" " * (LONGEST_ANSWER_BYTES + 1) + b"{}")),
        ],
        ids=["cut", "plain", "empty", "twice", "br", "deflate", "bomb"],
    )
    def test_a_packed_answer_that_cannot_be_unpacked_whole_is_no_answer(self, encoding: str, body: bytes) -> None:
        panel = Upstream(
            lambda _: httpx2.Response(200, headers={"Content-Encoding": encoding}, stream=httpx2.ByteStream(body))
        )
        assert isinstance(panel.ask(add), NoAnswer)


class TestRedirects:
    def redirecting(self, location: str, http_status: int = 302) -> Upstream:
        def answer(request: httpx2.Request) -> httpx2.Response:
            if str(request.url) == URL:
                return httpx2.Response(http_status, headers={"Location": location}, json={"balance": "1", "order": 5})
            return httpx2.Response(200, json={"balance": "2"})

        return Upstream(answer)

    @pytest.mark.parametrize("http_status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("name", sorted(PLACING))
    def test_what_changes_something_follows_none(self, name: str, http_status: int) -> None:
        panel = self.redirecting(f"{URL}/", http_status)
        assert panel.ask(CALLS[name]) == NoAnswer(cause(CauseKind.REDIRECTED, address=f"{URL}/"))
        assert len(panel.requests) == 1

    @pytest.mark.parametrize("name", sorted(PLACING))
    @pytest.mark.parametrize(
        ("location", "http_status", "body", "is_unread"),
        [
            (f"{URL}/", 301, "", True),
            (f"{URL}/", 307, "", True),
            ("/api/v2/", 308, "", True),
            ("/api/v2/", 301, "<html><h1>301 Moved Permanently</h1><hr>nginx</html>", True),
            # These may follow on an order that was placed.
            (f"{URL}/", 302, "", False),
            (f"{URL}/", 303, "", False),
            # Somebody has written it who may have read the request.
            (f"{URL}/", 301, '{"order":5}', False),
            (f"{URL}/", 301, "Your order is placed", False),
            (f"{URL}/", 301, "<p>" + "x" * 3000, False),
            ("https://other.example/api/v2", 301, "", False),
            ("http://panel.example/api/v2/", 301, "", False),
        ],
    )
    def test_a_bare_move_within_the_host_was_read_by_nobody(
        self, name: str, location: str, http_status: int, body: str, is_unread: bool
    ) -> None:
        panel = Upstream(lambda _: httpx2.Response(http_status, headers={"Location": location}, text=body))
        outcome = panel.ask(CALLS[name])
        assert isinstance(outcome, NotSent if is_unread else NoAnswer)
        assert panel.exchanges[0].redirected_to == str(httpx2.URL(URL).join(location))
        assert len(panel.requests) == 1

    def test_where_a_read_was_led_is_told_without_its_fields(self) -> None:
        panel = self.redirecting("/api/v2/?from=here", 301)
        panel.ask(balance)
        assert panel.exchanges[0].redirected_to == f"{URL}/"
        panel = saying({"balance": "1"})
        panel.ask(balance)
        assert panel.exchanges[0].redirected_to == ""

    @pytest.mark.parametrize("http_status", [301, 302, 303, 307, 308])
    def test_a_read_follows_one_on_the_same_host_with_the_whole_form(self, http_status: int) -> None:
        panel = self.redirecting("/api/v2/#top", http_status)
        assert panel.ask(balance) == Balance(Micros(2_000_000), "")
        assert (panel.requests[1].method, str(panel.requests[1].url)) == ("POST", f"{URL}/")
        assert panel.form == {"key": KEY, "action": "balance"}

    @pytest.mark.parametrize(
        "location",
        [
            "https://other.example/api/v2",
            "http://panel.example/api/v2/",
            "//other.example/",
            "ftp://panel.example/",
            "http://[",
            URL,
        ],
    )
    def test_a_read_takes_its_key_nowhere_else_and_not_in_circles(self, location: str) -> None:
        panel = self.redirecting(location)
        assert isinstance(panel.ask(balance), NoAnswer)
        assert {request.url.host for request in panel.requests} == {"panel.example"}
        assert {request.url.scheme for request in panel.requests} == {"https"}
        assert len(panel.requests) <= 2


class TestRecord:
    def test_an_exchange_is_written_down_with_the_key_masked(self) -> None:
        panel = saying({"order": 5, "echo": KEY}, extra_fields={"secret": "s3cret"})
        panel.ask(add)
        (exchange,) = panel.exchanges
        assert exchange.action == "add"
        assert exchange.fields == {"key": "***", "secret": "***", **ORDER}
        assert exchange.answer == '{"order": 5, "echo": "***"}'
        assert (exchange.http_status, exchange.started_at, exchange.milliseconds) == (200, NOW, 250)
        assert (exchange.outcome, exchange.cause) == ("Accepted", None)

    def test_the_answer_and_the_fields_are_cut(self) -> None:
        panel = saying("x" * 9000)
        panel.ask(lambda panel: panel.add({"comments": "c" * 9000}))
        assert panel.exchanges[0].answer == "x" * 2000
        assert panel.exchanges[0].fields["comments"] == "c" * 2000

    @every_call
    def test_every_call_is_written_down_once(self, name: str) -> None:
        for panel in (saying({}), saying({"error": f"Invalid API key {KEY}"}), failing(httpx2.ReadError(KEY))):
            panel.ask(CALLS[name])
            (exchange,) = panel.exchanges
            assert exchange.action == TestAsking.FIELDS[name]["action"]
            assert KEY not in repr(exchange) + str(exchange.fields) + exchange.answer

    def test_an_outcome_goes_by_the_name_of_its_value(self) -> None:
        for panel, call, outcome, why in (
            (saying({"1": {"status": "Pending"}}), statuses, "Answered", ""),
            (saying({"error": "Incorrect link"}), add, "Declined", "LINK: Incorrect link"),
            (failing(httpx2.ConnectError("refused")), add, "NotSent", "connection failed: refused"),
            (failing(httpx2.ReadTimeout("")), add, "NoAnswer", "no answer in time"),
        ):
            panel.ask(call)
            assert (panel.exchanges[0].outcome, cause_text(panel.exchanges[0].cause)) == (outcome, why)
        assert panel.exchanges[0].http_status is None

    def test_the_key_of_a_get_is_masked_where_the_url_is_told(self) -> None:
        key = "a+b/c d&e=f" * 2
        panel = Upstream(
            lambda request: httpx2.Response(302, headers={"Location": str(request.url)}), method="GET", key=key
        )
        outcome = panel.ask(add)
        assert outcome.why == f"redirected to {URL}"

    def test_the_settings_do_not_show_the_key(self) -> None:
        assert KEY not in repr(PanelSettings(URL, KEY, extra_fields={"a": KEY}))


App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]


def small_panel(breaks: bool) -> App:
    """An ASGI application that places orders, or falls over once it has."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        if breaks:
            raise RuntimeError("fell over after the order was placed")
        answer = {"order": 77} if b"action=add" in body else {"error": "Incorrect request"}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    return app


def test_a_small_panel_in_the_same_process() -> None:
    panel = Upstream(lambda _: httpx2.Response(200))
    whole, broken = httpx2.ASGITransport(small_panel(breaks=False)), httpx2.ASGITransport(small_panel(breaks=True))
    assert asyncio.run(panel.call(add, whole)) == Accepted("77")
    assert asyncio.run(panel.call(balance, whole)) == Declined(DeclineKind.FIELD, "Incorrect request")
    assert isinstance(asyncio.run(panel.call(add, broken)), NoAnswer)
