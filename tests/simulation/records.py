"""What came of courses, kept as a line of JSON each, so that a long run can be stopped and gone on with."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.course import Plan, Report


@dataclass(frozen=True, slots=True)
class Record:
    """One course. `name` tells it from every other; `unclear_by` counts its unclear outcomes by the reason given."""

    name: str
    hours: float
    figures: Mapping[str, int]
    unclear_by: Mapping[str, int]
    faults: Mapping[str, int]
    blows: Mapping[str, int]
    breaches: tuple[str, ...]


@dataclass(slots=True)
class Totals:
    """Several courses added up."""

    courses: int = 0
    hours: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)
    unclear_by: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    blows: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Counts one course more."""
        self.courses += 1
        self.hours += record.hours
        for name in ("figures", "unclear_by", "faults", "blows"):
            getattr(self, name).update(getattr(record, name))
        self.breaches += [f"{record.name}: {line}" for line in record.breaches]

    @property
    def settled_percent(self) -> float:
        """The share of unclear outcomes that no person had to settle."""
        return 100 - 100 * self.figures["with staff"] / max(1, self.figures["unclear"])


def name_of(plan: "Plan", bug: str) -> str:
    """Returns what tells a course from every other."""
    return (
        f"seed {plan.seed}, {plan.mix}, {plan.orders} orders, {plan.orders_a_minute} a minute,"
        f" {plan.providers} providers{' in two rows each' if plan.has_twins else ''}"
        f"{' with request IDs' if plan.keeps_request_ids else ''},"
        f" a blow every {plan.blow_seconds:g} s{bug and ', with ' + bug}"
    )


def record_of(report: "Report", bug: str) -> Record:
    """Returns what is kept of a course."""
    blows: Counter[str] = Counter()
    for (_, point, blow), times in report.blows.items():
        blows[f"{blow} {point}"] += times
    found = report.audit
    figures, reasons = dict(found.figures), dict(found.unclear_by)
    hours = report.seconds / 3600
    return Record(
        name_of(report.plan, bug), hours, figures, reasons, dict(report.faults), dict(blows), tuple(report.breaches)
    )


def read(path: Path | None) -> dict[str, Record]:
    """Returns the courses of a file, by their names; none where there is no file yet."""
    if path is None or not path.exists():
        return {}
    lines: Iterable[dict[str, Any]] = map(json.loads, path.read_text().splitlines())
    return {each["name"]: Record(**{**each, "breaches": tuple(each["breaches"])}) for each in lines}


def append(path: Path | None, record: Record) -> None:
    """Adds a course to a file, if there is to be one."""
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(asdict(record)) + "\n")
