"""`sutler service`: put services on sale, one by one or from a file, and look at them."""

from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress

from sutler.catalogue import service_file
from sutler.catalogue.service_file import Fault, Offer
from sutler.core import skipped_rows
from sutler.core.clock import SystemClock
from sutler.core.money import show_rate
from sutler.core.order_types import ORDER_TYPES
from sutler.core.refusals import Refusal
from sutler.ops.command import ID, Failed, example, missing, on_panel, printable, refused, show_table
from sutler.ops.price_effects import How, may_move_prices

if TYPE_CHECKING:
    from sutler.fulfilment.catalogue.import_file import Plan

# From so many services on, storing them takes long enough to show how far it is.
SHOWN_FROM = 500


@click.group(epilog=example("sutler service import services.json", "sutler service list"))
def service() -> None:
    """Services."""


@service.command(
    epilog=example("sutler service add --name Followers --category Social --rate 0.90 --min 50 --max 10000 --refill")
)
@click.option("--name", required=True, help="What customers see.")
@click.option("--type", "type_", type=click.Choice(list(ORDER_TYPES)), default="Default", show_default=True)
@click.option("--category", required=True, help="Category; created if it does not exist.")
@click.option("--rate", required=True, help="Price per 1,000 (per package) in the base currency.")
@click.option("--min", "minimum", type=int, default=1, show_default=True, help="Min quantity.")
@click.option("--max", "maximum", type=int, required=True, help="Max quantity.")
@click.option("--dripfeed", is_flag=True, help="Offer drip-feed.")
@click.option("--refill", is_flag=True, help="Offer refill.")
@click.option("--refill-days", default="", help="Refill days after completion.  [default: lifetime]")
@click.option("--refill-wait-hours", default="24", show_default=True, help="Hours before a refill is available.")
@click.option("--cancel", is_flag=True, help="Offer cancel.")
@click.option("--one-active-order-per-link", is_flag=True, help="One active order per link.")
@click.option("--description", "desc", default="", help="Description.")
@on_panel
def add(type_: str, minimum: int, maximum: int, **columns: Any) -> None:
    """Create a service."""
    row = columns | {"type": type_, "min": str(minimum), "max": str(maximum)}
    offers, faults = service_file.check([row])
    if faults:
        raise click.UsageError(faults[0][1])
    from sutler.catalogue.service_store import store

    [(service_id, _)] = store(offers)
    click.echo(f"Service {service_id} created.")


