"""Debian's Chromium, as it is started for tests and pictures."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """A browser without a window. Fails if no Chromium is installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "there is no Chromium; on Debian: apt-get install chromium"
    browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
    try:
        yield browser
    finally:
        browser.close()
