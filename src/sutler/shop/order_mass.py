"""A mass order: lines of service, link and quantity, first checked, then placed, with a report for each line."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from sutler.catalogue.storefront import Storefront
from sutler.core.clock import new_token
from sutler.core.placing import Draft
from sutler.core.refusals import Reason, Refusal
from sutler.orders import mass
from sutler.orders.models import Order
from sutler.orders.place import Placed
from sutler.shop.order_text import FIELDS, words
from sutler.shop.services import storefront_of
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web.access import CustomerRequest, customer_page

# Where a session keeps the report of the last sending.
SESSION_KEY = "mass_report"
# Blank lines count here, so it is more than the lines that may be asked for.
MOST_MENDED = 5 * mass.MOST_LINES
# So many good lines stand open; more are behind a heading.
MOST_OPEN = 8


class MassForm(forms.Form):
    """The lines, a name for this sending, and the digest of the lines that were checked."""

    orders = forms.CharField(
        label=_("Orders, one per line"),
        help_text=_(
            "service ID | link | quantity, or pasted from a spreadsheet. Up to 200 lines. Packages need no quantity."
        ),
        strip=False,
        max_length=mass.MOST_LINES * mass.LONGEST_LINE,
        widget=forms.Textarea(
            {"rows": 10, "spellcheck": "false", "class": "code", "placeholder": "1|https://example.com/page|1000"}
        ),
    )
    once = forms.CharField(max_length=64, widget=forms.HiddenInput)
    checked = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def lines(self) -> list[mass.Line]:
        """Returns the lines; none, with an error beside the field, if there are none or too many."""
        read = mass.read(self.cleaned_data["orders"])
        if isinstance(read, Refusal):
            self.add_error("orders", gettext("Enter 1 to %(most)s lines.") % {"most": mass.MOST_LINES})
            return []
        return read


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the report: what was asked and what it came to. `fault` says why it is not placed."""

    number: int
    text: str
    service: str = ""
    link: str = ""
    quantity: int | None = None
    charge_micros: int | None = None
    order_id: int | None = None
    fault: str = ""
    # The line of the box that holds it, and the line before that asks for the same.
    box: int = 0
    repeats: int | None = None


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def order_mass(request: CustomerRequest) -> HttpResponse:
    """Takes the lines; a POST shows what each would do."""
    if request.method != "POST":
        return _reported(request) if "report" in request.GET else _shown(request, _blank(), [])
    form = MassForm(_mended(request.POST))
    return _checked(request, form, form.lines() if form.is_valid() else [])


@require_POST
@customer_page
def order_mass_place(request: CustomerRequest) -> HttpResponse:
    """Places the lines as they were checked; others are checked first."""
    form = MassForm(_mended(request.POST))
    lines = form.lines() if form.is_valid() else []
    if lines and form.cleaned_data["checked"] == _digest(lines):
        return _place(request, form, lines)
    if lines:
        form.add_error("orders", _("The lines have changed since the check. Review the result again."))
    return _checked(request, form, lines)


def _mended(given: QueryDict) -> dict[str, Any]:
    """Returns the form with the lines that were mended in the report, each in its place in the box."""
    lines = given.get("orders", "").splitlines()
    for number in range(1, min(len(lines), MOST_MENDED) + 1):
        lines[number - 1] = given.get(f"line-{number}", lines[number - 1])
    return given.dict() | {"orders": "\n".join(lines)}


def _checked(request: CustomerRequest, form: MassForm, lines: list[mass.Line]) -> HttpResponse:
    if not lines:
        return _shown(request, form, [])
    once = form.cleaned_data["once"]
    reports = mass.rehearse_lines(request.customer.pk, lines, once, request.now)
    rows = _rows(reports, storefront_of(request.customer), mass.repeats(lines))
    form.data = {**dict(form.data.items()), "checked": _digest(lines)}
    return _shown(request, form, rows)


def _blank(text: str = "") -> MassForm:
    return MassForm(initial={"orders": text, "once": new_token()})


