"""Asking a provider from the operator's shell, beside the worker's own session."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import click

from sutler.core.clock import SystemClock, unpredictable
from sutler.ops.command import Failed

if TYPE_CHECKING:
    import httpx2

    from sutler.core.taught_words import TaughtWord
    from sutler.fulfilment.models import Provider
    from sutler.fulfilment.providers.call_log import LoggedExchange
    from sutler.fulfilment.providers.database import Database
    from sutler.panels.client import PanelSettings

T = TypeVar("T")


def settings_of(found: "Provider") -> "PanelSettings":
    """Returns how the provider wants to be asked. Fails if its key cannot be read."""
    from sutler.accounts.secret_key import keys
    from sutler.fulfilment.provider_settings import panel_settings
    from sutler.storage.sealed import Unreadable

    try:
        return panel_settings(found, *keys())
    except Unreadable as error:
        raise Failed(f"its key cannot be read ({error}); `sutler provider change {found.pk}` sets a new one") from error


def tell_of_redirect(found: "Provider", calls: "Iterable[LoggedExchange]") -> None:
    """Says where the provider's address leads, if an answer came from elsewhere: no order is sent there."""
    leads_to = next((each.exchange.redirected_to for each in calls if each.exchange.redirected_to), "")
    if leads_to:
        click.echo(f"The URL redirects to {leads_to}, and orders are not sent through redirects. Set the new URL:")
        click.echo(f"  sutler provider change {found.pk} --url {leads_to}")


async def over_sessions(
    found: "Provider",
    work: Callable[..., Awaitable[T]],
    *settings: "PanelSettings",
    words: "tuple[TaughtWord, ...]" = (),
    on_answer: "Callable[[httpx2.Response], None]" = lambda _: None,
    database: "Database | None" = None,
) -> T:
    """Works over a session for each of the settings; `on_answer` hears of each answer before its body is read.

    Work that asks the database meanwhile needs a `database` with a thread of its own.
    """
    from django.conf import settings as panel

    from sutler.fulfilment.providers.database import Database
    from sutler.fulfilment.providers.session import ProviderSession
    from sutler.panels.http_call import HttpCall
    from sutler.panels.safe_transport import SafeTransport

    async with SafeTransport(allowed_hosts=panel.SUTLER["SUTLER_UPSTREAM_PRIVATE_HOSTS"]) as transport:
        clock, chance = SystemClock(), unpredictable()
        call = HttpCall(transport, clock, on_answer)
        database = database or Database(None)
        return await work(
            *(ProviderSession(found, each, call, database, clock, chance, "operator", words) for each in settings)
        )
