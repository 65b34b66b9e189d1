"""Passwords as old panels keep them, as Django names them: `algorithm$what was kept`."""

import re

BCRYPT, PHPASS = "old_bcrypt", "old_phpass"
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}", re.ASCII)
_PHPASS = re.compile(r"\$[PH]\$[./0-9A-Za-z]{31}", re.ASCII)


def stored_password(kept: str | None) -> str:
    """Returns what to store so that the old password is believed once more, "" where it must be set anew.

    MD5 and SHA-1 without a salt are read backwards by anybody who has the table, so they do not come.
    """
    plain = (kept or "").strip()
    if _BCRYPT.fullmatch(plain):
        return f"{BCRYPT}{plain}"
    if _PHPASS.fullmatch(plain):
        return f"{PHPASS}{plain}"
    return ""
