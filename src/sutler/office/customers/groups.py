"""Groups of customers: the discount that each shares."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts import groups
from sutler.accounts.models import CustomerGroup
from sutler.accounts.roles import Permission
from sutler.core.refusals import Reason, Refusal
from sutler.office.fields import PercentField
from sutler.office.refusal_text import Words, refuse, words
from sutler.web.access import StaffRequest, staff_page

_NOT_SAVED: dict[str | Reason, Words] = {
    "name": gettext_lazy("This group name is taken. Use another."),
    "discount": gettext_lazy("Invalid discount. Enter 0 to 99.99 %."),
    Reason.MOVE_NOT_ALLOWED: gettext_lazy("The group has customers. Move them to another group first."),
}


class GroupForm(forms.Form):
    """A group's name and discount."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=groups.LONGEST_NAME)
    discount = PercentField(
        label=gettext_lazy("Discount (%)"),
        help_text=gettext_lazy("Deducted from every list price. Applies to new orders at once."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def groups_list(request: StaffRequest) -> HttpResponse:
    """Shows the groups; a POST makes one."""
    form = GroupForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _save(request, form, None):
        return redirect("office:groups")
    return render(request, "office/groups.html", {"rows": groups.listed(), "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def group(request: StaffRequest, group_id: int) -> HttpResponse:
    """Changes a group."""
    found = CustomerGroup.objects.filter(pk=group_id).first()
    if found is None:
        raise Http404
    kept = {"name": found.name, "discount": found.discount_basis_points}
    form = GroupForm(request.POST if request.method == "POST" else None, initial=kept)
    if form.is_valid() and _save(request, form, group_id):
        return redirect("office:groups")
    return render(request, "office/group.html", {"group": found, "form": form})


@require_POST
@staff_page(Permission.CATALOGUE)
def group_remove(request: StaffRequest, group_id: int) -> HttpResponse:
    """Takes an empty group away."""
    refusal = groups.remove(group_id, request.user, request.now)
    if refusal is None:
        messages.success(request, _("Group removed."))
    else:
        messages.error(request, words(refusal, _NOT_SAVED))
    return redirect("office:groups")


def _save(request: StaffRequest, form: GroupForm, group_id: int | None) -> bool:
    asked = form.cleaned_data
    saved = groups.save(asked["name"], asked["discount"], request.user, request.now, group_id=group_id)
    if isinstance(saved, Refusal):
        refuse(form, saved, _NOT_SAVED)
        return False
    messages.success(request, _("Group saved."))
    return True
