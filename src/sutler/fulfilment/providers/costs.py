"""What orders cost upstream: the transfers of it, once as an order is accepted and once as it ends, and the margin.

Amounts are in the provider's currency. `cost:N`, `cost-back:N` and `cost-more:N` are of the upstream order N.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Sum

from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, house, post
from sutler.catalogue import exchange_rates
from sutler.core.charge_digits import SHOWN_WITHIN_MICROS
from sutler.core.lifecycle import Status
from sutler.core.pricing import charge, give_back, in_base
from sutler.core.worth import Worth
from sutler.fulfilment.models import UpstreamOrder
from sutler.fulfilment.providers.ledger import account
from sutler.orders.models import Order


@dataclass(frozen=True, slots=True)
class Costed:
    """An upstream order whose cost is known anew: what the books hold of it and what it has cost."""

    upstream_order_id: int
    order_id: int
    booked_micros: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class Margin:
    """What was kept of what customers paid, and what it cost upstream, in micros of the base currency.

    `cost_micros` is None where the worth of a provider's currency is not known any more.
    """

    revenue_micros: int = 0
    cost_micros: int | None = 0

    @property
    def margin_micros(self) -> int | None:
        """What is left of it."""
        return None if self.cost_micros is None else self.revenue_micros - self.cost_micros


def accept(provider_id: int, currency: str, accepted: Sequence[Costed], now: datetime) -> None:
    """Books what accepted orders should cost, in the caller's transaction. The books hold nothing of them yet."""
    if not accepted:
        return
    held, cost = _ends(provider_id, currency)
    post([Entry(f"cost:{a.upstream_order_id}", held, cost, a.cost_micros, a.order_id) for a in accepted], now)


def finish(provider_id: int, currency: str, ended: Sequence[Costed], now: datetime) -> None:
    """Books the difference between what orders should have cost and what they have, in the caller's transaction."""
    changed = [each for each in ended if each.booked_micros != each.cost_micros]
    if not changed:
        return
    held, cost = _ends(provider_id, currency)
    entries = []
    for each in changed:
        more = each.cost_micros - each.booked_micros
        cause, ends = ("cost-more", (held, cost)) if more > 0 else ("cost-back", (cost, held))
        entries.append(Entry(f"{cause}:{each.upstream_order_id}", *ends, abs(more), each.order_id))
    post(entries, now)


def reckoned(expected: int, rate: int, quantity: int, per: int, status: Status, remains: int) -> int:
    """Returns what an order should cost in this state, in micros: while it goes on, all that was expected.

    `rate` is the service's rate now, which counts if `expected` follows from it; else that which `expected` tells.
    """
    if status is Status.CANCELED:
        return 0
    if status is not Status.PARTIAL or not quantity:
        return expected
    then = rate if charge(rate, quantity, per) == expected else expected * per // quantity
    return expected - give_back(expected, then, quantity, min(max(remains, 0), quantity), per)


def differs(reported: int, own: int, within_micros: int = SHOWN_WITHIN_MICROS) -> bool:
    """Returns True if a provider charges something else than what was reckoned, not only shows it with fewer digits.

    `within_micros` is what its own rounding may change (`core.charge_digits`).
    """
    return abs(reported - own) > within_micros


def margins(order_ids: Collection[int]) -> dict[int, Margin]:
    """Returns the margin of each order that is there."""
    orders = Order.objects.filter(pk__in=order_ids)
    kept = orders.values_list("pk", "exchange_base", "exchange_units", F("charge_micros") - F("returned_micros"))
    spent = UpstreamOrder.objects.filter(order__in=order_ids).values_list("order", "provider__currency")
    worth = exchange_rates.worth()
    costs = _costs(((key, currency, total) for key, currency, total in spent.annotate(Sum("cost_micros"))), worth)
    return {pk: Margin(in_base(micros, Worth(*rate)), costs.get(pk, 0)) for pk, *rate, micros in kept}


def _ends(provider_id: int, currency: str) -> tuple[int, int]:
    return account(provider_id, currency), house(LedgerAccount.Kind.COST, currency)


def _costs(rows: Iterator[tuple[Any, str, int]], worth: Mapping[str, Worth]) -> dict[Any, int | None]:
    """Adds up what was spent under each key, in the base currency, rounded up: no margin looks larger than it is."""
    costs: dict[Any, int | None] = {}
    for key, currency, micros in rows:
        before, rate = costs.get(key, 0), worth.get(currency)
        costs[key] = None if before is None or rate is None else before - in_base(-micros, rate)
    return costs
