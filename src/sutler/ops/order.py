"""`sutler order`: look at orders, and report on them where nobody else does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from sutler.core.clock import SystemClock
from sutler.core.event_texts import cause_text, event_text
from sutler.core.events import remark
from sutler.core.lifecycle import Status
from sutler.core.money import show_charge
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.ops.command import ID, Failed, Word, example, missing, on_panel, refused, show_table

if TYPE_CHECKING:
    from sutler.fulfilment.models import Attempt, UpstreamOrder
    from sutler.orders.models import Order

_STATUS = Word([each.value for each in Status])


@click.group(epilog=example("sutler order list --status Pending", "sutler order show 17"))
def order() -> None:
    """Orders: list, status, unconfirmed orders, approval."""


@order.command("list", epilog=example("sutler order list --customer 3 --status Pending --limit 20"))
@click.option("--customer", "customer_id", type=ID, help="Orders of this customer only.")
@click.option("--status", type=_STATUS, help="Orders with this status only.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Most rows to show.")
@on_panel
def list_(customer_id: int | None, status: str | None, limit: int) -> None:
    """List orders, newest first."""
    from sutler.orders.models import Order

    found = Order.objects.order_by("-pk")
    if customer_id is not None:
        found = found.filter(customer_id=customer_id)
    if status is not None:
        found = found.filter(status=status)
    show_table(
        ("ID", "CUSTOMER", "SERVICE", "STATUS", "QUANTITY", "REMAINS", "CHARGE", "PLACED", "LINK"),
        (
            (o.pk, o.customer_id, o.service_id, o.status, o.quantity, o.remains, *_charge_and_time(o), o.link)
            for o in found[:limit]
        ),
    )


@order.command("show", epilog=example("sutler order show 17"))
@click.argument("order_id", type=ID)
@on_panel
def show(order_id: int) -> None:
    """Show an order: details, history, money, and what was sent to providers."""
    from sutler.books.models import Transfer
    from sutler.orders.models import Order

    found = Order.objects.filter(pk=order_id).first()
    if found is None:
        raise missing("order", order_id)
    show_table(
        ("FIELD", "VALUE"),
        [(field.name, getattr(found, field.attname)) for field in found._meta.concrete_fields],
    )
    click.echo()
    show_table(
        ("AT", "BY", "FROM", "TO", "NOTE"),
        (
            (
                f"{each.at:%Y-%m-%d %H:%M:%S}",
                each.actor,
                each.from_status or "-",
                each.to_status or "-",
                event_text(each.kind, each.data),
            )
            for each in found.events.order_by("pk")
        ),
    )
    click.echo()
    transfers = Transfer.objects.filter(order_id=order_id).select_related("debit", "credit").order_by("pk")
    show_table(
        ("CAUSE", "FROM", "TO", "AMOUNT"),
        ((each.cause, each.debit.kind, each.credit.kind, show_charge(each.amount_micros)) for each in transfers),
    )
    _show_upstream(order_id)


@order.command(
    "set-status",
    epilog=example("sutler order set-status 17 completed", "sutler order set-status 17 partial --remains 40"),
)
@click.argument("order_id", type=ID)
@click.argument("status", type=_STATUS)
@click.option("--start-count", type=click.IntRange(0, LARGEST_NUMBER), help="Start count.")
@click.option(
    "--remains",
    type=click.IntRange(-LARGEST_NUMBER, LARGEST_NUMBER),
    help="Quantity not delivered; required for Partial.",
)
@click.option("--note", default="", help="Saved in the order's history; customers do not see it.")
@on_panel
def set_status(order_id: int, status: str, start_count: int | None, remains: int | None, note: str) -> None:
    """Set an order's status as its executor would. Partial and Canceled refund what was not delivered."""
    from sutler.fulfilment.desk import desk
    from sutler.orders.move import Report

    told = Report(order_id, Status(status), start_count, remains, remark(note))
    [refusal] = desk.report([told], "operator", SystemClock().now())
    if refusal is not None and refusal.field == "remains":
        raise Failed("refused: Partial requires --remains, from 0 to the quantity")
    if refusal is not None:
        raise refused(refusal, "order", order_id)
    click.echo(f"Order {order_id} is {Status(status)}.")


@order.command("unknown", epilog=example("sutler order unknown"))
@on_panel
def unknown() -> None:
    """List unconfirmed orders: the provider's answer was lost or unclear."""
    from sutler.fulfilment.models import Attempt

    unknown = Attempt.objects.unconfirmed_adds().values("pk")
    found = Attempt.objects.filter(pk__in=unknown).select_related("provider")
    show_table(
        ("ORDER", "PROVIDER", "SENT", "EXPECTED", "STATE", "CHECKED", "SCANS", "POSSIBLE MATCHES", "WHY"),
        (
            (
                each.order_id,
                each.provider.name,
                f"{each.sent_at:%Y-%m-%d %H:%M:%S}",
                show_charge(each.expected_micros),
                each.state,
                *_looks(each),
                " ".join(str(orphan["id"]) for orphan in (each.evidence or {}).get("orphans", [])) or "-",
                cause_text(each.cause),
            )
            for each in found.order_by("pk")
        ),
    )


