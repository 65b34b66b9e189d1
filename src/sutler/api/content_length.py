"""The length of every answer of Django's, so that it is sent whole: old programs cannot read chunks."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ContentLength:
    """Adds `Content-Length` to every answer that is complete.

    Stands for Django's CommonMiddleware, which also checks the host of every request: programs may use any name that
    leads here, and pages check it by asking for their own address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Passes the request on and completes the answer."""
        response = self.get_response(request)
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))  # type: ignore[attr-defined]
        return response
