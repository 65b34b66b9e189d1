"""One provider: how it does, its account, its settings, what it answered badly."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts.roles import Permission
from sutler.core.clock import new_token
from sutler.core.money import show_balance
from sutler.core.refusals import Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text import text_input
from sutler.fulfilment import provider_settings
from sutler.fulfilment.catalogue.edit_services import audited
from sutler.fulfilment.models import Attempt, LoggedCall, Provider, ProviderMinute
from sutler.fulfilment.providers import alarms, health, heartbeat, ledger
from sutler.fulfilment.worker import tasks
from sutler.office.fields import reason_field
from sutler.office.providers.providers import STATES, ProviderForm, kept, not_saved
from sutler.office.refusal_text import Words, refuse, words
from sutler.office.services.price_effects import accepts_rises, to_be_seen
from sutler.office.templatetags.order import share
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page
from sutler.web.amount_field import AmountField
from sutler.web.plots import Series, bar_plot, line_plot

HOURS = 24
_NOT_ASKED: dict[Any, Words] = {
    "off": gettext_lazy("The provider is disabled. Enable it first."),
    "": gettext_lazy("This is already running. Wait until it finishes."),
}
_NOT_BOOKED: dict[Any, Words] = {
    "name": gettext_lazy("This name was used for another entry. Use a different name."),
    "amount": gettext_lazy("Invalid amount. Enter one above zero that is not too large."),
}


class BookForm(forms.Form):
    """What was paid in at the provider, or went from there."""

    what = forms.ChoiceField(
        label=gettext_lazy("Transaction type"),
        choices=[
            ("topup", gettext_lazy("Payment to the provider")),
            ("drawn", gettext_lazy("Deduction: payout, fee or adjustment")),
        ],
    )
    amount = AmountField(label=gettext_lazy("Amount"))
    name = forms.CharField(
        label=gettext_lazy("Payment name"),
        max_length=ledger.LONGEST_NAME,
        help_text=gettext_lazy("Recorded once per name, such as an invoice ID."),
    )
    reason = reason_field()


def find(provider_id: int) -> Provider:
    """Returns the provider; 404 if there is none."""
    found = Provider.objects.select_related("live_state").filter(pk=provider_id).first()
    if found is None:
        raise Http404
    return found


def head(found: Provider, here: str, now: datetime) -> dict[str, Any]:
    """Returns what the head of every page of a provider shows."""
    state, colour = STATES[found.state]
    is_alive = heartbeat.is_alive(heartbeat.last_at(), now)
    return {
        "provider": found,
        "state_words": state,
        "state_colour": colour,
        "here": here,
        "is_alive": is_alive,
        "is_key_readable": provider_settings.is_key_readable(found),
    }


@require_safe
@staff_page(Permission.PROVIDERS)
def provider(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Shows how a provider does: its account, its answers in the last day, its alarms, the last test."""
    found = find(provider_id)
    newest = tasks.newest(provider_id)
    given = head(found, "overview", request.now) | {
        "tasks": newest,
        "is_busy": any(each.state in tasks.OPEN for each in newest.values()),
    }
    if request.htmx:
        return render(request, "office/provider_tasks.html", given)
    day = health.of_provider(provider_id, request.now, 60 * HOURS)
    unknown = Attempt.objects.unconfirmed_adds().filter(provider=provider_id)
    given |= {
        "held_micros": ledger.book_balance_micros(provider_id),
        "is_low": found.has_low_balance,
        "health": day,
        "errors": share(day.error_rate),
        "unknown": unknown.count(),
        "is_resting": found.live_state.rests_until is not None and found.live_state.rests_until > request.now,
        "alarms": alarms.recent(provider_id=provider_id, limit=10),
    } | _plots(provider_id, request.now)
    return render(request, "office/provider.html", given)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PROVIDERS)
