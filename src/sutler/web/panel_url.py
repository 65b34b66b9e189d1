"""The panel's own address, as others are given it."""

from django.conf import settings
from django.http import HttpRequest


def panel_url(request: HttpRequest) -> str:
    """Returns SUTLER_PUBLIC_URL, or the address that was asked, without a slash at its end."""
    return str(settings.SUTLER["SUTLER_PUBLIC_URL"] or request.build_absolute_uri("/")).rstrip("/")
