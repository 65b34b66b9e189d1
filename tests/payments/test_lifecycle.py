"""The table of moves: every pair of states is tried, on requests, receipts and disputes."""

from itertools import product

import pytest

from sutler.accounts.models import Customer, User
from sutler.payments import lifecycle, settle
from sutler.payments.gateways.shape import Fact, FactKind
from sutler.payments.models import FundsRequest, Receipt
from tests.conftest import NOW
from tests.payments.gateway_methods import UNIT, opened, signed_method

pytestmark = pytest.mark.django_db
State, Dispute = FundsRequest.State, Receipt.Dispute

MOVES = {
    ("waiting", "confirmed"),
    ("waiting", "rejected"),
    ("waiting", "withdrawn"),
    ("waiting", "expired"),
    ("expired", "confirmed"),
    ("withdrawn", "confirmed"),
}
DISPUTES = {("none", "open"), ("none", "won"), ("none", "lost"), ("open", "won"), ("open", "lost"), ("won", "lost")}
FACTS = {"open": FactKind.DISPUTED, "won": FactKind.DISPUTE_WON, "lost": FactKind.DISPUTE_LOST}


@pytest.mark.parametrize(("before", "after"), list(product(State.values, State.values)))
def test_a_request_moves_only_as_the_table_says(alice: Customer, sam: User, before: str, after: str) -> None:
    checkout = opened(alice, signed_method(sam))
    request = checkout.request
    FundsRequest.objects.filter(pk=request.pk).update(state=before, decided_at=None)
    request.refresh_from_db()
    is_allowed = (before, after) in MOVES
    assert lifecycle.move(request, after, NOW) == is_allowed
    request.refresh_from_db()
    assert (request.state, request.decided_at) == ((after, NOW) if is_allowed else (before, None))


def test_a_move_that_another_has_made_is_lost(alice: Customer, sam: User) -> None:
    request = opened(alice, signed_method(sam)).request
    FundsRequest.objects.filter(pk=request.pk).update(state=State.EXPIRED)
    assert not lifecycle.move(request, State.REJECTED, NOW)
    request.refresh_from_db()
    assert request.state == "expired"


@pytest.mark.parametrize(("before", "after"), list(product(Dispute.values, FACTS)))
def test_a_dispute_moves_only_as_the_table_says(alice: Customer, sam: User, before: str, after: str) -> None:
    method = signed_method(sam)
    checkout = opened(alice, method)
    settle.apply(method, Fact(FactKind.PAID, checkout.reference, "", "1", 50 * UNIT, "USD"), NOW)
    for kind in (before, after):
        if kind != "none":
            settle.apply(method, Fact(FACTS[kind], checkout.reference, "", "1", 50 * UNIT, "USD"), NOW)
    assert Receipt.objects.get().dispute == (after if (before, after) in DISPUTES else before)


def test_every_state_stands_in_its_table() -> None:
    assert set(lifecycle.MOVES) == set(State.values)
    assert set(lifecycle.RECEIPT_MOVES) == set(Receipt.State.values)
    assert set(lifecycle.DISPUTE_MOVES) == set(Dispute.values)
