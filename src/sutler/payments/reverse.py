"""What goes back of a credited receipt: frozen while disputed, taken once refunded or once the dispute is lost."""

from datetime import datetime

from sutler.books import reversals
from sutler.payments import alerts
from sutler.payments.models import Alert, FundsRequest, Receipt

Kind, Dispute = Alert.Kind, Receipt.Dispute


def settle(request: FundsRequest, receipt: Receipt, now: datetime) -> None:
    """Brings the wallet to what was refunded and disputed of a receipt; the wallet may go below its credit limit.

    Belongs into a transaction that has locked the request.
    """
    if not receipt.refunded_micros and receipt.dispute == Dispute.NONE:
        return
    if receipt.state == Receipt.State.CREDITED and receipt.amount_micros:
        _freeze_and_take(request, receipt, now)
    if receipt.dispute != Dispute.NONE:
        data = {
            "disputed": receipt.disputed_micros,
            "frozen": receipt.frozen_micros or 0,
            "taken": receipt.taken_micros,
            "state": receipt.dispute,
        }
        alerts.raise_(request, Kind.DISPUTE, data, now)
    if receipt.refunded_micros:
        data = {"back": receipt.refunded_micros, "taken": receipt.taken_micros}
        alerts.raise_(request, Kind.REVERSED, data, now)


def _freeze_and_take(request: FundsRequest, receipt: Receipt, now: datetime) -> None:
    reason = f"{request.reference} {receipt.method.name}"
    lost = receipt.disputed_micros if receipt.dispute == Dispute.LOST else 0
    taken = _share(receipt, receipt.refunded_micros + lost)
    most = 0
    if receipt.dispute == Dispute.OPEN:
        most = min(_share(receipt, receipt.disputed_micros), receipt.credit_micros - taken)
        if receipt.frozen_micros is None:
            cause = f"gateway-frozen:{receipt.pk}"
            receipt.frozen_micros = reversals.freeze(request.customer_id, most, cause, reason, now)
    frozen = receipt.frozen_micros or 0
    if frozen > most:
        cause = f"gateway-released:{receipt.pk}:{most}"
        reversals.release(request.customer_id, frozen - most, cause, reason, now)
        receipt.frozen_micros = most
    if taken > receipt.taken_micros:
        cause = f"gateway-back:{receipt.pk}:{taken}"
        below = reversals.take(request.customer_id, taken - receipt.taken_micros, cause, reason, now)
        receipt.taken_micros = taken
        if below:
            alerts.raise_(request, Kind.DEBT, {"owed": below}, now)
    receipt.save(update_fields=["frozen_micros", "taken_micros"])


def _share(receipt: Receipt, back_micros: int) -> int:
    """Returns the part of the credit for a part of what came, rounded up."""
    return -(-receipt.credit_micros * min(back_micros, receipt.amount_micros) // receipt.amount_micros)
