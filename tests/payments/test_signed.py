"""The generic signed gateway: its page's address, its signatures, and that nothing unsigned can be set up to count."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sutler.payments.gateways.shape import Begun, Charge, FactKind, Failure, Flaw, Notice
from sutler.payments.gateways.signed.gateway import SIGNED
from tests.conftest import NOW
from tests.payments.gateway_methods import SIGNED_SETTINGS, signed_notice

CHARGE = Charge(
    "F-000001-abc",
    12_500_000,
    "USD",
    "Panel & F-000001",
    "https://p.example/1",
    "https://p.example/n",
    NOW + timedelta(1),
)
FIELDS = {"order": "F-1", "payment": "7", "sum": "12.50", "cur": "USD", "status": "paid"}
IN_FIELD = SIGNED_SETTINGS | {
    "algorithm": "md5",
    "signature_place": "field",
    "signature_name": "sign",
    "notice_signed": "{payment}:{sum}:{secret}:{order}:{cur}:{status}",
}


def begun(**changed: str) -> dict[str, str]:
    """The fields of the page's address."""

    async def nothing(*_: Any) -> Failure:
        raise AssertionError("nothing is asked")

    async def begin() -> Begun | Failure:
        return await SIGNED.begin(SIGNED_SETTINGS | changed, CHARGE, nothing)

    answer = asyncio.run(begin())
    assert isinstance(answer, Begun)
    return {name: value for name, [value] in parse_qs(urlsplit(answer.page_url).query).items()}


def test_the_pages_address_is_filled_in_and_signed() -> None:
    fields = begun()
    text = b"F-000001-abc:12.50:first secret"
    assert fields["sum"] == "12.50"
    assert fields["sign"] == hmac.new(b"first secret", text, hashlib.sha256).hexdigest()
    assert begun(algorithm="md5")["sign"] == hashlib.md5(text).hexdigest()


def test_what_stands_in_the_address_is_escaped() -> None:
    assert begun(page_url="https://pay.example/?about={description}&b=2") == {"about": "Panel & F-000001", "b": "2"}


def signed(algorithm: str, text: bytes) -> bytes:
    if algorithm.startswith("hmac-"):
        return hmac.digest(b"second secret", text, algorithm.removeprefix("hmac-"))
    return hashlib.new(algorithm, text).digest()


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sha512", "hmac-sha1", "sha256", "sha512", "sha1", "md5"])
@pytest.mark.parametrize("written", ["hex", "base64", "prefixed"])
def test_signatures_of_every_kind_are_read(algorithm: str, written: str) -> None:
    settings = SIGNED_SETTINGS | {"algorithm": algorithm, "notice_signed": "{body}{secret}", "signature_prefix": "v="}
    body = urlencode(FIELDS).encode()
    signature = signed(algorithm, body + b"second secret")
    text = {
        "hex": signature.hex().upper(),
        "base64": base64.b64encode(signature).decode(),
        "prefixed": f"v={signature.hex()}",
    }[written]
    answer = SIGNED.read_notice(settings, body, {"x-signature": text}, NOW)
    assert isinstance(answer, Notice)
    [fact] = answer.facts
    assert (fact.kind, fact.reference, fact.transaction_id) == (FactKind.PAID, "F-1", "7")
    assert (fact.amount_micros, fact.currency) == (12_500_000, "USD")


