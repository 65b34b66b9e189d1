"""The auditor: holds what the upstreams really did against what the panel believes. Knows nothing of how it works."""

import io
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from rich.console import Console
from rich.progress import Progress

from sutler.books.models import LedgerAccount, Transfer
from sutler.core.attempts import UNSETTLED, AttemptState
from sutler.core.event_texts import cause_text, event_text
from sutler.core.events import EventKind
from sutler.core.lifecycle import FINAL, Status
from sutler.fulfilment.models import Attempt, DeskOrder, UpstreamOrder
from sutler.ops.verify import run_checks
from sutler.orders.models import Order, OrderEvent
from sutler.simulator.panel import Order as TheirOrder
from tests.simulation.mixes import LIES_ABOUT_REMAINS, ROUNDED
from tests.simulation.world import World

# What must not be, at all.
KINDS = ("double", "lost", "refunded and delivered", "wrong verdict", "wrong end", "cost", "books", "open", "invariant")
# A told charge has five decimals.
SHOWN_WITHIN_MICROS = 10


@dataclass(slots=True)
class Audit:
    """What was found: the figures, why outcomes were unclear, and each breach as a line that begins with its kind."""

    figures: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))
    unclear_by: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)

    def breach(self, kind: str, text: str) -> None:
        """Notes what must not be."""
        self.figures[kind] += 1
        self.breaches.append(f"{kind}: {text}")


def audit(world: World, mix: str) -> Audit:
    """Audits a course that has come to its end."""
    found = Audit()
    first = {row: provider_id for provider_id, rows in world.rows.items() for row in rows}
    claims: dict[tuple[int, str], UpstreamOrder] = {}
    for each in UpstreamOrder.objects.select_related("order", "attempt").order_by("pk"):
        earlier = claims.setdefault((first[each.provider_id], each.upstream_id), each)
        if earlier is not each:
            found.breach("wrong verdict", f"{each.upstream_id} is claimed by {earlier.order_id} and {each.order_id}")
    attempts: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(action=Attempt.Action.ADD).select_related("order"):
        attempts[first[attempt.provider_id], attempt.order.link].append(attempt)
    made: dict[tuple[int, str], TheirOrder] = {}
    for host, upstream in world.upstreams.items():
        for order in upstream.journal():
            made[world.providers[host], order.id] = order
    for key, theirs in made.items():
        claim = claims.get(key)
        if claim is None:
            _unclaimed(found, theirs, attempts[key[0], theirs.link])
        else:
            _claimed(found, claim, theirs, mix)
    for key in claims.keys() - made.keys():
        found.breach("lost", f"order {claims[key].order_id} is believed to be {key}, which does not exist")
    _books(found, world)
    _ends(found)
    check_invariants(found)
    _figures(found, made.values())
    return found


def _claimed(found: Audit, claim: UpstreamOrder, theirs: TheirOrder, mix: str) -> None:
    is_remains_true = mix not in LIES_ABOUT_REMAINS
    ours = claim.order
    name = f"order {ours.pk} as {claim.provider_id}/{claim.upstream_id}"
    if (ours.link, ours.quantity) != (theirs.link, theirs.quantity):
        found.breach("wrong verdict", f"{name}, which is of {theirs.link}; {_story(ours.pk)}")
        return
    if theirs.final is None or ours.status not in FINAL:
        return
    if ours.status != theirs.final:
        kind = "refunded and delivered" if ours.returned_micros else "wrong end"
        found.breach(kind, f"{name} is {ours.status} here and {theirs.final} there; {_story(ours.pk)}")
    elif is_remains_true and ours.status == Status.PARTIAL and ours.remains != theirs.left:
        found.breach("refunded and delivered", f"{name}: {ours.remains} remain here, {theirs.left} there")
    cost = theirs.charge_micros - theirs.refunded_micros
    is_exact = is_remains_true and mix not in ROUNDED
    if abs(claim.cost_micros - cost) > (0 if is_exact else SHOWN_WITHIN_MICROS):
        found.breach("cost", f"{name} cost {cost} and stands in the books with {claim.cost_micros}")


