"""The tags of every page: money, moments, states, icons, links that keep the filters, fields, plots."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.forms import BoundField, CheckboxInput
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import show_balance, show_charge, show_rate, show_total
from sutler.orders.models import Order
from sutler.web.event_text import cause_text, event_text
from sutler.web.locale_middleware import written
from sutler.web.paging import Page
from sutler.web.plots import Plot
from sutler.web.selection import SHOWN
from sutler.web.sign_in.sessions import browser_words
from sutler.web.told import told

register = template.Library()
register.filter("browser", browser_words)
register.filter("written", written)
register.filter("told", told)
register.filter("event_text", event_text)
register.filter("cause_text", cause_text)

# The word for the reader and the colour of each state; the wire keeps its own words.
STATES: Mapping[str, tuple[str | Promise, str]] = {
    Status.PENDING: (_("Pending"), ""),
    Status.PROCESSING: (_("Processing"), "note"),
    Status.IN_PROGRESS: (_("In progress"), "note"),
    Status.COMPLETED: (_("Completed"), "good"),
    Status.PARTIAL: (_("Partial"), "warn"),
    Status.CANCELED: (_("Canceled"), "bad"),
    RefillStatus.REJECTED: (_("Rejected"), "bad"),
}
MINUS, DASH = "\u2212", "\u2013"
_WAYS_TO_SHOW = {"balance": show_balance, "charge": show_charge, "rate": show_rate, "total": show_total}


@register.simple_tag
def money(micros: int, currency: str, kind: str = "balance") -> SafeString:
    """Returns an amount with its currency.

    `kind` says how it is rounded: balance (down), charge (up), rate (not), total (to hundredths, for
    figures to look at).
    """
    return format_html(
        '<span class="money">{}\u00a0<span class="currency">{}</span></span>', amount(micros, kind), currency
    )


@register.simple_tag
def between(least: int, most: int) -> SafeString:
    """Returns the minimum and the maximum quantity, which a line may break between; one number if they are equal."""
    first, last = (intcomma(each) for each in (least, most))
    return SafeString(first) if least == most else format_html("<span>{} / <wbr>{}</span>", first, last)


@register.simple_tag
def net_charge(order: Order) -> SafeString:
    """Returns what an order costs after what has gone back, as every list shows it."""
    return money(order.charge_micros - order.returned_micros, order.currency, "charge")


@register.filter
def amount(micros: int, kind: str = "balance") -> str:
    """Returns an amount as the reader's language writes numbers, without its currency: for scales and inputs' hints."""
    whole, _dot, fraction = _WAYS_TO_SHOW[kind](abs(micros)).partition(".")
    grouped = f"{int(whole):,}".replace(",", formats.get_format("THOUSAND_SEPARATOR"))
    sign = MINUS if micros < 0 else ""
    return f"{sign}{grouped}{formats.get_format('DECIMAL_SEPARATOR')}{fraction}"


@register.simple_tag
def moment(at: datetime | None, form: str = "j M Y, H:i") -> SafeString:
    """Returns a moment in the reader's zone, exact for programs and on pointing at it. None is a dash.

    `form` is a date format of Django's, such as `j M Y` for the day alone.
    """
    if at is None:
        return SafeString(DASH)
    here = at.astimezone(timezone.get_current_timezone())
    exact = f"{here:%Y-%m-%d %H:%M:%S %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact, written(here, form))


@register.simple_tag
def lasting(time: timedelta | None) -> str:
    """Returns a length of time in its two largest units, such as 3 h 20 min. None is a dash."""
    if time is None:
        return DASH
    minutes, seconds = divmod(max(int(time.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = {"days": days, "hours": hours, "minutes": minutes, "seconds": seconds}
    if days:
        return gettext("%(days)s d %(hours)s h") % parts if hours else gettext("%(days)s d") % parts
    if hours:
        return gettext("%(hours)s h %(minutes)s min") % parts if minutes else gettext("%(hours)s h") % parts
    return gettext("%(minutes)s min") % parts if minutes else gettext("%(seconds)s s") % parts


@register.simple_tag
def status(value: str) -> SafeString:
    """Returns the chip of an order's or a refill's state."""
    words, colour = STATES.get(value, (value, ""))
    return chip(words, colour)


@register.simple_tag
def chip(words: str | Promise, colour: str = "") -> SafeString:
    """Returns a chip; colour is good, warn, bad, note or nothing."""
    return format_html('<span class="chip{}">{}</span>', f" chip-{colour}" if colour else "", words)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Returns an icon of web/icons.svg. It says nothing to a screen reader: words stand beside it."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("web/icons.svg"), name)


@register.simple_tag
def pick(name: str, value: object, words: str, is_picked: bool = False) -> SafeString:
    """Returns the check box of a row, for the bar of `web/selection.html`; `words` are for a screen reader.

    htmx leaves it as it is when the rows are sent anew.
    """
    box = '<input type="checkbox" name="{}" value="{}" aria-label="{}"{} autocomplete="off" id="pick-{}" hx-preserve>'
    checked = SafeString(" checked") if is_picked else ""
    shown = '<input type="hidden" name="{}" value="{}">'
    return format_html(box + shown, name, value, words, checked, value, SHOWN, value)


@register.inclusion_tag("web/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """Shows a form's field: label, input, help, and what is wrong with it beside it."""
    return {"field": bound, "is_choice": isinstance(bound.field.widget, CheckboxInput)}


@register.inclusion_tag("web/plot.html")
def plot(drawn: Plot) -> dict[str, Any]:
    """Shows a plot of `web.plots` with its scale, its legend and its table."""
    return {"plot": drawn}


@register.inclusion_tag("web/pages.html", takes_context=True)
def pages(context: template.RequestContext, page: Page[Any]) -> dict[str, Any]:
    """Shows the links to the pages beside this one; the other values of the query string are kept."""
    return {"page": page, "newer": _link(context, page, page.newer), "older": _link(context, page, page.older)}


def _link(context: template.RequestContext, page: Page[Any], value: str) -> str:
    if not value:
        return ""
    query = context["request"].GET.copy()
    query.pop(page.parameter, None)
    if value not in {"first", "1"}:
        query[page.parameter] = value
    return f"?{query.urlencode()}"
