"""Messages by a Telegram bot: https://core.telegram.org/bots/api#sendmessage."""

import json
import re

from django.utils.translation import gettext_lazy as _

from sutler.notices.channels.shape import ChannelKind, cut
from sutler.payments.gateways.reading import read_json, text_of
from sutler.payments.gateways.shape import Ask, Failure, Field, FieldKind, Settings

LONGEST_TEXT = 4096
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}", re.ASCII)
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{4,64}", re.ASCII)


async def _send(settings: Settings, subject: str, text: str, ask: Ask) -> Failure | None:
    body = {
        "chat_id": settings["chat_id"],
        "text": cut(f"{subject}\n\n{text}".strip(), LONGEST_TEXT),
        "link_preview_options": {"is_disabled": True},
    }
    url = f"{settings['api_url'].rstrip('/')}/bot{settings['token']}/sendMessage"
    reply = await ask("POST", url, {"Content-Type": "application/json"}, json.dumps(body).encode())
    if isinstance(reply, Failure):
        return reply
    answer = read_json(reply.body)
    if answer is not None and answer.get("ok") is True:
        return None
    words = "".join(each for each in text_of(answer or {}, "description")[:200] if each.isprintable())
    return Failure(f"Telegram answered HTTP {reply.status} {words}".strip())


def _fault(settings: Settings) -> str:
    if not _TOKEN.fullmatch(settings["token"]):
        return "token"
    return "" if _CHAT.fullmatch(settings["chat_id"]) else "chat_id"


TELEGRAM = ChannelKind(
    kind="telegram",
    name="Telegram",
    about=_("A bot that you create with @BotFather writes into a chat or group."),
    fields=(
        Field("token", _("Bot token"), FieldKind.SECRET, about=_("From @BotFather, like 123456:ABC-DEF...")),
        Field(
            "chat_id",
            _("Chat ID"),
            about=_("A number, negative for groups, or @name of a public channel. The bot must be a member."),
        ),
        Field("api_url", _("Bot API address"), FieldKind.ADDRESS, default="https://api.telegram.org"),
    ),
    send=_send,
    fault=_fault,
)
