"""Providers: how they are added and changed, and how each wants to be asked."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack, cast

import httpx2
from django.conf import settings

from sutler.accounts import secret_key
from sutler.catalogue.models import ExchangeRate
from sutler.core.money import LARGEST_MICROS, is_currency
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.catalogue import repricing
from sutler.fulfilment.models import Alarm, Provider, ProviderState
from sutler.fulfilment.providers import account, alarms, call_log
from sutler.panels.client import PanelSettings
from sutler.panels.safe_transport import is_address, is_allowed, is_public
from sutler.storage.sealed import Unreadable, seal, unseal
from sutler.storage.transactions import durable

LONGEST_NAME, LONGEST_URL, LONGEST_SECRET = 100, 500, 500
MOST_EXTRA_FIELDS = 20
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
# What calls are made of; neither the key nor a fixed field may stand in its place.
_TAKEN_NAMES = frozenset(
    {"action", "service", "order", "orders", "refill", "refills", "link", "quantity", "request_id"}
)
# The least and the most that may be set. The settle window is at least 15 minutes (reliability page, rule 4).
_BOUNDS = {
    "call_interval_milliseconds": (0, 3_600_000),
    "most_at_once": (1, 50),
    "settle_minutes": (15, 7 * 24 * 60),
    "brake_percent": (1, 100),
    "brake_open": (1, 100_000),
}
_CHOICES = {"method": ("POST", "GET"), "cancel_field": ("orders", "order"), "trailing_slash": (None, True, False)}
_FLAGS = frozenset({"drip_feed_there", "subscriptions_there", "may_scan", "is_shared", "has_moved"})
# What is said of the account: no columns.
_OF_ACCOUNT = frozenset({"same_account_as", "has_moved"})


class Terms(TypedDict, total=False):
    """What may be said of a provider: columns of `Provider`, and the key and fixed fields, which are kept sealed.

    `same_account_as` is another provider whose account this is, by another key. `has_moved`: a new address is that of
    the same account.
    """

    name: str
    url: str
    key: str
    extra_fields: Mapping[str, str]
    method: str
    key_field: str
    cancel_field: str
    trailing_slash: bool | None
    call_interval_milliseconds: int
    most_at_once: int
    drip_feed_there: bool
    subscriptions_there: bool
    settle_minutes: int
    may_scan: bool
    is_shared: bool
    brake_percent: int
    brake_open: int
    low_balance_micros: int | None
    same_account_as: int
    has_moved: bool


def add(currency: str, now: datetime, **terms: Unpack[Terms]) -> Provider | Refusal:
    """Adds a provider, switched on, at which the operator holds an account in this currency, for ever.

    `name`, `url` and `key` are needed. Refuses with INCORRECT_FIELD for the first field that cannot be: `currency` if
    its worth in the base currency is not known (no margin could be told), `name` if another has it, `url` unless it is
    https (or http at a host of SUTLER_UPSTREAM_PRIVATE_HOSTS) without a user, a query or a fragment, and not at an
    address that would be refused at every call, `account` if another provider has this address and key (`twin`),
    `same_account_as` if there is none, or its currency is another.
    """
    missing = next((each for each in ("name", "url", "key") if each not in terms), "")
    if missing or not _has_worth(currency):
        return Refusal(Reason.INCORRECT_FIELD, missing or "currency")
    with durable():
        return _keep(Provider(currency=currency, created_at=now), terms, now)


def twin(terms: Terms, provider_id: int | None = None) -> Provider | None:
    """Returns the other provider that has the address and key that a provider has, or would have by these terms."""
    stored = Provider.objects.filter(pk=provider_id).first() if provider_id else None
    url = terms.get("url", stored.url if stored else "")
    key = terms.get("key") or (account.key_of(stored) if stored else None)
    return account.twin(url, key, besides=provider_id) if key else None


def change(
    provider_id: int, now: datetime, *, accept_rises: bool = False, **terms: Unpack[Terms]
) -> Provider | Refusal:
    """Changes what is given of a provider. Refuses as `add` does, and with INCORRECT_FIELD `provider` if none is there,
    `has_moved` if orders are open there and the address is another, unless it is said that the account moved with it.

    Its worker takes it over within seconds; calls that are out are waited for first. Services that only it can deliver
    follow: a service of type Subscriptions there delivers ours only while it runs subscriptions itself.
    Prices that would so rise by more than 30 % wait, unless staff `accept_rises`.
    """
    with durable():
        provider = Provider.objects.filter(pk=provider_id).locked().first()
        if provider is None:
            return Refusal(Reason.INCORRECT_FIELD, "provider")
        ran_subscriptions, address = provider.subscriptions_there, (provider.url, provider.trailing_slash)
        kept = _keep(provider, terms, now)
        if isinstance(kept, Provider) and (kept.url, kept.trailing_slash) != address:
            alarms.close(provider_id, Alarm.Kind.CATALOGUE, call_log.REDIRECTED, "address changed", now)
            states = ProviderState.objects.filter(provider=provider_id)
            states.update(request_ids=ProviderState.RequestIds.UNASKED, request_ids_at=None)
            states.update(changes_cursor="", changes_at=None)
        if isinstance(kept, Provider) and kept.subscriptions_there != ran_subscriptions:
            services = repricing.services_of(provider_id)
            repricing.adjust(services, repricing.bounds(services), now, accept_rises=accept_rises)
        return kept


def set_state(provider_id: int, state: Provider.State) -> Provider | Refusal:
    """Lets a provider be sent orders (ON), only follow those that it has (STOPPED), or be asked nothing (OFF).

    Refuses with INCORRECT_FIELD `provider` if there is none.
    """
    if not Provider.objects.filter(pk=provider_id).update(state=state):
        return Refusal(Reason.INCORRECT_FIELD, "provider")
    return Provider.objects.get(pk=provider_id)


def panel_settings(provider: Provider, *secret_keys: str) -> PanelSettings:
    """Returns how the provider wants to be asked. Raises storage.sealed.Unreadable if its key cannot be unsealed."""
    fields = json.loads(unseal(provider.sealed_fields, *secret_keys)) if provider.sealed_fields else {}
    return PanelSettings(
        url=provider.url,
        key=unseal(provider.sealed_key, *secret_keys),
        method=cast(Literal["POST", "GET"], provider.method),
        key_field=provider.key_field,
        extra_fields=fields,
        cancel_field=cast(Literal["orders", "order"], provider.cancel_field),
        trailing_slash=provider.trailing_slash,
    )


def is_key_readable(provider: Provider) -> bool:
    """Returns True if the provider's key and fixed fields can be unsealed."""
    try:
        panel_settings(provider, *secret_key.keys())
    except Unreadable:
        return False
    return True


