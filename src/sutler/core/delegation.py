"""Drip-feeds and subscriptions that are handed on whole: what a provider may take so, and what it says of them. Pure.

A provider that takes one runs it itself and makes an order of its own for each run or post. What it tells of these, by
the words of the protocol alone, is read here.
"""

from dataclasses import dataclass

from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES, Measure
from sutler.core.pricing import PER_THOUSAND
from sutler.core.upstream_words import UnknownStatus

# What panels say of subscriptions alone (protocol page, section 2, and their published pages).
_WORDS = {"expired": Status.COMPLETED, "paused": Status.IN_PROGRESS, "inactive": Status.IN_PROGRESS}


@dataclass(frozen=True, slots=True)
class Taker:
    """What may deliver: the type of the upstream service, whether it takes runs, and what its provider runs itself."""

    type: str | None
    dripfeed: bool
    drip_feed_there: bool
    subscriptions_there: bool


def is_subscription(type_name: str | None) -> bool:
    """Returns True for the type whose orders wait for posts."""
    return type_name is not None and type_name in ORDER_TYPES and ORDER_TYPES[type_name].measure is Measure.POSTS


def delivers(service_type: str, upstream_type: str | None, *, subscriptions_there: bool) -> bool:
    """Returns True if an upstream service of that type can deliver a service of ours, whole or post by post."""
    if upstream_type == ORDER_TYPES[service_type].handed_on_as:
        return True
    return upstream_type == service_type and subscriptions_there


def takes_whole(service_type: str, taker: Taker) -> bool:
    """Returns True if a drip-feed, or a subscription, of this type is handed on whole to this taker."""
    if taker.type != service_type:
        return False
    if is_subscription(service_type):
        return taker.subscriptions_there
    return taker.drip_feed_there and taker.dripfeed


def read_word(status: Status | UnknownStatus, raw: str) -> Status | UnknownStatus:
    """Returns what a word said of a subscription stands for: Expired is an end, while it is Paused it goes on."""
    return _WORDS.get(raw.strip().lower(), status) if status is UnknownStatus.UNKNOWN else status


def post_quantity(
    status: Status | UnknownStatus,
    charge_micros: int | None,
    remains: int | None,
    rate_micros: int,
    least: int,
    most: int,
) -> int | None:
    """Returns how much was ordered for a post, which the protocol tells only in a roundabout way; None: not told yet.

    `charge_micros` and `rate_micros` (for a thousand) are the provider's; the quantity is drawn from least..most. What
    has not begun has all of it remaining. Of the rest the charge tells it, of a part what remains beside it.
    """
    if least == most:
        return least
    if status in {Status.PENDING, Status.PROCESSING, Status.CANCELED} and remains is not None and remains > 0:
        return min(max(remains, least), most)
    if status is Status.CANCELED:
        return least  # whatever it was, nothing of it was delivered and nothing is paid
    if not charge_micros:
        return None
    charged = (charge_micros * PER_THOUSAND + rate_micros // 2) // rate_micros
    left = max(remains or 0, 0)
    quantity = charged + left if status is Status.PARTIAL else max(charged, left)
    return min(max(quantity, least), most)


def runs_made(delivered: int, quantity_per_run: int) -> list[int]:
    """Returns what remains of each run that a provider has made without naming it, if it delivered so much in all."""
    whole, part = divmod(max(delivered, 0), quantity_per_run)
    return [0] * whole + ([quantity_per_run - part] if part else [])
