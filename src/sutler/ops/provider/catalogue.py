"""`sutler provider services`, `sync`, `import`, `decide`: what providers sell, and putting it on sale here."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from sutler.core.clock import SystemClock
from sutler.core.event_texts import cause_text
from sutler.core.money import Micros, show_rate
from sutler.core.refusals import Refusal
from sutler.core.text import text_input
from sutler.ops.command import ID, Amount, Failed, Text, example, on_panel, printable, refused, show_table
from sutler.ops.price_effects import How, may_move_prices
from sutler.ops.provider.provider import find
from sutler.ops.provider.session import over_sessions, settings_of, tell_of_redirect

if TYPE_CHECKING:
    import httpx2

    from sutler.fulfilment.catalogue.sync import Report
    from sutler.fulfilment.models import CatalogueChange, Provider, UpstreamService
    from sutler.fulfilment.providers.call_log import LoggedExchange
    from sutler.fulfilment.providers.session import ProviderSession
    from sutler.panels.results import Catalogue, Failure

MOST_SHOWN = 40
OPERATOR = "operator"
PERCENT_MICROS = 10_000  # a basis point, written as a percentage


@click.command(epilog=example("sutler provider services 1 --search likes", "sutler provider services 1 --changes"))
@click.argument("provider_id", type=ID)
@click.option("--category", type=Text(200), help="Services of this category only.")
@click.option("--search", type=Text(200), help="Filter by name or category.")
@click.option("--changes", is_flag=True, help="Show changes instead; those that await a decision come first.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Most rows to show.")
@on_panel
def services(provider_id: int, category: str | None, search: str | None, limit: int, *, changes: bool) -> None:
    """List a provider's services as of the last valid sync, with our services that use them."""
    found = find(provider_id)
    if changes:
        _show_changes(found, limit)
        return
    from django.db.models import Q

    sold = found.services.prefetch_related("routes").order_by("pk")
    if category is not None:
        sold = sold.filter(category=category)
    if search is not None:
        sold = sold.filter(Q(name__icontains=search) | Q(category__icontains=search))
    show_table(
        ("ID", "NAME", "TYPE", "CATEGORY", found.currency, "MIN", "MAX", "MAY", "STATE", "OUR SERVICES"),
        (_row(each) for each in sold[:limit]),
    )
    if sold.count() > limit:
        click.echo(f"{sold.count() - limit} more; --limit shows them.", err=True)


@click.command("sync", epilog=example("sutler provider sync 1 --dry-run", "sutler provider sync --all"))
@click.argument("provider_id", type=ID, required=False)
@click.option("--all", "of_all", is_flag=True, help="Every provider that is not disabled.")
@click.option("--dry-run", is_flag=True, help="Show the changes without applying them.")
@click.option("--trust", is_flag=True, help="Accept a services answer that lacks half of the known services.")
@on_panel
def sync_catalogue(provider_id: int | None, *, of_all: bool, dry_run: bool, trust: bool) -> None:
    """Sync a provider's services: update routes, prices and limits. The worker does it every hour.

    The exit code is 1 if a services answer was invalid; nothing changes then.
    """
    if of_all is (provider_id is not None):
        raise click.UsageError("give either a provider ID or --all")
    from sutler.fulfilment.models import Provider

    on = Provider.objects.exclude(state=Provider.State.OFF).order_by("pk")
    chosen = list(on) if provider_id is None else [find(provider_id)]
    faults = [each.name for each in chosen if not _sync(each, dry_run=dry_run, trust=trust)]
    if faults:
        raise Failed(f"nothing was changed for {', '.join(faults)}")


