"""How the fields of an order, and the ways in which one is refused, are worded for customers."""

from typing import NamedTuple

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sutler.core.order_types import Measure, OrderType
from sutler.core.refusals import Reason, Refusal

# How the request ids of our own forms begin: `shop.order_new`, `orders.mass`.
FORM_IDS = ("page:", "mass:")


class FieldWords(NamedTuple):
    """What stands above a field, and what is said below it."""

    label: str | Promise
    help: str | Promise = ""


FIELDS: dict[str, FieldWords] = {
    "link": FieldWords(_("Link"), _("The address of the page, as your browser shows it.")),
    "quantity": FieldWords(_("Quantity")),
    "runs": FieldWords(_("Runs"), _("How many times the quantity is delivered.")),
    "interval": FieldWords(_("Interval in minutes"), _("The time between two runs.")),
    "comments": FieldWords(_("Comments"), _("One a line.")),
    "usernames": FieldWords(_("Usernames"), _("One a line, or separated by commas.")),
    "hashtags": FieldWords(_("Hashtags"), _("One a line, or separated by commas.")),
    "keywords": FieldWords(_("Keywords"), _("One a line, or separated by commas.")),
    "groups": FieldWords(_("Groups"), _("One a line, or separated by commas.")),
    "hashtag": FieldWords(_("Hashtag"), _("Usernames are taken from it.")),
    "username": FieldWords(_("Username")),
    "media": FieldWords(_("Link to the post"), _("Those who like it are mentioned.")),
    "answer_number": FieldWords(_("Number of the answer"), _("1 is the first answer of the poll.")),
    "country": FieldWords(_("Country"), _("Where the visits come from: a code such as US, or a name.")),
    "device": FieldWords(_("Device")),
    "type_of_traffic": FieldWords(_("Where visitors come from")),
    "google_keyword": FieldWords(_("Search keyword"), _("Needed for visits from a search.")),
    "referring_url": FieldWords(_("Referring page"), _("Needed for visits from another page.")),
    "min": FieldWords(_("Minimum quantity for each post")),
    "max": FieldWords(_("Maximum quantity for each post")),
    "posts": FieldWords(
        _("New posts"), _("How many are delivered to. 0: only old posts. Empty: all, until you stop it.")
    ),
    "old_posts": FieldWords(_("Posts that exist already"), _("How many of them are delivered to as well.")),
    "delay": FieldWords(_("Minutes to wait after a post")),
    "expiry": FieldWords(_("Last day"), _("Left empty: no end.")),
}
DEVICES = {
    1: _("Desktop"),
    2: _("Mobile, Android"),
    3: _("Mobile, iOS"),
    4: _("Mobile, mixed"),
    5: _("Mobile and desktop, mixed"),
}
TRAFFIC = {1: _("A search keyword"), 2: _("A referring page"), 3: _("Direct")}

_REFUSED: dict[Reason, str | Promise] = {
    Reason.ACCOUNT_SUSPENDED: _("Your account is suspended: no orders are taken. Please write to us."),
    Reason.REQUEST_ID_REUSED: _(
        "This form has placed an order already, and has been changed since. Send it once more to place another order."
    ),
    Reason.INCORRECT_SERVICE: _("This service is not on sale."),
    Reason.CURRENCY_PAUSED: _("Orders in your currency are paused: its exchange rate is out of date. Try again later."),
    Reason.LINK_IN_USE: _("You have an active order with this link. Wait until it is completed."),
    Reason.NOT_ENOUGH_FUNDS: _("Your balance is not enough for this order."),
    Reason.INCORRECT_REQUEST: _("A line is written as service|link|quantity."),
}
_UNREADABLE: dict[str, str | Promise] = {
    "link": _("This service does not take this link. See its details."),
    "runs": _("The number of runs is missing or too large."),
    "interval": _("Say how many minutes lie between two runs."),
    "max": _("This is below the minimum quantity, or not a number."),
    "expiry": _("This day is over, or no date."),
    "google_keyword": _("A visit from a search needs a keyword."),
    "referring_url": _("A visit from another page needs its address."),
}


def words(refusal: Refusal) -> str:
    """Returns why nothing was placed, as a customer is told."""
    if refusal.reason is Reason.QUANTITY_BELOW_MINIMUM:
        return gettext("The minimum quantity is %(bound)s.") % {"bound": intcomma(refusal.bound)}
    if refusal.reason is Reason.QUANTITY_ABOVE_MAXIMUM:
        return gettext("The maximum quantity is %(bound)s.") % {"bound": intcomma(refusal.bound)}
    if refusal.reason is Reason.INCORRECT_FIELD:
        return str(_UNREADABLE.get(refusal.field) or _("This cannot be read."))
    return str(_REFUSED.get(refusal.reason) or _("This order cannot be placed."))


def concerns(refusal: Refusal, order_type: OrderType) -> str | None:
    """Returns the name of the field that a refusal is about, or None if it is about the whole order."""
    if refusal.reason in {Reason.QUANTITY_BELOW_MINIMUM, Reason.QUANTITY_ABOVE_MAXIMUM}:
        is_low = refusal.reason is Reason.QUANTITY_BELOW_MINIMUM
        if order_type.measure is Measure.POSTS:
            return "min" if is_low else "max"
        if order_type.measure is Measure.LINES:
            return "comments" if any(each.name == "comments" for each in order_type.fields) else "usernames"
        return "quantity"
    return {
        Reason.INCORRECT_FIELD: refusal.field,
        Reason.INCORRECT_SERVICE: "service",
        Reason.LINK_IN_USE: "link",
    }.get(refusal.reason)


def own_number(request_id: str | None) -> str:
    """Returns the request id that a customer's program has given; nothing for one that our own forms have made."""
    return "" if request_id is None or request_id.startswith(FORM_IDS) else request_id
