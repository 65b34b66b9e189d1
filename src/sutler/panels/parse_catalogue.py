"""Reading the `services` of an upstream panel, row by row: whatever is wrong with one spoils no other. Pure."""

from typing import Any

from sutler.core import service_row
from sutler.core.events import CauseKind, cause
from sutler.core.service_row import RowFault, ServiceRow, unwrapped
from sutler.core.upstream_words import read_id
from sutler.panels.results import Catalogue, Dropped, NoAnswer

MOST_ENTRIES = 50_000


def row(entry: Any) -> Any:
    """Reads an object of an answer as soon as it is decoded, so that a large catalogue is never held whole.

    What is no row of a catalogue it returns as it is.
    """
    return _read(entry) if "service" in entry and "rate" in entry else entry


def catalogue(answer: Any) -> Catalogue | NoAnswer:
    """Reads a list of services, or an object of them, bare or under `services` or `data`; rows may be read (`row`).

    Rows that cannot be used are dropped, each with its reason; of two with one id the dearer counts.
    """
    entries = unwrapped(answer)
    if entries is None or (entries and not any(isinstance(each, (dict, ServiceRow, Dropped)) for each in entries)):
        return NoAnswer(cause(CauseKind.NO_LIST))
    if len(entries) > MOST_ENTRIES:
        return NoAnswer(cause(CauseKind.TOO_MANY_SERVICES, count=MOST_ENTRIES))
    services: dict[str, ServiceRow] = {}
    dropped = []
    for entry in entries:
        found = entry if isinstance(entry, (ServiceRow, Dropped)) else _read(entry)
        if isinstance(found, Dropped):
            dropped.append(found)
        elif found.upstream_id in services:
            services[found.upstream_id] = service_row.dearer(services[found.upstream_id], found)
            dropped.append(Dropped(found.upstream_id, RowFault.DEARER_TWIN))
        else:
            services[found.upstream_id] = found
    return Catalogue(tuple(services.values()), tuple(dropped))


def _read(entry: Any) -> ServiceRow | Dropped:
    found = service_row.read_row(entry)
    if isinstance(found, RowFault):
        return Dropped(read_id(entry.get("service")) or "" if isinstance(entry, dict) else "", found)
    return found if found.upstream_id else Dropped("", RowFault.NO_ID)
