"""`sutler move-in`: from another panel, rehearsed first, then for real (docs/moving-in.md)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sutler import config
from sutler.core.clock import SystemClock
from sutler.ops.command import Failed, data_dir_option, example, on_panel, printable, show_table, start_django
from sutler.ops.init import migrate
from sutler.ops.move_in.export import rows_progress

if TYPE_CHECKING:
    from sutler.move_in.passes import Source
    from sutler.move_in.reading.known import Known, Remark
    from sutler.move_in.totals import Line

R = TypeVar("R")
_MOST_SHOWN = 200
_HEAD = ("TOTAL", "THERE", "LEFT BEHIND", "STILL RUNNING", "HERE", "DIFFERENCE")


@click.group(
    "move-in",
    epilog=example(
        "export SUTLER_OLD_PANEL=mysql://reader:PASSWORD@127.0.0.1/panel",
        "sutler move-in plan",
        "sutler move-in load",
        "sutler move-in cut-over",
    ),
)
def move_in() -> None:
    """Move in from another panel: SmartPanel or the classic family, in a MySQL or MariaDB database.

    The old panel is only read. Nothing is switched on here before `cut-over`.
    """


def _from_old_panel(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command the options that say where the old panel is, passed on as `url`, `prefix` and `time_zone`."""

    @click.option(
        "--from",
        "url",
        help="mysql://user:password@host:port/database, or a mapping.toml of CSV files. The setting keeps the password"
        " off the process list."
        "  [default: SUTLER_OLD_PANEL]",
    )
    @click.option("--prefix", help="Prefix of the tables, where several panels share a database.  [default: found out]")
    @click.option(
        "--time-zone",
        default="",
        help="Time zone that the old panel kept its dates in, such as Europe/Istanbul.  [default: the server's offset]",
    )
    @wraps(command)
    def with_source(*args: Any, url: str | None, **options: Any) -> R:
        url = url or config.read()["SUTLER_OLD_PANEL"]
        if not url:
            raise click.UsageError("say where the old panel is: --from, or SUTLER_OLD_PANEL")
        return command(*args, url=url, **options)

    return with_source


@move_in.command(epilog=example("sutler move-in plan"))
@_from_old_panel
@on_panel
def plan(url: str, prefix: str | None, time_zone: str) -> None:
    """Read the old panel and print what will come, and each row that cannot come. Changes nothing."""
    from sutler.move_in import passes

    with _source(url, prefix, time_zone) as (source, known):
        _say_layout(source, known.zone)
        with rows_progress({name: source.count(name) for name in source.layout.columns}) as tell:
            found = passes.plan(source, known, tell)
        rows = [(name, source.count(name) if source.has(name) else 0, count) for name, count in found.coming.items()]
        show_table(("LIST", "THERE", "COMING"), ((name, f"{a:,}", f"{b:,}") for name, a, b in rows))
        click.echo(f"{found.running_orders:,} orders have not ended: they come at the cut-over.")
        for name in ("balance", "charge"):
            sort = "currency" if name == "balance" else "status"
            for word, (count, micros) in source.totals(
                "customers" if name == "balance" else "orders", name, sort
            ).items():
                click.echo(f"{name}s {printable(word)}: {count:,} rows, {micros / 1_000_000:,.6f}")
        _say_remarks(found.remarks)


@move_in.command(epilog=example("sutler move-in load"))
@_from_old_panel
@on_panel
def load(url: str, prefix: str | None, time_zone: str) -> None:
    """Bring over everything but the orders that still run there. May be stopped, and repeated: nothing comes twice."""
    with _source(url, prefix, time_zone) as (source, known):
        _one_pass(source, known, time_zone)
        _say_totals(source, known)


@move_in.command(epilog=example("sutler move-in shadow --every 5"))
@_from_old_panel
@click.option("--every", type=click.IntRange(1, 1440), help="Minutes between passes, until Ctrl-C.")
@on_panel
def shadow(url: str, prefix: str | None, time_zone: str, every: int | None) -> None:
    """Bring over what is new or has ended there since, while the old panel still sells; print what differs."""
    while True:
        with _source(url, prefix, time_zone) as (source, known):
            _one_pass(source, known, time_zone)
            _say_totals(source, known)
        if every is None:
            return
        time.sleep(every * 60)


@move_in.command("cut-over", epilog=example("sutler move-in cut-over"))
@_from_old_panel
@click.option("--yes", is_flag=True, help="Do not ask whether the old panel has been stopped.")
@on_panel
def cut_over(url: str, prefix: str | None, time_zone: str, *, yes: bool) -> None:
    """Bring over the rest with the orders that run, compare the totals, audit the books, and switch on."""
    from django.db import transaction

    from sutler.move_in import passes

    if not yes:
        click.confirm("Has the old panel been stopped: its pages, its API and its cron jobs?", abort=True)
    with _source(url, prefix, time_zone) as (source, known):
        last = source.last_id("orders")
        _one_pass(source, known, time_zone, is_last=True)
        if source.last_id("orders") != last:
            raise Failed("the old panel still takes orders: stop it, then run this command again")
        lines = _say_totals(source, known)
        if any(line.difference for line in lines):
            raise Failed("the totals differ; nothing was switched on. `sutler move-in left` says what stayed behind")
        _audit()
        active = passes.active(source, known)
        with transaction.atomic():
            passes.set_on(known.now, *active)
    click.echo("Moved in. Point the name of the panel here, and start `sutler run`.")


