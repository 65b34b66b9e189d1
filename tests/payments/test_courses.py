"""A sample of the courses in one process, and the bugs that they must catch. `make payments` plays them with kills."""

import subprocess
import sys
from random import Random
from typing import Any

import pytest
from bench.engines import POSTGRESQL, SQLITE

from sutler.accounts.models import Customer
from sutler.storage.statements import is_postgres
from tests.conftest import NOW
from tests.payments.courses import bugs
from tests.payments.courses.course import Course, World
from tests.payments.courses.life import Panel, Steps

KINDS = ("stripe", "paypal", "btcpay", "nowpayments", "cryptomus", "signed")


class Here(World):
    """The panel is this process, and is never killed."""

    def call(self, verb: str, *arguments: Any, is_safe: bool = False) -> Any:
        return getattr(Panel(self, Steps()), verb)(*arguments)  # type: ignore[arg-type]

    def send(self, message: tuple[str, Any]) -> None:
        """What the panel asks of a gateway."""
        self.answer = self._answer(*message[1])

    def recv(self) -> Any:
        """What the gateway answers."""
        return self.answer


def played(kind: str, seed: int, courses: int) -> tuple[World, list[str]]:
    world = Here(Random(seed))
    world.open(NOW)
    wrong = []
    for _ in range(courses):
        wrong.append(Course(world, kind, NOW).play())
        if wrong[-1]:
            break
    return world, [each for each in wrong if each]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_paid_is_credited_once_whatever_becomes_of_the_notices(kind: str) -> None:
    world, wrong = played(kind, KINDS.index(kind), 6)
    assert wrong == []
    breaches, wallets = world.call("verify")
    assert breaches == []
    assert wallets == sum(paid - back - frozen for paid, back, frozen in world.expected.values())
    assert any(world.expected.values())


@pytest.mark.django_db
@pytest.mark.parametrize(("bug", "kind"), [("cause", "signed"), ("parsed", "signed"), ("unsigned", "stripe")])
def test_planted_bugs_are_caught(alice: Customer, bug: str, kind: str) -> None:
    with bugs.planted(bug):
        assert played(kind, 1, 40)[1]


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [(), ("--bug", "cause")], ids=["honest", "planted"])
def test_killed_between_any_two_steps(arguments: tuple[str, ...]) -> None:
    engine = POSTGRESQL if is_postgres() else SQLITE
    command = [sys.executable, "-m", "tests.payments.courses", "--courses", "60", "--engine", engine, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == len(arguments) // 2, done.stderr
