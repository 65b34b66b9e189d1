"""The methods of paying that staff write."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.core.clock import new_token
from sutler.core.money import is_currency, show_rate
from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line, paragraphs
from sutler.payments import gateway_settings
from sutler.payments.models import Method

LONGEST_NAME, LONGEST_INSTRUCTIONS = 100, 5000


@dataclass(frozen=True, slots=True)
class Draft:
    """A method as staff write it; amounts in micros of its currency, fee and bonus in basis points of the amount.

    `kind` is a gateway's, and stays; empty: staff confirm by hand, and instructions say how to pay.
    """

    name: str
    instructions: str
    currency: str
    min_micros: int
    max_micros: int
    fee_basis_points: int = 0
    bonus_basis_points: int = 0
    is_offered: bool = True
    position: int = 0
    kind: str = ""
    accepts_partial: bool = False


def offered(currency: str) -> list[Method]:
    """Returns the methods in which a customer with this currency can pay, in staff's order."""
    return list(Method.objects.filter(currency=currency, is_offered=True))


def all_methods() -> list[Method]:
    """Returns every method for staff, those withdrawn after the others."""
    return list(Method.objects.order_by("-is_offered", "position", "pk"))


def save(
    draft: Draft,
    actor: User | None,
    now: datetime,
    *,
    method_id: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> Method | Refusal:
    """Makes a method, or changes one; requests made before keep the terms they were made on.

    `settings` are the gateway's that are to change; a secret left empty stays as it was. Refuses with NOT_FOUND, or
    INCORRECT_FIELD naming the field or setting that will not do: one that is missing, where the method is offered.
    """
    wrong = _wrong(draft)
    if wrong:
        return Refusal(Reason.INCORRECT_FIELD, wrong)
    with transaction.atomic():
        method = Method.objects.select_for_update().filter(pk=method_id).first() if method_id else Method()
        if method is None:
            return Refusal(Reason.NOT_FOUND)
        if method_id and method.kind != draft.kind:
            return Refusal(Reason.INCORRECT_FIELD, "kind")
        before = _terms(method) if method_id else None
        method.name = one_line(draft.name, LONGEST_NAME) or ""
        method.instructions = paragraphs(draft.instructions, LONGEST_INSTRUCTIONS) or ""
        method.currency = draft.currency
        method.min_micros, method.max_micros = draft.min_micros, draft.max_micros
        method.fee_basis_points, method.bonus_basis_points = draft.fee_basis_points, draft.bonus_basis_points
        method.is_offered, method.position = draft.is_offered, draft.position
        method.kind, method.accepts_partial = draft.kind, draft.accepts_partial
        if method.kind:
            method.public_id = method.public_id or new_token()[:32]
            wrong = gateway_settings.write(method, settings or {}, must_be_whole=method.is_offered)
            if wrong:
                return Refusal(Reason.INCORRECT_FIELD, wrong)
        method.save()
        after = _terms(method)
        if settings:
            # Which were typed in, not what: a secret may be among them.
            after["settings"] = ", ".join(sorted(name for name, value in settings.items() if value))
        audit_log.write(actor, "method saved", Subject(SubjectType.METHOD, method.pk), now, before=before, after=after)
        return method


def _wrong(draft: Draft) -> str:
    faults = {
        "name": not one_line(draft.name, LONGEST_NAME),
        "instructions": not paragraphs(draft.instructions, LONGEST_INSTRUCTIONS) and not draft.kind,
        "currency": not is_currency(draft.currency),
        "min": draft.min_micros <= 0,
        "max": draft.max_micros < draft.min_micros,
        "fee": not 0 <= draft.fee_basis_points < WHOLE_PRICE_BASIS_POINTS,
        "bonus": not 0 <= draft.bonus_basis_points <= WHOLE_PRICE_BASIS_POINTS,
    }
    return next((field for field, is_wrong in faults.items() if is_wrong), "")


def _terms(method: Method) -> dict[str, object]:
    return {
        "name": method.name,
        "kind": method.kind,
        "currency": method.currency,
        "min": show_rate(method.min_micros),
        "max": show_rate(method.max_micros),
        "fee": method.fee_basis_points,
        "bonus": method.bonus_basis_points,
        "partial": method.accepts_partial,
        "offered": method.is_offered,
    }
