"""What happened on the panel of `tests.month.panel` besides ordering: approvals, funds, tickets, figures."""

from datetime import timedelta

import pytest
from django.conf import settings

from sutler.accounts.models import Customer, Role, User
from sutler.books import adjustments, figures
from sutler.books.models import Adjustment
from sutler.orders import approval
from sutler.payments import funds, methods, settle
from sutler.payments.gateways.shape import Fact, FactKind
from sutler.payments.models import FundsRequest, Method, Receipt
from sutler.support import reports, tickets
from sutler.support.models import Ticket
from tests.conftest import NOW, make_service
from tests.orders.ordering import placed
from tests.payments.gateway_methods import opened, signed_method

Names = dict[str, int]


def run_an_office(alice: Customer, bob: Customer) -> Names:
    """Has each thing that the office keeps happen once; returns the ids by name."""
    sam = User.objects.create_user("sam@example.com", is_staff=True, role=Role.OWNER, date_joined=NOW)
    sue = User.objects.create_user("sue@example.com", is_staff=True, role=Role.MANAGER, date_joined=NOW)
    careful = make_service(needs_approval=True)
    names = {name: placed(alice, careful, link=name).pk for name in ("unlooked", "approved", "refused")}
    assert approval.approve([names["approved"]], "staff 1", NOW) == [None]
    assert approval.reject([names["refused"]], "not with us", "staff 1", NOW) == [None]
    names |= add_funds(alice, sam) | pay_at_a_gateway(alice, sam) | adjust(bob, sam, sue)
    ticket = tickets.open_(alice.pk, None, "Late", "Where is it?", NOW, order_ids=[names["approved"]])
    report = reports.report("eve@example.com", "Fakes", "Sold here", "192.0.2.1", NOW)
    assert isinstance(ticket, Ticket)
    assert isinstance(report, Ticket)
    tickets.answer(ticket.pk, sam, "On its way", NOW)
    tickets.note(ticket.pk, sam, "It is not", NOW)
    figures.keep_up(NOW + timedelta(days=9))
    return names | {"ticket": ticket.pk}


def add_funds(alice: Customer, sam: User) -> Names:
    """A request for funds in each state that it can end in, and one that waits."""
    method = methods.save(methods.Draft("Bank", "Pay to ...", "USD", 1_000_000, 90_000_000, 250, 100), sam, NOW)
    assert isinstance(method, Method)
    names = {}
    for name in ("credited", "rejected", "withdrawn", "expected"):
        asked = funds.ask(alice.pk, method.pk, 10_000_000, "", None, NOW)
        assert isinstance(asked, FundsRequest)
        names[name] = asked.pk
    funds.confirm(names["credited"], sam, NOW)
    funds.reject(names["rejected"], "nothing came", sam, NOW)
    funds.withdraw(alice.pk, names["withdrawn"], NOW)
    return names


def pay_at_a_gateway(alice: Customer, sam: User) -> Names:
    """A payment that was credited and partly refunded, one that is disputed, one that came in another currency, and one
    that nobody made.
    """
    method = signed_method(sam, fee_basis_points=100)
    names = {}
    currencies = {"gateway_paid": "USD", "gateway_disputed": "USD", "gateway_euros": "EUR", "gateway_open": ""}
    for name, currency in currencies.items():
        checkout = opened(alice, method, token=name.ljust(64, "x"))
        names[name] = checkout.request_id
        fact = Fact(FactKind.PAID, checkout.reference, "", name, 50_000_000, currency)
        if currency:
            settle.apply(method, fact, NOW)
            names[f"{name}_receipt"] = Receipt.objects.get(transaction_id=name).pk
    back = Fact(FactKind.REVERSED, "", "", "gateway_paid", 10_000_000, "USD")
    assert settle.apply(method, back, NOW).outcome is settle.Outcome.APPLIED
    dispute = Fact(FactKind.DISPUTED, "", "", "gateway_disputed", 30_000_000, "USD")
    assert settle.apply(method, dispute, NOW).outcome is settle.Outcome.APPLIED
    return names


def adjust(bob: Customer, sam: User, sue: User) -> Names:
    """A small adjustment, and two large ones: one that a second person has confirmed, one that waits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(settings.SUTLER, "SUTLER_ADJUSTMENT_LIMIT", 100)
        amounts = {"small": -2_000_000, "large": 150_000_000, "undecided": 160_000_000}
        made = {name: adjustments.adjust(bob.pk, amount, "a slip", sam, NOW) for name, amount in amounts.items()}
    names = {name: each.pk for name, each in made.items() if isinstance(each, Adjustment)}
    adjustments.confirm(names["large"], sue, NOW)
    return names
