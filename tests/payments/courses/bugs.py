"""Bugs planted to see whether the courses catch them: negative controls."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlencode

BUGS: Mapping[str, str] = {
    "cause": "each notice is credited under a cause of its own, not each transaction",
    "parsed": "the signature is reckoned over the fields as they were read, not over the body as it came",
    "unsigned": "whatever signature is right",
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Has a bug while the block runs; none for an empty name."""
    if not name:
        yield
        return
    target, attribute, broken = {"cause": _cause, "parsed": _parsed, "unsigned": _unsigned}[name]()
    with patch.object(target, attribute, broken):
        yield


def _cause() -> tuple[Any, str, Callable[..., Any]]:
    from sutler.payments import settle

    honest, numbers = settle.apply, count()

    def apply(method: Any, fact: Any, now: Any) -> Any:
        return honest(method, replace(fact, transaction_id=f"{fact.transaction_id}-{next(numbers)}"), now)

    return settle, "apply", apply


def _parsed() -> tuple[Any, str, Callable[..., Any]]:
    from sutler.payments.gateways.signed import gateway

    honest = gateway._is_genuine

    def is_genuine(settings: Any, body: bytes, fields: Any, headers: Any) -> bool:
        return honest(settings, urlencode(sorted(parse_qsl(body.decode()))).encode(), fields, headers)

    return gateway, "_is_genuine", is_genuine


def _unsigned() -> tuple[Any, str, Callable[..., Any]]:
    from sutler.payments.gateways.stripe import gateway

    return gateway, "is_same", lambda _expected, _given: True
