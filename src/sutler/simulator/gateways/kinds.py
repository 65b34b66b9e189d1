"""The kinds of gateways that are scripted, and the settings by which a method of the panel reaches each."""

from collections.abc import Mapping

from sutler.simulator.gateways.btcpay import BtcPay
from sutler.simulator.gateways.cryptomus import Cryptomus
from sutler.simulator.gateways.gateway import SECRET, MakeKind
from sutler.simulator.gateways.nowpayments import NowPayments
from sutler.simulator.gateways.paypal import PayPal
from sutler.simulator.gateways.signed import SETTINGS, Signed
from sutler.simulator.gateways.stripe import Stripe

KINDS: Mapping[str, MakeKind] = {
    "stripe": Stripe,
    "paypal": PayPal,
    "btcpay": BtcPay,
    "nowpayments": NowPayments,
    "cryptomus": Cryptomus,
    "signed": Signed,
}


def settings_of(kind: str, url: str, secret: str = SECRET) -> Mapping[str, str]:
    """Returns what staff type in for a method that pays at the scripted gateway."""
    return {
        "stripe": {"api_url": url, "secret_key": secret, "signing_secret": secret},
        "paypal": {"api_url": url, "client_id": "id", "client_secret": secret},
        "btcpay": {"api_url": url, "store_id": "store", "api_key": secret, "webhook_secret": secret},
        "nowpayments": {"api_url": url, "api_key": secret, "ipn_secret": secret, "pay_currency": "usdttrc20"},
        "cryptomus": {"api_url": url, "merchant": "merchant", "payment_key": secret},
        "signed": {**SETTINGS, "page_url": SETTINGS["page_url"].format(url=url), "secret": secret},
    }[kind]
