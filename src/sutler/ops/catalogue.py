"""`sutler service`: put services on sale, one by one or from a file, and look at them."""

from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from sutler.catalogue import service_file
from sutler.catalogue.service_file import Offer
from sutler.core.clock import SystemClock
from sutler.core.money import show_rate
from sutler.core.order_types import ORDER_TYPES
from sutler.ops.shell import ID, Failed, example, on_panel, refused, show_table

MOST_FAULTS_SHOWN = 50
# From so many services on, storing them takes long enough to show how far it is.
SHOWN_FROM = 500


@click.group(epilog=example("sutler service import services.json", "sutler service list"))
def service() -> None:
    """What is on sale."""


@service.command(
    epilog=example("sutler service add --name Followers --category Social --rate 0.90 --min 50 --max 10000 --refill")
)
@click.option("--name", required=True, help="What customers see.")
@click.option("--type", "type_", type=click.Choice(list(ORDER_TYPES)), default="Default", show_default=True)
@click.option("--category", required=True, help="Heading in the catalogue; made if there is none of this name.")
@click.option("--rate", required=True, help="Price of a thousand (of one, for a package) in the base currency.")
@click.option("--min", "minimum", type=int, default=1, show_default=True, help="Smallest quantity of an order.")
@click.option("--max", "maximum", type=int, required=True, help="Greatest quantity of an order.")
@click.option("--dripfeed", is_flag=True, help="Orders may be spread over runs.")
@click.option("--refill", is_flag=True, help="Refills may be asked.")
@click.option("--refill-days", default="", help="Days after completion in which they may; otherwise for ever.")
@click.option("--refill-wait-hours", default="24", show_default=True, help="Hours to wait before asking one.")
@click.option("--cancel", is_flag=True, help="Cancels may be asked.")
@click.option("--one-active-order-per-link", is_flag=True, help="Refuse a link that still has an active order.")
@click.option("--description", "desc", default="", help="More about it.")
@on_panel
def add(type_: str, minimum: int, maximum: int, **columns: Any) -> None:
    """Put one service on sale."""
    row = columns | {"type": type_, "min": str(minimum), "max": str(maximum)}
    offers, faults = service_file.check([row])
    if faults:
        raise click.UsageError(faults[0].removeprefix("row 1: "))
    from sutler.catalogue.service_store import store

    [(service_id, _)] = store(offers)
    click.echo(f"Service {service_id} is on sale.")


