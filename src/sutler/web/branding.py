"""The panel's face on every page: its name, its logo, and its accent colour as a stylesheet that can be read."""

import hashlib
from dataclasses import dataclass

from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from sutler.accounts import panel

# For so long a process shows what it has read: a change by staff is everywhere after this.
KEPT_SECONDS = 15
_LAST = "panel_face_last"
_LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3: text of any size
_WHITE, _DARK, _ON_DARK = (255, 255, 255), (25, 31, 29), "#0e1e19"

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Branding:
    """What pages show of the panel. `accent` is `#rrggbb` or nothing; `logo_version` is empty while there is none."""

    name: str
    tagline: str
    accent: str
    logo_version: str


def panel_branding() -> Branding:
    """Returns the panel's face, kept for KEPT_SECONDS."""
    return caches["process"].get_or_set("panel_face", _read, KEPT_SECONDS) or _read()


def last_branding() -> Branding | None:
    """Returns the face that this process read last, without asking the database; None before it has read any."""
    branding: Branding | None = caches["process"].get(_LAST)
    return branding


@require_safe
@cache_control(public=True, max_age=86_400)
def accent_css(request: HttpRequest) -> HttpResponse:
    """Answers the stylesheet of the accent colour; its address carries the colour, so that a new one is fetched."""
    accent = panel_branding().accent
    return HttpResponse(stylesheet(accent) if accent else "", content_type="text/css; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=86_400)
def logo(request: HttpRequest) -> HttpResponse:
    """Answers the logo; 404 while there is none."""
    found = panel.logo()
    if found is None:
        raise Http404
    return HttpResponse(found[0], content_type=found[1])


def stylesheet(accent: str) -> str:
    """Returns the colours of light and dark pages, the accent darkened or lightened until text in it can be read."""
    given = _colour(accent)
    soft, soft_dark = _mix(given, _WHITE, 0.12), _mix(given, _DARK, 0.18)
    light, dark = _readable(given, soft, (0, 0, 0)), _readable(given, soft_dark, _WHITE)
    at_day = _properties(_hex(light), _hex(soft), "#ffffff")
    at_night = _properties(_hex(dark), _hex(soft_dark), _ON_DARK)
    return (
        f":root{{{at_day}}}"
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{at_night}}}}}'
        f':root[data-theme="dark"]{{{at_night}}}'
    )


def contrast(one: Colour, other: Colour) -> float:
    """Returns the contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _read() -> Branding:
    profile = panel.profile()
    version = hashlib.sha256(str(profile.changed_at).encode()).hexdigest()[:12] if profile.logo_type else ""
    branding = Branding(profile.name, profile.tagline, profile.accent, version)
    caches["process"].set(_LAST, branding, None)
    return branding


def _properties(accent: str, soft: str, on_accent: str) -> str:
    return f"--accent:{accent};--focus:{accent};--accent-soft:{soft};--on-accent:{on_accent}"


def _readable(colour: Colour, ground: Colour, towards: Colour) -> Colour:
    for step in range(21):
        found = _mix(towards, colour, step / 20)
        if contrast(found, ground) >= _LEAST_CONTRAST:
            return found
    return towards


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _colour(written: str) -> Colour:
    return int(written[1:3], 16), int(written[3:5], 16), int(written[5:7], 16)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
