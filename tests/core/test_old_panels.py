"""Values of other panels: a table for each kind, with what was seen there."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.lifecycle import Status
from sutler.core.old_panels import moments, numbers, texts, words
from sutler.core.old_panels.passwords import stored_password
from sutler.core.old_panels.words import OddStatus

ISTANBUL = ZoneInfo("Europe/Istanbul")


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        (None, 0),
        ("", 0),
        ("12", 12_000_000),
        ("12.3456", 12_345_600),
        ("12.34567891", 12_345_679),  # more digits than ours
        ("0.30000000000000004", 300_000),  # a float
        ("0.0000005", 1),  # half a micro, away from zero as MySQL rounds
        ("0.0000004", 0),
        ("-3.5000", -3_500_000),
        ("-0.0000005", -1),
        ("1e-7", 0),
        ("1.5E+3", 1_500_000_000),
        (" 7.10 ", 7_100_000),
        (".5", 500_000),
        ("5.", 5_000_000),
        ("1,234.56", None),  # a thousand to one, a fraction to another
        ("12 345", None),
        ("free", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e99", None),
        ("9000000001", None),  # more than the books hold
        ("٣", None),
    ],
)
def test_amounts(text: str | None, micros: int | None) -> None:
    assert numbers.micros(text) == micros


@given(st.integers(-(10**13), 10**13))
def test_what_has_at_most_six_decimals_is_exact(micros: int) -> None:
    sign = "-" if micros < 0 else ""
    assert numbers.micros(f"{sign}{abs(micros) // 10**6}.{abs(micros) % 10**6:06d}") == micros


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1000", 1000),
        ("1000.00", 1000),
        (" 5 ", 5),
        ("1e3", 1000),
        ("", 0),
        ("1000.5", None),
        ("many", None),
        ("-1", -1),
    ],
)
def test_numbers_as_text(text: str, number: int | None) -> None:
    assert numbers.whole(text) == number


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-07-01 12:00:00", datetime(2026, 7, 1, 9, tzinfo=UTC)),
        ("2010-01-01 12:00:00", datetime(2010, 1, 1, 10, tzinfo=UTC)),  # before that zone gave up its winter time
        ("2026-07-01", datetime(2026, 6, 30, 21, tzinfo=UTC)),
        ("1782907200", datetime(2026, 7, 1, 12, tzinfo=UTC)),  # seconds since 1970 know no zone
        ("0000-00-00 00:00:00", None),
        ("0000-00-00", None),
        ("1970-01-01 00:00:00", None),
        ("2026-00-10 00:00:00", None),
        ("2026-02-30 00:00:00", None),
        ("1999-01-01 00:00:00", None),
        ("9999-12-31 23:59:59", datetime(9999, 12, 31, 20, 59, 59, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_moments(text: str | None, hour: datetime | None) -> None:
    assert moments.moment(text, ISTANBUL) == hour


def test_an_hour_that_happens_twice_is_the_first_of_the_two() -> None:
    assert moments.moment("2026-10-25 02:30:00", ZoneInfo("Europe/Berlin")) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("café", "café"),
        ("cafÃ©", "café"),  # UTF-8 read as Windows-1252
        ("Ð¤Ð¾Ð»Ð»Ð¾Ð²ÐµÑ€Ñ‹", "Фолловеры"),
        ("ÃƒÂ©", "é"),  # twice
        ("ðŸ˜€ fast", "😀 fast"),
        ("fast ðŸ˜", "fast"),  # cut in the middle of the emoji
        ("fast \ufffd", "fast"),
        ("café Â£5", "café Â£5"),  # not all of it is: left as it is
        ("Ünal", "Ünal"),
        ("A &amp; B", "A & B"),
        ("A &amp;amp; B", "A & B"),
        ("&#128512; &#x1F600;", "😀 😀"),
        ("https://example.com/?a=1&lt=2", "https://example.com/?a=1&lt=2"),  # no entity without its semicolon
        ("two\nlines\x00\x07", "two lines"),
        ("\ud800broken", "broken"),
        (None, ""),
    ],
)
def test_lines(text: str | None, line: str) -> None:
    assert texts.line(text, 100) == line


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("&lt;p&gt;One&lt;/p&gt;&lt;p&gt;two&lt;br&gt;three&lt;/p&gt;", "One\ntwo\nthree"),
        ("One<br/>two", "One\ntwo"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a\r\n\r\n\r\n\r\nb", "a\n\nb"),
        ("<!-- hidden -->shown", "shown"),
    ],
)
def test_paragraphs(text: str, paragraphs: str) -> None:
    assert texts.paragraphs(text, 100) == paragraphs


@given(st.text(max_size=60))
def test_what_was_stored_twice_encoded_comes_back(text: str) -> None:
    stored = "".join(_as_windows(each) for each in text.encode("utf-8", "ignore"))
    once = text.encode("utf-8", "ignore").decode()
    assert texts.decoded(stored) in {once, texts.decoded(once), stored}


def _as_windows(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


@given(st.text(), st.integers(1, 50))
def test_any_text_is_fit_to_be_kept(text: str, longest: int) -> None:
    line = texts.line(text, longest)
    assert len(line) <= longest
    line.encode()
    assert "\x00" not in line


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("completed", Status.COMPLETED),
        ("Completed", Status.COMPLETED),
        ("In progress", Status.IN_PROGRESS),
        ("in_progress", Status.IN_PROGRESS),
        ("inprogress", Status.IN_PROGRESS),
        ("awaiting", Status.PENDING),
        ("refunded", Status.CANCELED),
        ("Cancelled", Status.CANCELED),
        ("Tamamlandı", Status.COMPLETED),
        ("TAMAMLANDI", Status.COMPLETED),
        ("İptal", Status.CANCELED),
        ("Выполнено", Status.COMPLETED),
        ("Завершён", Status.COMPLETED),
        ("Concluído", Status.COMPLETED),
        ("En progreso", Status.IN_PROGRESS),
        ("error", OddStatus.FAILED),
        ("fail", OddStatus.FAILED),
        ("", OddStatus.UNKNOWN),
        (None, OddStatus.UNKNOWN),
        ("moon", OddStatus.UNKNOWN),
    ],
)
def test_statuses(word: str | None, status: Status | OddStatus) -> None:
    assert words.status(word) is status


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("default", "Default"),
        ("custom_comments", "Custom Comments"),
        ("Custom Comments Package", "Custom Comments Package"),
        ("mentions_user_followers", "Mentions User Followers"),
        ("1", "Default"),
        ("2", "Package"),
        ("17", "Poll"),
        ("something else", "Default"),
        (None, "Default"),
    ],
)
def test_order_types(word: str | None, name: str) -> None:
    assert words.order_type(word) == name


@pytest.mark.parametrize(
    ("kept", "stored"),
    [
        ("$2y$10$" + "a" * 53, "old_bcrypt$2y$10$" + "a" * 53),
        ("$2a$08$" + "a" * 53, "old_bcrypt$2a$08$" + "a" * 53),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "old_phpass$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", ""),  # MD5
        ("5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", ""),  # SHA-1
        ("password", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_passwords(kept: str | None, stored: str) -> None:
    assert stored_password(kept) == stored
