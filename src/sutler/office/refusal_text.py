"""How refusals are worded for staff, and put beside the field of a form that they are about."""

from collections.abc import Mapping

from django.forms import Form
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sutler.core.refusals import Reason, Refusal

Words = str | Promise

BUSY = _("Too many requests right now. Nothing was changed. Try again.")
UNCLEAR = _("We could not confirm whether this was done. Check before you try again.")

_REFUSED: Mapping[Reason, Words] = {
    Reason.NOT_FOUND: _("Not found: it was removed. Reload the page."),
    Reason.MOVE_NOT_ALLOWED: _("Already decided or changed by someone else. Reload the page."),
    Reason.OTHER_PERSON_NEEDED: _("You cannot do this yourself. Ask another person."),
    Reason.NOT_ENOUGH_FUNDS: _("The balance would fall below the credit limit. Enter a smaller amount."),
    Reason.TOO_MANY_REQUESTS: _("The limit is reached. Remove some first."),
    Reason.INCORRECT_SERVICE: _("Service not found. Check the ID."),
    Reason.INCORRECT_ORDER: _("Order not found for this customer. Check the ID."),
    Reason.INCORRECT_FIELD: _("Invalid value. Correct it and try again."),
}


def words(refusal: Refusal, own: Mapping[str | Reason, Words] | None = None) -> str:
    """Returns why nothing was done; `own` are words of the page, by the refusal's field or by its reason."""
    told = own or {}
    found = told.get(refusal.field) or told.get(refusal.reason) or _REFUSED.get(refusal.reason)
    return str(found or _("This action is not possible now. Reload the page."))


def refuse(
    form: Form, refusal: Refusal, own: Mapping[str | Reason, Words] | None = None, *, field: str | None = None
) -> None:
    """Says in the form why nothing was done: beside the refusal's field, or else `field`, or above all fields."""
    place = refusal.field if refusal.field in form.fields else field
    form.add_error(place, words(refusal, own))