def _digest(lines: Sequence[mass.Line]) -> str:
    return hashlib.sha256("\n".join(f"{each.number} {each.text}" for each in lines).encode()).hexdigest()


def _place(request: CustomerRequest, form: MassForm, lines: list[mass.Line]) -> HttpResponse:
    try:
        reports = mass.place_lines(request.customer.pk, lines, form.cleaned_data["once"], request.now)
    except Busy:
        form.add_error(None, _("Too many requests right now. No orders were placed. Try again."))
        return _shown(request, form, [])
    except CommitUnclear:
        form.add_error(
            None, _("We could not confirm whether the orders were placed. Submit again: no order is placed twice.")
        )
        return _shown(request, form, [])
    placed = [(each.line.number, each.outcome.order_id) for each in reports if isinstance(each.outcome, Placed)]
    left = [
        (each.line.number, each.line.text, _fault(each.outcome))
        for each in reports
        if isinstance(each.outcome, Refusal)
    ]
    request.session[SESSION_KEY] = {"customer": request.customer.pk, "placed": placed, "left": left}
    return redirect(f"{reverse('shop:order_mass')}?report=1")


def _reported(request: CustomerRequest) -> HttpResponse:
    """Shows what became of the last sending; the lines that were not placed are in the box again."""
    kept: dict[str, Any] = request.session.get(SESSION_KEY, {})
    if kept.get("customer") != request.customer.pk:
        return redirect("shop:order_mass")
    numbers = {order_id: line for line, order_id in kept["placed"]}
    orders = Order.objects.select_related("service").filter(customer=request.customer, pk__in=numbers)
    rows = [
        Row(numbers[each.pk], "", str(each.service), each.link, each.quantity, each.charge_micros, each.pk)
        for each in orders
    ]
    rows += [Row(number, text, fault=fault, box=box) for box, (number, text, fault) in enumerate(kept["left"], 1)]
    form = _blank("\n".join(text for _, text, _ in kept["left"]))
    return _shown(request, form, sorted(rows, key=lambda row: row.number), is_done=True)


def _rows(reports: Sequence[mass.LineReport], sold: Storefront, repeats: Mapping[int, int]) -> list[Row]:
    rows = []
    for each in reports:
        line, outcome = each.line, each.outcome
        if isinstance(outcome, Draft):
            offer = sold.offer(outcome.terms.service_id)
            name = f"{offer.pk} {offer.name}" if offer else ""
            asked = outcome.quantity, outcome.charge_micros
            repeated = repeats.get(line.number)
            rows.append(Row(line.number, line.text, name, outcome.input.link, *asked, repeats=repeated))
        elif isinstance(outcome, Placed):
            rows.append(Row(line.number, line.text, order_id=outcome.order_id))
        else:
            rows.append(Row(line.number, line.text, fault=_fault(outcome), box=line.number))
    return rows


def _fault(refusal: Refusal) -> str:
    if refusal.reason is not Reason.INCORRECT_FIELD:
        return words(refusal)
    if refusal.field not in {"link", "quantity"}:
        return gettext("This service needs more than a link and a quantity. Order it under New order.")
    return f"{FIELDS[refusal.field].label}: {words(refusal)}"


def _shown(request: CustomerRequest, form: MassForm, rows: list[Row], *, is_done: bool = False) -> HttpResponse:
    good = [each for each in rows if not each.fault]
    total = sum(each.charge_micros or 0 for each in good)
    balance = request.customer.wallet.balance_micros or 0
    given = {
        "form": form,
        "rows": rows,
        "good": good,
        "faults": [each for each in rows if each.fault],
        "is_open": len(good) <= MOST_OPEN,
        "repeat_count": sum(each.repeats is not None for each in good),
        "is_done": is_done,
        "good_count": len(good),
        "fault_count": len(rows) - len(good),
        "total_micros": total,
        "after_micros": balance if is_done else balance - total,
    }
    return render(request, "shop/order_mass.html", given)
