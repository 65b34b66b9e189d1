"""Hashers of passwords that came from another panel: they believe them, and Django stores them anew at once."""

import hashlib
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare

from sutler.core.old_panels.passwords import BCRYPT, PHPASS

_LETTERS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FEWEST_ROUNDS, _MOST_ROUNDS = 7, 18
_LONGEST_PASSWORD = 4096


class _Old(BasePasswordHasher):
    """Only verifies. As it is not the preferred one, a password that it believes is hashed anew."""

    def encode(self, password: str, salt: str) -> str:
        """Raises TypeError: nothing new is kept in an old way."""
        raise TypeError("old schemes only verify")

    def decode(self, encoded: str) -> dict[str, Any]:
        """Returns the two parts."""
        return {"algorithm": self.algorithm, "hash": encoded.removeprefix(str(self.algorithm))}

    def safe_summary(self, encoded: str) -> Any:
        """Returns the name of the scheme alone."""
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        """Returns True."""
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Does nothing: how long it takes is what the old panel chose."""


class OldBcrypt(_Old):
    """bcrypt as PHP keeps it: `$2y$10$...`. Believes nothing where the package `bcrypt` is missing."""

    algorithm = BCRYPT

    def verify(self, password: str, encoded: str) -> bool:
        """Returns True if it is the password. Like PHP's, it looks at the first 72 bytes only."""
        try:
            import bcrypt
        except ImportError:
            return False
        kept = encoded.removeprefix(self.algorithm)
        raw = b"$2b$" + kept.encode().partition(b"$2")[2].partition(b"$")[2]
        try:
            return b"\0" not in password.encode() and bcrypt.checkpw(password.encode()[:72], raw)
        except ValueError:  # no hash at all
            return False


class OldPhpass(_Old):
    """phpass's portable hashes, `$P$` and `$H$`: salted MD5, 2^n times."""

    algorithm = PHPASS

    def verify(self, password: str, encoded: str) -> bool:
        """Returns True if it is the password."""
        kept = encoded.removeprefix(self.algorithm)
        rounds = _LETTERS.find(kept[3:4] or "!")
        if not _FEWEST_ROUNDS <= rounds <= _MOST_ROUNDS or len(password) > _LONGEST_PASSWORD:
            return False
        raw = password.encode()
        digest = hashlib.md5(kept[4:12].encode() + raw, usedforsecurity=False).digest()
        for _ in range(1 << rounds):
            digest = hashlib.md5(digest + raw, usedforsecurity=False).digest()
        return constant_time_compare(kept[12:], _in_letters(digest))


def _in_letters(digest: bytes) -> str:
    """Returns the digest in phpass's base 64: three bytes are four letters, the lowest bits first."""
    found = ""
    for place in range(0, len(digest), 3):
        part = digest[place : place + 3]
        value = int.from_bytes(part, "little")
        found += "".join(_LETTERS[(value >> 6 * number) & 63] for number in range(len(part) + 1))
    return found
