"""The kinds of gateways: those that come with the panel, and those of installed packages."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from sutler.payments.gateways import installed, registry
from sutler.payments.gateways.registry import BUILT_IN, gateways
from sutler.payments.gateways.shape import FieldKind, Gateway
from sutler.payments.gateways.stripe.gateway import STRIPE

MINE = replace(STRIPE, kind="mine")
NO_GATEWAY = object()


@pytest.fixture(autouse=True)
def looked_up_anew() -> Iterator[None]:
    gateways.cache_clear()
    yield
    gateways.cache_clear()


def point(name: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{name}", registry.GROUP)


def test_a_package_adds_a_kind_and_a_faulty_one_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [point("NOT_THERE"), point("NO_GATEWAY"), point("STRIPE"), point("MINE")]
    monkeypatch.setattr(installed, "entry_points", lambda group: points if group == registry.GROUP else [])
    assert list(gateways()) == [*(each.kind for each in BUILT_IN), "mine"]
    assert gateways()["mine"] is MINE


@pytest.mark.parametrize("gateway", BUILT_IN, ids=lambda each: each.kind)
def test_a_kind_fits_its_columns_and_has_a_secret(gateway: Gateway) -> None:
    assert 0 < len(gateway.kind) <= 20
    assert len({each.name for each in gateway.fields}) == len(gateway.fields)
    assert any(each.kind is FieldKind.SECRET and each.is_required for each in gateway.fields)
