"""Every kind of gateway: those that come with the panel, and those of installed packages."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points

import structlog

from sutler.payments.gateways.btcpay.gateway import BTCPAY
from sutler.payments.gateways.cryptomus.gateway import CRYPTOMUS
from sutler.payments.gateways.nowpayments.gateway import NOWPAYMENTS
from sutler.payments.gateways.paypal.gateway import PAYPAL
from sutler.payments.gateways.shape import Gateway
from sutler.payments.gateways.signed.gateway import SIGNED
from sutler.payments.gateways.stripe.gateway import STRIPE

GROUP = "sutler.gateways"
BUILT_IN = (
    STRIPE,
    PAYPAL,
    BTCPAY,
    NOWPAYMENTS,
    CRYPTOMUS,
    SIGNED,
)

_log = structlog.get_logger(__name__)


@lru_cache(maxsize=1)
def gateways() -> Mapping[str, Gateway]:
    """Returns every gateway by its kind. One that does not load, or takes another's kind, is left out and logged."""
    known = {each.kind: each for each in BUILT_IN}
    for point in entry_points(group=GROUP):
        try:
            gateway = point.load()
        except Exception:  # noqa: BLE001 - somebody else's package must not stop the panel
            _log.exception("gateways.not_loaded", entry_point=point.name)
            continue
        if not isinstance(gateway, Gateway) or gateway.kind in known or not gateway.kind:
            _log.warning("gateways.left_out", entry_point=point.name)
            continue
        known[gateway.kind] = gateway
    return known
