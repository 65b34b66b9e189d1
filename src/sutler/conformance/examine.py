"""Whether a panel speaks the v2 protocol: every check made, and what each came to.

Without a budget nothing is bought: what is placed must be refused, and asking stops with the first such order that
is taken. A difference that is known and harmless (`verdict.Known`) is a note; any other is a failure.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from sutler.conformance.adds import cheapest, refusals
from sutler.conformance.call import Answer, Asker, Call, Wait, call
from sutler.conformance.orders import DRIPPED, Seen, Shopper, wishes
from sutler.conformance.reads import Check, reads
from sutler.conformance.verdict import PASS, Known, Outcome, Verdict, differs, gravest, note, tolerated, untold
from sutler.core.order_types import ORDER_TYPES
from sutler.core.service_row import ServiceRow
from sutler.core.upstream_words import DeclineKind
from sutler.panels import answer_body, parse
from sutler.panels.parse_catalogue import catalogue
from sutler.panels.results import Accepted, Balance, Catalogue, NoAnswer, NotSent

JSON = "application/json"
ACTIONS = ("services", "add", "status", "refill", "refill_status", "cancel", "balance", "(none)")
_OVERLOAD = frozenset({429, 503})
_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and what it came to. `answer` is at most 200 characters of what differs, the key masked; hostile."""

    action: str
    type: str
    sentence: str
    outcome: Outcome
    why: str = ""
    answer: str = ""


@dataclass(slots=True)
class Report:
    """All findings, by action and type; what was spent at most (micros), in which currency."""

    findings: list[Finding] = field(default_factory=list)
    spent_micros: int = 0
    currency: str = ""

    def count(self, outcome: Outcome) -> int:
        """Returns how many checks came to this."""
        return sum(each.outcome is outcome for each in self.findings)


async def examine(
    url: str, key: str, http: httpx2.AsyncClient, wait: Wait, *, budget_micros: int = 0, token: str = ""
) -> Report:
    """Makes every check of the panel at this address and returns the report.

    `budget_micros`, in the panel's currency, is what orders may cost in all; `token` makes their links new. A panel
    that takes more than its own prices say may overdraw the budget by the one order with which it does so.
    """
    examiner = _Examiner(Asker(url, key, http, wait))
    return await examiner.examine(budget_micros, token)


