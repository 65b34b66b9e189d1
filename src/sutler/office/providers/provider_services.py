"""What a provider sells: searched, compared with before, prices that jumped decided, put on sale here."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts.roles import Permission
from sutler.core import skipped_rows
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text import text_input
from sutler.fulfilment.catalogue import import_services
from sutler.fulfilment.catalogue.edit_services import audited
from sutler.fulfilment.catalogue.import_services import Rule
from sutler.fulfilment.models import CatalogueChange, Provider, Route, UpstreamService
from sutler.fulfilment.worker import tasks
from sutler.office.fields import LimitField, PercentField, search_field
from sutler.office.providers.provider import find, head
from sutler.office.refusal_text import words
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page
from sutler.web.amount_field import AmountField
from sutler.web.long_select import LongSelect
from sutler.web.selection import selected

ROWS = 50
SHOWN = 200
MOST_SELECTED = 500


class FilterForm(forms.Form):
    """What the provider's catalogue is narrowed to."""

    q = search_field(gettext_lazy("ID, name or category"))
    category = forms.ChoiceField(label=gettext_lazy("Category"), required=False, widget=LongSelect)
    sold = forms.ChoiceField(
        label=gettext_lazy("Show"),
        required=False,
        choices=[
            ("", gettext_lazy("All services")),
            ("yes", gettext_lazy("Imported")),
            ("no", gettext_lazy("Not imported")),
            ("gone", gettext_lazy("Removed by provider")),
        ],
    )

    def __init__(self, found: Provider, *args: Any) -> None:
        super().__init__(*args)
        offered = UpstreamService.objects.filter(provider=found).exclude(category="").order_by("category")
        names = offered.values_list("category", flat=True).distinct()
        self.fields["category"].choices = [("", gettext_lazy("All")), *((each, each) for each in names)]  # type: ignore[attr-defined]


