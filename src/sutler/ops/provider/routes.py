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
    "upstream_service": "the provider does not offer it, or such a route exists",
    "type": "its type differs from the service's",
    "limits": "its min / max do not fit the service or its other routes",
    "currency": "the exchange rate of its currency is missing or out of date; see `sutler rate list`",
    "rate": "its price changed sharply and awaits a decision, or is too large",
    "route": "route not found",
}
_number = click.IntRange(1, LARGEST_NUMBER)


@click.group(epilog=example("sutler provider route add 17 1 4711", "sutler provider route list"))
def route() -> None:
    """Routes: who delivers which service, in order of preference."""


@route.command("list", epilog=example("sutler provider route list --service 17"))
@click.option("--service", "service_id", type=ID, help="Routes of this service only.")
@on_panel
def list_(service_id: int | None) -> None:
    """List routes, their cost, and why one was disabled."""
    from sutler.catalogue.models import Service
    from sutler.fulfilment.catalogue import routes
    from sutler.fulfilment.catalogue.objections import objection_text

    services = Service.objects.all() if service_id is None else Service.objects.filter(pk=service_id)
    show_table(
        (
            "ROUTE",
            "SERVICE",
            "NAME",
            "PROVIDER",
            "PROVIDER SERVICE",
            "PREFERENCE",
            "WEIGHT",
            "MAX ACTIVE",
            "COST",
            "RATE",
            "MIN PRICE",
            "STATE",
        ),
        (
            (
                each.pk,
                each.service_id,
                each.service.name,
                each.upstream_service.provider.name,
                each.upstream_service.upstream_id,
                each.preference,
                each.weight,
                each.most_open or "-",
                _shown(routes.cost_micros(each)),
                show_rate(each.service.rate_micros),
                show_rate(each.service.floor_rate_micros),
                "on" if each.is_on else f"off {objection_text(each.off_reason)}".strip(),
            )
            for each in routes.of_services(services)
        ),
    )


@route.command(epilog=example("sutler provider route add 17 1 4711 --preference 2 --most-open 100"))
@click.argument("service_id", type=ID)
@click.argument("provider_id", type=ID)
@click.argument("upstream_id", type=Text(64))
@click.option("--preference", type=_number, help="Lowest goes first.  [default: last]")
@click.option(
    "--weight", type=_number, default=1, show_default=True, help="Share of orders among routes with equal preference."
)
@click.option("--most-open", type=_number, help="Max active orders.")
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
    """Add a route: our SERVICE_ID is delivered by the provider's service UPSTREAM_ID."""
    from sutler.fulfilment.catalogue import routes
    from sutler.fulfilment.catalogue.objections import objection_text

    upstream = find(provider_id).services.filter(upstream_id=upstream_id).first()
    if upstream is None:
        raise Failed(f"provider {provider_id} has no service {upstream_id}; run `sutler provider sync`")
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
    off = (
        f" It is off: {objection_text(made.off_reason)}; `sutler service decide {service_id} accept`."
        if made.off_reason
        else ""
    )
    click.echo(f"Route {made.pk}: service {service_id} by {upstream_id} of provider {provider_id}.{off}")


@route.command("set", epilog=example("sutler provider route set 3 --off", "sutler provider route set 3 --preference 2"))
@click.argument("route_id", type=ID)
@click.option("--preference", type=_number, help="Lowest goes first.")
@click.option("--weight", type=_number, help="Share of orders among routes with equal preference.")
@click.option("--most-open", type=_number, help="Max active orders.")
@click.option("--unbounded", is_flag=True, help="No limit of active orders.")
@click.option("--on/--off", "is_on", default=None, help="A route disabled here stays disabled.")
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
    """Change, enable or disable a route."""
    if unbounded and most_open:
        raise click.UsageError("use either --most-open or --unbounded")
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
    """Remove a route. If it has orders, it is disabled instead."""
    from sutler.fulfilment.catalogue import routes

    now = SystemClock().now()
    removed = how.carry_out(lambda: routes.remove(route_id, now, accept_rises=how.accept_rises))
    if isinstance(removed, Refusal):
        raise _failed(removed)
    click.echo(f"Route {route_id} is {'removed' if removed else 'disabled, because it has orders'}.")


def _failed(refusal: Refusal, service_id: int = 0) -> Failed:
    if refusal.reason is Reason.INCORRECT_SERVICE:
        return missing("service", service_id)
    return Failed(_WHY[refusal.field]) if refusal.field in _WHY else refused(refusal)


def _shown(cost: int | None) -> str:
    return "?" if cost is None else show_rate(cost)
