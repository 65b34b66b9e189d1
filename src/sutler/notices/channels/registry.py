"""Every kind of channel: those that come with the panel, and those of installed packages."""

from collections.abc import Mapping
from functools import lru_cache

from sutler.notices.channels.shape import ChannelKind
from sutler.notices.channels.telegram.channel import TELEGRAM
from sutler.notices.channels.webhook.channel import WEBHOOK
from sutler.payments.gateways.installed import with_installed

GROUP = "sutler.channels"
BUILT_IN = (TELEGRAM, WEBHOOK)


@lru_cache(maxsize=1)
def channel_kinds() -> Mapping[str, ChannelKind]:
    """Returns every kind by its name. One that does not load, or takes another's name, is left out and logged."""
    return with_installed(GROUP, BUILT_IN, ChannelKind)
