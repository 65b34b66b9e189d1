"""The closed list of what people may hear of: for whom it is, and how often at most a letter about it leaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sutler.accounts.models import User
from sutler.accounts.roles import Permission, permissions_of
from sutler.fulfilment.models import Alarm


class Kind(StrEnum):
    """What a notice is about."""

    TICKET = "ticket"
    PAYMENT = "payment"
    APPROVAL = "approval"
    DECISION = "decision"
    BALANCE = "balance"
    PRICES = "prices"
    ALARM = "alarm"
    WORKER = "worker"
    BOOKS = "books"
    BACKUP = "backup"
    ORDER_COMPLETED = "order completed"
    ORDER_PARTIAL = "order partial"
    ORDER_CANCELED = "order canceled"
    REFILL = "refill"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class About:
    """One line of the table. `permission` is what staff need to hear of it; None: it is for customers.

    After a letter the next about the same waits for `pause`: what happens meanwhile is one letter with a count.
    """

    words: str | Promise
    permission: Permission | None
    pause: timedelta = timedelta(minutes=10)
    is_default: bool = True


_HOUR = timedelta(hours=1)
KINDS: Mapping[Kind, About] = {
    Kind.TICKET: About(_("New messages in tickets"), Permission.TICKETS),
    Kind.PAYMENT: About(_("Payments that need confirmation or a decision"), Permission.PAYMENTS),
    Kind.APPROVAL: About(_("Orders that await approval"), Permission.CHANGE_ORDERS),
    Kind.DECISION: About(_("Unconfirmed orders that need a decision"), Permission.VERDICTS),
    Kind.BALANCE: About(_("Low balance or rejected key at a provider"), Permission.PROVIDERS),
    Kind.PRICES: About(_("Prices, margins and exchange rates that need attention"), Permission.CATALOGUE),
    Kind.ALARM: About(_("Other alarms"), Permission.VERDICTS),
    Kind.WORKER: About(_("The worker was down"), Permission.VERIFY),
    Kind.BOOKS: About(_("The audit found mismatches"), Permission.VERIFY),
    Kind.BACKUP: About(_("Backup failed or missing"), Permission.VERIFY),
    Kind.ORDER_COMPLETED: About(_("Completed orders"), None, _HOUR),
    Kind.ORDER_PARTIAL: About(_("Partially completed orders"), None, _HOUR),
    Kind.ORDER_CANCELED: About(_("Canceled orders"), None, _HOUR),
    Kind.REFILL: About(_("Completed or rejected refills"), None, _HOUR),
    Kind.SERVICE: About(_("Service and price changes"), None, timedelta(days=1), is_default=False),
}
# Alarms that are another kind than `ALARM`.
_ALARMS: Mapping[str, Kind] = {
    Alarm.Kind.VERDICT: Kind.DECISION,
    Alarm.Kind.LOW_BALANCE: Kind.BALANCE,
    Alarm.Kind.KEY_OR_FUNDS: Kind.BALANCE,
    Alarm.Kind.CATALOGUE: Kind.PRICES,
    Alarm.Kind.MARGIN: Kind.PRICES,
    Alarm.Kind.EXCHANGE: Kind.PRICES,
    Alarm.Kind.BACKUP_FAILED: Kind.BACKUP,
    Alarm.Kind.BACKUP_MISSED: Kind.BACKUP,
}
FOR_STAFF = tuple(kind for kind, about in KINDS.items() if about.permission is not None)
FOR_CUSTOMERS = tuple(kind for kind, about in KINDS.items() if about.permission is None)


def kind_of_alarm(alarm_kind: str) -> Kind:
    """Returns as what people hear of an alarm."""
    return _ALARMS.get(alarm_kind, Kind.ALARM)


def kinds_of(user: User) -> tuple[Kind, ...]:
    """Returns what a person may hear of: staff what their role lets them see, customers what concerns them."""
    if not user.is_active:
        return ()
    if user.customer_id is not None:
        return FOR_CUSTOMERS
    permissions = permissions_of(user)
    return tuple(each for each in FOR_STAFF if KINDS[each].permission in permissions)
