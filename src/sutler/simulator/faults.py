"""The faults of the scripted upstream: what each one does, how often it strikes, and the lots that decide."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from sutler.core.clock import Random

ACTIONS = ("services", "add", "status", "refill", "refill_status", "cancel", "balance", "find")


class Group(StrEnum):
    """Where a fault lies. Those of the way strike any action that `only` does not leave out."""

    WAY = "on the way there and back"
    ADD = "in the answer to add, and in what add does"
    STATUS = "in each order that status tells of"
    SHAPE = "in the shape of other answers"
    CATALOGUE = "in the catalogue"
    MEASURE = "measures, not faults"


def _fault(group: Group, about: str) -> Any:
    return _measure(0.0, about, group)


def _measure(default: float, about: str, group: Group = Group.MEASURE) -> Any:
    return field(default=default, metadata={"group": group, "about": about, "default": default})


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each fault strikes, from 0 (never) to 1 (always); all are off at first, each stands on its own.

    Of the faults on the way at most one strikes a call, the one that stands first. Raises ValueError for a share that
    is none, a negative measure or an unknown action in `only`.
    """

    unreachable: float = _fault(Group.WAY, "no connection is made, not a byte leaves; nothing is done")
    request_lost: float = _fault(
        Group.WAY, "the request is lost after bytes have left; time-out or reset, nothing done"
    )
    answer_lost: float = _fault(Group.WAY, "it is done, then the answer is lost: time-out or reset")
    created_late: float = _fault(
        Group.WAY, "add: time-out or reset now, the order is made up to created_late_seconds on"
    )
    answered_late: float = _fault(Group.WAY, "it is done at once and answered after late_seconds")
    html: float = _fault(Group.WAY, "a web page with code 200; done in done_share of the cases")
    empty: float = _fault(Group.WAY, "an empty body; done in done_share of the cases")
    null: float = _fault(Group.WAY, "the body `null`; done in done_share of the cases")
    truncated: float = _fault(Group.WAY, "it is done, the JSON ends in the middle")
    cut_off: float = _fault(Group.WAY, "it is done, the connection ends in the middle of the body")
    http_500: float = _fault(Group.WAY, "code 500 and an empty body; done in done_share of the cases")
    http_502: float = _fault(Group.WAY, "code 502 and a web page; done in done_share of the cases")
    http_504: float = _fault(Group.WAY, "code 504 and a web page; done in done_share of the cases")
    unclear_error: float = _fault(Group.WAY, "an `error` of no known meaning; done in done_share of the cases")
    refused_late: float = _fault(
        Group.WAY, "add: an `error` of no known meaning now, the order is made up to created_late_seconds on"
    )
    rate_limited: float = _fault(Group.WAY, "code 429 with Retry-After; nothing is done")
    too_many_requests: float = _fault(Group.WAY, "the error `Too many requests` with code 200; nothing is done")
    declined: float = _fault(Group.WAY, "add: a well-known refusal for no reason; nothing is done")

    foreign_id: float = _fault(Group.ADD, "the order is made, the answer names another customer's")
    repeated_id: float = _fault(Group.ADD, "the order is made, the answer names an earlier one of this account")
    zero_id: float = _fault(Group.ADD, "the order is made, the answer is `0`")
    empty_id: float = _fault(Group.ADD, "the order is made, the answer is an empty text, `null` or `false`")
    text_id: float = _fault(Group.ADD, "the id comes as digits in a string")
    nested_id: float = _fault(Group.ADD, "the id comes as `order_id` or inside `data`")
    opaque_ids: float = _fault(Group.ADD, "the id is letters and digits; no window of ids can be scanned")
    created_twice: float = _fault(Group.ADD, "one add makes two orders and charges both; the answer names the first")
    overcharge: float = _fault(Group.ADD, "5 to 100 % more is taken than the rate says")
    undercharge: float = _fault(Group.ADD, "5 to 90 % less is taken than the rate says")
    silent_refund: float = _fault(Group.ADD, "an hour after Completed money comes back; the status stays")
    shared: float = _fault(Group.ADD, "a person with the same account orders the same at that moment for another link")

    numeric_status: float = _fault(Group.STATUS, "a number stands for the status")
    unknown_status: float = _fault(Group.STATUS, "a word that no panel documents, an empty one or null")
    other_words: float = _fault(Group.STATUS, "the right status in another spelling (`in_progress`, `Cancelled`)")
    jump_back: float = _fault(Group.STATUS, "a final order shows as not final")
    wrong_charge: float = _fault(Group.STATUS, "a charge that was not taken")
    negative_remains: float = _fault(Group.STATUS, 'remains is `"-2"`')
    huge_remains: float = _fault(Group.STATUS, "remains is ten times the quantity")
    thousands: float = _fault(Group.STATUS, "numbers come as `1,234.5`; in balance too")
    null_numbers: float = _fault(Group.STATUS, "start_count and remains are null")
    start_counter: float = _fault(Group.STATUS, "start_count is named start_counter")
    missing_item: float = _fault(Group.STATUS, "the order is left out of a batch")
    passing_error: float = _fault(Group.STATUS, "`Incorrect order ID` for an order that is there")

    dialect: float = _fault(Group.SHAPE, "a refusal comes as a key (`neworder.error.not_enough_funds`)")
    other_shapes: float = _fault(Group.SHAPE, "refill and cancel answer `true`, `ok`, `success`, a nested error")

    price_moves: float = _fault(Group.CATALOGUE, "the rate moves by up to 10 %, and is charged from then on")
    price_jumps: float = _fault(Group.CATALOGUE, "the rate rises by 31 to 300 %, and is charged from then on")
    price_zero: float = _fault(Group.CATALOGUE, "the rate shows as 0")
    price_negative: float = _fault(Group.CATALOGUE, "the rate shows below zero")
    price_nan: float = _fault(Group.CATALOGUE, "the rate shows as NaN")
    price_comma: float = _fault(Group.CATALOGUE, "the rate shows as `0,90`")
    empty_catalogue: float = _fault(Group.CATALOGUE, "the reply is an empty list")
    services_gone: float = _fault(Group.CATALOGUE, "a service is left out, though it is still sold")
    repeated_service: float = _fault(Group.CATALOGUE, "a service stands twice, the second time at another rate")
    object_catalogue: float = _fault(Group.CATALOGUE, "the reply is an object of objects")
    wrapped_catalogue: float = _fault(Group.CATALOGUE, "the list stands inside `data`")
    hostile_names: float = _fault(Group.CATALOGUE, "names and categories that want to be run, escaped or cut")
    unknown_types: float = _fault(Group.CATALOGUE, "a type that nobody knows")
    loose_types: float = _fault(Group.CATALOGUE, 'flags as `1`, `"yes"` or missing, numbers bare, `custom_comments`')

    done_share: float = _measure(0.5, "share of unreadable answers where it was done all the same")
    late_seconds: float = _measure(60.0, "how late answered_late is")
    created_late_seconds: float = _measure(300.0, "how late created_late is at most")
    latency_seconds: float = _measure(0.0, "how long any answer takes at most")
    charge_step_micros: float = _measure(
        0.0, "charges and refunds are rounded to multiples of so many micros; 0 is not at all"
    )
    calls_per_second: float = _measure(0.0, "more calls in a second than this get code 429; 0 is no limit")

    only: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuses what cannot be meant."""
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, not {getattr(self, name)}")
        for name in MEASURES:
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is a number from 0 up, not {getattr(self, name)}")
        unknown = self.only - set(ACTIONS)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} is no action")


@dataclass(frozen=True, slots=True)
class Switch:
    """One fault or measure as the operator sees it."""

    name: str
    group: Group
    about: str
    default: float


SWITCHES = tuple(
    Switch(each.name, each.metadata["group"], each.metadata["about"], each.metadata["default"])
    for each in fields(Faults)
    if each.metadata
)
MEASURES = tuple(each.name for each in SWITCHES if each.group is Group.MEASURE and each.name != "done_share")
SHARES = tuple(each.name for each in SWITCHES if each.name not in MEASURES)
ON_THE_WAY = tuple(each.name for each in SWITCHES if each.group is Group.WAY)
OF_ADD_ALONE = frozenset({"created_late", "refused_late", "declined"})


class Lots:
    """Decides by chance which of the faults that are switched on strikes, and counts how often each did."""

    def __init__(self, faults: Faults, chance: Random) -> None:
        self.faults = faults
        self.chance = chance
        self.struck: Counter[str] = Counter()

    @property
    def faults(self) -> Faults:
        """The faults that are switched on."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._shares: dict[str, float] = {name: getattr(faults, name) for name in SHARES}

    def strikes(self, name: str) -> bool:
        """Returns True if the fault strikes this time. A fault that is off draws no lot."""
        share = self._shares[name]
        if not share or self.chance.random() >= share:
            return False
        self.struck[name] += 1
        return True

    def first(self, names: Iterable[str]) -> str:
        """Returns the first of these faults that strikes, or nothing."""
        return next((name for name in names if self.strikes(name)), "")

    def on_the_way(self, action: str) -> str:
        """Returns the fault that strikes a call of this action on its way, or nothing."""
        if self.faults.only and action not in self.faults.only:
            return ""
        return self.first(name for name in ON_THE_WAY if action == "add" or name not in OF_ADD_ALONE)
