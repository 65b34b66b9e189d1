"""Placing orders: the one way an order comes into being, whoever asks."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from sutler.catalogue import price_book
from sutler.core.money import LARGEST_MICROS
from sutler.core.order_types import Measure
from sutler.core.placing import Draft, WalletSnapshot, admit, draft
from sutler.core.refusals import Reason, Refusal
from sutler.core.text import text_input
from sutler.orders import place_reads as reads
from sutler.orders import place_writes as writes
from sutler.storage.transactions import durable

LONGEST_REQUEST_ID = 128
# Fields of a request that say who asks and how, not what is asked.
_NOT_PART_OF_THE_ORDER = frozenset({"key", "action", "request_id"})


class PlaceRequest(msgspec.Struct, frozen=True, gc=False):
    """One order that a customer asks for. `form` holds the fields as they came, `service` among them."""

    customer_id: int
    form: Mapping[str, str]
    request_id: str | None = None
    # Both set only where the key that asks has a cap on what it may spend in a day (UTC).
    capped_key_id: int | None = None
    daily_cap_micros: int | None = None


class Placed(msgspec.Struct, frozen=True, gc=False):
    """The order that was placed, or that an equal earlier request had placed."""

    order_id: int


@dataclass(slots=True)
class _Batch:
    """What the decisions of one list share, and change as they go."""

    wallets: dict[int, WalletSnapshot]
    placed_before: dict[tuple[int, str], tuple[int, str]]
    repeats: dict[tuple[int, str], int]
    links_in_use: set[reads.LinkKey]
    spent_today: dict[int, int]
    accepted: list[writes.NewOrder] = field(default_factory=list)


def place(requests: Sequence[PlaceRequest], now: datetime) -> list[Placed | Refusal]:
    """Places each request or refuses it, all in one transaction; answers in the order given.

    Whatever is answered `Placed` is durable when this returns, and its charge has left the wallet. Refuses with
    ACCOUNT_SUSPENDED, REQUEST_ID_REUSED, INCORRECT_SERVICE, CURRENCY_PAUSED, INCORRECT_FIELD, QUANTITY_BELOW_MINIMUM,
    QUANTITY_ABOVE_MAXIMUM, LINK_IN_USE, SPEND_CAP_REACHED or NOT_ENOUGH_FUNDS; a refused request changes nothing.
    A request id, or the account's repeat window, answers the order of the earlier equal request (the protocol,
    section 1). Raises storage.transactions.Busy if nothing was placed because the database could not do it now,
    CommitUnclear if it cannot be known whether the list was placed.
    """
    with durable() as receipt:
        wallets, token = reads.lock_wallets({each.customer_id for each in requests})
        batch, answers = _decide_all(requests, wallets, token, now)
        ids = writes.write(batch.accepted, now)
        if ids:
            receipt.wrote("orders_order", ids[0])
    return [Placed(ids[each]) if isinstance(each, int) else each for each in answers]


def rehearse(requests: Sequence[PlaceRequest], now: datetime) -> list[Draft | Placed | Refusal]:
    """Answers what `place` would at this moment, with the draft in place of the order. Changes and locks nothing."""
    wallets, token = reads.read_wallets({each.customer_id for each in requests})
    batch, answers = _decide_all(requests, wallets, token, now)
    return [batch.accepted[each].draft if isinstance(each, int) else each for each in answers]


def _decide_all(
    requests: Sequence[PlaceRequest], wallets: dict[int, WalletSnapshot], token: str, now: datetime
) -> tuple[_Batch, list[int | Placed | Refusal]]:
    """Returns what the list has come to, and for each request what `_decide` says."""
    book = price_book.at(token)
    prints = [_fingerprint(each, wallets) for each in requests]
    drafts = [_draft(each, wallets, book, now) for each in requests]
    batch = _gather(requests, prints, drafts, wallets, now)
    answers = [
        _decide(batch, request, fingerprint, drafted)
        for request, fingerprint, drafted in zip(requests, prints, drafts, strict=True)
    ]
    return batch, answers


def _fingerprint(request: PlaceRequest, wallets: Mapping[int, WalletSnapshot]) -> str | None:
    """Returns the digest of all that was asked, where the request can be a repetition; else None."""
    wallet = wallets.get(request.customer_id)
    if request.request_id is None and (wallet is None or not wallet.repeat_window_seconds):
        return None
    if request.request_id is not None and not is_request_id(request.request_id):
        return None
    asked = sorted(item for item in request.form.items() if item[0] not in _NOT_PART_OF_THE_ORDER)
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def _draft(
    request: PlaceRequest, wallets: Mapping[int, WalletSnapshot], book: price_book.PriceBook, now: datetime
) -> Draft | Refusal:
    wallet = wallets.get(request.customer_id)
    if wallet is None or wallet.suspended:
        return Refusal(Reason.ACCOUNT_SUSPENDED)
    if request.request_id is not None and not is_request_id(request.request_id):
        return Refusal(Reason.INCORRECT_FIELD, "request_id")
    terms = book.terms.get(text_input.number(request.form.get("service", "").strip()) or 0)
    exchange = book.exchange.get(wallet.currency)
    if terms is None or exchange is None or wallet.country in terms.closed_countries:
        return Refusal(Reason.INCORRECT_SERVICE)
    if book.is_paused(wallet.currency, now):
        return Refusal(Reason.CURRENCY_PAUSED)
    rate = book.quote(request.customer_id, terms, wallet.discount_basis_points, exchange)
    if rate > LARGEST_MICROS:  # a price that cannot be kept, in a currency that is worth next to nothing
        return Refusal(Reason.INCORRECT_SERVICE)
    return draft(terms, request.form, rate, exchange, now.date())


def is_request_id(text: str) -> bool:
    """Returns True for 1 to 128 printable characters."""
    return 0 < len(text) <= LONGEST_REQUEST_ID and text.isprintable()


def _gather(
    requests: Sequence[PlaceRequest],
    prints: Sequence[str | None],
    drafts: Sequence[Draft | Refusal],
    wallets: dict[int, WalletSnapshot],
    now: datetime,
) -> _Batch:
    """Reads what the decisions need besides the wallets: nothing at all for plain orders."""
    named = {
        (request.customer_id, request.request_id)
        for request, fingerprint in zip(requests, prints, strict=True)
        if fingerprint is not None and request.request_id is not None
    }
    windows = [
        (request.customer_id, fingerprint, wallets[request.customer_id].repeat_window_seconds)
        for request, fingerprint in zip(requests, prints, strict=True)
        if fingerprint is not None and request.request_id is None
    ]
    links = {
        reads.link_key(request.customer_id, each.terms.service_id, each.input.link)
        for request, each in zip(requests, drafts, strict=True)
        if isinstance(each, Draft) and each.terms.one_active_order_per_link
    }
    capped = {each.capped_key_id for each in requests if each.capped_key_id is not None}
    return _Batch(
        wallets,
        reads.placed_under(named),
        reads.repeated_within(windows, now),
        reads.links_in_use(links),
        reads.spent_today(capped, now),
    )


def _decide(
    batch: _Batch, request: PlaceRequest, fingerprint: str | None, drafted: Draft | Refusal
) -> int | Placed | Refusal:
    """Returns the place in `batch.accepted` of the order, the order of an equal earlier request, or the refusal."""
    earlier = _earlier(batch, request, fingerprint)
    if earlier is not None:
        return earlier
    if isinstance(drafted, Refusal):
        return drafted
    wallet = batch.wallets[request.customer_id]
    key_id = request.capped_key_id
    link = (
        reads.link_key(request.customer_id, drafted.terms.service_id, drafted.input.link)
        if drafted.terms.one_active_order_per_link and drafted.terms.type.measure is not Measure.POSTS
        else None
    )
    refusal = admit(
        drafted,
        wallet,
        link_in_use=link in batch.links_in_use,
        spent_today=batch.spent_today.get(key_id or 0, 0),
        cap=request.daily_cap_micros,
    )
    if refusal is not None:
        return refusal
    if link is not None:
        batch.links_in_use.add(link)
    if key_id is not None:
        batch.spent_today[key_id] = batch.spent_today.get(key_id, 0) + drafted.charge_micros
    return _accept(batch, writes.NewOrder(drafted, wallet, request.request_id, fingerprint, key_id, link))


def _earlier(batch: _Batch, request: PlaceRequest, fingerprint: str | None) -> int | Placed | Refusal | None:
    """Returns the answer of an equal earlier request, in the database or in this list, or None.

    Orders of this list are known by their place in it, as a negative number: -1 is the first.
    """
    if fingerprint is None:
        return None
    if request.request_id is None:
        found = batch.repeats.get((request.customer_id, fingerprint), 0)
        return Placed(found) if found > 0 else (-found - 1 if found else None)
    found, known = batch.placed_before.get((request.customer_id, request.request_id), (0, ""))
    if found and known != fingerprint:
        return Refusal(Reason.REQUEST_ID_REUSED)
    return Placed(found) if found > 0 else (-found - 1 if found else None)


def _accept(batch: _Batch, order: writes.NewOrder) -> int:
    batch.accepted.append(order)
    place_in_list = len(batch.accepted)
    customer_id = order.wallet.customer_id
    if order.request_id is not None and order.fingerprint is not None:
        batch.placed_before[customer_id, order.request_id] = (-place_in_list, order.fingerprint)
    if order.fingerprint is not None and order.wallet.repeat_window_seconds:
        batch.repeats[customer_id, order.fingerprint] = -place_in_list
    return place_in_list - 1
