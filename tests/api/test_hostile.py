"""Hostile requests: the answer is JSON, nothing is placed, nothing is charged, and the panel goes on."""

import json
import socket
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.caller import Caller, answer, said
from tests.live.panel import Panel

LINK = "https://example.com/hostile"
FORM, JSON, PARTS = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=xyz"
HEADERS = "X-Forwarded-For X-Forwarded-Proto Idempotency-Key Accept-Encoding If-None-Match Cookie Authorization Host"
ACTIONS = ["services", "add", "status", "refill", "refill_status", "cancel", "balance", "orders"]
NASTY = [
    "\x00",
    "a\x00b",
    "\x7f",
    "\x85",
    "\u202e",
    "\ufeff",
    "\ufffd",
    "\U0010ffff",
    "\ud7ff",
    "a" * 3000,
    "😀" * 2049,
    "' OR '1'='1",
    '"; DROP TABLE orders_order; --',
    "%s%s%n",
    "{0.__class__}",
    "${7*7}",
    "{{7*7}}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "1 UNION SELECT 1",
    "\r\nSet-Cookie: a=b",
    "=cmd|' /C calc'!A0",
    "\\x00",
    "\\u0000",
    "[object Object]",
    "Array",
    "None",
    "nil",
    "-0",
    "1e999",
    "9" * 400,
    "0x7fffffff",
    "١٢٣",
    "²",
    "½",
]
NO_TEXT = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"a\xfe\xffb", b"\xc0\x80"]
pytestmark = pytest.mark.usefixtures("books_in_order")


def send(caller: Caller, body: bytes, kind: str | None, query: str = "") -> httpx2.Response:
    """Posts these very bytes as this kind."""
    headers = {} if kind is None else {"Content-Type": kind}
    return caller.http.post(f"{caller.url}/api/v2{query}", content=body, headers=headers)


def refused(response: httpx2.Response) -> bool:
    """Whether the answer is an error in the protocol's shape, with 200 or a code for the caller's fault."""
    assert response.status_code == 200 or 400 <= response.status_code < 500, (response.status_code, response.text)
    heard = said(response)
    return isinstance(heard, dict) and list(heard) == ["error"]


def add(panel: Panel, caller: Caller, **fields: Any) -> dict[str, Any]:
    """The fields of an order that would be taken, but for what is given."""
    good = {"key": caller.key, "action": "add", "service": panel.shelf["Default"], "link": LINK, "quantity": 100}
    return good | fields


