"""What a check of a panel comes to, and the differences that are known and harmless. Pure."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sutler.core.upstream_words import REFUSES_ADD, DeclineKind
from sutler.panels import answer_body, parse
from sutler.panels.results import Accepted


class Outcome(StrEnum):
    """What a check comes to, the gravest first."""

    DIFFERS = "differs"
    NOTE = "note"
    UNTOLD = "could not tell"
    PASSED = "pass"


class Known(StrEnum):
    """Every difference that is only noted: published API pages show it, or panels in use and their clients live by it.

    Whatever else differs from the protocol is a failure.
    """

    NO_DRIPFEED = "`dripfeed` is missing, as on the published pages"
    NO_FLAG = "`refill` or `cancel` is missing, as on older pages"
    PUBLISHED_ORDER = "`category` stands behind `type`, as on the published pages"
    MORE_KEYS = "there are further keys"
    BARE_NUMBERS = "a number stands where a text should"
    TEXT_NUMBERS = "a text stands where a number should"
    NUMBER_FLAGS = "a flag is a number or a text"
    PADDING = "it is padded or cut otherwise"
    ROUNDED = "it is rounded to fewer decimals"
    LOOSE_TYPE = "the type is written otherwise"
    LOOSE_STATUS = "the status is written otherwise"
    CATALOGUE_SHAPE = "the list stands inside an object"
    NO_CURRENCY = "`currency` is missing, as on older pages"
    NO_START_COUNT = "`start_count` is null or named `start_counter`"
    NO_FAMILY = "keys of a drip-feed or a subscription are missing, as on the published pages"
    OTHER_ID = "the id stands in another place, or is a text"
    OTHER_SHAPE = "the shape is another that clients know"
    UNASKED_CANCEL = "it was taken, though the service does not promise it"
    WORDING = "it is refused in other words, or for another reason first"
    CHARSET = "a charset stands behind it"
    UNPUBLISHED = "the published pages do not promise it"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check comes to and why. `answer` is the part of the answer that is meant; "" stands for the whole."""

    outcome: Outcome
    why: str = ""
    answer: str = ""


Judge = Callable[[Any], Verdict]
PASS = Verdict(Outcome.PASSED)
_GRAVITY = list(Outcome)


def note(known: Known) -> Verdict:
    """Returns the verdict of a difference that is known."""
    return Verdict(Outcome.NOTE, known)


def differs(why: str) -> Verdict:
    """Returns the verdict of a difference that clients stumble over."""
    return Verdict(Outcome.DIFFERS, why)


def untold(why: str) -> Verdict:
    """Returns the verdict of a check that could not be made."""
    return Verdict(Outcome.UNTOLD, why)


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Returns the first of the gravest verdicts; PASS if there is none."""
    return min(verdicts, key=lambda each: _GRAVITY.index(each.outcome), default=PASS)


def shown(value: object) -> str:
    """Returns a part of an answer as JSON. Still hostile and not yet shortened."""
    return json.dumps(value, default=float)  # a Decimal was a bare number


def throughout(judge: Judge, items: Sequence[Any]) -> Verdict:
    """Returns the gravest of the verdicts on each item, how many share it, and the first of them."""
    verdicts = [replace(judge(each), answer="") for each in items]
    worst = gravest(verdicts)
    if worst.outcome is Outcome.PASSED:
        return PASS
    count = sum(each.outcome is worst.outcome for each in verdicts)
    return Verdict(worst.outcome, f"{worst.why} ({count} of {len(items)})", shown(items[verdicts.index(worst)]))


def refused(sentence: str, kinds: Iterable[DeclineKind]) -> Judge:
    """Demands the error with this sentence; another one that is read as one of these kinds is noted."""

    def judge(value: Any) -> Verdict:
        if value == {"error": sentence}:
            return PASS
        said = answer_body.refusal(value)
        if said is None:
            return differs(f"`{sentence}` was expected, and no error came")
        alike = said.kind in kinds or said.raw == sentence
        return note(Known.WORDING) if alike else differs(f"`{sentence}` was expected; the error is no known one for it")

    return judge


def refused_add(sentence: str) -> Judge:
    """Demands that an order is refused with this sentence; another known refusal of an order is noted."""
    judge_error = refused(sentence, REFUSES_ADD)

    def judge(value: Any) -> Verdict:
        placed = parse.accepted(value)
        return (
            differs(f"an order was placed: {placed.upstream_id}")
            if isinstance(placed, Accepted)
            else judge_error(value)
        )

    return judge


def tolerated(verdict: Verdict) -> Verdict:
    """Returns a note for whatever did not pass, where no published page promises it."""
    is_told = verdict.outcome in {Outcome.PASSED, Outcome.UNTOLD}
    return verdict if is_told else replace(verdict, outcome=Outcome.NOTE, why=Known.UNPUBLISHED)
