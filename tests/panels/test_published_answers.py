"""Every example answer of the five published API pages, from an upstream: each is understood, figure by figure.

Four of the pages show the same answers; the fifth (an older panel) leaves out `cancel` and `currency`.
"""

from typing import Any

import pytest

from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import Micros
from sutler.core.service_row import ServiceRow
from sutler.core.upstream_words import DeclineKind
from sutler.panels.client import Panel
from sutler.panels.results import Accepted, Balance, Catalogue, Declined, Taken, UpstreamRefill, UpstreamStatus
from tests.panels.panel_calls import CALLS, ORDER, saying

FOLLOWERS = """[
    {"service": 1, "name": "Followers", "type": "Default", "category": "First Category", "rate": "0.90",
     "min": "50", "max": "10000", "refill": true, "cancel": true},
    {"service": 2, "name": "Comments", "type": "Custom Comments", "category": "Second Category", "rate": "8",
     "min": "10", "max": "1500", "refill": false, "cancel": true}
]"""
YOUTUBE = """[
    {"service": 1, "name": "Youtube views", "type": "Default", "category": "Youtube", "rate": "2.5",
     "min": "200", "max": "10000", "refill": true},
    {"service": 2, "name": "Facebook comments", "type": "Custom Comments", "category": "Facebook", "rate": "4",
     "min": "10", "max": "1500", "refill": false}
]"""
PARTIAL = '{"charge": "0.27819", "start_count": "3572", "status": "Partial", "remains": "157", "currency": "USD"}'
UNDER_WAY = '{"charge": "1.44219", "start_count": "234", "status": "In progress", "remains": "10", "currency": "USD"}'
OLDER_PARTIAL = '{"charge": "0.27819", "start_count": "3572", "status": "Partial", "remains": "157"}'
OLDER_UNDER_WAY = '{"charge": "1.44219", "start_count": "234", "status": "In progress", "remains": "10"}'
OVER_DELIVERED = '{"charge": "2.5", "start_count": "168", "status": "Completed", "remains": "-2"}'

NO_ORDER = Declined(DeclineKind.NOT_FOUND, "Incorrect order ID")


def service(number: str, name: str, type: str, category: str, rate_micros: int, **more: Any) -> ServiceRow:  # noqa: A002 - the field's word
    return ServiceRow(
        **{
            "upstream_id": number,
            "name": name,
            "category": category,
            "type": type,
            "raw_type": type,
            "rate_micros": Micros(rate_micros),
            "min": 10,
            "max": 1500,
            "dripfeed": False,
            "refill": False,
            "cancel": False,
            **more,
        }
    )


def said(status: Status, charge_micros: int, start_count: int, remains: int, currency: str = "USD") -> UpstreamStatus:
    return UpstreamStatus(status, str(status), Micros(charge_micros), currency, start_count, remains)


def ask(answer: str, call: Any) -> Any:
    return saying(answer).ask(call)


def test_services_of_the_four_pages() -> None:
    assert ask(FOLLOWERS, CALLS["services"]) == Catalogue(
        (
            service(
                "1", "Followers", "Default", "First Category", 900_000, min=50, max=10_000, refill=True, cancel=True
            ),
            service("2", "Comments", "Custom Comments", "Second Category", 8_000_000, cancel=True),
        )
    )


def test_services_of_the_older_page() -> None:
    assert ask(YOUTUBE, CALLS["services"]) == Catalogue(
        (
            service("1", "Youtube views", "Default", "Youtube", 2_500_000, min=200, max=10_000, refill=True),
            service("2", "Facebook comments", "Custom Comments", "Facebook", 4_000_000),
        )
    )


def test_add() -> None:
    assert ask('{"order": 23501}', lambda panel: panel.add(ORDER)) == Accepted("23501")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (PARTIAL, said(Status.PARTIAL, 278_190, 3572, 157)),
        (OVER_DELIVERED, said(Status.COMPLETED, 2_500_000, 168, -2, "")),
    ],
)
def test_status(answer: str, status: UpstreamStatus) -> None:
    assert ask(answer, lambda panel: panel.status("1")) == status


@pytest.mark.parametrize(
    ("ids", "partial", "under_way", "currency"),
    [
        (("1", "10", "100"), PARTIAL, UNDER_WAY, "USD"),
        (("123", "456", "789"), OLDER_PARTIAL, OLDER_UNDER_WAY, ""),
    ],
)
def test_status_of_several(ids: tuple[str, str, str], partial: str, under_way: str, currency: str) -> None:
    answer = f'{{"{ids[0]}": {partial}, "{ids[1]}": {{"error": "Incorrect order ID"}}, "{ids[2]}": {under_way}}}'
    assert ask(answer, lambda panel: panel.statuses(ids)) == {
        ids[0]: said(Status.PARTIAL, 278_190, 3572, 157, currency),
        ids[1]: NO_ORDER,
        ids[2]: said(Status.IN_PROGRESS, 1_442_190, 234, 10, currency),
    }


def test_refill() -> None:
    assert ask('{"refill": "1"}', lambda panel: panel.refill("1")) == Taken("1")


@pytest.mark.parametrize(
    ("item", "taken"),
    [
        ('{"order": 1, "refill": 1}', Taken("1")),
        ('{"order": 2, "refill": 2}', Taken("2")),
        ('{"order": 3, "refill": {"error": "Incorrect order ID"}}', NO_ORDER),
    ],
)
def test_each_item_of_several_refills(item: str, taken: Taken | Declined) -> None:
    assert ask(f"[{item}]", lambda panel: panel.refill("1")) == taken


def test_refill_status() -> None:
    read = ask('{"status": "Completed"}', lambda panel: panel.refill_status("1"))
    assert read == UpstreamRefill(RefillStatus.COMPLETED, "Completed")


@pytest.mark.parametrize(
    ("error", "declined"),
    [
        ("Refill not found", Declined(DeclineKind.NOT_FOUND, "Refill not found")),
        ("Incorrect refill ID", Declined(DeclineKind.NOT_FOUND, "Incorrect refill ID")),
    ],
)
def test_refill_status_of_several(error: str, declined: Declined) -> None:
    answer = f"""[
        {{"refill": 1, "status": "Completed"}}, {{"refill": 2, "status": "Rejected"}},
        {{"refill": 3, "status": {{"error": "{error}"}}}}
    ]"""
    assert ask(answer, lambda panel: panel.refill_statuses(["1", "2", "3"])) == {
        "1": UpstreamRefill(RefillStatus.COMPLETED, "Completed"),
        "2": UpstreamRefill(RefillStatus.REJECTED, "Rejected"),
        "3": declined,
    }


def test_cancel() -> None:
    answer = '[{"order": 9, "cancel": {"error": "Incorrect order ID"}}, {"order": 2, "cancel": 1}]'
    assert ask(answer, lambda panel: panel.cancel(["9", "2"])) == {"9": NO_ORDER, "2": Taken()}


@pytest.mark.parametrize(
    ("answer", "micros"),
    [
        ('{"balance": "100.84292", "currency": "USD"}', 100_842_920),
        ('{"balance": "68.6868", "currency": "USD"}', 68_686_800),
    ],
)
def test_balance(answer: str, micros: int) -> None:
    assert ask(answer, Panel.balance) == Balance(Micros(micros), "USD")
