"""Every setting of the panel: its variable, type, default and meaning. `sutler config` prints this table."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ


def gettext_noop(text: str) -> str:
    """Returns the text as it is; the name has it gathered for translators. (This room stands on no other.)"""
    return text


_ = gettext_noop


class ConfigError(Exception):
    """A setting that cannot be used. The message names the variable and is fit to be shown to the operator."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment. A secret is masked wherever settings are shown."""

    name: str
    kind: type
    default: Any
    about: str
    secret: bool = False


SETTINGS = (
    Setting("SUTLER_DATA_DIR", str, "sutler-data", _("Folder of the database file and the secret key")),
    Setting(
        "SUTLER_DATABASE_URL", str, "", _("Database as postgres://...; empty: SQLite in the data folder"), secret=True
    ),
    Setting(
        "SUTLER_SECRET_KEY",
        str,
        "",
        _("Key for signatures and encryption; empty: the file secret-key in the data folder"),
        secret=True,
    ),
    Setting(
        "SUTLER_SECRET_KEY_FALLBACKS",
        list,
        [],
        _("Older secret keys, still accepted for what was signed or encrypted with them"),
        secret=True,
    ),
    Setting("SUTLER_PANEL_NAME", str, "Sutler", _("The panel's name on its pages")),
    Setting("SUTLER_PUBLIC_URL", str, "", _("Public URL, like https://panel.example; empty: as requested")),
    Setting("SUTLER_BASE_CURRENCY", str, "USD", _("Base currency of prices; it cannot be changed later")),
    Setting(
        "SUTLER_EXCHANGE_SOURCE", str, "", _("Exchange rates: ecb, or an https address of JSON; empty: none"), True
    ),
    Setting(
        "SUTLER_EXCHANGE_FIELDS",
        list,
        ["base", "date", "rates"],
        _("Names of that JSON's base currency (or =EUR), date (or -) and rates; dots between levels"),
    ),
    Setting(
        "SUTLER_EXCHANGE_HOURS",
        int,
        168,
        _("Hours after which an outdated automatic exchange rate pauses orders in its currency; 0: never"),
    ),
    Setting("SUTLER_EXCHANGE_MANUAL_HOURS", int, 0, _("The same for a manual exchange rate; 0: never")),
    Setting(
        "SUTLER_MARGIN_FLOOR_PERCENT", int, 0, _("Minimum margin of every order above the provider's cost, in percent")
    ),
    Setting(
        "SUTLER_ADJUSTMENT_LIMIT",
        int,
        0,
        _("Adjustments above this amount (base currency) need a second person; 0: never"),
    ),
    Setting("SUTLER_ALLOWED_HOSTS", list, [], _("Host names accepted besides the public URL's and local ones")),
    Setting(
        "SUTLER_UPSTREAM_PRIVATE_HOSTS",
        list,
        [],
        _("Hosts of providers and payment gateways that may have private addresses, and http"),
    ),
    Setting("SUTLER_TRUSTED_PROXIES", list, ["127.0.0.1"], _("Proxies whose X-Forwarded-For header is trusted")),
    Setting("SUTLER_KEY_REQUESTS_PER_SECOND", int, 50, _("Requests per second and API key; 0: no limit")),
    Setting(
        "SUTLER_ADDRESS_REQUESTS_PER_SECOND",
        int,
        100,
        _("Requests per second and IP without a valid key; 0: no limit"),
    ),
    Setting("SUTLER_PAYMENT_NOTICES_PER_SECOND", int, 20, _("Gateway notices per second and IP; 0: no limit")),
    Setting("SUTLER_BODY_LIMIT_BYTES", int, 1_048_576, _("Largest request body, in bytes")),
    Setting(
        "SUTLER_PAGE_THREADS",
        int,
        4,
        _("Pages processed in parallel, one database connection each; one is reserved for staff"),
    ),
    Setting("SUTLER_PAGE_QUEUE", int, 256, _("Longest queue of customers' page requests; the same for staff")),
    Setting("SUTLER_PAGE_QUEUE_PER_SESSION", int, 32, _("The same for one session, staff key or guest IP")),
    Setting("SUTLER_PAGE_WAIT_SECONDS", int, 10, _("Longest wait in the page queue, in seconds")),
    Setting(
        "SUTLER_MOST_CONNECTIONS",
        int,
        4000,
        _("Open connections at most; fewer if the limit on file descriptors is lower"),
    ),
    Setting("SUTLER_RECEIVE_TIMEOUT_SECONDS", int, 15, _("Longest time for a request to arrive, in seconds")),
    Setting(
        "SUTLER_EMAIL_URL",
        str,
        "consolemail://",
        _("Mail server, smtp+tls://user:password@host:587; default: printed to the log"),
        True,
    ),
    Setting("SUTLER_EMAIL_FROM", str, "panel@localhost", _("Sender of the panel's emails")),
    Setting(
        "SUTLER_METRICS_TOKEN", str, "", _("Bearer token for /metrics from other machines; empty: loopback only"), True
    ),
    Setting("SUTLER_ACCESS_LOG", bool, False, _("Log each request with its X-Request-ID")),
    Setting("SUTLER_LOG_FORMAT", str, "console", _("Log format: console or json")),
    Setting(
        "SUTLER_TEST_POSTGRES", str, "postgres://postgres@127.0.0.1:5432/postgres", _("Server the tests use"), True
    ),
    Setting("SUTLER_BACKUP_DIR", str, "", _("Folder for daily backups; empty: no backups")),
    Setting("SUTLER_BACKUP_HOUR", int, 3, _("Hour of the daily backup (UTC)")),
    Setting("SUTLER_BACKUP_KEEP", int, 14, _("Number of backups to keep")),
    Setting(
        "SUTLER_BACKUP_PASSPHRASE",
        str,
        "",
        _("Passphrase that encrypts the secret key in backups; empty: the key is not included"),
        secret=True,
    ),
    Setting(
        "SUTLER_OLD_PANEL",
        str,
        "",
        _("mysql://... of the panel that `sutler move-in` reads; only while moving"),
        secret=True,
    ),
)

