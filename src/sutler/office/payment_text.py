"""What gateways reported, worded for staff: alerts, notices and receipts are kinds and data until they are shown."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sutler.payments.models import Alert, Receipt
from sutler.web.templatetags.web import amount

Kind = Alert.Kind

NOTICE_OUTCOMES: Mapping[str, str | Promise] = {
    "applied": gettext_lazy("Applied"),
    "known": gettext_lazy("Known already"),
    "unknown": gettext_lazy("No such payment"),
    "ignored": gettext_lazy("Nothing to do"),
    "forged": gettext_lazy("Refused: wrong signature"),
    "stale": gettext_lazy("Refused: signed too long ago"),
    "unreadable": gettext_lazy("Refused: cannot be read"),
}
NOTICE_KINDS: Mapping[str, str | Promise] = {
    "paid": gettext_lazy("Paid"),
    "reversed": gettext_lazy("Refunded"),
    "disputed": gettext_lazy("Disputed"),
    "won": gettext_lazy("Dispute won"),
    "lost": gettext_lazy("Dispute lost"),
    "failed": gettext_lazy("Failed or expired"),
    "pending": gettext_lazy("Pending"),
    "changed": gettext_lazy("Changed"),
}
RECEIPT_STATES: Mapping[str, tuple[str | Promise, str]] = {
    Receipt.State.HELD: (gettext_lazy("Not credited"), "warn"),
    Receipt.State.CREDITED: (gettext_lazy("Credited"), "good"),
}
DISPUTE_STATES: Mapping[str, tuple[str | Promise, str]] = {
    Receipt.Dispute.NONE: ("", ""),
    Receipt.Dispute.OPEN: (gettext_lazy("Disputed"), "warn"),
    Receipt.Dispute.WON: (gettext_lazy("Dispute won"), "good"),
    Receipt.Dispute.LOST: (gettext_lazy("Dispute lost"), "bad"),
}


def alert_text(alert: Alert) -> str:
    """Returns what an alert says, in the language switched on."""
    return _TEXTS[Kind(alert.kind)](alert.data, alert.request.currency)


def _too_little(data: Mapping[str, Any], currency: str) -> str:
    return _("Underpaid: received %(came)s of %(asked)s %(currency)s. Confirm what came, or wait for the rest.") % {
        "came": amount(data["came"]),
        "asked": amount(data["asked"]),
        "currency": currency,
    }


def _too_much(data: Mapping[str, Any], currency: str) -> str:
    return _("Overpaid: received %(came)s, asked %(asked)s %(currency)s. All of it was credited.") % {
        "came": amount(data["came"]),
        "asked": amount(data["asked"]),
        "currency": currency,
    }


def _currency(data: Mapping[str, Any], currency: str) -> str:
    return _("Paid in another currency: %(came)s %(other)s instead of %(currency)s. It was not credited.") % {
        "came": amount(data["micros"]),
        "other": data["currency"],
        "currency": currency,
    }


def _amount(data: Mapping[str, Any], currency: str) -> str:
    return _(
        "The gateway first reported %(first)s %(currency)s for a transaction, then %(then)s %(other)s. "
        "The first amount stands."
    ) % {
        "first": amount(data["first"]),
        "then": amount(data["then"]),
        "other": data["currency"],
        "currency": currency,
    }


def _late(data: Mapping[str, Any], currency: str) -> str:
    return _("Paid late: %(came)s %(currency)s were credited after the payment had ended.") % {
        "came": amount(data["micros"]),
        "currency": currency,
    }


def _decided(data: Mapping[str, Any], currency: str) -> str:
    return _("Paid after your decision: %(came)s %(currency)s were received and not credited.") % {
        "came": amount(data["micros"]),
        "currency": currency,
    }


def _too_large(data: Mapping[str, Any], currency: str) -> str:
    return _("%(came)s %(currency)s were received, more than a balance can hold. They were not credited.") % {
        "came": amount(data["micros"]),
        "currency": currency,
    }


def _reversed(data: Mapping[str, Any], currency: str) -> str:
    values = {"back": amount(data["back"]), "taken": amount(data["taken"]), "currency": currency}
    return _("Refunded by the gateway: %(back)s %(currency)s. %(taken)s were taken from the balance.") % values


def _dispute(data: Mapping[str, Any], currency: str) -> str:
    values = {
        "disputed": amount(data["disputed"]),
        "frozen": amount(data["frozen"]),
        "taken": amount(data["taken"]),
        "currency": currency,
    }
    if data["state"] == Receipt.Dispute.WON:
        return _("Dispute of %(disputed)s %(currency)s won. What was frozen is in the balance again.") % values
    if data["state"] == Receipt.Dispute.LOST:
        return _("Dispute of %(disputed)s %(currency)s lost. %(taken)s were taken from the balance.") % values
    return (
        _("Disputed: %(disputed)s %(currency)s, of which %(frozen)s were unspent and are frozen. Answer the gateway.")
        % values
    )


def _reinstated(data: Mapping[str, Any], currency: str) -> str:
    return _(
        "The gateway first reported a dispute of %(micros)s %(currency)s as lost, then as won. Check it there; "
        "nothing was returned."
    ) % {"micros": amount(data["micros"]), "currency": currency}


def _missing(data: Mapping[str, Any], currency: str) -> str:
    return _("%(micros)s %(currency)s were credited for transaction %(id)s, which the gateway does not name.") % {
        "micros": amount(data["micros"]),
        "currency": currency,
        "id": data["transaction"],
    }


def _debt(data: Mapping[str, Any], currency: str) -> str:
    return _(
        "The balance did not cover it: the customer owes %(owed)s %(currency)s beyond the credit limit and cannot "
        "order until deposits cover it."
    ) % {
        "owed": amount(data["owed"]),
        "currency": currency,
    }


def _transaction(data: Mapping[str, Any], _currency: str) -> str:
    return _("The gateway reported transaction %(id)s, which has paid another payment. It was not credited here.") % {
        "id": data["transaction"]
    }


_TEXTS: Mapping[Alert.Kind, Callable[[Mapping[str, Any], str], str]] = {
    Kind.TOO_LITTLE: _too_little,
    Kind.TOO_MUCH: _too_much,
    Kind.CURRENCY: _currency,
    Kind.AMOUNT: _amount,
    Kind.LATE: _late,
    Kind.DECIDED: _decided,
    Kind.TOO_LARGE: _too_large,
    Kind.REVERSED: _reversed,
    Kind.DISPUTE: _dispute,
    Kind.REINSTATED: _reinstated,
    Kind.DEBT: _debt,
    Kind.MISSING: _missing,
    Kind.TRANSACTION: _transaction,
}
