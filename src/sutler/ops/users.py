"""People who sign in: made with a checked address and password."""

from datetime import datetime

import click
from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from sutler.accounts.models import Customer, Role, User
from sutler.core.clock import new_token
from sutler.ops.command import Failed

MADE_PASSWORD_LENGTH = 20


def create_person(
    email: str, password: str | None, now: datetime, *, customer: Customer | None = None, role: Role = Role.FULFILMENT
) -> str:
    """Stores one of a customer's people or, without a customer, a member of staff with a role.

    Returns the password if it was made here, otherwise nothing. Fails if the address is taken; an address or password
    that will not do is wrong usage.
    """
    made = "" if password else new_token()[:MADE_PASSWORD_LENGTH]
    staff = {"is_staff": True, "is_superuser": role is Role.OWNER, "role": role} if customer is None else {}
    person = User(email=email, customer=customer, date_joined=now, **staff)
    try:
        validate_email(email)
        validate_password(password or made, person)
    except ValidationError as error:
        raise click.UsageError(" ".join(error.messages)) from error
    if User.objects.filter(email__iexact=email).exists():
        raise Failed(f"{email} already has a login")
    with transaction.atomic():
        user = User.objects.create_user(
            email,
            password or made,
            customer=customer,
            date_joined=now,
            **staff,
        )
        # The operator vouches for the address: nothing has to be confirmed before the first sign-in.
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return made
