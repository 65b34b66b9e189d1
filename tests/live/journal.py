"""A customer's program that orders without pause and keeps its own journal, to be held against the panel afterwards."""

import itertools
import threading

import httpx2

from tests.live.caller import Caller, answer, said, until


class Journal:
    """A customer's program that places orders without pause and writes down what it was told before it asks again."""

    def __init__(self, caller: Caller, service: int) -> None:
        self.caller, self.service = caller, service
        self.told: dict[int, int] = {}
        self.unknown: list[int] = []
        self.refused: list[int] = []
        self.wrong: list[str] = []
        self._numbers = itertools.count(50)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(6)]

    def __enter__(self) -> "Journal":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join(60)
            assert not each.is_alive()

    def wait_for(self, number: int) -> None:
        """Waits until so many orders more than now were acknowledged."""
        wanted = len(self.told) + number
        until(lambda: len(self.told) >= wanted or self.wrong)

    def demand_the_truth(self) -> None:
        """Every acknowledged order is there as asked; none that was refused; any other is one of unknown outcome."""
        assert not self.wrong
        kept = {each["id"]: each for each in self.caller.orders()}
        quantities = [each["quantity"] for each in kept.values()]
        assert {order: kept[order]["quantity"] for order in self.told} == self.told
        assert len(quantities) == len(set(quantities))
        assert set(quantities) <= set(self.told.values()) | set(self.unknown)
        shown = self.caller.ask("status", orders=",".join(map(str, list(self.told)[-100:])))
        assert [int(each["remains"]) for each in shown.values()] == list(self.told.values())[-100:]

    def _work(self) -> None:
        while not self._over.is_set():
            with self._lock:
                quantity = next(self._numbers)
            try:
                self._order(quantity)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
                self.wrong.append(repr(error))
                return

    def _order(self, quantity: int) -> None:
        fields = {
            "action": "add",
            "service": self.service,
            "link": f"https://example.com/journal/{quantity}",
            "quantity": quantity,
        }
        try:
            sent = self.caller.post(fields)
        except httpx2.TransportError:
            self.unknown.append(quantity)
            self._over.wait(0.05)
            return
        if sent.status_code == 200:
            self.told[answer(sent)["order"]] = quantity
            return
        assert sent.status_code == 503, sent.text
        said(sent)
        self.refused.append(quantity)
        self._over.wait(0.05)
