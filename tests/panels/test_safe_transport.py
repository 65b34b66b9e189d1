"""The way out: only public addresses, the very address that was looked at, and the name that TLS checks."""

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx2
import pytest

from sutler.panels.safe_transport import SafeTransport, ask_system, is_public, open_client

PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "203.0.113.7",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    # IPv4 addresses in other clothes.
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "1.1.1.1:80",
]


class Seen:
    """Stands where the network begins: notes what would be sent, and where to."""

    def __init__(self, *unreachable: str) -> None:
        self.requests: list[httpx2.Request] = []
        self.urls: list[httpx2.URL] = []
        self.unreachable = unreachable

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        self.urls.append(request.url)
        if request.url.host in self.unreachable:
            raise httpx2.ConnectError("no route")
        return httpx2.Response(200, json={"host": request.headers["Host"]})

    @property
    def hosts(self) -> list[str]:
        return [each.host for each in self.urls]


def at(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def ask(transport: SafeTransport, url: str, **more: object) -> httpx2.Response:
    async def call() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            return await client.post(url, data={"key": "k"}, **more)  # type: ignore[arg-type]

    return asyncio.run(call())


def guarded(seen: Seen, *addresses: str, allowed_hosts: Sequence[str] = ()) -> SafeTransport:
    return SafeTransport(at(*addresses), allowed_hosts, new_transport=lambda: httpx2.MockTransport(seen.answer))


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_no_public_address(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, OTHER_PUBLIC, "8.8.8.8", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::"]
)
def test_a_public_address(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE[:-6])
def test_a_name_at_a_private_address_is_refused_before_anything_is_sent(address: str) -> None:
    seen = Seen()
    with pytest.raises(httpx2.ConnectError, match="not a public address"):
        ask(guarded(seen, address), "https://panel.example/api/v2")
    with pytest.raises(httpx2.ConnectError, match="not a public address"):
        ask(guarded(seen, PUBLIC, address), "https://panel.example/api/v2")
    assert seen.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:10.0.0.1]"])
def test_a_private_address_in_the_url_is_refused_without_being_resolved(host: str) -> None:
    seen = Seen()
    with pytest.raises(httpx2.ConnectError, match="not a public address"):
        ask(guarded(seen, PUBLIC), f"http://{host}:8000/api/v2")
    assert seen.requests == []


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "0", "LOCALHOST."])
def test_the_system_s_other_ways_to_write_a_private_address_are_refused(host: str) -> None:
    with pytest.raises(httpx2.ConnectError):
        ask(SafeTransport(ask_system), f"http://{host}:1/api/v2")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("panel.lan", "panel.lan"),
        ("PANEL.lan.", "panel.lan"),
        ("panel.lan", "Panel.LAN."),
        ("10.0.0.7", "10.0.0.7"),
        ("[fc00::7]", "fc00::7"),
        ("[fc00::7]", "[fc00::7]"),
    ],
)
def test_a_host_that_the_operator_allows_may_be_private(host: str, allowed: str) -> None:
    seen = Seen()
    assert ask(guarded(seen, "10.0.0.7", allowed_hosts=[allowed]), f"http://{host}/api/v2").status_code == 200


def test_allowing_one_host_allows_no_other() -> None:
    with pytest.raises(httpx2.ConnectError):
        ask(guarded(Seen(), "10.0.0.7", allowed_hosts=["panel.lan"]), "http://evil.panel.lan/api/v2")


def test_the_request_goes_to_the_address_under_the_name_of_the_url() -> None:
    seen = Seen()
    response = ask(guarded(seen, PUBLIC), "https://panel.example:8443/api/v2?a=b", headers={"X-A": "1"})
    (sent,) = seen.requests
    assert str(seen.urls[-1]) == f"https://{PUBLIC}:8443/api/v2?a=b"
    assert sent.headers["Host"] == "panel.example:8443"
    assert sent.extensions["sni_hostname"] == "panel.example"
    assert sent.headers["X-A"] == "1"
    assert response.json() == {"host": "panel.example:8443"}
    assert str(response.request.url) == "https://panel.example:8443/api/v2?a=b"


def test_a_name_in_another_script_is_asked_in_its_ascii_form() -> None:
    seen = Seen()
    ask(guarded(seen, OTHER_PUBLIC), "https://münchen.example/api/v2")
    assert seen.hosts == [OTHER_PUBLIC]
    assert seen.requests[0].extensions["sni_hostname"] == "xn--mnchen-3ya.example"


