"""One writer of the ledger storm, and what comes before and after it: a process of its own on one database.

    python -m bench.ledger_writer open|write|audit

`write` prints the number of operations done, now and then, and last a line of JSON with its own journal: what it has
put into or taken from each wallet by causes of its own, and which of the deposits that all writers share it has made.
"""

import io
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import click
import django

CUSTOMERS = 40
CREDIT_LIMIT_MICROS = 50_000_000
LARGEST_LIST = 8
LARGEST_AMOUNT_MICROS = 5_000_000
# So small that the deposits pay for most orders, and not for all.
LARGEST_CHARGE_MICROS = 1_000_000
SHARED_DEPOSITS_PER_OPERATION = 0.2
TOLD_EVERY = 200


@click.group()
def main() -> None:
    """Works on the ledger that SUTLER_DATA_DIR and SUTLER_DATABASE_URL name."""
    django.setup()


@main.command("open")
def open_ledger() -> None:
    """Migrates an empty database and opens wallets, every other one with a credit limit."""
    from django.core.management import call_command
    from django.db import transaction

    from sutler.accounts import customers
    from sutler.books.post import open_wallet

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        for place in range(CUSTOMERS):
            customer = customers.create(f"Customer {place}", "USD", datetime.now(UTC))
            open_wallet(customer.pk, "USD", CREDIT_LIMIT_MICROS * (place % 2))


@main.command()
@click.option("--number", type=int, required=True, help="Which writer this is, from 0")
@click.option("--operations", type=int, required=True, help="How many this writer does")
@click.option("--all-operations", type=int, required=True, help="How many all writers do together")
@click.option("--seed", type=int, required=True)
def write(number: int, operations: int, all_operations: int, seed: int) -> None:
    """Does so many random operations and prints the journal."""
    from bench.ledger_course import Course

    course = Course(number, seed, int(all_operations * SHARED_DEPOSITS_PER_OPERATION) or 1)
    told = 0
    while course.done < operations:
        course.step(operations - course.done)
        if course.done - told >= TOLD_EVERY or course.done == operations:
            click.echo(course.done - told)
            told = course.done
    click.echo(json.dumps(course.journal()))


@main.command()
def audit() -> None:
    """Prints as JSON what each wallet holds, how far the books are out of balance, and every breach."""
    from rich.console import Console
    from rich.progress import Progress

    from sutler.books.audit import CHECKS
    from sutler.books.models import LedgerAccount, Transfer
    from sutler.ops.verify import run_checks

    moved: Counter[int] = Counter()
    for debit, credit, micros in Transfer.objects.values_list("debit", "credit", "amount_micros").iterator():
        moved[debit] -= micros
        moved[credit] += micros
    wallets = dict(LedgerAccount.objects.filter(kind="wallet").values_list("pk", "balance_micros"))
    imbalance = sum(abs((held or 0) - moved[wallet]) for wallet, held in wallets.items()) + abs(sum(moved.values()))
    with Progress(console=Console(file=io.StringIO())) as progress:
        findings = run_checks(progress, CHECKS)
    click.echo(
        json.dumps(
            {
                "wallets": wallets,
                "transfers": Transfer.objects.count(),
                "imbalance": imbalance,
                "breaches": [line for finding in findings for line in finding.lines()],
            }
        )
    )


def shared_amount(deposit: int) -> int:
    """Returns the amount in micros of one of the deposits that any writer may make first."""
    return deposit * 7919 % LARGEST_AMOUNT_MICROS + 1


def shared_place(deposit: int, wallets: Sequence[int]) -> int:
    """Returns which of the wallets one of the shared deposits goes into."""
    return wallets[deposit % len(wallets)]


if __name__ == "__main__":
    main()
