"""What sources of exchange rates answer, as published and as nobody should: read exactly or refused whole."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sutler.config import ConfigError
from sutler.core.worth import Worth
from sutler.fulfilment.catalogue.exchange_source import (
    ECB_URL,
    Quotes,
    Source,
    Unreadable,
    read,
    read_ecb,
    read_json,
    source,
)

ECB = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
  xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
 <gesmes:subject>Reference rates</gesmes:subject>
 <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
 <Cube><Cube time='2026-11-30'>{rows}</Cube></Cube>
</gesmes:Envelope>"""
ROWS = "<Cube currency='USD' rate='1.0823'/><Cube currency='IDR' rate='17145.28'/><Cube currency='BAD' rate='N/A'/>"
DAY = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("currency", "base", "worth"),
    [
        ("EUR", "USD", Worth(10823, 10_000)),  # as it is written
        ("USD", "EUR", Worth(10_000, 10823)),  # as it is written, the other way round
        ("IDR", "EUR", Worth(100, 1714528)),
        ("IDR", "USD", Worth(100_000, 1584152268)),  # 17145.28 / 1.0823, to ten digits
        ("BAD", "USD", None),
        ("GBP", "USD", None),
        ("EUR", "GBP", None),
    ],
)
def test_the_central_banks_rates_in_the_panels_base_currency(currency: str, base: str, worth: Worth | None) -> None:
    quotes = read_ecb(ECB.format(rows=ROWS).encode())
    assert quotes.dated == DAY
    assert quotes.worth(currency, base) == worth


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<a><Cube time='2026-11-30'><Cube currency='USD' rate='1'/></Cube>&b;</a>"
)
OUTSIDE = (
    '<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a><Cube time="2026-11-30"><Cube currency="USD" rate="1"/></Cube></a>'
)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (LAUGHS, "document type"),
        (OUTSIDE, "document type"),
        ("<html><body>Not found", "no XML"),
        ("", "no XML"),
        ("<a/>", "not the daily rates"),
        (ECB.format(rows=""), "not the daily rates"),
        (ECB.format(rows=ROWS).replace("2026-11-30", "yesterday"), "date"),
        (ECB.format(rows=ROWS + "<Cube time='2026-11-29'><Cube currency='USD' rate='9'/></Cube>"), "not the daily"),
    ],
)
def test_hostile_xml_is_refused_whole(body: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_ecb(body.encode())


def test_more_currencies_than_there_are_is_refused() -> None:
    codes = (f"{a}{b}{c}" for a in "ABCDEFGHIJK" for b in "ABCDEFGHIJ" for c in "ABCDEFGHIJ")
    rows = "".join(f"<Cube currency='{code}' rate='1'/>" for code in codes)
    with pytest.raises(Unreadable, match="more than"):
        read_ecb(ECB.format(rows=rows).encode())


@pytest.mark.parametrize(
    ("body", "fields", "worth"),
    [
        ('{"base":"USD","date":"2026-11-30","rates":{"EUR":0.92}}', ("base", "date", "rates"), Worth(100, 92)),
        ('{"base":"USD","date":"2026-11-30","rates":{"EUR":"0.92"}}', ("base", "date", "rates"), Worth(100, 92)),
        (
            '{"base_code":"USD","at":1796000400,"conversion_rates":{"EUR":9.2e-1}}',
            ("base_code", "at", "conversion_rates"),
            Worth(1086956522, 1_000_000_000),
        ),
        ('{"date":"2026-11-30","usd":{"eur":0.92}}', ("=USD", "date", "usd"), Worth(100, 92)),
        (
            '{"data":{"base":"USD","rates":{"EUR":0.92,"X":{},"Y":null}}}',
            ("data.base", "-", "data.rates"),
            Worth(100, 92),
        ),
        (
            '{"base":"USD","date":"2026-11-30","rates":{"EUR":0.92364532019704430}}',
            ("base", "date", "rates"),
            Worth(1082666667, 10**9),
        ),
        ('{"base":"USD","date":"2026-11-30","rates":{"EUR":0}}', ("base", "date", "rates"), None),
        ('{"base":"USD","date":"2026-11-30","rates":{"EUR":-1}}', ("base", "date", "rates"), None),
        ('{"base":"USD","date":"2026-11-30","rates":{"EUR":"0,92"}}', ("base", "date", "rates"), None),
        ('{"base":"USD","date":"2026-11-30","rates":{"EUR":1e30}}', ("base", "date", "rates"), None),
        ('{"base":"USD","date":"2026-11-30","rates":{"EUR":NaN}}', ("base", "date", "rates"), None),
    ],
)
def test_json_is_read_by_the_names_of_its_fields(body: str, fields: tuple[str, str, str], worth: Worth | None) -> None:
    assert read_json(body.encode(), *fields).worth("EUR", "USD") == worth


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no base currency"),
        (b'{"base":"dollars!"}', "no base currency"),
        (b'{"base":"USD","rates":[]}', "no rates"),
        (b'{"base":"USD","rates":{"EUR":1},"date":"soon"}', "date"),
        (b'{"base":"USD","rates":{"EUR":1},"date":{"a":1}}', "date"),
        (b'{"base":"USD","rates":{"EUR":1}}', "date"),
        (b'{"error":"invalid access key"}', "no base currency"),
    ],
)
def test_hostile_json_is_refused_whole(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(Source("https://rates.example", "rates.example", ("base", "date", "rates")), body)


def configured(address: str, **more: Any) -> Source | None:
    fields, hosts = more.get("fields", ["base", "date", "rates"]), more.get("hosts", [])
    return source(
        {
            "SUTLER_EXCHANGE_SOURCE": address,
            "SUTLER_EXCHANGE_FIELDS": fields,
            "SUTLER_UPSTREAM_PRIVATE_HOSTS": hosts,
        }
    )


def test_where_rates_are_from() -> None:
    assert configured("") is None
    assert (configured("ecb") or Source("", "")).url == ECB_URL
    there = configured("https://rates.example/latest?key=secret") or Source("", "")
    assert (there.name, there.fields) == ("rates.example", ("base", "date", "rates"))
    assert configured("http://127.0.0.1:9/x", hosts=["127.0.0.1"]) is not None


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("bank", {}),
        ("file:///etc/passwd", {}),
        ("http://rates.example", {}),
        ("https://rates.example", {"fields": ["rates"]}),
    ],
)
def test_a_source_that_cannot_be_one(address: str, more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        configured(address, **more)


def test_quotes_of_absurd_size_are_no_worth() -> None:
    assert Quotes("USD", {"EUR": "0.0000000001"}, None).worth("EUR", "USD") is None
