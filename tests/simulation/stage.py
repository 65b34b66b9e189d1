"""A process in which courses are played, one after another, in a database of its own."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.course import Plan, Report


def set_up(folder: str) -> None:
    """Gives this process a database of its own: a file in the folder."""
    own = Path(folder) / str(os.getpid())
    own.mkdir()
    configure(own)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def configure(folder: Path) -> None:
    """Sets the panel up to keep its data in this folder."""
    os.environ |= {"SUTLER_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    import django

    django.setup()


def play(plan: "Plan", bug: str) -> "Report":
    """Plays a course in the emptied database, with a bug or without."""
    from django.core.management import call_command
    from django.db import connection

    from tests.simulation import bugs, course

    call_command("flush", verbosity=0, interactive=False)
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous=OFF")  # power cuts are not what this is about
    with bugs.switched_in(bug):
        return course.run(plan)
