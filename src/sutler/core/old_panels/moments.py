"""Moments as old panels keep them: without a zone, sometimes zero, sometimes seconds since 1970."""

from datetime import UTC, datetime, tzinfo

# Before it nobody sold; a moment earlier than that is a mistake.
_FIRST_YEAR = 2005
_ZEROS = ("0000-00-00", "1970-01-01")


def moment(text: str | None, zone: tzinfo) -> datetime | None:
    """Returns the moment that a text of the server in this zone means, in UTC; None for zero, blank and nonsense.

    An hour that happens twice as clocks are turned back is the first of the two.
    """
    plain = (text or "").strip()
    if not plain or plain.startswith(_ZEROS):
        return None
    try:
        if plain.isascii() and plain.isdigit() and len(plain) in {9, 10}:
            read = datetime.fromtimestamp(int(plain), UTC)
        else:
            read = datetime.fromisoformat(plain)
        in_utc = (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return in_utc if in_utc.year >= _FIRST_YEAR else None
