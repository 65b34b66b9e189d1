"""Several workers read at once: each thing is noticed once, none is lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, OperationalError, connection

from sutler.accounts.models import Customer, User
from sutler.notices.jobs import Reader
from sutler.notices.models import Delivery, Notice
from sutler.support import tickets
from tests.conftest import NOW
from tests.notices.conftest import MINUTE

TICKETS, READERS = 15, 4


@pytest.mark.django_db(transaction=True)
def test_four_readers_at_once_notice_each_thing_once(sam: User, alice: Customer) -> None:
    Reader().read(NOW - MINUTE)
    for number in range(TICKETS):
        tickets.open_(alice.pk, None, f"Ticket {number}", "x", NOW)

    def read(_: int) -> int:
        try:
            return Reader().read(NOW)
        except OperationalError:  # the database was locked: the worker comes again
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(READERS) as threads:
        assert sum(threads.map(read, range(READERS))) == TICKETS
    assert Notice.objects.count() == TICKETS
    assert [each.count for each in Delivery.objects.all()] == [TICKETS]


def test_one_thing_cannot_be_noticed_twice(db: None) -> None:
    Notice.objects.create(kind="ticket", key="message 1", at=NOW)
    with pytest.raises(IntegrityError):
        Notice.objects.create(kind="ticket", key="message 1", at=NOW)
