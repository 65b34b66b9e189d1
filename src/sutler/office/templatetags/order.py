"""The tags of orders in the office: states of what was sent upstream, accounts, what customers typed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import formats
from django.utils.functional import Promise
from django.utils.html import format_html, linebreaks
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sutler.books.models import LedgerAccount
from sutler.core.attempts import AttemptState
from sutler.core.lifecycle import CancelStatus
from sutler.web.templatetags.web import chip, lasting, moment

register = template.Library()

Words = str | Promise
_ATTEMPTS: Mapping[str, tuple[Words, str]] = {
    AttemptState.PLANNED: (_("Planned"), ""),
    AttemptState.SENDING: (_("Sending"), "note"),
    AttemptState.ACCEPTED: (_("Accepted"), "good"),
    AttemptState.NOT_SENT: (_("Not sent"), "warn"),
    AttemptState.DECLINED: (_("Refused"), "bad"),
    AttemptState.ABSENT: (_("Not placed"), "bad"),
    AttemptState.UNKNOWN: (_("Checking"), "note"),
    AttemptState.STAFF: (_("Your decision"), "warn"),
}
_REQUESTS: Mapping[str, tuple[Words, str]] = {
    CancelStatus.OPEN: (_("Open"), "warn"),
    CancelStatus.TAKEN: (_("In progress"), "note"),
    CancelStatus.DONE: (_("Done"), "good"),
    CancelStatus.REJECTED: (_("Rejected"), "bad"),
}
_Kind = LedgerAccount.Kind
_ACCOUNTS: Mapping[str, Words] = {
    _Kind.WALLET: _("Customer's balance"),
    _Kind.IN_HAND: _("Held"),
    _Kind.SCHEDULED: _("Scheduled"),
    _Kind.REVENUE: _("Revenue"),
    _Kind.DEPOSITS: _("Payments"),
    _Kind.ADJUSTMENTS: _("Adjustments"),
    _Kind.PROVIDER: _("Provider"),
    _Kind.COST: _("Cost"),
}
# The first word of a transfer's cause.
_CAUSES: Mapping[str, Words] = {
    "order": _("Charge"),
    "run": _("Drip-feed run"),
    "settle": _("Settled"),
    "return": _("Refunded"),
    "cost": _("Cost"),
    "cost-more": _("Extra cost"),
    "cost-back": _("Cost refunded"),
}
_OUTCOMES: Mapping[str, Words] = {
    "NotSent": _("Not sent"),
    "Declined": _("Refused"),
    "NoAnswer": _("No answer"),
    "Remarked": _("Note"),
}
_LONGEST_SHOWN = 60


@register.simple_tag
def attempt_state(state: str) -> SafeString:
    """Returns the chip of an attempt to place something at a provider."""
    return chip(*_ATTEMPTS[state])


@register.simple_tag
def request_state(state: str) -> SafeString:
    """Returns the chip of a request to cancel."""
    return chip(*_REQUESTS[state])


@register.simple_tag
def account(kind: str) -> Words:
    """Returns what an account of the books is called."""
    return _ACCOUNTS.get(kind, kind)


@register.simple_tag
def cause(key: str) -> SafeString:
    """Returns why money moved, in words; the books' own key of it shows on pointing at it."""
    return format_html('<span title="{}">{}</span>', key, _CAUSES.get(key.partition(":")[0], key))


@register.filter
def outcome(kind: str) -> Words:
    """Returns what came of a call to a provider."""
    return _OUTCOMES.get(kind, kind)


@register.simple_tag
def outside(link: str) -> str:
    """Returns what a customer typed as a link: one that can be followed only if it leads to the web."""
    if not link.lower().startswith(("https://", "http://")):
        return link
    return format_html('<a href="{}" rel="noreferrer noopener nofollow" target="_blank">{}</a>', link, link)


@register.simple_tag
def plain_name(name: str) -> str:
    """Returns the name of a field of an order as words."""
    return name.replace("_", " ")


@register.simple_tag
def many_lines(value: Any) -> str:
    """Returns what was typed into a field; a list or a long text is folded."""
    text = str(value)
    count = len(text.splitlines())
    if count < 2 and len(text) <= _LONGEST_SHOWN:
        return text
    told = ngettext("%(count)s line", "%(count)s lines", count) % {"count": count}
    return format_html("<details><summary>{}</summary>{}</details>", told, linebreaks(text, autoescape=True))


@register.simple_tag
def moment_of(text: str) -> SafeString:
    """Returns a moment that is kept as a text, as `moment` does."""
    return moment(datetime.fromisoformat(text))


@register.simple_tag
def seconds(count: int) -> str:
    """Returns a length of time, as `lasting` does."""
    return lasting(timedelta(seconds=count))


@register.simple_tag
def share(part: float) -> str:
    """Returns a share from 0 to 1 as a percentage."""
    return gettext("%(n)s%%") % {"n": formats.number_format(100 * part, 1)}
