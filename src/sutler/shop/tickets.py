"""A customer's tickets: the list, a new one, the conversation."""

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Reason, Refusal
from sutler.core.text import text_input
from sutler.orders.models import Order
from sutler.support import tickets
from sutler.support.models import Ticket
from sutler.web import paging
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.ticket_page import CATEGORIES, NO_MESSAGE, MessageForm, is_sent_already, last_message_id

# The word and the colour of each state, as a customer sees it.
STATES: Mapping[str, tuple[str | Promise, str]] = {
    Ticket.State.OPEN: (gettext_lazy("Awaiting reply"), "note"),
    Ticket.State.ANSWERED: (gettext_lazy("Answered"), "good"),
    Ticket.State.CLOSED: (gettext_lazy("Closed"), ""),
}
# What customers may choose; abuse is reported on a page of its own.
_CHOICES = [(each, words) for each, words in CATEGORIES.items() if each != Ticket.Category.REPORT]


class OpenForm(forms.Form):
    """What a new ticket is about."""

    category = forms.ChoiceField(label=gettext_lazy("About"), choices=_CHOICES)
    orders = forms.CharField(
        label=gettext_lazy("Order IDs"),
        help_text=gettext_lazy("IDs of the orders concerned, separated by commas."),
        required=False,
        max_length=500,
    )
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=tickets.LONGEST_SUBJECT)
    text = forms.CharField(
        label=gettext_lazy("Your message"),
        max_length=tickets.LONGEST_TEXT,
        widget=forms.Textarea({"rows": 8}),
        error_messages={"required": NO_MESSAGE},
    )

    def clean_orders(self) -> list[int]:
        """Returns the ids of the orders."""
        ids = []
        for each in self.cleaned_data["orders"].replace(",", " ").replace("#", " ").split():
            pk = text_input.number(each)
            if pk is None or pk > LARGEST_NUMBER:
                raise ValidationError(
                    _("Invalid order ID: %(text)s. Enter digits, separated by commas.") % {"text": each}
                )
            ids.append(pk)
        return ids


@require_safe
@customer_page
def tickets_list(request: CustomerRequest) -> HttpResponse:
    """Shows a page of the tickets, the liveliest first."""
    start = paging.before(request)
    found = tickets.of_customer(request.customer.pk, before=start, limit=paging.ROWS + 1)
    following = found[paging.ROWS - 1].last_message_id if len(found) > paging.ROWS else None
    rows = [(each, *STATES[each.state], _about(each)) for each in found[: paging.ROWS]]
    return render(request, "shop/tickets.html", {"page": paging.page(rows, start, following)})


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def ticket_new(request: CustomerRequest) -> HttpResponse:
    """Shows the form, with `order` filled in if the address names one; a POST opens the ticket."""
    asked = request.GET.get("order", "")[:20]
    initial = {"category": Ticket.Category.ORDER, "orders": asked} if asked else {}
    form = OpenForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        opened = _open(request, form)
        if opened is not None:
            messages.success(request, _("Ticket opened. We reply here, and by email if your profile allows it."))
            return redirect("shop:ticket", opened.pk)
    return render(request, "shop/ticket_new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def ticket(request: CustomerRequest, ticket_id: int) -> HttpResponse:
    """Shows the conversation and marks it as read; a POST writes in it."""
    thread = tickets.read_by_customer(request.customer.pk, ticket_id)
    if thread is None:
        raise Http404
    form = MessageForm(request.POST if request.method == "POST" else None, initial={"last": last_message_id(thread)})
    if form.is_valid() and _reply(request, thread, form):
        return redirect("shop:ticket", ticket_id)
    state_words, state_colour = STATES[thread.ticket.state]
    orders = Order.objects.filter(customer_id=request.customer.pk, pk__in=thread.order_ids).select_related("service")
    given = {
        "thread": thread,
        "ticket": thread.ticket,
        "room": "shop",
        "form": form,
        "orders": orders.order_by("-pk"),
        "state_words": state_words,
        "state_colour": state_colour,
        "category": _about(thread.ticket),
    }
    return render(request, "shop/ticket.html", given)


@require_POST
@customer_page
def ticket_close(request: CustomerRequest, ticket_id: int) -> HttpResponse:
    """Closes a ticket."""
    if tickets.close(ticket_id, request.now, customer_id=request.customer.pk) is not None:
        raise Http404
    messages.success(request, _("Ticket closed."))
    return redirect("shop:ticket", ticket_id)


@require_POST
@customer_page
def ticket_reopen(request: CustomerRequest, ticket_id: int) -> HttpResponse:
    """Opens a closed ticket again."""
    if tickets.reopen(ticket_id, customer_id=request.customer.pk) is not None:
        raise Http404
    messages.success(request, _("Ticket reopened."))
    return redirect("shop:ticket", ticket_id)


def _about(ticket: Ticket) -> str | Promise:
    return CATEGORIES.get(Ticket.Category(ticket.category), CATEGORIES[Ticket.Category.OTHER])


def _open(request: CustomerRequest, form: OpenForm) -> Ticket | None:
    given = form.cleaned_data
    answer = tickets.open_(
        request.customer.pk,
        request.user,
        given["subject"],
        given["text"],
        request.now,
        category=given["category"],
        order_ids=given["orders"],
    )
    if not isinstance(answer, Refusal):
        return answer
    if answer.reason is Reason.TOO_MANY_REQUESTS:
        form.add_error(None, _("You have 20 open tickets, the most allowed. Reply in one of them instead."))
    elif answer.field == "orders":
        form.add_error("orders", _("Invalid order IDs. Enter up to 50 of your own orders."))
    else:
        form.add_error(
            answer.field if answer.field in form.fields else None, _("Invalid value. Correct it and try again.")
        )
    return None


def _reply(request: CustomerRequest, thread: tickets.Thread, form: MessageForm) -> bool:
    """Stores the message once; what came in between is no reason to hold a customer's message back."""
    text = form.cleaned_data["text"]
    if form.cleaned_data["last"] != last_message_id(thread) and is_sent_already(thread, request.user, text):
        return True
    answer = tickets.reply(request.customer.pk, thread.ticket.pk, request.user, text, request.now)
    if isinstance(answer, Refusal):
        is_full = answer.reason is Reason.TOO_MANY_REQUESTS
        form.add_error(
            None if is_full else "text",
            _("This ticket has reached its message limit. Open a new one.") if is_full else NO_MESSAGE,
        )
        return False
    messages.success(request, _("Message sent."))
    return True
