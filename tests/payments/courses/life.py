"""The panel's side of the courses: a process that does one thing after another, and is killed in the middle of one."""

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from tests.payments.courses import bugs


def live(pipe: Connection, bug: str) -> None:
    """Does what comes through the pipe: `(verb, arguments, steps until the kill)`. Ends with the pipe, or killed."""
    from django.db import connection

    steps = Steps()
    panel = Panel(pipe, steps)
    with ExitStack() as stack:
        stack.enter_context(bugs.planted(bug))
        stack.enter_context(connection.execute_wrapper(steps.statement))
        while True:
            try:
                verb, arguments, steps.left = pipe.recv()
            except EOFError:
                return
            answer = getattr(panel, verb)(*arguments)
            steps.step()
            pipe.send(("done", answer))


class Steps:
    """Counts statements and calls, and kills the process when its steps are over."""

    left: int | None = None

    def step(self) -> None:
        """One step more, or the end."""
        if self.left is None:
            return
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        """A statement of the database, killed before or after it."""
        self.step()
        answer = execute(*arguments)
        self.step()
        return answer


class Panel:
    """The verbs that a course plays, as shop, notice address and worker call them."""

    def __init__(self, pipe: Connection, steps: Steps) -> None:
        self._pipe, self._steps = pipe, steps

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Any:
        from sutler.payments.gateways.shape import Reply

        self._steps.step()
        self._pipe.send(("ask", (method, url, dict(headers), body)))
        status, answer = self._pipe.recv()
        self._steps.step()
        return Reply(status, answer)

    def make(self, kinds: Mapping[str, Mapping[str, str]], customers: int, now: datetime) -> dict[str, Any]:
        """Makes customers, and a method of each kind; returns their ids."""
        from sutler.accounts import customers as accounts
        from sutler.books.post import open_wallet
        from sutler.payments import methods
        from sutler.payments.models import Method

        made = {}
        for kind, settings in kinds.items():
            draft = methods.Draft(kind, "", "USD", 1_000_000, 1_000_000_000, kind=kind)
            method = methods.save(draft, None, now, settings=settings)
            assert isinstance(method, Method), method
            made[kind] = (method.pk, method.public_id)
        ids = [accounts.create(f"Customer {number}", "USD", now).pk for number in range(customers)]
        for pk in ids:
            open_wallet(pk, "USD")
        return {"methods": made, "customers": ids}

    def open(self, customer_id: int, method_id: int, micros: int, token: str, now: datetime) -> tuple[int, str]:
        """A customer begins a payment; returns its id and its reference."""
        from sutler.payments import checkouts
        from sutler.payments.models import FundsRequest

        made = checkouts.open_(customer_id, method_id, micros, None, token, now)
        assert isinstance(made, FundsRequest), made
        return made.pk, made.checkout.reference

    def begin(self, customer_id: int, request_id: int, now: datetime) -> bool:
        """The gateway is told of it; False: not now."""
        from sutler.payments import checkouts
        from sutler.payments.models import Checkout

        addresses = checkouts.Addresses(lambda pk: f"https://p.example/{pk}", lambda pk: f"https://p.example/n/{pk}")
        return isinstance(checkouts.begin(customer_id, request_id, addresses, now, ask=self._ask), Checkout)

    def withdraw(self, customer_id: int, request_id: int, now: datetime) -> None:
        """The customer changes their mind."""
        from sutler.payments import funds

        funds.withdraw(customer_id, request_id, now)

    def notice(self, public_id: str, body: bytes, headers: Mapping[str, str], now: datetime) -> int:
        """A notice comes; returns the status that the gateway gets."""
        from sutler.payments import notices

        return notices.receive(public_id, body, headers, now).status

    def look(self, request_id: int, now: datetime) -> None:
        """The gateway is asked what became of a payment."""
        from sutler.payments import look_ups

        look_ups.look_up_now(request_id, now, self._ask)

    def state(self, request_ids: list[int]) -> dict[int, tuple[int, int, int, int]]:
        """Returns what was credited, taken back, is frozen, and was credited to forged transactions, by request."""
        from sutler.payments.models import Receipt

        found: dict[int, tuple[int, int, int, int]] = dict.fromkeys(request_ids, (0, 0, 0, 0))
        for each in Receipt.objects.filter(request__in=request_ids):
            credited, taken, frozen, forged = found[each.request_id]
            robbed = each.credit_micros if each.transaction_id.startswith("tx-forged") else 0
            found[each.request_id] = (
                credited + each.credit_micros,
                taken + each.taken_micros,
                frozen + (each.frozen_micros or 0),
                forged + robbed,
            )
        return found

    def verify(self) -> tuple[list[str], int]:
        """Returns what `sutler verify` finds, and all wallets together."""
        from django.db.models import Sum

        from sutler.books.models import LedgerAccount
        from sutler.ops.verify import CHECKS, prove

        breaches = [line for found in prove(CHECKS, str, str) for line in found.lines()]
        wallets = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.WALLET)
        return breaches, wallets.aggregate(total=Sum("balance_micros"))["total"] or 0