class TestFields:
    @pytest.mark.parametrize("nasty", NASTY, ids=ascii)
    def test_nasty_text_as_any_id_of_any_action_does_nothing(self, untouched: Caller, nasty: str) -> None:
        for action in ACTIONS[2:6]:
            for field in ("order", "orders", "refill", "refills", "order[]", "id"):
                heard = untouched.ask(action, **{field: nasty})
                assert "error" in json.dumps(heard), (action, field)

    @pytest.mark.parametrize("nasty", NASTY, ids=ascii)
    def test_nasty_text_as_key_action_or_number_does_nothing(self, panel: Panel, untouched: Caller, nasty: str) -> None:
        for field in ("key", "action", "service", "quantity", "runs", "interval"):
            if field in {"runs", "interval"} and not nasty.strip():
                continue  # blank is absent
            assert refused(untouched.post(add(panel, untouched, **{field: nasty}))), field

    @pytest.mark.parametrize("nasty", NASTY, ids=ascii)
    def test_nasty_text_as_link_is_kept_as_it_came_or_refused(self, panel: Panel, caller: Caller, nasty: str) -> None:
        heard = answer(caller.post(add(panel, caller, link=nasty)))
        assert [each["link"] for each in caller.orders()] == ([nasty.strip()] if "order" in heard else [])
        assert caller.balance_micros() == 10_000_000_000 - 90_000 * ("order" in heard)
        assert "order" in heard or heard == {"error": "Incorrect link"}

    @pytest.mark.parametrize("raw", NO_TEXT, ids=repr)
    @pytest.mark.parametrize("field", ["key", "action", "service", "link", "quantity", "request_id"])
    def test_bytes_that_are_no_utf_8_are_refused(self, panel: Panel, untouched: Caller, raw: bytes, field: str) -> None:
        good = {name: str(value).encode() for name, value in add(panel, untouched).items()} | {field: raw}
        escaped = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in good.items())
        assert refused(send(untouched, escaped.encode(), FORM))
        assert refused(send(untouched, b"&".join(name.encode() + b"=" + value for name, value in good.items()), FORM))
        assert refused(untouched.http.get(f"{untouched.url}/api/v2?{escaped}"))
        parts = b"".join(
            b'--xyz\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
            for name, value in good.items()
        )
        assert refused(send(untouched, parts + b"--xyz--\r\n", PARTS))
        pairs = b",".join(b'"%s":"%s"' % (name.encode(), value) for name, value in good.items())
        assert refused(send(untouched, b"{" + pairs + b"}", JSON))

    def test_a_lone_surrogate_in_json_is_refused(self, panel: Panel, untouched: Caller) -> None:
        for field in ("key", "action", "link", "quantity", "request_id"):
            body = json.dumps(add(panel, untouched, **{field: "\ud800"})).encode()
            assert refused(send(untouched, body, JSON)), field

    def test_a_repeated_field_is_read_once(self, panel: Panel, caller: Caller) -> None:
        pairs = [*add(panel, caller).items(), ("quantity", 200), ("link", f"{LINK}/2"), ("service", 10**9)]
        for body, kind in [
            (urlencode(pairs).encode(), FORM),
            (b"{" + b",".join(json.dumps({k: v}).encode()[1:-1] for k, v in pairs) + b"}", JSON),
        ]:
            before = len(caller.orders())
            heard = answer(send(caller, body, kind))
            assert len(caller.orders()) - before == ("order" in heard)

    def test_a_mebibyte_of_comments_is_refused(self, panel: Panel, untouched: Caller) -> None:
        fields = add(panel, untouched, service=panel.shelf["Comment Replies"], username="x")
        for comments in ("a\n" * 500_000, "a" * 1_000_000, "\n" * 1_000_000, "😀\n" * 200_000):
            parts = {name: (None, str(value)) for name, value in (fields | {"comments": comments}).items()}
            assert list(answer(untouched.http.post(untouched.url + "/api/v2", files=parts))) == ["error"]

    def test_a_thousand_ids_and_a_mebibyte_of_ids_are_cut_at_100(self, caller: Caller) -> None:
        for ids in (range(2_000_000_000, 2_000_001_000), range(2_000_000_000, 2_000_075_000)):
            asked = ",".join(map(str, ids))
            assert list(caller.ask("status", orders=asked)) == [str(each) for each in ids[:100]]
        assert caller.ask("status", orders="," * 300_000) == {"error": "Incorrect order ID"}
        assert len(caller.ask("status", orders=",".join("9" * 5000 + str(each) for each in range(150)))) == 100

    def test_ten_thousand_fields_are_refused_or_read(self, caller: Caller) -> None:
        fields = {f"f{each}": "1" for each in range(10_000)}
        heard = said(caller.post({"action": "balance"} | fields))
        assert heard == {"balance": "10000.00", "currency": "USD"} or list(heard) == ["error"]


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            *((body, JSON) for body in (b"", b"{", b"null", b"[]", b'"x"', b"1", b"{]", b"\x00", b"\xff\xfe", b"nan")),
            *((body, JSON) for body in (b"[" * 100_000, b'{"a":' * 100_000, b'{"key":{"a":1}}', b'{"key":["x"]}')),
            *((body, JSON) for body in (b'{"key":null}', b'{"key":true}', b'{"key":1e400}', b"{'a':1}")),
            *((body, PARTS) for body in (b"", b"--xyz", b"--xyz--", b"--xyz\r\n\r\n\r\n--xyz--", b"x" * 10_000)),
            *((b"--xyz\r\nContent-Disposition: " + each + b"\r\n\r\nv\r\n--xyz--\r\n", PARTS)
              for each in (b"", b"form-data", b'form-data; name="', b'form-data; name=""', b"attachment; name=key")),
            (b"--xyz\r\n" + b"A: b\r\n" * 50_000, PARTS),
            (b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 10_000, PARTS),
            (b"--xyz\r\n", "multipart/form-data"),
            (b"--xyz\r\n", "multipart/form-data; boundary="),
            (b"--xyz\r\n", "multipart/form-data; boundary=" + "x" * 5000),
            *((body, FORM) for body in (b"", b"%", b"%zz=%1", b"&&&===", b"=", b"\x00=\x00", b"+", b"a" * 99_999)),
            *((b"key=x&action=balance", kind) for kind in ("text/plain", "text/xml", "x", "", ";", "*/*")),
            (b"key=x&action=balance", None),
        ],
        ids=lambda each: ascii(each)[:40],
    )  # fmt: skip
    def test_that_are_broken_are_answered_in_the_protocols_shape(
        self, untouched: Caller, body: bytes, kind: str | None
    ) -> None:
        assert refused(send(untouched, body, kind))
        assert refused(send(untouched, body, kind, f"?key={untouched.key}&action=brew"))

    @pytest.mark.parametrize("cut", [1, 5, 40, 100])
    def test_that_are_cut_short_place_nothing(self, panel: Panel, untouched: Caller, cut: int) -> None:
        good = add(panel, untouched, zz="the end" * 20)
        assert refused(send(untouched, json.dumps(good).encode()[:-cut], JSON))
        parts = httpx2.Request("POST", untouched.url, files={name: (None, str(value)) for name, value in good.items()})
        parts.read()
        assert refused(send(untouched, parts.content[: -cut - 3], parts.headers["content-type"]))

    @pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/octet-stream", "image/png"])
    def test_of_an_unknown_kind_place_nothing(self, panel: Panel, untouched: Caller, kind: str) -> None:
        assert refused(send(untouched, urlencode(add(panel, untouched)).encode(), kind))

    def test_json_in_json_is_refused(self, panel: Panel, untouched: Caller) -> None:
        for value in ({"a": 1}, [LINK], {"$ne": ""}, [[LINK]]):
            assert refused(send(untouched, json.dumps(add(panel, untouched, link=value)).encode(), JSON)), value


