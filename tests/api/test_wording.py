"""Every refusal has its sentence, and the sentences are the wire's."""

import json

import pytest

from sutler.api import wording
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.refusals import Reason, Refusal

SENTENCES = [
    (Refusal(Reason.TOO_MANY_REQUESTS), "Too many requests"),
    (Refusal(Reason.INVALID_KEY), "Invalid API key"),
    (Refusal(Reason.ADDRESS_NOT_ALLOWED), "Invalid API key"),
    (Refusal(Reason.INCORRECT_REQUEST), "Incorrect request"),
    (Refusal(Reason.SCOPE_MISSING), "API key does not allow this action"),
    (Refusal(Reason.ACCOUNT_SUSPENDED), "Account suspended"),
    (Refusal(Reason.REQUEST_ID_REUSED), "request_id already used with other parameters"),
    (Refusal(Reason.INCORRECT_SERVICE), "Incorrect service ID"),
    (Refusal(Reason.CURRENCY_PAUSED), "Service is paused: the exchange rate of your currency is out of date"),
    (Refusal(Reason.INCORRECT_FIELD, "link"), "Incorrect link"),
    (Refusal(Reason.INCORRECT_FIELD, "answer_number"), "Incorrect answer_number"),
    (Refusal(Reason.QUANTITY_BELOW_MINIMUM, bound=50), "Quantity less than minimal 50"),
    (Refusal(Reason.QUANTITY_ABOVE_MAXIMUM, bound=10000), "Quantity more than maximum 10000"),
    (
        Refusal(Reason.LINK_IN_USE),
        "You have active order with this link. Please wait until order being completed.",
    ),
    (Refusal(Reason.SPEND_CAP_REACHED), "Daily limit of this API key reached"),
    (Refusal(Reason.NOT_ENOUGH_FUNDS), "Not enough funds on balance"),
    (Refusal(Reason.INCORRECT_ORDER), "Incorrect order ID"),
    (Refusal(Reason.ORDER_NOT_FOUND), "Order not found"),
    (Refusal(Reason.REFILL_NOT_FOUND), "Refill not found"),
    (Refusal(Reason.REFILL_NOT_AVAILABLE), "Refill is not available for this order"),
    (Refusal(Reason.CANCEL_NOT_AVAILABLE), "Cancel is not available for this order"),
    (Refusal(Reason.MOVE_NOT_ALLOWED), "Status change is not allowed"),
    (Refusal(Reason.NOT_FOUND), "Not found"),
    (Refusal(Reason.OTHER_PERSON_NEEDED), "Another member of staff has to do this"),
]


@pytest.mark.parametrize(("refusal", "text"), SENTENCES)
def test_a_refusal_is_worded_as_the_wire_words_it(refusal: Refusal, text: str) -> None:
    assert wording.sentence(refusal) == text
    assert json.loads(wording.error_body(refusal)) == {"error": text}


def test_every_reason_has_a_sentence_and_each_is_tried_here() -> None:
    assert list(wording.WORDINGS) == list(Reason)
    assert {refusal.reason for refusal, _ in SENTENCES} == set(Reason)


def test_only_going_too_fast_is_an_http_error() -> None:
    codes = {reason: wording.http_status(Refusal(reason)) for reason in Reason}
    assert codes.pop(Reason.TOO_MANY_REQUESTS) == 429
    assert set(codes.values()) == {200}


def test_every_status_is_explained() -> None:
    assert list(wording.STATUSES) == list(Status)
    assert list(wording.REFILL_STATUSES) == list(RefillStatus)
