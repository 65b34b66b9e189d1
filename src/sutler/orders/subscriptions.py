"""Subscriptions: a child order for each new post that is reported, charged when it is placed."""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Cast

from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, house
from sutler.books.post import post as post_transfers
from sutler.core import link_rules
from sutler.core.clock import Random
from sutler.core.events import EventKind
from sutler.core.lifecycle import FINAL, Status
from sutler.core.order_types import ORDER_TYPES, read_order
from sutler.core.pricing import PER_THOUSAND, charge
from sutler.core.refusals import Reason, Refusal
from sutler.orders import approval_gate, delegation, parent_orders
from sutler.orders.change import event, write_events
from sutler.orders.models import Order, Post, Subscription
from sutler.storage.transactions import durable

ACTOR = "worker"
# Wide enough for any rate times any quantity, which a BIGINT is not.
_WIDE = models.DecimalField(max_digits=40, decimal_places=0)


def report_post(order_id: int, link: str, now: datetime, chance: Random, actor: str) -> Refusal | None:
    """Takes a new post for a subscription: an order for it falls due after the subscription's delay.

    The quantity is drawn from the subscription's min..max. Reporting a link again is a success that changes nothing.
    The last of `posts` (and `old_posts` beside them) ends the subscription; without `posts` there is no last one,
    and with 0 only the old ones count.
    Refuses with INCORRECT_FIELD `link` (the service's link rules included), INCORRECT_ORDER (no such subscription),
    MOVE_NOT_ALLOWED (it has ended, waits for approval, or a provider runs it). The first post has it run here.
    Raises storage.transactions.Busy or CommitUnclear, as `durable` says.
    """
    read = read_order(ORDER_TYPES["Package"], {"link": link})  # the type whose only field is a link
    if isinstance(read, Refusal):
        return read
    with durable():
        orders = parent_orders.lock(Order.objects.filter(pk=order_id, kind=Order.Kind.SUBSCRIPTION))
        if not orders:
            return Refusal(Reason.INCORRECT_ORDER)
        service = orders[order_id].service
        rules = link_rules.read(service.link_allowed, service.link_refused)
        if rules is not None and not rules.allow(read.link):
            return Refusal(Reason.INCORRECT_FIELD, "link")
        subscription = Subscription.objects.get(order=order_id)
        posts = Post.objects.filter(subscription=subscription)
        digest = hashlib.sha256(read.link.encode()).hexdigest()
        if posts.filter(link_digest=digest).exists():
            return None
        is_over = subscription.ended_at is not None or orders[order_id].status in FINAL
        if is_over or subscription.is_there or approval_gate.waiting_among(orders.values()):
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        delegation.keep_here([order_id])
        Post.objects.create(
            subscription=subscription,
            link=read.link,
            link_digest=digest,
            quantity=chance.randint(subscription.minimum, subscription.maximum),
            reported_at=now,
            due_at=now + timedelta(minutes=subscription.delay_minutes),
        )
        write_events([event(order_id, actor, now, EventKind.POST_REPORTED, link=read.link)])
        if subscription.posts is not None and posts.count() >= subscription.posts + subscription.old_posts:
            Subscription.objects.filter(order=order_id).update(ended_at=now)
        return None


def place_due_posts(now: datetime, limit: int = 100) -> int:
    """Places a child order for each of at most `limit` posts that are due and can be paid; returns how many.

    Each is charged as it is placed. A subscription whose customer cannot pay for a due post is paused; the post stays
    due, and the subscription goes on once it is paid. Posts of suspended customers wait.
    Several workers may call this at once. Raises storage.transactions.Busy or CommitUnclear.
    """
    payable = _due(now, payable=True)
    if not (payable.exists() or _unpaid(now).exists()):  # asking often must not take the write lock
        return 0
    with durable():
        claimed = parent_orders.claim(Order.objects.filter(pk__in=payable.values("subscription")), limit)
        parents = {each.pk: each for each in claimed}
        # Read again under the lock: another worker may have been here since.
        posts = list(payable.filter(subscription__in=parents).order_by("due_at", "pk")[:limit])
        placed = _place(posts, parents, now)
        parent_orders.refresh({each.subscription_id for each in placed}, ACTOR, now)
        _pause_unpaid(now, limit)
        return len(placed)


def take_post(parent: Order, quantity: int, now: datetime) -> Order | None:
    """Places and charges the order for a post of a locked subscription, which the provider that runs it has made.

    Returns it, Pending, without a link: the provider does not tell it. Returns None where the wallet cannot pay: then
    the subscription is paused. In the caller's transaction, who moves it on and brings the parent up to date.
    """
    wallet = _lock_wallets([parent.customer_id])[parent.customer_id]
    child = _child(parent, Post(link="", quantity=quantity), now)
    is_payable = child.charge_micros <= _means(wallet)
    subscription = Subscription.objects.filter(order=parent)
    if not is_payable:
        if subscription.filter(paused_at=None).update(paused_at=now):
            write_events([event(parent.pk, ACTOR, now, EventKind.PAUSED)])
        return None
    subscription.update(paused_at=None)
    Order.objects.bulk_create([child])
    post_transfers([_charge(child, wallet)], now)
    return child


