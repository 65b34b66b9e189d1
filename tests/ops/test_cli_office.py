"""The operator's commands for staff, acceptable use and approvals."""

import pytest

from sutler.accounts.models import Customer, User
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.orders.models import Order
from tests.conftest import START_MICROS
from tests.ops.test_cli import done, failed
from tests.orders.ordering import balance, placed

pytestmark = pytest.mark.django_db


def test_staff_have_roles() -> None:
    assert done("staff", "create", "sam@example.com", "--role", "owner").startswith("Staff: sam@example.com (owner) ")
    done("staff", "create", "sue@example.com", "--password", "a long pass phrase")
    assert User.objects.get(email="sam@example.com").is_superuser
    assert "not allowed" in failed(1, "staff", "role", "sam@example.com", "support")
    done("staff", "role", "SUE@example.com", "owner")
    done("staff", "role", "sam@example.com", "support")
    assert "staff member eve@example.com not found" in failed(1, "staff", "role", "eve@example.com", "support")
    assert [line.split()[::2] for line in done("staff", "list").splitlines()[1:]] == [
        ["sam@example.com", "support"],
        ["sue@example.com", "owner"],
    ]


def test_a_service_is_restricted(alice: Customer, service: Service) -> None:
    number = str(service.pk)
    done("service", "restrict", number, "--allow", "a.com/*", "--allow", "b.com/*", "--closed-to", "de,fr")
    service.refresh_from_db()
    assert (service.link_allowed, service.closed_countries) == ("a.com/*\nb.com/*", "DE FR")
    done("service", "restrict", number, "--allow", "", "--needs-approval")
    service.refresh_from_db()
    assert (service.link_allowed, service.closed_countries, service.needs_approval) == ("", "DE FR", True)
    assert "closed_countries" in failed(1, "service", "restrict", number, "--closed-to", "Mars")
    done("customer", "country", str(alice.pk), "it")
    alice.refresh_from_db()
    assert alice.country == "IT"
    assert "country" in failed(1, "customer", "country", str(alice.pk), "ITALY")


def test_orders_are_approved_and_rejected(alice: Customer, service: Service) -> None:
    done("service", "restrict", str(service.pk), "--needs-approval")
    first, second = (str(placed(alice, service, link=link).pk) for link in "ab")
    assert done("order", "approve", first) == f"Order {first} is approved.\n"
    assert done("order", "reject", second, "--reason", "no") == f"Order {second} is rejected.\n"
    assert "not allowed" in failed(1, "order", "approve", second)
    assert Order.objects.get(pk=second).status == Status.CANCELED
    assert balance(alice) == START_MICROS - 900_000
