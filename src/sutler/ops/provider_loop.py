"""The worker's event loop: the lines to the providers, until the process is told to stop."""

import asyncio
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import uvloop
from django.conf import settings

from sutler import watchdog
from sutler.accounts import secret_key
from sutler.core import gc_tuning
from sutler.core.clock import Clock, new_token, seeded, unpredictable
from sutler.fulfilment.providers.database import Database
from sutler.fulfilment.worker.supervisor import Supervisor
from sutler.panels.caller_process import CallerProcess
from sutler.storage.statements import is_postgres

# A thread that asks the database lets go of the interpreter at every row and then waits this long for it while the
# event loop is busy. Of the usual 5 ms most of a pass over many orders would be waiting.
SWITCH_SECONDS = 0.0005


def keep_open(clock: Clock, stop: threading.Event) -> None:
    """Speaks with the providers until `stop` is set, then ends what is under way as far as that is quick."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc_tuning.spare_what_is_loaded()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_keep_open(clock, stop))


async def _keep_open(clock: Clock, stop: threading.Event) -> None:
    ending = asyncio.Event()
    hosts = settings.SUTLER["SUTLER_UPSTREAM_PRIVATE_HOSTS"]
    # A thread each: what follows orders never makes what sends them wait. PostgreSQL works for two that follow at once;
    # on SQLite they would only fight for the interpreter.
    to_follow = ThreadPoolExecutor(2 if is_postgres() else 1)
    with ThreadPoolExecutor(1) as sending, to_follow as following, ThreadPoolExecutor(1) as waiting:
        async with CallerProcess(hosts, clock) as call:
            supervisor = Supervisor(
                f"{socket.gethostname()[:30]}:{os.getpid()}:{new_token()[:12]}",
                clock,
                # Its own course for each process; asking the system again for every order is slow.
                seeded(unpredictable().getrandbits(64)),
                call,
                sending=Database(sending),
                following=Database(following),
                secret_keys=secret_key.keys(),
            )
            telling = asyncio.create_task(watchdog.keep_telling())
            stopped = asyncio.get_running_loop().run_in_executor(waiting, stop.wait)
            stopped.add_done_callback(lambda _: ending.set())
            try:
                await supervisor.run(ending)
            finally:
                telling.cancel()
                stop.set()
