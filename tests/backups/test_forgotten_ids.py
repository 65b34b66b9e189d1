"""The ids of a restored panel go on above all that can have been given out."""

from datetime import timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.backups.fault import BackupFault
from sutler.backups.restore import begin_anew
from sutler.catalogue.models import Service
from sutler.core.order_types import LARGEST_NUMBER
from tests.conftest import NOW, make_customer
from tests.orders.ordering import placed

LATER = NOW + timedelta(hours=12)


def test_the_next_ids_are_far_above(alice: Customer, service: Service) -> None:
    before = placed(alice, service, quantity=100)
    opened = begin_anew(NOW, LATER)
    after = placed(alice, service, quantity=100)
    assert after.pk == opened.first_order_id == before.pk + 1_000_001
    assert make_customer("Carol").pk > alice.pk + 10_000


def test_the_operator_may_know_a_higher_one(alice: Customer, service: Service) -> None:
    last = placed(alice, service, quantity=100).pk
    with pytest.raises(BackupFault, match="are in the backup"):
        begin_anew(NOW, LATER, last)
    assert begin_anew(NOW, LATER, 5_000_000).first_order_id == 5_000_000
    assert placed(alice, service, quantity=100).pk == 5_000_000


def test_where_no_id_is_left_nothing_is_begun(alice: Customer, service: Service) -> None:
    begin_anew(NOW, LATER, LARGEST_NUMBER - 1_000)
    with pytest.raises(BackupFault, match="no id would be left"):
        begin_anew(NOW, LATER)
