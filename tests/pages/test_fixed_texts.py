"""Fixed texts of other rooms are marked where they stand: pages show them in the reader's language."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from sutler.api.actions import ACTIONS, MOST_IDS
from sutler.api.pages import EXAMPLES
from sutler.api.wording import REFILL_STATUSES, STATUSES, WORDINGS
from sutler.config import SETTINGS
from sutler.core.order_types import ORDER_TYPES
from sutler.ops.verify import CHECKS

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]


def shown_on_the_api_page() -> Iterator[str]:
    for action in ACTIONS.values():
        yield action.about
        for shape in action.shapes:
            yield from (shape.note, *(each.about for each in shape.parameters))
            yield "" if shape.title in ORDER_TYPES else shape.title
    yield from (each.about for each in WORDINGS.values())
    yield from (each.about for each in EXAMPLES)
    yield from (*STATUSES.values(), *REFILL_STATUSES.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([each.sentence for each in CHECKS], id="promises"),
        pytest.param([each.about for each in SETTINGS], id="settings"),
        pytest.param([each for each in shown_on_the_api_page() if each], id="API page"),
    ],
)
def test_a_fixed_text_is_translated(texts: list[str], language: str) -> None:
    with translation.override(language):
        assert [each for each in texts if gettext(each) == each] == []
    # `{% translate variable %}` doubles a percent sign before it looks the text up, and then never finds it.
    assert [each for each in texts if "%" in each] == []
    assert texts


def test_the_api_page_names_the_limit_of_a_list() -> None:
    listed = [each.about for each in (ACTIONS["status"].shapes[1].parameters) if each.name == "orders"]
    assert [f"up to {MOST_IDS} IDs" in each for each in listed] == [True]


def test_the_api_page_speaks_the_readers_language(guest: Client) -> None:
    page = guest.get("/api", headers={"accept-language": "ru"}).content.decode()
    assert "ID заказов (через запятую, до 100 ID)" in page
    assert "Accepted and paid for" not in page
