"""One question for all providers: at which of them is something due. Cheap enough to be asked twice a second."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sutler.storage.statements import Statement, moment, select


class Due(StrEnum):
    """What may be due at a provider."""

    SEND = "send"
    POLL = "poll"
    ADOPT = "adopt"
    FORWARD = "forward"
    TASK = "task"
    RECONCILE = "reconcile"


# `?` is the moment now. Of a request to refill or cancel it is not asked whose it is: there are few.
_WHERE: Mapping[Due, str] = {
    Due.SEND: "EXISTS (SELECT 1 FROM fulfilment_attempt it WHERE it.provider_id = p.id AND it.state = 'planned'"
    " AND it.due_at <= ?)",
    Due.POLL: "EXISTS (SELECT 1 FROM fulfilment_asktime it WHERE it.provider_id = p.id AND it.ask_at <= ?)",
    Due.ADOPT: "EXISTS (SELECT 1 FROM fulfilment_namedorder it WHERE it.provider_id = p.id AND it.ask_at <= ?)",
    Due.TASK: "EXISTS (SELECT 1 FROM fulfilment_providertask it WHERE it.provider_id = p.id"
    " AND it.state IN ('waiting', 'running'))",
    Due.RECONCILE: "EXISTS (SELECT 1 FROM fulfilment_attempt it WHERE it.provider_id = p.id"
    " AND it.state IN ('unknown', 'staff') AND it.state = 'unknown' AND it.due_at <= ?)",
    Due.FORWARD: "EXISTS (SELECT 1 FROM orders_refill it WHERE it.status = 'Pending')"
    " OR EXISTS (SELECT 1 FROM orders_cancelrequest it WHERE it.status IN ('Open', 'Taken') AND it.status = 'Open')"
    " OR EXISTS (SELECT 1 FROM fulfilment_attempt it WHERE it.state = 'sending' AND it.action <> 'add')"
    " OR EXISTS (SELECT 1 FROM fulfilment_attempt it WHERE it.provider_id = p.id AND it.state IN ('unknown', 'staff')"
    " AND it.action <> 'add')"
    " OR EXISTS (SELECT 1 FROM fulfilment_attempt it WHERE it.provider_id = p.id AND it.action = 'refill'"
    " AND it.state = 'accepted' AND it.due_at <= ?)",
}
_PARTS = " UNION ALL ".join(
    f"SELECT p.id AS provider_id, '{due}' AS due FROM fulfilment_provider p WHERE {where}"  # noqa: S608
    for due, where in _WHERE.items()
)
_READ = Statement(f"SELECT {{answer}} FROM ({_PARTS}) AS found", {}, ("found.provider_id", "found.due"))  # noqa: S608


def read(now: datetime) -> Mapping[int, set[Due]]:
    """Returns what is due at each provider; those with nothing are left out. May name what cannot be done just now."""
    found: dict[int, set[Due]] = defaultdict(set)
    for provider_id, due in select(_READ, *[moment(now)] * _PARTS.count("?")):
        found[provider_id].add(Due(due))
    return found
