"""The answer to `services`: built once per change and price list, kept as bytes, plain and compressed."""

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sutler.catalogue import price_book
from sutler.catalogue.models import Service
from sutler.core.money import show_rate
from sutler.core.worth import EVEN, Worth
from sutler.storage.statements import Statement, run

_MOST_KEPT = 32

_PRICE_LISTS = Statement(
    "SELECT {answer} FROM {rows} JOIN accounts_customer customer ON customer.id = rows.customer_id"
    " LEFT JOIN accounts_customergroup grouped ON grouped.id = customer.group_id",
    {"customer_id": "bigint"},
    (
        "customer.id",
        "customer.currency",
        "COALESCE(grouped.discount_basis_points, 0)",
        "customer.country",
        "(SELECT token FROM catalogue_catalogueversion WHERE id = 1)",
    ),
)

# (token, currency, discount, customer whose overrides apply or 0, country that something is closed to or nothing,
# integers for service, min and max)
_PriceList = tuple[str, str, int, int, str, bool]


@dataclass(frozen=True, slots=True)
class Feed:
    """The answer as it goes over the wire. `etag` changes whenever the bytes do."""

    plain: bytes
    compressed: bytes
    etag: str


_kept: OrderedDict[_PriceList, Feed] = OrderedDict()


def feeds(asks: Sequence[tuple[int, bool]]) -> list[Feed]:
    """Returns the feed for each (customer id, integer form), as the catalogue stands now."""
    found = {row[0]: row[1:] for row in run(_PRICE_LISTS, [(each,) for each in {ask[0] for ask in asks}])}
    answers = []
    for customer_id, integers in asks:
        currency, discount, country, token = found[customer_id]
        book = price_book.at(token or "")
        owner = customer_id if any(each[0] == customer_id for each in book.overrides) else 0
        closed = country if country in book.closing_countries else ""
        answers.append(_feed((book.token, currency, discount, owner, closed, integers), book))
    return answers


def _feed(price_list: _PriceList, book: price_book.PriceBook) -> Feed:
    kept = _kept.get(price_list) if book.token else None
    if kept is None:
        kept = _kept[price_list] = _build(price_list, book)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(price_list)
    return kept


def _build(price_list: _PriceList, book: price_book.PriceBook) -> Feed:
    _, currency, discount, customer_id, country, integers = price_list
    exchange = book.exchange.get(currency)
    services = Service.objects.filter(state=Service.State.ACTIVE).select_related("category") if exchange else []
    plain = msgspec.json.encode(
        [
            _item(each, book, exchange or EVEN, discount, customer_id, integers)
            for each in services
            if each.pk in book.terms and country not in book.terms[each.pk].closed_countries
        ]
    )
    digest = hashlib.sha256(plain).hexdigest()[:32]
    return Feed(plain, gzip.compress(plain, 6, mtime=0), f'"{digest}"')


def _item(
    service: Service, book: price_book.PriceBook, exchange: Worth, discount: int, customer_id: int, integers: bool
) -> dict[str, Any]:
    return {
        "service": service.pk,
        "name": service.name,
        "type": service.type,
        "rate": show_rate(book.quote(customer_id, book.terms[service.pk], discount, exchange)),
        "min": service.min if integers else str(service.min),
        "max": service.max if integers else str(service.max),
        "dripfeed": service.dripfeed,
        "refill": service.refill,
        "cancel": service.cancel,
        "category": service.category.name,
    }
