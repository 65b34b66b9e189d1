"""The people of the house: their roles, and who no longer works here."""

from datetime import datetime

from django.db import transaction

from sutler.accounts import audit_log
from sutler.accounts.models import Role, User
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType


def members() -> list[User]:
    """Returns the staff by address, those who have left after the others."""
    return list(User.objects.filter(is_staff=True).order_by("-is_active", "email"))


def give_role(user_id: int, role: str, actor: User | None, now: datetime) -> Refusal | None:
    """Gives a member of staff a role.

    Refuses with NOT_FOUND, INCORRECT_FIELD `role`, MOVE_NOT_ALLOWED (last owner), OTHER_PERSON_NEEDED (oneself).
    """
    if role not in Role.values:
        return Refusal(Reason.INCORRECT_FIELD, "role")
    with transaction.atomic():
        member = _lock(user_id)
        if member is None:
            return Refusal(Reason.NOT_FOUND)
        if role != Role.OWNER and _is_last_owner(member):
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        if member == actor:
            return Refusal(Reason.OTHER_PERSON_NEEDED)
        changed = {"role": member.role}, {"role": role}
        member.role, member.is_superuser = role, role == Role.OWNER
        member.save(update_fields=["role", "is_superuser"])
        audit_log.write(
            actor, "role given", Subject(SubjectType.STAFF, user_id), now, before=changed[0], after=changed[1]
        )
        return None


def set_active(user_id: int, *, active: bool, actor: User | None, now: datetime) -> Refusal | None:
    """Lets a member of staff in, or no longer: neither they nor their keys. Refuses as `give_role` does."""
    with transaction.atomic():
        member = _lock(user_id)
        if member is None:
            return Refusal(Reason.NOT_FOUND)
        if not active and _is_last_owner(member):
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        if member == actor:
            return Refusal(Reason.OTHER_PERSON_NEEDED)
        member.is_active = active
        member.save(update_fields=["is_active"])  # saved singly: the lane forgets the person's keys at once
        audit_log.write(actor, "let in" if active else "shut out", Subject(SubjectType.STAFF, user_id), now)
        return None


def _lock(user_id: int) -> User | None:
    """Locks all staff, so that two owners cannot each take the other's role away at once."""
    staff = {each.pk: each for each in User.objects.select_for_update().filter(is_staff=True).order_by("pk")}
    return staff.get(user_id)


def _is_last_owner(member: User) -> bool:
    owners = User.objects.filter(is_staff=True, is_active=True, role=Role.OWNER)
    return member.role == Role.OWNER and not owners.exclude(pk=member.pk).exists()
