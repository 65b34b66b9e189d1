"""Which migrations this program knows, and which the database has had."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How program and database differ, in migrations, as `orders.0004_refill_of_customer`; nothing if of one age.

    `missing` are those that the database lacks, `unknown` those that it has had from a newer program. Of
    `half_replaced` it has had the predecessors in part, so that neither can be applied.
    """

    missing: list[str]
    unknown: list[str]
    half_replaced: list[str]


def compare() -> Comparison:
    """Returns how the program's migrations differ from those that the database has had: one query."""
    applied = frozenset(MigrationRecorder(connection).applied_migrations())
    lacking = {name: replaces for name, replaces in _known().items() if name not in applied}
    return Comparison(
        sorted(".".join(name) for name, replaces in lacking.items() if not (replaces and replaces <= applied)),
        unknown_of(".".join(name) for name in applied),
        sorted(".".join(name) for name, replaces in lacking.items() if replaces & applied and not replaces <= applied),
    )


def unknown_of(names: Iterable[str]) -> list[str]:
    """Returns those of some migrations, as `orders.0001_tables`, that this program does not know."""
    known = _known()
    return sorted({*names} - {".".join(name) for name in known.keys() | frozenset().union(*known.values())})


@cache
def _known() -> dict[Name, frozenset[Name]]:
    """Returns the migrations of the program, each with those that it stands for. They are read from disk once."""
    graph = MigrationLoader(None).graph
    return {name: frozenset(graph.nodes[name].replaces) for name in graph.nodes}
