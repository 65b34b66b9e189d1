"""Every page, in light and dark, on a desk and on a phone: axe finds nothing serious and nothing is too wide."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser import CUSTOMER, OWNER
from tests.browser.conftest import People
from tests.browser.crawl import crawl
from tests.pages.walk import rooms

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
DESK, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
GRAVE = ("serious", "critical")
RUN = "options => axe.run(document, options).then(said => said.violations)"
# What a dark page can do worse than a light one.
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
EVERYTHING = {"resultTypes": ["violations"]}
TOO_WIDE = "() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - window.innerWidth"
IDS = "() => [...document.querySelectorAll('[id]')].map(each => each.id)"


def grave(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe holds against the page, if it is serious."""
    found = [each for each in page.evaluate(RUN, options) if each["impact"] in GRAVE]
    return [f"{each['id']} {[node['html'][:150] for node in each['nodes'][:3]]}" for each in found]


def twice(ids: list[str]) -> set[str]:
    """The ids that more than one element has: a label would name the wrong one."""
    return {each for each in ids if ids.count(each) > 1}


def look(page: Page, path: str) -> list[str]:
    """Everything that is wrong with a page."""
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.goto(path)
    faults = grave(page, EVERYTHING) + [f"two have the id {each}" for each in twice(page.evaluate(IDS))]
    page.emulate_media(color_scheme="dark")
    faults += [f"dark: {each}" for each in grave(page, CONTRAST)]
    page.set_viewport_size(PHONE)
    wider = page.evaluate(TOO_WIDE)
    return [f"{path}: {each}" for each in (*faults, *([f"{wider} px wider than a phone"] if wider > 0 else []))]


def reached(page: Page, start: str, *more: str) -> tuple[dict[str, str], set[str]]:
    """The pages that links lead to from here, by the name of their address; and the names of files beside them."""
    kinds: dict[str, str] = {}

    def get(path: str) -> tuple[int, str, str]:
        answer = page.context.request.get(path, max_redirects=0)
        kinds[path] = answer.headers.get("content-type", "")
        return answer.status, kinds[path], answer.text() if kinds[path].startswith("text/html") else ""

    found = crawl(get, [start, *more])
    pages = {name: path for name, path in found.items() if kinds[path].startswith("text/html")}
    return pages, set(found) - set(pages)


# Where only forms lead, and what is a part of a page or a picture that a panel may have.
MORE = (
    "/office/providers/1/import?services=101",
    "/search?q=e",
    "/office/search?q=e",
    "/office/services/prices?services=1",
    "/office/services/edit?services=1",
    "/office/orders/change?order=1&to=canceled",
)
# What a page loads by itself, and the page that leads on to a payment gateway.
PARTS = {"office:provider_sync", "office:settings_logo_image", "shop:funds_pay", "shop:order_find"}


@pytest.mark.parametrize(
    ("email", "room", "start"), [(CUSTOMER, "shop:", "/dashboard"), (OWNER, "office:", "/office/")]
)
def test_every_page_of_a_room_is_sound(people: People, email: str, room: str, start: str) -> None:
    page = people.signed_in(email, reduced_motion="reduce")
    page.add_init_script(AXE)
    found, files = reached(page, start, *MORE)
    missed = [each for each in rooms(room) if each.name not in {*found, *files, *PARTS} and is_page(page, each.path)]
    faults = [fault for path in found.values() for fault in look(page, path)]
    assert not faults + [f"no link leads to {each.name}" for each in missed], "\n".join(faults)


def is_page(page: Page, path: str) -> bool:
    """Whether there is a page at an address, and not a file or what only forms are sent to."""
    answer = page.context.request.get(path, max_redirects=0)
    return answer.status != 405 and not (answer.ok and "text/html" not in answer.headers["content-type"])


def test_every_page_of_guests_is_sound(people: People) -> None:
    page = people.guest(reduced_motion="reduce")
    page.add_init_script(AXE)
    faults = [fault for path in reached(page, "/")[0].values() for fault in look(page, path)]
    assert not faults, "\n".join(faults)
