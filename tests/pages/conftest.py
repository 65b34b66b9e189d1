"""Browsers of the people of the tests: a guest, Alice, Bob (another customer), Sam (staff, owner)."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client

from sutler.accounts import mail as letters
from sutler.accounts.models import Customer, Role, User
from sutler.core.clock import SystemClock
from tests.conftest import NOW

PASSWORD = "correct horse battery"


def make_person(email: str, customer: Customer | None = None, role: str = "") -> User:
    """Somebody who can sign in with PASSWORD: one of a customer's people, or staff with a role."""
    fields = {"customer": customer, "is_staff": customer is None, "role": role, "date_joined": NOW}
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def sent() -> list[EmailMessage]:
    """Has the worker send the letters that wait; returns all that went out in this test."""
    letters.send_due(SystemClock().now())
    return mail.outbox


@pytest.fixture
def guest(db: None) -> Client:
    return Client()


@pytest.fixture
def alice_browser(alice: Customer) -> Client:
    return browser_of(make_person("alice@example.com", alice))


@pytest.fixture
def bob_browser(bob: Customer) -> Client:
    return browser_of(make_person("bob@example.com", bob))


@pytest.fixture
def sam_browser(db: None) -> Client:
    return browser_of(make_person("owner@example.com", role=Role.OWNER))
