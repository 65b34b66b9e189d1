"""What staff do: the desk, a provider's services put on sale, a verdict, a balance adjusted, signing in as others."""

import re
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from sutler.simulator.upstream import KEY
from tests.browser import CUSTOMER, OWNER
from tests.browser.conftest import SECONDS, People
from tests.browser.test_customer import FOLLOWERS, order
from tests.live.caller import until
from tests.live.panel import SUTLER, Panel, free_port


@pytest.fixture(scope="module")
def upstream(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of another panel, whose answers to orders break off."""
    port, log = free_port(), tmp_path_factory.mktemp("upstream") / "log"
    told = ("--port", str(port), "--services", "6", "--fault", "cut_off", "--only", "add")
    command = [str(SUTLER), "lying-upstream", *told]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=panel.environment, stdout=output, stderr=output)
    try:
        until(lambda: "LYING_UPSTREAM_URL" in log.read_text())
        yield f"http://127.0.0.1:{port}/api/v2"
    finally:
        process.terminate()
        process.wait(15)


def fact(page: Page, name: str) -> str:
    """The value beside a name."""
    return page.locator(f"dt:text-is('{name}') + dd").first.inner_text().replace("\u00a0", " ")


def test_an_order_is_taken_at_the_desk_and_reported(people: People) -> None:
    customer, page = people.signed_in(CUSTOMER), people.signed_in(OWNER)
    number = order(customer, FOLLOWERS, "https://example.com/desk", 700)
    page.goto("/office/desk")
    page.get_by_role("row", name="All services").get_by_role("spinbutton").fill("500")
    page.get_by_role("row", name="All services").get_by_role("button", name="Take").click()
    page.goto("/office/desk?mine=1")
    page.locator(f"[name=start-{number}]").fill("1200")
    page.locator(f"[name=remains-{number}]").fill("70")
    page.locator(f"[name=status-{number}]").select_option(label="Partial")
    page.get_by_role("button", name="Save reports").click()
    expect(page.locator(f"[name=status-{number}]")).to_have_count(0)
    customer.reload()
    expect(customer.get_by_role("heading", level=1)).to_contain_text("Partial")
    expect(customer.get_by_text("0.1085")).not_to_have_count(0)


def test_a_service_is_imported_sold_lost_and_settled_by_a_verdict(panel: Panel, people: People, upstream: str) -> None:
    page = people.signed_in(OWNER)
    service = bring_in(page, upstream)
    customer = people.signed_in(CUSTOMER)
    number = order(customer, service, "https://example.com/upstream", 1000)
    found = page.get_by_role("link", name=str(number), exact=True)
    until(lambda: page.goto("/office/unknown") and found.count())
    found.click()
    page.locator("summary", has_text="Not placed, resend").click()
    box = page.locator("details[open]")
    box.get_by_label("Evidence").fill("Their support has never seen it")
    box.get_by_role("checkbox").check()
    panel.stop_worker()  # else the order is sent again before it is looked at
    box.get_by_role("button", name="Not placed, resend").click()
    page.wait_for_url("**/office/unknown")
    expect(page.get_by_role("link", name=str(number), exact=True)).to_have_count(0)
    page.goto(f"/office/orders/{number}")
    expect(page.get_by_text("never placed, as staff found").first).to_be_visible()
    page.goto("/office/audit")
    expect(page.get_by_role("row", name="Their support has never seen it")).to_contain_text(f"order {number}")
    panel.start_worker()


def bring_in(page: Page, upstream: str) -> int:
    """Adds a provider, fetches its catalogue, puts a service of it on sale; returns our id of it."""
    page.goto("/office/providers/new")
    page.get_by_label("Name", exact=True).fill("Liar")
    page.get_by_label("API URL").fill(upstream)
    page.get_by_label("API key", exact=True).fill(KEY)
    page.get_by_label("Delay between requests (ms)").fill("0")
    page.get_by_role("button", name="Add and test").click()
    page.get_by_role("navigation", name="Liar").get_by_role("link", name="Services").click()
    expect(page.locator("#sync")).to_contain_text("6 services", timeout=2 * SECONDS * 1000)
    page.reload()
    row = page.locator("tbody tr", has=page.locator("[data-label=Type]", has_text=re.compile("^Default$"))).first
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Preview prices").click()
    page.get_by_role("button", name="Import 1 service").click()
    expect(page.get_by_text("Services imported: 1")).to_be_visible()
    return int(page.locator("[data-label='Our service'] a").inner_text())


def test_a_balance_is_adjusted_after_a_dry_run(people: People) -> None:
    page = people.signed_in(OWNER)
    page.goto("/office/customers?q=Tandem")
    page.get_by_role("link", name="Tandem").click()
    page.get_by_role("link", name="Adjust balance").click()
    before = fact(page, "Balance now")
    page.get_by_label("Amount").fill("12.50")
    page.get_by_label("Reason").fill("A late delivery")
    page.get_by_role("button", name="Preview").click()
    after = fact(page, "Balance after")
    assert after != before
    page.get_by_role("button", name="Adjust balance").click()
    page.wait_for_url("**/statement")
    expect(page.get_by_role("row", name="A late delivery")).to_contain_text("12.50")
    page.get_by_role("link", name="Adjust balance").click()
    assert fact(page, "Balance now") == after


def test_staff_sign_in_as_a_customer_under_a_banner(people: People) -> None:
    page = people.signed_in(OWNER)
    page.goto("/office/customers?q=Tandem")
    page.get_by_role("link", name="Tandem").click()
    page.get_by_role("button", name="Sign in as").click()
    expect(page.get_by_text("You are signed in as Tandem")).to_be_visible()
    order(page, FOLLOWERS, "https://example.com/for-them", 100)
    expect(page.get_by_text("You are signed in as Tandem")).to_be_visible()
    page.get_by_role("button", name="Back to the office").click()
    page.wait_for_url(re.compile("/office/"))
    page.goto("/office/audit")
    expect(page.get_by_text("signed in as").first).to_be_visible()
