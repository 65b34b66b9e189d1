"""`sutler provider route`: by which upstream services a service of ours is delivered."""

import click

from sutler.core.clock import SystemClock
from sutler.core.money import show_rate
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Reason, Refusal
from sutler.ops.command import ID, Failed, Text, example, missing, on_panel, refused, show_table
from sutler.ops.price_effects import How, may_move_prices
from sutler.ops.provider.provider import find

_WHY = {
    "upstream_service": "the provider does not sell it, or it delivers this service already",
    "type": "its type is not that of the service",
    "limits": "its limits do not meet the service's or those of the other routes",
    "currency": "the exchange rate of its currency is missing or out of date; see `sutler rate list`",
    "rate": "its price has jumped and waits for a decision, or is beyond what can be reckoned with",
    "route": "there is no such route",
}
_number = click.IntRange(1, LARGEST_NUMBER)


@click.group(epilog=example("sutler provider route add 17 1 4711", "sutler provider route list"))
def route() -> None:
    """Routes: who delivers which service, in order of preference."""


@route.command("list", epilog=example("sutler provider route list --service 17"))
@click.option("--service", "service_id", type=ID, help="Only of this service of ours.")
@on_panel
def list_(service_id: int | None) -> None:
    """Show the routes, what they cost, and why the panel switched one off."""
    from sutler.catalogue.models import Service
    from sutler.fulfilment.catalogue import routes

    services = Service.objects.all() if service_id is None else Service.objects.filter(pk=service_id)
    show_table(
        (
            "ROUTE",
            "SERVICE",
            "NAME",
            "PROVIDER",
            "THERE",
            "PREFERENCE",
            "WEIGHT",
            "MOST",
            "COST",
            "RATE",
            "FLOOR",
            "STATE",
        ),
        (
            (
                *(each.pk, each.service_id, each.service.name, each.upstream_service.provider.name),
                *(each.upstream_service.upstream_id, each.preference, each.weight, each.most_open or "-"),
                *(_shown(routes.cost_micros(each)), show_rate(each.service.rate_micros)),
                *(show_rate(each.service.floor_rate_micros), "on" if each.is_on else f"off {each.off_reason}".strip()),
            )
            for each in routes.of_services(services)
        ),
    )


@route.command(epilog=example("sutler provider route add 17 1 4711 --preference 2 --most-open 100"))
@click.argument("service_id", type=ID)
@click.argument("provider_id", type=ID)
@click.argument("upstream_id", type=Text(64))
@click.option("--preference", type=_number, help="The lowest goes first; otherwise it stands last.")
@click.option("--weight", type=_number, default=1, show_default=True, help="Its share among equal preferences.")
@click.option("--most-open", type=_number, help="Most orders under way on it.")
@may_move_prices
@on_panel
def add(
    service_id: int,
    provider_id: int,
    upstream_id: str,
    preference: int | None,
    weight: int,
    most_open: int | None,
    *,
    how: How,
) -> None:
    """Let SERVICE_ID of ours be delivered by UPSTREAM_ID of a provider, last in line unless --preference says more."""
    from sutler.fulfilment.catalogue import routes

    upstream = find(provider_id).services.filter(upstream_id=upstream_id).first()
    if upstream is None:
        raise Failed(f"provider {provider_id} has no service {upstream_id}; `sutler provider sync` fetches what it has")
    now = SystemClock().now()
    made = how.carry_out(
        lambda: routes.add(
            service_id,
            upstream.pk,
            now,
            preference=preference,
            weight=weight,
            most_open=most_open,
            accept_rises=how.accept_rises,
        )
    )
    if isinstance(made, Refusal):
        raise _failed(made, service_id)
    off = f" It is off: {made.off_reason}; `sutler service decide {service_id} accept`." if made.off_reason else ""
    click.echo(f"Route {made.pk}: service {service_id} by {upstream_id} of provider {provider_id}.{off}")


@route.command("set", epilog=example("sutler provider route set 3 --off", "sutler provider route set 3 --preference 2"))
@click.argument("route_id", type=ID)
@click.option("--preference", type=_number, help="The lowest goes first.")
@click.option("--weight", type=_number, help="Its share among equal preferences.")
@click.option("--most-open", type=_number, help="Most orders under way on it.")
@click.option("--unbounded", is_flag=True, help="As many orders as come.")
@click.option("--on/--off", "is_on", default=None, help="What is switched off here stays off.")
@may_move_prices
@on_panel
def set_(
    route_id: int,
    preference: int | None,
    weight: int | None,
    most_open: int | None,
    is_on: bool | None,
    *,
    unbounded: bool,
    how: How,
) -> None:
    """Change a route, or switch it on or off."""
    if unbounded and most_open:
        raise click.UsageError("give either --most-open or --unbounded")
    from sutler.fulfilment.catalogue import routes

    now = SystemClock().now()
    changed = how.carry_out(
        lambda: routes.change(
            route_id,
            now,
            preference=preference,
            weight=weight,
            most_open=most_open,
            is_unbounded=unbounded,
            is_on=is_on,
            accept_rises=how.accept_rises,
        )
    )
    if isinstance(changed, Refusal):
        raise _failed(changed)
    click.echo(f"Route {route_id} is {'on' if changed.is_on else 'off'}.")


@route.command(epilog=example("sutler provider route remove 3"))
@click.argument("route_id", type=ID)
@may_move_prices
@on_panel
def remove(route_id: int, *, how: How) -> None:
    """Remove a route. One that orders have used is kept, switched off."""
    from sutler.fulfilment.catalogue import routes

    now = SystemClock().now()
    removed = how.carry_out(lambda: routes.remove(route_id, now, accept_rises=how.accept_rises))
    if isinstance(removed, Refusal):
        raise _failed(removed)
    click.echo(f"Route {route_id} is {'removed' if removed else 'switched off: orders have used it'}.")


def _failed(refusal: Refusal, service_id: int = 0) -> Failed:
    if refusal.reason is Reason.INCORRECT_SERVICE:
        return missing("service", service_id)
    return Failed(_WHY[refusal.field]) if refusal.field in _WHY else refused(refusal)


def _shown(cost: int | None) -> str:
    return "?" if cost is None else show_rate(cost)
