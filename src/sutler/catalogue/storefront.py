"""What is on sale as customers look at it: names, words and prices, searched in the process without the database."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sutler.catalogue import price_book, version
from sutler.catalogue.models import Service
from sutler.catalogue.price_book import PriceBook
from sutler.core.money import Micros
from sutler.core.placing import Terms

LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Offer:
    """A service on sale. `refill_days` None means for ever; `searched` is what a search looks at."""

    terms: Terms
    name: str
    category_id: int
    category: str
    refill: bool
    refill_days: int | None
    cancel: bool
    description: str
    delivery: str
    searched: str

    @property
    def pk(self) -> int:
        """The id of the service."""
        return self.terms.service_id


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whom the shelf is shown to, as far as prices and countries depend on it."""

    customer_id: int
    currency: str
    discount_basis_points: int
    country: str


@dataclass(frozen=True, slots=True)
class Stock:
    """All that is on sale, in the catalogue's order, as it was under a token; `places` are the offers' by id."""

    token: str
    offers: tuple[Offer, ...]
    places: dict[int, int]


_kept = Stock("", (), {})


@dataclass(frozen=True)
class Storefront:
    """The catalogue as one buyer may see it: without what is closed to their country, at their own prices."""

    buyer: Buyer
    book: PriceBook
    stock: Stock

    @cached_property
    def offers(self) -> tuple[Offer, ...]:
        """All offers, in the catalogue's order."""
        country = self.buyer.country
        if self.buyer.currency not in self.book.exchange:
            return ()
        if country not in self.book.closing_countries:
            return self.stock.offers
        return tuple(each for each in self.stock.offers if country not in each.terms.closed_countries)

    @cached_property
    def categories(self) -> dict[int, str]:
        """The names of the categories that have an offer, by id, in the catalogue's order."""
        return {each.category_id: each.category for each in self.offers}

    def is_paused(self, now: datetime) -> bool:
        """Returns True while the buyer's currency is not sold in, since its exchange rate is too old."""
        return self.book.is_paused(self.buyer.currency, now)

    def offer(self, service_id: int | None) -> Offer | None:
        """Returns the offer of a service, or None if the buyer is not sold it."""
        place = self.stock.places.get(service_id or 0)
        found = None if place is None else self.stock.offers[place]
        is_open = found is not None and self.buyer.country not in found.terms.closed_countries
        return found if is_open and self.buyer.currency in self.book.exchange else None

    def rate(self, offer: Offer) -> Micros:
        """Returns what the buyer is quoted for an offer of the shelf, in micros of their currency."""
        buyer, exchange = self.buyer, self.book.exchange[self.buyer.currency]
        return self.book.quote(buyer.customer_id, offer.terms, buyer.discount_basis_points, exchange)

    def find(
        self, words: str = "", category_id: int | None = None, among: Collection[int] | None = None
    ) -> list[Offer]:
        """Returns the offers that fit, in the catalogue's order.

        Every one of the words (the first 100 characters) is in an offer's id, name or category, in any case.
        `among` are the ids that count; None: all.
        """
        wanted = words[:LONGEST_SEARCH].casefold().split()
        return [
            each
            for each in self.offers
            if (category_id is None or each.category_id == category_id)
            and (among is None or each.pk in among)
            and all(word in each.searched for word in wanted)
        ]


def storefront(buyer: Buyer) -> Storefront:
    """Returns the shelf as it stands now: one small read, and a full one after a change of the catalogue."""
    token = version.current()
    book = price_book.at(token)
    return Storefront(buyer, book, _stock(book))


def _stock(book: PriceBook) -> Stock:
    global _kept  # noqa: PLW0603 - one copy for the process, replaced whole, never changed
    if _kept.token != book.token or not book.token:
        services = Service.objects.filter(state=Service.State.ACTIVE).select_related("category")
        offers = tuple(_offer(each, book.terms[each.pk]) for each in services if each.pk in book.terms)
        _kept = Stock(book.token, offers, {each.pk: place for place, each in enumerate(offers)})
    return _kept


def _offer(service: Service, terms: Terms) -> Offer:
    category = service.category.name
    return Offer(
        terms=terms,
        name=service.name,
        category_id=service.category_id,
        category=category,
        refill=service.refill,
        refill_days=service.refill_days,
        cancel=service.cancel,
        description=service.description,
        delivery=service.delivery,
        searched=f"{service.pk} {service.name} {category}".casefold(),
    )
