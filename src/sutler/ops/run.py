"""`sutler serve`, `work` and `run`: the panel's processes, and the one that looks after another."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from sutler.config import read
from sutler.core.clock import Clock, SystemClock, seeded, unpredictable
from sutler.ops.command import Failed, example, on_panel

if TYPE_CHECKING:
    from sutler.fulfilment.worker.jobs import Job

HOST, PORT = "127.0.0.1", 8000
LOOK_SECONDS = 0.2
END_SECONDS = 20.0
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
WORK_INTERVAL_SECONDS = 1.0
# The parts of a worker, the demo's executor and what a proof writes meanwhile: each has a thread.
MOST_PARTS = 8
LOOK_AT_FITNESS_EVERY = timedelta(seconds=10)

_host = click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
_port = click.option(
    "--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port to listen on."
)


@click.command(epilog=example("sutler run", "sutler run --host 0.0.0.0 --port 80"))
@_host
@_port
@on_panel
def run(host: str, port: int) -> None:
    """Run the panel: web server and worker."""
    from sutler import server

    require_free(host, port)
    make_ready()
    leave_on_signals()
    with kept_running(["work", "--until-parent-ends"], SystemClock()):
        server.serve(host, port, lambda: _say_ready(host, port))


@click.command(epilog=example("sutler serve --port 8001"))
@_host
@_port
@on_panel
def serve(host: str, port: int) -> None:
    """Run a web server; any number may share a database."""
    from sutler import server

    require_free(host, port)
    make_ready()
    leave_on_signals()
    server.serve(host, port, lambda: _say_ready(host, port))


@click.command(epilog=example("sutler work"))
@click.option("--until-parent-ends", is_flag=True, hidden=True)
@click.option("--executor-seed", type=int, hidden=True)
@on_panel
def work(*, until_parent_ends: bool, executor_seed: int | None) -> None:
    """Run a background worker; any number may share a PostgreSQL database.

    It sends orders to providers and checks them there, places drip-feed runs and subscription posts, expires what is
    due, sends email and notices, asks payment gateways about open payments, keeps daily statistics, measures average
    times and makes the daily backup.
    """
    from sutler.backups import runs
    from sutler.books import figures
    from sutler.fulfilment.catalogue import change_rates, exchange_fetch
    from sutler.fulfilment.providers import heartbeat
    from sutler.fulfilment.sending.plan import Planner
    from sutler.fulfilment.worker import jobs
    from sutler.ops import provider_loop
    from sutler.ops.backup.nightly import Nightly
    from sutler.ops.demo.executor import Executor
    from sutler.ops.verify_job import Prover
    from sutler.orders import delivery_times
    from sutler.storage import changes

    make_ready()
    plan = runs.Plan.of(read())
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    if until_parent_ends:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    clock = SystemClock()
    fitness = Fitness(stop)
    regular = (
        fitness.look,
        *jobs.JOBS,
        change_rates.Watch().watch,
        Planner().plan_waiting,
        figures.keep_up,
        delivery_times.measure,
        heartbeat.beat,
        runs.Watch(plan).watch,
    )
    with ThreadPoolExecutor(MOST_PARTS) as beside:
        slow = (Prover(clock, beside).prove_asked, exchange_fetch.fetch_due)
        groups = (regular, slow, (Nightly(plan, stop, _run_until).make_due,), *_waiting_for_others())
        # Each beside the others: a proof and a backup take their time, and so may somebody else's server.
        given = clock, unpredictable(), stop, WORK_INTERVAL_SECONDS
        parts = [beside.submit(jobs.work, *given, apart, changes.mark) for apart in groups]
        if executor_seed is not None:
            parts.append(beside.submit(Executor(seeded(executor_seed)).run, clock, stop))
        for part in parts:
            part.add_done_callback(lambda _: stop.set())
        try:
            provider_loop.keep_open(clock, stop)
        finally:
            stop.set()
    for part in parts:
        part.result()
    if fitness.obstacle:
        raise Failed(fitness.obstacle)


def _waiting_for_others() -> "tuple[tuple[Job, ...], ...]":
    """Returns the jobs that wait for servers of others, each with a thread to itself."""
    from sutler.accounts import mail
    from sutler.notices import send
    from sutler.notices.jobs import Reader, forget_old
    from sutler.payments import look_ups

    return (mail.send_due,), (Reader().read, send.send_due, send.follow_letters, forget_old), (look_ups.look_up_due,)


class Fitness:
    """Looks now and then whether the database still is this program's and its key's; if not, sets `stop`."""

    def __init__(self, stop: threading.Event) -> None:
        self.obstacle = ""
        self._stop = stop
        self._next_at: datetime | None = None

    def look(self, now: datetime) -> int:
        """Looks, if it is time to; returns 0: it is no work. A job of the worker."""
        from sutler.accounts import readiness

        if self._next_at is None or now >= self._next_at:
            self._next_at = now + LOOK_AT_FITNESS_EVERY
            self.obstacle = readiness.obstacle()
            if self.obstacle:
                self._stop.set()
        return 0


def make_ready() -> None:
    """Sends the logs where the settings say; demands usable settings and a durable database.

    Raises ConfigError or NotDurable.
    """
    from django.conf import settings

    from sutler.fulfilment.catalogue import exchange_source
    from sutler.ops import logs, settings_check
    from sutler.storage import durability

    settings_check.check(settings.SUTLER, SystemClock().now())
    logs.to_stderr(settings.SUTLER["SUTLER_LOG_FORMAT"])
    durability.check_every_connection()
    exchange_source.source(settings.SUTLER)


def require_free(host: str, port: int) -> None:
    """Fails if nobody could listen on this address and port."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise Failed(f"port {port} of {host} cannot be used ({reason}); choose another with --port") from error


def leave_on_signals() -> None:
    """Makes SIGTERM and SIGINT end the process as success, after everything under way has been tidied up."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _leave)


@contextmanager
def kept_running(arguments: Sequence[str], clock: Clock) -> Iterator[None]:
    """Keeps `sutler ARGUMENTS` running as a process of its own while the block runs; ends it cleanly afterwards.

    If it dies it is started again, after a pause that doubles each time. Its standard input is a pipe that ends with
    this process, however it ends: the command has to stop then.
    """
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_running, args=(arguments, clock, stop))
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _say_ready(host: str, port: int) -> None:
    click.echo(f"Listening on {host}, port {port}.", err=True)


def _keep_running(arguments: Sequence[str], clock: Clock, stop: threading.Event) -> None:
    pause = SHORTEST_PAUSE_SECONDS
    while not stop.is_set():
        started = clock.monotonic()
        code = _run_until(arguments, stop)
        if stop.is_set():
            return
        if clock.monotonic() - started > LONGEST_PAUSE_SECONDS:
            pause = SHORTEST_PAUSE_SECONDS
        click.echo(f"sutler: the worker ended with code {code}; it starts again in {pause:g} s", err=True)
        stop.wait(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _run_until(arguments: Sequence[str], stop: threading.Event) -> int:
    """Runs the command until it ends or has to stop. Returns its exit code."""
    command = [sys.executable, "-m", "sutler.cli", *arguments]
    # A session of its own: Ctrl-C on the terminal is for the parent, which then stops its child.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr, start_new_session=True) as child:  # noqa: S603
        while child.poll() is None and not stop.wait(LOOK_SECONDS):
            pass
        child.terminate()
        if child.stdin is not None:
            child.stdin.close()
        try:
            return child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()


def _stop_at_end_of_input(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
