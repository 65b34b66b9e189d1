"""Counts that panels write with a dot for thousands, in `services` and `status`: as meant, or not at all."""

import json
from typing import Any

from sutler.core.lifecycle import Status
from sutler.fulfilment.models import Alarm
from sutler.panels import parse
from sutler.panels.parse_catalogue import catalogue
from sutler.panels.results import Catalogue, UpstreamStatus
from tests.cases import INPUTS
from tests.fulfilment.polling.test_interpret import UNDER_WAY, heard, kinds

CASES: dict[str, Any] = json.loads(INPUTS.joinpath("counts_with_dots.json").read_text())
OF_5000 = UNDER_WAY._replace(quantity=5000, expected_micros=5_500_000, rate_micros=1_100_000, remains=1200)


def limits(*rows: dict[str, Any]) -> dict[str, tuple[int, int]]:
    found = catalogue(list(rows))
    assert isinstance(found, Catalogue)
    return {each.upstream_id: (each.min, each.max) for each in found.services}


def test_limits_are_read_as_meant_or_the_service_is_left_out_and_told() -> None:
    found = catalogue(CASES["services"])
    assert isinstance(found, Catalogue)
    assert limits(*CASES["services"][1:]) == {"2": (100, 50_000), "3": (1000, 5_000_000), "4": (10, 1000)}
    assert all(each.min != 1 and each.max != 50 for each in found.services)
    assert {each.upstream_id for each in found.services} | {each.upstream_id for each in found.dropped} == set("1234")


def test_a_partial_whose_remains_may_mean_two_things_moves_nothing_and_staff_are_told() -> None:
    said = parse.status(CASES["status"])
    assert isinstance(said, UpstreamStatus)
    assert (said.status, said.remains, said.start_count) == (Status.PARTIAL, None, None)
    found = heard(OF_5000, said)
    assert found.report is None
    assert found.finished_at is None
    assert kinds(found) == [Alarm.Kind.UNKNOWN_STATUS]


def test_remains_are_read_as_meant_where_another_count_of_the_answer_proves_the_dot() -> None:
    said = parse.status(CASES["status"] | {"start_count": "12.345"})
    assert isinstance(said, UpstreamStatus)
    assert (said.start_count, said.remains) == (12_345, 1000)
    report = heard(OF_5000, said).report
    assert report is not None
    assert (report.status, report.remains) == (Status.PARTIAL, 1000)


def test_what_remains_while_it_goes_on_stays_where_the_count_cannot_be_read() -> None:
    said = parse.status(CASES["status"] | {"status": "In progress", "remains": "1.000", "charge": "5.5"})
    assert isinstance(said, UpstreamStatus)
    assert heard(OF_5000, said).remains == 1200
    assert heard(OF_5000, said._replace(remains=1000)).remains == 1000
