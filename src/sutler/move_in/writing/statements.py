"""The statements that orders are written with."""

from sutler.storage.statements import Statement

INSERT_ORDERS = Statement(
    "INSERT INTO orders_order (id, customer_id, service_id, type, link, quantity, remains, details, currency,"
    " rate_micros, exchange_base, exchange_units, charge_micros, returned_micros, status, start_count, created_at,"
    " finished_at, kind)"
    " SELECT id, customer_id, service_id, type, link, quantity, remains, details, currency, rate_micros,"
    " exchange_base, exchange_units, charge_micros, returned_micros, status, start_count, created_at, finished_at,"
    " 'single' FROM {rows} WHERE 1 = 1",
    {
        "id": "integer",
        "customer_id": "bigint",
        "service_id": "bigint",
        "type": "text",
        "link": "text",
        "quantity": "bigint",
        "remains": "bigint",
        "details": "jsonb",
        "currency": "text",
        "rate_micros": "bigint",
        "exchange_base": "bigint",
        "exchange_units": "bigint",
        "charge_micros": "bigint",
        "returned_micros": "bigint",
        "status": "text",
        "start_count": "bigint",
        "created_at": "timestamptz",
        "finished_at": "timestamptz",
    },
)
INSERT_EVENTS = Statement(
    "INSERT INTO orders_orderevent (order_id, at, actor, from_status, to_status, kind, data)"
    " SELECT order_id, at, actor, from_status, to_status, kind, data FROM {rows} WHERE 1 = 1",
    {
        "order_id": "bigint",
        "at": "timestamptz",
        "actor": "text",
        "from_status": "text",
        "to_status": "text",
        "kind": "text",
        "data": "jsonb",
    },
)
# Accepted, as whoever sent it over there was answered with an id.
INSERT_ATTEMPTS = Statement(
    "INSERT INTO fulfilment_attempt (id, order_id, provider_id, upstream_service_id, service_id, link_digest,"
    " expected_micros, sent_at, answered_at, upstream_id, action, state, worker, floor_id, clean_scans, decided_by)"
    " SELECT id, order_id, provider_id, upstream_service_id, service_id, link_digest, expected_micros, sent_at,"
    " sent_at, upstream_id, 'add', 'accepted', 'move-in', 0, 0, '' FROM {rows} WHERE 1 = 1",
    {
        "id": "bigint",
        "order_id": "bigint",
        "provider_id": "bigint",
        "upstream_service_id": "bigint",
        "service_id": "bigint",
        "link_digest": "text",
        "expected_micros": "bigint",
        "sent_at": "timestamptz",
        "upstream_id": "text",
    },
)
INSERT_UPSTREAM_ORDERS = Statement(
    "INSERT INTO fulfilment_upstreamorder (id, attempt_id, order_id, provider_id, upstream_service_id, upstream_id,"
    " expected_micros, cost_micros, word, placed_at, confirmed_at, misses, finished_at)"
    " SELECT id, attempt_id, order_id, provider_id, upstream_service_id, upstream_id, cost_micros, cost_micros, '',"
    " placed_at, placed_at, 0, finished_at FROM {rows} WHERE 1 = 1",
    {
        "id": "bigint",
        "attempt_id": "bigint",
        "order_id": "bigint",
        "provider_id": "bigint",
        "upstream_service_id": "bigint",
        "upstream_id": "text",
        "cost_micros": "bigint",
        "placed_at": "timestamptz",
        "finished_at": "timestamptz",
    },
)
INSERT_ASK_TIMES = Statement(
    "INSERT INTO fulfilment_asktime (upstream_order_id, provider_id, ask_at)"
    " SELECT id, provider_id, ask_at FROM {rows} WHERE 1 = 1",
    {"id": "bigint", "provider_id": "bigint", "ask_at": "timestamptz"},
)
CLAIMED = Statement(
    "SELECT {answer} FROM {rows} JOIN fulfilment_upstreamorder there ON there.provider_id = rows.provider_id"
    " AND there.upstream_id = rows.upstream_id",
    {"provider_id": "bigint", "upstream_id": "text"},
    ("there.provider_id", "there.upstream_id", "there.order_id"),
)
