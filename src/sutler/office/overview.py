"""The office's first page: the numbers of the day, what waits for staff, and how providers and services do."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Value
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sutler.accounts.roles import Permission
from sutler.backups import runs
from sutler.books import figures
from sutler.books.models import DayFigure
from sutler.catalogue import delivery_times, exchange_rates
from sutler.core.pricing import in_base
from sutler.fulfilment.models import Alarm, Attempt, Heartbeat
from sutler.fulfilment.providers import health, heartbeat
from sutler.orders import search
from sutler.orders.models import Approval
from sutler.payments.models import Alert as PaymentAlert
from sutler.payments.models import FundsRequest
from sutler.support.models import Ticket
from sutler.web.access import StaffRequest, staff_page
from sutler.web.plots import Plot, Series, bar_plot, days_of, line_plot
from sutler.web.templatetags.web import amount

DAYS = 30
MOST_SERVICES = 5
Kind = DayFigure.Kind


@require_safe
@staff_page(Permission.SEE_ORDERS)
def overview(request: StaffRequest) -> HttpResponse:
    """Shows the last 30 days, what is open and what waits; money, providers and backups to who may see them."""
    today = request.now.astimezone(UTC).date()
    days = [today - timedelta(days=DAYS - 1 - at) for at in range(DAYS)]
    by_currency = figures.of_house(days[0], today)
    counts = [sum(of[at].count(Kind.ORDERS) for of in by_currency.values()) for at in range(DAYS)]
    labels = days_of([figures.Day(day) for day in days])
    given: dict[str, Any] = {
        "today_count": counts[-1],
        "by_state": [(state, state.lower().replace(" ", "-"), count) for state, count in search.count_open().items()],
        "waiting": _waiting(request),
        "orders_plot": bar_plot(_("Orders per day"), labels, [Series(_("Orders"), counts)]),
        "days": DAYS,
        "slowest": delivery_times.slowest(MOST_SERVICES),
    }
    if Permission.SEE_MONEY in request.permissions:
        given |= _money(by_currency, days, labels)
    if request.permissions & {Permission.PROVIDERS, Permission.VERDICTS}:
        given["providers"] = health.of_all(request.now)
    if Permission.VERIFY in request.permissions and settings.SUTLER["SUTLER_BACKUP_DIR"]:
        given["backup"] = runs.status(request.now)
    return render(request, "office/overview.html", given)


def _money(by_currency: Mapping[str, Sequence[figures.Day]], days: Sequence[date], labels: list[str]) -> dict[str, Any]:
    """Returns the tiles and plots of money, all currencies at today's worth in the base currency."""
    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    worth = exchange_rates.worth()

    def by_day(kind: str) -> list[int]:
        rows = [(worth.get(currency), of) for currency, of in by_currency.items()]
        return [sum(in_base(of[at].amount(kind), rate) for rate, of in rows if rate) for at in range(len(days))]

    charged, returned, revenue, cost = (by_day(each) for each in (Kind.ORDERS, Kind.RETURNS, Kind.REVENUE, Kind.COST))
    margin = [earned - spent for earned, spent in zip(revenue, cost, strict=True)]
    return {
        "currency": base,
        "charged_micros": charged[-1],
        "returned_micros": returned[-1],
        "revenue_micros": sum(revenue),
        "margin_micros": sum(margin),
        "margin_percent": 100 * sum(margin) // sum(revenue) if sum(revenue) else None,
        "money_plot": _plot(_("Revenue and margin per day, %(currency)s"), base, labels, revenue, margin),
        "returns_plot": bar_plot(
            _("Refunded per day, %(currency)s") % {"currency": base},
            labels,
            [Series(_("Refunded"), returned)],
            lambda micros: amount(micros, "charge"),
        ),
        # A plot begins at zero: a margin below it stands in the table alone.
        "has_loss": min(margin) < 0,
    }


def _plot(title: Any, base: str, labels: list[str], revenue: list[int], margin: list[int]) -> Plot:
    series = [Series(_("Revenue"), revenue), Series(_("Margin"), margin)]
    return line_plot(title % {"currency": base}, labels, series, lambda micros: amount(micros, "charge"))


def _waiting(request: StaffRequest) -> dict[str, int]:
    """Returns what waits for staff, how much of each; `alive` is 1 while a worker lives. One read."""
    unsettled = Attempt.objects.unconfirmed_adds()
    asked: dict[str, QuerySet[Any]] = {
        "alive": Heartbeat.objects.filter(at__gt=request.now - heartbeat.SILENT_FOR),
        "approvals": Approval.objects.filter(state=Approval.State.WAITING),
        "unknown": unsettled,
        "alarms": Alarm.objects.filter(closed_at=None),
        "tickets": Ticket.objects.filter(state=Ticket.State.OPEN),
        "payments": FundsRequest.objects.filter(state=FundsRequest.State.WAITING, checkout=None),
        "payment_alerts": PaymentAlert.objects.filter(closed_at=None),
    }
    counted = [_counted(name, found) for name, found in asked.items()]
    rows = counted[0].union(*counted[1:], all=True)
    return dict(rows)


def _counted(name: str, found: QuerySet[Any]) -> Any:
    named = found.order_by().annotate(counted=Value(name)).values("counted")
    return named.annotate(count=Count("pk")).values_list("counted", "count")
