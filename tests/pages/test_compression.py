"""Pages and assets leave compressed for who accepts it, and a page's secrets never stand in them twice alike."""

import gzip
import re

import pytest
from django.templatetags.static import static
from django.test import Client

GZIP = {"Accept-Encoding": "br, gzip"}


@pytest.mark.django_db
def test_a_page_is_compressed_for_who_accepts_it() -> None:
    plain, packed = Client().get("/api"), Client().get("/api", headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Content-Length"] == str(len(packed.content))
    assert len(packed.content) < len(plain.content) / 3
    assert gzip.decompress(packed.content).endswith(b"</html>\n")
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.django_db
def test_two_answers_share_no_token_and_are_padded_at_random() -> None:
    browser = Client()
    answers = [browser.get("/account/login/", headers=GZIP).content for _ in range(2)]
    pages = [gzip.decompress(each).decode() for each in answers]
    tokens = [re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', each) for each in pages]
    assert tokens[0] and tokens[1] and tokens[0][1] != tokens[1][1]
    assert all(each[3] & 8 for each in answers), "the name of random length in the head (RFC 1952, FNAME)"


@pytest.mark.parametrize("name", ["web/base.css", "web/icons.svg", "web/htmx.min.js"])
def test_an_asset_is_the_same_file_compressed_once(name: str) -> None:
    plain, packed = Client().get(static(name)), Client().get(static(name), headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.content) == plain.content
    assert packed.content == Client().get(static(name), headers=GZIP).content
