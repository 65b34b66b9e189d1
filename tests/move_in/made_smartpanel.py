"""A made-up SmartPanel, with its traps."""

import hashlib
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.move_in.old_panel import BCRYPT, START, Filler, Made, Size, key_of, made, placed_at, state_of, twice


def make_smartpanel(
    connection: Any, size: Size, *, url: str = "https://upstream.example/api/v2", prefix: str = ""
) -> Made:
    """Fills the database of the connection with a SmartPanel."""
    run = Filler(connection, prefix)
    run.tables("smartpanel.sql")
    chance = random.Random(size.seed)
    run.rows("general_options", "name value", [("currency_code", "USD")])
    _customers(run, chance, size)
    _catalogue(run, size, url)
    columns = (
        "id service_id service_type api_provider_id api_service_id api_order_id uid link"
        " quantity charge formal_charge status start_counter remains changed created"
    )
    orders = [_order(chance, number, size) for number in range(1, size.orders + 1)]
    run.rows("orders", columns, orders)
    run.rows("orders", columns, _traps(size))
    _talk(run, chance, size)
    return made(orders, 0, 5, 11)


def _customers(run: Filler, chance: random.Random, size: Size) -> None:
    run.rows(
        "general_users",
        "id first_name last_name email password timezone balance custom_rate api_key status created",
        [_user(chance, number) for number in range(1, size.customers + 1)],
    )
    run.rows("general_users_price", "id uid service_id service_price", [(1, 2, 1, 0.7), (2, 999999, 1, 0.5)])


def _catalogue(run: Filler, size: Size, url: str) -> None:
    run.rows(
        "categories",
        "id name sort status",
        [(1, "Followers", 1, 1), (2, twice("Лайки"), 2, 1), (3, "Followers", 3, 1)],
    )
    run.rows(
        "api_providers",
        "id name url key currency_code status",
        [(3, "First", url, "k" * 32, "USD", 1)],
    )
    run.rows(
        "services",
        "id cate_id name desc price original_price min max type api_service_id api_provider_id dripfeed status",
        [
            (
                number,
                1 + number % 3,
                f"Service {number} &amp; more",
                "&lt;p&gt;Fast&lt;br&gt;cheap&lt;/p&gt;",
                f"{0.5 + number / 100:.4f}",
                f"{0.3 + number / 100:.4f}",
                10,
                100000,
                "default",
                str(100 + number),
                3 if number % 4 else 77,
                1,
                0 if number == 5 else 1,
            )
            for number in range(1, size.services + 1)
        ],
    )


def _talk(run: Filler, chance: random.Random, size: Size) -> None:
    run.rows(
        "general_transaction_logs",
        "id uid type transaction_id amount status created",
        [
            (
                number,
                1 + chance.randrange(size.customers),
                chance.choice(("paypal", "stripe", "manual")),
                f"tx{number}",
                chance.randrange(1, 100),
                chance.choice((1, 1, 1, 0)),
                START + timedelta(hours=number),
            )
            for number in range(1, size.customers + 1)
        ],
    )
    run.rows(
        "tickets",
        "id uid subject description status changed created",
        [(1, 1, "Order 1", "Where is it?", "answered", START, START), (2, 999999, "Nobody", "?", "new", START, START)],
    )
    run.rows(
        "ticket_messages",
        "id uid ticket_id message created",
        [(1, 0, 1, "On its&nbsp;way", START), (2, 0, 2, "?", START)],
    )


def _user(chance: random.Random, number: int) -> Sequence[Any]:
    names = {1: twice("Zoë"), 2: "A &amp; B", 3: "Fun " + twice("😀")[:-1]}
    email = {4: "one@example.com", 5: "ONE@example.com", 6: "none"}.get(number, f"c{number}@example.com")
    password = {7: hashlib.md5(b"password").hexdigest()}.get(number, BCRYPT)
    balance = {8: "-3.5000", 1: "1000.0000"}.get(number, f"{chance.randrange(0, 2_000_000) / 10000:.4f}")
    created = "0000-00-00 00:00:00" if number == 9 else START - timedelta(days=chance.randrange(300))
    return (
        number,
        names.get(number, f"Customer {number}"),
        "",
        email,
        password,
        "Europe/Istanbul",
        balance,
        5 if number == 10 else 0,
        "" if number == 11 else key_of(number),
        0 if number == 12 else 1,
        created,
    )


def _order(chance: random.Random, number: int, size: Size) -> Sequence[Any]:
    service = 1 + chance.randrange(size.services)
    quantity = chance.choice((100, 250, 1000, 1234, 5000, 33333))
    state = state_of(chance, number, size)
    has_provider = service % 4 != 0
    charge = (0.5 + service / 100) * quantity / 1000
    cost = (0.3 + service / 100) * quantity / 1000
    remains = {"partial": quantity // 4, "canceled": quantity, "completed": 0}.get(state, quantity // 2)
    net = {"canceled": 0.0, "partial": charge * 3 / 4}.get(state, charge)
    created = placed_at(number, size)
    upstream = 50_000 + number if has_provider and state != "pending" else 0
    return (
        number,
        str(service),
        "default",
        3 if has_provider else 0,
        str(100 + service),
        upstream,
        str(1 + chance.randrange(size.customers)),
        f"https://example.com/{number}",
        str(quantity),
        f"{net:.4f}",
        f"{cost:.4f}",
        state,
        str(chance.randrange(9999)),
        str(remains),
        created + timedelta(hours=2),
        created,
    )


def _traps(size: Size) -> list[Sequence[Any]]:
    n, at = size.orders, START + timedelta(days=301)
    usual = ("https://example.com/", "100", "0.1000", "0.0500")
    return [
        (n + 1, "1", "default", 3, "101", 10**9 + 1, "999999", *usual, "completed", "0", "0", at, at),
        (n + 2, "9999", "default", 3, "101", 10**9 + 2, "1", *usual, "completed", "0", "0", at, at),
        (n + 3, "1", "default", 88, "101", 10**9 + 3, "1", *usual, "inprogress", "0", "0", at, at),
        (
            n + 4,
            "1",
            "default",
            3,
            "101",
            10**9 + 4,
            "1",
            "https://example.com/",
            "many",
            "0.1000",
            "0",
            "completed",
            "",
            "",
            at,
            at,
        ),
        (n + 5, "1", "default", 3, "101", 10**9 + 2, "1", *usual, "completed", "0", "0", at, at),
        (
            n + 6,
            "1",
            "default",
            3,
            "101",
            10**9 + 6,
            "1",
            *usual,
            "Tamamlandı",
            "0",
            "0",
            "0000-00-00 00:00:00",
            "0000-00-00 00:00:00",
        ),
        (n + 7, "1", "default", 3, "101", 0, "1", *usual, "error", "0", "0", at, at),
        (n + 8, "1", "default", 3, "101", 10**9 + 8, "1", *usual, "awaiting", "0", "0", at, at),
        (n + 9, "1", "default", 3, "101", 0, "1", *usual, "refunded", "0", "0", at, at),
        (n + 10, "1", "default", 3, "101", 10**9 + 10, "1", *usual, "fail", "0", "0", at, at),
        (2**31 + 5, "1", "default", 3, "101", 10**9 + 11, "1", *usual, "completed", "0", "0", at, at),
    ]
