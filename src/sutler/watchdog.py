"""systemd's watchdog: a process says that it is ready, and again and again that its event loop still turns."""

import asyncio
import os
import socket
from collections.abc import Mapping

# Of the time in which systemd wants to hear of it.
_SHARE = 1 / 3


def tell(state: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Tells systemd, as sd_notify(3) does: READY=1 or WATCHDOG=1. Returns False where nobody listens."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.setblocking(False)
        try:
            out.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return False
    return True


async def keep_telling(environment: Mapping[str, str] = os.environ) -> None:
    """Says that the process is ready, and then that it lives, as often as the unit's WatchdogSec wants."""
    tell("READY=1", environment)
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while tell("WATCHDOG=1", environment):
        await asyncio.sleep(int(microseconds) / 1_000_000 * _SHARE)
