"""Asking a provider how orders stand: in batches, and one by one about what a batch leaves out."""

from collections.abc import Mapping

from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.client import BATCH_SIZE
from sutler.panels.results import Declined, Failure, UpstreamStatus

# After so many failed calls in a row the rest of a pass would most likely fail too.
MOST_FAILURES = 3
# A batch may be refused for one id in it, or because the panel takes one order a call.
_REFUSED_FOR_AN_ID = frozenset({DeclineKind.NOT_FOUND, DeclineKind.FIELD, DeclineKind.OTHER})

StatusAnswer = UpstreamStatus | Declined


class StatusCalls:
    """The calls of one pass. What batches leave out is asked one by one, `most_singles` ids at most."""

    def __init__(self, session: ProviderSession, most_singles: int = BATCH_SIZE) -> None:
        self._session = session
        self._singles_left = most_singles
        self._failures = 0

    @property
    def has_given_up(self) -> bool:
        """True after three failed calls in a row: ask no more. That no such order is found is no failure."""
        return self._failures >= MOST_FAILURES

    async def ask(self, orders: Mapping[str, int | None]) -> dict[str, StatusAnswer]:
        """Returns what the provider answered of each of up to 100 ids; an id that is missing got no answer.

        `orders` are the ids, each with the number of our order for the journal, if there is one.
        """
        if len(orders) == 1:
            return await self._ask_singly(orders)
        ids = list(orders)
        answer = await self._session.ask(lambda panel: panel.statuses(ids))
        self._count(answer)
        answers = answer if isinstance(answer, dict) else {}
        if isinstance(answer, dict) or (isinstance(answer, Declined) and answer.kind in _REFUSED_FOR_AN_ID):
            missing = [each for each in ids if each not in answers][: self._singles_left]
            self._singles_left -= len(missing)
            answers = answers | await self._ask_singly({each: orders[each] for each in missing})
        return answers

    async def _ask_singly(self, orders: Mapping[str, int | None]) -> dict[str, StatusAnswer]:
        answers = {}
        for upstream_id, order_id in orders.items():
            if self.has_given_up:
                break
            answer = await self._session.ask(lambda panel, asked=upstream_id: panel.status(asked), order_id)  # type: ignore[misc]
            self._count(answer)
            if isinstance(answer, (UpstreamStatus, Declined)):
                answers[upstream_id] = answer
        return answers

    def _count(self, answer: dict[str, StatusAnswer] | UpstreamStatus | Failure) -> None:
        is_not_found = isinstance(answer, Declined) and answer.kind is DeclineKind.NOT_FOUND
        self._failures = 0 if is_not_found or isinstance(answer, (dict, UpstreamStatus)) else self._failures + 1