@service.command(
    "import",
    epilog=example(
        "sutler service import services.json --dry-run",
        "sutler service import services.json --update",
        "sutler service import --format csv - < services.csv",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--format", "format_", type=click.Choice(["json", "csv"]), help="File format.  [default: by the file name]"
)
@click.option("--charset", default="", help="Encoding, such as windows-1251.  [default: UTF-8]")
@click.option("--update", is_flag=True, help="Rows whose ID already exists update that service.")
@click.option("--new-ids", is_flag=True, help="Rows whose ID already exists become new services.")
@click.option("--accept-rises", is_flag=True, help="Allow price rises over 30 %.")
@click.option("--dry-run", is_flag=True, help="Show the result of each row without importing.")
@click.option("--yes", is_flag=True, help="Update existing services without confirmation.")
@on_panel
def import_(
    *,
    file: str,
    format_: str | None,
    charset: str,
    update: bool,
    new_ids: bool,
    accept_rises: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Import services from the JSON response of action=services, or from CSV.

    Invalid rows, and rows whose ID already exists, are skipped and listed; the others are imported.
    With --update, columns missing in the file are left unchanged. The first CSV line names the columns:
    service, name, type, category, rate, min, max, dripfeed, refill, cancel, one_active_order_per_link, refill_days,
    refill_wait_hours, desc.
    """
    if update and new_ids:
        raise click.UsageError("use either --update or --new-ids")
    offers, faults = _read(file, format_ or ("csv" if file.endswith(".csv") else "json"), charset)
    from sutler.fulfilment.catalogue.import_file import IfTaken, plan, take_in

    if_taken = IfTaken.UPDATE if update else IfTaken.NEW_ID if new_ids else IfTaken.LEAVE_OUT
    found = plan(offers, faults, if_taken, accept_rises=accept_rises)
    _show_plan(found, dry_run=dry_run)
    if dry_run:
        return
    if found.changes and not yes:
        click.confirm(f"Update {len(found.changes)} existing services?", abort=True, err=True)
    total = len(found.new) + len(found.updates)
    with Progress(console=Console(stderr=True), disable=total < SHOWN_FROM) as progress:
        done = take_in(
            offers,
            faults,
            if_taken,
            None,
            SystemClock().now(),
            accept_rises=accept_rises,
            track=lambda places: progress.track(places, description="Services"),
        )
    click.echo(_counts(done))
    if done.left_out and not total:
        raise Failed("nothing was imported")


def _show_plan(found: "Plan", *, dry_run: bool) -> None:
    """Names each service that would change, and with a dry run each that is new; sums up what is left out."""
    for each in found.new if dry_run else ():
        rate = show_rate(each.fields["rate_micros"])
        named = f"{each.service_id or 'new ID'} {each.fields['name']} ({each.category})"
        click.echo(f"new: {named}: {rate}, {each.fields['min']} - {each.fields['max']}")
    for change in found.changes:
        told = "; ".join(f"{column}: {before} -> {after}" for column, before, after in change.differences)
        click.echo(printable(f"changes: {change.service_id} {change.name}: {told}"))
    for group in skipped_rows.by_reason(found.left_out):
        click.echo(printable(str(group)), err=True)
    if dry_run:
        click.echo(f"Nothing was changed. Preview: {_counts(found)}")


def _counts(found: "Plan") -> str:
    return (
        f"{len(found.new)} new, {len(found.changes)} changed, {found.unchanged} unchanged,"
        f" {len(found.left_out)} skipped."
    )


@service.command("list", epilog=example("sutler service list --category Social"))
@click.option("--category", help="Services of this category only.")
@on_panel
def list_(category: str | None) -> None:
    """List services, hidden and paused ones too."""
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


@service.command("show", epilog=example("sutler service show 17"))
@click.argument("service_id", type=ID)
@on_panel
def show(service_id: int) -> None:
    """Show a service and its routes."""
    from sutler.catalogue.models import Service
    from sutler.fulfilment.catalogue import routes
    from sutler.fulfilment.catalogue.objections import objection_text

    found = Service.objects.select_related("category").filter(pk=service_id)
    for each in found:
        fields = ((field.name, getattr(each, field.name)) for field in each._meta.concrete_fields)
        show_table(
            ("FIELD", "VALUE"),
            ((name.removesuffix("_micros"), _shown(name, value)) for name, value in fields),
        )
        click.echo()
        show_table(
            ("ROUTE", "PROVIDER", "PROVIDER SERVICE", "PREFERENCE", "STATE"),
            (
                (
                    route.pk,
                    route.upstream_service.provider.name,
                    route.upstream_service.upstream_id,
                    route.preference,
                    "on" if route.is_on else f"off: {objection_text(route.off_reason) or 'by staff'}",
                )
                for route in routes.of_services(found)
            ),
        )
        return
    raise missing("service", service_id)


@service.command("set-state", epilog=example("sutler service set-state 17 paused"))
@click.argument("service_id", type=ID)
@click.argument("state", type=click.Choice(["active", "paused", "hidden"]))
@may_move_prices
@on_panel
def set_state(service_id: int, state: str, *, how: How) -> None:
    """Activate, pause or hide a service. It stays paused while no route can deliver."""
    from sutler.catalogue.models import Service
    from sutler.fulfilment.catalogue import edit_services

    asked, now = Service.State(state), SystemClock().now()
    put = how.carry_out(lambda: edit_services.set_state(service_id, asked, None, now, accept_rises=how.accept_rises))
    if isinstance(put, Refusal):
        raise missing("service", service_id)
    click.echo(f"Service {service_id} is {put}." + ("" if put == asked else " No route can deliver it."))


@service.command(epilog=example("sutler service held", "sutler service decide 17 accept"))
@on_panel
def held() -> None:
    """List price rises over 30 % that await a decision."""
    from sutler.catalogue.models import Service

    waiting = Service.objects.filter(held_rate_micros__isnull=False).order_by("pk")
    show_table(
        ("ID", "NAME", "PRICE", "WAITS", "STATE"),
        (
            (
                s.pk,
                s.name,
                show_rate(max(s.rate_micros, s.floor_rate_micros)),
                show_rate(s.held_rate_micros or 0),
                s.state,
            )
            for s in waiting
        ),
    )


@service.command(epilog=example("sutler service decide 17 accept", "sutler service decide 17 18 dismiss"))
@click.argument("service_ids", type=ID, nargs=-1, required=True, metavar="SERVICE...")
@click.argument("verdict", type=click.Choice(["accept", "dismiss"]))
@may_move_prices
@on_panel
def decide(service_ids: tuple[int, ...], verdict: str, *, how: How) -> None:
    """Accept or dismiss prices that await a decision.

    Dismissed: the old price stays, routes above it stay off, and the alarm is closed.
    """
    from sutler.fulfilment.catalogue import repricing

    now = SystemClock().now()

    def decide_all() -> None:
        for service_id in service_ids:
            if not repricing.decide_held(service_id, verdict == "accept", None, now):
                raise Failed(f"no price of service {service_id} awaits a decision")

    how.carry_out(decide_all)
    for service_id in service_ids:
        click.echo(f"Service {service_id}: {verdict}ed.")


@service.command("updates", epilog=example("sutler service updates --limit 20"))
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Most rows to show.")
@on_panel
def updates_(limit: int) -> None:
    """Show the update history that customers see, newest first."""
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


def _read(file: str, format_: str, charset: str) -> tuple[list[Offer], list[Fault]]:
    with click.open_file(file, "rb") as opened:
        content = opened.read(service_file.LARGEST_FILE_BYTES + 1)
    if len(content) > service_file.LARGEST_FILE_BYTES:
        raise Failed(f"the file is larger than {service_file.LARGEST_FILE_BYTES} bytes")
    try:
        text = service_file.text_of(content, f"charset={charset}" if charset else "")
        rows = service_file.read_csv(text) if format_ == "csv" else service_file.read_json(text)
    except service_file.Unreadable as error:
        raise Failed(str(error)) from error
    if len(rows) > service_file.MOST_ROWS:
        raise Failed(f"the file has more than {service_file.MOST_ROWS} rows")
    return service_file.check(rows)


@service.command(
    epilog=example(
        "sutler service restrict 17 --allow 'example.com/*' --refuse '*/private/*' --closed-to DE,FR",
        "sutler service restrict 17 --needs-approval --delivery 'By hand, within a day'",
    )
)
@click.argument("service_id", type=ID)
@click.option("--allow", multiple=True, help="Allowed link pattern, * for any text; repeatable; '' for none.")
@click.option("--refuse", multiple=True, help="Blocked link pattern; repeatable; '' for none.")
@click.option(
    "--needs-approval/--no-approval", default=None, help="Whether orders require approval (`sutler order approve`)."
)
@click.option("--closed-to", help="Blocked countries, as codes separated by commas; '' for none.")
@click.option("--delivery", help="Delivery details shown to customers.")
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
    """Restrict a service by link, country or approval; omitted options are left unchanged."""
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
        raise refused(refusal, "service", service_id)
    click.echo(f"Restrictions of service {service_id} changed.")


def _shown(name: str, value: object) -> str:
    if value is None:
        return "-"
    return show_rate(value) if name.endswith("_micros") and isinstance(value, int) else str(value)
