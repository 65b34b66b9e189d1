"""The requests to add funds that a person means by a reference: ours (F-000012), or the gateway's own."""

import re

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from sutler.core.text import text_input
from sutler.payments.models import Checkout, FundsRequest, Method, Receipt

_REFERENCE = re.compile(r"[fF]-0*([0-9]{1,18})")
# The condition of a partial index, word for word: SQLite does not find it behind parameters.
_HAS_GATEWAY_ID = "NOT (gateway_id = '')"


def requests(text: str, limit: int, *, customer_id: int | None = None) -> list[FundsRequest]:
    """Returns at most `limit` requests, newest first; with a customer, of their own alone. Each by an index."""
    match = _REFERENCE.fullmatch(text)
    ids = {int(match[1])} if match else {text_input.number(text) or 0, *_of_gateways(text)}
    found = FundsRequest.objects.filter(pk__in=ids).select_related("method", "customer")
    if customer_id is not None:
        found = found.filter(customer_id=customer_id)
    return list(found.order_by("-pk")[:limit])


def _of_gateways(reference: str) -> list[int]:
    """Ids of requests whose checkout, or what came for it, a gateway knows by this reference."""
    checkouts = Checkout.objects.values_list("request_id")
    has_id = RawSQL(_HAS_GATEWAY_ID, [], BooleanField())  # noqa: S611
    receipts = Receipt.objects.filter(method__in=Method.objects.exclude(kind=""), transaction_id=reference)
    named = checkouts.filter(reference=reference).union(
        checkouts.filter(has_id, gateway_id=reference), receipts.values_list("request_id")
    )
    return [request_id for (request_id,) in named]
