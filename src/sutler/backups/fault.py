"""What a backup can fail with."""


class BackupFault(Exception):
    """A backup that cannot be made, read, checked or restored. The message is one line for the operator."""


def reason(error: OSError) -> str:
    """Returns why a file could not be read or written, with its name."""
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{error.strerror or error}"
