"""What programs are told: one sentence for each reason of refusal, one line for each status.

The sentences are the wire's own (the protocol, sections 1, 3 and 4): clients compare them byte for byte.
"""

from dataclasses import dataclass
from functools import lru_cache

import msgspec
from django.utils.translation import gettext_noop as _

from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.refusals import Reason, Refusal


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence of the wire with its gaps, and when it is given: its line in the public documentation.

    Without `about` the sentence is not documented on its own.
    """

    text: str
    about: str = ""

    @property
    def sample(self) -> str:
        """The sentence as the documentation shows it, its gaps filled with an example."""
        return self.text.format(field="link", bound=100)


WORDINGS: dict[Reason, Wording] = {
    Reason.TOO_MANY_REQUESTS: Wording(
        "Too many requests", _("Too fast. HTTP 429; the header Retry-After says how many seconds to wait.")
    ),
    Reason.INVALID_KEY: Wording(
        "Invalid API key", _("The key is missing, wrong or revoked, or may not be used from your address.")
    ),
    # Answered as a wrong key: whoever found a key learns nothing by trying it elsewhere.
    Reason.ADDRESS_NOT_ALLOWED: Wording("Invalid API key"),
    Reason.INCORRECT_REQUEST: Wording(
        "Incorrect request",
        _("The action is missing or unknown, or a parameter that names an order or a refill is missing."),
    ),
    Reason.SCOPE_MISSING: Wording(
        "API key does not allow this action", _("The key is valid but not permitted for this action.")
    ),
    Reason.ACCOUNT_SUSPENDED: Wording(
        "Account suspended", _("The account places no orders until the panel resumes it.")
    ),
    Reason.REQUEST_ID_REUSED: Wording(
        "request_id already used with other parameters",
        _("An earlier order carries this request_id, but was asked with other parameters."),
    ),
    Reason.INCORRECT_SERVICE: Wording("Incorrect service ID", _("Unknown service, or not available now.")),
    Reason.CURRENCY_PAUSED: Wording(
        "Service is paused: the exchange rate of your currency is out of date",
        _("The exchange rate of the account's currency is too old."),
    ),
    Reason.INCORRECT_FIELD: Wording(
        "Incorrect {field}", _("A parameter is missing or malformed; the text names it, as in Incorrect link.")
    ),
    Reason.QUANTITY_BELOW_MINIMUM: Wording(
        "Quantity less than minimal {bound}", _("Below the service's min, which the text names.")
    ),
    Reason.QUANTITY_ABOVE_MAXIMUM: Wording(
        "Quantity more than maximum {bound}", _("Above the service's max, which the text names.")
    ),
    Reason.LINK_IN_USE: Wording(
        "You have active order with this link. Please wait until order being completed.",
        _("The service allows one active order per link."),
    ),
    Reason.SPEND_CAP_REACHED: Wording(
        "Daily limit of this API key reached", _("The key's daily limit (UTC) is reached.")
    ),
    Reason.NOT_ENOUGH_FUNDS: Wording("Not enough funds on balance", _("The charge is more than the balance.")),
    Reason.INCORRECT_ORDER: Wording("Incorrect order ID", _("No order of yours has this ID.")),
    Reason.ORDER_NOT_FOUND: Wording("Order not found", _("No order of yours has this request_id.")),
    Reason.REFILL_NOT_FOUND: Wording("Refill not found", _("No refill of yours has this ID.")),
    Reason.REFILL_NOT_AVAILABLE: Wording(
        "Refill is not available for this order",
        _("The service has no refill, the order is not completed, its guarantee is over, or it is too early."),
    ),
    Reason.CANCEL_NOT_AVAILABLE: Wording(
        "Cancel is not available for this order", _("The service cannot be cancelled, or the order is finished.")
    ),
    Reason.MOVE_NOT_ALLOWED: Wording("Status change is not allowed"),
    Reason.NOT_FOUND: Wording("Not found"),
    Reason.OTHER_PERSON_NEEDED: Wording("Another member of staff has to do this"),
}

STATUSES: dict[Status, str] = {
    Status.PENDING: _("Accepted and paid, not sent yet."),
    Status.PROCESSING: _("Sent, delivery not started."),
    Status.IN_PROGRESS: _("Being delivered."),
    Status.COMPLETED: _("Delivered."),
    Status.PARTIAL: _("Stopped early; the price of remains was refunded to the balance."),
    Status.CANCELED: _("Canceled; the full price was refunded to the balance."),
}

REFILL_STATUSES: dict[RefillStatus, str] = {
    RefillStatus.PENDING: _("Requested, not started."),
    RefillStatus.IN_PROGRESS: _("Being delivered again."),
    RefillStatus.COMPLETED: _("Delivered again."),
    RefillStatus.REJECTED: _("Rejected by the provider."),
}


def sentence(refusal: Refusal) -> str:
    """Returns the text of a refusal as the wire spells it."""
    return WORDINGS[refusal.reason].text.format(field=refusal.field, bound=refusal.bound)


@lru_cache(maxsize=4096)  # one entry for each reason, field and bound of the catalogue
def error_body(refusal: Refusal) -> bytes:
    """Returns the JSON body of a refusal: an object with the one member `error`."""
    return msgspec.json.encode({"error": sentence(refusal)})


def http_status(refusal: Refusal) -> int:
    """Returns 429 for going too fast, 200 for all else: many clients lose the text on any other code."""
    return 429 if refusal.reason is Reason.TOO_MANY_REQUESTS else 200
