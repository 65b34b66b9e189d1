"""What the scripted upstream says of an order: the truth first, then the lies that are switched on."""

from datetime import datetime
from typing import Any

from sutler.core.lifecycle import FINAL, Status
from sutler.core.money import show_charge
from sutler.simulator.faults import Lots
from sutler.simulator.panel import Order
from sutler.simulator.schedules import Whole

NUMBERS = {status: number for number, status in enumerate(Status)}
UNKNOWN_WORDS = ("Awaiting moderation", "Queued", "0x1F", "Completed?", "", None)
OTHER_WORDS = {
    Status.PENDING: ("pending", "PENDING"),
    Status.PROCESSING: ("processing", "Processing "),
    Status.IN_PROGRESS: ("in_progress", "Inprogress", "In-Progress", "Active"),
    Status.COMPLETED: ("completed", "Complete", "COMPLETED"),
    Status.PARTIAL: ("partial", "PARTIAL"),
    Status.CANCELED: ("Cancelled", "canceled", "Refunded"),
}


def told(order: Order, now: datetime, currency: str, lots: Lots) -> dict[str, Any]:
    """Returns the answer to a single `status` of this order."""
    status, remains = order.status(now), order.remains(now)
    if status in FINAL and lots.strikes("jump_back"):
        status, remains = lots.chance.choice((Status.PENDING, Status.PROCESSING, Status.IN_PROGRESS)), order.quantity
    return {
        "charge": with_commas(_charge(order, lots), lots),
        **_counts(order.start_count if status not in {Status.PENDING, Status.PROCESSING} else 0, remains, order, lots),
        "status": _word(status, lots),
        "currency": currency,
        **(order.named() if isinstance(order, Whole) else {}),
    }


def with_commas(number: str, lots: Lots) -> str:
    """Returns the number, or if the fault strikes with a comma at each thousand."""
    if not lots.strikes("thousands"):
        return number
    whole, dot, fraction = number.partition(".")
    return f"{int(whole):,}{dot}{fraction}"


def _charge(order: Order, lots: Lots) -> str:
    charge = order.kept_micros
    if lots.strikes("wrong_charge"):
        charge += -(-order.charge_micros * lots.chance.randint(1, 100) // 100)
    return show_charge(charge)


def _counts(start_count: int, remains: int, order: Order, lots: Lots) -> dict[str, Any]:
    shown: str | None = with_commas(str(remains), lots)
    if lots.strikes("negative_remains"):
        shown = "-2"
    if lots.strikes("huge_remains"):
        shown = with_commas(str(order.quantity * 10), lots)
    started: str | None = with_commas(str(start_count), lots)
    if lots.strikes("null_numbers"):
        started = shown = None
    return {"start_counter" if lots.strikes("start_counter") else "start_count": started, "remains": shown}


def _word(status: Status, lots: Lots) -> str | int | None:
    if lots.strikes("numeric_status"):
        return NUMBERS[status]
    if lots.strikes("unknown_status"):
        return lots.chance.choice(UNKNOWN_WORDS)
    return lots.chance.choice(OTHER_WORDS[status]) if lots.strikes("other_words") else status.value
