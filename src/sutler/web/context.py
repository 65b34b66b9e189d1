"""What every template finds: the panel's name, the theme, the navigation, who staff are signed in as."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from sutler.web import announcement_banner, navigation
from sutler.web.access import customer_of
from sutler.web.branding import panel_branding
from sutler.web.page_address import page_address
from sutler.web.preferences import THEMES, theme_of
from sutler.web.sign_in import impersonation, terms


def frame(request: HttpRequest) -> dict[str, Any]:
    """Returns what the layouts need. Nothing asks the database before it is used."""
    return {
        "panel": SimpleLazyObject(panel_branding),
        "panel_name": SimpleLazyObject(lambda: panel_branding().name),
        "has_terms": SimpleLazyObject(terms.current_id),
        "theme": theme_of(request),
        "themes": THEMES,
        "page_address": page_address(request),
        "languages": settings.LANGUAGES,
        "security_tabs": SimpleLazyObject(lambda: navigation.places(navigation.SECURITY, frozenset(), request.path)),
        "navigation": SimpleLazyObject(lambda: navigation.of_reader(request)),
        "search_address": SimpleLazyObject(lambda: navigation.search_address(request)),
        "purse": SimpleLazyObject(lambda: getattr(request, "customer", None) or customer_of(request)),
        "urgent": SimpleLazyObject(announcement_banner.urgent),
        "signed_in_as": SimpleLazyObject(lambda: impersonation.who(request)),
    }
