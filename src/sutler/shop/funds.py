"""Funds: what is in the wallet, what was spent, and the statement of every transfer, on the page and as CSV."""

from collections.abc import Mapping
from datetime import UTC, timedelta

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sutler.books import figures, statement
from sutler.books.statement import Kind
from sutler.web import paging
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.date_range import DaysForm
from sutler.web.downloads import csv_file
from sutler.web.plots import Series, bar_plot, days_of
from sutler.web.templatetags.web import amount

WEEKS = 12
KINDS: Mapping[Kind, str | Promise] = {
    Kind.ORDER: _("Order"),
    Kind.RETURN: _("Refunded"),
    Kind.DEPOSIT: _("Payment"),
    Kind.ADJUSTMENT: _("Adjustment"),
    Kind.FROZEN: _("Disputed payment"),
}


class FilterForm(DaysForm):
    """What the statement is narrowed to."""

    kind = forms.ChoiceField(label=_("Type"), required=False, choices=[("", _("Everything")), *KINDS.items()])
    field_order = ["kind", "first", "last"]

    def filters(self) -> statement.Filters:
        """Returns what is asked for; a field that cannot be read narrows nothing. The form has been validated."""
        kind = self.cleaned_data.get("kind")
        return statement.Filters(Kind(kind) if kind else None, self.since(), self.until())


@require_safe
@customer_page
def funds(request: CustomerRequest) -> HttpResponse:
    """Shows balance, spending and a page of the statement, by `kind`, `first` and `last`."""
    form = FilterForm(request.GET)
    form.is_valid()
    filters, start = form.filters(), paging.before(request)
    told = statement.page(request.customer.pk, filters, before=start, limit=paging.ROWS)
    rows = [(each, KINDS[each.kind]) for each in told.entries]
    kept = request.GET.copy()
    kept.pop("before", None)
    wallet = request.customer.wallet
    given = {
        "form": form,
        "page": paging.page(rows, start, told.next_before),
        "is_filtered": bool(start) or filters != statement.ALL,
        "query": kept.urlencode(),
        "available_micros": (wallet.balance_micros or 0) + wallet.credit_limit_micros,
        **_plotted(request),
    }
    return render(request, "shop/funds.html", given)


@require_safe
@customer_page
def funds_csv(request: CustomerRequest) -> HttpResponseBase:
    """Sends the whole statement, narrowed as the page is."""
    form = FilterForm(request.GET)
    form.is_valid()
    name = f"statement-{request.now:%Y-%m-%d}.csv"
    return csv_file(name, statement.csv(request.customer.pk, form.filters()))


def _plotted(request: CustomerRequest) -> dict[str, object]:
    today = request.now.astimezone(UTC).date()
    days = figures.of_customer(request.customer.pk, today - timedelta(days=7 * WEEKS - 1), today)
    weeks = [days[at : at + 7] for at in range(0, len(days), 7)]
    spent = [sum(each.spent_micros for each in week) for week in weeks]
    title = _("Spent per week, %(currency)s") % {"currency": request.customer.currency}
    labels = days_of(week[0] for week in weeks)
    return {
        "weeks": WEEKS,
        "spent_micros": sum(spent),
        "plot": bar_plot(title, labels, [Series(_("Spent"), spent)], lambda micros: amount(micros, "charge")),
    }
