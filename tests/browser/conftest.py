"""A real browser before a real panel: Chromium, driven by playwright, and the panel's processes after a month of life.

`make test-browser` runs these tests; `make test` leaves them out.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, WebError, expect, sync_playwright

from tests.blank import ROOT, fresh_database
from tests.browser import PASSWORD
from tests.browser.chromium import launched
from tests.live.panel import Panel

SECONDS = 30
expect.set_options(timeout=SECONDS * 1000)


def live_a_month(panel: Panel) -> None:
    """Fills a panel that was just opened."""
    subprocess.run([sys.executable, "-m", "tests.browser.month"], env=panel.environment, cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    """A panel that has been used for a month, with a worker; when all is done its books must be in order."""
    with fresh_database(f"sutler_browser_{os.getpid()}") as url:
        panel = Panel(tmp_path_factory.mktemp("panel"), url)
        panel.environment["SUTLER_ADJUSTMENT_LIMIT"] = "500"
        try:
            panel.init()
            panel.open(())
            live_a_month(panel)
            panel.start_worker()
            yield panel
            panel.verify()
        finally:
            panel.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


class People:
    """Opens browsers for people, each with cookies of its own, and writes down whatever goes wrong in their pages."""

    def __init__(self, chromium: Browser, panel: Panel, stack: ExitStack) -> None:
        self.chromium, self.panel, self.stack = chromium, panel, stack
        self.faults: list[str] = []

    def guest(self, **settings: Any) -> Page:
        """Returns a page of somebody who is not signed in; `settings` are those of a browser context."""
        context = self.chromium.new_context(**{"base_url": self.panel.url, "locale": "en-GB", **settings})
        self.stack.callback(context.close)
        self._listen(context)
        return context.new_page()

    def signed_in(self, email: str, **settings: Any) -> Page:
        """Returns the first page of somebody who has signed in by the form."""
        page = self.guest(**settings)
        page.goto("/account/login/")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(re.compile("/(dashboard|office/)$"))
        return page

    def _listen(self, context: BrowserContext) -> None:
        context.set_default_timeout(SECONDS * 1000)
        context.on("console", self._hear)
        context.on("weberror", self._fail)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.location.get('url')}: {message.text}")

    def _fail(self, error: WebError) -> None:
        self.faults.append(str(error.error))


@contextmanager
def people_of(chromium: Browser, panel: Panel) -> Iterator[People]:
    with ExitStack() as stack:
        people = People(chromium, panel, stack)
        yield people
        assert people.faults == []


@pytest.fixture
def people(chromium: Browser, panel: Panel) -> Iterator[People]:
    """Browsers of this test, in whose consoles nothing may have gone wrong, a breach of the content policy included."""
    with people_of(chromium, panel) as found:
        yield found
