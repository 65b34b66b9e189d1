"""Wallets brought to what they hold at the old panel, by one transfer each."""

from collections.abc import Sequence

from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, house, post
from sutler.move_in.reading.customers import CustomerRecord
from sutler.move_in.reading.known import Known

_Kind = LedgerAccount.Kind
REASON = "balance at the old panel"


def write_balances(records: Sequence[CustomerRecord], known: Known, number: int) -> None:
    """Brings the wallets of these customers to the balances that they have there; `number` counts the passes.

    The first transfer of each has the cause `import:PANEL:ID`, later ones their pass behind it. What is here and not
    there any more is taken, and a limit that a balance below zero needs is given.
    """
    by_id = {each.id: each for each in records}
    wallets = LedgerAccount.objects.filter(customer__in=by_id).select_for_update()
    entries = []
    for wallet in wallets:
        record = by_id[wallet.customer_id or 0]
        held, outside = wallet.balance_micros or 0, house(_Kind.ADJUSTMENTS, record.currency)
        if record.credit_limit_micros > wallet.credit_limit_micros:
            wallet.credit_limit_micros = record.credit_limit_micros
            wallet.largest_credit_limit_micros = max(wallet.largest_credit_limit_micros, record.credit_limit_micros)
            wallet.save(update_fields=["credit_limit_micros", "largest_credit_limit_micros"])
        missing = record.balance_micros - held
        cause = f"import:{known.family.name}:{record.id}" + (f":pass-{number}" if number > 1 else "")
        ends = (outside, wallet.pk) if missing > 0 else (wallet.pk, outside)
        entries.append(Entry(cause, *ends, abs(missing), reason=REASON))
    post(entries, known.now)
