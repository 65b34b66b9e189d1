"""Words of providers that staff teach: what they fit, what they decide, files and pages to teach them with."""

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from sutler.accounts import audit_log
from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.events import declined
from sutler.core.refusals import Reason, Refusal
from sutler.core.taught_words import TaughtWord, matches, taught_kind, written
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Attempt, LoggedCall, Provider, Taught
from sutler.fulfilment.reconciling import taught_words
from sutler.orders.models import Order
from sutler.panels.results import Accepted, Declined, NoAnswer, Taken
from tests.conftest import NOW
from tests.fulfilment.upstream_world import UNKNOWN_WORDS, route, send, states
from tests.ops.test_cli import done, failed
from tests.orders.ordering import demand_sound_books, placed
from tests.pages.conftest import sam_browser
from tests.panels.panel_calls import CALLS, saying

pytestmark = pytest.mark.postgresql

__all__ = ["sam_browser"]

K = DeclineKind
STARS = TaughtWord(UNKNOWN_WORDS.raw, K.LINK)
AT_LEAST = TaughtWord("At least # * of it", K.QUANTITY, is_pattern=True)
add = CALLS["add"]


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("Wrong target", "wrong  TARGET", True),
        ("Wrong target", "Wrong target!", False),
        ("Wrong*", "Wrong target", True),
        ("*target", "Wrong target", True),
        ("*target", "target of target", True),
        ("*target", "target of", False),
        ("At least # pieces", "At least 50 pieces", True),
        ("At least # pieces", "At least 5x pieces", False),
        ("At least # * of it", "at least 50 big pieces of it", True),
        ("*a*b*c*", "x b a c", False),
        ("cost (#.#)", "cost (1.50)", True),
        ("[a-z]+", "abc", False),
    ],
)
def test_a_pattern_is_words_and_numbers(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_a_pattern_costs_no_more_than_its_text_is_long() -> None:
    assert not matches("a*a*a*a*a*b", "a" * 500)
    assert not matches("#1#1#1*#1#1#1x", "1" * 500)


@pytest.mark.parametrize(
    ("text", "is_pattern", "kept"),
    [
        ("  Wrong \n target ", False, "Wrong target"),
        ("no", False, "no"),
        ("", False, None),
        ("x" * 501, False, None),
        ("*", True, None),
        ("* # *", True, None),
        ("a*b*c*d*e*f*g", True, None),
        ("Wrong*", True, "Wrong*"),
    ],
)
def test_what_can_be_taught(text: str, is_pattern: bool, kept: str | None) -> None:
    assert written(text, is_pattern=is_pattern) == kept


def test_the_exact_text_counts_before_a_pattern_and_doubt_before_both() -> None:
    words = [TaughtWord("Wrong*", K.LINK, is_pattern=True), TaughtWord("Wrong thing", K.SERVICE)]
    assert taught_kind("wrong thing", words) is K.SERVICE
    assert taught_kind("Wrong target", words) is K.LINK
    assert taught_kind("Wrong, timed out", words) is None
    assert taught_kind("Timed out", [TaughtWord("timed out", K.RATE)]) is K.RATE
    assert taught_kind("Right", words) is None


def test_an_answer_is_read_by_the_words_that_were_taught_and_never_against_an_id() -> None:
    words = (STARS, TaughtWord("Order has been placed twice", K.DUPLICATE), TaughtWord("Invalid link", K.FIELD))
    for http_status in (200, 500):
        panel = saying({"error": UNKNOWN_WORDS.raw}, http_status, words=words)
        assert panel.ask(add) == Declined(K.LINK, UNKNOWN_WORDS.raw)
        assert panel.exchanges[0].cause == declined(DeclineKind.LINK, UNKNOWN_WORDS.raw)
    assert saying({"error": "Order has been placed twice"}, words=words).ask(add) == Declined(
        K.DUPLICATE, "Order has been placed twice"
    )
    assert saying({"error": "Invalid link"}, words=words).ask(add) == Declined(K.FIELD, "Invalid link")
    assert isinstance(saying({"error": UNKNOWN_WORDS.raw, "order": 5}, words=words).ask(add), NoAnswer)
    assert isinstance(saying({"error": UNKNOWN_WORDS.raw, "success": True}, words=words).ask(add), NoAnswer)
    assert saying({"order": 5, "message": UNKNOWN_WORDS.raw}, words=words).ask(add) == Accepted("5")


def test_each_part_of_a_batch_is_read_by_them_too() -> None:
    words = (TaughtWord("Too soon for that", K.NOT_AVAILABLE),)
    panel = saying([{"order": 1, "cancel": {"error": "Too soon for that"}}, {"order": 10, "cancel": 1}], words=words)
    said = panel.ask(CALLS["cancel"])
    assert (said["1"], said["10"]) == (Declined(K.NOT_AVAILABLE, "Too soon for that"), Taken())


@pytest.mark.django_db
class TestTeaching:
    @pytest.fixture
    def provider(self, service: Service) -> Provider:
        return route(service).upstream_service.provider

    @pytest.fixture
    def order(self, alice: Customer, service: Service, provider: Provider) -> Order:
        order = placed(alice, service)
        send(order, UNKNOWN_WORDS)
        return order

    def test_it_shows_first_what_it_would_have_decided(self, provider: Provider, order: Order) -> None:
        assert taught_words.unknown_texts(provider.pk) == [(UNKNOWN_WORDS.raw, 1)]
        shown = taught_words.preview(provider.pk, STARS)
        assert ([each.order_id for each in shown.refused], shown.open, shown.is_unsure) == ([order.pk], 1, False)
        assert taught_words.preview(None, TaughtWord("The stars*", K.LINK, is_pattern=True)).open == 1
        assert taught_words.preview(provider.pk + 1, STARS).refused == []
        assert states(order) == ["unknown"]

    @pytest.mark.parametrize(("state", "ends"), [("unknown", "declined"), ("staff", "absent")])
    def test_it_decides_the_open_ones_once(self, provider: Provider, order: Order, state: str, ends: str) -> None:
        Attempt.objects.update(state=state)
        assert isinstance(taught_words.teach(provider.pk, STARS, None, NOW), Taught)
        assert taught_words.words_of(provider.pk) == (STARS,)
        assert taught_words.decide_open(provider.pk, NOW) == 1
        assert taught_words.decide_open(provider.pk, NOW) == 0
        assert states(order)[0] == ends
        assert taught_words.unknown_texts(provider.pk) == []
        assert taught_words.preview(provider.pk, STARS).open == 0
        demand_sound_books()

    def test_words_for_one_provider_hold_for_no_other(self, provider: Provider) -> None:
        taught_words.teach(provider.pk, STARS, None, NOW)
        taught_words.teach(None, AT_LEAST, None, NOW)
        assert taught_words.words_of(provider.pk) == (STARS, AT_LEAST)
        assert taught_words.words_of(provider.pk + 1) == (AT_LEAST,)

    def test_what_cannot_be_taught_is_refused_and_what_is_taught_again_is_of_its_new_kind(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong = Refusal(Reason.INCORRECT_FIELD, "text")
        assert taught_words.teach(provider.pk, TaughtWord("", K.LINK), None, NOW) == wrong
        doubtful = TaughtWord("Request timed out*", K.LINK, is_pattern=True)
        assert taught_words.teach(provider.pk, doubtful, None, NOW) == wrong
        other = TaughtWord("Strange", K.OTHER)
        assert taught_words.teach(provider.pk, other, None, NOW) == Refusal(Reason.INCORRECT_FIELD, "kind")
        monkeypatch.setattr(taught_words, "MOST_WORDS", 1)
        taught_words.teach(provider.pk, STARS, None, NOW)
        assert taught_words.teach(provider.pk, AT_LEAST, None, NOW) == Refusal(Reason.TOO_MANY_REQUESTS)
        taught_words.teach(provider.pk, TaughtWord(STARS.text, K.SERVICE), None, NOW)
        assert taught_words.words_of(provider.pk) == (TaughtWord(STARS.text, K.SERVICE),)
        entry = audit_log.recent()[0]
        assert (entry.action, entry.subject_type, entry.subject_id) == ("word taught", "provider", str(provider.pk))

    def test_it_is_forgotten_and_written_down(self, provider: Provider) -> None:
        taught_words.teach(provider.pk, STARS, None, NOW)
        word = Taught.objects.get()
        assert taught_words.forget(word.pk, None, NOW) is None
        assert taught_words.forget(word.pk, None, NOW) == Refusal(Reason.NOT_FOUND)
        assert taught_words.words_of(provider.pk) == ()
        assert audit_log.recent()[0].action == "word forgotten"

    def test_a_file_teaches_what_it_was_written_from(self, provider: Provider) -> None:
        taught_words.teach(provider.pk, STARS, None, NOW)
        taught_words.teach(None, AT_LEAST, None, NOW)
        content = taught_words.export(provider.pk)
        assert json.loads(taught_words.export(None))["words"] == [
            {"text": AT_LEAST.text, "kind": "quantity", "pattern": True}
        ]
        Taught.objects.all().delete()
        words = taught_words.read_file(content)
        assert words == [STARS, AT_LEAST]
        assert taught_words.import_words(None, words, None, NOW) == 2
        assert taught_words.words_of(provider.pk) == (STARS, AT_LEAST)

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "[]",
            '{"words":[]}',
            '{"words":[{"text":"x","kind":"other","pattern":false}]}',
            '{"words":[{"text":"x","kind":"link"}]}',
            '{"words":[{"text":5,"kind":"link","pattern":false}]}',
            '{"words":[{"text":"*","kind":"link","pattern":true}]}',
            '{"words":[5]}',
            '{"words":'
            + json.dumps([{"text": f"text {n}", "kind": "link", "pattern": False} for n in range(201)])
            + "}",
            " " * 300_000,
        ],
        ids=lambda content: content[:40],
    )
    def test_what_is_no_such_file_teaches_nothing(self, content: str) -> None:
        assert taught_words.read_file(content) == Refusal(Reason.INCORRECT_FIELD, "file")

    def test_the_shell_teaches(self, provider: Provider, order: Order, tmp_path: Path) -> None:
        assert UNKNOWN_WORDS.raw in done("provider", "words", "list", str(provider.pk))
        said = done("provider", "words", "teach", str(provider.pk), "link", UNKNOWN_WORDS.raw, "--dry-run")
        assert "Matching refused orders: 1, unconfirmed: 1." in said
        assert states(order) == ["unknown"]
        said = done("provider", "words", "teach", "all", "link", "The stars*", "--pattern")
        assert "Unconfirmed orders resolved: 1." in said
        assert states(order)[0] == "declined"
        assert "pattern" in done("provider", "words", "list", str(provider.pk))
        file = tmp_path / "words.json"
        file.write_text(done("provider", "words", "export"))
        done("provider", "words", "forget", str(Taught.objects.get().pk))
        assert "Texts imported: 1." in done("provider", "words", "import", str(file), str(provider.pk))
        file.write_text("{}")
        assert "incorrect field (file)" in failed(1, "provider", "words", "import", str(file))
        assert "or `all`" in failed(1, "provider", "words", "teach", "some", "link", "Strange")

    def test_the_page_teaches_after_a_preview(self, sam_browser: Client, provider: Provider, order: Order) -> None:
        page = f"/office/providers/{provider.pk}/words"
        LoggedCall.objects.create(
            provider=provider,
            at=NOW,
            action="add",
            asked={},
            milliseconds=5,
            outcome="Declined",
            cause=declined(DeclineKind.OTHER, UNKNOWN_WORDS.raw),
        )
        assert "Add this text" in sam_browser.get(f"/office/providers/{provider.pk}/log").content.decode()
        assert UNKNOWN_WORDS.raw in sam_browser.get(page).content.decode()
        form = {"text": UNKNOWN_WORDS.raw, "kind": "LINK"}
        shown = sam_browser.post(page, form | {"step": "look"}).content.decode()
        assert "It matches 1 refused order." in shown
        assert f"{order.pk}: {UNKNOWN_WORDS.raw}" in shown
        assert Taught.objects.count() == 0
        assert sam_browser.post(page, form | {"step": "save"}).status_code == 302
        assert states(order)[0] == "declined"
        entry = audit_log.recent()[0]
        assert entry.actor is not None
        content = sam_browser.get(f"{page}/file").content
        sam_browser.post(f"{page}/forget", {"word": Taught.objects.get().pk})
        assert Taught.objects.count() == 0
        sam_browser.post(f"{page}/import", {"file": SimpleUploadedFile("words.json", content)})
        assert Taught.objects.get().text == UNKNOWN_WORDS.raw
        doubt = sam_browser.post(page, {"text": "Request timed out", "kind": "LINK", "step": "look"}).content.decode()
        assert "does not prove that no order was placed" in doubt
