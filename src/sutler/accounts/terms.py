"""The operator's terms and acceptable use: versions, and who agreed to which."""

from datetime import datetime

from django.db import transaction

from sutler.accounts import audit_log
from sutler.accounts.models import TermsAcceptance, TermsVersion, User
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import paragraphs

LONGEST_TERMS = 100_000


def current() -> TermsVersion | None:
    """Returns the version that counts now, or None while the operator has written none."""
    return TermsVersion.objects.order_by("-pk").first()


def publish(terms: str, acceptable_use: str, actor: User | None, now: datetime) -> TermsVersion | Refusal:
    """Makes a new version, which customers have to accept again; the same texts again change nothing.

    Refuses with INCORRECT_FIELD `terms` (empty, or over 100,000 characters) or `acceptable_use` (too long).
    """
    said, use = paragraphs(terms, LONGEST_TERMS), paragraphs(acceptable_use, LONGEST_TERMS)
    if not said:
        return Refusal(Reason.INCORRECT_FIELD, "terms")
    if use is None:
        return Refusal(Reason.INCORRECT_FIELD, "acceptable_use")
    with transaction.atomic():
        before = current()
        if before is not None and (before.terms, before.acceptable_use) == (said, use):
            return before
        made = TermsVersion.objects.create(terms=said, acceptable_use=use, published_at=now, published_by=actor)
        audit_log.write(actor, "terms published", Subject(SubjectType.TERMS, made.pk), now)
        return made


def accept(user: User, version_id: int, now: datetime) -> Refusal | None:
    """Stores that the person agrees to the version they were shown; again changes nothing.

    Refuses with INCORRECT_FIELD `terms` if it is not the current one: they must read that first.
    """
    version = current()
    if version is None or version.pk != version_id:
        return Refusal(Reason.INCORRECT_FIELD, "terms")
    TermsAcceptance.objects.bulk_create([TermsAcceptance(user=user, version=version, at=now)], ignore_conflicts=True)
    return None


def accepted(user: User) -> bool:
    """Returns True if the person has agreed to what counts now, or there is nothing to agree to. One small read."""
    version = TermsVersion.objects.order_by("-pk").values("pk")[:1]
    seen = TermsAcceptance.objects.filter(user=user, version__in=version)
    return seen.exists() or not TermsVersion.objects.exists()


def current_id() -> int:
    """Returns the id of the version that counts now, 0 while there is none. One small read, without the texts."""
    return TermsVersion.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
