"""Inviting people: a letter with a link by which they choose their password. Nobody else ever knows one."""

from datetime import datetime

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from sutler.accounts import audit_log, mail, panel
from sutler.accounts.models import Customer, Role, User
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line


def invite(
    request: HttpRequest, email: str, name: str, actor: User, now: datetime, *, holder: Customer | Role
) -> User | Refusal:
    """Stores one of a customer's people, or a member of staff with a role, and writes them the letter.

    The link in it proves the address. Refuses with INCORRECT_FIELD `email` (none, or it signs in already) or `name`.
    """
    address, called = email.strip().lower(), one_line(name, 200)
    if not _is_email(address) or User.objects.filter(email__iexact=address).exists():
        return Refusal(Reason.INCORRECT_FIELD, "email")
    if called is None:
        return Refusal(Reason.INCORRECT_FIELD, "name")
    is_staff = isinstance(holder, Role)
    fields = (
        {"is_staff": True, "role": holder, "is_superuser": holder == Role.OWNER} if is_staff else {"customer": holder}
    )
    with transaction.atomic():
        person = User.objects.create_user(address, name=called, date_joined=now, **fields)
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        _write(request, person, now)
        subject = (
            Subject(SubjectType.STAFF, person.pk)
            if is_staff
            else Subject(SubjectType.CUSTOMER, person.customer_id or "")
        )
        after = {"email": person.email} | ({"role": str(holder)} if is_staff else {})
        audit_log.write(actor, "person invited", subject, now, after=after)
        return person


def invite_again(request: HttpRequest, person: User, now: datetime) -> Refusal | None:
    """Writes the letter anew, with a fresh link. Refuses with MOVE_NOT_ALLOWED if they sign in already."""
    if person.has_usable_password() or not person.is_active:
        return Refusal(Reason.MOVE_NOT_ALLOWED)
    _write(request, person, now)
    return None


def _write(request: HttpRequest, person: User, now: datetime) -> None:
    key = {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}
    given = {
        "panel": panel.profile().name,
        "link": request.build_absolute_uri(reverse("account_reset_password_from_key", kwargs=key)),
    }
    text = _("You are invited to %(panel)s. Set your password within three days:\n\n%(link)s") % given
    mail.write(person.email, _("Your invitation to %(panel)s") % given, text, now, is_secret=True)


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254
