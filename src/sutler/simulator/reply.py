"""How an answer of the scripted upstream reaches the caller, if it does: whole, late, spoiled or not at all."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from sutler.core.clock import Random
from sutler.simulator.faults import Faults
from sutler.simulator.panel import Order

JSON, PAGE = "application/json", "text/html"
NEVER = float("inf")

# Nothing of these calls is done; of the unreadable ones it is in `done_share` of the cases.
NOT_DONE = frozenset(
    {
        "unreachable",
        "request_lost",
        "created_late",
        "refused_late",
        "rate_limited",
        "too_many_requests",
        "declined",
    }
)
MADE_LATER = frozenset({"created_late", "refused_late"})
UNREADABLE = frozenset({"html", "empty", "null", "http_500", "http_502", "http_504", "unclear_error"})
UNCLEAR_ERRORS: tuple[object, ...] = (
    {"error": "Something went wrong, please contact support"},
    {"error": ["Internal error"]},
    {"error": {"message": "Unexpected state", "code": 17}},
)
# Each is on the protocol's list of faults, whatever the order really was.
DECLINES = ("Incorrect service ID", "Incorrect link", "Not enough funds on balance")


class Ending(Enum):
    """What becomes of the connection."""

    WHOLE = auto()
    CUT_OFF = auto()  # half the body, then the end
    CLOSED = auto()  # closed without an answer
    RESET = auto()  # reset without an answer
    UNREACHED = auto()  # never made


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way. After `delay_seconds`, which may be NEVER, the connection comes to its `ending`.

    `names` is the order that the body truly names; it counts as told once the reply has gone out whole.
    """

    body: bytes = b""
    code: int = 200
    content_type: str = JSON
    retry_after_seconds: int = 0
    delay_seconds: float = 0.0
    ending: Ending = Ending.WHOLE
    names: Order | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer, `Content-Length` among them."""
        found = {"Content-Type": self.content_type, "Content-Length": str(len(self.body))}
        return found | {"Retry-After": str(self.retry_after_seconds)} if self.retry_after_seconds else found

    @property
    def half(self) -> bytes:
        """What arrives of a body that is cut off."""
        return self.body[: len(self.body) // 2]

    def mark_told(self) -> None:
        """Notes that the caller is given the whole answer. Whoever delivers it says so."""
        if self.names is not None:
            self.names.told = True


TOO_FAST = Reply(b'{"error":"Too many requests"}', 429, retry_after_seconds=1)
_WEB_PAGE = b"<!DOCTYPE html><html><head><title>One moment</title></head><body>Checking your browser.</body></html>"
_ERROR_PAGE = b"<html>\r\n<head><title>%s</title></head>\r\n<body><center><h1>%s</h1></center></body>\r\n</html>\r\n"
_PAGES = {
    "rate_limited": TOO_FAST,
    "too_many_requests": Reply(b'{"error":"Too many requests"}'),
    "html": Reply(_WEB_PAGE, content_type=PAGE),
    "empty": Reply(),
    "null": Reply(b"null"),
    "http_500": Reply(b"", 500, PAGE),
    "http_502": Reply(_ERROR_PAGE.replace(b"%s", b"502 Bad Gateway"), 502, PAGE),
    "http_504": Reply(_ERROR_PAGE.replace(b"%s", b"504 Gateway Time-out"), 504, PAGE),
}


def encoded(said: object) -> bytes:
    """Returns the JSON of what the panel says; text is escaped to ASCII, as most panels do."""
    return json.dumps(said, separators=(",", ":")).encode()


def sent(trouble: str, reply: Reply, faults: Faults, chance: Random) -> Reply:
    """Returns what becomes of a reply that meets this trouble on its way."""
    if trouble in _PAGES:
        return _PAGES[trouble]
    spoil = _SPOILT.get(trouble)
    return spoil(reply, faults, chance) if spoil else reply


def _unreached(_: Reply, __: Faults, chance: Random) -> Reply:
    return Reply(ending=Ending.UNREACHED, delay_seconds=chance.choice((0.0, NEVER)))


def _lost(_: Reply, __: Faults, chance: Random) -> Reply:
    """Returns a silence that lasts, or the end of the connection without an answer."""
    if chance.random() < 0.5:
        return Reply(delay_seconds=NEVER)
    return Reply(ending=chance.choice((Ending.CLOSED, Ending.RESET)))


def _late(reply: Reply, faults: Faults, _: Random) -> Reply:
    return replace(reply, delay_seconds=faults.late_seconds)


def _truncated(reply: Reply, _: Faults, chance: Random) -> Reply:
    return replace(reply, body=reply.body[: chance.randrange(1, len(reply.body))], names=None)


def _cut_off(reply: Reply, _: Faults, __: Random) -> Reply:
    return replace(reply, ending=Ending.CUT_OFF, names=None)


def _unclear(_: Reply, __: Faults, chance: Random) -> Reply:
    return Reply(encoded(chance.choice(UNCLEAR_ERRORS)))


def _declined(_: Reply, __: Faults, chance: Random) -> Reply:
    return Reply(encoded({"error": chance.choice(DECLINES)}))


_SPOILT: dict[str, Callable[[Reply, Faults, Random], Reply]] = {
    "unreachable": _unreached,
    "request_lost": _lost,
    "answer_lost": _lost,
    "created_late": _lost,
    "answered_late": _late,
    "truncated": _truncated,
    "cut_off": _cut_off,
    "unclear_error": _unclear,
    "refused_late": _unclear,
    "declined": _declined,
}
