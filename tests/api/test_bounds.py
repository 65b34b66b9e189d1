"""The bounds of a request: what stands at one is read, what is one beyond is refused, and nothing is placed."""

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from sutler.api.authenticate import KEYLESS_BYTES_PER_SECOND, SMALL_BODY_BYTES, Authenticator, Rejected
from sutler.api.form_fields import (
    LONGEST_NAME_BYTES,
    LONGEST_PART_HEAD_BYTES,
    LONGEST_VALUE_BYTES,
    MOST_FIELDS,
    Unreadable,
    key_in,
    read_fields,
)
from sutler.api.gather import Full, ShareFull
from sutler.api.rate_limits import RateLimit, Room
from sutler.api.read_request import MOST_TOKENS, Receive, ids_of
from sutler.core.refusals import Reason
from sutler.server import MOST_SMALL_PIECES
from tests.live.caller import Caller, answer
from tests.live.panel import Panel

FORM, JSON, PARTS = b"application/x-www-form-urlencoded", b"application/json", b"multipart/form-data; boundary=xyz"
BALANCE = {"balance": "10000.00", "currency": "USD"}
HEAD = b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
INCORRECT, UNKNOWN_KEY = {"error": "Incorrect request"}, {"error": "Invalid API key"}


def form(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()


def parts(fields: dict[str, str], head: bytes = b"") -> bytes:
    each = b'--xyz\r\n%sContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    return b"".join(each % (head, name.encode(), value.encode()) for name, value in fields.items()) + b"--xyz--\r\n"


def as_json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


KINDS = [(FORM, form), (PARTS, parts), (JSON, as_json)]


def read(kind: bytes, body: bytes, query: bytes = b"") -> dict[str, str]:
    return read_fields({"query_string": query, "headers": [(b"content-type", kind)]}, body)


@pytest.mark.parametrize(("kind", "write"), KINDS)
@pytest.mark.parametrize(
    ("at", "beyond"),
    [
        ({f"f{n}": "1" for n in range(MOST_FIELDS)}, {f"f{n}": "1" for n in range(MOST_FIELDS + 1)}),
        ({"n" * LONGEST_NAME_BYTES: "1"}, {"n" * (LONGEST_NAME_BYTES + 1): "1"}),
        ({"link": "v" * (LONGEST_VALUE_BYTES - 2)}, {"link": "v" * (LONGEST_VALUE_BYTES + 1)}),
    ],
    ids=["fields", "name", "value"],
)
def test_a_form_at_a_bound_is_read_and_one_beyond_it_is_not(
    kind: bytes, write: Any, at: dict[str, str], beyond: dict[str, str]
) -> None:
    assert read(kind, write(at)) == at
    with pytest.raises(Unreadable):
        read(kind, write(beyond))


@pytest.mark.parametrize("name", ["comments", "usernames", "hashtags", "keywords", "groups", "orders", "refills"])
@pytest.mark.parametrize(("kind", "write"), KINDS)
def test_a_list_may_be_as_long_as_the_body(kind: bytes, write: Any, name: str) -> None:
    assert read(kind, write({name: "v" * 900_000}))[name] == "v" * 900_000


def test_the_head_of_a_part_is_bounded_and_an_encoded_part_refused() -> None:
    assert read(PARTS, parts({"a": "1"}, b"X: " + b"y" * (LONGEST_PART_HEAD_BYTES - 100) + b"\r\n")) == {"a": "1"}
    for head in (b"X: " + b"y" * LONGEST_PART_HEAD_BYTES + b"\r\n", b"Content-Transfer-Encoding: base64\r\n"):
        with pytest.raises(Unreadable):
            read(PARTS, parts({"a": "1"}, head))


def test_the_query_has_the_bounds_of_a_form() -> None:
    assert len(read(FORM, b"", form({f"f{n}": "1" for n in range(MOST_FIELDS)}))) == MOST_FIELDS
    with pytest.raises(Unreadable):
        read(FORM, b"", form({f"f{n}": "1" for n in range(MOST_FIELDS + 1)}))


@pytest.mark.parametrize("value", ["[" * 5000 + "]" * 5000, '{"a":' * 5000 + "1" + "}" * 5000, '[["x"]]', '[{"a":1}]'])
def test_json_is_as_deep_as_a_list_of_texts(value: str) -> None:
    assert "comments" not in read(JSON, f'{{"key":"k","comments":{value}}}'.encode())


def test_of_a_list_of_ids_so_many_tokens_are_looked_at() -> None:
    blanks = "," * (MOST_TOKENS - 1)
    assert ids_of(blanks + "7,8", 100) == [("7", 7)]
    assert ids_of("5," * MOST_TOKENS + "6", 100) == [("5", 5)]


@pytest.mark.parametrize(
    ("kind", "start", "key"),
    [
        (FORM, b"key=k+1&action=add&comments=", "k 1"),
        (FORM, b"monkey=a&key=%6B2&key", "k2"),
        (FORM, b"link=https://example.com/?key=no", None),
        (JSON, b'{"action": "add", "key" : "k", "comments": "', "k"),
        (JSON, b'{"action": "add"', None),
        (PARTS, parts({"action": "add", "key": "k", "comments": "x"})[:-9], "k"),
        (PARTS, parts({"action": "add"}), None),
        (b"text/plain", b"key=k", None),
    ],
)
def test_the_key_is_found_before_the_rest_is_read(kind: bytes, start: bytes, key: str | None) -> None:
    scope = {"query_string": b"", "headers": [(b"content-type", kind)]}
    assert key_in(scope, start) == key
    assert key_in(scope | {"query_string": b"a=b&key=q"}, start) == (key or "q")


def test_a_limit_takes_what_a_call_costs_and_gives_it_back() -> None:
    limit = RateLimit(10)
    assert [limit.allows("a", 0.0, cost) for cost in (15, 6, 5, 1)] == [True, False, True, False]
    assert limit.is_spent("a", 0.0)
    limit.give_back("a", 15)
    assert limit.allows("a", 0.0, 100) is False
    assert limit.allows("b", 0.0, 100), "what costs more than there can be takes all"
    assert limit.is_spent("b", 0.0)
    assert not limit.is_spent("b", 0.1)


class Standstill:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 12, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1.0


def test_an_address_may_send_so_many_bytes_without_a_key_and_others_as_many() -> None:
    size = KEYLESS_BYTES_PER_SECOND // 2
    limits = ("SUTLER_KEY_REQUESTS_PER_SECOND", "SUTLER_ADDRESS_REQUESTS_PER_SECOND")
    settings = {"SUTLER_BODY_LIMIT_BYTES": size, **dict.fromkeys(limits, 0)}

    async def refusals() -> list[Reason]:
        with ThreadPoolExecutor(1) as thread:
            authenticator = Authenticator(Standstill(), settings, thread)
            refused = []
            for address in "aaaaab":
                headers = [(b"content-length", b"%d" % size), (b"content-type", FORM)]
                scope = {"query_string": b"", "headers": headers, "client": (address, 1)}
                with pytest.raises(Rejected) as rejected:
                    await authenticator.read(scope, once(b"comments=" + b"y" * (size - 9)))
                refused.append(rejected.value.refusal.reason)
            return refused

    assert asyncio.run(refusals()) == [
        *[Reason.INVALID_KEY] * 4,
        Reason.TOO_MANY_REQUESTS,
        Reason.INVALID_KEY,
    ]


def once(body: bytes) -> Receive:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def test_room_is_bounded_in_all_and_for_one() -> None:
    room = Room(3, 2)
    with room.taken_by("a"), room.taken_by("a"):
        with pytest.raises(ShareFull), room.taken_by("a"):
            pass
        with room.taken_by("b"), pytest.raises(Full), room.taken_by("c"):
            pass
    assert len(room) == 0


@pytest.mark.usefixtures("books_in_order")
class TestOnTheWire:
    @pytest.mark.parametrize(("kind", "write"), KINDS)
    def test_a_body_of_any_size_is_read_with_its_key_first_or_last(
        self, panel: Panel, caller: Caller, kind: bytes, write: Any
    ) -> None:
        fields = {
            "action": "add",
            "service": str(panel.shelf["Custom Comments"]),
            "link": "https://example.com/long",
            "comments": "\n".join(f"{number} {'y' * 90}" for number in range(1000)),
        }
        for sent in (fields | {"key": caller.key}, {"key": caller.key} | fields):
            assert list(answer(post(caller, write(sent), kind))) == ["order"]

    @pytest.mark.parametrize(("kind", "write"), KINDS)
    @pytest.mark.parametrize("size", [SMALL_BODY_BYTES - 100, SMALL_BODY_BYTES + 100, 100_000])
    def test_an_unknown_key_is_refused_whatever_the_size(
        self, untouched: Caller, kind: bytes, write: Any, size: int
    ) -> None:
        for sent in ({"key": "x", "comments": "y" * size}, {"comments": "y" * size, "key": "x"}):
            assert answer(post(untouched, write(sent | {"action": "add"}), kind)) == UNKNOWN_KEY

    def test_sixteen_thousand_parts_are_refused_with_and_without_a_key(self, untouched: Caller) -> None:
        bomb = b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 16_000 + b"--xyz--\r\n"
        assert answer(post(untouched, bomb, PARTS)) == UNKNOWN_KEY
        assert answer(post(untouched, bomb, PARTS, f"?key={untouched.key}&action=add")) == INCORRECT
        assert untouched.ask("balance") == BALANCE

    def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(self, untouched: Caller) -> None:
        head = HEAD + b"Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n"
        assert talk(untouched, head).startswith(b"HTTP/1.1 413 ")

    def test_a_body_in_single_bytes_is_read_to_a_bound(self, untouched: Caller) -> None:
        head = HEAD + b"Content-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % FORM
        body = form({"key": untouched.key, "action": "balance"})
        single = b"".join(b"1\r\n%c\r\n" % each for each in body)
        assert b'{"balance"' in talk(untouched, head + single + b"0\r\n\r\n")
        flood = talk(untouched, head + b"1\r\na\r\n" * (MOST_SMALL_PIECES + 1))
        assert flood.startswith(b"HTTP/1.1 413 ")


def post(caller: Caller, body: bytes, kind: bytes, query: str = "") -> httpx2.Response:
    return caller.http.post(f"{caller.url}/api/v2{query}", content=body, headers={"Content-Type": kind.decode()})


def talk(caller: Caller, sent: bytes) -> bytes:
    """Sends these bytes on a line of its own and returns all that comes back."""
    with socket.create_connection(("127.0.0.1", int(caller.url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(sent)
        return b"".join(iter(lambda: line.recv(65536), b""))
