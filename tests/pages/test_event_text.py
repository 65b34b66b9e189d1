"""Events and causes are worded when they are shown: each kind has a text in each language, people's words stay."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core import subjects
from sutler.core.event_texts import CAUSES, EVENTS, EVENTS_WITH_CAUSE, FAILURES, cause_text, event_text
from sutler.core.events import CauseKind, EventKind, cause, declined, failure, note
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.catalogue import objections
from tests.orders.ordering import placed

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
FUNDS = declined(DeclineKind.FUNDS, "Not enough funds: add")
SENT = note(EventKind.SENT, provider="North: 2", attempt=17)


def test_every_kind_has_a_text() -> None:
    assert set(EVENTS) == set(EventKind)
    assert set(CAUSES) == set(CauseKind)
    assert set(EVENTS_WITH_CAUSE) <= set(EVENTS)
    assert set(objections.TEXTS) == set(objections.Objection)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_says_something_is_translated(language: str) -> None:
    texts = [*EVENTS.values(), *EVENTS_WITH_CAUSE.values(), *CAUSES.values()]
    texts += [*subjects.TEXTS.values(), *objections.TEXTS.values()]
    with translation.override(language):
        same = [each for each in texts if re.search("[a-z]", re.sub(r"{\w+}", "", each)) and gettext(each) == each]
    assert same == []


@pytest.mark.parametrize(
    ("kind", "data", "english", "russian"),
    [
        (*SENT, "Sent to North: 2, attempt 17", "Отправлен к North: 2, попытка 17"),
        (EventKind.MOVED, {}, "", ""),
        (EventKind.REMARK, {"text": "Cancel at noon: please"}, "Cancel at noon: please", "Cancel at noon: please"),
        (EventKind.REMARK, {"text": "{provider} Approved"}, "{provider} Approved", "{provider} Approved"),
        (
            EventKind.CANCEL_FORWARDED,
            {"provider": "North", "state": "declined", "cause": FUNDS},
            "Cancel at North: declined: FUNDS: Not enough funds: add",
            "Отмена у North: declined: FUNDS: Not enough funds: add",
        ),
        (
            EventKind.UNCONFIRMED,
            {"provider": "North", "cause": cause(CauseKind.ANOTHERS_ID, id="5")},
            "Unknown whether North has placed it: the id 5 belongs to another order",
            "Неизвестно, разместил ли его North: номер 5 принадлежит другому заказу",
        ),
        (
            EventKind.ODD_STATUS,
            {"provider": "North", "cause": cause(CauseKind.CHARGE_DIFFERS, charge_micros=1, expected_micros=2_500_000)},
            "North: It costs 0.00001 there, expected was 2.50",
            "North: Там он стоит 0.00001, ожидалось 2.50",
        ),
    ],
)
def test_an_event_is_worded_in_the_readers_language(
    kind: EventKind, data: dict[str, object], english: str, russian: str
) -> None:
    assert event_text(kind, data) == english
    with translation.override("ru"):
        assert event_text(kind, data, gettext) == russian


def test_staffs_own_words_are_shown_as_they_were_written(
    alice: Customer, sam_browser: Client, service: Service
) -> None:
    order = placed(alice, service)
    text, page = "Cancel at noon: please", f"/office/orders/{order.pk}"
    sam_browser.post(page, {"note": text})
    assert text in sam_browser.get(page, headers={"accept-language": "ru"}).content.decode()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("ReadTimeout", "no answer in time"),
        ("ConnectError: refused: [111]", "connection failed: refused: [111]"),
        ("Overloaded: later", "Overloaded: later"),
    ],
)
def test_what_broke_on_the_way_is_no_name_of_an_exception(raw: str, words: str) -> None:
    assert cause_text(failure(raw)) == words
    with translation.override("ru"):
        assert [each for each in FAILURES.values() if gettext(each) == each] == []