class TestLines:
    """Bytes on the line that no client library would send."""

    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET\r\n\r\n",
            b"GET /api/v2\r\n\r\n",
            b"GET /api/v2 HTTP/9.9\r\n\r\n",
            b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n",
            b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999999999999\r\n\r\n",
            b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nabc",
            b"GET /api/v2 HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 300_000 + b"\r\n\r\n",
            b"GET /api/v2 HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
            b"GET /api/v2?" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /api/v2?%00%ff%zz=\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /%00/%2e%2e/%ff HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET http://other.example/api/v2 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /api/v2 HTTP/1.1\r\nHost: " + b"\xff\xfe\r\n\r\n",
            b"GET /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /api/v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        ],
        ids=lambda sent: ascii(sent[:70]),
    )
    def test_get_a_fault_of_the_callers_or_a_hangup_and_the_panel_goes_on(self, untouched: Caller, sent: bytes) -> None:
        with socket.create_connection(("127.0.0.1", int(untouched.url.rsplit(":", 1)[1])), timeout=10) as line:
            try:
                line.sendall(sent)
                line.shutdown(socket.SHUT_WR)
                heard = b"".join(iter(lambda: line.recv(65536), b""))
            except OSError:  # the server has hung up already
                heard = b""
        assert not heard or heard.split(b" ", 2)[1][:1] in {b"2", b"4"}, heard[:200]
        assert not heard or b"text/html" not in heard.lower()
        assert b"Traceback" not in heard

    @pytest.mark.parametrize("name", HEADERS.split())
    def test_nasty_headers_do_no_harm(self, panel: Panel, caller: Caller, name: str) -> None:
        for value in (
            b"",
            b"\xff\xfe",
            b"a" * 8000,
            b",,,;;;",
            b"gzip;q=x",
            b"*",
            b'"',
            b"1" * 400,
            b"::::",
            b"[",
        ):
            for action in ("balance", "services"):
                url = f"{caller.url}/api/v2?key={caller.key}&action={action}"
                sent = caller.http.get(url, headers=[(name.encode(), value)])
                assert sent.status_code in {200, 304} or 400 <= sent.status_code < 500, (value, sent.text)
        assert caller.ask("balance")["balance"] == "10000.00"

    def test_a_hundred_idle_lines_do_not_keep_others_out(self, untouched: Caller) -> None:
        address = ("127.0.0.1", int(untouched.url.rsplit(":", 1)[1]))
        lines = [socket.create_connection(address, timeout=10) for _ in range(100)]
        for line in lines:
            line.sendall(b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Le")
        assert untouched.ask("balance")["balance"] == "10000.00"
        for line in lines:
            line.close()


NAMES = (
    "service",
    "link",
    "quantity",
    "runs",
    "interval",
    "comments",
    "usernames",
    "username",
    "min",
    "max",
    "posts",
    "old_posts",
    "delay",
    "expiry",
    "device",
    "country",
    "type_of_traffic",
    "request_id",
    "answer_number",
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.one_of(st.integers(0, 20_000), st.integers(), st.floats()).map(str)
VALUES = st.one_of(TEXT, NUMBERS, st.sampled_from([*NASTY, "1/1/2030", "a,b,c", "null", "undefined"]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(range(17)),
    form=st.dictionaries(st.one_of(st.sampled_from(NAMES), TEXT), VALUES, max_size=8),
    as_json=st.booleans(),
)
def test_any_form_is_an_order_that_is_paid_for_or_an_error(
    panel: Panel, caller: Caller, kind: int, form: dict[str, str], as_json: bool
) -> None:
    before = caller.traces()
    service = list(panel.shelf.values())[kind]
    fields = {"service": str(service), "link": LINK, "quantity": "100"} | form | {"key": caller.key, "action": "add"}
    url = caller.url + "/api/v2"
    heard = answer(caller.http.post(url, json=fields) if as_json else caller.http.post(url, data=fields))
    after = caller.traces()
    assert list(heard) in (["order"], ["error"])
    if "error" in heard:
        assert after == before
    else:
        placed = next(each for each in caller.orders() if each["id"] == heard["order"])
        assert before[2] - after[2] in {0, placed["charge_micros"]}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    action=st.sampled_from([*ACTIONS, "add", "", "x"]),
    body=st.binary(max_size=200),
    kind=st.sampled_from([FORM, JSON, PARTS, "text/plain", ""]),
)
def test_any_bytes_are_answered(panel: Panel, caller: Caller, action: str, body: bytes, kind: str) -> None:
    sent = send(caller, body, kind, "?" + urlencode({"key": caller.key, "action": action}))
    assert sent.status_code == 200 or 400 <= sent.status_code < 500
    said(sent)
    assert caller.traces()[0] == 0
