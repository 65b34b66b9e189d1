"""What is kept of a customer is given to them whole; erased, nothing names them and the books are as they were."""

import zipfile
from pathlib import Path

import msgspec
import pytest
from django.db import connection

from sutler.accounts import keys
from sutler.accounts.models import ApiKey, Customer, User
from sutler.books.models import Transfer
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.core.refusals import Reason, Refusal
from sutler.move_in.archive.tables import exported, fields, table
from sutler.move_in.customer_data import erase, write_data
from sutler.orders.models import Order
from sutler.support.models import Message, Ticket
from tests.conftest import ALICE_KEY, NOW
from tests.move_in.test_passes import assert_green
from tests.orders.ordering import placed, reported

pytestmark = pytest.mark.django_db
LINK = "https://example.com/alice-secret"


@pytest.fixture
def alice_with_a_past(alice: Customer, bob: Customer, service: Service) -> Customer:
    user = User.objects.create_user("alice-secret@example.com", "a password", customer=alice, date_joined=NOW)
    Customer.objects.filter(pk=alice.pk).update(name="Alice-secret")
    for customer in (alice, bob):
        order = placed(customer, service, link=LINK if customer == alice else "https://example.com/b")
        reported(order, Status.IN_PROGRESS)
        reported(order, Status.COMPLETED)
    ticket = Ticket.objects.create(customer=alice, subject="alice-secret", opened_at=NOW)
    Message.objects.create(ticket=ticket, kind="customer", author=user, text="I am alice-secret", at=NOW)
    note = Message.objects.create(ticket=ticket, kind="note", text="alice-secret is loud", at=NOW)
    Ticket.objects.filter(pk=ticket.pk).update(last_message_id=note.pk - 1)
    return alice


def everything() -> str:
    """All texts of the database, but for the audit log, which is never changed."""
    found = []
    with connection.cursor() as cursor:
        for model in exported():
            if model._meta.label != "accounts.AuditEntry":
                names = ", ".join(connection.ops.quote_name(each.column) for each in fields(model))
                cursor.execute(f"SELECT {names} FROM {table(model)}")
                found += [str(row) for row in cursor.fetchall()]
    return "\n".join(found)


def test_a_customer_gets_all_that_is_kept_of_them_and_of_nobody_else(
    alice_with_a_past: Customer, tmp_path: Path
) -> None:
    file = tmp_path / "alice.zip"

    counts = write_data(alice_with_a_past.pk, file)

    assert not isinstance(counts, Refusal)
    assert (counts["orders"], counts["people"], counts["messages"], counts["transfers"]) == (1, 1, 1, 2)
    with zipfile.ZipFile(file) as opened:
        lists = {each: msgspec.json.decode(opened.read(each)) for each in opened.namelist()}
    assert lists["orders.json"][0]["link"] == LINK
    assert lists["people.json"][0]["email"] == "alice-secret@example.com"
    assert "password" not in lists["people.json"][0]
    assert keys.digest(ALICE_KEY) not in str(lists)
    assert "example.com/b" not in str(lists)
    assert "loud" not in str(lists)


def test_erased_nothing_names_them_and_the_books_are_as_they_were(alice_with_a_past: Customer) -> None:
    transfers = list(Transfer.objects.order_by("pk").values())
    assert "alice-secret" in everything().lower()

    assert erase(alice_with_a_past.pk, NOW) is None

    assert "alice-secret" not in everything().lower()
    assert list(Transfer.objects.order_by("pk").values()) == transfers
    assert Order.objects.filter(customer=alice_with_a_past).count() == 1
    assert keys.find([keys.digest(ALICE_KEY)]) == {}
    assert ApiKey.objects.exclude(customer=alice_with_a_past).filter(revoked_at=None).exists()
    assert_green()
    assert erase(alice_with_a_past.pk, NOW) is None


def test_nobody_is_erased_while_orders_run(alice: Customer, service: Service) -> None:
    placed(alice, service)
    before = everything()

    refusal = erase(alice.pk, NOW)

    assert refusal == Refusal(Reason.MOVE_NOT_ALLOWED)
    assert everything() == before


def test_there_is_nobody(db: None, tmp_path: Path) -> None:
    assert erase(1, NOW) == Refusal(Reason.NOT_FOUND)
    assert write_data(1, tmp_path / "one.zip") == Refusal(Reason.NOT_FOUND)
