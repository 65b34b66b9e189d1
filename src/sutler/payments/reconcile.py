"""Holding what gateways say against the books: every payment that is open, or was credited in the last days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from sutler.payments import look_ups
from sutler.payments.gateways.shape import Ask, Fact, Failure
from sutler.payments.models import Checkout, FundsRequest, Receipt

State = FundsRequest.State


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference in a request: a fact that is applied by now, a receipt that the gateway does not name; or a
    gateway that could not be asked.
    """

    request: FundsRequest
    what: Fact | Receipt | Failure


def reconcile(now: datetime, days: int, ask: Ask | None = None) -> Iterator[Difference]:
    """Asks about each payment that is open or was credited in the last `days`, oldest first, and yields differences.

    What a gateway says is applied as a notice would be. Payments of gateways that cannot be asked are passed over.
    """
    is_open = Q(request__state__in=[State.WAITING, State.EXPIRED, State.WITHDRAWN], look_at__isnull=False)
    is_credited = Q(request__state=State.CONFIRMED, request__decided_at__gte=now - timedelta(days=days))
    due = Checkout.objects.filter(is_open | is_credited, begun_at__isnull=False).order_by("pk")
    for pk in list(due.values_list("pk", flat=True)):
        checkout = Checkout.objects.select_related("request__method", "request__customer").get(pk=pk)
        answer = look_ups.look_up(checkout, now, ask)
        found: list[Fact | Receipt | Failure] = (
            [answer] if isinstance(answer, Failure) else [*answer.new, *answer.missing]
        )
        for each in found:
            yield Difference(checkout.request, each)
