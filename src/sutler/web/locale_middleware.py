"""Who reads: the language and the time zone that a page is written in."""

import zoneinfo
from collections.abc import Callable
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.utils import formats, timezone, translation
from django.utils.cache import patch_vary_headers

# Programs may use any name that leads here; pages only those of the panel.
_FOR_PROGRAMS = ("/adminapi", "/metrics")
_ZONES = zoneinfo.available_timezones()


class Reader:
    """Sets language and zone for each request: the person's own, else what the browser asks for, and UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Passes the request on in the reader's language and zone."""
        if not request.path.startswith(_FOR_PROGRAMS):
            request.get_host()  # raises DisallowedHost, which is answered with 400
        user = request.user
        own = (user.language, user.time_zone) if user.is_authenticated else ("", "")
        language = own[0] or translation.get_language_from_request(request)
        zone = zoneinfo.ZoneInfo(own[1] if own[1] in _ZONES else "UTC")
        with translation.override(language), timezone.override(zone):
            response = self.get_response(request)
        patch_vary_headers(response, ["Accept-Language"])
        response.headers.setdefault("Content-Language", language)
        return response


def written(day: date, form: str) -> str:
    """Returns a day or a moment in the reader's language, by a format of Django's such as `j M Y`.

    The format of a short month is translated too: English writes it large (`M`), Russian small (`b`).
    """
    return formats.date_format(day, form.replace("M", translation.pgettext("format of a short month", "M")))
