"""A provider's account in the books: what the operator holds there, by all that was paid in and what orders have cost.

It has no balance row: it is summed from the last snapshot (`books.account_sums`), which `reconciling.balance` renews.
"""

from datetime import datetime

from sutler.books.account_sums import Sum, renew, summed
from sutler.books.models import LedgerAccount, Transfer
from sutler.books.post import Entry, house, post
from sutler.core.money import LARGEST_MICROS, Micros
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.models import Provider, account_rows
from sutler.storage.statements import Statement, select
from sutler.storage.transactions import durable

LONGEST_NAME = 50
_Kind = LedgerAccount.Kind
_ACCOUNT = Statement("SELECT {answer} FROM books_ledgeraccount WHERE provider_id = ?", {}, ("id",))


def account(provider_id: int, currency: str) -> int:
    """Returns the id of the provider's account, opened if there is none yet."""
    if found := select(_ACCOUNT, provider_id):
        return int(found[0][0])
    opened, _ = LedgerAccount.objects.get_or_create(
        provider_id=provider_id, defaults={"kind": _Kind.PROVIDER, "currency": currency}
    )
    return opened.pk


def top_up(provider_id: int, amount_micros: int, name: str, reason: str, now: datetime) -> Micros | Refusal:
    """Books that so much was paid in at the provider, once for each `name`. Returns what the books hold there.

    In the provider's currency, under the cause `topup:NAME`. Raises storage.transactions.Busy or CommitUnclear.
    Refuses with INCORRECT_FIELD for `amount` (not above 0, or more than fits), `reason` (none), `name` (none, too long,
    or booked already for another provider or amount) and `provider`.
    """
    return _move("topup", provider_id, amount_micros, name, reason, now)


def draw(provider_id: int, amount_micros: int, name: str, reason: str, now: datetime) -> Micros | Refusal:
    """Books that so much went from the provider: paid out, or a correction. Like `top_up`, under `drawn:NAME`."""
    return _move("drawn", provider_id, amount_micros, name, reason, now)


def open_with(provider: Provider, said_micros: int, now: datetime) -> None:
    """Books what the account held before the books knew of it, in the caller's transaction: once, whatever is said."""
    missing = said_micros - book_balance_micros(provider.pk)
    kind = "topup" if missing > 0 else "drawn"
    _post(provider, kind, f"opening:{provider.account_id}", abs(missing), "what it held as it was first asked", now)


def close_opening(provider: Provider, now: datetime) -> None:
    """Takes back what the provider was opened with, in the caller's transaction: another row's books hold it too."""
    openings = {f"{kind}:opening:{provider.pk}": kind for kind in ("topup", "drawn")}
    opening = Transfer.objects.filter(cause__in=openings).first()
    if opening is not None:
        kind = "drawn" if openings[opening.cause] == "topup" else "topup"
        why = "the account of another provider, whose books hold it"
        _post(provider, kind, f"joined:{provider.pk}", opening.amount_micros, why, now)


def book_balance_micros(provider_id: int) -> int:
    """Returns what our books hold at the provider, of all rows of its account."""
    return holding(provider_id).micros


def holding(provider_id: int) -> Sum:
    """Returns what our books hold at the provider's account, and of how many transfers that is the sum."""
    accounts = LedgerAccount.objects.filter(provider_id__in=account_rows(provider_id)).values_list("pk", flat=True)
    sums = [summed(each) for each in accounts]
    return Sum(sum(each.micros for each in sums), sum(each.transfers for each in sums))


def renew_snapshot(provider: Provider, now: datetime) -> None:
    """Keeps `book_balance_micros` quick, in the caller's transaction."""
    renew(account(provider.pk, provider.currency), now)


def _move(kind: str, provider_id: int, amount: int, name: str, reason: str, now: datetime) -> Micros | Refusal:
    field = _wrong_field(amount, name, reason)
    if field:
        return Refusal(Reason.INCORRECT_FIELD, field)
    with durable():
        provider = Provider.objects.filter(pk=provider_id).locked().first()
        if provider is None:
            return Refusal(Reason.INCORRECT_FIELD, "provider")
        held = book_balance_micros(provider_id)
        if not _post(provider, kind, name, amount, reason, now):
            return Micros(held) if _is_booked(provider, kind, name, amount) else _taken()
        return Micros(held + amount if kind == "topup" else held - amount)


def _post(provider: Provider, kind: str, name: str, amount: int, reason: str, now: datetime) -> bool:
    held, outside = account(provider.pk, provider.currency), house(_Kind.DEPOSITS, provider.currency)
    ends = (outside, held) if kind == "topup" else (held, outside)
    return bool(post([Entry(f"{kind}:{name}", *ends, amount, reason=reason)], now))


def _is_booked(provider: Provider, kind: str, name: str, amount: int) -> bool:
    held = account(provider.pk, provider.currency)
    end = {"credit_id": held} if kind == "topup" else {"debit_id": held}
    return Transfer.objects.filter(cause=f"{kind}:{name}", amount_micros=amount, **end).exists()


def _taken() -> Refusal:
    return Refusal(Reason.INCORRECT_FIELD, "name")


def _wrong_field(amount: int, name: str, reason: str) -> str:
    if not 0 < amount <= LARGEST_MICROS:
        return "amount"
    if not reason.strip() or len(reason) > 500:
        return "reason"
    return "" if 0 < len(name) <= LONGEST_NAME and name.isprintable() else "name"
