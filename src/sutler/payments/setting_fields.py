"""Settings that staff type in for a gateway or a channel: filled in by their fields, secrets sealed."""

import json
from collections.abc import Callable, Mapping, Sequence

from django.conf import settings as django_settings

from sutler.accounts import secret_key
from sutler.core.text.text_input import one_line
from sutler.payments.gateways.shape import Field, FieldKind, Settings
from sutler.storage.sealed import Unreadable, seal, unseal

LONGEST_VALUE = 1000


def opened(sealed: str) -> dict[str, str]:
    """Returns the secrets that are sealed. Raises storage.sealed.Unreadable."""
    return dict(json.loads(unseal(sealed, *secret_key.keys()))) if sealed else {}


def opened_if_readable(sealed: str) -> dict[str, str]:
    """Returns the secrets that are sealed, none where they cannot be opened: they are typed in anew."""
    try:
        return opened(sealed)
    except Unreadable:
        return {}


def closed(secrets: Mapping[str, str]) -> str:
    """Returns secrets sealed, nothing for none."""
    return seal(json.dumps(secrets), django_settings.SECRET_KEY) if secrets else ""


def fill(fields: Sequence[Field], plain: dict[str, str], secrets: dict[str, str], given: Mapping[str, str]) -> str:
    """Puts what is given into the settings; returns the name of one that will not do, or nothing.

    A secret that is left empty stays as it was; what is not given has its default.
    """
    by_name = {each.name: each for each in fields}
    for each in fields:
        if each.kind is not FieldKind.SECRET:
            plain.setdefault(each.name, each.default)
    for name, text in given.items():
        value = one_line(text, LONGEST_VALUE)
        if name not in by_name or value is None or not _is_fit(by_name[name], value):
            return name
        if by_name[name].kind is not FieldKind.SECRET:
            plain[name] = value
        elif value:
            secrets[name] = value
    return ""


def lacking(fields: Sequence[Field], fault: Callable[[Settings], str], values: Settings) -> str:
    """Returns the name of a setting that is missing or at fault, or nothing."""
    missing = (each.name for each in fields if each.is_required and not values.get(each.name))
    return next(missing, "") or fault(values)


def _is_fit(field: Field, value: str) -> bool:
    if field.kind is FieldKind.CHOICE:
        return value in field.choices
    return field.kind is not FieldKind.ADDRESS or not value or value.startswith(("https://", "http://"))
