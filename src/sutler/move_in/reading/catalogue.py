"""Providers, categories and services."""

from collections.abc import Iterable, Iterator

import msgspec

from sutler.core.money import is_currency
from sutler.core.old_panels import numbers, texts, words
from sutler.core.order_types import LARGEST_NUMBER
from sutler.move_in.reading.known import Known, KnownService, fitting_id
from sutler.move_in.sources.family import Row

LONGEST_NAME, LONGEST_PROVIDER_NAME, LONGEST_URL = 200, 100, 500
LONGEST_SERVICE_NAME, LONGEST_DESCRIPTION, LONGEST_UPSTREAM_ID = 500, 20_000, 64
# Where the rate there is not known: the next catalogue of the provider says it.
_LEAST_RATE = 1


class ProviderRecord(msgspec.Struct, frozen=True, gc=False):
    """A provider; its key is sealed as it is written, and stands nowhere else."""

    id: int
    name: str
    url: str
    key: str
    currency: str
    is_on: bool


class CategoryRecord(msgspec.Struct, frozen=True, gc=False):
    """A category."""

    id: int
    name: str
    position: int


class UpstreamRecord(msgspec.Struct, frozen=True, gc=False):
    """A provider's service that one of ours is routed to, or was; the rate is in the provider's currency."""

    provider: int
    upstream_id: str
    rate_micros: int


class ServiceRecord(msgspec.Struct, frozen=True, gc=False):
    """A service and, where it is delivered by a provider, what it is there."""

    id: int
    category: int
    name: str
    description: str
    type: str
    rate_micros: int
    min: int
    max: int
    dripfeed: bool
    refill: bool
    cancel: bool
    refill_days: int | None
    position: int
    is_on_sale: bool
    upstream: UpstreamRecord | None


def read_providers(rows: Iterable[Row], known: Known) -> Iterator[ProviderRecord]:
    """Yields the providers that can come."""
    for row in rows:
        provider_id = fitting_id(row["id"])
        url, key = (row.get("url") or "").strip(), (row.get("key") or "").strip()
        if provider_id is None or not url.startswith(("https://", "http://")) or len(url) > LONGEST_URL or not key:
            known.leave("providers", row, "without an address, a key or a fitting id")
            continue
        if not url.startswith("https://"):
            known.note("providers", row, "its address is http: nothing is called until it is https")
        code = (row.get("currency") or "").strip().upper()
        currency = code if is_currency(code) else known.currency
        known.providers[provider_id] = currency
        name = texts.line(row.get("name"), LONGEST_PROVIDER_NAME - 8) or "Provider"
        is_on = known.family.flag("providers", "is_on", row, default=True)
        yield ProviderRecord(provider_id, name, url, key, currency, is_on)


def read_categories(rows: Iterable[Row], known: Known) -> Iterator[CategoryRecord]:
    """Yields the categories; names are told apart where two are the same."""
    for row in rows:
        category_id = fitting_id(row["id"])
        if category_id is None:
            known.leave("categories", row, "the id is above 2147483647")
            continue
        name = texts.line(row.get("name"), LONGEST_NAME - 12) or "Category"
        if name in known.categories.values():
            name = f"{name} ({category_id})"
        known.categories[category_id] = name
        yield CategoryRecord(category_id, name, _bounded(row.get("position"), 0, LARGEST_NUMBER, 0))


def read_services(rows: Iterable[Row], known: Known) -> Iterator[ServiceRecord]:
    """Yields the services that can come: one without a price comes hidden."""
    for row in rows:
        service_id, rate = fitting_id(row["id"]), numbers.micros(row.get("rate"))
        if service_id is None or rate is None:
            why = "the id is above 2147483647" if service_id is None else f"the rate {row['rate']!r} is none"
            known.leave("services", row, why)
            continue
        if rate <= 0:
            known.note("services", row, "without a rate: it comes hidden")
        upstream = _upstream(row, known)
        order_type = words.order_type(row.get("type"))
        name = texts.line(row.get("name"), LONGEST_SERVICE_NAME) or f"Service {service_id}"
        known.services[service_id] = KnownService(
            order_type, name, upstream.provider if upstream else None, upstream.upstream_id if upstream else ""
        )
        least = _bounded(row.get("min"), 1, LARGEST_NUMBER, 1)
        days = numbers.whole(row.get("refill_days")) or 0
        yield ServiceRecord(
            id=service_id,
            category=_category(row, known),
            name=name,
            description=texts.paragraphs(row.get("description"), LONGEST_DESCRIPTION),
            type=order_type,
            rate_micros=max(rate, _LEAST_RATE),
            min=least,
            max=_bounded(row.get("max"), least, LARGEST_NUMBER, LARGEST_NUMBER),
            dripfeed=known.family.flag("services", "dripfeed", row, default=False),
            refill=known.family.flag("services", "refill", row, default=False),
            cancel=known.family.flag("services", "cancel", row, default=False),
            refill_days=days if 0 < days < LARGEST_NUMBER else None,
            position=_bounded(row.get("position"), 0, LARGEST_NUMBER, 0),
            is_on_sale=rate > 0 and _is_on_sale(row, known),
            upstream=upstream,
        )


def upstream_service(text: str | None) -> str:
    """Returns a provider's id of a service; "" for none."""
    plain = (text or "").strip()
    return plain if plain not in {"", "0"} and len(plain) <= LONGEST_UPSTREAM_ID and plain.isprintable() else ""


def _is_on_sale(row: Row, known: Known) -> bool:
    flags = (("is_on", True, True), ("is_secret", False, False), ("is_deleted", False, False))
    return all(known.family.flag("services", each, row, default=usual) is wanted for each, usual, wanted in flags)


def _category(row: Row, known: Known) -> int:
    category = fitting_id(row.get("category"))
    return category if category in known.categories and category is not None else 0


def _upstream(row: Row, known: Known) -> UpstreamRecord | None:
    provider, there = fitting_id(row.get("provider")), upstream_service(row.get("upstream_service"))
    if provider is None or not there:
        return None
    if provider not in known.providers:
        known.note("services", row, f"its provider {provider} is gone: it has no route")
        return None
    # In the panel's own currency there; where the provider's is another, its next catalogue says the rate.
    is_same = known.providers[provider] == known.currency
    rate = numbers.micros(row.get("upstream_rate")) if is_same else None
    return UpstreamRecord(provider, there, max(rate or _rate_in(row.get("upstream_details")), _LEAST_RATE))


def _rate_in(details: str | None) -> int:
    """Returns the rate in a `services` answer of the provider that is kept as JSON; 0 if there is none."""
    try:
        rate = msgspec.json.decode(texts.decoded(details or ""))["rate"]
    except (msgspec.DecodeError, KeyError, TypeError, IndexError, UnicodeEncodeError):
        return 0
    return numbers.micros(str(rate)) or 0


def _bounded(text: str | None, least: int, most: int, default: int) -> int:
    number = numbers.whole(text)
    return min(max(number, least), most) if number is not None and (text or "").strip() else default
