"""Which migrations this program knows, and which the database has had."""

from collections.abc import Iterable
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

Name = tuple[str, str]


def missing() -> list[str]:
    """Returns the migrations that the database lacks, as `orders.0004_refill_of_customer`."""
    applied = _applied()
    return sorted(
        ".".join(name)
        for name, replaces in _known().items()
        if name not in applied and not (replaces and replaces <= applied)
    )


def unknown() -> list[str]:
    """Returns the migrations that the database has had and this program does not know: a newer one made them."""
    return unknown_of(".".join(name) for name in _applied())


def unknown_of(names: Iterable[str]) -> list[str]:
    """Returns those of some migrations, as `orders.0001_tables`, that this program does not know."""
    known = _known()
    return sorted({*names} - {".".join(name) for name in known.keys() | frozenset().union(*known.values())})


def half_replaced() -> list[str]:
    """Returns the migrations whose predecessors the database has had in part, so that neither can be applied."""
    applied = _applied()
    return sorted(
        ".".join(name)
        for name, replaces in _known().items()
        if name not in applied and replaces & applied and not replaces <= applied
    )


def _applied() -> frozenset[Name]:
    return frozenset(MigrationRecorder(connection).applied_migrations())


@cache
def _known() -> dict[Name, frozenset[Name]]:
    """Returns the migrations of the program, each with those that it stands for. They are read from disk once."""
    graph = MigrationLoader(None).graph
    return {name: frozenset(graph.nodes[name].replaces) for name in graph.nodes}
