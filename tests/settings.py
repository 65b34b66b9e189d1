"""Settings of the test suite: the panel's own, on the engine that SUTLER_DATABASE_URL names."""

from sutler.settings import *  # noqa: F403

# Signing in is not what most tests are about; argon2 is slow on purpose.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "sutler.accounts.old_passwords.OldBcrypt",
    "sutler.accounts.old_passwords.OldPhpass",
]
SECRET_KEY = "for tests only"