def edit_provider(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Changes how a provider is asked; its worker takes it over within seconds."""
    found = find(provider_id)
    before = kept(found)
    form = ProviderForm(request.POST if request.method == "POST" else None, initial=before, found=found)
    if form.is_valid():
        terms = form.terms()
        changed = {name: value for name, value in terms.items() if name in before and before[name] != value}
        secrets = {name: "changed" for name in ("key", "extra_fields") if name in terms}
        if terms["trailing_slash"] == found.trailing_slash:
            changed.pop("trailing_slash", None)
        save = partial(
            audited,
            lambda: provider_settings.change(provider_id, request.now, accept_rises=accepts_rises(request), **terms),
            request.user,
            "provider changed",
            Subject(SubjectType.PROVIDER, provider_id),
            request.now,
            before={name: before[name] for name in changed},
            after=changed | secrets,
        )
        page = to_be_seen(request, save, reverse("office:provider_settings", args=[provider_id]))
        if page is not None and not secrets:
            return page
        if page is not None:  # what shows the effect sends the form again, and no page holds a key
            form.add_error("key", _("This changes service prices. Save it first, then the key and the fields."))
        elif isinstance(saved := save(), Refusal):
            refuse(form, saved, not_saved(saved, terms, provider_id), field="url")
        else:
            messages.success(request, _("Provider saved."))
            return redirect("office:provider_settings", provider_id)
    given = head(found, "settings", request.now) | {"form": form}
    return render(request, "office/provider_settings.html", given)


@require_POST
@staff_page(Permission.PROVIDERS)
def provider_enable(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Sends orders to a provider and follows them."""
    return _set_state(request, provider_id, Provider.State.ON)


@require_POST
@staff_page(Permission.PROVIDERS)
def provider_pause(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Sends no more orders to a provider; those that are there are followed."""
    return _set_state(request, provider_id, Provider.State.STOPPED)


@require_POST
@staff_page(Permission.PROVIDERS)
def provider_disable(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Asks a provider nothing at all."""
    return _set_state(request, provider_id, Provider.State.OFF)


@require_POST
@staff_page(Permission.PROVIDERS)
def provider_ask(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Asks the worker for a test, the balance or the catalogue (`kind`)."""
    kind = request.POST.get("kind", "")
    if kind not in tasks.Kind.values:
        raise Http404
    is_sync = kind == tasks.Kind.SYNC
    trust = is_sync and request.POST.get("trust") == "1"
    asked = tasks.ask(find(provider_id).pk, tasks.Kind(kind), request.user, request.now, trust=trust)
    if isinstance(asked, Refusal):
        messages.error(request, words(asked, _NOT_ASKED))
    return redirect("office:provider_services" if is_sync else "office:provider", provider_id)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PROVIDERS)
def provider_account(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Shows what the provider says that it holds and what our books say; books what was paid in or went from there."""
    found = find(provider_id)
    form = BookForm(request.POST if request.method == "POST" else None, initial={"name": new_token()[:12]})
    if form.is_valid():
        given = form.cleaned_data
        verb = ledger.top_up if given["what"] == "topup" else ledger.draw
        held = audited(
            lambda: verb(provider_id, given["amount"], given["name"], given["reason"], request.now),
            request.user,
            f"provider {given['what']}",
            Subject(SubjectType.PROVIDER, provider_id),
            request.now,
            reason=given["reason"],
            after={"amount": show_balance(given["amount"]), "name": given["name"]},
        )
        if not isinstance(held, Refusal):
            told = {"amount": show_balance(held), "currency": found.currency}
            messages.success(request, _("Recorded. Balance in our books: %(amount)s %(currency)s.") % told)
            return redirect("office:provider_account", provider_id)
        refuse(form, held, _NOT_BOOKED)
    shown = {"form": form, "held_micros": ledger.book_balance_micros(provider_id)}
    return render(request, "office/provider_account.html", head(found, "account", request.now) | shown)


@require_safe
@staff_page(Permission.PROVIDERS)
def provider_log(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Shows the calls that went wrong, newest first; with `order`, those about one order."""
    found = find(provider_id)
    calls = LoggedCall.objects.filter(provider=provider_id)
    order = request.GET.get("order", "")
    if (order_id := text_input.number(order)) is not None:
        calls = calls.filter(order_id=order_id)
    page = paging.by_key(calls, paging.before(request))
    given = head(found, "log", request.now) | {"page": page, "order": order}
    return render(request, "office/provider_log.html", given)


def _set_state(request: StaffRequest, provider_id: int, state: Provider.State) -> HttpResponse:
    audited(
        lambda: provider_settings.set_state(provider_id, state),
        request.user,
        "provider state set",
        Subject(SubjectType.PROVIDER, provider_id),
        request.now,
        before={"state": find(provider_id).state},
        after={"state": state},
    )
    messages.success(request, _("Status changed."))
    return redirect("office:provider", provider_id)


def _plots(provider_id: int, now: datetime) -> dict[str, Any]:
    """Returns the plots of the last day, hour by hour; one read of at most 1,440 small rows."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    sums = [[0, 0, 0] for _hour in range(HOURS)]
    rows = ProviderMinute.objects.filter(provider=provider_id, minute__gte=start).values_list("minute")
    counted = rows.annotate(Sum("calls"), Sum("total_milliseconds"), Sum("declined"), Sum("unanswered"))
    for minute, calls, milliseconds, declined, unanswered in counted:
        at = int((minute - start).total_seconds() // 3600)
        if 0 <= at < HOURS:
            for place, value in enumerate((calls, milliseconds, declined + unanswered)):
                sums[at][place] += value
    zone = timezone.get_current_timezone()
    labels = [f"{(start + timedelta(hours=at)).astimezone(zone):%H:%M}" for at in range(HOURS)]
    answers = [
        Series(_("Calls"), [each[0] for each in sums]),
        Series(_("Refused or no answer"), [each[2] for each in sums]),
    ]
    speed = [Series(_("Milliseconds"), [each[1] // each[0] if each[0] else 0 for each in sums])]
    return {
        "has_calls": any(each[0] for each in sums),
        "calls_plot": bar_plot(_("Calls per hour"), labels, answers),
        "speed_plot": line_plot(_("Average response time (ms)"), labels, speed),
    }
