"""What can happen to an order, and why an attempt stands as it does: closed lists of kinds, each with its data.

Rows keep a kind and data (ids, amounts in micros, what others wrote, as it came), never a sentence: they are worded
when they are shown (`event_texts`, in other languages `web.event_text`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from sutler.core.upstream_words import DeclineKind

LONGEST_TEXT = 1000
# A kind and its data in one mapping: {"kind": "declined", "decline_kind": "FUNDS", "raw": "not enough funds"}.
Cause = Mapping[str, Any]


class EventKind(StrEnum):
    """What happened to an order."""

    # Nothing but a move between states, which the event has beside it.
    MOVED = "moved"
    # The counts have changed, or the children of a parent: the answer to `status` is another, the status is not.
    PROGRESS = "progress"
    # What a person wrote.
    REMARK = "remark"
    STAFF_WAIT = "staff wait"
    APPROVED = "approved"
    NOT_APPROVED = "not approved"
    SENT = "sent"
    PLACED = "placed"
    MADE_BY_PROVIDER = "made by provider"
    NOT_PLACED = "not placed"
    UNCONFIRMED = "unconfirmed"
    VERDICT_NEEDED = "verdict needed"
    LATE_ANSWER = "late answer"
    DISOWNED = "disowned"
    UPSTREAM_STATUS = "upstream status"
    # Something about a provider's answer that staff must look at.
    ODD_STATUS = "odd status"
    RUN_NOT_NAMED = "run not named"
    TO_DESK = "to desk"
    REFUSED_BY_ALL = "refused by all"
    REFUSED = "refused"
    CANCEL_FORWARDED = "cancel forwarded"
    CANCEL_UNPAID = "cancel unpaid"
    CANCEL_REJECTED = "cancel rejected"
    REFILL_FORWARDED = "refill forwarded"
    REFILL_UNCLEAR = "refill unclear"
    REFILL_MOVED = "refill moved"
    RUNS_STOPPED = "runs stopped"
    POST_REPORTED = "post reported"
    PAUSED = "paused"
    EXPIRED = "expired"
    # It was placed at another panel, charged as it was charged there, and stood like that when it came.
    MOVED_IN = "moved in"
    UNSENT = "unsent"


class CauseKind(StrEnum):
    """Why an attempt stands as it does, what is odd about a provider's answer, what an alarm says."""

    # The provider's refusal: `decline_kind` as it was understood, `raw` as it came.
    DECLINED = "declined"
    # The same, in words that are not known.
    UNKNOWN_WORDS = "unknown words"
    # What broke on the way, as the system says it.
    FAILURE = "failure"
    # As it was written before kinds were kept.
    TEXT = "text"
    NOT_IN_ANSWER = "not in answer"
    NOT_IN_TIME = "not in time"
    WORKER_SILENT = "worker silent"
    PROVIDER_STOPPED = "provider stopped"
    ORDER_CANCELED = "order canceled"
    ANOTHERS_ID = "another's id"
    OLD_ID = "old id"
    DISOWNED_ID = "disowned id"
    STAFF_PLACED = "staff: placed"
    STAFF_ABSENT = "staff: absent"
    STAFF_REFUSED = "staff: refused"
    MADE_FOR = "made for"
    FOUND_BY_SCAN = "found by scan"
    FOUND_BY_REQUEST_ID = "found by request id"
    ABSENT_BY_REQUEST_ID = "absent by request id"
    RESTORED = "restored"
    NO_SCANS = "no scans"
    SHARED_ACCOUNT = "shared account"
    ABSENT_BY_BALANCE = "absent by balance"
    ABSENT_BY_SCANS = "absent by scans"
    CHARGED_UNFOUND = "charged, not found"
    NOTHING_FOUND = "nothing found"
    ANOTHER_ATTEMPT = "another attempt"
    SEVERAL_FOUND = "several found"
    OTHER_CHARGE = "other charge"
    COSTS_NOTHING = "costs nothing"
    REFILL_WITHOUT_ID = "refill without id"
    REFILL_UNKNOWN = "refill unknown"
    PARTIAL_WITHOUT_REMAINS = "partial without remains"
    PARTIAL_OUT_OF_RANGE = "partial out of range"
    CHARGE_DIFFERS = "charge differs"
    CHARGE_CHANGED = "charge changed"
    STATUS_CHANGED = "status changed"
    STATUS_BACK = "status back"
    STATUS_UNKNOWN = "status unknown"
    STATUS_FAILED = "status failed"
    STATUS_UNREAD = "status unread"
    NOT_FOUND = "not found"
    # An answer that cannot be read, or that proves nothing.
    HTTP = "http"
    NOT_JSON = "not JSON"
    NOT_JSON_TEXT = "not JSON: text"
    EMPTY = "empty"
    NO_SHAPE = "no shape"
    NO_ORDER_ID = "no order id"
    ERROR_BESIDE_ID = "error beside id"
    FAILED_BESIDE_ID = "failed beside id"
    ERROR_BESIDE_SUCCESS = "error beside success"
    UNSURE_ERROR = "unsure error"
    ERROR_BESIDE_REFILL = "error beside refill"
    TWO_REFILLS = "two refills"
    TOO_LONG = "too long"
    PACKED = "packed"
    GZIP_BROKEN = "gzip broken"
    GZIP_CUT = "gzip cut"
    CHARSET_UNKNOWN = "charset unknown"
    REDIRECTED = "redirected"
    NO_LIST = "no list"
    TOO_MANY_SERVICES = "too many services"
    CALLER_NOT_STARTED = "caller not started"
    CALLER_ENDED = "caller ended"
    CALLER_HANGS = "caller hangs"
    # What staff must look at.
    NOTHING_SENT = "nothing sent"
    OUTCOMES_OPEN = "outcomes open"
    OUTCOMES_UNCLEAR = "outcomes unclear"
    ANSWERED_LATE = "answered late"
    ORDER_ODD = "order odd"
    REFILL_ODD = "refill odd"
    REFILL_REPORT_NEEDED = "refill report needed"
    NONE_READ = "none read"
    ORDER_UNWANTED = "order unwanted"
    POST_UNPAID = "post unpaid"
    ORPHAN = "orphan"
    ORPHAN_UNCHARGED = "orphan, charge unknown"
    ADDRESS_MOVED = "address moved"
    KEY_UNREADABLE = "key unreadable"
    AT_DESK = "at desk"
    BALANCE_REFUSED = "balance refused"
    BALANCE_CURRENCY = "balance currency"
    BALANCE_LESS = "balance less"
    BALANCE_MORE = "balance more"
    BALANCE_LOW = "balance low"
    CATALOGUE_REJECTED = "catalogue rejected"
    CATALOGUE_SHRUNK = "catalogue shrunk"
    CATALOGUE_UNREADABLE = "catalogue unreadable"
    PRICES_WAIT = "prices wait"
    PROMISES_BROKEN = "promises broken"
    TYPE_CHANGED = "type changed"
    TYPE_LOST = "type lost"
    PROMISE_LOST = "promise lost"
    SERVICES_UNREADABLE = "services unreadable"
    ROW_UNREADABLE = "row unreadable"
    SERVICES_PAUSED = "services paused"
    RISES_WAIT = "rises wait"
    NOT_QUOTED = "not quoted"
    RATE_OUT_OF_DATE = "rate out of date"
    RATE_JUMPED = "rate jumped"
    RATES_UNREAD = "rates unread"
    BACKUP_FAILED = "backup failed"
    BACKUP_MISSED = "backup missed"
    STANDS_STILL = "stands still"
    FORGOTTEN_ORDERS = "forgotten orders"
    NOTICE_GIVEN_UP = "notice given up"


class Note(NamedTuple):
    """What an event says: its kind and its data."""

    kind: EventKind
    data: Mapping[str, Any]


NOTHING = Note(EventKind.MOVED, {})


def note(kind: EventKind, **data: Any) -> Note:
    """Returns what an event of this kind says, without what is None."""
    return Note(kind, {name: value for name, value in data.items() if value is not None})


def remark(text: str) -> Note:
    """Returns what a person wrote, up to 1,000 characters; nothing for an empty text."""
    return Note(EventKind.REMARK, {"text": text[:LONGEST_TEXT]}) if text else NOTHING


def declined(kind: DeclineKind, raw: str) -> Cause:
    """Returns the cause of a refusal: what it is about, and the provider's words."""
    return cause(CauseKind.DECLINED, decline_kind=kind.name, raw=raw)


def failure(text: str) -> Cause:
    """Returns the cause that something broke on the way, in the system's words."""
    return cause(CauseKind.FAILURE, text=text)


def cause(kind: CauseKind, **data: Any) -> Cause:
    """Returns a cause; texts are cut to 1,000 characters."""
    cut = {name: value[:LONGEST_TEXT] if isinstance(value, str) else value for name, value in data.items()}
    return {"kind": kind.value, **cut}
