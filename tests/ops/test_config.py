"""Settings: typed, known by name, secrets masked."""

from pathlib import Path

import pytest

from sutler import config
from sutler.config import SETTINGS, ConfigError


def test_without_any_variable_every_setting_has_its_default() -> None:
    assert config.read({}) == {each.name: each.default for each in SETTINGS}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SUTLER_PANEL_NAME", "Ben's panel", "Ben's panel"),
        ("SUTLER_BODY_LIMIT_BYTES", "2048", 2048),
        ("SUTLER_ALLOWED_HOSTS", "a.example,b.example", ["a.example", "b.example"]),
        ("SUTLER_KEY_REQUESTS_PER_SECOND", "0", 0),
    ],
)
def test_a_variable_is_read_as_its_type(name: str, text: str, value: object) -> None:
    assert config.read({name: text})[name] == value


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SUTLER_PANNEL_NAME": "x"}, "unknown setting SUTLER_PANNEL_NAME"),
        ({"SUTLER_": "x"}, "unknown setting SUTLER_"),
        ({"SUTLER_BODY_LIMIT_BYTES": "1 MiB"}, "SUTLER_BODY_LIMIT_BYTES must be of type int"),
        ({"SUTLER_BODY_LIMIT_BYTES": ""}, "SUTLER_BODY_LIMIT_BYTES must be of type int"),
    ],
)
def test_an_unusable_variable_is_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config.read(environment)


def test_what_the_demo_prints_may_stand_in_the_environment() -> None:
    config.read({"SUTLER_URL": "http://127.0.0.1:8000", "SUTLER_API_KEY_2": "b", "SUTLER_STAFF": "a b"})


def test_other_programs_variables_do_not_matter() -> None:
    config.read({"PATH": "/bin", "SUTLERY": "x", "sutler_x": "y"})


@pytest.mark.parametrize(
    ("given", "in_file", "used"),
    [
        ("from outside", "in the file\n", ("from outside",)),
        ("", "in the file\n", ("in the file",)),
        ("", "new\nold\nolder\n", ("new", "old", "older")),
        ("", "\n", ()),
        (" ", None, ()),
        ("", None, ()),
    ],
)
def test_the_secret_key_comes_from_outside_or_from_the_folder(
    tmp_path: Path, given: str, in_file: str | None, used: tuple[str, ...]
) -> None:
    values = config.read({"SUTLER_DATA_DIR": str(tmp_path), "SUTLER_SECRET_KEY": given})
    if in_file is not None:
        config.secret_key_file(values).write_text(in_file)
    assert config.secret_keys(values) == used


def test_older_keys_come_from_outside_with_the_key() -> None:
    values = config.read({"SUTLER_SECRET_KEY": "new", "SUTLER_SECRET_KEY_FALLBACKS": "old,older"})
    assert config.secret_keys(values) == ("new", "old", "older")


@pytest.mark.parametrize("name", ["SUTLER_DATABASE_URL", "SUTLER_SECRET_KEY", "SUTLER_METRICS_TOKEN"])
def test_what_holds_a_password_is_a_secret(name: str) -> None:
    assert next(each for each in SETTINGS if each.name == name).secret
