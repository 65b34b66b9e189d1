"""Wrong settings, refused before the panel starts: one line each, which names the setting and says what to do."""

import os
import re
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ

from sutler import config
from sutler.config import ConfigError
from sutler.core.money import is_currency

Values = Mapping[str, Any]
SHORTEST_SECRET, SHORTEST_TOKEN, SHORTEST_PASSPHRASE = 12, 16, 12
LONGEST_NAME = 60
# No panel of this program ran before: the clock was never set.
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"[^\s/@?#:*]+|\[[0-9a-f:.]+\]|[0-9a-f:]+", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:[^<>@]*<)?[^\s<>@]+@[^\s<>@]+>?")
_MAIL = frozenset({"smtp", "submission", "smtp+tls", "smtp+ssl", "smtps", "smtptls", "smtpssl"})
_MAIL_HERE = frozenset({"consolemail", "filemail", "memorymail", "dummymail"})
# File systems over which several machines would share SQLite's memory, which does not work.
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.s3fs", "9p", "ceph", "glusterfs"})
# The least and the most that a number may be.
_RANGES: Mapping[str, tuple[int, int]] = {
    "SUTLER_EXCHANGE_HOURS": (0, 8760),
    "SUTLER_EXCHANGE_MANUAL_HOURS": (0, 8760),
    "SUTLER_MARGIN_FLOOR_PERCENT": (0, 1000),
    "SUTLER_ADJUSTMENT_LIMIT": (0, 1_000_000_000),
    "SUTLER_KEY_REQUESTS_PER_SECOND": (0, 1_000_000),
    "SUTLER_ADDRESS_REQUESTS_PER_SECOND": (0, 1_000_000),
    "SUTLER_PAYMENT_NOTICES_PER_SECOND": (0, 1_000_000),
    "SUTLER_BODY_LIMIT_BYTES": (4096, 16 * 1024 * 1024),
    "SUTLER_PAGE_THREADS": (2, 64),
    "SUTLER_PAGE_QUEUE": (1, 100_000),
    "SUTLER_PAGE_QUEUE_PER_SESSION": (1, 10_000),
    "SUTLER_PAGE_WAIT_SECONDS": (1, 300),
    "SUTLER_MOST_CONNECTIONS": (16, 1_000_000),
    "SUTLER_RECEIVE_TIMEOUT_SECONDS": (1, 300),
    "SUTLER_BACKUP_HOUR": (0, 23),
    "SUTLER_BACKUP_KEEP": (1, 10_000),
}


def check(values: Values, now: datetime) -> None:
    """Looks at all settings and the files that they name. Raises ConfigError for the first that cannot be used."""
    for look in (_clock, _numbers, _secrets, _key_file, _public_url, _hosts, _proxies, _names, _email, _backup):
        look(values, now)
    if values["SUTLER_DATABASE_URL"]:
        _database_url(values["SUTLER_DATABASE_URL"])
    else:
        _data_dir(Path(values["SUTLER_DATA_DIR"]))


def _clock(_: Values, now: datetime) -> None:
    _demand(now >= _EARLIEST, f"the clock says {now:%Y-%m-%d}: set it (`timedatectl set-ntp true`), then start again")


def _numbers(values: Values, _: datetime) -> None:
    for name, (least, most) in _RANGES.items():
        _demand(least <= values[name] <= most, f"{name} must be between {least} and {most}")


def _secrets(values: Values, _: datetime) -> None:
    key, fallbacks = values["SUTLER_SECRET_KEY"].strip(), values["SUTLER_SECRET_KEY_FALLBACKS"]
    how = "make one with `openssl rand -hex 32`"
    _demand(not key or len(key) >= SHORTEST_SECRET, f"SUTLER_SECRET_KEY is shorter than {SHORTEST_SECRET}: {how}")
    _demand(
        not fallbacks or bool(key), "SUTLER_SECRET_KEY_FALLBACKS is set without SUTLER_SECRET_KEY: set both or neither"
    )
    token = values["SUTLER_METRICS_TOKEN"]
    _demand(not token or len(token) >= SHORTEST_TOKEN, f"SUTLER_METRICS_TOKEN is shorter than {SHORTEST_TOKEN}: {how}")
    _demand(token.isascii() and token == token.strip(), "SUTLER_METRICS_TOKEN must be plain ASCII without outer spaces")


def _key_file(values: Values, _: datetime) -> None:
    file = config.secret_key_file(values)
    if values["SUTLER_SECRET_KEY"] or not file.is_file():
        return
    others = stat.S_IMODE(file.stat().st_mode) & 0o077
    _demand(not others, f"{file} can be read by others: chmod 600 {file}")
    _demand(os.access(file, os.R_OK), f"{file} cannot be read by this user: chown it to the user that runs the panel")


def _public_url(values: Values, _: datetime) -> None:
    text = values["SUTLER_PUBLIC_URL"]
    if not text:
        return
    url = _split(text, "SUTLER_PUBLIC_URL must be an address such as https://panel.example")
    _demand(
        url.scheme in {"http", "https"} and bool(url.hostname),
        "SUTLER_PUBLIC_URL must be an address such as https://panel.example",
    )
    _demand(
        url.scheme == "https" or url.hostname in _LOCAL,
        "SUTLER_PUBLIC_URL is http: API keys and passwords would be readable on the way; use https",
    )
    _demand(url.username is None and url.password is None, "SUTLER_PUBLIC_URL must not have a user or a password")
    _demand(
        url.path in {"", "/"} and not url.query and not url.fragment,
        "SUTLER_PUBLIC_URL must end after the host: a panel has a host name of its own",
    )


