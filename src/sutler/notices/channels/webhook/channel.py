"""Messages by an incoming webhook, in the form that each service documents.

Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
Discord: https://docs.discord.com/developers/resources/webhook#execute-webhook.
Mattermost: https://developers.mattermost.com/integrate/webhooks/incoming.
ntfy: https://docs.ntfy.sh/publish.
"""

import json
from collections.abc import Callable, Mapping

from django.utils.translation import gettext_lazy as _

from sutler.notices.channels.shape import ChannelKind, cut
from sutler.payments.gateways.shape import Ask, Failure, Field, FieldKind, Reply, Settings

_JSON = {"Content-Type": "application/json"}
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
Form = Callable[[str, str], bytes]


def _slack(subject: str, text: str) -> bytes:
    """Returns a message without the three characters that Slack reads as markup."""
    plain = f"{subject}\n\n{text}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return json.dumps({"text": cut(plain, 4000)}).encode()


def _discord(subject: str, text: str) -> bytes:
    """Returns a message that mentions nobody, whatever stands in it."""
    body = {"content": cut(f"{subject}\n\n{text}", 2000), "allowed_mentions": {"parse": []}}
    return json.dumps(body).encode()


def _mattermost(subject: str, text: str) -> bytes:
    return json.dumps({"text": cut(f"{subject}\n\n{text}", 4000)}).encode()


def _ntfy(subject: str, text: str) -> bytes:
    """Returns the message as text: ntfy makes a file of what is longer than 4,096 bytes."""
    return cut(f"{subject}\n\n{text}", 4000).encode()[:4096].decode(errors="ignore").encode()


def _plain(subject: str, text: str) -> bytes:
    return json.dumps({"subject": subject, "text": text}).encode()


_FORMS: Mapping[str, tuple[Form, Mapping[str, str]]] = {
    "slack": (_slack, _JSON),
    "discord": (_discord, _JSON),
    "mattermost": (_mattermost, _JSON),
    "ntfy": (_ntfy, _TEXT),
    "json": (_plain, _JSON),
}


async def _send(settings: Settings, subject: str, text: str, ask: Ask) -> Failure | None:
    form, headers = _FORMS[settings["form"]]
    token = {"Authorization": f"Bearer {settings['token']}"} if settings.get("token") else {}
    reply = await ask("POST", settings["url"], {**headers, **token}, form(subject, text))
    return _failure(reply)


def _failure(reply: Reply | Failure) -> Failure | None:
    if isinstance(reply, Failure):
        return reply
    if reply.status in {200, 201, 202, 204}:
        return None
    words = "".join(each for each in reply.body[:200].decode(errors="replace") if each.isprintable())
    return Failure(f"it answered HTTP {reply.status} {words}".strip())


def _fault(settings: Settings) -> str:
    return "" if settings["url"].startswith(("https://", "http://")) else "url"


WEBHOOK = ChannelKind(
    kind="webhook",
    name=_("Webhook"),
    about=_("Slack, Discord, Mattermost, ntfy, or a program of yours that takes JSON."),
    fields=(
        Field("form", _("Service"), FieldKind.CHOICE, default="slack", choices=tuple(_FORMS)),
        # Whoever knows the address may write there.
        Field("url", _("Webhook address"), FieldKind.SECRET, about=_("https://... as the service shows it")),
        Field(
            "token", _("Access token"), FieldKind.SECRET, is_required=False, about=_("Only if the service needs one")
        ),
    ),
    send=_send,
    fault=_fault,
)
