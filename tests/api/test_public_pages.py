"""The public pages and the endpoints for whoever runs the panel."""

import re
from html import unescape
from typing import Any

import msgspec
import pytest
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from prometheus_client import REGISTRY

from sutler.api import metrics, pages
from sutler.api.actions import ACTIONS
from sutler.api.wording import WORDINGS
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.order_types import ORDER_TYPES
from sutler.core.refusals import Reason, Refusal

# The layouts show the name that staff have set, which is in the database.
pytestmark = pytest.mark.django_db

PAGES = ("/", "/api")


@pytest.fixture
def settle(settings: Any) -> Any:
    """Gives settings of the panel other values for one test."""

    def settle(**values: Any) -> None:
        settings.SUTLER = settings.SUTLER | values

    return settle


def page(client: Client, path: str = "/api", **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, path
    return answer.content.decode()


def section(html: str, name: str) -> str:
    return html.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def parameters(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><code>(\w+)</code>', html)


@pytest.mark.django_db
def test_the_front_door_names_the_panel_and_leads_to_the_documentation(client: Client, settle: Any) -> None:
    settle(SUTLER_PANEL_NAME="Northwind")
    html = page(client, "/")
    assert ">Northwind</h1>" in html
    assert 'href="/api"' in html


@pytest.mark.django_db
def test_a_panel_name_is_text_and_never_markup(client: Client, settle: Any) -> None:
    settle(SUTLER_PANEL_NAME="<script>1</script>")
    for path in PAGES:
        assert "<script" not in page(client, path)


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_is_documented_with_each_of_its_answers(client: Client, name: str) -> None:
    html = section(page(client), name)
    blocks = re.findall(r"<pre[^>]*><code>(.*?)</code>", html, re.DOTALL)
    shown = [msgspec.json.decode(unescape(block)) for block in blocks]
    answers = [shape.answer for shape in ACTIONS[name].shapes]
    assert shown == (answers[:1] if name == "add" else answers)
    for shape in ACTIONS[name].shapes:
        assert set(parameters(html)) >= {"key", "action", *(each.name for each in shape.parameters)}


@pytest.mark.parametrize("name", ORDER_TYPES)
def test_every_order_type_is_documented_with_its_fields_and_choices(client: Client, name: str) -> None:
    blocks = section(page(client), "add").split("<details")[1:]
    [html] = [each for each in blocks if re.search(rf"<summary>{name} <", each)]
    fields = ORDER_TYPES[name].fields
    assert parameters(html) == ["key", "action", "service", *(each.name for each in fields), "request_id"]
    assert html.count("optional") == sum(not each.required for each in fields) + 1
    for each in fields:
        assert each.about in unescape(html)
        assert ", ".join(map(str, each.choices)) in html


def test_every_error_and_every_status_is_documented(client: Client) -> None:
    html = unescape(page(client))
    # What only staff are told has no line.
    for wording in WORDINGS.values():
        if wording.about:
            assert f'<th scope="row">{wording.sample}</th>' in html
    for status in (*Status, *RefillStatus):
        assert f'<th scope="row">{status.value}</th>' in html


@pytest.mark.parametrize(
    ("public_url", "host", "shown"),
    [
        ("", "localhost:8000", "http://localhost:8000/api/v2"),
        ("https://panel.test", "localhost:8000", "https://panel.test/api/v2"),
        ("https://panel.test/", "localhost:8000", "https://panel.test/api/v2"),
    ],
)
def test_the_panels_own_url_stands_on_the_page_and_in_the_programs(
    client: Client, settle: Any, public_url: str, host: str, shown: str
) -> None:
    settle(SUTLER_PUBLIC_URL=public_url)
    assert f'<code class="url">{shown}</code>' in page(client, host=host)
    for each in pages.EXAMPLES:
        program = client.get(f"/api/examples/{each.file}", headers={"host": host})
        assert shown in program.content.decode()
        assert "panel.example" not in program.content.decode()
        assert program.headers["Content-Disposition"] == f'attachment; filename="{each.file}"'
        assert program.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_limit_is_told_where_there_is_one(client: Client, settle: Any) -> None:
    settle(SUTLER_KEY_REQUESTS_PER_SECOND=7)
    assert "7 requests per second" in page(client)
    settle(SUTLER_KEY_REQUESTS_PER_SECOND=0)
    assert "requests a second" not in page(client)


@pytest.mark.django_db
def test_every_link_of_the_pages_leads_somewhere(client: Client) -> None:
    for path in PAGES:
        html = page(client, path)
        for link in re.findall(r'href="([^"]+)"', html):
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in html
            else:
                assert client.get(link).status_code == 200, link


@pytest.mark.django_db
@pytest.mark.parametrize("path", [*PAGES, "/api/"])
def test_pages_run_nothing_inline_and_forbid_it(client: Client, path: str) -> None:
    answer = client.get(path)
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=|https?://(?!testserver)", answer.content.decode())
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/api/examples/order.rb",
        "/api/examples/..%2fpages.py",
        "/api/examples/../pages.py",
        "/assets/web/base.css",
        "/assets/..%2fpages.py",
        "/nothing",
    ],
)
def test_there_is_nothing_else_to_fetch(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_our_own_files_may_be_kept_for_ever_under_a_name_that_follows_their_content(client: Client) -> None:
    [link] = re.findall(r'rel="stylesheet" href="([^"]+/base[^"]+)"', page(client))
    assert re.fullmatch(r"/assets/web/base\.[0-9a-f]{12}\.css", link)
    answer = client.get(link)
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "prefers-color-scheme: dark" in answer.content.decode()


@pytest.mark.parametrize("path", [*PAGES, "/healthz", "/readyz", "/metrics", "/api/examples/order.py"])
def test_pages_are_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_a_living_process_says_so_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")  # no database fixture: any query would fail
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_probes_may_ask_by_address_and_pages_may_not(client: Client) -> None:
    assert client.get("/healthz", headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/", headers={"host": "10.1.2.3:8000"}).status_code == 400


@pytest.mark.django_db
def test_a_panel_is_ready_when_the_database_has_all_migrations(client: Client) -> None:
    assert client.get("/readyz").status_code == 200
    graph = MigrationLoader(connection).graph
    [newest] = graph.leaf_nodes("orders")
    for name in (newest, *graph.nodes[newest].replaces):
        MigrationRecorder(connection).record_unapplied(*name)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "orders." + newest[1] in answer.json()["status"]


@pytest.mark.django_db
def test_a_panel_is_not_ready_when_the_database_does_not_answer(client: Client) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(fail):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "database does not answer"})


