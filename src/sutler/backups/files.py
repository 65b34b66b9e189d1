"""Files of an archive: for their owner's eyes alone, and on the disk before anybody relies on them."""

import hashlib
import os
from pathlib import Path

from sutler.backups.fault import BackupFault, reason

_CHUNK_BYTES = 1 << 20


def new_file(file: Path) -> None:
    """Makes an empty file that only its owner can read. Raises OSError if it is there already."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def write(file: Path, content: bytes) -> None:
    """Writes a new file that only its owner can read. Raises OSError if it is there already or the disk is full."""
    new_file(file)
    file.write_bytes(content)
    sync(file)


def sync(path: Path) -> None:
    """Returns once the file, or the names in the folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest(file: Path) -> str:
    """Returns the SHA-256 of a file as hexadecimal digits. Raises BackupFault if it cannot be read."""
    hashed = hashlib.sha256()
    try:
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK_BYTES):
                hashed.update(chunk)
    except OSError as error:
        raise BackupFault(reason(error)) from error
    return hashed.hexdigest()
