"""Reading balances, many customers at once."""

from collections.abc import Sequence

from sutler.storage.statements import Statement, run

_BALANCES = Statement(
    "SELECT {answer} FROM {rows} JOIN books_ledgeraccount wallet ON wallet.customer_id = rows.customer_id",
    {"customer_id": "bigint"},
    ("wallet.customer_id", "wallet.balance_micros", "wallet.currency"),
)


def balances(customer_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Returns (balance in micros, currency) for each customer, in the order asked. Every customer has a wallet."""
    found = {row[0]: (row[1], row[2]) for row in run(_BALANCES, [(each,) for each in set(customer_ids)])}
    return [found[each] for each in customer_ids]
