"""How refusals are worded for staff, and put beside the field of a form that they are about."""

from collections.abc import Mapping

from django.forms import Form
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sutler.core.refusals import Reason, Refusal

Words = str | Promise

BUSY = _("The panel is busy and nothing was changed. Please try again.")
UNCLEAR = _("It is not clear whether this was done. Look before you try again.")

_REFUSED: Mapping[Reason, Words] = {
    Reason.NOT_FOUND: _("There is no such thing any more."),
    Reason.MOVE_NOT_ALLOWED: _("This has been decided already, or changed in the meantime."),
    Reason.OTHER_PERSON_NEEDED: _("Another person has to do this."),
    Reason.NOT_ENOUGH_FUNDS: _("The balance would fall below the credit limit."),
    Reason.TOO_MANY_REQUESTS: _("There are too many already."),
    Reason.INCORRECT_SERVICE: _("There is no such service."),
    Reason.INCORRECT_ORDER: _("There is no such order, or it is another customer's."),
    Reason.INCORRECT_FIELD: _("This cannot be used."),
}


def words(refusal: Refusal, own: Mapping[str | Reason, Words] | None = None) -> str:
    """Returns why nothing was done; `own` are words of the page, by the refusal's field or by its reason."""
    told = own or {}
    found = told.get(refusal.field) or told.get(refusal.reason) or _REFUSED.get(refusal.reason)
    return str(found or _("This is not possible."))


def refuse(
    form: Form, refusal: Refusal, own: Mapping[str | Reason, Words] | None = None, *, field: str | None = None
) -> None:
    """Says in the form why nothing was done: beside the refusal's field, or else `field`, or above all fields."""
    place = refusal.field if refusal.field in form.fields else field
    form.add_error(place, words(refusal, own))
