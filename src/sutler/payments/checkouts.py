"""Beginning a payment at a gateway: first a row, then the gateway is told, then the customer leaves for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings as panel_settings

from sutler.accounts.models import Customer, User
from sutler.core.refusals import Reason, Refusal
from sutler.payments import funds, gateway_settings
from sutler.payments.gateways import http
from sutler.payments.gateways.shape import Ask, Begun, Charge, Failure, Gateway, Settings
from sutler.payments.models import Checkout, FundsRequest, Method
from sutler.storage.sealed import Unreadable
from sutler.storage.transactions import durable

# How long a customer has to pay. A gateway's own time may be shorter: it says then that nothing came, and what was sent
# within that time and is confirmed after it is not late.
OPEN_FOR = timedelta(hours=24)
FIRST_LOOK_AFTER = timedelta(minutes=2)
LONGEST_URL = 2000
State = FundsRequest.State


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where customers come back to, and where gateways send notices: both whole, by the ids they are about."""

    of_request: Callable[[int], str]
    of_notices: Callable[[str], str]


def new_ask() -> Ask:
    """Returns the way to gateways: private addresses only where the operator allows the host."""
    return http.opened(panel_settings.SUTLER["SUTLER_UPSTREAM_PRIVATE_HOSTS"])


def open_(
    customer_id: int, method_id: int, amount_micros: int, asked_by: User | None, new_token: str, now: datetime
) -> FundsRequest | Refusal:
    """Stores that a customer pays an amount by a gateway's method; the gateway is not told yet (`begin`).

    Refuses as `funds.ask`, and with INCORRECT_FIELD `amount` where the gateway cannot charge it to the last digit.
    `new_token` is a fresh secret: what others cannot guess of the reference.
    """
    with durable():
        # One customer's requests are counted one after the other; the lock is the one that `funds.ask` takes.
        Customer.objects.select_for_update().get(pk=customer_id)
        method = Method.objects.filter(pk=method_id, is_offered=True).exclude(kind="").first()
        gateway = gateway_settings.gateway_of(method) if method else None
        if method is None or gateway is None:
            return Refusal(Reason.INCORRECT_FIELD, "method")
        if amount_micros % gateway.unit_micros(method.currency):
            return Refusal(Reason.INCORRECT_FIELD, "amount")
        request = funds.ask(customer_id, method_id, amount_micros, "", asked_by, now, is_at_gateway=True)
        if isinstance(request, Refusal):
            return request
        Checkout.objects.create(
            request=request,
            reference=f"{request.reference}-{new_token[:16]}",
            asked_micros=amount_micros,
            fee_basis_points=method.fee_basis_points,
            bonus_basis_points=method.bonus_basis_points,
            expires_at=now + OPEN_FOR,
            look_at=now + FIRST_LOOK_AFTER,
        )
        return request


def begin(
    customer_id: int, request_id: int, addresses: Addresses, now: datetime, *, ask: Ask | None = None
) -> Checkout | Refusal | Failure:
    """Tells the gateway of a waiting request, if it was not told; returns where the customer pays.

    Refuses with NOT_FOUND, MOVE_NOT_ALLOWED (not waiting any more). A failure changes nothing, and may be tried again.
    """
    found = Checkout.objects.select_related("request__method", "request__customer")
    checkout = found.filter(request_id=request_id, request__customer_id=customer_id).first()
    if checkout is None:
        return Refusal(Reason.NOT_FOUND)
    request, method = checkout.request, checkout.request.method
    if request.state != State.WAITING or now > checkout.expires_at:
        return Refusal(Reason.MOVE_NOT_ALLOWED)
    if checkout.begun_at is not None:
        return checkout
    gateway = gateway_settings.gateway_of(method)
    if gateway is None:
        return Failure(f"the gateway {method.kind} is not installed")
    charge = Charge(
        reference=checkout.reference,
        amount_micros=checkout.asked_micros,
        currency=request.currency,
        description=f"{panel_settings.SUTLER['SUTLER_PANEL_NAME']} {request.reference}",
        return_url=addresses.of_request(request.pk),
        notice_url=addresses.of_notices(method.public_id or ""),
        expires_at=checkout.expires_at,
    )
    try:
        answer = asyncio.run(_begin(gateway, gateway_settings.settings_of(method), charge, ask or new_ask()))
    except Unreadable:
        answer = Failure("the secrets cannot be unsealed with the panel's secret key")
    if isinstance(answer, Begun) and not _leads_somewhere(answer):
        answer = Failure("it named no address to pay at")
    with durable():
        checkout = found.select_for_update(of=("self",)).get(pk=checkout.pk)
        if isinstance(answer, Failure):
            checkout.fault = answer.why[:300]
        elif checkout.begun_at is None:
            checkout.page_url, checkout.gateway_id = answer.page_url, answer.gateway_id[:128]
            checkout.pay_address, checkout.pay_amount = answer.pay_address[:200], answer.pay_amount[:80]
            checkout.begun_at, checkout.fault = now, ""
        checkout.save()
    return answer if isinstance(answer, Failure) else checkout


async def _begin(gateway: Gateway, settings: Settings, charge: Charge, ask: Ask) -> Begun | Failure:
    return await gateway.begin(settings, charge, ask)


def _leads_somewhere(answer: Begun) -> bool:
    is_page = answer.page_url.startswith(("https://", "http://")) and len(answer.page_url) <= LONGEST_URL
    return is_page or (not answer.page_url and bool(answer.pay_address))
