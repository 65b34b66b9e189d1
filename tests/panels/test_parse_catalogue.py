"""The catalogue of an upstream panel: one hostile entry spoils no other."""

import json
from typing import Any

import pytest

from sutler.core.service_row import RowFault
from sutler.panels.results import Catalogue, NoAnswer
from tests.panels.panel_calls import CALLS, saying

HOSTILE: dict[str, list[Any]] = {
    "service": [0, "", None, [], "a b", -5, True],
    "name": ["", " \n ", None, {}, "\x00"],
    "rate": [0, "0.00", "-1", "NaN", "0,90", None, True, "1e99", "", {}],
    "min": [None, "x", -1, "1.5", "10001", []],
    "max": [None, "x", -1, 0, 49, {}],
}


class TestServices:
    GOOD = {"service": 1, "name": "A", "type": "Default", "category": "C", "rate": "0.90", "min": "50", "max": "10000"}

    def read(self, answer: Any) -> Catalogue:
        heard = saying(answer).ask(CALLS["services"])
        assert isinstance(heard, Catalogue)
        return heard

    def test_a_list_a_list_under_data_and_objects_by_id_are_the_same(self) -> None:
        other = self.GOOD | {"service": "2", "type": "custom_comments", "refill": 1, "cancel": "yes", "dripfeed": "0"}
        expected = self.read([self.GOOD, other])
        assert [each.upstream_id for each in expected.services] == ["1", "2"]
        assert expected.services[1].type == "Custom Comments"
        assert (expected.services[1].refill, expected.services[1].cancel, expected.services[1].dripfeed) == (
            True,
            True,
            False,
        )
        for answer in (
            {"data": [self.GOOD, other]},
            {"1": self.GOOD, "2": other},
            {"data": {"1": self.GOOD, "2": other}},
        ):
            assert self.read(answer) == expected

    @pytest.mark.parametrize("empty", [[], {}, {"data": []}, {"data": {}}])
    def test_an_empty_reply_is_an_empty_catalogue(self, empty: Any) -> None:
        assert self.read(empty) == Catalogue(())

    @pytest.mark.parametrize(
        "answer", [{"a": 1}, {"data": None}, [1, 2], ["x"], {"data": "x"}, {"data": [None]}, "x", 7, None]
    )
    def test_what_is_no_list_of_services(self, answer: Any) -> None:
        assert isinstance(saying(json.dumps(answer)).ask(CALLS["services"]), NoAnswer)

    @pytest.mark.parametrize(("field", "value"), [(field, value) for field in HOSTILE for value in HOSTILE[field]])
    def test_a_hostile_entry_is_dropped_and_the_others_stay(self, field: str, value: Any) -> None:
        read = self.read([self.GOOD | {"service": 7}, self.GOOD | {field: value}, 5, self.GOOD | {"service": 8}])
        assert [each.upstream_id for each in read.services] == ["7", "8"]
        assert [each.upstream_id for each in read.dropped] == ["" if field == "service" else "1", ""]
        assert all(each.why for each in read.dropped)

    @pytest.mark.parametrize("rates", [("0.90", "0.01"), ("0.01", "0.90")])
    def test_of_two_entries_with_one_id_the_dearer_counts(self, rates: tuple[str, str]) -> None:
        read = self.read(
            [self.GOOD | {"service": service, "rate": rate} for service, rate in zip((1, "1"), rates, strict=True)]
        )
        assert [each.rate_micros for each in read.services] == [900_000]
        assert [(each.upstream_id, each.why) for each in read.dropped] == [("1", RowFault.DEARER_TWIN)]

    def test_texts_are_bounded_and_printable_and_numbers_within_what_can_be_sold(self) -> None:
        wild = {
            "name": "<b>\u202e\x00" + "n" * 9000,
            "category": None,
            "type": "Weird\nType",
            "min": 0,
            "max": "9,999,999,999",
        }
        (read,) = self.read([self.GOOD | wild]).services
        assert read.name == "<b> " + "n" * 496
        assert (read.category, read.type, read.raw_type) == ("", None, "Weird Type")
        assert (read.min, read.max) == (1, 2**31 - 1)

    def test_a_rate_is_never_read_too_low(self) -> None:
        assert self.read([self.GOOD | {"rate": 0.0000001}]).services[0].rate_micros == 1

    def test_ten_thousand_services_in_four_megabytes(self) -> None:
        entries = [self.GOOD | {"service": number, "name": "ñ" * 180} for number in range(1, 10_001)]
        assert len(self.read(json.dumps(entries, ensure_ascii=False)).services) == 10_000

    def test_more_entries_than_any_catalogue_has_are_no_answer(self) -> None:
        assert isinstance(saying("[{}" + ",0" * 50_000 + "]").ask(CALLS["services"]), NoAnswer)
