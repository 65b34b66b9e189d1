"""Why the panel switches a route off; once the reason has passed it switches the route on again."""

from collections.abc import Mapping
from enum import StrEnum

from sutler.core.event_texts import Translate
from sutler.core.translation import gettext_noop
from sutler.core.translation import gettext_noop as _


class Objection(StrEnum):
    """What the panel has against a route. It is kept with the route, and with a service that has no other."""

    GONE = "gone"
    TYPE = "type"
    RATE = "rate"
    CURRENCY = "currency"
    OLD_RATE = "old rate"
    TOO_DEAR = "too dear"
    LIMITS = "limits"
    RISE = "rise"


TEXTS: Mapping[str, str] = {
    Objection.GONE: _("it is gone upstream"),
    Objection.TYPE: _("it is of another type upstream"),
    Objection.RATE: _("its price has jumped"),
    Objection.CURRENCY: _("what its currency is worth is not known"),
    Objection.OLD_RATE: _("the exchange rate of its currency is out of date"),
    Objection.TOO_DEAR: _("it costs more than can be reckoned with"),
    Objection.LIMITS: _("its limits do not meet the service's"),
    Objection.RISE: _("with it the price would rise by more than 30 %"),
}


def objection_text(objection: str, translate: Translate = gettext_noop) -> str:
    """Returns an objection in words; as it was written, if that was before there was this list."""
    return translate(TEXTS[objection]) if objection in TEXTS else objection
