"""How a request may be sent and what every answer looks like, whatever goes wrong."""

import gzip
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

import httpx2
import pytest

from tests.live.caller import Caller, answer, said
from tests.live.panel import Panel, Server

BALANCE = {"balance": "10000.00", "currency": "USD"}
PATHS = ["/api/v2", "/api/v2/"]
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def urlencoded(http: httpx2.Client, url: str, fields: dict[str, str]) -> httpx2.Response:
    return http.post(url, data=fields)


def multipart(http: httpx2.Client, url: str, fields: dict[str, str]) -> httpx2.Response:
    return http.post(url, files={name: (None, value) for name, value in fields.items()})


def as_json(http: httpx2.Client, url: str, fields: dict[str, str]) -> httpx2.Response:
    return http.post(url, json=fields)


def in_query(http: httpx2.Client, url: str, fields: dict[str, str]) -> httpx2.Response:
    return http.get(url, params=fields)


def post_with_query_alone(http: httpx2.Client, url: str, fields: dict[str, str]) -> httpx2.Response:
    return http.post(url, params=fields)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("send", [urlencoded, multipart, as_json, in_query, post_with_query_alone])
class TestEveryWayToSend:
    def test_is_answered_alike_and_never_redirected(self, caller: Caller, path: str, send: Any) -> None:
        said_so = send(caller.http, caller.url + path, {"key": caller.key, "action": "balance"})
        assert answer(said_so) == BALANCE

    def test_places_an_order_with_text_of_any_script(self, panel: Panel, caller: Caller, path: str, send: Any) -> None:
        fields = {
            "key": caller.key,
            "action": "add",
            "service": str(panel.shelf["Comment Replies"]),
            "link": "https://example.com/ü?a=b&c=d+e%20f",
            "username": "Зоя 日本",
            "comments": "eins & zwei=2\n+3\n😀",
        }
        order = answer(send(caller.http, caller.url + path, fields))["order"]
        assert caller.orders()[0]["link"] == fields["link"]
        assert panel.office("details", order_id=order) == {
            "username": fields["username"],
            "comments": fields["comments"],
        }

    def test_answers_an_error_with_200(self, caller: Caller, path: str, send: Any) -> None:
        assert answer(send(caller.http, caller.url + path, {"key": "x", "action": "balance"})) == {
            "error": "Invalid API key"
        }


@pytest.mark.parametrize("send", [urlencoded, multipart, as_json])
def test_a_body_field_wins_over_the_same_query_field(caller: Caller, send: Any) -> None:
    url = caller.url + "/api/v2?key=wrong&action=services"
    assert answer(send(caller.http, url, {"key": caller.key, "action": "balance"})) == BALANCE


@pytest.mark.parametrize("send", [urlencoded, multipart, as_json])
def test_a_field_that_the_body_lacks_is_taken_from_the_query(caller: Caller, send: Any) -> None:
    assert answer(send(caller.http, f"{caller.url}/api/v2?key={caller.key}", {"action": "balance"})) == BALANCE


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/x-www-form-urlencoded; charset=utf-8",
        "Application/X-WWW-Form-URLEncoded",
    ],
)
def test_a_form_is_read_whatever_stands_behind_its_content_type(caller: Caller, kind: str) -> None:
    body = f"key={caller.key}&action=balance"
    assert answer(caller.http.post(caller.url + "/api/v2", content=body, headers={"Content-Type": kind})) == BALANCE


@pytest.mark.parametrize(
    "kind", ["application/json;charset=UTF-8", "application/json; charset=utf-8", "Application/JSON"]
)
def test_json_is_read_whatever_stands_behind_its_content_type(caller: Caller, kind: str) -> None:
    body = json.dumps({"key": caller.key, "action": "balance"})
    assert answer(caller.http.post(caller.url + "/api/v2", content=body, headers={"Content-Type": kind})) == BALANCE


def test_numbers_in_json_are_as_good_as_their_text(panel: Panel, caller: Caller) -> None:
    fields = {"key": caller.key, "action": "add", "service": panel.shelf["Default"], "link": "https://example.com/n"}
    order = answer(caller.http.post(caller.url + "/api/v2", json=fields | {"quantity": 100}))["order"]
    asked = {"key": caller.key, "action": "status", "order": order, "runs": None}
    assert answer(caller.http.post(caller.url + "/api/v2", json=asked))["remains"] == "100"


def test_a_quoted_boundary_and_plain_newlines_in_a_part_are_read(caller: Caller) -> None:
    parts = [("key", caller.key), ("action", "balance")]
    body = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
    )
    kind = f'multipart/form-data; boundary="{BOUNDARY}"; charset=UTF-8'
    sent = caller.http.post(caller.url + "/api/v2", content=f"{body}--{BOUNDARY}--\r\n", headers={"Content-Type": kind})
    assert answer(sent) == BALANCE