class _Examiner:
    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._answers: dict[Call, Answer] = {}
        # Every answer that must look as the protocol has it, by action.
        self._journal: list[tuple[str, Answer]] = []
        self._report = Report()

    async def examine(self, budget_micros: int, token: str) -> Report:
        for check in reads():
            await self._make(check)
        services, balance = await self._services(), await self._balance()
        self._report.currency = balance.currency if balance else ""
        await self._be_refused(services, balance)
        if budget_micros:
            await self._buy(services, budget_micros, token)
        self._judge_envelopes()
        self._report.findings.sort(key=_place)
        return self._report

    async def _services(self) -> tuple[ServiceRow, ...]:
        found = catalogue((await self._answer(call("services"))).value)
        return found.services if isinstance(found, Catalogue) else ()

    async def _balance(self) -> Balance | None:
        found = parse.balance((await self._answer(call("balance"))).value)
        return found if isinstance(found, Balance) else None

    async def _answer(self, asked: Call) -> Answer:
        """Returns the answer to a call; the same call is made once."""
        if asked not in self._answers:
            self._answers[asked] = await self._asker.ask(asked)
        return self._answers[asked]

    async def _make(self, check: Check) -> Answer:
        is_new = check.call not in self._answers
        answer = await self._answer(check.call)
        if is_new and not check.tolerance:
            self._journal.append((check.action, answer))
        self._add(check, self._judged(check, answer), answer)
        return answer

    @staticmethod
    def _judged(check: Check, answer: Answer) -> Verdict:
        if answer.location:
            return differs(f"it is redirected to {answer.location}")
        unclear = _unclear(answer)
        if unclear is not None:
            return note(Known.UNPUBLISHED) if check.tolerance and answer.http_status in _CLIENT_ERRORS else unclear
        found = check.judge(answer.value)
        return tolerated(found) if check.tolerance else found

    def _add(self, check: Check, verdict: Verdict, answer: Answer) -> None:
        told = "" if verdict.outcome is Outcome.PASSED else self._asker.masked(verdict.answer) or answer.shown
        why = self._asker.masked(verdict.why)
        self._report.findings.append(Finding(check.action, check.type, check.sentence, verdict.outcome, why, told))

    async def _be_refused(self, services: tuple[ServiceRow, ...], balance: Balance | None) -> None:
        mistaken = ""
        for check in refusals(cheapest(services), balance.micros if balance else None):
            if mistaken:
                self._add(check, untold(f"not asked, since {mistaken} was placed"), Answer(None))
                continue
            placed = parse.accepted((await self._make(check)).value)
            mistaken = f"order {placed.upstream_id}" if isinstance(placed, Accepted) else ""
        again = parse.balance((await self._asker.ask(call("balance"))).value)
        check = Check("add", "what is refused costs nothing", call("balance"), lambda _: PASS)
        if balance is None or not isinstance(again, Balance):
            self._add(check, untold("the balance could not be read"), Answer(None))
        else:
            self._add(check, PASS if again == balance else differs("the balance is another"), Answer(None))

    async def _buy(self, services: tuple[ServiceRow, ...], budget_micros: int, token: str) -> None:
        shopper = Shopper(self._asker, budget_micros)
        for wanted in wishes(services, token):
            async for seen in shopper.buy(wanted):
                self._see(seen)
        self._report.spent_micros = budget_micros - shopper.left_micros

    def _see(self, seen: Seen) -> None:
        check, verdict, answer = seen
        if answer.value is not None or answer.http_status:
            self._journal.append((check.action, answer))
        self._add(check, _unclear(answer) or verdict, answer)

    def _judge_envelopes(self) -> None:
        for action in ACTIONS:
            answers = [answer for each, answer in self._journal if each == action]
            for sentence, judge in _ENVELOPES.items():
                judged = [(found, each) for each in answers if (found := judge(each)) is not None]
                if judged:
                    worst = gravest(found for found, _ in judged)
                    answer = next(each for found, each in judged if found == worst)
                    self._add(Check(action, sentence, call(action), lambda _: PASS), worst, answer)


def _unclear(answer: Answer) -> Verdict | None:
    """Returns the verdict on any check of an answer that says nothing, or only that it was too fast."""
    if isinstance(answer.value, (NoAnswer, NotSent)):
        return untold(answer.value.why)
    said = answer_body.refusal(answer.value)
    return untold(said.raw) if said is not None and said.kind is DeclineKind.RATE else None


def _is_answered(answer: Answer) -> Verdict:
    if isinstance(answer.value, NotSent):
        return untold(answer.value.why)
    if isinstance(answer.value, NoAnswer):
        return differs(f"HTTP {answer.http_status}: {answer.value.why}" if answer.http_status else answer.value.why)
    is_overloaded = answer.http_status in _OVERLOAD and answer_body.refusal(answer.value)
    return PASS if answer.http_status == 200 or is_overloaded else differs(f"HTTP {answer.http_status}")


def _is_called_json(answer: Answer) -> Verdict | None:
    if not answer.http_status:
        return None
    if answer.content_type == JSON:
        return PASS
    alike = answer.content_type.partition(";")[0].strip().lower() == JSON
    return note(Known.CHARSET) if alike else differs(f"it is {answer.content_type or 'missing'}")


def _is_plain_error(answer: Answer) -> Verdict | None:
    value = answer.value
    if answer_body.refusal(value) is None:
        return None
    if set(value) != {"error"}:
        return differs("there are keys beside `error`")
    return PASS if isinstance(value["error"], str) else differs("`error` is no text")


_ENVELOPES: dict[str, Callable[[Answer], Verdict | None]] = {
    "every call is answered, in JSON and with HTTP 200": _is_answered,
    "Content-Type is exactly application/json": _is_called_json,
    'an error is exactly `{"error": text}`': _is_plain_error,
}


def _place(finding: Finding) -> tuple[int, int, bool]:
    """Returns where a finding stands in the report: by action, then by type."""
    name = finding.type.removesuffix(DRIPPED)
    types = list(ORDER_TYPES)
    kind = types.index(name) if name in types else -1
    return ACTIONS.index(finding.action), kind, finding.type.endswith(DRIPPED)
