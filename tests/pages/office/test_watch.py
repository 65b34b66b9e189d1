"""What staff watch over: the overview, unknown outcomes with their verdicts, alarms, and the proof on demand."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import AuditEntry, Customer, Role
from sutler.backups.models import BackupRun
from sutler.books import verification
from sutler.books.models import Verification
from sutler.catalogue.models import Service
from sutler.core.clock import SystemClock
from sutler.core.events import CauseKind, cause, failure
from sutler.core.lifecycle import Status
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.fulfilment.models import Alarm, Orphan
from sutler.fulfilment.providers import alarms, heartbeat
from sutler.ops.verify import CHECKS
from sutler.ops.verify_job import Prover
from sutler.orders.models import Order
from sutler.panels.results import Accepted
from tests.conftest import NOW, START_MICROS, make_service
from tests.fulfilment.upstream import make_provider
from tests.fulfilment.upstream_world import TIMED_OUT, UNKNOWN_WORDS, route, send, states
from tests.orders.ordering import balance, notes, placed, reported
from tests.pages.conftest import browser_of, make_person
from tests.pages.test_dashboard import figures
from tests.pages.test_orders import words

pytestmark = pytest.mark.postgresql

MOST_QUERIES = 12
HTMX = {"HX-Request": "true"}


@pytest.fixture
def lost(alice: Customer, service: Service) -> Order:
    route(service, make_provider(name="North", balance_micros=1_000_000, gap_micros=0))
    order = placed(alice, service)
    send(order, TIMED_OUT)
    return order


def test_the_overview_shows_money_and_what_waits(alice: Customer, sam_browser: Client) -> None:
    now = SystemClock().now()
    routed = make_service()
    route(routed, "North")
    order = placed(alice, routed, now)
    send(order, Accepted("1"), now)
    reported(order, Status.COMPLETED, now)
    placed(alice, make_service(needs_approval=True), now)
    alarms.sound(None, Alarm.Kind.DESK, Subject(SubjectType.SERVICE, 3), cause(CauseKind.AT_DESK), now)
    shown = figures(sam_browser, "/office/")
    assert shown["Revenue, last 30 days"] == "0.90 USD"
    assert shown["Margin, last 30 days"] == "0.40 USD"
    assert (shown["Awaiting approval"], shown["Alarms"], shown["Unconfirmed orders"]) == ("1", "1", "0")
    said = words(sam_browser, "/office/")
    assert "North" in said
    assert "The background worker is not running" in said
    heartbeat.beat(now)
    assert "The background worker is not running" not in words(sam_browser, "/office/")
    with CaptureQueriesContext(connection) as queries:
        sam_browser.get("/office/")
    assert len(queries) <= MOST_QUERIES


def test_an_unknown_outcome_is_shown_with_its_evidence(sam_browser: Client, lost: Order) -> None:
    attempt = lost.attempts.get()
    for upstream_id, charge in ((9001, attempt.expected_micros), (9002, 1), (9003, None)):
        Orphan.objects.create(
            provider=attempt.provider, upstream_id=upstream_id, charge_micros=charge, word="In progress", seen_at=NOW
        )
    assert str(lost.pk) in words(sam_browser, "/office/unknown")
    with CaptureQueriesContext(connection) as queries:
        said = words(sam_browser, f"/office/unknown/{lost.pk}")
    assert len(queries) <= MOST_QUERIES
    for each in ("North", "9001", "Charge matches", "Different charge", "No charge reported", "0.50"):
        assert each in said
    assert 'value="9001"' in sam_browser.get(f"/office/unknown/{lost.pk}", {"id": "9001"}).content.decode()


def test_staff_say_that_it_was_placed(alice: Customer, sam_browser: Client, lost: Order) -> None:
    page = f"/office/unknown/{lost.pk}"
    taken = placed(alice, lost.service, link="https://a.example/other")
    send(taken, Accepted("77"))
    for upstream_id in ("77", "not an id!"):
        html = sam_browser.post(f"{page}/placed", {"upstream_id": upstream_id, "reason": "seen"}).content.decode()
        assert "Invalid provider order ID" in html
        assert 'value="seen"' in html
    assert "This field is required" in sam_browser.post(f"{page}/placed", {"upstream_id": "78"}).content.decode()
    assert states(lost) == ["unknown"]
    answer = sam_browser.post(f"{page}/placed", {"upstream_id": "78", "reason": "seen on their page"})
    assert answer.headers["Location"] == "/office/unknown"
    assert states(lost) == ["accepted"]
    entry = AuditEntry.objects.get()
    assert (entry.subject_type, entry.subject_id, entry.reason, entry.after) == (
        "order",
        str(lost.pk),
        "seen on their page",
        {"provider order ID": "78"},
    )
    assert sam_browser.get(page).headers["Location"] == f"/office/orders/{lost.pk}"


def test_staff_say_that_it_was_never_placed_or_wait(sam_browser: Client, lost: Order) -> None:
    page = f"/office/unknown/{lost.pk}"
    assert sam_browser.post(f"{page}/wait", {"reason": "asked their support"}).status_code == 302
    assert notes(lost.pk)[-1] == "Staff wait: asked their support"
    assert "This field is required" in sam_browser.post(f"{page}/not-placed", {"reason": "x"}).content.decode()
    assert states(lost) == ["unknown"]
    sam_browser.post(f"{page}/not-placed", {"reason": "not there", "is_sure": "on"})
    assert states(lost)[0] == "absent"
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "outcome waited for",
        "outcome settled: never placed",
    ]


def test_staff_cancel_and_refund_what_was_refused_in_unknown_words_by_one_click(
    alice: Customer, service: Service, sam_browser: Client
) -> None:
    route(service, "North")
    orders = [placed(alice, service, link=f"https://a.example/{number}") for number in range(2)]
    for each in orders:
        send(each, UNKNOWN_WORDS)
    for order, page in ((orders[0], "/office/unknown"), (orders[1], f"/office/orders/{orders[1].pk}")):
        html = sam_browser.get(page).content.decode()
        assert "Refused: cancel and refund" in html
        [form] = re.findall(rf'<form method="post" action="/office/unknown/{order.pk}/refused".*?</form>', html)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        assert fields["reason"] == UNKNOWN_WORDS.raw
        assert sam_browser.post(f"/office/unknown/{order.pk}/refused", fields).status_code == 302
        order.refresh_from_db()
        assert (order.status, states(order)) == ("Canceled", ["absent"])
    entries = AuditEntry.objects.order_by("pk").values_list("action", "subject_id", "reason")
    assert list(entries) == [("outcome settled: refused", str(each.pk), UNKNOWN_WORDS.raw) for each in orders]
    assert balance(alice) == START_MICROS


def test_what_was_not_refused_needs_a_reason(sam_browser: Client, lost: Order) -> None:
    assert "Refused: cancel and refund" not in words(sam_browser, "/office/unknown")
    page = f"/office/unknown/{lost.pk}"
    assert "This field is required" in sam_browser.post(f"{page}/refused", {"reason": ""}).content.decode()
    assert states(lost) == ["unknown"]


def test_support_gives_no_verdicts(lost: Order) -> None:
    browser = browser_of(make_person("s@example.com", role=Role.SUPPORT))
    assert browser.post(f"/office/unknown/{lost.pk}/not-placed", {"reason": "x", "is_sure": "on"}).status_code == 404
    assert states(lost) == ["unknown"]


def test_alarms_are_closed_with_a_note(sam_browser: Client) -> None:
    there = make_provider(name="North")
    for kind in (Alarm.Kind.LOW_BALANCE, Alarm.Kind.BALANCE):
        alarms.sound(there.pk, kind, WHOLE, failure(f"about {kind}"), NOW)
    first, second = Alarm.objects.order_by("pk")
    assert "about low balance" in words(sam_browser, "/office/alarms", kind="low balance", provider=str(there.pk))
    assert "about balance" not in words(sam_browser, "/office/alarms", kind="low balance")
    html = sam_browser.post("/office/alarms", {"alarm": first.pk}).content.decode()
    assert "This field is required" in html
    assert f'value="{first.pk}" aria-label="Select alarm {first.pk}" checked' in html
    for nothing in ({}, {"scope": "rows", "shown": first.pk}, {"scope": "found"}):
        answer = sam_browser.post("/office/alarms", {"reason": "x"} | nothing)
        assert "Select at least one" in answer.content.decode()
    sam_browser.post("/office/alarms", {"alarm": first.pk, "reason": "paid in 100"})
    assert list(Alarm.objects.filter(closed_at=None)) == [second]
    closed = words(sam_browser, "/office/alarms", state="closed")
    assert "paid in 100" in closed
    assert "owner@example.com" in closed


def test_a_proof_is_asked_for_carried_out_once_and_kept(alice: Customer, sam_browser: Client, service: Service) -> None:
    order = placed(alice, service)
    assert "No audits yet" in words(sam_browser, "/office/verify")
    for _ in range(2):
        assert sam_browser.post("/office/verify").headers["Location"] == "/office/verify"
    assert Verification.objects.count() == 1
    part = sam_browser.get("/office/verify", headers=HTMX).content.decode()
    assert part.lstrip().startswith("<section")
    assert 'hx-trigger="every 2s"' in part
    prover = Prover(SystemClock(), None)
    assert (prover.prove_asked(NOW), prover.prove_asked(NOW)) == (1, 0)
    assert f"{len(CHECKS)} checks over" in words(sam_browser, "/office/verify")
    Order.objects.filter(pk=order.pk).update(charge_micros=1)
    sam_browser.post("/office/verify")
    prover.prove_asked(NOW)
    said = words(sam_browser, "/office/verify")
    assert f"order {order.pk}" in said
    assert "All checks passed" in said  # the one before


def test_a_proof_whose_worker_is_gone_is_given_up(alice: Customer, sam_browser: Client) -> None:
    sam_browser.post("/office/verify")
    assert verification.begin(5, NOW) is not None
    assert verification.begin(5, NOW + timedelta(minutes=14)) is None
    assert verification.begin(5, NOW + timedelta(minutes=16)) is None
    assert Verification.objects.get().state == Verification.State.FAILED
    assert "was stopped" in words(sam_browser, "/office/verify")


def test_the_overview_and_the_limits_page_tell_how_backups_do(sam_browser: Client, settings: object) -> None:
    assert "Last backup" not in sam_browser.get("/office/").content.decode()
    assert "No daily backup" in sam_browser.get("/office/settings/limits").content.decode()
    settings.SUTLER = settings.SUTLER | {"SUTLER_BACKUP_DIR": "/backup"}  # type: ignore[attr-defined]
    now = SystemClock().now()
    BackupRun.objects.create(
        state="done", started_at=now - timedelta(hours=5), finished_at=now, archive="/backup/good", size_bytes=2_000_000
    )
    html = sam_browser.get("/office/").content.decode()
    assert "5 h ago" in html or "5 hours ago" in html
    assert "The last backup failed" not in html
    html = sam_browser.get("/office/settings/limits").content.decode()
    assert all(words in html for words in ("/backup/good", "Left out", "OK"))
    BackupRun.objects.create(state="failed", started_at=now, finished_at=now, fault="No <space> left")
    assert "The last backup failed" in sam_browser.get("/office/").content.decode()
    html = sam_browser.get("/office/settings/limits").content.decode()
    assert "No &lt;space&gt; left" in html
    assert "Not OK" in html


@pytest.mark.parametrize(("role", "is_shown"), [("manager", True), ("support", False), ("fulfilment", False)])
def test_backups_are_shown_to_who_may_prove_the_books(db: None, settings: object, role: str, is_shown: bool) -> None:
    settings.SUTLER = settings.SUTLER | {"SUTLER_BACKUP_DIR": "/backup"}  # type: ignore[attr-defined]
    html = browser_of(make_person("sue@example.com", role=role)).get("/office/").content.decode()
    assert ("Last backup" in html) is is_shown


def test_an_alarm_is_worded_in_the_readers_language(sam_browser: Client) -> None:
    there = make_provider(name="North")
    low = cause(CauseKind.BALANCE_LOW, held_micros=148_200_000, currency="USD", low_micros=200_000_000)
    alarms.sound(there.pk, Alarm.Kind.LOW_BALANCE, WHOLE, low, NOW)
    page = sam_browser.get("/office/alarms", headers={"accept-language": "ru"}).content.decode()
    assert "Там 148.20 USD, меньше чем 200.00" in page


@pytest.mark.parametrize(
    ("about", "shown"),
    [
        (Subject(SubjectType.ORDER, 17), '<a href="/office/orders/17">заказ 17</a>'),
        (Subject(SubjectType.PROVIDER_ORDER, "<b>7"), "заказ у поставщика &lt;b&gt;7"),
        (Subject(SubjectType.TEXT, "order 17"), "order 17"),
    ],
)
def test_what_an_alarm_is_about_is_worded_and_linked(sam_browser: Client, about: Subject, shown: str) -> None:
    alarms.sound(None, Alarm.Kind.NOT_FOUND, about, cause(CauseKind.NOT_FOUND), NOW)
    page = sam_browser.get("/office/alarms", headers={"accept-language": "ru"}).content.decode()
    assert shown in page
    assert page.count('href="/office/orders/17"') == (about.type is SubjectType.ORDER)