@move_in.command(epilog=example("sutler move-in left"))
@on_panel
def left() -> None:
    """List the rows that stayed behind, and those that came in another way than they stood there."""
    from sutler.move_in.models import Finding

    found = Finding.objects.order_by("came", "name", "pk")
    show_table(
        ("LIST", "OLD ID", "CAME", "REASON"),
        ((each.name, each.old_id, "yes" if each.came else "no", each.reason) for each in found.iterator()),
    )


@move_in.command(epilog=example("sutler move-in archive panel.zip --data-dir /srv/panel"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_dir_option
def archive(file: Path, data_dir: Path | None) -> None:
    """Move in another Sutler, from the file that `sutler export` wrote there, where no panel is.

    The engine may be another one: SUTLER_DATABASE_URL says which. Copy the panel's file secret-key into the data folder
    first: what is sealed in the archive opens only with it.
    """
    start_django(data_dir)
    from sutler.move_in.archive.read import ArchiveFault, load, manifest_of

    try:
        manifest = manifest_of(file)
        Path(config.read()["SUTLER_DATA_DIR"]).mkdir(mode=0o700, parents=True, exist_ok=True)
        migrate()
        with rows_progress({name: each.rows for name, each in manifest.tables.items()}) as tell:
            load(file, tell)
    except ArchiveFault as error:
        raise Failed(str(error)) from error
    rows = sum(each.rows for each in manifest.tables.values())
    click.echo(f"{rows:,} rows of the panel of {manifest.taken_at:%Y-%m-%d %H:%M} UTC have come, each with its digest.")
    click.echo("Next: `sutler init`, `sutler verify`, then start the panel.", err=True)


@contextmanager
def _source(url: str, prefix: str | None, time_zone: str) -> Iterator[tuple["Source", "Known"]]:
    """Opens the old panel; what goes wrong with it is told in one line."""
    from sutler.move_in import passes
    from sutler.move_in.sources.csv_files import CsvSource
    from sutler.move_in.sources.mysql import MySqlSource, NotReadable

    try:
        source: Source = CsvSource(Path(url)) if url.endswith(".toml") else MySqlSource(url, prefix=prefix)
        try:
            yield source, passes.known_of(source, passes.zone_named(time_zone), _now())
        finally:
            source.close()
    except (NotReadable, passes.CannotMoveIn) as error:
        raise Failed(str(error)) from error


def _one_pass(source: "Source", known: "Known", time_zone: str, *, is_last: bool = False) -> None:
    from sutler.move_in import passes

    passes.begin(source, time_zone, known.now)
    with rows_progress({name: source.count(name) for name in source.layout.columns}) as tell:
        passes.run(source, known, tell, is_last=is_last)


def _say_layout(source: "Source", zone: tzinfo) -> None:
    prefix = f", tables {source.layout.prefix}..." if source.layout.prefix else ""
    click.echo(f"{source.family.name}{prefix}; currency {source.currency() or 'not said'}; dates are read in {zone}.")
    for line in source.layout.missing():
        click.echo(f"  {line}")


def _say_remarks(remarks: list["Remark"]) -> None:
    for title, came in (("cannot come", False), ("come in another way", True)):
        rows = [each for each in remarks if each.came is came]
        click.echo(f"{len(rows):,} rows {title}" + (":" if rows else "."))
        show_table(("LIST", "OLD ID", "REASON"), ((each.name, each.old_id, each.reason) for each in rows[:_MOST_SHOWN]))
        if len(rows) > _MOST_SHOWN:
            click.echo(f"and {len(rows) - _MOST_SHOWN:,} more")


def _say_totals(source: "Source", known: "Known") -> list["Line"]:
    from sutler.move_in import totals
    from sutler.move_in.models import Finding

    lines = totals.compare(source, known)
    show_table(_HEAD, (each.cells() for each in [*lines, *totals.revenue_by_month(source, known)]))
    behind = Finding.objects.filter(came=False).count()
    click.echo(f"{behind:,} rows stayed behind: `sutler move-in left`.")
    return lines


def _audit() -> None:
    """Fails if the books do not agree."""
    from rich.console import Console
    from rich.progress import Progress

    from sutler.ops.verify import run_checks

    with Progress(console=Console(stderr=True), transient=True) as progress:
        findings = run_checks(progress)
    broken = [line for each in findings for line in each.lines()]
    if broken:
        raise Failed(f"the books do not agree, nothing was switched on: {broken[0]}")


def _now() -> datetime:
    return SystemClock().now()
