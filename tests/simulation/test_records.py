"""A long run of the simulation can be stopped and gone on with."""

from pathlib import Path

from tests.simulation import records
from tests.simulation.records import Record, Totals

FIRST = Record("seed 1", 1.5, {"unclear": 150, "with staff": 0}, {"ReadError": 150}, {"html": 3}, {"dies": 1}, ())
SECOND = Record("seed 2", 0.5, {"unclear": 50, "with staff": 1}, {"HTTP N": 50}, {"html": 1}, {}, ("double: x",))


def test_what_was_played_is_read_as_it_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "courses"
    assert records.read(path) == {}
    for each in (FIRST, SECOND):
        records.append(path, each)
    assert records.read(path) == {"seed 1": FIRST, "seed 2": SECOND}


def test_courses_are_added_up() -> None:
    totals = Totals()
    for each in (FIRST, SECOND):
        totals.add(each)
    assert (totals.courses, totals.hours, totals.figures["unclear"]) == (2, 2.0, 200)
    assert totals.faults == {"html": 4}
    assert totals.breaches == ["seed 2: double: x"]
    assert totals.settled_percent == 99.5
