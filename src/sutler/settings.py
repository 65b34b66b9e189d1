"""Django's settings, all derived from `sutler.config`. Wiring only."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from sutler import config

SUTLER = config.read()

_KEYS = config.secret_keys(SUTLER)
# Without one nothing is signed or sealed: Django refuses to give an empty one.
SECRET_KEY = next(iter(_KEYS), "")
SECRET_KEY_FALLBACKS = list(_KEYS[1:])
DEBUG = False
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *SUTLER["SUTLER_ALLOWED_HOSTS"],
    *filter(None, [urlsplit(SUTLER["SUTLER_PUBLIC_URL"]).hostname]),
]

INSTALLED_APPS = [
    # Before the libraries whose templates it restyles.
    "sutler.web",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "sutler.accounts",
    "sutler.catalogue.apps.CatalogueConfig",
    "sutler.books",
    "sutler.orders",
    "sutler.fulfilment",
    "sutler.payments",
    "sutler.support",
    "sutler.backups",
    "sutler.move_in",
    "sutler.notices",
    "sutler.api",
    "sutler.shop",
    "sutler.office",
]
MIDDLEWARE = [
    "sutler.api.content_length.ContentLength",
    "sutler.api.health.Probes",
    "django.middleware.gzip.GZipMiddleware",  # decision 36: pages, and the admin API's answers
    "sutler.api.security_headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "sutler.web.locale_middleware.Reader",
    "sutler.web.private_pages.PrivatePages",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
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
                "sutler.web.context.frame",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "sutler.web.templatetags.web"],
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    # What came from another panel, until its owner signs in.
    "sutler.accounts.old_passwords.OldBcrypt",
    "sutler.accounts.old_passwords.OldPhpass",
]
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

# Signing in (django-allauth): by e-mail address, which has to be confirmed before the first time.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "account_login", "/", "/"
ACCOUNT_ADAPTER = "sutler.web.sign_in.signup.Adapter"
ACCOUNT_SIGNUP_FORM_CLASS = "sutler.web.sign_in.signup.SignUpForm"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SESSION_COOKIE_SECURE else "http"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SUTLER["SUTLER_PANEL_NAME"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SESSION_COOKIE_SECURE
CSRF_FAILURE_VIEW = "sutler.web.errors.no_csrf"

_EMAIL = environ.Env.email_url_config(SUTLER["SUTLER_EMAIL_URL"])
EMAIL_BACKEND = _EMAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _EMAIL["EMAIL_HOST"], _EMAIL["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _EMAIL["EMAIL_HOST_USER"], _EMAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _EMAIL.get("EMAIL_USE_TLS", False), _EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = SUTLER["SUTLER_EMAIL_FROM"]

# What all processes must share (attempts to sign in, codes that were used) is in the database, where every machine
# looks; what each may keep for itself (the panel's face) is not asked for again and again.
CACHES = {
    "default": {
        "BACKEND": "sutler.storage.shared_cache.SharedCache",
        "LOCATION": "accounts_shared",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

STATIC_URL = "/assets/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # nothing is ever uploaded to a file
    "staticfiles": {"BACKEND": "sutler.web.assets.HashedAssets"},
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ru", "Русский")]
LOCALE_PATHS = [Path(__file__).parent / "web" / "locale"]
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
        # `storage.statements` are prepared on the server after their second use. Django's own queries are not: a plan
        # made for any parameters does not know the indexes of a few rows (what is planned, what is open) and reads all.
        found["OPTIONS"] = {
            **config.postgres_options(found),
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
