"""Kinds of gateways, or of channels, that installed packages bring."""

from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Protocol, TypeVar

import structlog

_log = structlog.get_logger(__name__)


class _Kind(Protocol):
    @property
    def kind(self) -> str: ...


K = TypeVar("K", bound=_Kind)


def with_installed(group: str, built_in: Iterable[K], shape: type[K]) -> dict[str, K]:
    """Returns the kinds that come with the panel and those of an entry point group, `sutler.<what>`, by their names.

    One that does not load, or takes another's name, is left out and logged.
    """
    what = group.removeprefix("sutler.")
    known = {each.kind: each for each in built_in}
    for point in entry_points(group=group):
        try:
            kind = point.load()
        except Exception:  # noqa: BLE001 - somebody else's package must not stop the panel
            _log.exception(f"{what}.not_loaded", entry_point=point.name)
            continue
        if not isinstance(kind, shape) or kind.kind in known or not kind.kind:
            _log.warning(f"{what}.left_out", entry_point=point.name)
            continue
        known[kind.kind] = kind
    return known
