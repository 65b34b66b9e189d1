"""The staff: who works here, in which role, and who no longer does."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts import staff
from sutler.accounts.models import Role, User
from sutler.accounts.roles import Permission
from sutler.core.refusals import Reason, Refusal
from sutler.office.customers.customers import NOT_INVITED
from sutler.office.refusal_text import Words, refuse, words
from sutler.web.access import StaffRequest, staff_page
from sutler.web.sign_in.invitations import invite, invite_again

ROLES = {
    Role.OWNER: (gettext_lazy("Owner"), gettext_lazy("Everything, including the team.")),
    Role.MANAGER: (gettext_lazy("Manager"), gettext_lazy("Everything except the team and settings.")),
    Role.SUPPORT: (gettext_lazy("Support"), gettext_lazy("Customers, tickets and orders; no balances.")),
    Role.FULFILMENT: (gettext_lazy("Fulfilment"), gettext_lazy("Manual orders, orders and unconfirmed orders.")),
}
_NOT_CHANGED: dict[str | Reason, Words] = {
    Reason.MOVE_NOT_ALLOWED: gettext_lazy("The last owner must stay. Give someone else the owner role first."),
    Reason.OTHER_PERSON_NEEDED: gettext_lazy("You cannot change your own role. Ask another owner."),
}


class InviteForm(forms.Form):
    """Somebody who is to work here."""

    email = forms.CharField(
        label=gettext_lazy("Email address"), max_length=254, widget=forms.EmailInput({"autocomplete": "off"})
    )
    name = forms.CharField(label=pgettext_lazy("person", "Name"), required=False, max_length=200)
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[(role, told[0]) for role, told in ROLES.items()],
        initial=Role.SUPPORT,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.STAFF)
def staff_list(request: StaffRequest) -> HttpResponse:
    """Shows everybody; a POST invites somebody."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        asked = form.cleaned_data
        holder = Role(asked["role"])
        made = invite(request, asked["email"], asked["name"], request.user, request.now, holder=holder)
        if not isinstance(made, Refusal):
            messages.success(request, _("Invitation sent to %(email)s.") % {"email": made.email})
            return redirect("office:staff")
        refuse(form, made, NOT_INVITED)
    given = {
        "rows": [(each, ROLES[Role(each.role)][0], not each.has_usable_password()) for each in staff.members()],
        "roles": [(role, *told) for role, told in ROLES.items()],
        "form": form,
    }
    return render(request, "office/staff.html", given)


@require_POST
@staff_page(Permission.STAFF)
def staff_role(request: StaffRequest, user_id: int) -> HttpResponse:
    """Gives a member of staff the role `role`."""
    person = _find(user_id)
    refusal = staff.give_role(person.pk, request.POST.get("role", ""), request.user, request.now)
    return _answer(request, person, refusal, _("Role of %(email)s changed."))


@require_POST
@staff_page(Permission.STAFF)
def staff_deactivate(request: StaffRequest, user_id: int) -> HttpResponse:
    """Ends a member's access and that of their API keys."""
    person = _find(user_id)
    refusal = staff.set_active(person.pk, active=False, actor=request.user, now=request.now)
    return _answer(request, person, refusal, _("%(email)s deactivated, with their API keys."))


@require_POST
@staff_page(Permission.STAFF)
def staff_reactivate(request: StaffRequest, user_id: int) -> HttpResponse:
    """Gives a former member access again."""
    person = _find(user_id)
    refusal = staff.set_active(person.pk, active=True, actor=request.user, now=request.now)
    return _answer(request, person, refusal, _("%(email)s reactivated."))


@require_POST
@staff_page(Permission.STAFF)
def staff_invite(request: StaffRequest, user_id: int) -> HttpResponse:
    """Sends the invitation again."""
    person = _find(user_id)
    refusal = invite_again(request, person, request.now)
    return _answer(request, person, refusal, _("Invitation sent to %(email)s."), NOT_INVITED)


def _find(user_id: int) -> User:
    person = User.objects.filter(pk=user_id, is_staff=True).first()
    if person is None:
        raise Http404
    return person


def _answer(
    request: StaffRequest,
    person: User,
    refusal: Refusal | None,
    success: str,
    own: Mapping[Any, Words] = _NOT_CHANGED,
) -> HttpResponse:
    if refusal is None:
        messages.success(request, success % {"email": person.email})
    else:
        messages.error(request, words(refusal, own))
    return redirect("office:staff")
