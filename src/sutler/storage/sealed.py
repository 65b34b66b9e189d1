"""Secrets at rest: sealed with a key from outside the database, so that a copy of the database alone tells nothing."""

from base64 import urlsafe_b64encode
from contextlib import suppress
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unreadable(Exception):
    """The secret was sealed with another key than the panel has now, or is damaged."""


def seal(secret: str, key: str) -> str:
    """Returns the secret encrypted and signed with a key derived from `key`, the panel's secret key."""
    return _box(key).encrypt(secret.encode()).decode()


def unseal(sealed: str, *keys: str) -> str:
    """Returns what was sealed. Raises Unreadable if it was sealed with none of these keys."""
    for key in keys:
        with suppress(InvalidToken):
            return _box(key).decrypt(sealed.encode()).decode()
    raise Unreadable("sealed with another secret key, or damaged")


@lru_cache(maxsize=4)
def _box(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sutler: secrets at rest").derive(key.encode())
    return Fernet(urlsafe_b64encode(derived))
