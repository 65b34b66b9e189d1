"""The nightly audit of ids: what answers as ours and is nobody's raises an alarm, and nothing else does."""

from collections.abc import Iterator

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.fulfilment.models import Alarm, AlarmSubject, Orphan, Provider
from sutler.fulfilment.reconciling.orphans import audit
from tests.fulfilment.reconciling.test_reconcile import lost, settled
from tests.fulfilment.upstream_world import World, world
from tests.orders.ordering import placed

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
DAY = 24 * 3600


@pytest.fixture
def one(service: Service) -> Iterator[World]:
    with world(service) as found:
        yield found


def audited(one: World) -> int:
    """How many ids the audit of this moment asks about."""
    return one.run(audit)


def alarms() -> list[tuple[str, str]]:
    found = AlarmSubject.objects.filter(alarm__kind=Alarm.Kind.ORPHAN, alarm__closed_at=None)
    return list(found.values_list("subject_type", "subject_id"))


def ordered_by_hand(one: World) -> str:
    """An order that somebody has placed with the same account, past us."""
    account = one.upstream.panel.accounts[one.upstream.key]
    form = {
        "service": str(next(iter(one.upstream.panel.services))),
        "link": "https://example.com/hand",
        "quantity": "70",
    }
    made = one.upstream.panel.add(account, form, one.now())
    return made.id  # type: ignore[union-attr]


def test_an_order_that_nobody_here_has_placed_is_found_within_a_day_and_told_once(alice: Customer, one: World) -> None:
    settled(alice, one)
    one.skip(DAY)
    audited(one)
    hand = ordered_by_hand(one)
    placed(alice, one.service, one.now(), link="https://example.com/later")
    one.live(20)
    one.look(4200)
    one.skip(DAY)
    assert audited(one) > 0
    assert alarms() == [("provider order", hand)]
    assert audited(one) == 0
    one.skip(DAY)
    audited(one)
    assert alarms() == [("provider order", hand)]


@pytest.mark.long
def test_what_an_open_outcome_may_explain_is_left_to_it(alice: Customer, one: World) -> None:
    order = lost(alice, one, "answer_lost")
    one.skip(600)
    audited(one)
    assert alarms() == []
    assert order.attempts.get().state == "unknown"


def test_ids_are_asked_about_only_where_the_operator_allows(alice: Customer, one: World) -> None:
    settled(alice, one)
    Provider.objects.update(may_scan=False)
    one.skip(2 * DAY)
    assert audited(one) == 0
    assert not Orphan.objects.exists()
