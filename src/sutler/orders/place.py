"""Placing orders: the one way an order comes into being, whoever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sutler.core.refusals import Refusal


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """One order that a customer asks for. `form` holds the fields as they came, `service` among them."""

    customer_id: int
    form: Mapping[str, str]
    request_id: str | None = None
    # Both set only where the key that asks has a cap on what it may spend in a day (UTC).
    capped_key_id: int | None = None
    daily_cap_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The order that was placed, or that an equal earlier request had placed."""

    order_id: int


def place(requests: Sequence[PlaceRequest], now: datetime) -> list[Placed | Refusal]:
    """Places each request or refuses it, all in one transaction; answers in the order given."""
    raise NotImplementedError
