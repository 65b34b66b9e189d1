"""What both versions of the fulfilment interface share: whose key it is, what was sent, what is said in trouble.

Programs of staff call it; customers' keys are refused (the protocol, section 6).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sutler.accounts import keys
from sutler.accounts.models import ApiKey
from sutler.api.form_fields import Unreadable, read_fields
from sutler.core.clock import SystemClock
from sutler.core.refusals import Reason, Refusal
from sutler.storage.transactions import Busy, CommitUnclear

Fields = Mapping[str, Any]
View = Callable[..., HttpResponse]

# Where a request's META names the staff member whose key it came with.
ACTOR = "sutler.actor"

_LAST_USE_EVERY = timedelta(minutes=1)

_clock = SystemClock()
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a key that may make it. `actor` is who the events will name."""

    fields: Fields
    actor: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a request was not answered although nobody refused it: the HTTP code and the text."""

    code: int
    text: str


TOO_LARGE = Trouble(413, "Request too large")
BUSY = Trouble(503, "Service busy, try again")
UNCLEAR = Trouble(500, "It is not known whether this took effect; look the orders up")
FAILED = Trouble(500, "Internal error")


def guarded(word: Callable[[Trouble], HttpResponse]) -> Callable[[View], View]:
    """Makes a view answer in the words of its version whatever goes wrong inside, and takes no form token."""

    def guard(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def safe(request: HttpRequest, **parts: str) -> HttpResponse:
            try:
                return view(request, **parts)
            except RequestDataTooBig:
                return word(TOO_LARGE)
            except (Busy, OperationalError, InterfaceError) as error:
                _log.warning("admin_api_busy", path=request.path, error=str(error))
                answer = word(BUSY)
                answer["Retry-After"] = "1"
                return answer
            except CommitUnclear:
                _log.exception("admin_api_commit_unclear", path=request.path)
                return word(UNCLEAR)
            except Exception:  # noqa: BLE001 - whatever it is, the answer is JSON
                _log.exception("admin_api_failed", path=request.path)
                return word(FAILED)

        return safe

    return guard


def json_answer(content: object, code: int = 200) -> HttpResponse:
    """Returns the answer as JSON, its content type without a charset, never kept by anybody on the way."""
    return HttpResponse(msgspec.json.encode(content), "application/json", code, headers={"Cache-Control": "no-store"})


def admit(secret: str, address: str, scope: str, now: datetime) -> str | Refusal:
    """Returns the actor that a staff key stands for, and notes the key's use, at most once a minute.

    Refuses with INVALID_KEY (a customer's key is one), ADDRESS_NOT_ALLOWED or SCOPE_MISSING.
    """
    hashed = keys.digest(secret)
    holder = keys.find([hashed]).get(hashed) if secret else None
    if holder is None or holder.user_id is None:
        return Refusal(Reason.INVALID_KEY)
    if not holder.allows_address(address):
        return Refusal(Reason.ADDRESS_NOT_ALLOWED)
    if scope not in holder.scopes:
        return Refusal(Reason.SCOPE_MISSING)
    long_unused = Q(last_used_at=None) | Q(last_used_at__lt=now - _LAST_USE_EVERY)
    used = ApiKey.objects.filter(long_unused, pk=holder.key_id)
    if used.exists():  # an update takes SQLite's write lock even where it finds no row
        used.update(last_used_at=now)
    return f"staff {holder.user_id}"


def now() -> datetime:
    """Returns the moment at which a request is dealt with."""
    return _clock.now()


def read(request: HttpRequest) -> dict[str, Any] | Refusal:
    """Returns what was sent: the query's fields and over them the body's, a JSON object or a form.

    Refuses with INCORRECT_REQUEST a body that says it is JSON and is no object. Raises RequestDataTooBig past
    SUTLER_BODY_LIMIT_BYTES.
    """
    content_type = request.headers.get("Content-Type", "")
    body = _body(request)
    is_json = "json" in content_type.lower() or body.lstrip()[:1] in {b"{", b"["}
    scope = {
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1", "replace"),
        "headers": [(b"content-type", content_type.encode("latin-1", "replace"))],
    }
    try:
        fields: dict[str, Any] = dict(read_fields(scope, b"" if is_json else body))
    except Unreadable:
        return Refusal(Reason.INCORRECT_REQUEST)
    if not is_json or not body.strip():
        return fields
    decoded = decode(body)
    return fields | decoded if isinstance(decoded, dict) else Refusal(Reason.INCORRECT_REQUEST)


def decode(content: bytes | str) -> Any:
    """Returns what the JSON says, or None if it is none."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _body(request: HttpRequest) -> bytes:
    limit = settings.SUTLER["SUTLER_BODY_LIMIT_BYTES"]
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > limit:
        raise RequestDataTooBig
    body = request.body
    if len(body) > limit:
        raise RequestDataTooBig
    return body
