"""The catalogue of the scripted upstream: what it sells, and how it may be shown."""

from decimal import Decimal
from typing import Any

from sutler.core.clock import Random
from sutler.core.money import show_rate
from sutler.core.order_types import ORDER_TYPES, Measure
from sutler.simulator.faults import Lots
from sutler.simulator.panel import Service

_SOLD = tuple(each for each in ORDER_TYPES.values() if each.measure is not Measure.POSTS)
_PLACES = ("Harbour", "Meadow", "Lantern", "Quarry", "Orchard", "Viaduct", "Gazette", "Carousel")
HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "+1",
    "-1",
    "a\x00b",
    "\x1b[2J\x1b[31m",
    "line\r\nSet-Cookie: a=b",
    "\u202egnp.exe",
    "\ud800",
    "\ufeff",
    " ",
    "",
    "{{7*7}}",
    "{% load x %}",
    "%s%n",
    "'; DROP TABLE catalogue_service; --",
    "../../etc/passwd",
    "x" * 70_000,
    "😀" * 2_000,
)
_SHOWN_RATES = {"price_zero": "0", "price_negative": "-0.90", "price_nan": "NaN", "price_comma": "0,90"}


def stock(count: int, chance: Random) -> list[Service]:
    """Returns so many services, of every type but subscriptions; the first is Default, 0.90 a thousand, 50 to 10000."""
    services = [Service(1, "Followers")]
    for number in range(2, count + 1):
        kind = _SOLD[(number - 1) % len(_SOLD)]
        place = _PLACES[number // 40 % len(_PLACES)]
        least, most = (
            (1, 1) if kind.measure is Measure.ONE else (chance.choice((1, 10)), chance.choice((5_000, 100_000)))
        )
        services.append(
            Service(
                number,
                f"{place} {kind.name} {number}",
                kind.name,
                f"{place} {1 + number // 320}",
                chance.randrange(1_000, 9_000_000, 10),
                least,
                most,
                chance.random() < 0.7,
                chance.random() < 0.7,
                chance.random() < 0.2,
            )
        )
    return services


def listed(services: list[Service], lots: Lots) -> object:
    """Moves the prices, then returns the catalogue as the answer to `services` shows it this time."""
    for each in services:
        _move_price(each, lots)
    if lots.strikes("empty_catalogue"):
        return []
    shown: list[dict[str, Any]] = []
    for each in services:
        if not lots.strikes("services_gone"):
            shown.append(_shown(each, lots))
        if shown and lots.strikes("repeated_service"):
            shown.append(shown[-1] | {"rate": show_rate(each.rate_micros * 2)})
    if lots.strikes("object_catalogue"):
        return {str(each["service"]): each for each in shown}
    return {"data": shown} if lots.strikes("wrapped_catalogue") else shown


def _move_price(service: Service, lots: Lots) -> None:
    percent = 100
    if lots.strikes("price_moves"):
        percent = lots.chance.randint(90, 110)
    if lots.strikes("price_jumps"):
        percent = lots.chance.randint(131, 400)
    if percent != 100:
        service.rate_micros = -(-service.rate_micros * percent // 100)


def _shown(service: Service, lots: Lots) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "service": service.id,
        "name": service.name,
        "type": service.type,
        "rate": show_rate(service.rate_micros),
        "min": str(service.min),
        "max": str(service.max),
        "dripfeed": service.dripfeed,
        "refill": service.refill,
        "cancel": service.cancel,
        "category": service.category,
    }
    price = lots.first(_SHOWN_RATES)
    if price:
        shown["rate"] = _SHOWN_RATES[price]
    if lots.strikes("hostile_names"):
        shown |= {"name": lots.chance.choice(HOSTILE_NAMES), "category": lots.chance.choice(HOSTILE_NAMES)}
    if lots.strikes("unknown_types"):
        shown["type"] = lots.chance.choice(("Telepathy", "", None, 17))
    if lots.strikes("loose_types"):
        _loosen(shown, lots.chance)
    return shown


def _loosen(shown: dict[str, Any], chance: Random) -> None:
    """Shows the same in the spellings of other panels."""
    shown |= {"service": str(shown["service"]), "min": int(shown["min"]), "max": int(shown["max"])}
    if isinstance(shown["type"], str):
        shown["type"] = shown["type"].lower().replace(" ", "_")
    if isinstance(shown["rate"], str) and shown["rate"].replace(".", "").isdigit():
        shown["rate"] = float(Decimal(shown["rate"]))
    for flag in ("dripfeed", "refill", "cancel"):
        if not shown[flag] and chance.random() < 0.5:
            del shown[flag]
        else:
            shown[flag] = chance.choice((1, "1", "true", "yes", True) if shown[flag] else (0, "0", "false", "no", None))
