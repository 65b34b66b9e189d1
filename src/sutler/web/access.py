"""Who may come in: the doors before the pages of customers and of staff."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from sutler.accounts.models import Customer, User
from sutler.accounts.roles import Permission, permissions_of
from sutler.core.clock import SystemClock
from sutler.web.page_address import page_address
from sutler.web.sign_in import impersonation, terms

P = ParamSpec("P")


class CustomerRequest(HttpRequest):
    """A request of somebody who acts for `customer` (with wallet and group read), at the moment `now`."""

    user: User
    customer: Customer
    now: datetime
    htmx: HtmxDetails


class StaffRequest(HttpRequest):
    """A request of a member of staff who has the permission that the page asks for, at the moment `now`."""

    user: User
    permissions: frozenset[Permission]
    now: datetime
    htmx: HtmxDetails


def customer_page(
    view: Callable[Concatenate[CustomerRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Lets a customer's people in, and staff who are signed in as a customer. Guests are asked to sign in; others: 404.

    Whatever the view reads or changes is that of `request.customer`, in every WHERE.
    """

    @never_cache
    @wraps(view)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _asked_to_sign_in(request)
        customer = customer_of(request)
        if customer is None:
            raise Http404
        if terms.must_be_accepted(request):
            return _asked_to_accept(request)
        inside = cast(CustomerRequest, request)
        inside.customer, inside.now = customer, SystemClock().now()
        return view(inside, *args, **kwargs)

    return door


def staff_page(
    permission: Permission,
) -> Callable[
    [Callable[Concatenate[StaffRequest, P], HttpResponse]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]
]:
    """Lets staff in whose role has the permission. Guests are asked to sign in; for everybody else there is no page."""

    def hung(
        view: Callable[Concatenate[StaffRequest, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @never_cache
        @wraps(view)
        def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                return _asked_to_sign_in(request)
            permissions = permissions_of(request.user)
            if permission not in permissions:
                raise Http404
            inside = cast(StaffRequest, request)
            inside.permissions, inside.now = permissions, SystemClock().now()
            return view(inside, *args, **kwargs)

        return door

    return hung


def _asked_to_sign_in(request: HttpRequest) -> HttpResponse:
    """A part of a page is no place for the form: htmx loads the whole page again, and that leads to it."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRefresh()
    return redirect_to_login(page_address(request))


def _asked_to_accept(request: HttpRequest) -> HttpResponse:
    """New terms are read on a page of their own: a part that htmx asks for loads the whole page again."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRefresh()
    return redirect_to_login(page_address(request), reverse("terms_accept"))


def customer_of(request: HttpRequest) -> Customer | None:
    """Returns whom the reader acts for in the shop, with wallet and group; None for guests and staff in the office."""
    if not request.user.is_authenticated or request.user.is_staff:
        return impersonation.who(request)
    return Customer.objects.select_related("wallet", "group").filter(people=request.user).first()
