"""The operator's terms, for everybody to read."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sutler.accounts import terms


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Shows the version that counts now; 404 while there is none."""
    version = terms.current()
    if version is None:
        raise Http404
    return render(request, "web/terms.html", {"version": version})
