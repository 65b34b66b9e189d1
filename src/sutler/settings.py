"""Django's settings, all derived from `sutler.config`. Wiring only."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from sutler import config

SUTLER = config.read()

SECRET_KEY = config.secret_key(SUTLER) or "no secret key: run `sutler init`"
DEBUG = False
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *SUTLER["SUTLER_ALLOWED_HOSTS"],
    *filter(None, [urlsplit(SUTLER["SUTLER_PUBLIC_URL"]).hostname]),
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "sutler.accounts",
    "sutler.catalogue.apps.CatalogueConfig",
    "sutler.books",
    "sutler.orders",
    "sutler.fulfilment",
    "sutler.api",
]
MIDDLEWARE = [
    "sutler.api.content_length.ContentLength",
    "sutler.api.health.Probes",
    "sutler.api.security_headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "sutler.urls"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
# Only behind TLS: the public URL says whether there is any.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SUTLER["SUTLER_PUBLIC_URL"].startswith("https://")
SECURE_HSTS_SECONDS = 31_536_000 if SESSION_COOKIE_SECURE else 0

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None


def _database() -> dict[str, Any]:
    """Returns Django's database settings with the durability that `storage.durability` checks at start."""
    if SUTLER["SUTLER_DATABASE_URL"]:
        found: dict[str, Any] = environ.Env.db_url_config(SUTLER["SUTLER_DATABASE_URL"])
        found["CONN_HEALTH_CHECKS"] = True
        found["CONN_MAX_AGE"] = None
        # Statements are prepared on the server after their second use (Django leaves this off).
        found["OPTIONS"] = {
            "server_side_binding": True,
            "prepare_threshold": 2,
            "connect_timeout": 5,
            # Nobody waits longer for a lock than on SQLite, and nobody who has gone away keeps one.
            "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
        }
        return found
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(Path(SUTLER["SUTLER_DATA_DIR"]) / "sutler.sqlite3"),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 5,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            # The log is copied back beside the commits (storage.checkpoint); a commit does it only past 800 MB.
            "PRAGMA cache_size=-49152; PRAGMA wal_autocheckpoint=200000; PRAGMA journal_size_limit=67108864;",
        },
    }


DATABASES = {"default": _database()}
