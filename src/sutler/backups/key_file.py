"""The secret key in a backup: sealed under a pass phrase, so that an archive alone opens nothing."""

import hashlib
from pathlib import Path

import msgspec

from sutler.backups.fault import BackupFault, reason
from sutler.storage.sealed import Unreadable, seal, unseal

NAME = "secret-key.sealed"
SHORTEST_PASSPHRASE, LONGEST_PASSPHRASE = 12, 4096
# 32 MiB and about a tenth of a second for each guess; a file may ask for up to a gigabyte.
_COST, _LARGEST_COST, _BLOCK = 1 << 15, 1 << 20, 8
_LARGEST_BYTES = 65_536


class _SealedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scrypt_cost: int
    salt: str
    sealed: str


def seal_keys(keys: tuple[str, ...], passphrase: str, salt: str) -> bytes:
    """Returns what the file holds: the keys, newest first, sealed under the pass phrase; `salt` is a fresh token."""
    text = "".join(f"{key}\n" for key in keys)
    return msgspec.json.encode(_SealedKey(_COST, salt, seal(text, _stretch(passphrase, salt, _COST))))


def unseal_keys(file: Path, passphrase: str) -> tuple[str, ...]:
    """Returns the keys. Raises BackupFault if the pass phrase is another or the file is damaged."""
    try:
        with file.open("rb") as content:
            kept = msgspec.json.decode(content.read(_LARGEST_BYTES), type=_SealedKey)
    except OSError as error:
        raise BackupFault(reason(error)) from error
    except msgspec.MsgspecError as error:
        raise BackupFault(f"{file.name} is no sealed key: {error}") from error
    if not (1 < kept.scrypt_cost <= _LARGEST_COST and kept.scrypt_cost.bit_count() == 1):
        raise BackupFault(f"{file.name} is no sealed key: its cost is {kept.scrypt_cost}")
    try:
        return tuple(unseal(kept.sealed, _stretch(passphrase, kept.salt, kept.scrypt_cost)).split())
    except Unreadable as error:
        raise BackupFault("the secret key was sealed under another pass phrase") from error


def _stretch(passphrase: str, salt: str, cost: int) -> str:
    memory = 2 * 128 * _BLOCK * cost
    return hashlib.scrypt(passphrase.encode(), salt=salt.encode(), n=cost, r=_BLOCK, p=1, maxmem=memory, dklen=32).hex()
