"""Who and what acts for a customer: the people who sign in, and the keys of programs."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts import audit_log, keys
from sutler.accounts.models import ApiKey, User
from sutler.accounts.roles import Permission
from sutler.core.refusals import Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.office.customers.customer import find
from sutler.office.customers.customers import NOT_INVITED
from sutler.office.refusal_text import refuse, words
from sutler.web.access import StaffRequest, staff_page
from sutler.web.sign_in.invitations import invite, invite_again

MOST_SHOWN = 100


class InviteForm(forms.Form):
    """Somebody who is to sign in for the customer."""

    email = forms.CharField(
        label=gettext_lazy("Email address"), max_length=254, widget=forms.EmailInput({"autocomplete": "off"})
    )
    name = forms.CharField(label=pgettext_lazy("person", "Name"), required=False, max_length=200)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CUSTOMERS)
def customer_access(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Shows people and keys; a POST invites somebody."""
    found = find(customer_id)
    form = InviteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        asked = form.cleaned_data
        made = invite(request, asked["email"], asked["name"], request.user, request.now, holder=found)
        if not isinstance(made, Refusal):
            messages.success(request, _("Invitation sent to %(email)s.") % {"email": made.email})
            return redirect("office:customer_access", customer_id)
        refuse(form, made, NOT_INVITED)
    people = User.objects.filter(customer=found).order_by("pk")[:MOST_SHOWN]
    given = {
        "customer": found,
        "here": "access",
        "form": form,
        "people": [(each, not each.has_usable_password()) for each in people],
        "keys": ApiKey.objects.filter(customer=found).order_by("revoked_at", "-pk")[:MOST_SHOWN],
    }
    return render(request, "office/customer_access.html", given)


@require_POST
@staff_page(Permission.CUSTOMERS)
def customer_key_revoke(request: StaffRequest, customer_id: int, key_id: int) -> HttpResponse:
    """Ends one of the customer's keys for good."""
    with transaction.atomic():
        is_revoked = keys.revoke(key_id, request.now, customer_id=customer_id)
        if is_revoked:
            subject = Subject(SubjectType.CUSTOMER, customer_id)
            audit_log.write(request.user, "key revoked", subject, request.now, before={"key": key_id})
    if is_revoked:
        messages.success(request, _("Key revoked. Requests with this key are now refused."))
    elif not ApiKey.objects.filter(pk=key_id, customer_id=customer_id).exists():
        raise Http404
    return redirect("office:customer_access", customer_id)


@require_POST
@staff_page(Permission.CUSTOMERS)
def customer_invite_again(request: StaffRequest, customer_id: int, user_id: int) -> HttpResponse:
    """Writes the invitation anew to somebody who has not chosen a password yet."""
    person = User.objects.filter(pk=user_id, customer_id=customer_id).first()
    if person is None:
        raise Http404
    refusal = invite_again(request, person, request.now)
    if refusal is None:
        messages.success(request, _("Invitation sent to %(email)s.") % {"email": person.email})
    else:
        messages.error(request, words(refusal, NOT_INVITED))
    return redirect("office:customer_access", customer_id)