@pytest.mark.parametrize(
    ("peer", "headers", "token", "code"),
    [
        ("127.0.0.1", {}, "", 200),
        ("::1", {}, "", 200),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, "", 404),
        ("127.0.0.1", {"x-forwarded-for": ""}, "", 404),
        ("127.0.0.1", {"forwarded": "for=127.0.0.1"}, "", 404),
        ("192.0.2.1", {}, "", 404),
        ("192.0.2.1", {"authorization": "Bearer "}, "", 404),
        ("192.0.2.1", {"authorization": "Bearer s3cret"}, "", 404),
        ("192.0.2.1", {"authorization": "Bearer s3cret"}, "s3cret", 200),
        ("192.0.2.1", {"authorization": "Bearer s3cre"}, "s3cret", 404),
        ("192.0.2.1", {"authorization": "Basic s3cret"}, "s3cret", 404),
        ("192.0.2.1", {"authorization": "Bearer é"}, "s3cret", 404),
        ("", {}, "s3cret", 404),
    ],
)
def test_metrics_are_for_this_machine_or_the_holder_of_the_token(
    client: Client, settle: Any, peer: str, headers: dict[str, str], token: str, code: int
) -> None:
    settle(SUTLER_METRICS_TOKEN=token)
    answer = client.get("/metrics", headers=headers, REMOTE_ADDR=peer)
    assert answer.status_code == code
    if code == 404:
        assert answer.json() == {"error": "Not found"}


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_batch_is_counted_by_outcome_and_reason(client: Client) -> None:
    funds = Refusal(Reason.NOT_ENOUGH_FUNDS)
    watched = [
        ("sutler_api_requests_total", {"action": "add", "outcome": "answered"}, 3),
        ("sutler_api_requests_total", {"action": "add", "outcome": "refused"}, 3),
        ("sutler_api_requests_total", {"action": "add", "outcome": "overload"}, 1),
        ("sutler_api_requests_total", {"action": "add", "outcome": "failure"}, 1),
        ("sutler_api_refusals_total", {"reason": "not_enough_funds"}, 2),
        ("sutler_api_refusals_total", {"reason": "incorrect_field"}, 1),
        ("sutler_api_batch_size_sum", {"action": "add"}, 6),
        ("sutler_api_batch_size_count", {"action": "add"}, 1),
        ("sutler_orders_accepted_total", {}, 3),
        ("sutler_place_batch_seconds_count", {}, 1),
    ]
    before = [figure(name, **labels) for name, labels, _ in watched]
    metrics.record_batch("add", 3, [funds, funds, Refusal(Reason.INCORRECT_FIELD, "link")])
    metrics.record_placed(3)
    metrics.record_place_seconds(0.004)
    metrics.record_overload("add")
    metrics.record_failure("add")
    after = [figure(name, **labels) for name, labels, _ in watched]
    assert [late - early for late, early in zip(after, before, strict=True)] == [more for *_, more in watched]
    assert b"sutler_place_batch_seconds_bucket" in client.get("/metrics").content


def test_an_inbox_is_measured_when_the_metrics_are_read(client: Client) -> None:
    waiting = ["an order", "another"]
    metrics.watch_inbox("test", waiting.__len__)
    assert b'sutler_api_inbox_length{inbox="test"} 2.0' in client.get("/metrics").content
    waiting.clear()
    assert b'sutler_api_inbox_length{inbox="test"} 0.0' in client.get("/metrics").content
