"""How what happened to an order, and what stands in the way of a refill or a cancel, is worded for customers."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sutler.core.lifecycle import RefillStatus, Status
from sutler.orders import cancel, refill
from sutler.orders.history import Happening, What

_HAPPENED: Mapping[What, str | Promise] = {
    What.PLACED: _("Placed"),
    What.APPROVAL_WAITS: _("Awaiting approval"),
    What.APPROVED: _("Approved"),
    What.NOT_APPROVED: _("Rejected"),
    What.CANCEL_ASKED: _("Cancel requested"),
    What.CANCEL_REFUSED: _("Cancel rejected: already delivered"),
    What.REFILL_ASKED: _("Refill requested"),
}
_MOVED: Mapping[str, str | Promise] = {
    Status.PENDING: _("Requeued"),
    Status.PROCESSING: _("Processing"),
    Status.IN_PROGRESS: _("Delivery started"),
    Status.COMPLETED: _("Completed"),
    Status.PARTIAL: _("Partially completed; the rest was refunded"),
    Status.CANCELED: _("Canceled; the charge was refunded"),
}
_REFILLED: Mapping[str, str | Promise] = {
    RefillStatus.COMPLETED: _("Refill completed"),
    RefillStatus.REJECTED: _("Refill rejected"),
}
NO_REFILL: Mapping[refill.Hindrance, str | Promise] = {
    refill.Hindrance.NOT_OFFERED: _("Refill is not available for this service."),
    refill.Hindrance.NOT_COMPLETED: _("Only completed orders can be refilled."),
    refill.Hindrance.GUARANTEE_OVER: _("The refill period of this order has ended."),
    refill.Hindrance.UNDER_WAY: _("A refill is already in progress."),
    refill.Hindrance.TOO_EARLY: _("Refill is not available yet."),
}
NO_CANCEL: Mapping[cancel.Hindrance, str | Promise] = {
    cancel.Hindrance.NOT_OFFERED: _("Cancel is not available for this service."),
    cancel.Hindrance.ENDED: _("This order is already finished."),
    cancel.Hindrance.UNDER_WAY: _("Cancel is in progress."),
}


def words(happening: Happening) -> str:
    """Returns what happened in a few words."""
    if happening.what is What.MOVED:
        return str(_MOVED.get(happening.status, happening.status))
    if happening.what is What.REFILL_ENDED:
        return str(_REFILLED.get(happening.status, happening.status))
    return str(_HAPPENED[happening.what])
