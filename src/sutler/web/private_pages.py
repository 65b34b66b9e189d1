"""What is one person's is kept by nobody on the way, and not by the browser behind them either."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers

_ALWAYS_PRIVATE = "/account/"


class PrivatePages:
    """Adds `Cache-Control: no-store` to the sign-in pages and to every page that a signed-in person gets.

    What says of itself that it is public (our own files, the logo) stays so.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Passes the request on and completes the answer."""
        is_private = request.path.startswith(_ALWAYS_PRIVATE) or request.user.is_authenticated
        response = self.get_response(request)
        if is_private and "public" not in response.get("Cache-Control", ""):
            add_never_cache_headers(response)
        return response
