"""The table of somebody's keys, as `customer keys` and `staff keys` print it."""

from collections.abc import Iterable

from sutler.accounts.models import ApiKey
from sutler.ops.command import show_table


def show_keys(keys: Iterable[ApiKey]) -> None:
    """Prints the keys: their beginnings, never the keys."""
    show_table(
        ("ID", "PREFIX", "LABEL", "SCOPES", "ADDRESSES", "LAST USED", "STATE"),
        (
            (
                each.pk,
                each.prefix,
                each.label or "-",
                each.scopes,
                each.addresses or "any",
                each.last_used_at or "never",
                "revoked" if each.revoked_at else "valid",
            )
            for each in keys
        ),
    )
