"""The settings of a method's gateway: what staff type in, secrets sealed and never shown again."""

from collections.abc import Mapping

from sutler.payments.gateways.registry import gateways
from sutler.payments.gateways.shape import Gateway, Settings
from sutler.payments.models import Method
from sutler.payments.setting_fields import closed, fill, lacking, opened, opened_if_readable


def gateway_of(method: Method) -> Gateway | None:
    """Returns the gateway of a method; None for one by hand, or of a kind that is not installed any more."""
    return gateways().get(method.kind)


def settings_of(method: Method) -> Settings:
    """Returns a method's settings, secrets and its currency among them. Raises storage.sealed.Unreadable."""
    return {**method.settings, **opened(method.sealed_settings), "currency": method.currency}


def shown(method: Method) -> dict[str, str]:
    """Returns a method's settings as staff may see them: all but the secrets."""
    return dict(method.settings)


def secrets_there(method: Method) -> frozenset[str]:
    """Returns the names of the secrets that a method has: none where they cannot be opened, and are typed in anew."""
    return frozenset(opened_if_readable(method.sealed_settings))


def write(method: Method, given: Mapping[str, str], *, must_be_whole: bool) -> str:
    """Puts settings into a method that is not saved yet; returns the name of one that will not do, or nothing.

    A secret that is left empty stays as it was. Unless `must_be_whole`, some may be missing.
    """
    gateway = gateway_of(method)
    if gateway is None:
        return "kind"
    plain, secrets = dict(method.settings), opened_if_readable(method.sealed_settings)
    wrong = fill(gateway.fields, plain, secrets, given)
    if not wrong and must_be_whole:
        wrong = lacking(gateway.fields, gateway.fault, {**plain, **secrets, "currency": method.currency})
    if not wrong:
        method.settings, method.sealed_settings = plain, closed(secrets)
    return wrong
