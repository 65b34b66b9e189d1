"""Tickets: the queue, what waits for us first; the conversation with its notes and orders, and who looks after it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts.models import User
from sutler.accounts.roles import Permission, may
from sutler.accounts.staff import members
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Reason, Refusal
from sutler.office.refusal_text import Words, refuse
from sutler.orders.models import Order
from sutler.support import tickets
from sutler.support.models import Message, Ticket
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page

TABS = {
    "open": gettext_lazy("Needs reply"),
    "mine": gettext_lazy("Mine"),
    "answered": gettext_lazy("Answered"),
    "closed": gettext_lazy("Closed"),
    "all": gettext_lazy("All"),
}
CATEGORIES = {
    Ticket.Category.ORDER: gettext_lazy("Order"),
    Ticket.Category.PAYMENT: gettext_lazy("Payment"),
    Ticket.Category.API: gettext_lazy("API"),
    Ticket.Category.REPORT: gettext_lazy("Abuse report"),
    Ticket.Category.OTHER: gettext_lazy("Other"),
}
PRIORITIES = {
    Ticket.Priority.HIGH: gettext_lazy("High"),
    Ticket.Priority.NORMAL: gettext_lazy("Normal"),
    Ticket.Priority.LOW: gettext_lazy("Low"),
}
_EMPTY = gettext_lazy("Enter a message of at most 10,000 characters.")
_NOT_WRITTEN: dict[str | Reason, Words] = {"text": _EMPTY}


class FilterForm(forms.Form):
    """What the queue is narrowed to."""

    state = forms.CharField(required=False, widget=forms.HiddenInput)
    category = forms.ChoiceField(
        label=gettext_lazy("About"), required=False, choices=[("", gettext_lazy("Everything")), *CATEGORIES.items()]
    )
    customer = forms.IntegerField(
        label=gettext_lazy("Customer ID"), required=False, min_value=1, max_value=LARGEST_NUMBER
    )


class WriteForm(forms.Form):
    """An answer, or a note that staff alone see. `last` is the last message that its writer has seen."""

    text = forms.CharField(
        label=gettext_lazy("Reply"),
        max_length=tickets.LONGEST_TEXT,
        widget=forms.Textarea({"rows": 7}),
        error_messages={"required": _EMPTY},
    )
    last = forms.IntegerField(required=False, widget=forms.HiddenInput)


class SortForm(forms.Form):
    """Who looks after a ticket, and how urgent it is."""

    assignee = forms.ChoiceField(label=gettext_lazy("Assigned to"), required=False)
    priority = forms.TypedChoiceField(label=gettext_lazy("Preference"), coerce=int, choices=list(PRIORITIES.items()))

    def __init__(self, ticket: Ticket, data: Any = None) -> None:
        kept = {"assignee": str(ticket.assignee_id or ""), "priority": ticket.priority}
        super().__init__(data, initial=kept)
        staff = [each for each in members() if may(each, Permission.TICKETS)]
        named = [(str(each.pk), each.name or each.email) for each in staff]
        self.fields["assignee"].choices = [("", _("Unassigned")), *named]  # type: ignore[attr-defined]


class TieForm(forms.Form):
    """An order that the ticket is about."""

    order = forms.IntegerField(label=gettext_lazy("Order ID"), min_value=1, max_value=LARGEST_NUMBER)


@require_safe
@staff_page(Permission.TICKETS)
def tickets_list(request: StaffRequest) -> HttpResponse:
    """Shows the queue: by default what waits for us; `state` is one of TABS."""
    state = request.GET.get("state", "open")
    state = state if state in TABS else "open"
    form = FilterForm(request.GET)
    form.is_valid()
    asked = form.cleaned_data
    filters = tickets.Filters(
        states=_states(state),
        category=asked.get("category", ""),
        customer_id=asked.get("customer"),
        assignee_id=request.user.pk if state == "mine" else None,
    )
    start = paging.before(request)
    found = tickets.of_all(filters, before=start, limit=paging.ROWS + 1)
    following = found[paging.ROWS - 1].last_message_id if len(found) > paging.ROWS else None
    rows = [(each, CATEGORIES[Ticket.Category(each.category)]) for each in found[: paging.ROWS]]
    is_narrowed = bool(asked.get("category") or asked.get("customer"))
    given = {"page": paging.page(rows, start, following), "tabs": TABS.items(), "here": state, "form": form}
    return render(request, "office/tickets.html", given | {"is_narrowed": is_narrowed})


def _states(tab: str) -> frozenset[str]:
    if tab == "mine":
        return frozenset({Ticket.State.OPEN, Ticket.State.ANSWERED})
    return frozenset() if tab == "all" else frozenset({tab})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.TICKETS)
def ticket(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Shows a ticket; a POST does one thing to it (`do`): answer, answer_close, note, sort or tie."""
    thread = tickets.read_by_staff(ticket_id)
    if thread is None:
        raise Http404
    do = request.POST.get("do", "")
    given = request.POST if request.method == "POST" else None
    last = thread.messages[-1].pk if thread.messages else 0
    write = WriteForm(given if do in {"answer", "answer_close", "note"} else None, initial={"last": last})
    sort = SortForm(thread.ticket, given if do == "sort" else None)
    tie = TieForm(given if do == "tie" else None)
    done = (
        (write.is_valid() and _write(request, thread, write, do))
        or (sort.is_valid() and _sort(request, thread, sort))
        or (tie.is_valid() and _tie(request, thread, tie))
    )
    if done:
        return redirect("office:ticket", ticket_id)
    shown = {
        "thread": thread,
        "ticket": thread.ticket,
        "category": CATEGORIES[Ticket.Category(thread.ticket.category)],
        "orders": Order.objects.filter(pk__in=thread.order_ids).select_related("service"),
        "write": write,
        "sort": sort,
        "tie": tie,
    }
    return render(request, "office/ticket.html", shown)


