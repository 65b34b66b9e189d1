"""Every kind of gateway: those that come with the panel, and those of installed packages."""

from collections.abc import Mapping
from functools import lru_cache

from sutler.payments.gateways.btcpay.gateway import BTCPAY
from sutler.payments.gateways.cryptomus.gateway import CRYPTOMUS
from sutler.payments.gateways.installed import with_installed
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


@lru_cache(maxsize=1)
def gateways() -> Mapping[str, Gateway]:
    """Returns every gateway by its kind. One that does not load, or takes another's kind, is left out and logged."""
    return with_installed(GROUP, BUILT_IN, Gateway)