def _unclaimed(found: Audit, theirs: TheirOrder, attempts: Sequence[Attempt]) -> None:
    """An order upstream that the panel does not know: fine as long as it knows that it does not know."""
    same = [each for each in attempts if each.order.quantity == theirs.quantity]
    if any(each.state in UNSETTLED for each in same):
        return
    name = f"{theirs.id} of {theirs.created_at:%H:%M:%S} ({theirs.fault or 'no fault'}, told: {theirs.told})"
    if not same:
        found.breach("lost", f"{name} was never asked for")
        return
    states = {each.pk: str(each.state) for each in same}
    order = same[-1].order
    others = Attempt.objects.filter(order=order, action=Attempt.Action.ADD, state=AttemptState.ACCEPTED).exists()
    if others:
        kind = "double"
    elif order.status == Status.CANCELED:
        kind = "refunded and delivered"
    else:
        kind = "lost"
    found.breach(kind, f"{name} is of order {order.pk} ({order.status}), attempts {states}; {_story(order.pk)}")


def _books(found: Audit, world: World) -> None:
    """What the books say was spent at a provider is what its claimed orders cost, to the micro."""
    for provider_id in (row for rows in world.rows.values() for row in rows):
        cost = UpstreamOrder.objects.filter(provider=provider_id).aggregate(total=Sum("cost_micros"))["total"] or 0
        account = Q(kind=LedgerAccount.Kind.PROVIDER, provider_id=provider_id)
        accounts = LedgerAccount.objects.filter(account).values("pk")
        house = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.COST).values("pk")
        out = Transfer.objects.filter(debit__in=accounts, credit__in=house).aggregate(total=Sum("amount_micros"))
        back = Transfer.objects.filter(credit__in=accounts, debit__in=house).aggregate(total=Sum("amount_micros"))
        spent = (out["total"] or 0) - (back["total"] or 0)
        if spent != cost:
            found.breach("books", f"provider {provider_id} was paid {spent}, its orders cost {cost}")


def _ends(found: Audit) -> None:
    """Whatever is not with a person has come to its end."""
    for each in under_way().order_by("pk")[:20]:
        states = list(each.attempts.order_by("pk").values_list("state", "cause"))
        found.breach("open", f"order {each.pk} is still {each.status}: {states}")


def under_way() -> QuerySet[Order]:
    """Returns the orders that have not ended and wait for no person."""
    return (
        Order.objects.exclude(status__in=FINAL)
        .exclude(pk__in=DeskOrder.objects.values("order"))
        .exclude(pk__in=Attempt.objects.filter(state=AttemptState.STAFF).values("order"))
        .exclude(pk__in=held_by_staff().values("order"))
    )


def held_by_staff() -> QuerySet[Attempt]:
    """Returns what is not sent while staff decide about another of the same service and link."""
    with_staff = Attempt.objects.filter(
        state=AttemptState.STAFF, service_id=OuterRef("service_id"), link_digest=OuterRef("link_digest")
    )
    return Attempt.objects.filter(Exists(with_staff), action=Attempt.Action.ADD, state=AttemptState.PLANNED)


def check_invariants(found: Audit) -> None:
    """Everything that `sutler verify` checks."""
    with Progress(console=Console(file=io.StringIO()), disable=True) as progress:
        for finding in run_checks(progress):
            for line in finding.lines():
                found.breach("invariant", line)


def _figures(found: Audit, made: Collection[TheirOrder]) -> None:
    adds = Attempt.objects.filter(action=Attempt.Action.ADD)
    told = OrderEvent.objects.filter(kind__in=[EventKind.UNCONFIRMED, EventKind.DISOWNED])
    found.figures["orders"] = Order.objects.count()
    found.figures["attempts"] = adds.count()
    found.figures["made upstream"] = len(made)
    found.unclear_by.update(_reason(each) for each in told)
    found.figures["unclear"] = found.unclear_by.total()
    found.figures["with staff"] = adds.filter(state=AttemptState.STAFF).count()
    found.figures["at desk"] = DeskOrder.objects.count()


def _reason(event: OrderEvent) -> str:
    """Returns why an outcome was unclear, as it was noted: without numbers, and what the provider said."""
    if event.kind == EventKind.DISOWNED:
        return "the id answered was another's"
    return re.sub(r"\d+", "N", cause_text(event.data.get("cause")).partition(":")[0])


def _story(order_id: int) -> str:
    events = OrderEvent.objects.filter(order=order_id).order_by("pk")
    return " | ".join(f"{each.at:%H:%M:%S} {event_text(each.kind, each.data) or each.to_status}" for each in events)