@pytest.mark.parametrize(
    "path", ["/api/v2/x", "/api/v2//", "/api/v22", "/api/v3", "/api/v2/../v3", "/API/V2", "/adminapi/v9", "/adminapi"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_of_the_api_is_a_404_in_json(caller: Caller, path: str, method: str) -> None:
    sent = talk(caller, f"{method} {path}?key={caller.key}&action=balance HTTP/1.1\r\nContent-Length: 0\r\n")
    assert sent.status_code == 404
    said(sent)


@pytest.mark.parametrize("path", ["/api/v2/x", "/adminapi/v2/orders"])
def test_an_unknown_host_name_is_told_in_json_too(caller: Caller, path: str) -> None:
    sent = caller.http.get(caller.url + path, headers={"Host": "other.example"})
    assert 400 <= sent.status_code < 500
    assert sent.headers["content-type"] == "application/json"
    assert isinstance(sent.json(), dict)


def test_the_v2_address_answers_under_any_host_name(caller: Caller) -> None:
    sent = caller.http.get(
        caller.url + "/api/v2", params={"key": caller.key, "action": "balance"}, headers={"Host": "other.example"}
    )
    assert answer(sent) == BALANCE


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", PATHS)
def test_another_method_is_a_405_in_json_that_names_the_right_ones(caller: Caller, method: str, path: str) -> None:
    sent = caller.http.request(method, caller.url + path, params={"key": caller.key, "action": "balance"})
    assert sent.status_code == 405
    said(sent)
    assert {each.strip() for each in sent.headers["allow"].split(",")} >= {"GET", "POST"}


def test_a_method_that_http_does_not_know_is_refused_in_json(caller: Caller) -> None:
    sent = talk(caller, "BREW /api/v2 HTTP/1.1\r\nContent-Length: 0\r\n")
    assert sent.status_code in {400, 405, 501}
    said(sent)


def test_head_gets_no_body_and_leaves_the_connection_in_order(caller: Caller) -> None:
    with socket.create_connection(("127.0.0.1", int(caller.url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(b"HEAD /api/v2 HTTP/1.1\r\nHost: x\r\n\r\n")
        head = read_until(line, b"\r\n\r\n")
        assert head.split(b" ", 2)[1] in {b"200", b"405"}
        line.sendall(b"GET /api/v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert read_until(line, b"}").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "in chunks"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json", "text/plain"])
def test_a_body_above_the_limit_is_a_413_in_json(untouched: Caller, kind: str, chunked: bool) -> None:
    body = f"key={untouched.key}&action=balance&comments=".encode() + b"a" * 1_100_000
    content: Any = iter([body[:1000], body[1000:600_000], body[600_000:]]) if chunked else body
    # A server may answer and hang up before all has been sent; the reader is told so by a 413 or finds the line cut.
    try:
        sent = untouched.http.post(untouched.url + "/api/v2", content=content, headers={"Content-Type": kind})
    except (httpx2.WriteError, httpx2.ReadError, httpx2.RemoteProtocolError):
        assert chunked
        return
    assert sent.status_code == 413
    said(sent)


def test_a_body_just_under_the_limit_is_read(caller: Caller) -> None:
    head = f"key={caller.key}&action=balance&comments=".encode()
    body = head + b"a" * (1_048_576 - len(head))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert answer(caller.http.post(caller.url + "/api/v2", content=body, headers=kind)) == BALANCE


def test_expect_100_continue_is_met_before_the_body_is_sent(caller: Caller) -> None:
    body = f"key={caller.key}&action=balance".encode()
    with socket.create_connection(("127.0.0.1", int(caller.url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(form_head(body, "Expect: 100-continue\r\n"))
        assert read_until(line, b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        line.sendall(body)
        assert read_until(line, b"}").startswith(b"HTTP/1.1 200")


def test_upgrade_to_h2c_is_passed_over(caller: Caller) -> None:
    body = f"key={caller.key}&action=balance".encode()
    more = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    with socket.create_connection(("127.0.0.1", int(caller.url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(form_head(body, more) + body)
        heard = read_until(line, b"}")
    assert heard.startswith(b"HTTP/1.1 200")
    assert b'"balance":"10000.00"' in heard


def test_two_requests_sent_together_are_both_answered(caller: Caller) -> None:
    one = f"GET /api/v2?key={caller.key}&action=balance HTTP/1.1\r\nHost: x\r\n"
    with socket.create_connection(("127.0.0.1", int(caller.url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(f"{one}\r\n{one}Connection: close\r\n\r\n".encode())
        heard = b"".join(iter(lambda: line.recv(65536), b""))
    assert heard.count(b'{"balance":"10000.00","currency":"USD"}') == 2


def test_http_1_0_is_answered(caller: Caller) -> None:
    assert answer(talk(caller, f"GET /api/v2?key={caller.key}&action=balance HTTP/1.0\r\n")) == BALANCE


def test_services_are_packed_only_when_asked_for(caller: Caller) -> None:
    asked = {"key": caller.key, "action": "services"}
    plain = caller.http.post(caller.url + "/api/v2", data=asked, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with caller.http.stream("POST", caller.url + "/api/v2", data=asked, headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["content-type"] == "application/json"
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content


def test_services_have_a_tag_and_are_not_sent_twice(caller: Caller) -> None:
    url, asked = caller.url + "/api/v2", {"key": caller.key, "action": "services"}
    tag = caller.http.get(url, params=asked).headers["etag"]
    again = caller.http.get(url, params=asked, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert caller.http.get(url, params=asked, headers={"If-None-Match": '"other"'}).status_code == 200


def test_an_api_answer_is_never_kept_by_a_proxy_for_others(caller: Caller) -> None:
    sent = caller.http.get(caller.url + "/api/v2", params={"key": caller.key, "action": "balance"})
    assert "public" not in sent.headers.get("cache-control", "")
    assert "set-cookie" not in sent.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_panel_says_that_it_is_well(panel: Panel, path: str) -> None:
    assert panel.http.get(panel.url + path).status_code == 200


def test_the_front_page_is_a_page_and_the_api_page_shows_this_panels_address(panel: Panel) -> None:
    front = panel.http.get(panel.url + "/")
    assert front.status_code == 200
    assert front.headers["content-type"].startswith("text/html")
    assert "/api" in front.text
    page = panel.http.get(panel.url + "/api")
    assert page.status_code == 200
    assert f"{panel.url}/api/v2" in page.text


@pytest.fixture(scope="module")
def strict(panel: Panel) -> Server:
    """A server on the same database with a limit per key and per address and little patience."""
    limits = {"SUTLER_KEY_REQUESTS_PER_SECOND": "3", "SUTLER_ADDRESS_REQUESTS_PER_SECOND": "3"}
    return panel.server(SUTLER_RECEIVE_TIMEOUT_SECONDS="1", **limits)


def test_too_many_requests_of_a_key_are_429_and_others_go_on(strict: Server, caller: Caller, other: Caller) -> None:
    hasty = caller.via(strict)
    sent = [hasty.post({"action": "balance"}) for _ in range(8)]
    refused = [each for each in sent if each.status_code == 429]
    assert refused
    assert {said(each)["error"] for each in refused} == {"Too many requests"}
    assert answer(sent[0]) == BALANCE
    assert other.via(strict).ask("balance") == BALANCE


def test_who_comes_without_a_key_is_counted_by_address_and_a_customer_from_there_is_not(
    strict: Server, other: Caller
) -> None:
    nobody = other.via(strict)
    with ThreadPoolExecutor(12) as threads:
        sent = list(threads.map(lambda _: nobody.post({"key": "x", "action": "balance"}), range(12)))
        assert nobody.ask("balance") == BALANCE
    assert {each.status_code for each in sent} == {200, 429}
    assert {said(each)["error"] for each in sent} == {"Invalid API key", "Too many requests"}


def test_a_body_that_does_not_arrive_in_time_is_given_up(strict: Server, untouched: Caller) -> None:
    body = f"key={untouched.key}&action=balance".encode()
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as line:
        line.sendall(form_head(body, "") + body[:20])
        assert untouched.via(strict).ask("balance") == BALANCE
        heard = b"".join(iter(lambda: line.recv(65536), b""))
    assert not heard or (heard.startswith(b"HTTP/1.1 4") and b"content-type: application/json\r\n" in heard.lower())


def form_head(body: bytes, more: str) -> bytes:
    """The head of a form of this length."""
    return (
        f"POST /api/v2 HTTP/1.1\r\nHost: x\r\n{more}Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()


def read_until(line: socket.socket, end: bytes) -> bytes:
    """Reads until these bytes have come."""
    heard = b""
    while end not in heard:
        piece = line.recv(65536)
        assert piece, f"hung up after {heard!r}"
        heard += piece
    return heard


def talk(caller: Caller, head: str) -> httpx2.Response:
    """Sends a request line and headers as they are and reads the answer."""
    with socket.create_connection(("127.0.0.1", int(caller.url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(f"{head}Host: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        with HTTPResponse(line) as heard:
            heard.begin()
            kept = [each for each in heard.getheaders() if each[0].lower() != "transfer-encoding"]
            return httpx2.Response(heard.status, headers=kept, content=heard.read())
