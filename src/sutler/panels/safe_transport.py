"""The way out to addresses that others wrote down: providers' and webhooks' URLs.

A name is resolved at every request, redirects too, and every address that it has must be a public one, unless the
operator allows the host. The connection then goes to the very address that was looked at, so that a name server which
answers twice differently gains nothing; the Host header and the name that TLS checks stay the URL's.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import SOCK_STREAM

import httpx2

from sutler.panels.connection_pool import Connections

# Returns the addresses of a host, in the order in which to try them. Raises OSError if there are none.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

DEFAULT_PORTS = {"http": 80, "https": 443}
# Shorter than any server keeps an idle connection: one that closes just as an order leaves makes it unknown.
IDLE_SECONDS = 2.0
_ONE = httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)
MOST_TRIED = 3

# A translator of addresses takes the last 32 bits of these for an IPv4 address (RFC 6052).
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


async def ask_system(host: str, port: int) -> Sequence[str]:
    """Resolves a host as the system does. Raises OSError if it has no address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@lru_cache(maxsize=1024)
def is_public(address: str) -> bool:
    """Returns True for an address of the public internet; False for every other, and for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return parsed.is_global and not parsed.is_multicast
    inner = _inside(parsed)
    if inner is not None:
        return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast and not parsed.is_site_local


def _inside(address: IPv6Address) -> IPv4Address | None:
    """Returns the IPv4 address that an IPv6 address leads to, if it is one of those."""
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


class SafeTransport(httpx2.AsyncBaseTransport):
    """Connects to public addresses only, and to the hosts that the operator allows.

    Raises httpx2.ConnectError before anything is sent if a host has no address or one that is not public, and
    httpx2.ConnectTimeout if it is not resolved within the request's time to connect. Each host has connections of its
    own: two hosts behind one address never share one, and a host that hangs takes none of another's.
    """

    def __init__(
        self,
        resolve: Resolver = ask_system,
        allowed_hosts: Collection[str] = (),
        *,
        new_transport: Callable[[], httpx2.AsyncBaseTransport] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allowed_hosts` are names or addresses as they stand in a URL; `tls` verifies, the system's by default."""
        self._resolve = resolve
        self._allowed = {_name(host) for host in allowed_hosts}
        self._tls = tls
        self._new_transport = new_transport or (lambda: Connections(self._new_http_transport, IDLE_SECONDS))
        self._transports: dict[str, httpx2.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request to an address of its host; tries at most three, the next only after no connection."""
        addresses = await self._addresses(request)
        for address in addresses[:-1]:
            try:
                return await self._send(request, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._send(request, addresses[-1])

    async def aclose(self) -> None:
        """Closes all connections."""
        transports, self._transports = self._transports, {}
        for each in transports.values():
            await each.aclose()

    async def _addresses(self, request: httpx2.Request) -> Sequence[str]:
        """Returns the addresses to try, at least one, all of them public unless the host is allowed."""
        host = _host(request)
        found = await self._look_up(request)
        if not found:
            raise httpx2.ConnectError(f"{host} has no address")
        private = [each for each in found if not is_public(each)]
        if private and _name(host) not in self._allowed:
            raise httpx2.ConnectError(f"{host} is at {private[0]}, which is not a public address")
        return found[:MOST_TRIED]

    async def _look_up(self, request: httpx2.Request) -> Sequence[str]:
        host = _host(request)
        if is_address(host):
            return [host]
        port = request.url.port or DEFAULT_PORTS.get(request.url.scheme, 0)
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("connect")):
                return await self._resolve(host, port)
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(f"{host} was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(f"{host} cannot be resolved: {error}") from error

    async def _send(self, request: httpx2.Request, address: str) -> httpx2.Response:
        host = _host(request)
        if host not in self._transports:
            self._transports[host] = self._new_transport()
        # The Host header was written from the URL when the request was built, and is kept.
        url, request.url = request.url, _at(request.url, address)
        request.extensions = request.extensions | {"sni_hostname": host}
        try:
            return await self._transports[host].handle_async_request(request)
        finally:
            request.url = url

    def _new_http_transport(self) -> httpx2.AsyncHTTPTransport:
        self._tls = self._tls or httpx2.create_ssl_context(trust_env=False)
        return httpx2.AsyncHTTPTransport(verify=self._tls, limits=_ONE)


def open_client(allowed_hosts: Collection[str] = (), resolve: Resolver = ask_system) -> httpx2.AsyncClient:
    """Returns a client that goes out through a SafeTransport, takes no proxy from the environment, keeps no cookies."""
    return httpx2.AsyncClient(
        transport=SafeTransport(resolve, allowed_hosts),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        trust_env=False,
    )


@lru_cache(maxsize=1024)
def _at(url: httpx2.URL, address: str) -> httpx2.URL:
    return url.copy_with(host=address)


def _host(request: httpx2.Request) -> str:
    return request.url.raw_host.decode("ascii")


def is_allowed(host: str, allowed_hosts: Collection[str]) -> bool:
    """Returns True if the operator lets this host, as it stands in a URL, have a private address."""
    return _name(host) in {_name(each) for each in allowed_hosts}


@lru_cache(maxsize=1024)
def is_address(host: str) -> bool:
    """Returns True for an IP address, False for a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _name(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()
