"""The states of a payment and every move between them; the one door through which they change.

What a customer asks for is a request; each transaction that pays it is a receipt, which a dispute may follow. How much
of a receipt went back (a part, the whole) is an amount and no state.
"""

from collections.abc import Mapping
from datetime import datetime

from sutler.accounts.models import User
from sutler.payments.models import FundsRequest, Receipt

State, ReceiptState, Dispute = FundsRequest.State, Receipt.State, Receipt.Dispute

# Money that comes after a payment has ended is credited all the same: nothing is lost.
MOVES: Mapping[str, frozenset[str]] = {
    State.WAITING: frozenset({State.CONFIRMED, State.REJECTED, State.WITHDRAWN, State.EXPIRED}),
    State.EXPIRED: frozenset({State.CONFIRMED}),
    State.WITHDRAWN: frozenset({State.CONFIRMED}),
    State.CONFIRMED: frozenset(),
    State.REJECTED: frozenset(),
}
RECEIPT_MOVES: Mapping[str, frozenset[str]] = {
    ReceiptState.HELD: frozenset({ReceiptState.CREDITED}),
    ReceiptState.CREDITED: frozenset(),
}
# Forward only, so that notices out of order end where the others do. A dispute that is won may still be lost in the
# next round; what is lost comes back by staff alone.
DISPUTE_MOVES: Mapping[str, frozenset[str]] = {
    Dispute.NONE: frozenset({Dispute.OPEN, Dispute.WON, Dispute.LOST}),
    Dispute.OPEN: frozenset({Dispute.WON, Dispute.LOST}),
    Dispute.WON: frozenset({Dispute.LOST}),
    Dispute.LOST: frozenset(),
}


def move(request: FundsRequest, state: str, now: datetime, *, actor: User | None = None, reason: str = "") -> bool:
    """Moves a request that the caller has locked; returns False where the table has no such move."""
    if state not in MOVES[request.state]:
        return False
    moved = FundsRequest.objects.filter(pk=request.pk, state=request.state)
    if not moved.update(state=state, decided_by=actor, decided_at=now, reason=reason):
        return False
    request.state, request.decided_by, request.decided_at, request.reason = state, actor, now, reason
    return True