@service.command(
    "import",
    epilog=example(
        "sutler service import services.json",
        "sutler service import --format csv - < services.csv",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "format_", type=click.Choice(["json", "csv"]), help="Otherwise by the name of the file.")
@on_panel
def import_(file: str, format_: str | None) -> None:
    """Take over services from the JSON of a `services` answer, or from CSV.

    All of them or, if a row is wrong, none. A row whose `service` is the id of a service changes that service; columns
    that the file does not have keep their values. CSV names its columns in the first line: service, name, type,
    category, rate, min, max, dripfeed, refill, cancel, one_active_order_per_link, refill_days, refill_wait_hours, desc.
    """
    offers = _read(file, format_ or ("csv" if file.endswith(".csv") else "json"))
    from sutler.catalogue.service_store import store

    with Progress(console=Console(stderr=True), disable=len(offers) < SHOWN_FROM) as progress:
        stored = store(offers, SystemClock().now(), lambda places: progress.track(places, description="Services"))
    new = sum(is_new for _, is_new in stored)
    click.echo(f"{new} new, {len(stored) - new} changed.")


@service.command("list", epilog=example("sutler service list --category Social"))
@click.option("--category", help="Only of this heading.")
@on_panel
def list_(category: str | None) -> None:
    """Show the services, hidden and paused ones too."""
    from sutler.catalogue.models import Service

    found = Service.objects.select_related("category")
    if category is not None:
        found = found.filter(category__name=category)
    show_table(
        ("ID", "NAME", "TYPE", "CATEGORY", "RATE", "MIN", "MAX", "MAY", "STATE"),
        (
            (s.pk, s.name, s.type, s.category.name, show_rate(s.rate_micros), s.min, s.max, _may(s), s.state)
            for s in found
        ),
    )


@service.command("set-state", epilog=example("sutler service set-state 17 paused"))
@click.argument("service_id", type=ID)
@click.argument("state", type=click.Choice(["active", "paused", "hidden"]))
@on_panel
def set_state(service_id: int, state: str) -> None:
    """Put a service on sale again, pause it, or hide it."""
    from sutler.catalogue.models import Service
    from sutler.catalogue.sale import set_state as put

    if not put(service_id, Service.State(state), SystemClock().now()):
        raise Failed(f"there is no service {service_id}")
    click.echo(f"Service {service_id} is {state}.")


@service.command("updates", epilog=example("sutler service updates --limit 20"))
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
@on_panel
def updates_(limit: int) -> None:
    """Show what customers are told of changes to the services, newest first."""
    from sutler.catalogue import updates

    show_table(
        ("AT", "SERVICE", "NAME", "WHAT", "BEFORE", "AFTER"),
        (
            (f"{u.at:%Y-%m-%d %H:%M}", u.service_id, u.service.name, u.kind, u.before or "-", u.after or "-")
            for u in updates.recent(limit)
        ),
    )


def _may(found: Any) -> str:
    return " ".join(name for name in ("dripfeed", "refill", "cancel") if getattr(found, name)) or "-"


def _read(file: str, format_: str) -> list[Offer]:
    with click.open_file(file, "rb") as opened:
        content = opened.read(service_file.LARGEST_FILE_BYTES + 1)
    if len(content) > service_file.LARGEST_FILE_BYTES:
        raise Failed(f"the file is larger than {service_file.LARGEST_FILE_BYTES} bytes")
    try:
        rows = service_file.read_csv(content) if format_ == "csv" else service_file.read_json(content)
    except service_file.Unreadable as error:
        raise Failed(str(error)) from error
    if len(rows) > service_file.MOST_ROWS:
        raise Failed(f"the file has more than {service_file.MOST_ROWS} rows")
    offers, faults = service_file.check(rows)
    if faults:
        for fault in faults[:MOST_FAULTS_SHOWN]:
            click.echo(fault, err=True)
        raise Failed(f"nothing was imported: {len(faults)} of {len(rows)} rows are wrong")
    return offers


@service.command(
    epilog=example(
        "sutler service restrict 17 --allow 'example.com/*' --refuse '*/private/*' --closed-to DE,FR",
        "sutler service restrict 17 --needs-approval --delivery 'By hand, within a day'",
    )
)
@click.argument("service_id", type=ID)
@click.option("--allow", multiple=True, help="Pattern of links to take, * for any text; repeated; '' for none.")
@click.option("--refuse", multiple=True, help="Pattern of links not to take; repeated; '' for none.")
@click.option(
    "--needs-approval/--no-approval", default=None, help="Whether each order waits for `sutler order approve`."
)
@click.option("--closed-to", help="Countries it is not sold to, as codes with commas between; '' for none.")
@click.option("--delivery", help="How it is delivered, for customers to read.")
@on_panel
def restrict(
    *,
    service_id: int,
    allow: tuple[str, ...],
    refuse: tuple[str, ...],
    needs_approval: bool | None,
    closed_to: str | None,
    delivery: str | None,
) -> None:
    """Say for which links, to whom and after whose look a service is sold; what is not given stays as it is."""
    from sutler.catalogue.acceptable_use import restrict as write_down

    refusal = write_down(
        service_id,
        delivery=delivery,
        link_allowed="\n".join(allow) if allow else None,
        link_refused="\n".join(refuse) if refuse else None,
        needs_approval=needs_approval,
        closed_countries=closed_to,
    )
    if refusal is not None:
        raise refused(refusal)
    click.echo(f"The rules of service {service_id} are changed.")
