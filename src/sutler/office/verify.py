"""The proof that books and orders agree, on demand: carried out by the worker, watched and kept here."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from sutler.accounts.roles import Permission
from sutler.books import verification
from sutler.books.models import Verification
from sutler.core.refusals import Refusal
from sutler.fulfilment.providers import heartbeat
from sutler.office.refusal_text import BUSY
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web.access import StaffRequest, staff_page


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.VERIFY)
def verify(request: StaffRequest) -> HttpResponse:
    """Shows the last proofs; to htmx the one under way, as far as it has come. A POST asks for another."""
    if request.method == "POST":
        try:
            if isinstance(verification.ask(request.user, request.now), Refusal):
                messages.warning(request, _("An audit is already running. Wait until it finishes."))
        except (Busy, CommitUnclear):
            messages.error(request, str(BUSY))
        return redirect("office:verify")
    found = verification.recent()
    newest = found[0] if found else None
    is_open = newest is not None and newest.state in verification.OPEN
    given = {
        "newest": newest,
        "is_open": is_open,
        "breaches": sum(each["breaches"] for each in newest.findings) if newest else 0,
        "rows": sum(each["rows"] for each in newest.findings) if newest else 0,
        "bad": [each for each in newest.findings if each["breaches"]] if newest else [],
        "older": [(each, *_verdict(each)) for each in found[1:]],
        "is_worker_alive": not is_open or heartbeat.is_alive(heartbeat.last_at(), request.now),
    }
    return render(request, "office/verify_part.html" if request.htmx else "office/verify.html", given)


def _verdict(proof: Verification) -> tuple[str, str]:
    """Returns what came of it in a word, and its colour."""
    breaches = sum(each["breaches"] for each in proof.findings)
    if proof.state == Verification.State.FAILED:
        return _("Incomplete"), "warn"
    return (_("Mismatches: %(count)s") % {"count": breaches}, "bad") if breaches else (_("All checks passed"), "good")
