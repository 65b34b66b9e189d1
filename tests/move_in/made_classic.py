"""A made-up panel of the classic family, with its traps."""

import hashlib
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.move_in.old_panel import START, Filler, Made, Size, key_of, made, placed_at, state_of


def make_classic(
    connection: Any, size: Size, *, url: str = "https://upstream.example/api/v2", prefix: str = ""
) -> Made:
    """Fills the database of the connection with a panel of the classic family."""
    run = Filler(connection, prefix)
    run.tables("classic.sql")
    chance = random.Random(size.seed)
    run.rows("settings", "id site_currency", [(1, "USD")])
    run.rows(
        "clients",
        "client_id name email username password balance"
        " debit_limit apikey client_type lang discount_percentage register_date",
        [_client(chance, number) for number in range(1, size.customers + 1)],
    )
    run.rows("clients_price", "id client_id service_id service_price", [(1, 2, 1, 0.7)])
    _catalogue(run, size, url)
    columns = (
        "order_id client_id service_id api_orderid order_api api_serviceid api_charge order_quantity"
        " order_charge order_url order_start order_remains order_create order_status last_check order_extras"
    )
    orders = [_order(chance, number, size) for number in range(1, size.orders + 1)]
    run.rows("orders", columns, orders)
    _talk(run)
    return made(orders, 0, 3, 13)


def _catalogue(run: Filler, size: Size, url: str) -> None:
    run.rows("categories", "category_id category_name category_line", [(1, "Followers", 1), (2, "Likes", 2)])
    run.rows(
        "service_api",
        "id api_name api_url api_key currency status",
        [(3, "First", url, "k" * 32, "USD", "2")],
    )
    run.rows(
        "services",
        "service_id service_api api_service api_detail category_id service_line service_type"
        " service_package service_name service_description service_price service_min service_max service_dripfeed"
        " service_secret service_deleted",
        [
            (
                number,
                3,
                100 + number,
                '{"rate": "0.31"}',
                1 + number % 2,
                number,
                "2",
                "1",
                f"Service {number}",
                "Fast",
                f"{0.5 + number / 100:.4f}",
                10,
                100000,
                "2",
                "1" if number == 4 else "2",
                "1" if number == 6 else "0",
            )
            for number in range(1, size.services + 1)
        ],
    )


def _talk(run: Filler) -> None:
    run.rows(
        "payments",
        "payment_id client_id payment_amount payment_method payment_status payment_create_date",
        [(1, 1, 0.1 + 0.2, "PayPal", "3", START), (2, 1, 5, "PayPal", "1", START), (3, 2, -4, "Manual", "3", START)],
    )
    run.rows(
        "tickets",
        "ticket_id client_id subject time lastupdate_time status",
        [(1, 1, "Order 1", START, START, "closed")],
    )
    run.rows(
        "ticket_reply",
        "id ticket_id time support message",
        [(1, 1, START, "1", "Where?"), (2, 1, START, "2", "There")],
    )


def _client(chance: random.Random, number: int) -> Sequence[Any]:
    balance = {1: 1000.0, 2: 0.1 + 0.2, 3: 7.123456789, 4: -2.25}.get(number, chance.random() * 200)
    password = hashlib.sha1(b"password").hexdigest() if number % 2 else hashlib.md5(b"password").hexdigest()
    return (
        number,
        f"Customer {number}",
        f"c{number}@example.com",
        f"user{number}",
        password,
        balance,
        1.5,
        key_of(number),
        "1" if number == 12 else "2",
        "en",
        "0",
        START,
    )


def _order(chance: random.Random, number: int, size: Size) -> Sequence[Any]:
    service = 1 + chance.randrange(size.services)
    quantity = chance.choice((100, 250, 1000, 1234, 5000, 33333))
    state = state_of(chance, number, size)
    charge = (0.5 + service / 100) * quantity / 1000
    remains = {"partial": quantity // 4, "canceled": quantity, "completed": 0}.get(state, quantity // 2)
    created = placed_at(number, size)
    return (
        number,
        1 + chance.randrange(size.customers),
        service,
        50_000 + number if state != "pending" else 0,
        3,
        100 + service,
        0.31 * quantity / 1000,
        quantity,
        charge,
        f"https://example.com/{number}?a=1&amp;b=2",
        chance.randrange(9999),
        remains,
        created,
        state,
        created + timedelta(hours=2),
        "[]",
    )
