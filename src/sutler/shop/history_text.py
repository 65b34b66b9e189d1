"""How what happened to an order, and what stands in the way of a refill or a cancel, is worded for customers."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sutler.core.lifecycle import RefillStatus, Status
from sutler.orders import cancel, refill
from sutler.orders.history import Happening, What

_HAPPENED: Mapping[What, str | Promise] = {
    What.PLACED: _("Placed"),
    What.APPROVAL_WAITS: _("Waits for approval"),
    What.APPROVED: _("Approved"),
    What.NOT_APPROVED: _("Not approved"),
    What.CANCEL_ASKED: _("You asked to cancel"),
    What.CANCEL_REFUSED: _("It could not be canceled any more"),
    What.REFILL_ASKED: _("Refill asked for"),
}
_MOVED: Mapping[str, str | Promise] = {
    Status.PENDING: _("Waits to be taken up again"),
    Status.PROCESSING: _("Processing"),
    Status.IN_PROGRESS: _("Delivery began"),
    Status.COMPLETED: _("Completed"),
    Status.PARTIAL: _("Partially completed; the rest was refunded"),
    Status.CANCELED: _("Canceled; the charge was refunded"),
}
_REFILLED: Mapping[str, str | Promise] = {
    RefillStatus.COMPLETED: _("Refill completed"),
    RefillStatus.REJECTED: _("Refill rejected"),
}
NO_REFILL: Mapping[refill.Hindrance, str | Promise] = {
    refill.Hindrance.NOT_OFFERED: _("This service has no refill."),
    refill.Hindrance.NOT_COMPLETED: _("Only completed orders can be refilled."),
    refill.Hindrance.GUARANTEE_OVER: _("The refill period of this order is over."),
    refill.Hindrance.UNDER_WAY: _("A refill is under way."),
    refill.Hindrance.TOO_EARLY: _("It is too early to ask for a refill."),
}
NO_CANCEL: Mapping[cancel.Hindrance, str | Promise] = {
    cancel.Hindrance.NOT_OFFERED: _("Orders of this service cannot be canceled."),
    cancel.Hindrance.ENDED: _("This order has ended."),
    cancel.Hindrance.UNDER_WAY: _("It is being canceled."),
}


def words(happening: Happening) -> str:
    """Returns what happened in a few words."""
    if happening.what is What.MOVED:
        return str(_MOVED.get(happening.status, happening.status))
    if happening.what is What.REFILL_ENDED:
        return str(_REFILLED.get(happening.status, happening.status))
    return str(_HAPPENED[happening.what])
