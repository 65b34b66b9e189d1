"""`python -m tests.browser.screens`: pictures of twelve pages after a month, in light, dark and on a phone."""

import os
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.blank import ROOT, fresh_database
from tests.browser import CUSTOMER, OWNER
from tests.browser.chromium import launched
from tests.browser.conftest import live_a_month, people_of
from tests.live.panel import Panel

SCREENS = ROOT / "docs" / "screens"
WAYS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}
# Of each page: who sees it, where it is, and the link on it to follow, where its own address depends on the panel.
PAGES = {
    "dashboard": (CUSTOMER, "/dashboard", ""),
    "services": (CUSTOMER, "/services", ""),
    "new-order": (CUSTOMER, "/orders/new?service=3", ""),
    "orders": (CUSTOMER, "/orders", ""),
    "drip-feed": (CUSTOMER, "/orders?q=https://example.com/spread", "main tbody tr:last-child a"),
    "funds": (CUSTOMER, "/funds", ""),
    "ticket": (CUSTOMER, "/tickets", "main tbody a >> text=Stopped before"),
    "overview": (OWNER, "/office/", ""),
    "desk": (OWNER, "/office/desk", ""),
    "unknown-outcome": (OWNER, "/office/unknown", "main tbody a"),
    "customer": (OWNER, "/office/customers?q=Northwind", "main tbody a"),
    "provider": (OWNER, "/office/providers", "main tbody a >> text=Northstar"),
}


def main() -> None:
    """Takes all pictures afresh."""
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_database(f"sutler_screens_{os.getpid()}") as url,
        sync_playwright() as playwright,
        launched(playwright) as chromium,
    ):
        panel = Panel(Path(folder), url)
        try:
            panel.init()
            panel.open(())
            live_a_month(panel)
            for way in WAYS:
                panel.office("look_alive")  # no worker: there is nobody behind the addresses of the month's providers
                take(chromium, panel, way)
        finally:
            panel.close()


def take(chromium: Browser, panel: Panel, way: str) -> None:
    """Takes the pictures of one way to look at pages."""
    with people_of(chromium, panel) as people:
        pages = {email: people.signed_in(email, **WAYS[way]) for email in (CUSTOMER, OWNER)}
        for name, (email, path, link) in PAGES.items():
            go(pages[email], path, link)
            pages[email].screenshot(path=SCREENS / f"{name}-{way}.png", animations="disabled")


def go(page: Page, path: str, link: str) -> None:
    """Opens a page, over a list where its own address is found there."""
    page.goto(path)
    if link:
        page.locator(link).first.click()
        page.wait_for_load_state()


if __name__ == "__main__":
    main()
