"""`sutler verify`, `config`, `bench` and `completion`: is all well, how is it set, how fast is it, what can be said."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

import sutler
from sutler.config import SETTINGS, read
from sutler.ops.command import Failed, data_dir_option, example, open_panel, show_table, start_django
from sutler.ops.init import migrate

LONGEST_LINE = 500


@click.command(epilog=example("sutler verify --data-dir /srv/panel"))
@data_dir_option
@click.option("--copy", "is_copy", is_flag=True, hidden=True)
def verify(data_dir: Path | None, *, is_copy: bool) -> None:
    """Audit the books: list every check and any mismatch.

    Prints each check with its number of rows, and each mismatch. The exit code is 1 if there is a mismatch.
    """
    if is_copy:  # nobody works with it: it may be brought up to date, and needs no secret key
        start_django(data_dir)
        migrate()
    open_panel(data_dir, with_any_key=is_copy)
    from rich.console import Console
    from rich.progress import Progress

    from sutler.ops.verify import run_checks

    console = Console()
    if not console.is_terminal:
        console.width = LONGEST_LINE
    with Progress(console=console, transient=True) as progress:
        findings = run_checks(progress)
    for line in (line for finding in findings for line in finding.lines()):
        click.echo(line)
    breaches = sum(finding.breaches for finding in findings)
    if breaches:
        raise Failed(f"{breaches} mismatch{'es' * (breaches > 1)}")
    click.echo(f"{len(findings)} checks, no mismatch.")


@click.command(epilog=example("sutler config", "SUTLER_PANEL_NAME='My panel' sutler config"))
def config() -> None:
    """List all settings with values, from the environment or default, and meaning."""
    values = read()
    show_table(
        ("SETTING", "VALUE", "MEANING"),
        ((each.name, _shown(values[each.name], secret=each.secret), each.about) for each in SETTINGS),
    )


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog=example("sutler bench --engine sqlite --quick", "sutler bench -- --help"),
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Run the benchmark, from a checkout of the source.

    Further arguments go to the benchmark; without any it shows its help.
    """
    checkout = Path(sutler.__file__).parents[2]
    if not (checkout / "bench" / "__main__.py").is_file():
        raise Failed("the benchmark is part of the source: run it from a checkout")
    done = subprocess.run([sys.executable, "-m", "bench", *(arguments or ("--help",))], cwd=checkout, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise Failed("the benchmark did not finish")


@click.command(
    epilog=example("sutler completion bash >/etc/bash_completion.d/sutler", 'eval "$(sutler completion zsh)"')
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what has a shell complete the names of commands and options.

    For fish: sutler completion fish >~/.config/fish/completions/sutler.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click knows all three
    # Click asks bash for its version to write the script; the script is the same for all that it knows.
    script = found.source_template % found(context.find_root().command, {}, "sutler", "_SUTLER_COMPLETE").source_vars()
    click.echo(script)


def _shown(value: Any, *, secret: bool) -> str:
    if secret:
        return "(set)" if value else "(empty)"
    return ",".join(value) if isinstance(value, list) else str(value) or "(empty)"
