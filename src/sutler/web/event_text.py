"""Events of orders and causes in the reader's language; what people and providers wrote is shown as it is."""

from django.utils.translation import gettext

from sutler.core import event_texts
from sutler.core.events import Cause
from sutler.orders.models import OrderEvent


def event_text(event: OrderEvent) -> str:
    """Returns what an event says beside its move, "" for a bare move."""
    return event_texts.event_text(event.kind, event.data, gettext)


def cause_text(cause: Cause | None) -> str:
    """Returns why something stands as it does, "" where nothing is known."""
    return event_texts.cause_text(cause, gettext)
