"""Whether a provider can be worked with: each kind of call is made once, the way the worker will make it.

Nothing is bought: the one `add` is for a service that does not exist. `conformance` asks more, of any panel; this asks
through the provider's own settings, and only what the worker relies on.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from sutler.conformance.examine import Finding
from sutler.conformance.reads import UNKNOWN, UNKNOWN_TOO
from sutler.conformance.verdict import PASS, Outcome, Verdict, differs, untold
from sutler.core.money import show_balance
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.upstream_words import REFUSES_ADD, DeclineKind
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.client import Panel
from sutler.panels.results import Accepted, Balance, Catalogue, Declined, Exchange, Failure, NoAnswer, NotSent

T = TypeVar("T")

# How often a call is made where the provider says that it was too fast; the session backs off in between.
TRIES = 4
SLOW_MILLISECONDS = 5_000
MOST_REASONS = 5
_IDS = (UNKNOWN, UNKNOWN_TOO)
_NO_SERVICE = {"service": str(LARGEST_NUMBER), "link": "https://example.com/certification", "quantity": "1"}
# What a refusal says that is about the way of asking, not about what was asked.
_NOT_ABOUT_IT = {DeclineKind.RATE: "asked too often", DeclineKind.AUTH: "the key is refused"}


async def certify(session: ProviderSession, stranger: ProviderSession) -> list[Finding]:
    """Makes every check over the session and returns what each came to; `stranger` is the same with a wrong key.

    What DIFFERS would break the work with this provider; a NOTE is a limit that it goes on with. One that cannot be
    reached is asked no more. The calls are not for the journal: what is refused here on purpose would count as errors.
    """
    services = await _ask(session, lambda panel: panel.services())
    found = [_finding("services", "the list of services is valid", _catalogue(services))]
    if isinstance(services, NotSent):
        return found
    balance = await _ask(session, lambda panel: panel.balance())
    found += [_finding("balance", "the balance is in the provider's currency", _balance(balance, session))]
    found += [_finding("balance", "a wrong key is refused", _wrong_key(await _ask(stranger, lambda p: p.balance())))]
    single = await _ask(session, lambda panel: panel.status(UNKNOWN))
    found += [_finding("status", "a foreign order is refused", _not_ours(single))]
    batch = await _ask(session, lambda panel: panel.statuses(_IDS))
    found += [_finding("status", "multi-status with foreign IDs is refused", _batch(batch))]
    refill = await _ask(session, lambda panel: panel.refill_status(UNKNOWN))
    found += [_finding("refill_status", "a foreign refill is refused", _as_note(_not_ours(refill)))]
    refills = await _ask(session, lambda panel: panel.refill_statuses(_IDS))
    found += [_finding("refill_status", "multi-status with foreign IDs is refused", _as_note(_batch(refills)))]
    placed = await _ask(session, lambda panel: panel.add(_NO_SERVICE))
    found += [_finding("add", "an unknown service is refused with a known text", _refused_add(placed))]
    found += [_finding("(all)", "no redirect", _address(each.exchange for each in session.calls))]
    return [
        *found,
        _finding("(all)", "response time", _speed(each.exchange.milliseconds for each in session.calls)),
    ]


async def _ask(session: ProviderSession, ask: Callable[[Panel], Awaitable[T]]) -> T:
    answer = await session.ask(ask)
    for _ in range(TRIES - 1):
        if not (isinstance(answer, Declined) and answer.kind is DeclineKind.RATE):
            break
        answer = await session.ask(ask)
    return answer


def _finding(action: str, sentence: str, verdict: Verdict) -> Finding:
    return Finding(action, "", sentence, verdict.outcome, verdict.why)


def _note(why: str) -> Verdict:
    return Verdict(Outcome.NOTE, why)


def _passed(why: str) -> Verdict:
    return Verdict(Outcome.PASSED, why)


def _as_note(verdict: Verdict) -> Verdict:
    """Returns a note for what the worker can do without."""
    return _note(verdict.why) if verdict.outcome is Outcome.DIFFERS else verdict


def _failed(answer: Failure) -> Verdict:
    """Returns the verdict on an answer that should not have been a failure."""
    if isinstance(answer, NotSent):
        return differs(f"it cannot be reached: {answer.why}")
    if isinstance(answer, NoAnswer):
        return differs(f"the answer is not understood: {answer.why}")
    if answer.kind is DeclineKind.RATE:
        return untold(f"asked too often, though with pauses: {answer.raw}")
    return differs(f"refused: {answer.raw}")


def _catalogue(answer: Catalogue | Failure) -> Verdict:
    if not isinstance(answer, Catalogue):
        return _failed(answer)
    if not answer.services:
        return differs(f"no service can be used, {len(answer.dropped)} were dropped")
    strange = Counter(each.raw_type or "(none)" for each in answer.services if each.type is None)
    said = [f"{len(answer.services)} services"]
    if answer.dropped:
        said.append(f"{len(answer.dropped)} more dropped: {_counted(Counter(each.why for each in answer.dropped))}")
    if strange:
        said.append(f"{strange.total()} of a type that cannot be sold: {_counted(strange)}")
    return _note("; ".join(said)) if len(said) > 1 else _passed(said[0])


def _counted(reasons: Counter[str]) -> str:
    told = [f"{reason} ({count})" for reason, count in reasons.most_common(MOST_REASONS)]
    return ", ".join(told) + (", ..." if len(reasons) > MOST_REASONS else "")


def _balance(answer: Balance | Failure, session: ProviderSession) -> Verdict:
    if not isinstance(answer, Balance):
        return _failed(answer)
    own = session.provider.currency
    if answer.currency not in ("", own):
        return differs(f"it is told in {answer.currency}; the provider was added in {own}")
    said = f"{show_balance(answer.micros)} {answer.currency}".strip()
    return _passed(said) if answer.currency else _note(f"{said}, without a currency; {own} is assumed")


def _wrong_key(answer: Balance | Failure) -> Verdict:
    if isinstance(answer, Balance):
        return differs("a wrong key is answered as a right one")
    if isinstance(answer, Declined) and answer.kind is not DeclineKind.AUTH:
        return _note(f"refused in words that we do not know for it: {answer.raw}")
    return PASS if isinstance(answer, Declined) else _as_note(_failed(answer))


def _not_ours(answer: object) -> Verdict:
    if isinstance(answer, (NotSent, NoAnswer)):
        return _failed(answer)
    if not isinstance(answer, Declined):
        return differs("it is answered as ours, so an order of ours cannot be told from another's")
    if answer.kind in _NOT_ABOUT_IT:
        return _failed(answer)
    if answer.kind is DeclineKind.NOT_FOUND:
        return PASS
    return _note(f"refused in words that we do not know for it: {answer.raw}")


def _batch(answer: Mapping[str, object] | Failure) -> Verdict:
    if isinstance(answer, (Declined, NotSent, NoAnswer)):
        refused = _failed(answer)
        return _note(f"not asked as a batch, but one by one: {refused.why}") if _is_shape(answer) else refused
    missing = [each for each in _IDS if each not in answer]
    if missing:
        return _note(f"nothing is said of {', '.join(missing)}: orders it does not know are asked about again, singly")
    verdicts = [_not_ours(answer[each]) for each in _IDS]
    return next((each for each in verdicts if each.outcome is not Outcome.PASSED), PASS)


def _is_shape(answer: Failure) -> bool:
    """Returns True where the batch was understood to be something else: the worker then asks one by one."""
    return isinstance(answer, Declined) and answer.kind not in _NOT_ABOUT_IT


def _refused_add(answer: Accepted | Failure) -> Verdict:
    if isinstance(answer, Accepted):
        return differs(f"it was taken, as order {answer.upstream_id}: what it costs must be looked up there")
    if not isinstance(answer, Declined) or answer.kind in _NOT_ABOUT_IT:
        return _failed(answer)
    if answer.kind in REFUSES_ADD:
        return _passed(f"`{answer.raw}`")
    return differs(f"`{answer.raw}` is not on the known list: each such refusal would be an unknown outcome")


def _address(exchanges: Iterable[Exchange]) -> Verdict:
    leads_to = next((each.redirected_to for each in exchanges if each.redirected_to), "")
    return differs(f"it leads to {leads_to}, where no order is sent: set this address") if leads_to else PASS


def _speed(milliseconds: Iterable[int]) -> Verdict:
    taken = list(milliseconds)
    said = f"{sum(taken) // max(len(taken), 1)} ms on average, {max(taken, default=0)} ms at most"
    return _passed(said) if max(taken, default=0) < SLOW_MILLISECONDS else _note(said)
