"""Orders, with all that belongs to one: its money, its event, and what it is at a provider."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sutler.books.models import LedgerAccount
from sutler.books.post import ADD_TO_WALLETS, INSERT_TRANSFERS, house
from sutler.catalogue import exchange_rates
from sutler.core.events import EventKind
from sutler.core.lifecycle import Status
from sutler.fulfilment.models import DeskOrder
from sutler.fulfilment.providers import ledger
from sutler.move_in.reading.catalogue import UpstreamRecord
from sutler.move_in.reading.known import Known, Remark
from sutler.move_in.reading.orders import OrderRecord
from sutler.move_in.writing import statements
from sutler.move_in.writing.catalogue import UpstreamIds, write_gone_services, write_upstream_services
from sutler.orders.change import event, write_events
from sutler.storage.statements import Row, moment, new_ids, run, run_together

ACTOR = "move-in"
_Kind = LedgerAccount.Kind


class Wallets:
    """The wallets of customers as they stand, and what the orders to come will still take from each."""

    def __init__(self, family: str, ahead_micros: dict[int, int]) -> None:
        wallets = LedgerAccount.objects.filter(kind=_Kind.WALLET).values_list("customer_id", "pk", "balance_micros")
        self.ids: dict[int, int] = {}
        self.balances: dict[int, int] = {}
        for customer, pk, balance in wallets:
            self.ids[customer or 0], self.balances[customer or 0] = pk, balance or 0
        self.ahead, self._family = ahead_micros, family

    def funding(self, orders: Sequence[OrderRecord], at: str) -> list[Row]:
        """Returns transfers that put into each wallet what its orders take: all that are ahead, the first time.

        They come out of adjustments: what was really paid in is a deposit of its own, and the last transfer brings the
        wallet to what it held at the old panel.
        """
        takes: dict[int, int] = defaultdict(int)
        for each in orders:
            takes[each.customer] += each.charge_micros
        rows = []
        for customer, micros in takes.items():
            missing = max(micros, self.ahead.get(customer, 0)) - self.balances[customer]
            if micros > self.balances[customer]:
                first = min(each.id for each in orders if each.customer == customer)
                currency = next(each.currency for each in orders if each.customer == customer)
                cause = f"import:{self._family}:{customer}:{first}"
                ends = (house(_Kind.ADJUSTMENTS, currency), self.ids[customer])
                rows.append((cause, *ends, missing, None, "orders of the old panel", at))
                self.balances[customer] += missing
            self.ahead[customer] = self.ahead.get(customer, 0) - micros
        return rows


class OrderWriter:
    """Writes batches of orders. One for each run: it keeps the ids of house accounts and wallets."""

    def __init__(self, known: Known, wallets: Wallets) -> None:
        self._known, self._wallets = known, wallets
        self._worth = exchange_rates.worth()
        self._at = moment(known.now)

    def write(self, orders: Sequence[OrderRecord]) -> None:
        """Writes orders that are not here yet, in the caller's transaction."""
        if not orders:
            return
        write_gone_services(self._known)
        claimed = self._claimed(orders)
        sent = [each for each in orders if each.provider is not None and each.id not in claimed]
        upstream = self._upstream(sent)
        accounts = _Accounts(self._known)
        before = {each.customer: self._wallets.balances[each.customer] for each in orders}
        funding = self._wallets.funding(orders, self._at)
        transfers = [*funding, *self._transfers(orders, accounts)]
        deltas = [
            (self._wallets.ids[customer], self._wallets.balances[customer] - held)
            for customer, held in before.items()
            if self._wallets.balances[customer] != held
        ]
        attempts, there, asks, costs = self._sent_rows(sent, upstream, accounts)
        run_together(
            [
                (statements.INSERT_ORDERS, [self._order_row(each) for each in orders]),
                (INSERT_TRANSFERS, [*transfers, *costs]),
                (ADD_TO_WALLETS, deltas),
                (statements.INSERT_EVENTS, [self._event_row(each) for each in orders]),
                (statements.INSERT_ATTEMPTS, attempts),
                (statements.INSERT_UPSTREAM_ORDERS, there),
                (statements.INSERT_ASK_TIMES, asks),
            ]
        )
        unsent = [each for each in orders if each.is_unsent]
        DeskOrder.objects.bulk_create(DeskOrder(order_id=each.id, at=self._known.now) for each in unsent)
        write_events(event(each.id, ACTOR, self._known.now, EventKind.UNSENT) for each in unsent)

    def _claimed(self, orders: Sequence[OrderRecord]) -> set[int]:
        """Returns the orders whose id at the provider is another order's already, and says so of each."""
        named = [(each.provider, each.upstream_id) for each in orders if each.provider is not None]
        taken = {(int(provider), str(there)): int(by) for provider, there, by in run(statements.CLAIMED, named)}
        claimed = set()
        for each in orders:
            if each.provider is None:
                continue
            first = taken.setdefault((each.provider, each.upstream_id), each.id)
            if first != each.id:
                claimed.add(each.id)
                reason = f"its id {each.upstream_id} at provider {each.provider} is that of order {first}"
                self._known.remarks.append(Remark("orders", str(each.id), reason, came=True))
        return claimed

    def _upstream(self, sent: Sequence[OrderRecord]) -> UpstreamIds:
        wanted = [
            UpstreamRecord(
                each.provider, each.upstream_service, max(each.cost_micros * 1000 // (each.quantity or 1), 1)
            )
            for each in sent
            if each.provider is not None
        ]
        return write_upstream_services(wanted, (), self._known.now, gone=True)

    def _order_row(self, order: OrderRecord) -> Row:
        return (
            order.id,
            order.customer,
            order.service,
            order.type,
            order.link,
            order.quantity,
            order.remains,
            order.details,
            order.currency,
            order.rate_micros,
            *self._worth[order.currency],
            order.charge_micros,
            order.charge_micros if order.status is Status.CANCELED else 0,
            order.status.value,
            order.start_count,
            moment(order.created_at),
            moment(order.finished_at) if order.finished_at else None,
        )

    def _event_row(self, order: OrderRecord) -> Row:
        at = moment(order.finished_at or order.created_at)
        moved = (None, None) if order.status is Status.PENDING else (Status.PENDING.value, order.status.value)
        return (order.id, at, ACTOR, *moved, EventKind.MOVED_IN.value, "{}")

    def _transfers(self, orders: Sequence[OrderRecord], accounts: "_Accounts") -> list[Row]:
        rows: list[Row] = []
        for each in orders:
            if not each.charge_micros:
                continue
            wallet, in_hand = self._wallets.ids[each.customer], accounts.house(_Kind.IN_HAND, each.currency)
            at = moment(each.created_at)
            rows.append((f"order:{each.id}", wallet, in_hand, each.charge_micros, each.id, "", at))
            self._wallets.balances[each.customer] -= each.charge_micros
            if each.finished_at is None:
                continue
            ended = moment(each.finished_at)
            if each.status is Status.CANCELED:
                rows.append((f"return:{each.id}", in_hand, wallet, each.charge_micros, each.id, "", ended))
                self._wallets.balances[each.customer] += each.charge_micros
            else:
                revenue = accounts.house(_Kind.REVENUE, each.currency)
                rows.append((f"settle:{each.id}", in_hand, revenue, each.charge_micros, each.id, "", ended))
        return rows

    def _sent_rows(
        self, sent: Sequence[OrderRecord], upstream: UpstreamIds, accounts: "_Accounts"
    ) -> tuple[list[Row], list[Row], list[Row], list[Row]]:
        attempts, there, asks, costs = [], [], [], []
        pairs = zip(
            new_ids("fulfilment_attempt", len(sent)), new_ids("fulfilment_upstreamorder", len(sent)), strict=True
        )
        for order, (attempt_id, there_id) in zip(sent, pairs, strict=True):
            provider = order.provider or 0
            service = upstream[provider, order.upstream_service]
            at, ended = moment(order.created_at), moment(order.finished_at) if order.finished_at else None
            digest = hashlib.sha256(order.link.encode()).hexdigest()
            common = (order.id, provider, service)
            attempts.append((attempt_id, *common, order.service, digest, order.cost_micros, at, order.upstream_id))
            there.append((there_id, attempt_id, *common, order.upstream_id, order.cost_micros, at, ended))
            if ended is None:
                asks.append((there_id, provider, self._at))
            if order.cost_micros:
                held, cost = accounts.provider(provider)
                costs.append((f"cost:{there_id}", held, cost, order.cost_micros, order.id, "", at))
        return attempts, there, asks, costs


class _Accounts:
    """The house's accounts and the providers', looked up once for a batch."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._ids: dict[Any, Any] = {}

    def house(self, kind: str, currency: str) -> int:
        key = kind, currency
        if key not in self._ids:
            self._ids[key] = house(kind, currency)
        return int(self._ids[key])

    def provider(self, provider_id: int) -> tuple[int, int]:
        """Returns the provider's account and that of costs in its currency."""
        if provider_id not in self._ids:
            currency = self._known.providers[provider_id]
            self._ids[provider_id] = ledger.account(provider_id, currency), house(_Kind.COST, currency)
        found: tuple[int, int] = self._ids[provider_id]
        return found
