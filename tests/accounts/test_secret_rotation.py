"""Changing the secret key: sealed anew, crash-safe, repeatable; the older key opens until it is given up."""

from pathlib import Path

import pytest
from django.core import signing
from django.db import connection
from pytest_django.fixtures import Settings

from sutler import config
from sutler.accounts import mail, secret_key, secret_rotation
from sutler.accounts.models import Customer, Letter, PanelKey, Role
from sutler.fulfilment.models import Provider
from sutler.fulfilment.provider_settings import panel_settings
from sutler.storage.sealed import Unreadable, seal, unseal
from tests.conftest import NOW
from tests.ops.test_cli import done, failed
from tests.pages.conftest import browser_of, make_person

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
KEY = "the first key of all"


@pytest.fixture
def file(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a panel's key, with two providers (one has fixed fields) and a letter that wait for their keys."""
    monkeypatch.setenv("SUTLER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("SUTLER_SECRET_KEY", raising=False)
    file = tmp_path / "secret-key"
    file.write_text(KEY + "\n")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = KEY, []
    secret_key.claim()
    for number, fields in enumerate(("", seal('{"token":"t"}', KEY))):
        Provider.objects.create(
            name=f"P{number}",
            url=f"https://p{number}.example",
            currency="USD",
            sealed_key=seal(f"key {number}", KEY),
            sealed_fields=fields,
            created_at=NOW,
        )
    mail.write("a@example.com", "s", "a link", NOW, is_secret=True)
    return file


def take_over(settings: Settings) -> tuple[str, ...]:
    """Makes this process one that has started now."""
    keys = config.secret_keys(config.read())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = keys[0], list(keys[1:])
    return keys


def opened_by(key: str) -> int:
    """How many of the four sealed values a key opens."""
    count = 0
    for *_, sealed in secret_key.sealed_values():
        try:
            unseal(sealed, key)
            count += 1
        except Unreadable:
            pass
    return count


def test_all_is_sealed_anew_and_the_older_key_is_kept_until_it_is_dropped(file: Path, settings: Settings) -> None:
    assert "Secrets encrypted again: 4." in done("secret", "rotate")
    new, old = take_over(settings)
    assert (old, opened_by(new), opened_by(KEY)) == (KEY, 4, 0)
    assert PanelKey.objects.get().digest == secret_key.digest(new)
    assert panel_settings(Provider.objects.get(name="P1"), new).extra_fields == {"token": "t"}
    done("secret", "drop-old")
    assert file.read_text() == new + "\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_who_is_signed_in_stays_so_until_the_older_key_is_dropped(
    file: Path, settings: Settings, alice: Customer
) -> None:
    browser = browser_of(make_person("alice@example.com", alice))
    link = signing.dumps(1, salt="link")
    done("secret", "rotate")
    take_over(settings)
    assert browser.get("/dashboard").status_code == 200
    assert signing.loads(link, salt="link") == 1
    done("secret", "drop-old")
    take_over(settings)
    with pytest.raises(signing.BadSignature):
        signing.loads(link, salt="link")


def test_a_rotation_that_broke_off_after_the_file_is_finished_by_the_next(file: Path, settings: Settings) -> None:
    file.write_text(f"a new key\n{KEY}\n")
    take_over(settings)
    assert "`sutler secret rotate` finishes that" in failed(1, "service", "list")
    done("secret", "rotate")
    assert take_over(settings) == ("a new key", KEY)  # no third one
    assert (opened_by("a new key"), secret_key.obstacle()) == (4, "")


def test_a_rotation_that_broke_off_while_sealing_is_finished_by_the_next(file: Path, settings: Settings) -> None:
    file.write_text(f"a new key\n{KEY}\n")
    take_over(settings)
    secret_rotation.make_current(KEY, NOW)
    first = Provider.objects.get(name="P0")
    Provider.objects.filter(pk=first.pk).update(sealed_key=seal("key 0", "a new key"))
    assert secret_key.obstacle() == ""  # the panel may run meanwhile
    assert panel_settings(Provider.objects.get(name="P1"), *secret_key.keys()).key == "key 1"
    assert "Secrets encrypted again: 3." in done("secret", "rotate")
    assert take_over(settings) == ("a new key", KEY)
    assert opened_by("a new key") == 4


def test_what_changes_while_it_is_sealed_anew_stays_as_it_was_changed(
    file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [KEY]
    theirs = seal("changed meanwhile", "new")

    def seal_late(text: str, key: str) -> str:
        Provider.objects.filter(name="P0").update(sealed_key=theirs)
        return seal(text, key)

    monkeypatch.setattr(secret_rotation, "seal", seal_late)
    secret_rotation.reseal()
    assert Provider.objects.get(name="P0").sealed_key == theirs


def test_many_values_are_sealed_anew_in_transactions_of_a_hundred(file: Path, settings: Settings) -> None:
    for _ in range(250):
        mail.write("a@example.com", "s", "x", NOW, is_secret=True)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [KEY]
    begun = []

    def watch(execute: object, sql: str, params: object, many: object, context: object) -> object:
        begun.extend([sql] * sql.startswith("SAVEPOINT"))
        return execute(sql, params, many, context)  # type: ignore[operator]

    with connection.execute_wrapper(watch):
        assert secret_rotation.reseal().values == 254
    assert len(begun) == 3
    assert Letter.objects.count() == 251


def test_a_lost_key_is_replaced_and_what_it_sealed_is_told(file: Path, settings: Settings) -> None:
    file.write_text("found in a drawer\n")
    take_over(settings)
    assert "--lost" in failed(1, "secret", "rotate")
    done("secret", "rotate", "--lost")
    assert secret_key.obstacle() == ""
    done("service", "list")


def test_a_key_from_outside_is_changed_outside(file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTLER_SECRET_KEY", KEY)
    assert "SUTLER_SECRET_KEY_FALLBACKS" in failed(1, "secret", "rotate")
    monkeypatch.setenv("SUTLER_SECRET_KEY", "new")
    monkeypatch.setenv("SUTLER_SECRET_KEY_FALLBACKS", KEY)
    take_over(settings)
    assert "Secrets encrypted again: 4." in done("secret", "rotate")
    assert opened_by("new") == 4


def test_every_sealed_column_is_found() -> None:
    assert {(model.__name__, column) for model, column in secret_key.sealed_columns()} == {
        ("Method", "sealed_settings"),
        ("Channel", "sealed_settings"),
        ("Provider", "sealed_key"),
        ("Provider", "sealed_fields"),
        ("Letter", "sealed_text"),
    }


def test_a_provider_whose_key_cannot_be_read_says_so_on_its_page(file: Path) -> None:
    browser = browser_of(make_person("owner@example.com", role=Role.OWNER))
    found = Provider.objects.get(name="P0")
    address = f"/office/providers/{found.pk}"
    assert "cannot be decrypted" not in browser.get(address).content.decode()
    Provider.objects.filter(pk=found.pk).update(sealed_key=seal("x", "a lost key"))
    assert "cannot be decrypted" in browser.get(address).content.decode()
