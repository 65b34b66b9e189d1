"""Every address of the panel, found by asking Django: pages that are added join the walk by themselves."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

# What a parameter of an address is tried with: an id that nobody has, a word that names nothing.
TRIED = {"int": "987654321", "str": "nothing", "slug": "nothing", "path": "nothing", "uuid": "0" * 8 + "-0000" * 3}


@dataclass(frozen=True, slots=True)
class Address:
    """One pattern: its name with its namespace, a path that matches it, and whether it has parameters."""

    name: str
    path: str
    has_parameters: bool


def addresses() -> list[Address]:
    """Every address that is written as a route and not as an expression."""
    return list(_below(get_resolver(), "/", ""))


def rooms(*prefixes: str) -> list[Address]:
    """The addresses of some rooms, told by the start of their names: `shop:`, `office:`."""
    return [each for each in addresses() if each.name.startswith(prefixes)]


def _below(resolver: URLResolver, path: str, namespace: str) -> Iterator[Address]:
    for each in resolver.url_patterns:
        if not isinstance(each.pattern, RoutePattern):
            continue
        here = path + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from _below(each, here, inner)
        elif isinstance(each, URLPattern):
            yield Address(namespace + (each.name or ""), _filled(here), "<" in here)


def _filled(route: str) -> str:
    while "<" in route:
        before, _, rest = route.partition("<")
        parameter, _, after = rest.partition(">")
        kind = parameter.partition(":")[0] if ":" in parameter else "str"
        route = before + TRIED.get(kind, "nothing") + after
    return route