class RuleForm(forms.Form):
    """What imported services are sold for, and under which heading."""

    markup = PercentField(label=gettext_lazy("Markup (%)"), initial=3000)
    fixed = LimitField(label=gettext_lazy("Plus a fixed amount"), required=False, initial=0)
    step = AmountField(label=gettext_lazy("Round up to"), required=False, initial=10_000)
    heading = forms.CharField(
        label=gettext_lazy("Import into category"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Leave empty to keep the provider's categories."),
    )

    def rule(self) -> Rule:
        """Returns what the verbs take."""
        given = self.cleaned_data
        return Rule(given["markup"], given["fixed"] or 0, given["step"] or 1)


@require_safe
@staff_page(Permission.PROVIDERS)
def provider_services(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Lists what a provider sells by `q` and `sold`, from the row behind `after` on."""
    found = find(provider_id)
    form, rows = _found_by(found, request)
    after = text_input.number(request.GET.get("after", "")) or 0
    sold = list(rows.filter(pk__gt=after).prefetch_related("routes").order_by("pk")[: ROWS + 1])
    older = str(sold[ROWS - 1].pk) if len(sold) > ROWS else ""
    page = paging.Page(sold[:ROWS], "after", "first" if after else "", older)
    waiting = CatalogueChange.objects.filter(upstream_service__provider=found, state=CatalogueChange.State.WAITING)
    given = head(found, "services", request.now) | {
        "form": form,
        "page": page,
        "found": rows.count(),
        "query": [(name, value) for name, value in form.cleaned_data.items() if value] if form.is_valid() else [],
        "task": tasks.newest(provider_id).get(tasks.Kind.SYNC),
        "waiting_count": waiting.count(),
        "is_narrowed": any(form.cleaned_data.values()) if form.is_valid() else False,
    }
    return render(
        request, "office/provider_services_rows.html" if request.htmx else "office/provider_services.html", given
    )


@require_safe
@staff_page(Permission.PROVIDERS)
def provider_sync(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Shows how far the sync is that was asked for, and what the last one came to."""
    found = find(provider_id)
    task = tasks.newest(provider_id).get(tasks.Kind.SYNC)
    given = head(found, "services", request.now) | {"task": task}
    if not request.htmx:
        return redirect("office:provider_services", provider_id)
    return render(request, "office/provider_sync.html", given)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PROVIDERS)
def provider_import(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Shows what the `services` selected, or all that the filters find, would be sold for."""
    form = RuleForm(request.POST if request.method == "POST" else None)
    return _import_preview(request, find(provider_id), form)


@require_POST
@staff_page(Permission.PROVIDERS)
def provider_import_apply(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Puts the services on sale as the preview showed them (`seen`); if it would show others, shows it again."""
    found, form = find(provider_id), RuleForm(request.POST)
    outcome = _bring_in(request, found, form) if form.is_valid() else None
    if outcome is None or isinstance(outcome, Refusal):
        if outcome is not None and outcome.field == "seen":
            messages.warning(request, _("Services or prices have changed. Check the new preview."))
        elif outcome is not None:
            form.add_error(outcome.field if outcome.field in form.fields else None, words(outcome))
        return _import_preview(request, found, form)
    numbers = {"new": len(outcome.made), "there": len(outcome.there), "refused": len(outcome.refused)}
    said = _("Services imported: %(new)s, already imported: %(there)s, cannot be imported: %(refused)s.") % numbers
    messages.success(request, said)
    if not outcome.refused:
        return redirect("office:provider_services", provider_id)
    given = head(found, "services", request.now) | {"left_out": outcome.left_out()}
    return render(request, "office/provider_imported.html", given)


def _selected_ids(request: StaffRequest, found: Provider) -> list[str]:
    """Returns the provider's ids of the services that the query string selects, by name or by the filters."""
    selection = selected(request.GET, "services", MOST_SELECTED)
    if not selection.is_all_found:
        return selection.values
    _form, rows = _found_by(found, request)
    return list(rows.order_by("pk").values_list("upstream_id", flat=True))


def _import_preview(request: StaffRequest, found: Provider, form: RuleForm) -> HttpResponse:
    rule = form.rule() if form.is_valid() else Rule(3000, 0, 10_000)
    prospects = import_services.preview(found, rule, _selected_ids(request, found))
    rows = [] if isinstance(prospects, Refusal) else prospects
    given = head(found, "services", request.now) | {
        "form": form,
        "query": request.GET.urlencode(),
        "seen": import_services.fingerprint(rows),
        "rows": rows[:SHOWN],
        "rest": len(rows[SHOWN:]),
        "left_out": skipped_rows.by_reason((each.upstream.upstream_id, each.why) for each in rows if each.why),
        "new_count": sum(each.is_new for each in rows),
        "base": settings.SUTLER["SUTLER_BASE_CURRENCY"],
    }
    return render(request, "office/provider_import.html", given)


def _bring_in(request: StaffRequest, found: Provider, form: RuleForm) -> import_services.Imported | Refusal:
    """Puts what was selected on sale: in one transaction, or, where it is more than a batch, in several."""
    rule, heading, ids = form.rule(), form.cleaned_data["heading"].strip(), _selected_ids(request, found)
    seen = import_services.preview(found, rule, ids)
    if isinstance(seen, Refusal):
        return seen
    if import_services.fingerprint(seen) != request.POST.get("seen"):
        return Refusal(Reason.INCORRECT_FIELD, "seen")

    def bring_in() -> import_services.Imported | Refusal:
        return import_services.bring_in_many(found.pk, rule, request.now, ids, heading=heading, seen=seen)

    outcome = None if len(ids) <= import_services.BATCH else bring_in()
    return audited(
        lambda: outcome or bring_in(),
        request.user,
        "services put on sale",
        Subject(SubjectType.PROVIDER, found.pk),
        request.now,
        after={"markup_basis_points": rule.markup_basis_points, "services": len(ids), "upstream_ids": ids[:20]},
    )


def _found_by(found: Provider, request: StaffRequest) -> tuple[FilterForm, QuerySet[UpstreamService]]:
    """Returns the filters of the query string, and the services that they leave."""
    form = FilterForm(found, request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    rows = UpstreamService.objects.filter(provider=found, gone_at__isnull=wanted.get("sold") != "gone")
    for word in (wanted.get("q") or "").split():
        rows = rows.filter(Q(name__icontains=word) | Q(category__icontains=word) | Q(upstream_id=word))
    if wanted.get("category"):
        rows = rows.filter(category=wanted["category"])
    if wanted.get("sold") in {"yes", "no"}:
        is_sold = Exists(Route.objects.filter(upstream_service=OuterRef("pk")))
        rows = rows.filter(is_sold if wanted["sold"] == "yes" else ~is_sold)
    return form, rows
