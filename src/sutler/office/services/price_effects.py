"""What a change would do to customers' prices and limits: a page that shows it before it is done."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from sutler.core.refusals import Refusal
from sutler.fulfilment.catalogue.price_effects import Effect, rehearse
from sutler.web.access import StaffRequest

SHOWN = 500
_OWN = frozenset({"csrfmiddlewaretoken", "seen", "accept_rises"})


def accepts_rises(request: StaffRequest) -> bool:
    """Returns True if prices may rise by more than 30 % by this request."""
    return request.POST.get("accept_rises") == "1"


def to_be_seen(request: StaffRequest, verb: Callable[[], Any], back: str) -> HttpResponse | None:
    """Returns the page that shows what the verb would do to prices and limits; None once that has been seen, or if
    it does nothing to any, or is refused.

    The page sends the same form again; what has changed since it was seen is shown anew. `back` is where to go instead.
    """
    outcome, effects = rehearse(verb)
    digest = hashlib.sha256(repr(effects).encode()).hexdigest()
    if isinstance(outcome, Refusal) or not effects or request.POST.get("seen") == digest:
        return None
    given = {
        "effects": effects[:SHOWN],
        "rest": len(effects[SHOWN:]),
        "count": len(effects),
        "waiting": sum(map(_waits, effects)),
        "accepts": accepts_rises(request),
        "fields": [(name, value) for name in request.POST if name not in _OWN for value in request.POST.getlist(name)],
        "seen": digest,
        "back": back,
        "base": settings.SUTLER["SUTLER_BASE_CURRENCY"],
    }
    return render(request, "office/price_effects.html", given)


def _waits(effect: Effect) -> bool:
    return effect.after.held_micros is not None and effect.after.held_micros != effect.before.held_micros
