"""Groups of customers, and the discount that their members share."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count

from sutler.accounts import audit_log
from sutler.accounts.models import Customer, CustomerGroup, User
from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line

LONGEST_NAME = 100


def listed() -> list[CustomerGroup]:
    """Returns the groups by name, each with the number of its customers as `member_count`."""
    return list(CustomerGroup.objects.annotate(member_count=Count("customer")).order_by("name"))


def save(
    name: str, discount_basis_points: int, actor: User | None, now: datetime, *, group_id: int | None = None
) -> CustomerGroup | Refusal:
    """Makes a group, or changes one; orders keep the price they were placed at.

    Refuses with NOT_FOUND, INCORRECT_FIELD `name` (empty, too long, or another group's) or `discount`.
    """
    called = one_line(name, LONGEST_NAME)
    if not called or CustomerGroup.objects.filter(name=called).exclude(pk=group_id or 0).exists():
        return Refusal(Reason.INCORRECT_FIELD, "name")
    if not 0 <= discount_basis_points < WHOLE_PRICE_BASIS_POINTS:
        return Refusal(Reason.INCORRECT_FIELD, "discount")
    with transaction.atomic():
        found = CustomerGroup.objects.select_for_update().filter(pk=group_id or 0)
        group = found.first() if group_id else CustomerGroup()
        if group is None:
            return Refusal(Reason.NOT_FOUND)
        before = _terms(group) if group_id else None
        group.name, group.discount_basis_points = called, discount_basis_points
        group.save()
        audit_log.write(
            actor, "group saved", Subject(SubjectType.GROUP, group.pk), now, before=before, after=_terms(group)
        )
        return group


def remove(group_id: int, actor: User | None, now: datetime) -> Refusal | None:
    """Takes away a group that has no customers. Refuses with NOT_FOUND, MOVE_NOT_ALLOWED (it has some)."""
    with transaction.atomic():
        group = CustomerGroup.objects.select_for_update().filter(pk=group_id).first()
        if group is None:
            return Refusal(Reason.NOT_FOUND)
        if Customer.objects.filter(group=group).exists():
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        audit_log.write(actor, "group removed", Subject(SubjectType.GROUP, group_id), now, before=_terms(group))
        group.delete()
    return None


def _terms(group: CustomerGroup) -> dict[str, object]:
    return {"name": group.name, "discount_basis_points": group.discount_basis_points}
