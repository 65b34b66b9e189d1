"""Tickets: the queue, what waits for us first; the conversation with its notes and orders, and who looks after it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

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
from sutler.web.ticket_page import CATEGORIES, NO_MESSAGE, MessageForm, is_sent_already, last_message_id

TABS = {
    "open": gettext_lazy("Needs reply"),
    "mine": gettext_lazy("Mine"),
    "answered": gettext_lazy("Answered"),
    "closed": gettext_lazy("Closed"),
    "all": gettext_lazy("All"),
}
PRIORITIES = {
    Ticket.Priority.HIGH: gettext_lazy("High"),
    Ticket.Priority.NORMAL: gettext_lazy("Normal"),
    Ticket.Priority.LOW: gettext_lazy("Low"),
}
_NOT_WRITTEN: dict[str | Reason, Words] = {"text": NO_MESSAGE}


class FilterForm(forms.Form):
    """What the queue is narrowed to."""

    state = forms.CharField(required=False, widget=forms.HiddenInput)
    category = forms.ChoiceField(
        label=gettext_lazy("About"), required=False, choices=[("", gettext_lazy("Everything")), *CATEGORIES.items()]
    )
    customer = forms.IntegerField(
        label=gettext_lazy("Customer ID"), required=False, min_value=1, max_value=LARGEST_NUMBER
    )


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


@require_safe
@staff_page(Permission.TICKETS)
def ticket(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Shows a ticket, with the forms to answer and to sort it, and marks it as read."""
    return _shown(request, _read(ticket_id))


@require_POST
@staff_page(Permission.TICKETS)
def ticket_reply(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Answers the customer."""
    return _write(request, _read(ticket_id), tickets.answer, _("Reply sent."))


@require_POST
@staff_page(Permission.TICKETS)
def ticket_reply_and_close(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Answers the customer and closes the ticket."""
    return _write(request, _read(ticket_id), tickets.answer, _("Reply sent."), close=True)


@require_POST
@staff_page(Permission.TICKETS)
def ticket_note(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Keeps a note that only staff see."""
    return _write(request, _read(ticket_id), tickets.note, _("Note saved."))


@require_POST
@staff_page(Permission.TICKETS)
def ticket_assign(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Sets who looks after the ticket, and how urgent it is."""
    thread = _read(ticket_id)
    form = SortForm(thread.ticket, request.POST)
    if form.is_valid() and _sort(request, thread, form):
        return redirect("office:ticket", ticket_id)
    return _shown(request, thread, sort=form)


@require_POST
@staff_page(Permission.TICKETS)
def ticket_link_order(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Links an order of the customer to the ticket."""
    thread, form = _read(ticket_id), TieForm(request.POST)
    if form.is_valid() and _tie(request, thread, form):
        return redirect("office:ticket", ticket_id)
    return _shown(request, thread, tie=form)


@require_POST
@staff_page(Permission.TICKETS)
def ticket_close(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Closes a ticket."""
    if tickets.close(ticket_id, request.now) is not None:
        raise Http404
    messages.success(request, _("Ticket closed."))
    return redirect("office:tickets")


@require_POST
@staff_page(Permission.TICKETS)
def ticket_reopen(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Opens a closed ticket again."""
    if tickets.reopen(ticket_id) is not None:
        raise Http404
    messages.success(request, _("Ticket reopened."))
    return redirect("office:ticket", ticket_id)


def _read(ticket_id: int) -> tickets.Thread:
    thread = tickets.read_by_staff(ticket_id)
    if thread is None:
        raise Http404
    return thread


def _shown(request: StaffRequest, thread: tickets.Thread, **wrong: forms.Form) -> HttpResponse:
    """Shows the ticket; a form that was sent and is `wrong` in place of the empty one."""
    given = {
        "thread": thread,
        "ticket": thread.ticket,
        "room": "office",
        "category": CATEGORIES[Ticket.Category(thread.ticket.category)],
        "orders": Order.objects.filter(pk__in=thread.order_ids).select_related("service"),
        "write": MessageForm(initial={"last": last_message_id(thread)}),
        "sort": SortForm(thread.ticket),
        "tie": TieForm(),
    }
    return render(request, "office/ticket.html", given | wrong)


def _write(
    request: StaffRequest,
    thread: tickets.Thread,
    verb: Callable[[int, User, str, datetime], Message | Refusal],
    success: str,
    *,
    close: bool = False,
) -> HttpResponse:
    """Stores an answer or a note once; while somebody has written in between, its writer looks first."""
    form, ticket_id = MessageForm(request.POST), thread.ticket.pk
    if not form.is_valid():
        return _shown(request, thread, write=form)
    text = form.cleaned_data["text"]
    if thread.messages and form.cleaned_data["last"] != last_message_id(thread):
        if is_sent_already(thread, request.user, text):
            return redirect("office:ticket", ticket_id)
        form.data = {**request.POST.dict(), "last": str(last_message_id(thread))}
        form.add_error(None, _("There is a newer reply above. Read it, then send again."))
        return _shown(request, thread, write=form)
    answer = verb(ticket_id, request.user, text, request.now)
    if isinstance(answer, Refusal):
        refuse(form, answer, _NOT_WRITTEN)
        return _shown(request, thread, write=form)
    if close:
        tickets.close(ticket_id, request.now)
    messages.success(request, success)
    return redirect("office:ticket", ticket_id)


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
