"""The office's first page: the numbers of the day."""

from datetime import UTC, timedelta

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sutler.accounts.roles import Permission
from sutler.books import figures
from sutler.books.models import DayFigure
from sutler.orders import search
from sutler.web.doors import StaffRequest, staff_page
from sutler.web.plots import Series, bar_plot, days_of, line_plot
from sutler.web.templatetags.web import amount

DAYS = 14


@require_safe
@staff_page(Permission.SEE_ORDERS)
def overview(request: StaffRequest) -> HttpResponse:
    """Shows the orders of the last days, what is open and, to who may see money, what was charged and returned."""
    today = request.now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    by_currency = figures.of_house(first, today)
    currency = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    counts = [sum(days[at].count(DayFigure.Kind.ORDERS) for days in by_currency.values()) for at in range(DAYS)]
    days = by_currency.get(currency) or [figures.Day(first + timedelta(days=at)) for at in range(DAYS)]
    given = {
        "today_count": counts[-1],
        "by_state": search.count_open().items(),
        "orders_plot": bar_plot(_("Orders each day"), days_of(days), [Series(_("Orders"), counts)]),
        "days": DAYS,
        "currency": currency,
    }
    if Permission.SEE_MONEY in request.permissions:
        given["charged_micros"] = days[-1].spent_micros
        given["money_plot"] = line_plot(
            _("Charged and returned each day, in %(currency)s") % {"currency": currency},
            days_of(days),
            [
                Series(_("Charged"), [day.amount(DayFigure.Kind.ORDERS) for day in days]),
                Series(_("Returned"), [day.amount(DayFigure.Kind.RETURNS) for day in days]),
            ],
            lambda micros: amount(micros, "charge"),
        )
    return render(request, "office/overview.html", given)
