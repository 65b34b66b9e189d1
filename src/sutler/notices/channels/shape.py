"""The shape of a kind of channel: its settings, and how it sends."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from sutler.payments.gateways.shape import Ask, Failure, Field, Settings


def _no_fault(_settings: Settings) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One kind of channel.

    `send` takes the settings, subject and text (plain, addresses in it), and the way out; it returns None once the
    service has taken the message, else why not, in one line without secrets. `fault` returns the name of a setting that
    will not do, or nothing.
    """

    kind: str
    name: str | Promise
    about: str | Promise
    fields: tuple[Field, ...]
    send: Callable[[Settings, str, str, Ask], Coroutine[Any, Any, Failure | None]]
    fault: Callable[[Settings], str] = _no_fault


def cut(text: str, most: int) -> str:
    """Returns the text, at most so many characters of it."""
    return text if len(text) <= most else text[: most - 1] + "…"