@click.command(
    "import",
    epilog=example(
        "sutler provider import 1 --service 12 --service 13 --markup 25 --fixed 0.01 --step 0.01",
        "sutler provider import 1 --category 'Likes' --markup 30 --under 'Our likes'",
        "sutler provider import 1 --all --markup 30",
    ),
)
@click.argument("provider_id", type=ID)
@click.option("--service", "upstream_ids", type=Text(64), multiple=True, help="Provider service ID; repeatable.")
@click.option(
    "--category", "categories", type=Text(200), multiple=True, help="Every service of this category; repeatable."
)
@click.option("--all", "of_all", is_flag=True, help="Every service of the provider.")
@click.option(
    "--under", type=Text(200), default="", help="Import into this category.  [default: the provider's categories]"
)
@click.option(
    "--markup", default="0", show_default=True, help="Markup on the cost in percent, with up to two decimals."
)
@click.option(
    "--fixed", type=Amount(), default="0", show_default=True, help="Fixed amount added, in the base currency."
)
@click.option("--step", type=Amount(), default="0.000001", show_default=True, help="Round up to a multiple of this.")
@on_panel
def import_(
    provider_id: int,
    upstream_ids: tuple[str, ...],
    categories: tuple[str, ...],
    under: str,
    markup: str,
    fixed: Micros,
    step: Micros,
    *,
    of_all: bool,
) -> None:
    """Import services from a provider. Prices follow the cost; imported services are skipped."""
    if of_all is bool(upstream_ids or categories):
        raise click.UsageError("select services: --service and --category, or --all")
    from sutler.fulfilment.catalogue.import_services import Rule, bring_in, bring_in_many, on_offer

    rule = Rule(_basis_points(markup), fixed, step)
    now, found = SystemClock().now(), find(provider_id)
    if of_all:
        with Progress(console=Console(stderr=True)) as progress:
            track = partial(progress.track, description="Batches of services")
            outcome = bring_in_many(found.pk, rule, now, on_offer(found.pk), heading=under, track=track)
    else:
        outcome = bring_in(found.pk, rule, now, upstream_ids=upstream_ids, categories=categories, heading=under)
    if isinstance(outcome, Refusal):
        raise refused(outcome)
    for group in outcome.left_out():
        click.echo(printable(str(group)), err=True)
    click.echo(f"{len(outcome.made)} new, {len(outcome.there)} already imported, {len(outcome.refused)} refused.")
    if not outcome.made and not outcome.there:
        raise Failed("nothing was imported")


