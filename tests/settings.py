"""Settings of the test suite: the panel's own, on the engine that SUTLER_DATABASE_URL names."""

import os

from sutler.settings import *  # noqa: F403
from sutler.settings import DATABASES

# Signing in is not what most tests are about; argon2 is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECRET_KEY = "for tests only"
# A database of this run alone, which `tests.blank` makes: several runs may share a PostgreSQL server.
IS_POSTGRES = DATABASES["default"]["ENGINE"].endswith("postgresql")
DATABASES["default"]["NAME"] = (
    f"sutler_test_{os.getpid()}" if IS_POSTGRES else "file:sutler_test?mode=memory&cache=shared"
)
