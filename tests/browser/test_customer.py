"""What customers do, from signing up to a ticket that is answered."""

import re

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser import CUSTOMER, OWNER, PASSWORD
from tests.browser.conftest import SECONDS, People
from tests.live.caller import until
from tests.live.panel import Panel

FOLLOWERS, LIKES = 5, 4  # services of the desk's, so that nobody has to wait for a provider
LINK = re.compile(r'http://[^\s<"]+/account/confirm-email/[^\s<"]+')


def order(page: Page, service: int, link: str, quantity: int) -> int:
    """Places an order by the form and returns its id."""
    page.goto(f"/orders/new?service={service}")
    page.get_by_label("Link").fill(link)
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url(re.compile(r"/orders/\d+$"))
    return int(page.url.rpartition("/")[2])


def confirmation(panel: Panel) -> str:
    """The link of the letter that came last, which the worker of a panel without a mail server prints."""
    letters = panel.folder / "work.log"
    found: list[str] = until(lambda: LINK.findall(letters.read_text(errors="replace")), SECONDS)
    return found[-1]


def test_from_signing_up_to_the_first_completed_order(panel: Panel, people: People) -> None:
    page = people.guest()
    page.goto("/")
    page.get_by_role("link", name="Create account").click()
    page.get_by_label("Email").fill("nora@example.com")
    page.get_by_label("Your name or company").fill("Nora's shop")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("I accept the terms").check()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Confirm your email")
    page.goto(confirmation(panel))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/dashboard")
    expect(page.get_by_text("No orders yet")).to_be_visible()

    page.goto("/funds/add")
    page.get_by_label("Amount", exact=True).fill("40")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile(r"/funds/add/\d+$"))
    payment = page.url.rpartition("/")[2]
    staff = people.signed_in(OWNER)
    staff.goto(f"/office/payments/{payment}")
    staff.get_by_role("button", name="Confirm and credit").click()
    staff.wait_for_url("**/office/payments**")

    page.goto(f"/orders/new?service={FOLLOWERS}")
    page.get_by_label("Link").fill("https://example.com/nora")
    page.get_by_label("Quantity").fill("2000")
    expect(page.locator("#price")).to_contain_text("3.10")
    number = order(page, FOLLOWERS, "https://example.com/nora", 2000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pending")
    panel.complete(number)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Completed")  # without loading it again
    page.goto("/dashboard")
    expect(page.locator(".figure", has_text="36.90")).to_be_visible()


def test_a_refusal_stands_beside_its_field_and_nothing_typed_is_lost(people: People) -> None:
    page = people.signed_in(CUSTOMER)
    page.goto(f"/orders/new?service={FOLLOWERS}")
    page.get_by_label("Link").fill("https://example.com/typed")
    page.get_by_label("Quantity").fill("1")
    page.locator("form#order").evaluate("form => { form.noValidate = true }")
    page.get_by_role("button", name="Place order").click()
    expect(page.locator(".field", has=page.get_by_label("Quantity")).locator(".errorlist")).to_be_visible()
    expect(page.get_by_label("Link")).to_have_value("https://example.com/typed")


def test_a_mass_order_has_a_report_for_each_line(people: People) -> None:
    page = people.signed_in(CUSTOMER)
    page.goto("/orders/mass")
    lines = [f"{FOLLOWERS}|https://example.com/mass/1|200", f"{FOLLOWERS}|https://example.com/mass/2|1", "nonsense"]
    page.get_by_label("Orders, one per line").fill("\n".join([*lines, f"{LIKES}|https://example.com/mass/3|50"]))
    page.get_by_role("button", name="Check lines").click()
    expect(page.get_by_text("2 lines have errors.")).to_be_visible()
    page.get_by_role("button", name="Place 2 orders").click()
    expect(page.get_by_text("2 orders placed.").first).to_be_visible()
    expect(page.get_by_label("Orders, one per line")).to_have_value("\n".join(lines[1:]))


def test_a_key_is_made_and_used_by_a_program(panel: Panel, people: People) -> None:
    page = people.signed_in(CUSTOMER)
    page.goto("/account/keys")
    page.get_by_label("Label").fill("My program")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#secret").inner_text()
    fields = {"action": "add", "service": FOLLOWERS, "link": "https://example.com/program", "quantity": 100}
    said = httpx2.post(f"{panel.url}/api/v2", data={"key": secret, **fields}, timeout=SECONDS).json()
    page.goto(f"/orders/{said['order']}")
    expect(page.get_by_text("https://example.com/program")).to_be_visible()
    page.goto("/account/keys")
    expect(page.locator("#secret")).to_have_count(0)
    row = page.get_by_role("row", name="My program")
    row.get_by_text("Revoke", exact=True).click()
    row.get_by_role("button", name="Revoke permanently").click()
    expect(page.get_by_role("row", name="My program")).to_have_count(0)
    refused = httpx2.post(f"{panel.url}/api/v2", data={"key": secret, "action": "balance"}, timeout=SECONDS)
    assert "error" in refused.json()


def test_a_refill_and_a_cancel_are_asked_for(panel: Panel, people: People) -> None:
    page = people.signed_in(CUSTOMER)
    number = order(page, FOLLOWERS, "https://example.com/dropped", 500)
    panel.complete(number, hours_ago=48)
    page.goto(f"/orders/{number}")
    page.get_by_role("button", name="Request refill").click()
    expect(page.get_by_role("status")).to_contain_text("Refill")
    page.goto("/refills")
    expect(page.get_by_role("link", name=str(number))).to_be_visible()
    number = order(page, FOLLOWERS, "https://example.com/regretted", 500)
    page.get_by_text("Cancel order").click()
    page.get_by_role("button", name="Yes, cancel").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Canceled")


def test_a_ticket_is_opened_and_answered(people: People) -> None:
    page = people.signed_in(CUSTOMER)
    page.goto("/tickets/new")
    page.get_by_label("Subject").fill("Is there an app?")
    page.get_by_label("Your message").fill("I would like to order from my phone.")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(re.compile(r"/tickets/\d+$"))
    staff = people.signed_in(OWNER)
    staff.goto("/office/tickets")
    staff.get_by_role("link", name="Is there an app?").click()
    staff.get_by_role("textbox", name="Your message").fill("The pages work on phones as they are.")
    staff.get_by_role("button", name="Send reply").click()
    page.reload()
    expect(page.get_by_text("The pages work on phones as they are.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Answered")


def test_without_javascript_one_signs_in_and_orders(people: People) -> None:
    page = people.signed_in(CUSTOMER, java_script_enabled=False)
    page.goto(f"/orders/new?service={LIKES}")
    page.get_by_label("Service", exact=True).select_option(str(FOLLOWERS))
    page.get_by_role("button", name="Load service").click()
    page.get_by_label("Link").fill("https://example.com/plain")
    page.get_by_label("Quantity").fill("1000")
    page.get_by_role("button", name="Show price").click()
    expect(page.locator("#price")).to_contain_text("1.55")
    page.get_by_role("button", name="Place order").click()
    page.wait_for_url(re.compile(r"/orders/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pending")


def test_an_order_is_placed_by_keyboard_alone(people: People) -> None:
    page = people.signed_in(CUSTOMER)
    page.goto(f"/orders/new?service={FOLLOWERS}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for label, text in (("Link", "https://example.com/keys"), ("Quantity", "300")):
        tab_to(page, label)
        page.keyboard.type(text)
    expect(page.locator("#price")).to_contain_text("0.465")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/orders/\d+$"))


def tab_to(page: Page, label: str) -> None:
    """Presses Tab until this field has the focus."""
    field = page.get_by_label(label)
    for _ in range(20):
        page.keyboard.press("Tab")
        if field.evaluate("field => field === document.activeElement"):
            return
    raise AssertionError(label)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_search_is_one_key_away_and_its_hits_are_walked_with_arrows(people: People, width: int) -> None:
    page = people.signed_in(CUSTOMER, viewport={"width": width, "height": 844})
    page.goto("/services")
    page.keyboard.press("/")
    page.keyboard.type("mass order", delay=20)
    hit = page.locator(".seek .hits a:visible", has_text="Mass order")
    expect(hit).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(hit).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/mass")
    page.keyboard.press("Control+k")
    page.keyboard.type("mass order", delay=20)
    expect(hit).to_be_visible()
    page.keyboard.press("Escape")
    expect(hit).to_have_count(0)


def test_a_service_is_found_in_the_order_form_and_what_cannot_be_ordered_is_told_while_typing(people: People) -> None:
    page = people.signed_in(CUSTOMER)
    page.goto("/orders/new")
    page.get_by_label("Link").fill("https://example.com/kept")
    page.get_by_label("Find a service").fill("likes")
    page.locator(f"#finds button[value='{LIKES}']").click()
    expect(page.get_by_label("Service", exact=True)).to_have_value(str(LIKES))
    expect(page.get_by_label("Link")).to_have_value("https://example.com/kept")
    page.get_by_label("Quantity").fill("1")
    expect(page.locator("#price")).to_contain_text("The minimum quantity is")
