"""The dashboard: what a customer wants to know first."""

from datetime import UTC, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sutler.books import figures
from sutler.orders import search
from sutler.orders.models import ACTIVE, Order
from sutler.support import announcements
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.plots import Series, bar_plot, days_of
from sutler.web.templatetags.web import amount

DAYS = 30
LAST_ORDERS = 8
MOST_COUNTED = 1000


@require_safe
@customer_page
def dashboard(request: CustomerRequest) -> HttpResponse:
    """Shows balance, open orders, the last orders, and the spending of the last 30 days."""
    customer = request.customer
    today = request.now.astimezone(UTC).date()
    days = figures.of_customer(customer.pk, today - timedelta(days=DAYS - 1), today)
    spent = [day.spent_micros for day in days]
    is_open = Order.objects.filter(customer=customer, status__in=ACTIVE)
    given = {
        "open_count": is_open[:MOST_COUNTED].count(),
        "most_counted": MOST_COUNTED,
        "last_orders": search.of_customer(customer.pk, search.Filters(), limit=LAST_ORDERS).orders,
        "spent_micros": sum(spent),
        "spending": bar_plot(
            _("Spent per day, %(currency)s") % {"currency": customer.currency},
            days_of(days),
            [Series(_("Spent"), spent)],
            lambda micros: amount(micros, "charge"),
        ),
        "days": DAYS,
        "announced": announcements.current(request.now),
    }
    return render(request, "shop/dashboard.html", given)
