"""What staff must look at in payments of gateways: raised and closed as the payment goes, or closed by staff."""

from collections.abc import Mapping
from datetime import datetime

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.payments.models import Alert, FundsRequest
from sutler.storage.transactions import durable

MOST_ON_A_PAGE = 200


def raise_(request: FundsRequest, kind: Alert.Kind, data: Mapping[str, object], now: datetime) -> None:
    """Opens the alert, or brings what it says up to date; one that staff closed stays closed while it says the same.

    Belongs into the transaction of what caused it.
    """
    newest = Alert.objects.filter(request=request, kind=kind).order_by("-pk").first()
    if newest is not None and newest.data == dict(data) and (newest.closed_at is None or newest.closed_by is not None):
        return
    if newest is not None and newest.closed_at is None:
        Alert.objects.filter(pk=newest.pk).update(data=dict(data))
        return
    Alert.objects.create(request=request, kind=kind, data=dict(data), raised_at=now)


def pass_over(request: FundsRequest, kind: Alert.Kind, now: datetime) -> None:
    """Closes the alert: what it was about has passed by itself."""
    Alert.objects.filter(request=request, kind=kind, closed_at=None).update(closed_at=now)


def pass_over_debt(customer_id: int, now: datetime) -> None:
    """Closes what was said of a customer's debt: deposits have covered it."""
    Alert.objects.filter(request__customer=customer_id, kind=Alert.Kind.DEBT, closed_at=None).update(closed_at=now)


def close(request_id: int, alert_id: int, actor: User, now: datetime) -> Refusal | None:
    """Closes an alert that staff have dealt with. Refuses with NOT_FOUND: there is none open."""
    with durable():
        closed = Alert.objects.filter(pk=alert_id, request_id=request_id, closed_at=None)
        if not closed.update(closed_at=now, closed_by=actor):
            return Refusal(Reason.NOT_FOUND)
        audit_log.write(actor, "payment alert closed", Subject(SubjectType.PAYMENT, request_id), now)
    return None


def open_alerts(*, before: int | None = None, limit: int = 50) -> list[Alert]:
    """Returns the open alerts with their requests, newest first, below the id `before`."""
    found = Alert.objects.filter(closed_at=None).select_related("request__customer", "request__method")
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[: max(1, min(limit, MOST_ON_A_PAGE))])
