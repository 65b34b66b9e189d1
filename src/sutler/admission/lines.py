"""Who a request counts as while it waits, found without asking the database."""

from collections import OrderedDict

from django.conf import settings
from django.http import parse_cookie

from sutler.accounts import keys
from sutler.admission.fair_queue import Line
from sutler.api.form_fields import Unreadable, read_fields
from sutler.api.read_request import Scope, header

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_MOST_KNOWN = 20_000
# A key of `/adminapi/v1` comes in the form; a longer one is not read here, and counts as its address.
_FORM_BYTES = 4096


class Lines:
    """Finds the line of a request: its session or staff key once one is known to be real, else its address.

    Whoever makes sessions up stays one address; whoever is signed in does not share a line with the neighbours.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Line] = OrderedDict()

    def of(self, scope: Scope, body: bytes = b"") -> Line:
        """Returns the line of a request."""
        address = scope["client"][0] if scope["client"] else ""
        if scope["path"] in PROBES:
            return Line(f"probe {address}", is_staff=True)
        return self._known.get(_credential(scope, body)) or Line(f"address {address}")

    def remember(self, scope: Scope, body: bytes, *, is_staff: bool) -> None:
        """Notes that what this request came with is real, and whether it is a staff member's."""
        credential = _credential(scope, body)
        if credential:
            self._known[credential] = Line(credential, is_staff)
            self._known.move_to_end(credential)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)


def _credential(scope: Scope, body: bytes) -> str:
    """Returns the session or the key that a request came with, empty if with neither."""
    path = scope["path"].lower()
    if path.startswith("/adminapi/"):
        secret = header(scope, b"x-api-key").decode("latin-1")
        if path.startswith("/adminapi/v1"):
            secret = _key(scope, body)
        return f"key {keys.digest(secret.strip())}" if secret else ""
    session = parse_cookie(header(scope, b"cookie").decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    return f"session {session}" if session else ""


def _key(scope: Scope, body: bytes) -> str:
    try:
        return read_fields(scope, body if len(body) <= _FORM_BYTES else b"").get("key", "")
    except Unreadable:
        return ""
