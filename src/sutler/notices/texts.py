"""Notices in the reader's language: a subject, a line for each, where to look."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sutler.core import event_texts
from sutler.core.money import show_balance
from sutler.core.subjects import subject_text
from sutler.notices.kinds import KINDS, Kind
from sutler.notices.models import Notice
from sutler.notices.plan import DIGEST

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What is delivered: a subject of one line, lines with the address of what they are about, and a last word."""

    subject: str
    lines: Sequence[tuple[str, str]]
    footer: str = ""

    def text(self) -> str:
        """Returns all below the subject, each address on a line of its own."""
        blocks = ["\n".join(filter(None, each)) for each in self.lines]
        return "\n\n".join(filter(None, [*blocks, self.footer]))


def message(topic: str, notices: Sequence[Notice], count: int, *, is_for_staff: bool, is_letter: bool) -> Message:
    """Returns what `count` notices of a topic come to, of which these are shown, in the language switched on."""
    lines = [(line(each), _url(_place(each))) for each in notices]
    if count == 1 and notices:
        subject = lines[0][0]
    elif topic == DIGEST:
        subject = ngettext("%(count)s notice today", "%(count)s notices today", count) % {"count": count}
    else:
        subject = f"{KINDS[Kind(topic)].words}: {count}"
    if count > len(lines):
        more = count - len(lines)
        lines.append((ngettext("And %(more)s more.", "And %(more)s more.", more) % {"more": more}, ""))
    footer = ""
    if is_letter:
        choices = _url("/office/notices" if is_for_staff else "/account/notices")
        footer = "\n".join(filter(None, [_("Choose what you receive in your panel account."), choices]))
    return Message(subject, lines, footer)


def line(notice: Notice) -> str:
    """Returns one notice in one line."""
    return _LINES[Kind(notice.kind)](notice.data)


def _url(place: str) -> str:
    """Returns an address of the panel; nothing where its public address is not known."""
    public = str(settings.SUTLER["SUTLER_PUBLIC_URL"]).rstrip("/")
    return public + place if public and place else ""


def _place(notice: Notice) -> str:
    return _PLACES[Kind(notice.kind)].format_map(notice.data)


def _alarm(data: Data) -> str:
    subject = subject_text(data["subject_type"], data["subject_id"], _)
    what = ": ".join(filter(None, [data["provider"], subject, event_texts.cause_text(data["cause"], _)]))
    if "times" in data:
        return _("Ended: %(alarm)s (raised %(times)s times)") % {"alarm": what, "times": data["times"]}
    return what


def _payment(data: Data) -> str:
    if "amount" not in data:
        return _("Payment %(payment)s needs a decision") % data
    amount = {"amount": show_balance(data["amount"]), "currency": data["currency"], "payment": data["payment"]}
    return _("Payment %(payment)s of %(amount)s %(currency)s needs confirmation") % amount


def _refill(data: Data) -> str:
    if data["is_completed"]:
        return _("The refill of order %(order)s is completed") % data
    return _("The refill of order %(order)s was rejected") % data


def _service(data: Data) -> str:
    name = {"name": f"{data['service']} {data['name']}", "before": data["before"], "after": data["after"]}
    words = {
        "new": _("New service: %(name)s"),
        "paused": _("Paused: %(name)s"),
        "back": _("Available again: %(name)s"),
    }.get(data["update"], _("Changed: %(name)s, %(before)s → %(after)s"))
    return words % name


_LINES: Mapping[Kind, Callable[[Data], str]] = {
    Kind.TICKET: lambda data: _("New message in ticket %(ticket)s: %(subject)s") % data,
    Kind.PAYMENT: _payment,
    Kind.APPROVAL: lambda data: _("Order %(order)s awaits approval") % data,
    Kind.DECISION: _alarm,
    Kind.BALANCE: _alarm,
    Kind.PRICES: _alarm,
    Kind.ALARM: _alarm,
    Kind.BACKUP: _alarm,
    Kind.WORKER: lambda data: _("The worker was down for %(minutes)s minutes") % data,
    Kind.BOOKS: lambda data: _("The audit found %(breaches)s mismatches") % data,
    Kind.ORDER_COMPLETED: lambda data: _("Order %(order)s is completed") % data,
    Kind.ORDER_PARTIAL: lambda data: _("Order %(order)s is partially completed; the rest was refunded") % data,
    Kind.ORDER_CANCELED: lambda data: _("Order %(order)s was canceled and refunded") % data,
    Kind.REFILL: _refill,
    Kind.SERVICE: _service,
}
_PLACES: Mapping[Kind, str] = {
    Kind.TICKET: "/office/tickets/{ticket}",
    Kind.PAYMENT: "/office/payments/{payment}",
    Kind.APPROVAL: "/office/approvals",
    Kind.DECISION: "/office/unknown",
    Kind.BALANCE: "/office/alarms",
    Kind.PRICES: "/office/alarms",
    Kind.ALARM: "/office/alarms",
    Kind.BACKUP: "/office/alarms",
    Kind.WORKER: "/office/",
    Kind.BOOKS: "/office/verify",
    Kind.ORDER_COMPLETED: "/orders/{order}",
    Kind.ORDER_PARTIAL: "/orders/{order}",
    Kind.ORDER_CANCELED: "/orders/{order}",
    Kind.REFILL: "/orders/{order}",
    Kind.SERVICE: "/updates",
}