@click.command(epilog=example("sutler provider decide 17 accept", "sutler provider decide 17 18 19 dismiss"))
@click.argument("change_ids", type=ID, nargs=-1, required=True, metavar="CHANGE...")
@click.argument("verdict", type=click.Choice(["accept", "dismiss"]))
@may_move_prices
@on_panel
def decide(change_ids: tuple[int, ...], verdict: str, *, how: How) -> None:
    """Accept or dismiss large price changes.

    After a dismissed rise the routes stay off until the provider's price drops; a dismissed fall is ignored.
    """
    from sutler.fulfilment.catalogue import decisions

    now = SystemClock().now()

    def decide_all() -> "list[CatalogueChange]":
        changes = []
        outcomes = decisions.decide(change_ids, verdict == "accept", OPERATOR, now)
        for change_id, outcome in zip(change_ids, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                raise Failed(f"change {change_id} {'not found' if outcome.field else 'is already decided'}")
            changes.append(outcome)
        return changes

    for each in cast("list[CatalogueChange]", how.carry_out(decide_all)):
        click.echo(f"Change {each.pk}: {each.before} -> {each.after} {each.state}.")


def _sync(found: "Provider", *, dry_run: bool, trust: bool) -> bool:
    """Syncs one provider and says what came of it; returns False if its catalogue was not good."""
    from sutler.fulfilment.catalogue import sync

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{found.name}: fetching", total=None)
        answer, calls = _fetch(found, progress, task)
        progress.update(task, description=f"{found.name}: comparing")
        if dry_run:
            report = sync.preview(found.pk, answer, trust=trust)
        else:
            report = sync.apply_catalogue(found.pk, answer, SystemClock().now(), calls, trust=trust)
        progress.update(task, description=f"{found.name}: {report.services} services")
    tell_of_redirect(found, calls)
    for session in _told(found, report, dry_run=dry_run):
        click.echo(session)
    return not report.fault


def _fetch(found: "Provider", progress: Progress, task: TaskID) -> "tuple[Catalogue | Failure, list[LoggedExchange]]":
    def count(answer: "httpx2.Response") -> None:
        progress.update(task, total=text_input.number(answer.headers.get("Content-Length", "")))
        answer.stream = _counted(answer.stream, progress, task)

    async def ask(session: "ProviderSession") -> "tuple[Catalogue | Failure, list[LoggedExchange]]":
        return await session.ask(lambda panel: panel.services()), session.take_calls()

    return asyncio.run(over_sessions(found, ask, settings_of(found), on_answer=count))


def _counted(stream: Any, progress: Progress, task: TaskID) -> "httpx2.AsyncByteStream":
    import httpx2

    class Counted(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in stream:
                progress.advance(task, len(chunk))
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Counted()


def _told(found: "Provider", report: "Report", *, dry_run: bool) -> Iterator[str]:
    if report.fault or report.difference is None:
        yield f"{found.name}: invalid services answer: {cause_text(report.fault)}"
        return
    notes = report.difference.notes
    yield f"{found.name}: {report.services} services, {len(report.difference.new)} new, {len(notes)} changes."
    for each in notes[:MOST_SHOWN]:
        yield f"  {each.upstream_id} {each.kind}: {_change(each.before, each.after)}{' (awaits decision)' * each.waits}"
    if len(notes) > MOST_SHOWN:
        yield f"  ... {len(notes) - MOST_SHOWN} more: `sutler provider services {found.pk} --changes` shows all."
    yield from (f"  {printable(str(each))}" for each in report.left_out)
    done = report.adjusted
    if not dry_run:
        yield (
            f"  Our services: {done.repriced} repriced, {done.limited} with new limits, {done.paused} paused,"
            f" {done.back} available again; routes: {done.routes_off} off, {done.routes_on} on."
        )


def _show_changes(found: "Provider", limit: int) -> None:
    from sutler.fulfilment.catalogue.decisions import waiting_and_recent

    show_table(
        ("CHANGE", "AT", "SERVICE", "NAME", "WHAT", "BEFORE", "AFTER", "STATE", "BY"),
        (_change_row(each) for each in waiting_and_recent(found.pk, limit)),
    )


def _change_row(each: "CatalogueChange") -> tuple[object, ...]:
    upstream = each.upstream_service
    return (
        each.pk,
        f"{each.at:%Y-%m-%d %H:%M}",
        upstream.upstream_id,
        upstream.name,
        each.kind,
        each.before or "-",
        each.after or "-",
        each.state,
        each.decided_by or "-",
    )


def _row(each: "UpstreamService") -> tuple[object, ...]:
    may = " ".join(name for name in ("dripfeed", "refill", "cancel") if getattr(each, name)) or "-"
    offered = each.offered_micros
    state = "gone" if each.gone_at else f"now {show_rate(offered)}" if offered is not None else "-"
    ours = " ".join(str(route.service_id) for route in each.routes.all()) or "-"
    return (
        each.upstream_id,
        each.name,
        each.type or f"({each.raw_type})",
        each.category,
        show_rate(each.rate_micros),
        each.min,
        each.max,
        may,
        state,
        ours,
    )


def _change(before: str, after: str) -> str:
    """Returns a difference in one session that a terminal does not obey."""
    text = f"{before} -> {after}" if before and after else before or after
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _basis_points(percent: str) -> int:
    from sutler.core.money import parse_amount

    micros = parse_amount(percent)
    points, rest = divmod(micros if micros is not None else -1, PERCENT_MICROS)
    if rest or not 0 <= points <= 1_000_000:
        raise click.BadParameter("must be a percentage from 0 to 10000", param_hint="--markup")
    return points
