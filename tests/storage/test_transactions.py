"""A connection lost during COMMIT: what took effect is found out, never guessed and never repeated."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import connection, connections

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.storage import transactions
from sutler.storage.transactions import Busy, CommitUnclear
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connection to lose"),
    pytest.mark.postgresql,
]


class Wire:
    """Stands between the panel and PostgreSQL, and cuts the first COMMIT before or after it arrives."""

    def __init__(self, target: tuple[str, int], *, arrives: bool, comes_back: bool) -> None:
        self.target, self.arrives, self.comes_back = target, arrives, comes_back
        self.cut = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if self.cut and not self.comes_back:
                    near.close()
                    continue
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.create_connection(self.target) as far:
            down = threading.Thread(target=self._down, args=(near, far))
            down.start()
            with suppress(OSError):
                self._up(near, far)
            for each in (near, far):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            down.join()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        while data := near.recv(65536):
            if b"COMMIT" in data and not self.cut:
                self.cut = True
                near.shutdown(socket.SHUT_RDWR)
                if self.arrives:
                    far.sendall(data)
                return
            far.sendall(data)

    def _down(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(65536):
                near.sendall(data)


@contextmanager
def through(wire: Wire) -> Iterator[None]:
    """New connections of the panel go through the wire."""
    direct = connections.settings["default"]
    connections.settings["default"] = {**direct, "HOST": "127.0.0.1", "PORT": wire.port}
    try:
        yield
    finally:
        connections.settings["default"] = direct
        wire.listener.close()


def place_through(wire: Wire, request: PlaceRequest) -> Any:
    """Places one order on a thread of its own, whose connection goes through the wire."""

    def attempt() -> Any:
        try:
            return place([request], NOW)
        finally:
            connection.close()

    with through(wire), ThreadPoolExecutor(1) as thread:
        return thread.submit(attempt).result()


@pytest.fixture
def target() -> tuple[str, int]:
    direct = connection.settings_dict
    return str(direct["HOST"] or "127.0.0.1"), int(direct["PORT"] or 5432)


@pytest.fixture
def request_of_alice(alice: Customer, service: Service) -> PlaceRequest:
    return PlaceRequest(alice.pk, {"service": str(service.pk), "link": "https://example.com/p", "quantity": "100"})


def test_a_commit_that_arrived_is_answered_as_placed(target: tuple[str, int], request_of_alice: PlaceRequest) -> None:
    wire = Wire(target, arrives=True, comes_back=True)
    (outcome,) = place_through(wire, request_of_alice)
    assert wire.cut
    assert isinstance(outcome, Placed)
    assert list(Order.objects.values_list("pk", flat=True)) == [outcome.order_id]


def test_a_commit_that_never_arrived_is_answered_as_not_done(
    target: tuple[str, int], request_of_alice: PlaceRequest
) -> None:
    wire = Wire(target, arrives=False, comes_back=True)
    with pytest.raises(Busy):
        place_through(wire, request_of_alice)
    assert wire.cut
    assert not Order.objects.exists()


@pytest.mark.parametrize("arrives", [True, False])
def test_what_cannot_be_found_out_is_said_to_be_unclear(
    target: tuple[str, int], request_of_alice: PlaceRequest, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    monkeypatch.setattr(transactions, "_LOOKS", 2)
    wire = Wire(target, arrives=arrives, comes_back=False)
    with pytest.raises(CommitUnclear):
        place_through(wire, request_of_alice)
    assert wire.cut
