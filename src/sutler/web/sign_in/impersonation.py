"""Staff who look at the shop as one of its customers: begun, ended, told. The staff member stays the one signed in."""

from django.http import HttpRequest

from sutler.accounts.models import Customer
from sutler.accounts.roles import Permission, may

SESSION_KEY = "signed_in_as"


def start(request: HttpRequest, customer: Customer) -> None:
    """Lets this session see and do in the shop what the customer can. The page that calls this writes the audit row."""
    request.session[SESSION_KEY] = customer.pk


def stop(request: HttpRequest) -> Customer | None:
    """Ends it. Returns whose pages were seen, or None if nobody's were."""
    customer = who(request)
    request.session.pop(SESSION_KEY, None)
    return customer


def who(request: HttpRequest) -> Customer | None:
    """Returns the customer whose pages this session sees, or None. Only ever for staff whose role has SIGN_IN_AS."""
    user = request.user
    if not user.is_authenticated or SESSION_KEY not in request.session or not may(user, Permission.SIGN_IN_AS):
        return None
    return Customer.objects.select_related("wallet", "group").filter(pk=request.session[SESSION_KEY]).first()
