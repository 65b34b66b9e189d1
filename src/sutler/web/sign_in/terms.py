"""The operator's terms and acceptable use, for everybody to read; accepted anew by customers when they change."""

from django.contrib import messages
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from sutler.accounts import terms
from sutler.core.clock import SystemClock
from sutler.core.text import text_input

SESSION_KEY = "accepted_terms"
# For so long a process may not know of new terms.
KEPT_SECONDS = 15


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Shows the version that counts now; 404 while there is none."""
    version = terms.current()
    if version is None:
        raise Http404
    return render(request, "web/terms.html", {"version": version})


@require_safe
def show_acceptable_use(request: HttpRequest) -> HttpResponse:
    """Shows what may be ordered here and what not; 404 while the operator has said nothing of it."""
    version = terms.current()
    if version is None or not version.acceptable_use:
        raise Http404
    return render(request, "web/acceptable_use.html", {"version": version})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest) -> HttpResponse:
    """Asks for the new terms to be accepted; a POST accepts the `version` shown and leads on to `next`."""
    if not request.user.is_authenticated or request.user.is_staff:
        return redirect("terms")
    leads_on = request.POST.get("next") or request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(leads_on, {request.get_host()}, request.is_secure()):
        leads_on = "/"
    version = terms.current()
    if version is None or (request.method != "POST" and terms.accepted(request.user)):
        return redirect(leads_on)
    if request.method == "POST":
        number = text_input.number(request.POST.get("version", "")) or 0
        if terms.accept(request.user, number, SystemClock().now()) is None:
            request.session[SESSION_KEY] = number
            return redirect(leads_on)
        messages.error(request, _("The terms have just changed. Read and accept the new version."))
    return render(request, "web/terms_accept.html", {"version": version, "next": leads_on})


def current_id() -> int:
    """Returns the id of the version that counts now, kept for KEPT_SECONDS; 0 while there is none."""
    return caches["process"].get_or_set("terms", terms.current_id, KEPT_SECONDS) or 0


def must_be_accepted(request: HttpRequest) -> bool:
    """Returns whether who is signed in has to accept terms before going on. Never staff, whomever they act for.

    Only pages that are read ask: a form on its way is answered, and the page after it asks.
    """
    if not request.user.is_authenticated or request.user.is_staff or request.method not in {"GET", "HEAD"}:
        return False
    current = current_id()
    if not current or request.session.get(SESSION_KEY) == current:
        return False
    if not terms.accepted(request.user):
        return True
    request.session[SESSION_KEY] = current
    return False