def _hosts(values: Values, _: datetime) -> None:
    for name in ("SUTLER_ALLOWED_HOSTS", "SUTLER_UPSTREAM_PRIVATE_HOSTS"):
        for host in values[name]:
            _demand(host != "*", f"{name} must name each host: * would allow any")
            _demand(
                bool(_HOST.fullmatch(host)), f"{name} must be host names, without scheme, port and path, not {host!r}"
            )


def _proxies(values: Values, _: datetime) -> None:
    for each in values["SUTLER_TRUSTED_PROXIES"]:
        _demand(each != "*", "SUTLER_TRUSTED_PROXIES must name each proxy: with * anybody chooses their own address")
        try:
            network = ip_network(each, strict=False)
        except ValueError as error:
            raise ConfigError(f"SUTLER_TRUSTED_PROXIES must be IP addresses or networks, not {each!r}") from error
        _demand(network.prefixlen > 0, f"SUTLER_TRUSTED_PROXIES must not be the whole internet ({each})")


def _names(values: Values, _: datetime) -> None:
    name = values["SUTLER_PANEL_NAME"]
    _demand(
        bool(name.strip()) and len(name) <= LONGEST_NAME and name.isprintable(),
        f"SUTLER_PANEL_NAME must be one line of 1 to {LONGEST_NAME} characters",
    )
    base = values["SUTLER_BASE_CURRENCY"]
    _demand(is_currency(base), f"SUTLER_BASE_CURRENCY must be a currency code such as USD, not {base!r}")
    _demand(values["SUTLER_LOG_FORMAT"] in {"console", "json"}, "SUTLER_LOG_FORMAT must be console or json")


def _email(values: Values, _: datetime) -> None:
    where = "SUTLER_EMAIL_URL must be such as smtp+tls://user:password@mail.example:587"
    url = _split(values["SUTLER_EMAIL_URL"], where)
    _demand(url.scheme in _MAIL | _MAIL_HERE, where)
    sender = values["SUTLER_EMAIL_FROM"]
    _demand(bool(_ADDRESS.fullmatch(sender)), f"SUTLER_EMAIL_FROM must be an email address, not {sender!r}")
    if url.scheme in _MAIL:
        _demand(bool(url.hostname), where)
        _demand(
            not sender.rstrip(">").endswith("@localhost"),
            "SUTLER_EMAIL_FROM must be an address of your domain: no mail server takes panel@localhost",
        )


def _backup(values: Values, _: datetime) -> None:
    folder, passphrase = values["SUTLER_BACKUP_DIR"], values["SUTLER_BACKUP_PASSPHRASE"]
    _demand(
        not passphrase or len(passphrase) >= SHORTEST_PASSPHRASE,
        f"SUTLER_BACKUP_PASSPHRASE is shorter than {SHORTEST_PASSPHRASE}: take a longer one, and keep it elsewhere too",
    )
    if not folder:
        return
    path = Path(folder)
    _demand(path.is_absolute(), f"SUTLER_BACKUP_DIR must be a whole path such as /var/backups/sutler, not {folder!r}")
    _demand(
        path.resolve() != Path(values["SUTLER_DATA_DIR"]).resolve(),
        "SUTLER_BACKUP_DIR is the data folder: choose another, best on another disk",
    )
    _demand(not path.exists() or path.is_dir(), f"SUTLER_BACKUP_DIR {folder} is no folder")
    _demand(not path.exists() or os.access(path, os.W_OK), f"SUTLER_BACKUP_DIR {folder} cannot be written: chown it")


def _database_url(text: str) -> None:
    how = "SUTLER_DATABASE_URL must be such as postgres://user:password@host:5432/name"
    url = _split(text, how)
    _demand(url.scheme in {"postgres", "postgresql"}, how)
    _demand(len(url.path) > 1 and "/" not in url.path[1:], f"{how}: it names no database")
    config.postgres_options(environ.Env.db_url_config(text))


def _data_dir(folder: Path) -> None:
    if not folder.exists():
        return  # `sutler init` makes it, and without it there is no panel
    _demand(folder.is_dir(), f"SUTLER_DATA_DIR {folder} is no folder")
    _demand(os.access(folder, os.W_OK | os.X_OK), f"SUTLER_DATA_DIR {folder} cannot be written: chown it")
    mode = folder.stat().st_mode
    _demand(not mode & stat.S_IWOTH, f"SUTLER_DATA_DIR {folder} can be written by everybody: chmod 700 {folder}")
    kind = file_system(folder, _mounts())
    _demand(kind not in _REMOTE, f"SUTLER_DATA_DIR is on {kind}: SQLite needs a local disk; use one, or PostgreSQL")


def file_system(folder: Path, mounts: str) -> str:
    """Returns the kind of the file system that a folder is on, from the lines of /proc/self/mounts."""
    place = str(folder.resolve())
    held = [line.split()[1:3] for line in mounts.splitlines() if len(line.split()) > 2]
    over = [(point, kind) for point, kind in held if place == point or place.startswith(point.rstrip("/") + "/")]
    return max(over, key=lambda each: len(each[0]), default=("", ""))[1]


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(errors="replace")
    except OSError:
        return ""


def _split(text: str, complaint: str) -> SplitResult:
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - raises for one that is none
    except ValueError as error:
        raise ConfigError(complaint) from error
    return url


def _demand(is_right: bool, complaint: str) -> None:
    if not is_right:
        raise ConfigError(complaint)
