"""The settings of a method's gateway: what staff type in, secrets sealed and never shown again."""

import json
from collections.abc import Mapping

from django.conf import settings as django_settings

from sutler.accounts import secret_key
from sutler.core.text.text_input import one_line
from sutler.payments.gateways.registry import gateways
from sutler.payments.gateways.shape import Field, FieldKind, Gateway, Settings
from sutler.payments.models import Method
from sutler.storage.sealed import Unreadable, seal, unseal

LONGEST_VALUE = 1000


def gateway_of(method: Method) -> Gateway | None:
    """Returns the gateway of a method; None for one by hand, or of a kind that is not installed any more."""
    return gateways().get(method.kind)


def settings_of(method: Method) -> Settings:
    """Returns a method's settings, secrets and its currency among them. Raises storage.sealed.Unreadable."""
    secrets = json.loads(unseal(method.sealed_settings, *secret_key.keys())) if method.sealed_settings else {}
    return {**method.settings, **secrets, "currency": method.currency}


def shown(method: Method) -> dict[str, str]:
    """Returns a method's settings as staff may see them: all but the secrets."""
    return dict(method.settings)


def secrets_there(method: Method) -> frozenset[str]:
    """Returns the names of the secrets that a method has: none where they cannot be opened, and are typed in anew."""
    return frozenset(_opened(method))


def _opened(method: Method) -> dict[str, str]:
    try:
        opened = json.loads(unseal(method.sealed_settings, *secret_key.keys())) if method.sealed_settings else {}
    except Unreadable:
        return {}
    return dict(opened)


def write(method: Method, given: Mapping[str, str], *, must_be_whole: bool) -> str:
    """Puts settings into a method that is not saved yet; returns the name of one that will not do, or nothing.

    A secret that is left empty stays as it was. Unless `must_be_whole`, some may be missing.
    """
    gateway = gateway_of(method)
    if gateway is None:
        return "kind"
    fields = {each.name: each for each in gateway.fields}
    secrets = _opened(method)
    plain = {name: each.default for name, each in fields.items() if each.kind is not FieldKind.SECRET} | method.settings
    for name, text in given.items():
        value = one_line(text, LONGEST_VALUE)
        if name not in fields or value is None or not _is_fit(fields[name], value):
            return name
        if fields[name].kind is not FieldKind.SECRET:
            plain[name] = value
        elif value:
            secrets[name] = value
    wrong = _lacking(gateway, {**plain, **secrets, "currency": method.currency}) if must_be_whole else ""
    if not wrong:
        method.settings = plain
        method.sealed_settings = seal(json.dumps(secrets), django_settings.SECRET_KEY) if secrets else ""
    return wrong


def _is_fit(field: Field, value: str) -> bool:
    if field.kind is FieldKind.CHOICE:
        return value in field.choices
    return field.kind is not FieldKind.ADDRESS or not value or value.startswith(("https://", "http://"))


def _lacking(gateway: Gateway, values: Settings) -> str:
    missing = (each.name for each in gateway.fields if each.is_required and not values.get(each.name))
    return next(missing, "") or gateway.fault(values)
