"""Every kind of channel: those that come with the panel, and those of installed packages."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points

import structlog

from sutler.notices.channels.shape import ChannelKind
from sutler.notices.channels.telegram.channel import TELEGRAM
from sutler.notices.channels.webhook.channel import WEBHOOK

GROUP = "sutler.channels"
BUILT_IN = (TELEGRAM, WEBHOOK)

_log = structlog.get_logger(__name__)


@lru_cache(maxsize=1)
def channel_kinds() -> Mapping[str, ChannelKind]:
    """Returns every kind by its name. One that does not load, or takes another's name, is left out and logged."""
    known = {each.kind: each for each in BUILT_IN}
    for point in entry_points(group=GROUP):
        try:
            kind = point.load()
        except Exception:  # noqa: BLE001 - somebody else's package must not stop the panel
            _log.exception("channels.not_loaded", entry_point=point.name)
            continue
        if not isinstance(kind, ChannelKind) or kind.kind in known or not kind.kind:
            _log.warning("channels.left_out", entry_point=point.name)
            continue
        known[kind.kind] = kind
    return known