def test_a_signature_may_stand_among_the_fields() -> None:
    signature = hashlib.md5(b"7:12.50:second secret:F-1:USD:paid").hexdigest()
    for body in (urlencode(FIELDS | {"sign": signature}), json.dumps(FIELDS | {"sign": signature})):
        assert isinstance(SIGNED.read_notice(IN_FIELD, body.encode(), {}, NOW), Notice)
    for name in FIELDS:
        body = urlencode(FIELDS | {"sign": signature, name: "13"})
        assert SIGNED.read_notice(IN_FIELD, body.encode(), {}, NOW) is Flaw.FORGED
    assert SIGNED.read_notice(IN_FIELD, urlencode(FIELDS).encode(), {}, NOW) is Flaw.FORGED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("paid", FactKind.PAID),
        ("SUCCESS", FactKind.PAID),
        ("waiting", FactKind.PENDING),
        ("failed", FactKind.FAILED),
        ("refunded", FactKind.REVERSED),
        ("odd", None),
        ("", None),
    ],
)
def test_words_of_the_status_are_the_settings(status: str, kind: FactKind | None) -> None:
    answer = SIGNED.read_notice(SIGNED_SETTINGS, *signed_notice("F-1", "7", "5.00", status), NOW)
    assert isinstance(answer, Notice)
    assert [each.kind for each in answer.facts] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("amount", "micros"),
    [
        ("5", 5_000_000),
        ("5.1234567890", 5_123_456),
        ("0.00", None),
        ("-5", None),
        ("1e3", None),
        ("5,00", None),
        ("٥", None),
        ("9" * 13, None),
        ("", None),
    ],
)
def test_an_amount_is_read_exactly_or_not_at_all(amount: str, micros: int | None) -> None:
    answer = SIGNED.read_notice(SIGNED_SETTINGS, *signed_notice("F-1", "7", amount), NOW)
    if micros is None:
        assert answer is Flaw.UNREADABLE
    else:
        assert isinstance(answer, Notice)
        assert answer.facts[0].amount_micros == micros


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff=1", b"a=1&a=2", b'{"a": NaN}', b"{" * 60_000])
def test_what_is_no_notice_is_refused(body: bytes) -> None:
    assert SIGNED.read_notice(SIGNED_SETTINGS, body, {}, NOW) in {Flaw.UNREADABLE, Flaw.FORGED}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ""),
        (IN_FIELD, ""),
        ({"algorithm": "crc32"}, "algorithm"),
        ({"page_url": "https://pay.example/{secret}"}, "page_url"),
        ({"page_signed": "{sum}"}, "page_signed"),
        ({"algorithm": "md5"}, "notice_signed"),
        ({"signature_place": "field"}, "signature_place"),
        ({"signature_place": "cookie"}, "signature_place"),
        ({"paid_words": ""}, "paid_words"),
        (IN_FIELD | {"notice_signed": "{payment}:{secret}:{order}:{cur}:{status}"}, "amount_field"),
        (IN_FIELD | {"notice_signed": "{sum}:{secret}:{order}:{cur}:{status}"}, "transaction_field"),
        (IN_FIELD | {"notice_signed": "{payment}:{sum}:{secret}:{cur}:{status}"}, "reference_field"),
        (IN_FIELD | {"notice_signed": "{payment}:{sum}:{secret}:{order}:{status}"}, "currency_field"),
        (IN_FIELD | {"notice_signed": "{payment}:{sum}:{secret}:{order}:{cur}"}, "status_field"),
    ],
)
def test_settings_that_let_what_is_not_signed_count_are_refused(changed: dict[str, str], wrong: str) -> None:
    assert SIGNED.fault(SIGNED_SETTINGS | changed) == wrong


def test_presets_know_only_settings_that_there_are_and_need_only_secrets() -> None:
    names = {each.name for each in SIGNED.fields}
    for preset in SIGNED.presets.values():
        assert set(preset) <= names
        assert not {"secret", "notice_secret"} & set(preset)
        assert SIGNED.fault(preset) == ""


PRESET_NOTICES = [
    ("freekassa", {"MERCHANT_ID": "7", "AMOUNT": "12.50", "intid": "9", "MERCHANT_ORDER_ID": "F-1"}, "F-1", "YES"),
    ("robokassa", {"OutSum": "12.500000", "InvId": "44", "Shp_reference": "F-1"}, "44", "OK44"),
    (
        "payeer",
        {
            "m_operation_id": "5",
            "m_operation_ps": "2609",
            "m_operation_date": "10.12.2015 00:00:00",
            "m_operation_pay_date": "10.12.2015 00:00:05",
            "m_shop": "7",
            "m_orderid": "F-1",
            "m_amount": "12.50",
            "m_curr": "USD",
            "m_desc": "UGF5bWVudA==",
            "m_status": "success",
        },
        "5",
        "F-1|success",
    ),
]
PRESET_SIGNED = {
    "freekassa": ("md5", "7:12.50:second:F-1"),
    "robokassa": ("md5", "12.500000:44:second:Shp_reference=F-1"),
    "payeer": (
        "sha256",
        "5:2609:10.12.2015 00:00:00:10.12.2015 00:00:05:7:F-1:12.50:USD:UGF5bWVudA==:success:second",
    ),
}


@pytest.mark.parametrize(("preset", "fields", "transaction", "answer"), PRESET_NOTICES)
def test_a_preset_reads_notices_as_its_gateway_sends_them(
    preset: str, fields: dict[str, str], transaction: str, answer: str
) -> None:
    settings = {**SIGNED.presets[preset], "secret": "first", "notice_secret": "second", "currency": "USD"}
    algorithm, text = PRESET_SIGNED[preset]
    signature = hashlib.new(algorithm, text.encode()).hexdigest().upper()
    body = urlencode({**fields, settings["signature_name"]: signature}).encode()
    notice = SIGNED.read_notice(settings, body, {}, NOW)
    assert isinstance(notice, Notice)
    [fact] = notice.facts
    assert (fact.kind, fact.reference, fact.transaction_id) == (FactKind.PAID, "F-1", transaction)
    assert (fact.amount_micros, fact.currency, notice.answer) == (12_500_000, "USD", answer)
    # A field that is not signed says nothing.
    other = urlencode({**fields, settings["signature_name"]: signature, "intid": "10", "x": "y"}).encode()
    assert SIGNED.read_notice(settings, other, {}, NOW) == notice
