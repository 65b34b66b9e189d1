"""Orders for a panel under examination: the smallest good one of each type, and those that must be refused."""

from collections.abc import Iterable, Iterator, Mapping

from sutler.conformance.call import call
from sutler.conformance.reads import Check
from sutler.conformance.verdict import refused_add
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES, Field, Kind, Measure
from sutler.core.pricing import PER_THOUSAND, charge
from sutler.core.service_row import ServiceRow

LINK = "https://example.com/conformance"
RUNS = 2
# Whatever a field is for, something that stands for it. Numbers and choices are those that ask for the least.
_SAMPLES = {
    "username": "example",
    "media": "https://example.com/p/1",
    "hashtag": "example",
    "country": "US",
    "answer_number": "1",
    "device": "5",
    "type_of_traffic": "3",
    "delay": "0",
}


def cheapest(services: Iterable[ServiceRow]) -> dict[str, ServiceRow]:
    """Returns for each type on sale, in the order of the types, the service whose smallest order costs least."""
    found: dict[str, ServiceRow] = {}
    for each in services:
        if each.type and (each.type not in found or cost_micros(each) < cost_micros(found[each.type])):
            found[each.type] = each
    return {name: found[name] for name in ORDER_TYPES if name in found}


def cost_micros(service: ServiceRow, runs: int = 1) -> int:
    """Returns what the smallest order costs in the end; a subscription's is that of its one post."""
    kind = ORDER_TYPES[service.type or ""]
    return charge(service.rate_micros, 1 if kind.measure is Measure.ONE else service.min * runs, kind.per)


def smallest(service: ServiceRow, link: str) -> dict[str, str]:
    """Returns the fields of the smallest order; a subscription's is for one post."""
    fields = sample(service, link, service.min)
    return {**fields, "posts": "1"} if ORDER_TYPES[service.type or ""].measure is Measure.POSTS else fields


def dripped(service: ServiceRow, link: str) -> dict[str, str]:
    """Returns the fields of the smallest order that is spread over runs."""
    return {**smallest(service, link), "runs": str(RUNS), "interval": "60"}


def sample(service: ServiceRow, link: str, count: int) -> dict[str, str]:
    """Returns the required fields of the type, for so many pieces or lines."""
    kind = ORDER_TYPES[service.type or ""]
    lines = count if kind.measure is Measure.LINES else 1
    asked = (each for each in kind.fields if each.required)
    return {"service": service.upstream_id, **{each.name: _text(each, link, count, lines) for each in asked}}


def _text(asked: Field, link: str, count: int, lines: int) -> str:
    if asked.name == "link":
        return link
    if asked.name in {"quantity", "min", "max"}:
        return str(count)
    if asked.kind in {Kind.LINES, Kind.NAMES}:
        return "\n".join(f"example{number}" for number in range(1, max(lines, 1) + 1))
    return _SAMPLES[asked.name]


def refusals(on_sale: Mapping[str, ServiceRow], balance_micros: int | None) -> Iterator[Check]:
    """Yields the orders that must be refused, those that could cost most if they are not last.

    Each asks for less than the minimum besides, where its type lets it, so that a panel which overlooks what is
    missing still refuses. One for more than the maximum asks for more than the balance pays.
    """
    unknown = {"service": str(LARGEST_NUMBER), "link": LINK, "quantity": "1"}
    yield Check("add", "an unknown service is refused", call("add", **unknown), refused_add("Incorrect service ID"))
    missing = {"link": LINK, "quantity": "1"}
    yield Check("add", "a missing service is refused", call("add", **missing), refused_add("Incorrect service ID"))
    for service in on_sale.values():
        yield from _without_a_field(service)
    counted = [each for name, each in on_sale.items() if ORDER_TYPES[name].measure is Measure.QUANTITY]
    for service in counted:
        yield _below(service)
    for service in counted:
        if service.max < LARGEST_NUMBER:
            yield _above(service, balance_micros)


def _without_a_field(service: ServiceRow) -> Iterator[Check]:
    kind = ORDER_TYPES[service.type or ""]
    good = sample(service, LINK, service.min - 1)
    if kind.measure is Measure.POSTS:
        good["min"] = str(service.min)  # above max, which alone is reason enough
    for each in kind.fields:
        if each.required:
            yield _lacking(service, each.name, {name: text for name, text in good.items() if name != each.name})
    if "type_of_traffic" in good:
        yield _lacking(service, "google_keyword", {**good, "type_of_traffic": "1"})
        yield _lacking(service, "referring_url", {**good, "type_of_traffic": "2"})


def _lacking(service: ServiceRow, name: str, fields: dict[str, str]) -> Check:
    judge = refused_add(f"Incorrect {name}")
    return Check("add", f"a missing `{name}` is refused", call("add", **fields), judge, service.type or "")


def _below(service: ServiceRow) -> Check:
    fields = call("add", **sample(service, LINK, service.min - 1))
    judge = refused_add(f"Quantity less than minimal {service.min}")
    return Check("add", "less than the minimum is refused", fields, judge, service.type or "")


def _above(service: ServiceRow, balance_micros: int | None) -> Check:
    unpayable = LARGEST_NUMBER
    if balance_micros is not None:
        unpayable = 2 * balance_micros * PER_THOUSAND // service.rate_micros
    asked = call("add", **sample(service, LINK, min(max(service.max + 1, unpayable), LARGEST_NUMBER)))
    judge = refused_add(f"Quantity more than maximum {service.max}")
    return Check("add", "more than the maximum is refused", asked, judge, service.type or "")
