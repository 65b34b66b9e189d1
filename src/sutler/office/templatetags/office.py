"""The tags of the office: what a role may, states of tickets, percentages, what alarms and audit entries are about."""

from collections.abc import Collection, Mapping

from django import template
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sutler.accounts.models import AuditEntry
from sutler.accounts.roles import Permission
from sutler.core.subjects import SubjectType, subject_text
from sutler.fulfilment.catalogue import objections
from sutler.fulfilment.models import Alarm, AlarmSubject
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
# The types of subjects that have a page.
_PAGES: Mapping[str, str] = {
    SubjectType.ORDER: "office:order",
    SubjectType.SERVICE: "office:service",
    SubjectType.CUSTOMER: "office:customer",
    SubjectType.GROUP: "office:group",
    SubjectType.PROVIDER: "office:provider",
    SubjectType.PAYMENT: "office:payment",
    SubjectType.METHOD: "office:method",
    SubjectType.ANNOUNCEMENT: "office:announcement",
}


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
def objection_text(objection: str) -> str:
    """Returns why a route is off in words."""
    return objections.objection_text(objection, gettext)


@register.simple_tag
def subject(row: Alarm | AlarmSubject | AuditEntry) -> str:
    """Returns what an alarm or an entry of the audit log is about in words, as a link where it has a page."""
    text = subject_text(row.subject_type, row.subject_id, gettext)
    view = _PAGES.get(row.subject_type)
    if view is None or not row.subject_id.isdecimal():
        return text
    return format_html('<a href="{}">{}</a>', reverse(view, args=[row.subject_id]), text)


@register.simple_tag
def ticket_state(state: str) -> SafeString:
    """Returns the chip of a ticket's state as staff see it."""
    words, colour = _STATES[state]
    return chip(words, colour)