def end_expired(now: datetime, limit: int = 100) -> int:
    """Ends at most `limit` subscriptions whose last day (UTC) is over; returns how many. Due posts are still placed.

    One that was handed on whole ends when its provider says so.
    """
    here = Q(is_there=False) | Q(is_there=None) | Q(order__status=Status.PENDING)
    expired = Subscription.objects.filter(here, ended_at=None, expiry__lt=now.date())
    if not expired.exists():
        return 0
    with durable():
        parents = parent_orders.claim(Order.objects.filter(pk__in=expired.values("order")), limit)
        ended = list(expired.filter(order__in=parents).values_list("order", flat=True))
        Subscription.objects.filter(order__in=ended).update(ended_at=now)
        delegation.keep_here(ended)
        write_events(event(each, ACTOR, now, EventKind.EXPIRED) for each in ended)
        parent_orders.refresh(ended, ACTOR, now)
        return len(ended)


def _due(now: datetime, *, payable: bool) -> QuerySet[Post]:
    """The due posts of customers who are not suspended, for which the wallet has, or has not, enough by itself."""
    order = "subscription__order__"
    wallet = order + "customer__wallet__"
    due = Post.objects.filter(due_at__lte=now, **{f"{order}customer__suspended_at": None}).annotate(
        cost=Cast(f"{order}rate_micros", _WIDE) * F("quantity"),
        means=(Cast(f"{wallet}balance_micros", _WIDE) + F(f"{wallet}credit_limit_micros")) * PER_THOUSAND,
    )
    return due.filter(cost__lte=F("means")) if payable else due.filter(cost__gt=F("means"))


def _place(posts: Collection[Post], parents: dict[int, Order], now: datetime) -> list[Post]:
    """Places, in the order given, those of the posts that the wallets still pay for, and returns them."""
    wallets = _lock_wallets({each.customer_id for each in parents.values()})
    means = {customer_id: _means(wallet) for customer_id, wallet in wallets.items()}
    paid, children = [], []
    for each in posts:
        child = _child(parents[each.subscription_id], each, now)
        if child.charge_micros <= means[child.customer_id]:
            means[child.customer_id] -= child.charge_micros
            paid.append(each)
            children.append(child)
    for each, child in zip(paid, Order.objects.bulk_create(children), strict=True):
        each.child, each.due_at = child, None
    Post.objects.bulk_update(paid, ["child", "due_at"])
    Subscription.objects.filter(order__in={each.subscription_id for each in paid}).update(paused_at=None)
    post_transfers([_charge(child, wallets[child.customer_id]) for child in children], now)
    return paid


def _lock_wallets(customer_ids: Collection[int]) -> dict[int, LedgerAccount]:
    wallets = LedgerAccount.objects.select_for_update().filter(customer__in=customer_ids).order_by("pk")
    return {each.customer_id: each for each in wallets if each.customer_id is not None}


def _means(wallet: LedgerAccount) -> int:
    return (wallet.balance_micros or 0) + wallet.credit_limit_micros


def _child(parent: Order, reported: Post, now: datetime) -> Order:
    price = charge(parent.rate_micros, reported.quantity)
    child = parent_orders.child_of(parent, now, link=reported.link, quantity=reported.quantity, charge_micros=price)
    child.type = ORDER_TYPES[parent.type].handed_on_as
    return child


def _charge(child: Order, wallet: LedgerAccount) -> Entry:
    in_hand = house(LedgerAccount.Kind.IN_HAND, child.currency)
    return Entry(f"order:{child.pk}", wallet.pk, in_hand, child.charge_micros, child.pk)


def _pause_unpaid(now: datetime, limit: int) -> None:
    unpaid = _unpaid(now)
    claimed = parent_orders.claim(Order.objects.filter(pk__in=unpaid.values("order")), limit)
    paused = list(unpaid.filter(order__in=claimed).values_list("order", flat=True))
    Subscription.objects.filter(order__in=paused).update(paused_at=now)
    write_events(event(each, ACTOR, now, EventKind.PAUSED) for each in paused)


def _unpaid(now: datetime) -> QuerySet[Subscription]:
    """The subscriptions, not paused yet, with a due post that the wallet cannot pay for."""
    return Subscription.objects.filter(paused_at=None, pk__in=_due(now, payable=False).values("subscription"))
