"""What a provider says of a drip-feed or a subscription that it runs, and what is made of it here, answer by answer."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from sutler.accounts.models import Customer
from sutler.books.post import deposit
from sutler.catalogue.models import Service
from sutler.core.clock import seeded
from sutler.core.lifecycle import Status
from sutler.core.money import Micros
from sutler.core.upstream_words import DeclineKind, read_status
from sutler.fulfilment.desk import desk, preview
from sutler.fulfilment.models import Alarm, Attempt, NamedOrder, Orphan, Provider, UpstreamOrder
from sutler.fulfilment.polling import children
from sutler.fulfilment.polling.apply import apply_answers
from sutler.orders import cancel, delegation
from sutler.orders.models import CancelRequest, Order
from sutler.orders.status import look_up
from sutler.panels.results import Declined, UpstreamStatus
from tests.conftest import NOW, START_MICROS, make_customer, make_service
from tests.fulfilment.upstream import accepted, alarms, make_provider, make_upstream_service
from tests.orders.ordering import balance, demand_sound_books, held, notes, placed, transfers

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def said(word: str, remains: int | None = None, charge: int | None = None, **more: Any) -> UpstreamStatus:
    return UpstreamStatus(
        read_status(word), word, None if charge is None else Micros(charge), "USD", None, remains, **more
    )


@dataclass
class Parent:
    """A parent that a provider has accepted whole, and what the provider says."""

    order: Order
    there: UpstreamOrder
    now: Any = field(default=NOW)

    def hears(self, told: UpstreamStatus) -> None:
        """The provider says this of the parent, a minute later."""
        self.now += MINUTE
        apply_answers(self.there.provider_id, {self.there.pk: told}, (), self.now, seeded(1))
        self.order.refresh_from_db()

    def named(self, **told: UpstreamStatus | Declined | None) -> int:
        """And this of orders that it has named."""
        self.now += MINUTE
        keys = {each.upstream_id: each.pk for each in NamedOrder.objects.filter(parent=self.there)}
        count = children.make_children(
            self.there.provider_id, {keys[name]: each for name, each in told.items()}, (), self.now
        )
        self.order.refresh_from_db()
        return count

    def child(self, upstream_id: str, told: UpstreamStatus) -> None:
        """And this of one that has become an order here."""
        self.now += MINUTE
        there = UpstreamOrder.objects.get(upstream_id=upstream_id)
        apply_answers(there.provider_id, {there.pk: told}, (), self.now, seeded(1))
        self.order.refresh_from_db()

    @property
    def children(self) -> list[Order]:
        """Its runs or posts here."""
        return list(Order.objects.filter(parent=self.order).order_by("pk"))


@pytest.fixture
def provider(db: None) -> Provider:
    return make_provider(drip_feed_there=True, subscriptions_there=True)


@pytest.fixture
def dripped(alice: Customer, service: Service, provider: Provider) -> Parent:
    """Three runs of 100 at 0.90 a thousand, which cost 0.50 there."""
    order = placed(alice, service, quantity=100, runs=3, interval=10)
    delegation.hand_on_whole([order.pk])
    return Parent(order, accepted(order, make_upstream_service(provider, dripfeed=True), "1000"))


@pytest.fixture
def subscribed(alice: Customer, provider: Provider) -> Parent:
    return subscription_of(alice, provider)


def subscription_of(customer: Customer, provider: Provider, **more: Any) -> Parent:
    """Two posts of 60 to 90 at 2.00 a thousand, which cost 0.50 there."""
    likes = make_service(type="Subscriptions", rate_micros=2_000_000, min=10, max=1000)
    asked: dict[str, Any] = {"username": "someone", "min": 60, "max": 90, "posts": 2, "delay": 0}
    order = placed(customer, likes, **(asked | more))
    delegation.hand_on_whole([order.pk])
    upstream = make_upstream_service(provider, upstream_id="2", type="Subscriptions")
    return Parent(order, accepted(order, upstream, "1000", expected_micros=0))


WHOLE = {"remains": 100, "charge": 50_000}


def test_a_run_may_be_named_by_more_digits_than_any_number_here_has(dripped: Parent) -> None:
    dripped.hears(said("In progress", 300, 150_000, orders=("9" * 30,)))
    assert NamedOrder.objects.get().upstream_id == "9" * 30


def test_a_named_run_becomes_a_child_bound_to_its_id_and_takes_its_share(dripped: Parent) -> None:
    dripped.hears(said("In progress", 300, 150_000, orders=("1001",)))
    assert (dripped.order.status, dripped.children) == ("In progress", [])
    assert dripped.named(**{"1001": said("Pending", **WHOLE)}) == 1
    [run] = dripped.children
    assert (run.status, run.link, run.quantity, run.charge_micros) == ("Processing", dripped.order.link, 100, 90_000)
    assert transfers(run) == {f"run:{dripped.order.pk}:1": 90_000}
    there = UpstreamOrder.objects.get(order=run)
    assert (there.upstream_id, there.expected_micros, there.cost_micros) == ("1001", 0, 0)
    assert (held("cost"), held("scheduled"), held("in hand")) == (150_000, 180_000, 90_000)
    assert NamedOrder.objects.get().child_id == run.pk
    assert notes(run.pk) == ["Made by Upstream as 1001"]
    dripped.child("1001", said("Completed", 0, 50_000))
    assert (Order.objects.get(pk=run.pk).status, held("cost"), alarms()) == ("Completed", 150_000, [])
    demand_sound_books()


def test_what_is_named_again_is_one_order(dripped: Parent) -> None:
    for _ in range(2):
        dripped.hears(said("In progress", 300, 150_000, orders=("1001",)))
        if NamedOrder.objects.filter(ask_at__isnull=False).exists():
            dripped.named(**{"1001": said("Pending", **WHOLE)})
    dripped.named(**{"1001": said("Pending", **WHOLE)})
    assert len(dripped.children) == 1


def run_all(parent: Parent, *ends: UpstreamStatus) -> None:
    """All three runs are named and end so."""
    ids = [str(1001 + number) for number in range(len(ends))]
    parent.hears(said("In progress", 300, orders=tuple(ids)))
    parent.named(**{each: said("Pending", **WHOLE) for each in ids})
    for upstream_id, told in zip(ids, ends, strict=True):
        parent.child(upstream_id, told)


DONE, PART, NONE = said("Completed", 0, 50_000), said("Partial", 40, 30_000), said("Canceled", 100, 0)


@pytest.mark.parametrize(
    ("ends", "word", "told", "status", "remains", "returned", "cost"),
    [
        ((DONE, DONE, DONE), "Completed", (0, 150_000), "Completed", 0, 0, 150_000),
        ((DONE, PART, DONE), "Partial", (40, 130_000), "Partial", 40, 36_000, 130_000),
        ((NONE, NONE, NONE), "Canceled", (300, 0), "Canceled", 300, 270_000, 0),
        ((DONE, DONE), "Canceled", (None, None), "Partial", 100, 90_000, 100_000),
        ((DONE, PART), "Partial", (140, 80_000), "Partial", 140, 126_000, 80_000),
        ((), "Canceled", (300, 0), "Canceled", 300, 270_000, 0),
        # Not one run was named: what was delivered is made up for.
        ((), "Completed", (0, 150_000), "Completed", 0, 0, 150_000),
        ((), "Partial", (130, 85_000), "Partial", 130, 117_000, 85_000),
        ((), "Partial", (300, 0), "Canceled", 300, 270_000, 0),
        ((DONE,), "Completed", (0, 150_000), "Completed", 0, 0, 150_000),
    ],
)
def test_a_drip_feed_ends_as_its_provider_says_and_its_money_with_it(
    alice: Customer,
    dripped: Parent,
    ends: tuple[UpstreamStatus, ...],
    word: str,
    told: tuple[int | None, int | None],
    status: str,
    remains: int,
    returned: int,
    cost: int,
) -> None:
    run_all(dripped, *ends)
    dripped.hears(said(word, *told))
    order = dripped.order
    assert (order.status, order.remains, order.returned_micros) == (status, remains, returned)
    assert balance(alice) == START_MICROS - 270_000 + returned
    assert (held("scheduled"), held("in hand"), held("cost")) == (0, 0, cost)
    assert UpstreamOrder.objects.get(order=order).finished_at == order.finished_at
    assert (alarms(), held("revenue")) == ([], 270_000 - returned)
    demand_sound_books()


def test_it_goes_on_while_a_run_that_was_named_has_not_ended(dripped: Parent) -> None:
    dripped.hears(said("Canceled", 200, 50_000, orders=("1001",)))
    assert dripped.order.status == "In progress"
    dripped.named(**{"1001": said("In progress", 50, 50_000)})
    dripped.hears(said("Canceled", 200, 50_000))
    assert dripped.order.status == "In progress"
    dripped.child("1001", DONE)
    dripped.hears(said("Canceled", 200, 50_000))
    assert (dripped.order.status, dripped.order.remains) == ("Partial", 200)
    dripped.hears(said("Canceled", 200, 50_000))
    assert alarms() == []
    demand_sound_books()


def test_a_post_is_charged_for_what_its_provider_was_asked(alice: Customer, subscribed: Parent) -> None:
    subscribed.hears(said("Active", None, 37_500, posts=1, orders=("1001",)))
    assert (subscribed.order.status, held("cost"), balance(alice)) == ("In progress", 0, START_MICROS)
    subscribed.named(**{"1001": said("In progress", 10, 37_500)})
    [post] = subscribed.children
    assert (post.type, post.quantity, post.charge_micros, post.status) == ("Default", 75, 150_000, "Processing")
    assert transfers(post) == {f"order:{post.pk}": 150_000, f"cost:{UpstreamOrder.objects.get(order=post).pk}": 37_500}
    assert (subscribed.order.remains, subscribed.order.charge_micros) == (1, 0)
    [standing] = look_up([(alice.pk, [subscribed.order.pk])])
    found = standing[subscribed.order.pk]
    assert found.family is not None
    assert (found.charge_micros, found.family.posts, found.family.children) == (150_000, 1, (post.pk,))
    subscribed.child("1001", said("Partial", 25, 25_000))
    assert balance(alice) == START_MICROS - 100_000
    assert (held("cost"), alarms()) == (25_000, [])
    demand_sound_books()


@pytest.mark.parametrize(
    ("word", "has_post", "status"),
    [
        ("Completed", True, "Completed"),
        ("Expired", True, "Completed"),
        ("Canceled", True, "Completed"),
        ("Expired", False, "Canceled"),
        ("Canceled", False, "Canceled"),
        ("Paused", False, "In progress"),
        ("Paused", True, "In progress"),
        ("Pending", False, "Processing"),
    ],
)
def test_a_subscription_ends_as_its_provider_says(subscribed: Parent, word: str, has_post: bool, status: str) -> None:
    if has_post:
        subscribed.hears(said("Active", orders=("1001",)))
        subscribed.named(**{"1001": said("In progress", 10, 37_500)})
        subscribed.child("1001", said("Completed", 0, 37_500))
    for _ in range(2):
        subscribed.hears(said(word, None, 37_500 if has_post else 0))
    assert (subscribed.order.status, alarms()) == (status, [])
    demand_sound_books()


def test_a_post_that_tells_nothing_yet_is_waited_for(subscribed: Parent) -> None:
    subscribed.hears(said("Active", orders=("1001", "1002")))
    assert subscribed.named(**{"1001": said("In progress"), "1002": None}) == 1
    assert subscribed.children == []
    assert NamedOrder.objects.filter(child=None, ask_at__gt=subscribed.now).count() == 2


def test_a_post_that_cannot_be_paid_pauses_and_cancels_and_is_charged_later(provider: Provider) -> None:
    poor = make_customer("Poor", balance_micros=100_000)
    parent = subscription_of(poor, provider)
    parent.hears(said("Active", orders=("1001",)))
    for _ in range(2):
        parent.named(**{"1001": said("Pending", 75, 37_500)})
    assert (parent.children, balance(poor)) == ([], 100_000)
    assert alarms(Alarm.Kind.UNPAID) == [f"order {parent.order.pk}"]
    assert CancelRequest.objects.get().order_id == parent.order.pk
    parent.hears(said("Canceled"))
    assert parent.order.status == "In progress"  # what was made is still to be paid
    deposit(poor.pk, 50_000, "deposit:more", "more", NOW)
    parent.named(**{"1001": said("Completed", 0, 37_500)})
    assert (len(parent.children), balance(poor), alarms(Alarm.Kind.UNPAID)) == (1, 0, [])
    parent.child("1001", said("Completed", 0, 37_500))
    parent.hears(said("Canceled"))
    assert parent.order.status == "Completed"
    demand_sound_books()


def test_more_than_was_asked_for_stays_nobodys_and_is_told(dripped: Parent, provider: Provider, bob: Customer) -> None:
    ids = [str(1001 + number) for number in range(5)]
    dripped.hears(said("In progress", 300, 150_000, orders=tuple(ids)))
    dripped.named(**{each: said("Pending", **WHOLE) for each in ids})
    assert (len(dripped.children), alarms(Alarm.Kind.ORPHAN)) == (3, ["provider order 1004", "provider order 1005"])
    for each in ids[:3]:
        dripped.child(each, DONE)
    dripped.hears(said("Completed", 0, 150_000))
    assert dripped.order.status == "Completed"


def test_an_id_that_is_an_order_of_ours_is_no_child(dripped: Parent, alice: Customer, service: Service) -> None:
    other = accepted(placed(alice, service, link="other"), dripped.there.upstream_service, "1001")
    dripped.hears(said("In progress", 300, 150_000, orders=("1000", "1001")))
    assert not NamedOrder.objects.exists()
    assert UpstreamOrder.objects.get(pk=other.pk).order.parent_id is None


def test_an_orphan_that_is_named_is_none_any_more(dripped: Parent, provider: Provider) -> None:
    Orphan.objects.create(provider=provider, upstream_id=1001, charge_micros=5, word="Pending", seen_at=NOW)
    dripped.hears(said("In progress", 300, 150_000, orders=("1001",)))
    assert not Orphan.objects.exists()


def test_an_id_that_is_denied_again_and_again_is_given_up_and_its_run_made_up_for(dripped: Parent) -> None:
    run_all(dripped, DONE, DONE)
    dripped.hears(said("In progress", 100, 150_000, orders=("9999",)))
    for _ in range(children.MOST_MISSES):
        dripped.hears(said("Completed", 0, 150_000))
        assert dripped.order.status == "In progress"
        dripped.named(**{"9999": Declined(DeclineKind.NOT_FOUND, "Incorrect order ID")})
    dripped.hears(said("Completed", 0, 150_000))
    assert (dripped.order.status, len(dripped.children)) == ("Completed", 3)
    demand_sound_books()


def test_a_customers_cancel_is_a_request_and_ends_as_the_provider_ends_it(alice: Customer, dripped: Parent) -> None:
    run_all(dripped, DONE)
    before = balance(alice)
    assert cancel.request_cancels(alice.pk, [dripped.order.pk], NOW) == [None]
    assert (balance(alice), CancelRequest.objects.get().order_id) == (before, dripped.order.pk)
    dripped.hears(said("Partial", 200, 50_000))
    assert (dripped.order.status, CancelRequest.objects.get().status) == ("Partial", "Done")
    assert balance(alice) == before + 180_000
    demand_sound_books()


def test_staff_cancel_there_first_and_here_the_second_time(alice: Customer, dripped: Parent) -> None:
    run_all(dripped, DONE)
    pk = dripped.order.pk
    assert [each.returned_micros for each in preview.preview([pk], Status.CANCELED, {})] == [0]
    assert desk.cancel([pk], "staff 1", NOW) == [None]
    dripped.order.refresh_from_db()
    assert dripped.order.status == "In progress"
    assert desk.cancel([pk], "staff 1", NOW) == [None]
    dripped.order.refresh_from_db()
    assert (dripped.order.status, dripped.order.remains, balance(alice)) == ("Partial", 200, START_MICROS - 90_000)
    dripped.hears(said("In progress", 100, 150_000, orders=("1001", "1002")))
    dripped.named(**{"1002": said("Pending", **WHOLE)})
    assert (len(dripped.children), alarms(Alarm.Kind.ORPHAN)) == (1, ["provider order 1002"])
    dripped.hears(said("Completed", 0, 100_000))
    assert held("cost") == 100_000
    demand_sound_books()


def test_a_parent_that_was_never_theirs_is_unknown_again_and_what_it_named_forgotten(dripped: Parent) -> None:
    lost = Attempt.objects.get()
    lost.pk, lost.state, lost.upstream_id, lost.expected_micros = None, "absent", None, 70_000
    lost.save()
    Attempt.objects.filter(pk=lost.pk).update(
        order=placed(dripped.order.customer, dripped.order.service), state="unknown"
    )
    dripped.hears(said("In progress", 300, 70_000, orders=("1001",)))
    assert not NamedOrder.objects.exists()
    assert Attempt.objects.get(order=dripped.order).state == "unknown"
