"""Staff who look at the shop as one of its customers come back."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from sutler.accounts.roles import Permission
from sutler.web.access import StaffRequest, staff_page
from sutler.web.sign_in import impersonation


@require_POST
@staff_page(Permission.SIGN_IN_AS)
def stop(request: StaffRequest) -> HttpResponse:
    """Ends being signed in as a customer and goes back to the office."""
    impersonation.stop(request)
    return redirect("office:overview")
