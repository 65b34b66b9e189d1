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
    "link": FieldWords(_("Link"), _("Full link, e.g. https://instagram.com/p/...")),
    "quantity": FieldWords(_("Quantity")),
    "runs": FieldWords(_("Runs"), _("How many times to deliver the quantity.")),
    "interval": FieldWords(_("Interval in minutes"), _("Minutes between runs.")),
    "comments": FieldWords(_("Comments"), _("One per line.")),
    "usernames": FieldWords(_("Usernames"), _("One per line, or separated by commas.")),
    "hashtags": FieldWords(_("Hashtags"), _("One per line, or separated by commas.")),
    "keywords": FieldWords(_("Keywords"), _("One per line, or separated by commas.")),
    "groups": FieldWords(_("Groups"), _("One per line, or separated by commas.")),
    "hashtag": FieldWords(_("Hashtag"), _("Usernames are collected from this hashtag.")),
    "username": FieldWords(_("Username")),
    "media": FieldWords(_("Link to the post"), _("Users who liked this post are mentioned.")),
    "answer_number": FieldWords(_("Answer number"), _("1 is the first answer in the poll.")),
    "country": FieldWords(_("Country"), _("Country of the traffic: a code such as US, or a name.")),
    "device": FieldWords(_("Device")),
    "type_of_traffic": FieldWords(_("Traffic type")),
    "google_keyword": FieldWords(_("Search keyword"), _("Required for search traffic.")),
    "referring_url": FieldWords(_("Referring URL"), _("Required for referral traffic.")),
    "min": FieldWords(_("Min quantity per post")),
    "max": FieldWords(_("Max quantity per post")),
    "posts": FieldWords(
        _("New posts"), _("How many new posts to cover. 0: old posts only. Leave empty for all, until you cancel.")
    ),
    "old_posts": FieldWords(_("Old posts"), _("How many existing posts to cover as well.")),
    "delay": FieldWords(_("Delay (minutes)")),
    "expiry": FieldWords(_("Expiry date"), _("Leave empty for no end date.")),
}
DEVICES = {
    1: _("Desktop"),
    2: _("Mobile, Android"),
    3: _("Mobile, iOS"),
    4: _("Mobile, mixed"),
    5: _("Mobile and desktop, mixed"),
}
TRAFFIC = {1: _("Search"), 2: _("Referral"), 3: _("Direct")}

_REFUSED: dict[Reason, str | Promise] = {
    Reason.ACCOUNT_SUSPENDED: _("Your account is suspended and cannot place orders. Please open a ticket."),
    Reason.REQUEST_ID_REUSED: _(
        "This form already placed an order and has changed since. Submit it again to place another order."
    ),
    Reason.INCORRECT_SERVICE: _("This service is not available. Select another."),
    Reason.CURRENCY_PAUSED: _(
        "Orders in your currency are paused because its exchange rate is out of date. Try again later."
    ),
    Reason.LINK_IN_USE: _("You have an active order with this link. Wait until it is completed."),
    Reason.NOT_ENOUGH_FUNDS: _("Not enough funds for this order. Add funds and try again."),
    Reason.INCORRECT_REQUEST: _("Invalid line. Use: service ID | link | quantity."),
}
_UNREADABLE: dict[str, str | Promise] = {
    "link": _("This service does not accept this link. See its description."),
    "runs": _("Number of runs missing or too large. Enter a smaller whole number."),
    "interval": _("Interval missing or too long. Enter the minutes between runs."),
    "max": _("Invalid quantity. Enter a number not below the minimum."),
    "expiry": _("Invalid date. Enter today or a later date."),
    "google_keyword": _("Search keyword missing. Enter one for search traffic."),
    "referring_url": _("Referring URL missing. Enter one for referral traffic."),
}


def words(refusal: Refusal) -> str:
    """Returns why nothing was placed, as a customer is told."""
    if refusal.reason is Reason.QUANTITY_BELOW_MINIMUM:
        return gettext("The minimum quantity is %(bound)s.") % {"bound": intcomma(refusal.bound)}
    if refusal.reason is Reason.QUANTITY_ABOVE_MAXIMUM:
        return gettext("The maximum quantity is %(bound)s.") % {"bound": intcomma(refusal.bound)}
    if refusal.reason is Reason.INCORRECT_FIELD:
        return str(_UNREADABLE.get(refusal.field) or _("Invalid value. Correct it and try again."))
    return str(_REFUSED.get(refusal.reason) or _("This order cannot be placed. Check the fields."))


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
