"""The panel's face: name, tagline, colour and logo, as staff have set them."""

import re
from datetime import datetime
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from sutler.accounts import audit_log
from sutler.accounts.models import PanelProfile, User
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line

LARGEST_LOGO_BYTES = 200_000
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def profile() -> PanelProfile:
    """Returns the panel's face; until staff have set one, the name of the settings and nothing else. One small read."""
    return PanelProfile.objects.defer("logo").filter(pk=1).first() or PanelProfile(
        pk=1, name=settings.SUTLER["SUTLER_PANEL_NAME"]
    )


def domain() -> str:
    """Returns the domain in whose name the panel writes: its public address's, else that of its e-mail address."""
    public = urlsplit(settings.SUTLER["SUTLER_PUBLIC_URL"]).hostname
    return public or parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]


def logo() -> tuple[bytes, str] | None:
    """Returns the logo and its media type, or None if there is none."""
    found = PanelProfile.objects.filter(pk=1).values_list("logo", "logo_type").first()
    return (bytes(found[0]), found[1]) if found and found[0] else None


def change(name: str, tagline: str, accent: str, actor: User | None, now: datetime) -> Refusal | None:
    """Sets name, tagline and accent colour (`#rrggbb`, or nothing for the house's own).

    Refuses with INCORRECT_FIELD naming the one that is missing, too long or no colour.
    """
    called, line, colour = one_line(name, 60), one_line(tagline, 200), accent.strip().lower()
    if not called:
        return Refusal(Reason.INCORRECT_FIELD, "name")
    if line is None:
        return Refusal(Reason.INCORRECT_FIELD, "tagline")
    if colour and not _COLOUR.fullmatch(colour):
        return Refusal(Reason.INCORRECT_FIELD, "accent")
    with transaction.atomic():
        kept = _lock(now)
        before = {"name": kept.name, "tagline": kept.tagline, "accent": kept.accent}
        after = {"name": called, "tagline": line, "accent": colour}
        PanelProfile.objects.filter(pk=1).update(**after, changed_at=now)
        audit_log.write(actor, "panel changed", Subject(SubjectType.PANEL), now, before=before, after=after)
    return None


def set_logo(content: bytes | None, actor: User | None, now: datetime) -> Refusal | None:
    """Sets the logo, a PNG, JPEG or WebP image of at most 200,000 bytes, or takes it away with None.

    The type is read from the bytes, never from a name. Refuses with INCORRECT_FIELD `logo`.
    """
    media_type = image_type(content) if content else ""
    if content is not None and (not media_type or len(content) > LARGEST_LOGO_BYTES):
        return Refusal(Reason.INCORRECT_FIELD, "logo")
    with transaction.atomic():
        _lock(now)
        PanelProfile.objects.filter(pk=1).update(logo=content, logo_type=media_type, changed_at=now)
        audit_log.write(actor, "logo changed", Subject(SubjectType.PANEL), now, after={"type": media_type or "none"})
    return None


def image_type(content: bytes) -> str:
    """Returns the media type of an image that every browser shows and none runs, or nothing."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else ""


def _lock(now: datetime) -> PanelProfile:
    PanelProfile.objects.get_or_create(pk=1, defaults={"name": settings.SUTLER["SUTLER_PANEL_NAME"], "changed_at": now})
    return PanelProfile.objects.select_for_update().get(pk=1)
