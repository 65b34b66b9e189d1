"""What staff did: written in the transaction of the deed, read page by page, never changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sutler.accounts.models import AuditEntry, User
from sutler.core.subjects import Subject

MOST_ON_A_PAGE = 200


def write(
    actor: User | None,
    action: str,
    subject: Subject,
    now: datetime,
    *,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Stores that the actor (None: the operator at the shell) did `action` to the subject.

    `before` and `after` hold what was changed, by name, as JSON has it; never a secret. Belongs into the transaction
    that does the deed.
    """
    return AuditEntry.objects.create(
        at=now,
        actor=actor,
        action=action,
        subject_type=subject.type,
        subject_id=subject.id,
        reason=reason[:500],
        before=dict(before) if before else None,
        after=dict(after) if after else None,
    )


def recent(
    *,
    before: int | None = None,
    actor_id: int | None = None,
    subject_type: str | None = None,
    subject_id: int | str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """Returns up to `limit` (at most 200) entries below the id `before`, newest first, with their actors.

    Only those of one actor, about one type of things or one thing, with words in the action, or from and before a
    moment, if these are given.
    """
    conditions: dict[str, Any] = {"pk__lt": before, "actor_id": actor_id, "action__icontains": action}
    conditions |= {"subject_type": subject_type, "subject_id": subject_id}
    conditions |= {"at__gte": since, "at__lt": until}
    found = AuditEntry.objects.select_related("actor").filter(
        **{name: value for name, value in conditions.items() if value is not None}
    )
    return list(found.order_by("-pk")[: max(1, min(limit, MOST_ON_A_PAGE))])
