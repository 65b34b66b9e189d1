"""What was paid into wallets from outside, in one currency, newest first."""

from sutler.books.models import LedgerAccount, Transfer
from sutler.books.statement import MOST_ON_A_PAGE


def currencies() -> list[str]:
    """Returns the currencies in which anything can be paid in, by name."""
    houses = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.DEPOSITS)
    return list(houses.order_by("currency").values_list("currency", flat=True))


def page(currency: str, *, before: int | None = None, limit: int = 50) -> tuple[list[Transfer], int | None]:
    """Returns deposits below the id `before` with their customers (`credit.customer`), and where the next page begins.

    At most 200; the second is None where there are no more.
    """
    size = max(1, min(limit, MOST_ON_A_PAGE))
    house = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.DEPOSITS, currency=currency).first()
    # Not what providers were paid.
    paid_in = Transfer.objects.filter(debit=house, credit__kind=LedgerAccount.Kind.WALLET)
    found = paid_in.select_related("credit__customer").order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found[: size + 1]) if house else []
    return rows[:size], rows[size - 1].pk if len(rows) > size else None
