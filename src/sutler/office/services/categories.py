"""The headings of the catalogue: made, renamed, put into order, removed where nothing stands below them."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts import audit_log
from sutler.accounts.roles import Permission
from sutler.catalogue import sorting
from sutler.catalogue.models import Category
from sutler.core.refusals import Reason, Refusal
from sutler.core.service_row import LONGEST_CATEGORY
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.catalogue.edit_services import audited
from sutler.office.audited_actions import numbers
from sutler.office.refusal_text import Words, refuse, words
from sutler.web.access import StaffRequest, staff_page

_NOT_DONE: dict[str | Reason, Words] = {
    "name": gettext_lazy("This category name is taken. Use another."),
    Reason.MOVE_NOT_ALLOWED: gettext_lazy("This category has services. Move them to another category first."),
}


class CategoryForm(forms.Form):
    """A heading of the catalogue."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_CATEGORY)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def categories_list(request: StaffRequest) -> HttpResponse:
    """Shows the categories in their order; a POST makes one."""
    form = CategoryForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _save(request, form, None):
        return redirect("office:categories")
    given = {"rows": sorting.categories(), "form": form, "here": "categories"}
    return render(request, "office/categories.html", given)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def category(request: StaffRequest, category_id: int) -> HttpResponse:
    """Renames a category."""
    found = Category.objects.filter(pk=category_id).first()
    if found is None:
        raise Http404
    form = CategoryForm(request.POST if request.method == "POST" else None, initial={"name": found.name})
    if form.is_valid() and _save(request, form, found):
        return redirect("office:categories")
    return render(request, "office/category.html", {"category": found, "form": form})


@require_POST
@staff_page(Permission.CATALOGUE)
def categories_order(request: StaffRequest) -> HttpResponse:
    """Puts the categories into the order `ids`, or moves one a place `up` or `down`."""
    step = numbers([request.POST.get("up", ""), request.POST.get("down", "")])
    if step:
        stand = Category.objects.order_by("position", "pk").values_list("pk", flat=True)
        ids = sorting.step(list(stand), step[0], is_up="up" in request.POST)
    else:
        ids = numbers(request.POST.get("ids", "").split(","), most=5000)
    sorting.put_categories(ids)
    audit_log.write(request.user, "categories arranged", Subject(SubjectType.CATEGORIES), request.now)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect("office:categories")


@require_POST
@staff_page(Permission.CATALOGUE)
def category_remove(request: StaffRequest, category_id: int) -> HttpResponse:
    """Removes an empty category."""
    subject = Subject(SubjectType.CATEGORY, category_id)
    outcome = audited(
        lambda: sorting.remove_category(category_id), request.user, "category removed", subject, request.now
    )
    if isinstance(outcome, Refusal):
        messages.error(request, words(outcome, _NOT_DONE))
    else:
        messages.success(request, _("Category %(name)s removed.") % {"name": outcome})
    return redirect("office:categories")


def _save(request: StaffRequest, form: CategoryForm, found: Category | None) -> bool:
    pk, name = found.pk if found else None, form.cleaned_data["name"]
    saved = audited(
        lambda: sorting.save_category(name, pk),
        request.user,
        "category renamed" if found else "category made",
        lambda category: Subject(SubjectType.CATEGORY, category.pk),
        request.now,
        before={"name": found.name} if found else None,
        after={"name": name},
    )
    if isinstance(saved, Refusal):
        refuse(form, saved, _NOT_DONE)
        return False
    messages.success(request, _("Category saved."))
    return True