def _keep(provider: Provider, terms: Terms, now: datetime) -> Provider | Refusal:
    wrong = _wrong_field(provider, terms) or _wrong_account(provider, terms)
    if wrong:
        return Refusal(Reason.INCORRECT_FIELD, wrong)
    for name in terms.keys() - _OF_ACCOUNT:
        value = terms[name]  # type: ignore[literal-required]
        match name:
            case "key":
                provider.sealed_key = seal(str(value), settings.SECRET_KEY)
            case "extra_fields":
                provider.sealed_fields = seal(json.dumps(value), settings.SECRET_KEY) if value else ""
            case _:
                setattr(provider, name, value)
    provider.save()
    if "same_account_as" in terms:
        account.join(Provider.objects.get(pk=terms["same_account_as"]), provider, now)
    return provider


def _wrong_account(provider: Provider, terms: Terms) -> str:
    """Returns the term by which it would be the account of another provider, or not its own any more."""
    other_id = terms.get("same_account_as")
    if other_id is not None:
        others = Provider.objects.filter(pk=other_id, currency=provider.currency).exclude(pk=provider.pk or 0)
        if not others.exists():
            return "same_account_as"
    if terms.keys() & {"url", "key"}:
        other = twin(terms, provider.pk)
        if other is not None and other.account_id != provider.account_id:
            return "account"
    if provider.pk and "url" in terms and not terms.get("has_moved"):
        is_elsewhere = account.address(terms["url"]) != account.address(provider.url)
        if is_elsewhere and account.has_open_orders(provider.pk):
            return "has_moved"
    return ""


def _wrong_field(provider: Provider, terms: Terms) -> str:
    for name, value in terms.items():
        if name == "name" and Provider.objects.filter(name=value).exclude(pk=provider.pk).exists():
            return name
        if not _is_right(name, value):
            return name
    key_field = terms.get("key_field", provider.key_field)
    return "extra_fields" if key_field in terms.get("extra_fields", {}) else ""


def _is_right(name: str, value: Any) -> bool:
    if name in _BOUNDS:
        least, most = _BOUNDS[name]
        return type(value) is int and least <= value <= most
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name in _FLAGS:
        return isinstance(value, bool)
    return name in _RULES and _RULES[name](value)


def _is_url(text: str) -> bool:
    if not _is_line(text, LONGEST_URL) or not text.isascii() or " " in text:
        return False
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        return False
    if not url.host or url.scheme not in {"http", "https"} or url.userinfo or set(text) & set("?#@"):
        return False
    if is_allowed(url.host, settings.SUTLER["SUTLER_UPSTREAM_PRIVATE_HOSTS"]):
        return True
    return url.scheme == "https" and (is_public(url.host) or not is_address(url.host))


def _is_line(text: str, longest: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= longest and text == text.strip() and text.isprintable()


def _is_field_name(text: str) -> bool:
    return _FIELD_NAME.fullmatch(text) is not None and text not in _TAKEN_NAMES


def _are_fields(fields: Mapping[str, str]) -> bool:
    are_named = all(_is_field_name(name) and _is_line(text, LONGEST_SECRET) for name, text in fields.items())
    return len(fields) <= MOST_EXTRA_FIELDS and are_named


def _has_worth(currency: str) -> bool:
    is_base = currency == settings.SUTLER["SUTLER_BASE_CURRENCY"]
    return is_currency(currency) and (is_base or ExchangeRate.objects.filter(currency=currency).exists())


_RULES: dict[str, Callable[[Any], bool]] = {
    "same_account_as": lambda provider_id: type(provider_id) is int,
    "name": lambda text: _is_line(text, LONGEST_NAME),
    "url": _is_url,
    "key": lambda text: _is_line(text, LONGEST_SECRET),
    "key_field": _is_field_name,
    "extra_fields": _are_fields,
    "low_balance_micros": lambda micros: micros is None or (type(micros) is int and 0 <= micros <= LARGEST_MICROS),
}
