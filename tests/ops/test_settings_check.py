"""Wrong settings: each is refused before the panel starts, by one line that names it and says what to do."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sutler import config
from sutler.config import ConfigError
from sutler.ops.settings_check import check, file_system
from tests.conftest import NOW

# The variables, and how the refusal begins or what it says.
WRONG: list[tuple[dict[str, str], str]] = [
    ({"SUTLER_SECRET_KEY": "changeme"}, "SUTLER_SECRET_KEY is shorter than 12"),
    ({"SUTLER_SECRET_KEY_FALLBACKS": "an-older-key"}, "set both or neither"),
    ({"SUTLER_METRICS_TOKEN": "metrics"}, "SUTLER_METRICS_TOKEN is shorter than 16"),
    ({"SUTLER_METRICS_TOKEN": "клавиатура-и-мышь"}, "SUTLER_METRICS_TOKEN must be plain ASCII"),
    ({"SUTLER_PUBLIC_URL": "http://panel.example"}, "SUTLER_PUBLIC_URL is http"),
    ({"SUTLER_PUBLIC_URL": "panel.example"}, "SUTLER_PUBLIC_URL must be an address such as https://"),
    ({"SUTLER_PUBLIC_URL": "ftp://panel.example"}, "SUTLER_PUBLIC_URL must be an address such as https://"),
    ({"SUTLER_PUBLIC_URL": "https://"}, "SUTLER_PUBLIC_URL must be an address such as https://"),
    ({"SUTLER_PUBLIC_URL": "https://panel.example:port"}, "SUTLER_PUBLIC_URL must be an address such as https://"),
    ({"SUTLER_PUBLIC_URL": "https://me:secret@panel.example"}, "must not have a user"),
    ({"SUTLER_PUBLIC_URL": "https://panel.example/shop"}, "a panel has a host name of its own"),
    ({"SUTLER_PUBLIC_URL": "https://panel.example?lang=en"}, "a panel has a host name of its own"),
    ({"SUTLER_ALLOWED_HOSTS": "*"}, "SUTLER_ALLOWED_HOSTS must name each host"),
    ({"SUTLER_ALLOWED_HOSTS": "https://panel.example"}, "SUTLER_ALLOWED_HOSTS must be host names"),
    ({"SUTLER_ALLOWED_HOSTS": "panel.example/shop"}, "SUTLER_ALLOWED_HOSTS must be host names"),
    ({"SUTLER_UPSTREAM_PRIVATE_HOSTS": "*"}, "SUTLER_UPSTREAM_PRIVATE_HOSTS must name each host"),
    ({"SUTLER_UPSTREAM_PRIVATE_HOSTS": "http://upstream"}, "SUTLER_UPSTREAM_PRIVATE_HOSTS must be host names"),
    ({"SUTLER_TRUSTED_PROXIES": "*"}, "anybody chooses their own address"),
    ({"SUTLER_TRUSTED_PROXIES": "caddy"}, "SUTLER_TRUSTED_PROXIES must be IP addresses"),
    ({"SUTLER_TRUSTED_PROXIES": "0.0.0.0/0"}, "must not be the whole internet"),
    ({"SUTLER_PANEL_NAME": " "}, "SUTLER_PANEL_NAME must be one line"),
    ({"SUTLER_PANEL_NAME": "n" * 61}, "SUTLER_PANEL_NAME must be one line"),
    ({"SUTLER_BASE_CURRENCY": "dollars"}, "SUTLER_BASE_CURRENCY must be a currency code"),
    ({"SUTLER_LOG_FORMAT": "xml"}, "SUTLER_LOG_FORMAT must be console or json"),
    ({"SUTLER_EMAIL_URL": "mail.example"}, "SUTLER_EMAIL_URL must be such as"),
    ({"SUTLER_EMAIL_URL": "smtp+tls://"}, "SUTLER_EMAIL_URL must be such as"),
    ({"SUTLER_EMAIL_URL": "smtp://mail.example:mail"}, "SUTLER_EMAIL_URL must be such as"),
    ({"SUTLER_EMAIL_URL": "smtp://mail.example"}, "no mail server takes panel@localhost"),
    ({"SUTLER_EMAIL_FROM": "panel.example"}, "SUTLER_EMAIL_FROM must be an email address"),
    ({"SUTLER_BACKUP_PASSPHRASE": "secret"}, "SUTLER_BACKUP_PASSPHRASE is shorter than 12"),
    ({"SUTLER_BACKUP_DIR": "backups"}, "SUTLER_BACKUP_DIR must be a whole path"),
    ({"SUTLER_BACKUP_DIR": "/dev/null"}, "SUTLER_BACKUP_DIR /dev/null is no folder"),
    ({"SUTLER_BACKUP_HOUR": "24"}, "SUTLER_BACKUP_HOUR must be between 0 and 23"),
    ({"SUTLER_BACKUP_KEEP": "0"}, "SUTLER_BACKUP_KEEP must be between 1 and"),
    ({"SUTLER_PAGE_THREADS": "0"}, "SUTLER_PAGE_THREADS must be between 2 and 64"),
    ({"SUTLER_PAGE_QUEUE": "-1"}, "SUTLER_PAGE_QUEUE must be between"),
    ({"SUTLER_PAGE_QUEUE_PER_SESSION": "0"}, "SUTLER_PAGE_QUEUE_PER_SESSION must be between"),
    ({"SUTLER_PAGE_WAIT_SECONDS": "0"}, "SUTLER_PAGE_WAIT_SECONDS must be between"),
    ({"SUTLER_MOST_CONNECTIONS": "1"}, "SUTLER_MOST_CONNECTIONS must be between"),
    ({"SUTLER_RECEIVE_TIMEOUT_SECONDS": "0"}, "SUTLER_RECEIVE_TIMEOUT_SECONDS must be between"),
    ({"SUTLER_BODY_LIMIT_BYTES": "0"}, "SUTLER_BODY_LIMIT_BYTES must be between"),
    ({"SUTLER_KEY_REQUESTS_PER_SECOND": "-5"}, "SUTLER_KEY_REQUESTS_PER_SECOND must be between"),
    ({"SUTLER_MARGIN_FLOOR_PERCENT": "-1"}, "SUTLER_MARGIN_FLOOR_PERCENT must be between"),
    ({"SUTLER_EXCHANGE_HOURS": "-1"}, "SUTLER_EXCHANGE_HOURS must be between"),
    ({"SUTLER_ADJUSTMENT_LIMIT": "-1"}, "SUTLER_ADJUSTMENT_LIMIT must be between"),
    ({"SUTLER_DATABASE_URL": "mysql://me@127.0.0.1/panel"}, "SUTLER_DATABASE_URL must be such as postgres://"),
    ({"SUTLER_DATABASE_URL": "postgres://me@127.0.0.1:5432"}, "it names no database"),
    ({"SUTLER_DATABASE_URL": "postgres://me@127.0.0.1:db/panel"}, "SUTLER_DATABASE_URL must be such as postgres://"),
    ({"SUTLER_DATABASE_URL": "postgres://me@127.0.0.1/panel?sslmod=require"}, "has sslmod=, which is not one of"),
    ({"SUTLER_DATABASE_URL": "postgres://me@127.0.0.1/panel?sslmode=yes"}, "has sslmode=yes, which is not one of"),
]


@pytest.mark.parametrize(("variables", "said"), WRONG, ids=[f"{each}" for each, _ in WRONG])
def test_a_wrong_setting_is_refused_in_one_line(variables: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        check(config.read({"SUTLER_DATA_DIR": str(tmp_path)} | variables), NOW)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def key_for_all(folder: Path) -> None:
    (folder / "secret-key").write_text("a key that is long enough\n")
    (folder / "secret-key").chmod(0o640)


def a_file(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("")


WRONG_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "key file readable by the group": (key_for_all, "can be read by others: chmod 600"),
    "folder for everybody": (lambda folder: folder.chmod(0o777), "can be written by everybody: chmod 700"),
    "a file as folder": (a_file, "is no folder"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_wrong_files_are_refused_in_one_line(name: str, tmp_path: Path) -> None:
    spoil, said = WRONG_FILES[name]
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    values = config.read({"SUTLER_DATA_DIR": str(folder)})
    check(values, NOW)
    spoil(folder)
    with pytest.raises(ConfigError, match=said):
        check(values, NOW)


def test_backups_do_not_go_into_the_data_folder(tmp_path: Path) -> None:
    values = config.read({"SUTLER_DATA_DIR": str(tmp_path), "SUTLER_BACKUP_DIR": f"{tmp_path}/."})
    with pytest.raises(ConfigError, match="SUTLER_BACKUP_DIR is the data folder"):
        check(values, NOW)


def test_a_clock_that_was_never_set_is_refused() -> None:
    with pytest.raises(ConfigError, match="the clock says 1970-01-01: set it"):
        check(config.read({}), datetime(1970, 1, 1, tzinfo=UTC))


def test_sqlite_on_a_disk_of_another_machine_is_noticed() -> None:
    mounts = "disk / ext4 rw 0 0\nserver:/x /srv/panel nfs4 rw 0 0\ndisk /srv/panel/own ext4 rw 0 0\n"
    places = {"/srv/panel": "nfs4", "/srv/panel/data": "nfs4", "/srv/panel/own": "ext4", "/srv/panel2": "ext4"}
    assert {place: file_system(Path(place), mounts) for place in places} == places


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"SUTLER_PUBLIC_URL": "https://panel.example"},
        {"SUTLER_PUBLIC_URL": "http://127.0.0.1:8000/"},
        {"SUTLER_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8,::1"},
        {"SUTLER_ALLOWED_HOSTS": "www.panel.example,[::1]", "SUTLER_UPSTREAM_PRIVATE_HOSTS": "10.0.0.5,fd00::5"},
        {"SUTLER_EMAIL_URL": "smtp+tls://me:secret@mail.example:587", "SUTLER_EMAIL_FROM": "Panel <a@panel.example>"},
        {"SUTLER_DATABASE_URL": "postgres://me:secret@db.example/panel?sslmode=verify-full&sslrootcert=/etc/ca.pem"},
    ],
)
def test_right_settings_pass(variables: dict[str, str], tmp_path: Path) -> None:
    check(config.read({"SUTLER_DATA_DIR": str(tmp_path)} | variables), NOW)


def test_what_the_database_url_says_of_tls_is_kept() -> None:
    import environ

    found = environ.Env.db_url_config("postgres://me@db.example/panel?sslmode=require&application_name=panel")
    assert config.postgres_options(found) == {"sslmode": "require", "application_name": "panel"}
