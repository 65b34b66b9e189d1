"""Partial that does not say what remains is refused at every way in, and moves no money."""

import json

import pytest

from sutler.accounts.models import Customer, User
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from tests.api.admin_caller import Executor
from tests.api.test_admin_v1 import ask as old
from tests.cases import INPUTS
from tests.orders.ordering import balance, placed, reported

pytestmark = pytest.mark.django_db

CASE = INPUTS / "partial_without_remains.json"


def test_the_fulfilment_interface_refuses_it(executor: Executor, alice: Customer, service: Service) -> None:
    case = json.loads(CASE.read_text())
    order = placed(alice, service)
    reported(order, Status.PROCESSING)
    [asked] = case["body"]["orders"]
    refused = [{"id": order.pk, "success": False, "message": "Incorrect remains"}]
    for more in ({}, {"remains": None}, {"remains": -1}, {"remains": 1001}, {"remains": "", "start_count": 5}):
        assert executor.post("orders/update", orders=[asked | {"id": order.pk} | more]) == {"orders": refused}, more
    assert executor.post("orders/change-status", ids=[order.pk], status="partial") == {"orders": refused}
    for remains in ("-1", "1001"):
        told = executor.refused(f"orders/{order.pk}/set-partial", {"remains": remains})
        assert told == (400, "Incorrect remains")
    order.refresh_from_db()
    assert (order.status, balance(alice)) == ("Processing", 10_000_000_000 - 900_000)


def test_the_older_interface_refuses_it(sam: User, alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    reports = [{"id": str(order.pk), "status": "partial"} | each for each in ({}, {"remains": None}, {"remains": 1001})]
    answered = old(action="updateOrders", orders=json.dumps(reports))
    assert [each["error"] for each in answered["orders"]] == ["bad_remains"] * 3
    assert balance(alice) == 10_000_000_000 - 900_000