@require_POST
@staff_page(Permission.TICKETS)
def ticket_state(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Closes a ticket, or opens a closed one again (`do`)."""
    is_reopened = request.POST.get("do") == "reopen"
    refusal = tickets.reopen(ticket_id) if is_reopened else tickets.close(ticket_id, request.now)
    if refusal is not None:
        raise Http404
    messages.success(request, _("Ticket reopened.") if is_reopened else _("Ticket closed."))
    return redirect("office:ticket" if is_reopened else "office:tickets", *([ticket_id] if is_reopened else []))


def _write(request: StaffRequest, thread: tickets.Thread, form: WriteForm, do: str) -> bool:
    """Stores an answer or a note once; while somebody has written in between, its writer looks first."""
    text, ticket_id = form.cleaned_data["text"], thread.ticket.pk
    newest = thread.messages[-1] if thread.messages else None
    if newest is not None and form.cleaned_data["last"] != newest.pk:
        if _is_sent_already(newest, request.user, text):
            return True
        form.data = {**request.POST.dict(), "last": str(newest.pk)}
        form.add_error(None, _("There is a newer reply above. Read it, then send again."))
        return False
    verb = tickets.note if do == "note" else tickets.answer
    answer = verb(ticket_id, request.user, text, request.now)
    if isinstance(answer, Refusal):
        refuse(form, answer, _NOT_WRITTEN)
        return False
    if do == "answer_close":
        tickets.close(ticket_id, request.now)
    messages.success(request, _("Note saved.") if do == "note" else _("Reply sent."))
    return True


def _is_sent_already(newest: Message, author: User, text: str) -> bool:
    return newest.author_id == author.pk and newest.text.split() == text.split()


def _sort(request: StaffRequest, thread: tickets.Thread, form: SortForm) -> bool:
    chosen = form.cleaned_data["assignee"]
    assignee = User.objects.filter(pk=int(chosen)).first() if chosen else None
    refusal = tickets.assign(thread.ticket.pk, assignee)
    refusal = refusal or tickets.set_priority(thread.ticket.pk, form.cleaned_data["priority"])
    if refusal is not None:
        refuse(form, refusal)
        return False
    messages.success(request, _("Changes saved."))
    return True


def _tie(request: StaffRequest, thread: tickets.Thread, form: TieForm) -> bool:
    refusal = tickets.tie(thread.ticket.pk, form.cleaned_data["order"])
    if refusal is not None:
        refuse(form, refusal, field="order")
        return False
    messages.success(request, _("Order linked to the ticket."))
    return True
