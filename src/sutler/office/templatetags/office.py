"""The tags of the office: what a role may, states of tickets, percentages, and where the audit log's things are."""

from collections.abc import Collection, Mapping

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from sutler.accounts.roles import Permission
from sutler.core.text import text_input
from sutler.office.fields import show_percent
from sutler.office.payment_text import NOTICE_KINDS, NOTICE_OUTCOMES
from sutler.support.models import Ticket
from sutler.web.templatetags.web import chip

register = template.Library()

# As staff see a ticket: an open one waits for them.
_STATES: Mapping[str, tuple[str | Promise, str]] = {
    Ticket.State.OPEN: (_("Needs reply"), "warn"),
    Ticket.State.ANSWERED: (_("Answered"), "good"),
    Ticket.State.CLOSED: (_("Closed"), ""),
}
_SCOPES: Mapping[str, str | Promise] = {
    "read": _("read"),
    "order": _("order"),
    "refill_cancel": _("request refills and cancels"),
}
# The first word of what an entry of the audit log is about, and the address of such things.
_PLACES = {"customer": "office:customer", "ticket": "office:ticket", "service": "office:service"}
_PLACES |= {"order": "office:order", "provider": "office:provider", "method": "office:method"}
_PLACES |= {"announcement": "office:announcement", "payment": "office:payment"}


@register.filter
def has(permissions: Collection[Permission] | None, name: str) -> bool:
    """Returns whether `request.permissions` hold the one of this name."""
    return bool(permissions) and Permission[name] in (permissions or ())


@register.filter
def percent(basis_points: int) -> str:
    """Returns basis points as a percentage without its sign."""
    return show_percent(basis_points)


@register.filter
def notice_outcome(outcome: str) -> str:
    """Returns what a gateway's notice came to in words."""
    return str(NOTICE_OUTCOMES.get(outcome, outcome))


@register.filter
def notice_kind(kind: str) -> str:
    """Returns what a gateway's notice says in words, a dash where it says nothing."""
    return str(NOTICE_KINDS.get(kind, "–"))


@register.filter
def scopes(kept: str) -> str:
    """Returns what a key may do in words."""
    return ", ".join(str(_SCOPES.get(each, each)) for each in kept.split())


@register.filter
def place_of(what: str) -> str:
    """Returns the address of what an entry of the audit log is about, such as `customer 3`, or nothing."""
    kind, _space, text = what.partition(" ")
    pk = text_input.number(text)
    if kind not in _PLACES or pk is None:
        return ""
    try:
        return reverse(_PLACES[kind], args=[pk])
    except NoReverseMatch:
        return ""


@register.filter
def is_numbered(subject: str) -> bool:
    """Returns whether the subject of an alarm names something: others only keep two alarms of a kind apart."""
    return any(each.isdigit() for each in subject)


@register.simple_tag
def ticket_state(state: str) -> SafeString:
    """Returns the chip of a ticket's state as staff see it."""
    words, colour = _STATES[state]
    return chip(words, colour)
