"""What keeps a process from working with its database: a program too old or too new for it, another panel's key."""

from sutler.accounts import secret_key
from sutler.storage import schema

_MOST_NAMED = 5


def obstacle() -> str:
    """Returns what has to be seen to first, in words for the operator; empty if the panel may work."""
    return of_schema() or secret_key.obstacle()


def of_schema() -> str:
    """Returns in what way program and database are not of one age; empty if they are."""
    difference = schema.compare()
    if difference.unknown:
        return f"the database belongs to a newer program; this one does not know {_named(difference.unknown)}"
    if difference.missing:
        return f"the database is not up to date; `sutler init` brings it there (it lacks {_named(difference.missing)})"
    return ""


def _named(migrations: list[str]) -> str:
    more = len(migrations) - _MOST_NAMED
    return ", ".join(migrations[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