# Lines that `sutler demo` prints, so that a shell that took them over can still start the panel.
_PRINTED_BY_DEMO = {
    "SUTLER_URL",
    "SUTLER_API_URL",
    "SUTLER_API_KEY",
    "SUTLER_API_KEY_2",
    "SUTLER_STAFF",
    "SUTLER_CUSTOMER",
}


# What may stand behind the `?` of SUTLER_DATABASE_URL, and the variable by which PostgreSQL's programs know it.
POSTGRES_OPTIONS: Mapping[str, str] = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "application_name": "PGAPPNAME",
    "passfile": "PGPASSFILE",
}
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def read(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Returns every setting by name, from the environment or its default.

    Raises ConfigError for an unknown `SUTLER_*` variable or a value of the wrong type.
    """
    known = {each.name for each in SETTINGS} | _PRINTED_BY_DEMO
    unknown = sorted(name for name in environment if name.startswith("SUTLER_") and name not in known)
    if unknown:
        raise ConfigError(f"unknown setting {unknown[0]}; `sutler config` lists the known ones")
    reader = environ.Env()
    reader.ENVIRON = environment
    values = {}
    for each in SETTINGS:
        try:
            values[each.name] = reader.get_value(each.name, cast=each.kind, default=each.default)
        except ValueError as error:
            raise ConfigError(f"{each.name} must be of type {each.kind.__name__}") from error
    return values


def postgres_options(found: Mapping[str, Any]) -> dict[str, str]:
    """Returns what stands behind the `?` of SUTLER_DATABASE_URL, as libpq knows it; `found` is the URL as read.

    Raises ConfigError for one that is not known: ignored, a misspelt `sslmode` would leave a connection in the clear.
    """
    options = {name: str(value) for name, value in found.get("OPTIONS", {}).items()}
    for name in options:
        if name not in POSTGRES_OPTIONS:
            raise ConfigError(f"SUTLER_DATABASE_URL has {name}=, which is not one of {', '.join(POSTGRES_OPTIONS)}")
    if (mode := options.get("sslmode", "prefer")) not in _SSL_MODES:
        raise ConfigError(f"SUTLER_DATABASE_URL has sslmode={mode}, which is not one of {', '.join(_SSL_MODES)}")
    return options


def secret_keys(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the key that signs and seals, then the older ones that still open; empty if there is none.

    They come from the settings, or from the lines of the data folder's file.
    """
    file = secret_key_file(values)
    if values["SUTLER_SECRET_KEY"]:
        given = [values["SUTLER_SECRET_KEY"], *values["SUTLER_SECRET_KEY_FALLBACKS"]]
    else:
        given = file.read_text().splitlines() if file.is_file() else []
    return tuple(filter(None, (each.strip() for each in given)))


def secret_key_file(values: Mapping[str, Any]) -> Path:
    """Returns where the secret key is kept when the environment does not give it."""
    return Path(values["SUTLER_DATA_DIR"]) / "secret-key"
