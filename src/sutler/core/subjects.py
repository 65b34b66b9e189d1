"""What an alarm or an entry of the audit log is about: a closed list of types, with an id, worded when it is shown."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from sutler.core.event_texts import Translate
from sutler.core.translation import gettext_noop
from sutler.core.translation import gettext_noop as _


class SubjectType(StrEnum):
    """What kind of thing it is. Those without an id keep apart what one alarm says of a provider, or of the panel."""

    ORDER = "order"
    REFILL = "refill"
    SERVICE = "service"
    # An order at the provider, by its id there.
    PROVIDER_ORDER = "provider order"
    CUSTOMER = "customer"
    STAFF = "staff"
    GROUP = "group"
    CATEGORY = "category"
    CATEGORIES = "categories"
    PROVIDER = "provider"
    PROVIDERS = "providers"
    PAYMENT = "payment"
    METHOD = "method"
    ANNOUNCEMENT = "announcement"
    CHANNEL = "channel"
    ALARM = "alarm"
    VERIFICATION = "verification"
    TERMS = "terms"
    PANEL = "panel"
    # Of these the id is a currency.
    CURRENCY = "currency"
    RATE_JUMP = "rate jump"
    RATE_AGE = "rate age"
    RATE_QUOTE = "rate quote"
    # Of these the id is how many there were.
    ORDERS = "orders"
    SERVICES = "services"
    # As it was written before types were kept.
    TEXT = "text"
    # The provider itself, or the panel.
    WHOLE = "whole"
    ADDRESS = "address"
    BALANCE = "balance"
    BALANCE_CURRENCY = "balance currency"
    SERVICE_LIST = "service list"
    UNREADABLE_ROWS = "unreadable rows"
    PRICES = "prices"
    HELD_PRICES = "held prices"
    PROMISES = "promises"
    PAUSED_SERVICES = "paused services"
    RATE_SOURCE = "rate source"
    EMAIL = "email"
    # What a provider has placed since the backup that the panel was restored from.
    FORGOTTEN_ORDERS = "forgotten orders"


class Subject(NamedTuple):
    """One thing: its type, and its id within the type."""

    type: SubjectType
    id: int | str = ""


WHOLE = Subject(SubjectType.WHOLE)
# A type that is not named needs no words: what is said of it says it.
TEXTS: Mapping[SubjectType, str] = {
    SubjectType.ORDER: _("order {id}"),
    SubjectType.REFILL: _("refill {id}"),
    SubjectType.SERVICE: _("service {id}"),
    SubjectType.PROVIDER_ORDER: _("provider order {id}"),
    SubjectType.CUSTOMER: _("customer {id}"),
    SubjectType.STAFF: _("staff {id}"),
    SubjectType.GROUP: _("group {id}"),
    SubjectType.CATEGORY: _("category {id}"),
    SubjectType.CATEGORIES: _("categories"),
    SubjectType.PROVIDER: _("provider {id}"),
    SubjectType.PROVIDERS: _("all providers"),
    SubjectType.PAYMENT: _("payment {id}"),
    SubjectType.METHOD: _("payment method {id}"),
    SubjectType.ANNOUNCEMENT: _("announcement {id}"),
    SubjectType.CHANNEL: _("channel {id}"),
    SubjectType.ALARM: _("alarm {id}"),
    SubjectType.VERIFICATION: _("verification {id}"),
    SubjectType.TERMS: _("terms {id}"),
    SubjectType.PANEL: _("panel"),
    SubjectType.CURRENCY: _("currency {id}"),
    SubjectType.ORDERS: _("{id} orders"),
    SubjectType.SERVICES: _("{id} services"),
    SubjectType.TEXT: "{id}",
    SubjectType.RATE_JUMP: "{id}",
    SubjectType.RATE_AGE: "{id}",
    SubjectType.RATE_QUOTE: "{id}",
}


def subject_text(subject_type: str, subject_id: str, translate: Translate = gettext_noop) -> str:
    """Returns a subject in words, "" for one that needs none."""
    text = TEXTS.get(SubjectType(subject_type))
    return translate(text).format(id=subject_id).strip() if text else ""
