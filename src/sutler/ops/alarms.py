"""`sutler alarms`: what staff must look at."""

from typing import TYPE_CHECKING

import click

from sutler.core.clock import SystemClock
from sutler.core.event_texts import cause_text
from sutler.core.subjects import subject_text
from sutler.ops.command import ID, example, missing, on_panel, show_table

if TYPE_CHECKING:
    from sutler.fulfilment.models import Alarm, AlarmSubject


@click.command(epilog=example("sutler alarms", "sutler alarms --provider 1 --all", "sutler alarms --close 17"))
@click.option("--provider", "provider_id", type=ID, help="Alarms of this provider only.")
@click.option("--all", "closed_too", is_flag=True, help="Include closed alarms.")
@click.option("--about", "about_id", type=ID, help="List every order and service the alarm is about.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Most rows to show.")
@click.option("--close", "alarm_id", type=ID, help="ID of the alarm to close.")
@on_panel
def alarms(provider_id: int | None, limit: int, alarm_id: int | None, about_id: int | None, *, closed_too: bool) -> int:
    """Show open alarms, newest first, or close one. If the cause remains, the alarm returns.

    What staff must look at in payments of gateways follows; each is closed on its payment's page. The exit code is 1
    while one of the alarms shown is open.
    """
    from django.db.models import Count

    from sutler.fulfilment.models import Alarm, AlarmSubject
    from sutler.fulfilment.providers.alarms import close_by_id

    if alarm_id is not None:
        if not close_by_id(alarm_id, "operator", SystemClock().now()):
            raise missing("open alarm", alarm_id)
        click.echo(f"Alarm {alarm_id} is closed.")
        return 0
    if about_id is not None:
        about = AlarmSubject.objects.filter(alarm=about_id).order_by("-pk")[:limit]
        show_table(
            ("SUBJECT", "COUNT", "RAISED", "LAST SEEN", "TEXT"),
            (
                (
                    subject_text(each.subject_type, each.subject_id) or "-",
                    each.times,
                    *_moments(each),
                    cause_text(each.cause),
                )
                for each in about
            ),
        )
        return 0
    found = Alarm.objects.select_related("provider").annotate(subject_count=Count("subjects")).order_by("-pk")
    if provider_id is not None:
        found = found.filter(provider=provider_id)
    if not closed_too:
        found = found.filter(closed_at=None)
    show_table(
        ("ID", "PROVIDER", "KIND", "ABOUT", "NEWEST", "COUNT", "RAISED", "LAST SEEN", "STATE", "TEXT"),
        (
            (
                each.pk,
                each.provider.name if each.provider else "-",
                each.kind,
                each.subject_count,
                subject_text(each.subject_type, each.subject_id) or "-",
                each.times,
                *_moments(each),
                f"closed by {each.closed_by}" if each.closed_at else "open",
                cause_text(each.cause),
            )
            for each in found[:limit]
        ),
    )
    has_payments = provider_id is None and _show_payments(limit)
    return int(found.filter(closed_at=None).exists() or has_payments)


def _show_payments(limit: int) -> bool:
    """Shows the open alerts of payments; returns whether there is one."""
    from sutler.payments.alerts import open_alerts

    alerts = open_alerts(limit=limit)
    if alerts:
        show_table(
            ("PAYMENT", "METHOD", "CUSTOMER", "KIND", "RAISED", "DATA"),
            (
                (
                    each.request.reference,
                    each.request.method.name,
                    each.request.customer.name,
                    each.kind,
                    f"{each.raised_at:%Y-%m-%d %H:%M}",
                    " ".join(f"{name}={value}" for name, value in sorted(each.data.items())),
                )
                for each in alerts
            ),
        )
    return bool(alerts)


def _moments(each: "Alarm | AlarmSubject") -> tuple[str, str]:
    return f"{each.raised_at:%Y-%m-%d %H:%M}", f"{each.last_at:%Y-%m-%d %H:%M}"