def test_a_name_is_looked_at_anew_at_every_request() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(answers)

    seen = Seen()
    transport = SafeTransport(resolve, new_transport=lambda: httpx2.MockTransport(seen.answer))
    assert ask(transport, "https://panel.example/").status_code == 200
    with pytest.raises(httpx2.ConnectError, match="not a public address"):
        ask(transport, "https://panel.example/")
    assert seen.hosts == [PUBLIC]


def test_a_redirect_to_a_private_address_is_refused_too() -> None:
    def redirect(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(307, headers={"Location": "http://169.254.169.254/latest/meta-data"})

    transport = SafeTransport(at(PUBLIC), new_transport=lambda: httpx2.MockTransport(redirect))
    with pytest.raises(httpx2.ConnectError, match=r"169\.254\.169\.254"):
        ask(transport, "http://panel.example/", follow_redirects=True)


def test_the_next_address_is_tried_when_one_cannot_be_reached() -> None:
    seen = Seen(OTHER_PUBLIC)
    assert ask(guarded(seen, OTHER_PUBLIC, PUBLIC), "https://panel.example/").status_code == 200
    assert seen.hosts == [OTHER_PUBLIC, PUBLIC]


def test_no_more_than_three_addresses_are_tried() -> None:
    addresses = [f"8.8.8.{last}" for last in range(9)]
    seen = Seen(*addresses)
    with pytest.raises(httpx2.ConnectError):
        ask(guarded(seen, *addresses), "https://panel.example/")
    assert seen.hosts == addresses[:3]


def test_a_name_without_an_address_is_no_connection() -> None:
    async def fail(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    for transport in (SafeTransport(fail), SafeTransport(at())):
        with pytest.raises(httpx2.ConnectError, match=r"panel\.example"):
            ask(transport, "https://panel.example/")


def test_a_name_server_that_hangs_costs_no_more_than_the_time_to_connect() -> None:
    async def hang(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(httpx2.ConnectTimeout):
        ask(SafeTransport(hang), "https://panel.example/", timeout=httpx2.Timeout(60, connect=0.01))


def test_two_hosts_behind_one_address_share_no_connection() -> None:
    made = []

    def new_transport() -> httpx2.MockTransport:
        made.append(1)
        return httpx2.MockTransport(Seen().answer)

    transport = SafeTransport(at(PUBLIC), new_transport=new_transport)

    async def call() -> None:
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            for host in ("a.example", "b.example", "a.example"):
                await client.get(f"https://{host}/")

    asyncio.run(call())
    assert len(made) == 2


def test_the_client_keeps_no_cookies() -> None:
    heard: list[bytes] = []

    async def bake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nSet-Cookie: PHPSESSID=1\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def call() -> None:
        server = await asyncio.start_server(bake, "127.0.0.1", 0)
        async with server, open_client(["127.0.0.1"]) as client:
            for _ in range(2):
                await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    asyncio.run(call())
    assert len(heard) == 2
    assert b"PHPSESSID" not in heard[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key in one file, for panel.test, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            str(key),
            "-out",
            str(made),
            "-days",
            "2",
            "-subj",
            "/CN=panel.test",
            "-addext",
            "subjectAltName=DNS:panel.test",
        ],
        check=True,
        capture_output=True,
    )
    made.write_text(made.read_text() + key.read_text())
    return made


async def say_host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers any request with its Host header."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    host = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("host: "))
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(host)}\r\nConnection: close\r\n\r\n{host}".encode())
    await writer.drain()
    writer.close()


def ask_over_tls(certificate: Path, host: str) -> str:
    async def call() -> str:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(certificate)
        trusting = ssl.create_default_context(cafile=certificate)
        server = await asyncio.start_server(say_host, "127.0.0.1", 0, ssl=ours)
        port = server.sockets[0].getsockname()[1]
        transport = SafeTransport(at("127.0.0.1"), [host], tls=trusting)
        async with server, httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            return (await client.get(f"https://{host}:{port}/")).text

    return asyncio.run(call())


def test_tls_checks_the_name_of_the_url_and_not_the_address(certificate: Path) -> None:
    assert ask_over_tls(certificate, "panel.test").startswith("panel.test:")


def test_a_certificate_for_another_name_is_no_connection(certificate: Path) -> None:
    with pytest.raises(httpx2.ConnectError, match="certificate"):
        ask_over_tls(certificate, "other.test")
