"""Passwords that came from another panel: believed once, and then stored as the panel stores its own."""

import pytest
from django.contrib.auth.hashers import check_password

from sutler.accounts.models import User
from tests.conftest import NOW

PHPASS = "old_phpass$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"  # of the library's own test
BCRYPT = "old_bcrypt$2y$04$pJYLgL8YIX9FABPULsgMOOUAAh7raC7StUFNl1ISvwxL11VGb/bmq"


@pytest.mark.parametrize(
    ("password", "stored", "is_right"),
    [
        ("test12345", PHPASS, True),
        ("test12346", PHPASS, False),
        ("", PHPASS, False),
        ("test12345", PHPASS.replace("$9", "$."), False),  # a number of rounds that nobody chooses
        ("password", BCRYPT, True),
        ("Password", BCRYPT, False),
        ("password\0", BCRYPT, False),
        ("password", "old_bcrypt", False),
        ("password", "old_bcrypt$2y$99$nonsense", False),
        ("password", "old_phpass", False),
    ],
)
def test_only_the_password_is_believed(password: str, stored: str, is_right: bool) -> None:
    assert check_password(password, stored) is is_right


@pytest.mark.parametrize(("password", "stored"), [("test12345", PHPASS), ("password", BCRYPT)])
def test_what_is_believed_is_stored_anew(db: None, password: str, stored: str) -> None:
    user = User.objects.create(email="old@example.com", password=stored, date_joined=NOW)

    assert user.check_password(password)

    user.refresh_from_db()
    assert not user.password.startswith("old_")
    assert user.check_password(password)
