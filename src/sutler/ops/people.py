"""People who sign in: made with a checked address and password."""

from datetime import datetime

import click
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from sutler.accounts.models import Customer, User
from sutler.core.clock import new_token
from sutler.ops.shell import Failed

MADE_PASSWORD_LENGTH = 20


def create_person(
    email: str, password: str | None, now: datetime, *, customer: Customer | None = None, is_superuser: bool = False
) -> str:
    """Stores one of a customer's people or, without a customer, a member of staff.

    Returns the password if it was made here, otherwise nothing. Fails if the address is taken; an address or password
    that will not do is wrong usage.
    """
    made = "" if password else new_token()[:MADE_PASSWORD_LENGTH]
    person = User(email=email, customer=customer, is_staff=customer is None, is_superuser=is_superuser, date_joined=now)
    try:
        validate_email(email)
        validate_password(password or made, person)
    except ValidationError as error:
        raise click.UsageError(" ".join(error.messages)) from error
    if User.objects.filter(email__iexact=email).exists():
        raise Failed(f"{email} signs in already")
    User.objects.create_user(
        email,
        password or made,
        customer=customer,
        is_staff=person.is_staff,
        is_superuser=is_superuser,
        date_joined=now,
    )
    return made
