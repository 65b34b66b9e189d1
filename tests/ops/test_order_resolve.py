"""`sutler order unknown` and `sutler order resolve`: an unknown outcome, seen and settled at the shell."""

import pytest

from sutler.accounts.models import AuditEntry, Customer
from sutler.catalogue.models import Service
from tests.fulfilment.upstream_world import UNKNOWN_WORDS, route, send
from tests.ops.test_cli import done, failed
from tests.orders.ordering import placed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("verdict", "options", "status"),
    [("placed", ["--upstream-id", "77"], "Processing"), ("absent", [], "Pending"), ("refused", [], "Canceled")],
)
def test_the_operator_settles_an_unknown_outcome(
    alice: Customer, service: Service, verdict: str, options: list[str], status: str
) -> None:
    route(service)
    order = placed(alice, service)
    send(order, UNKNOWN_WORDS)
    assert UNKNOWN_WORDS.raw in done("order", "unknown")
    done("order", "resolve", str(order.pk), verdict, *options, "--reason", "their log says so")
    order.refresh_from_db()
    assert order.status == status
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.subject_type, entry.subject_id, entry.reason) == (
        None,
        "order",
        str(order.pk),
        "their log says so",
    )
    assert entry.action.startswith("outcome settled: ")
    assert f"unconfirmed order {order.pk} not found" in failed(1, "order", "resolve", str(order.pk), "refused")
    assert AuditEntry.objects.count() == 1
