"""The other yardstick for `add`: the same rows written one transaction an order, by pgbench and by a loop on SQLite."""

import random
import re
import sqlite3
import subprocess
import time

import psycopg

from bench.callers import BenchError, Figures
from bench.engines import Database
from bench.loads import CALLERS

# What the panel writes for one order: the order, its transfer into "in hand", the wallet; in words both engines take.
INSERT_ORDER = (
    "INSERT INTO orders_order (customer_id, service_id, type, link, quantity, remains, currency, rate_micros,"
    " exchange_base, charge_micros, created_at, kind, returned_micros, status)"
    " VALUES (:customer, :service, 'Default', 'https://example.com/p/' || :link, 100, 100, 'USD', 900000, 1000000,"
    " 90000, CURRENT_TIMESTAMP, 'single', 0, 'Pending') RETURNING id"
)
INSERT_TRANSFER = (
    "INSERT INTO books_transfer (cause, debit_id, credit_id, amount_micros, order_id, reason, created_at)"
    " VALUES ('order:' || :id, :wallet, :in_hand, 90000, :id, '', CURRENT_TIMESTAMP)"
)
UPDATE_WALLET = "UPDATE books_ledgeraccount SET balance_micros = balance_micros - 90000 WHERE id = :wallet"

PGBENCH_SCRIPT = f"""
\\set customer random(:customers_from, :customers_to)
\\set wallet :customer + :wallets_from - :customers_from
\\set service random(:services_from, :services_to)
\\set link random(1, 1000000000)
BEGIN;
{INSERT_ORDER} \\gset
{INSERT_TRANSFER};
{UPDATE_WALLET};
COMMIT;
"""
RANGES = (
    "SELECT min(customer_id), max(customer_id), min(id), max(id),"
    " (SELECT min(id) FROM catalogue_service), (SELECT max(id) FROM catalogue_service),"
    " (SELECT id FROM books_ledgeraccount WHERE kind = 'in hand')"
    " FROM books_ledgeraccount WHERE kind = 'wallet'"
)


def on_postgres(database: Database, seconds: int) -> Figures:
    """Returns the orders a second that pgbench writes with as many clients as the panel has callers."""
    with psycopg.connect(database.url) as connection:
        found = connection.execute(RANGES).fetchone()
    values = _ranges(found)
    script = database.folder / "order.sql"
    script.write_text(PGBENCH_SCRIPT)
    command = [
        "pgbench",
        "--no-vacuum",
        "--protocol=prepared",
        f"-c{CALLERS}",
        "-j2",
        f"-T{seconds}",
        "-f",
        str(script),
    ]
    command += [f"-D{name}={value}" for name, value in values.items()]
    ended = subprocess.run([*command, database.url], capture_output=True, text=True, check=False)
    rate = re.search(r"^tps = ([0-9.]+)", ended.stdout, re.MULTILINE)
    if ended.returncode or rate is None or "number of failed transactions: 0 " not in ended.stdout:
        raise BenchError(f"pgbench failed: {ended.stderr.strip()}")
    return Figures(float(rate[1]))


def on_sqlite(database: Database, seconds: int) -> Figures:
    """Returns the orders a second that a loop writes with one connection, as durably as the panel."""
    connection = sqlite3.connect(database.folder / "sutler.sqlite3", isolation_level=None)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-16384",
        "wal_autocheckpoint=16000",
    ):
        connection.execute(f"PRAGMA {pragma}")
    values = _ranges(connection.execute(RANGES).fetchone())
    chance = random.Random(1)
    written, started = 0, time.monotonic()
    while time.monotonic() < started + seconds:
        customer = chance.randint(values["customers_from"], values["customers_to"])
        order = {
            "customer": customer,
            "wallet": customer + values["wallets_from"] - values["customers_from"],
            "service": chance.randint(values["services_from"], values["services_to"]),
            "link": chance.randint(1, 1_000_000_000),
            "in_hand": values["in_hand"],
        }
        connection.execute("BEGIN IMMEDIATE")
        (order["id"],) = connection.execute(INSERT_ORDER, order).fetchone()
        connection.execute(INSERT_TRANSFER, order)
        connection.execute(UPDATE_WALLET, order)
        connection.execute("COMMIT")
        written += 1
    elapsed = time.monotonic() - started
    connection.close()
    return Figures(written / elapsed)


def _ranges(found: tuple[int, ...] | None) -> dict[str, int]:
    if found is None or found[1] - found[0] != found[3] - found[2]:
        raise BenchError("the database was not filled by bench.seed: customers and wallets are not in step")
    names = ("customers_from", "customers_to", "wallets_from", "", "services_from", "services_to", "in_hand")
    return {name: value for name, value in zip(names, found, strict=True) if name}
