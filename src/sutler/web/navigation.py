"""What stands beside every page of customers and of staff. A page that is not built yet is left out by itself."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sutler.accounts.roles import Permission, permissions_of
from sutler.web.sign_in import impersonation


@dataclass(frozen=True, slots=True)
class Link:
    """One line of a navigation: the name of an address, its words, its icon, and what staff need to see it."""

    view: str
    words: str | Promise
    icon: str
    permission: Permission | None = None
    # Where else the reader is at this link, besides its own address and those below.
    below: str | tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A link as shown: with its address, and whether the reader is there or below it."""

    address: str
    words: str | Promise
    icon: str
    is_here: bool


CUSTOMERS = (
    Link("shop:dashboard", _("Dashboard"), "home"),
    Link("shop:order_new", _("New order"), "plus"),
    Link("shop:order_mass", _("Mass order"), "stack"),
    Link("shop:orders", _("Orders"), "list"),
    Link("shop:refills", _("Refills"), "refill"),
    Link("shop:services", _("Services"), "tag"),
    Link("shop:updates", _("Service updates"), "bell"),
    Link("shop:funds", _("Funds"), "wallet"),
    Link("shop:tickets", _("Tickets"), "ticket"),
    Link("shop:keys", _("API keys"), "key"),
    Link("documentation", _("API"), "code"),
    Link("shop:profile", _("Profile"), "user"),
    Link("mfa_index", _("Security"), "lock", below="/account/"),
)
STAFF = (
    Link("office:overview", _("Overview"), "chart", Permission.SEE_ORDERS),
    Link("office:desk", _("Manual orders"), "desk", Permission.CHANGE_ORDERS),
    Link("office:verdicts", _("Unconfirmed orders"), "question", Permission.VERDICTS),
    Link("office:alarms", _("Alarms"), "bell", Permission.VERDICTS),
    Link("office:orders", _("Orders"), "list", Permission.SEE_ORDERS),
    Link("office:approvals", _("Approvals"), "check", Permission.CHANGE_ORDERS),
    Link("office:customers", _("Customers"), "users", Permission.CUSTOMERS, ("/office/groups", "/office/adjustments")),
    Link("office:services", _("Services"), "tag", Permission.CATALOGUE, ("/office/categories", "/office/routes")),
    Link("office:providers", _("Providers"), "link", Permission.PROVIDERS),
    Link("office:prices", _("Prices"), "stack", Permission.CATALOGUE, "/office/currencies"),
    Link("office:payments", _("Payments"), "wallet", Permission.PAYMENTS),
    Link("office:tickets", _("Tickets"), "ticket", Permission.TICKETS),
    Link("office:announcements", _("Announcements"), "bell", Permission.ANNOUNCEMENTS),
    Link("office:notices", _("Notices"), "bell", Permission.SEE_ORDERS),
    Link("office:staff", _("Staff"), "user", Permission.STAFF),
    Link("office:audit_log", _("Audit log"), "book", Permission.AUDIT_LOG),
    Link("office:verify", _("Verify"), "flag", Permission.VERIFY),
    Link("office:settings", _("Settings"), "gear", Permission.SETTINGS),
    Link("mfa_index", _("Security"), "lock", below="/account/"),
)
# The pages of the library that signs people in, as tabs of one page.
SECURITY = (
    Link("mfa_index", _("Two-factor authentication"), "lock"),
    Link("account_change_password", _("Password"), "key"),
    Link("account_email", _("Email address"), "user"),
    Link("usersessions_list", _("Sessions"), "clock"),
)


def of_reader(request: HttpRequest) -> list[Place]:
    """Returns the pages of whoever reads: staff's, a customer's, or none for guests."""
    user = request.user
    if not user.is_authenticated:
        return []
    if _is_in_office(request):
        return places(STAFF, permissions_of(user), request.path)
    return places(CUSTOMERS, frozenset(), request.path)


def search_address(request: HttpRequest) -> str:
    """Returns where the search of the menu leads: among all that there is for staff, among their own for customers."""
    return reverse("office:search" if _is_in_office(request) else "shop:search")


def places(links: tuple[Link, ...], permissions: frozenset[Permission], path: str) -> list[Place]:
    """Returns the links that exist and that these permissions let the reader see, as shown at `path`."""
    shown = []
    for link in links:
        if link.permission is None or link.permission in permissions:
            try:
                shown.append((link, reverse(link.view)))
            except NoReverseMatch:
                continue
    at = [address for link, address in shown if _is_at_or_below(path, address) or path.startswith(link.below or ())]
    here = max(at, key=len, default="")
    return [Place(address, link.words, link.icon, address == here) for link, address in shown]


def _is_at_or_below(path: str, address: str) -> bool:
    return path == address or path.startswith(address.rstrip("/") + "/")


def _is_in_office(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_staff", False)) and impersonation.who(request) is None
