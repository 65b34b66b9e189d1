"""`sutler export`: everything of a panel as one file, to keep, to read elsewhere, or to move."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from sutler.core.clock import SystemClock
from sutler.ops.command import Failed, example, on_panel


@click.command(epilog=example("sutler export panel.zip", "sutler export lists.zip --csv"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--csv", "as_csv", is_flag=True, help="Spreadsheets for people; such a file is not read back.")
@on_panel
def export(file: Path, *, as_csv: bool) -> None:
    """Write the whole panel into a new file: JSON lines for each table, counts and digests (docs/moving-in.md).

    The panel may go on working: the file holds one moment. The secret key is not in it.
    """
    from sutler.move_in.archive import write
    from sutler.move_in.archive.tables import exported, table

    counts = {table(each): each._default_manager.count() for each in exported()}
    try:
        with rows_progress(counts) as tell:
            manifest = write.export(file, SystemClock().now(), tell, as_csv=as_csv)
    except FileExistsError as error:
        raise Failed(f"{file} is there already") from error
    except OSError as error:
        raise Failed(f"cannot write to {file}: {error.strerror}") from error
    rows = sum(each.rows for each in manifest.tables.values())
    click.echo(f"{rows:,} rows of {len(manifest.tables)} tables in {file}, {file.stat().st_size / 1_000_000:,.1f} MB.")
    click.echo("The secret key is NOT in it: keep a copy of the file secret-key apart from it.", err=True)


@contextmanager
def rows_progress(counts: Mapping[str, int]) -> Iterator[Callable[[str, int], None]]:
    """Shows on stderr how far each list is and how long it will take; gives the verb that says what was read."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = {name: progress.add_task(name, total=count) for name, count in counts.items() if count}

        def tell(name: str, rows: int) -> None:
            if name in tasks:
                progress.advance(tasks[name], rows)

        yield tell
