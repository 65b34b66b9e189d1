"""What goes wrong with notices on their way: which are sent, how often, how late, and with which bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sutler.core.clock import Random
from sutler.simulator.gateways.gateway import LyingGateway, Notice, Payment, Transaction

DAY_SECONDS = 86_400.0
FAULTS: Mapping[str, str] = {
    "doubled": "sent twice",
    "late": "sent after a minute",
    "reordered": "overtaken by what follows",
    "lost": "never sent",
    "altered": "one byte of the body changed; sent again as it should be",
    "replayed": "sent again after a day, with the signature of the first time",
    "forged": "beside it another payment is reported that nobody made, signed by somebody else",
    "rotated": "signed by a new secret that the panel was not told; sent again with the old one",
    "amount": "half of the amount is paid, where the kind can take it",
    "currency": "paid in another currency",
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way, seconds from now. `is_genuine`: unaltered, and signed by the gateway's secret."""

    after_seconds: float
    notice: Notice
    is_genuine: bool = True


def deliveries(
    gateway: LyingGateway,
    payment: Payment,
    transaction: Transaction | None,
    event: str,
    at: int,
    faults: Sequence[str],
    chance: Random,
) -> list[Delivery]:
    """Returns how the notice of an event reaches the panel under the faults that strike."""
    notice = gateway.notice(payment, transaction, event, at)
    delay = 60.0 if "late" in faults else 5.0 if "reordered" in faults else 0.0
    found = [] if "lost" in faults else [Delivery(delay, notice)]
    if "doubled" in faults:
        found.append(Delivery(delay, notice))
    if "altered" in faults:
        found.insert(0, Delivery(0.0, altered(notice, chance), is_genuine=False))
    if "rotated" in faults:
        other = replace(gateway, secret=f"{gateway.secret}-new")
        found.insert(0, Delivery(0.0, other.notice(payment, transaction, event, at), is_genuine=False))
    if "replayed" in faults:
        found.append(Delivery(DAY_SECONDS, notice))
    if "forged" in faults:
        found.append(Delivery(0.0, forged(gateway, payment, at), is_genuine=False))
    return found


def altered(notice: Notice, chance: Random) -> Notice:
    """Returns the notice with another byte at one place, mostly another digit."""
    body = bytearray(notice.body)
    digits = [place for place, byte in enumerate(body) if chr(byte).isdigit()]
    place = chance.choice(digits or range(len(body)))
    body[place] = ord("9") if body[place] != ord("9") else ord("8")
    return Notice(bytes(body), notice.headers)


def forged(gateway: LyingGateway, payment: Payment, at: int) -> Notice:
    """Returns a notice of money that never came, by somebody who knows the protocol and not the secret."""
    thief = replace(gateway, secret="a-guess")  # noqa: S106 - of nobody
    phantom = Transaction(f"tx-forged-{payment.id}", payment.micros, payment.currency)
    robbed = replace(payment, status="paid", transactions=[phantom])
    return thief.notice(robbed, phantom, "paid", at)