@order.command(
    "resolve",
    epilog=example(
        "sutler order resolve 17 placed --upstream-id 23501",
        "sutler order resolve 17 absent",
        "sutler order resolve 17 refused --reason 'their log says so'",
    ),
)
@click.argument("order_id", type=ID)
@click.argument("verdict", type=click.Choice(["placed", "absent", "refused"]))
@click.option("--upstream-id", help="Provider order ID; required for placed.")
@click.option("--reason", default="", help="Evidence, saved in the audit log.")
@on_panel
def resolve(order_id: int, verdict: str, upstream_id: str | None, reason: str) -> None:
    """Decide an unconfirmed order.

    Placed: its status is tracked at the provider. Absent: it is resent by the next route. Refused: it is
    canceled and refunded.
    """
    from sutler.accounts import audit_log
    from sutler.fulfilment.sending import outcome
    from sutler.storage.transactions import durable

    if (verdict == "placed") != (upstream_id is not None):
        raise click.UsageError("--upstream-id is required with placed, and allowed only with it.")
    now, found = SystemClock().now(), outcome.Verdict(verdict)
    with durable():
        refusal = outcome.resolve(order_id, found, "operator", now, upstream_id)
        if refusal is None:
            after = {"provider order ID": upstream_id} if upstream_id else None
            audit_log.write(
                None, outcome.DEEDS[found], Subject(SubjectType.ORDER, order_id), now, reason=reason, after=after
            )
    if refusal is not None:
        raise refused(refusal, "unconfirmed order", order_id)
    click.echo(f"Order {order_id}: {verdict}.")


def _looks(attempt: "Attempt") -> tuple[str, int]:
    """Returns when the ids that it may have were last asked about, and how often all of them were nobody's."""
    looked_at = (attempt.evidence or {}).get("looked_at", "")
    return looked_at[:19].replace("T", " ") or "-", attempt.clean_scans


def _show_upstream(order_id: int) -> None:
    """Shows what was sent upstream for an order, what became of it there, and what is left of its price."""
    from django.conf import settings

    from sutler.fulfilment.models import Attempt
    from sutler.fulfilment.providers import costs

    found = Attempt.objects.filter(order=order_id).select_related("provider", "upstream_order__ask_time").order_by("pk")
    sent = [(each, getattr(each, "upstream_order", None)) for each in found]
    if not sent:
        return
    click.echo()
    show_table(
        (
            "ATTEMPT",
            "ACTION",
            "PROVIDER",
            "SENT",
            "STATE",
            "PROVIDER ID",
            "PROVIDER STATUS",
            "LAST CHECK",
            "COST",
            "WHY",
        ),
        (
            (
                each.pk,
                each.action,
                each.provider.name,
                f"{each.sent_at:%Y-%m-%d %H:%M:%S}" if each.sent_at else "-",
                each.state,
                each.upstream_id or "-",
                there.word or "-" if there else "-",
                _read(there),
                f"{show_charge(there.cost_micros)} {each.provider.currency}" if there else "-",
                cause_text(each.cause) or "-",
            )
            for each, there in sent
        ),
    )
    margin = costs.margins([order_id])[order_id]
    click.echo()
    show_table(
        ("EARNED", "COST", "MARGIN"),
        [
            [
                "-" if each is None else f"{show_charge(each)} {settings.SUTLER['SUTLER_BASE_CURRENCY']}"
                for each in (margin.revenue_micros, margin.cost_micros, margin.margin_micros)
            ]
        ],
    )


def _read(there: "UpstreamOrder | None") -> str:
    """Returns when the status at the provider was read last, and how often it could not be since."""
    ask_time = getattr(there, "ask_time", None)
    if ask_time is None:
        return "-"
    read = f"{ask_time.asked_at:%Y-%m-%d %H:%M:%S}" if ask_time.asked_at else "never"
    return f"{read}, {ask_time.unread} unreadable answers since" if ask_time.unread else read


@order.command(epilog=example("sutler order approve 17 18"))
@click.argument("order_ids", type=ID, nargs=-1, required=True)
@on_panel
def approve(order_ids: tuple[int, ...]) -> None:
    """Approve orders that await approval."""
    from sutler.orders.approval import approve as let_go_on

    _tell_each(order_ids, "approved", let_go_on(order_ids, "operator", SystemClock().now()))


@order.command(epilog=example("sutler order reject 17 --reason 'we do not sell this'"))
@click.argument("order_ids", type=ID, nargs=-1, required=True)
@click.option("--reason", required=True, help="Shown to the customer.")
@on_panel
def reject(order_ids: tuple[int, ...], reason: str) -> None:
    """Reject orders that await approval, and refund them."""
    from sutler.orders.approval import reject as give_back

    _tell_each(order_ids, "rejected", give_back(order_ids, reason, "operator", SystemClock().now()))


def _tell_each(order_ids: Sequence[int], done: str, outcomes: Sequence[Refusal | None]) -> None:
    """Says what is done, and fails with the first refusal."""
    for order_id, refusal in zip(order_ids, outcomes, strict=True):
        if refusal is None:
            click.echo(f"Order {order_id} is {done}.")
    for order_id, refusal in zip(order_ids, outcomes, strict=True):
        if refusal is not None:
            raise refused(refusal, "order", order_id)


def _charge_and_time(o: "Order") -> tuple[str, str]:
    return f"{show_charge(o.charge_micros - o.returned_micros)} {o.currency}", f"{o.created_at:%Y-%m-%d %H:%M}"
