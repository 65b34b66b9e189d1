"""Asking a panel that is under examination: one call in whichever way, and whatever came back, the key masked."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import quote, quote_plus

import httpx2

from sutler import __version__
from sutler.core.events import CauseKind, cause, failure
from sutler.core.order_types import read_number
from sutler.core.upstream_words import LONGEST_RAW, DeclineKind, read_text
from sutler.panels import answer_body
from sutler.panels.http_call import LONGEST_ANSWER_BYTES, MASK
from sutler.panels.results import NoAnswer, NotSent

LONGEST_SHOWN = 200
TRIES = 4
LONGEST_PAUSE_SECONDS = 60
CONNECT_SECONDS, READ_SECONDS, ADD_SECONDS = 5, 30, 120
_HEADERS = {"User-Agent": f"Sutler/{__version__}", "Accept": "application/json", "Accept-Encoding": "identity"}
_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)

Wait = Callable[[float], Awaitable[None]]


class Way(Enum):
    """How the fields of a call travel."""

    FORM = auto()
    FORM_WITH_CHARSET = auto()
    MULTIPART = auto()
    JSON = auto()
    QUERY = auto()


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `fields` besides the key, the way they travel, and what is odd about it.

    `key` None is the account's own; "" sends none. `other_slash` asks at the address with the slash at its end added,
    or taken away.
    """

    fields: tuple[tuple[str, str], ...]
    way: Way = Way.FORM
    key: str | None = field(default=None, repr=False)
    other_slash: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `value` is the JSON, or NoAnswer or NotSent; `shown` its beginning, the key masked."""

    value: Any
    shown: str = ""
    http_status: int = 0
    content_type: str = ""
    location: str = ""


def call(action: str, /, **fields: str) -> Call:
    """Returns an ordinary call of an action; "" is none."""
    named = {"action": action} if action else {}
    return Call(tuple({**named, **fields}.items()))


class Asker:
    """Asks one panel, one call at a time. The outside never raises here."""

    def __init__(self, url: str, key: str, http: httpx2.AsyncClient, wait: Wait) -> None:
        """Asks through `http`; `await wait(seconds)` lets time pass where the panel wants it slower."""
        self._url = httpx2.URL(url)
        self._key = key
        self._http = http
        self._wait = wait
        self._tries = TRIES
        spellings = {key, quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1], key.replace("/", "\\/")}
        self._secret = re.compile("|".join(re.escape(each) for each in spellings if each), re.IGNORECASE)

    async def ask(self, asked: Call) -> Answer:
        """Returns what comes back; where the panel says that this was too fast, the answer to a later try."""
        tries = self._tries
        heard = await self._once(asked)
        while (seconds := _pause_seconds(asked, heard)) and tries > 1:
            await self._wait(seconds)
            heard = await self._once(asked)
            tries -= 1
        if seconds:
            self._tries = 1  # it has been given time enough
        return heard.answer

    def masked(self, text: str) -> str:
        """Returns the beginning of a text as one printable line, without the key."""
        return read_text(self._secret.sub(MASK, text), LONGEST_SHOWN)

    async def _once(self, asked: Call) -> "_Heard":
        try:
            async with asyncio.timeout(2 * ADD_SECONDS):
                response = await self._http.send(self._request(asked), stream=True, follow_redirects=False)
                try:
                    body = bytearray()
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        if len(body) > LONGEST_ANSWER_BYTES:
                            return _Heard(Answer(NoAnswer(cause(CauseKind.TOO_LONG, count=LONGEST_ANSWER_BYTES))))
                finally:
                    await response.aclose()
        except _NEVER_LEFT as error:
            return _Heard(Answer(NotSent(failure(self._told(error)))))
        except Exception as error:  # noqa: BLE001 - whatever broke, it is what the panel did
            return _Heard(Answer(NoAnswer(failure(self._told(error)))))
        return _Heard(self._read(response, body.decode("utf-8", "replace")), response.headers.get("Retry-After", ""))

    def _request(self, asked: Call) -> httpx2.Request:
        key = self._key if asked.key is None else asked.key
        fields = dict(asked.fields) | ({"key": key} if key else {})
        seconds = ADD_SECONDS if fields.get("action") == "add" else READ_SECONDS
        timeout = httpx2.Timeout(seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        url, headers = self._address(asked.other_slash), dict(_HEADERS)
        if asked.way is Way.QUERY:
            return self._http.build_request("GET", url.copy_merge_params(fields), headers=headers, timeout=timeout)
        if asked.way is Way.JSON:
            return self._http.build_request("POST", url, json=fields, headers=headers, timeout=timeout)
        if asked.way is Way.MULTIPART:
            parts = {name: (None, text) for name, text in fields.items()}
            return self._http.build_request("POST", url, files=parts, headers=headers, timeout=timeout)
        if asked.way is Way.FORM_WITH_CHARSET:
            headers["Content-Type"] = "application/x-www-form-urlencoded;charset=UTF-8"
        return self._http.build_request("POST", url, data=fields, headers=headers, timeout=timeout)

    def _address(self, other_slash: bool) -> httpx2.URL:
        path = self._url.path
        if not other_slash:
            return self._url
        return self._url.copy_with(path=path.rstrip("/") if path.endswith("/") else f"{path}/")

    def _read(self, response: httpx2.Response, text: str) -> Answer:
        return Answer(
            answer_body.decode(text),
            self.masked(text),
            response.status_code,
            read_text(response.headers.get("Content-Type", ""), LONGEST_SHOWN),
            self.masked(response.headers.get("Location", "")) if response.has_redirect_location else "",
        )

    def _told(self, error: Exception) -> str:
        return f"{type(error).__name__}: {self.masked(str(error))}"[:LONGEST_RAW]


@dataclass(frozen=True, slots=True)
class _Heard:
    answer: Answer
    retry_after: str = ""


def _pause_seconds(asked: Call, heard: _Heard) -> int:
    """Returns how long to wait before the same is asked again, 0 if it is not. An order is, only if surely refused."""
    said = answer_body.refusal(heard.answer.value)
    is_refused = said is not None and said.kind is DeclineKind.RATE
    is_bare = heard.answer.http_status == 429 and ("action", "add") not in asked.fields
    return min(max(read_number(heard.retry_after) or 1, 1), LONGEST_PAUSE_SECONDS) if is_refused or is_bare else 0
