"""The generic signed gateway: everything about it is a setting, checked so that nothing unsigned can move money."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from sutler.payments.gateways.reading import amount_text, is_same, micros_of, read_form, read_json, text_of
from sutler.payments.gateways.shape import (
    Ask,
    Begun,
    Charge,
    Fact,
    FactKind,
    Failure,
    Field,
    FieldKind,
    Flaw,
    Gateway,
    Notice,
    Settings,
)
from sutler.payments.gateways.signed.template import fill, names_in

ALGORITHMS = ("hmac-sha256", "hmac-sha512", "hmac-sha1", "sha256", "sha512", "sha1", "md5")
HEADER, FIELD = "header", "field"
BODY, SECRET = "body", "secret"
# What may stand in the address of the page and in what is signed there.
CHARGE_NAMES = frozenset({"account", "reference", "amount", "currency", "description", "return_url", "notice_url"})
# What is read out of a notice, and so has to be signed.
_READ = ("reference_field", "transaction_field", "amount_field", "currency_field", "status_field")
_WORDS = {
    FactKind.PAID: "paid_words",
    FactKind.PENDING: "pending_words",
    FactKind.FAILED: "failed_words",
    FactKind.REVERSED: "refunded_words",
}


async def begin(settings: Settings, charge: Charge, _ask: Ask) -> Begun | Failure:
    """Returns the address of the gateway's page, filled in and signed. Asks nothing."""
    values = {
        "account": settings.get("account", ""),
        "reference": charge.reference,
        "amount": amount_text(charge.amount_micros),
        "currency": charge.currency,
        "description": charge.description,
        "return_url": charge.return_url,
        "notice_url": charge.notice_url,
    }
    text = fill(settings.get("page_signed", ""), {**values, SECRET: settings.get("secret", "")})
    signature = _sign(settings["algorithm"], text.encode(), settings.get("secret", "")) if text else b""
    page_url = fill(
        settings["page_url"],
        {**values, "signature": signature.hex(), "SIGNATURE": signature.hex().upper()},
        is_address=True,
    )
    return Begun(page_url=page_url)


def read_notice(settings: Settings, body: bytes, headers: Mapping[str, str], _now: datetime) -> Notice | Flaw:
    """Reads a form or a JSON object whose signature is right. Without a status field every notice means paid."""
    is_json = "json" in headers.get("content-type", "") or body[:1] == b"{"
    fields: Mapping[str, Any] | None = read_json(body) if is_json else read_form(body)
    if fields is None:
        return Flaw.UNREADABLE
    if not _is_genuine(settings, body, fields, headers):
        return Flaw.FORGED
    reference = _value(settings, fields, "reference_field")
    named = names_in(settings.get("answer", ""))
    answer = fill(settings.get("answer", ""), {each: _field(fields, each) for each in named} | {"reference": reference})
    kind = _kind(settings, _value(settings, fields, "status_field"))
    if kind is None:
        return Notice(answer=answer)
    micros = micros_of(_value(settings, fields, "amount_field"))
    if not reference or len(reference) > 100 or not micros:
        return Flaw.UNREADABLE
    transaction = _value(settings, fields, "transaction_field") or reference
    if len(transaction) > 200:
        return Flaw.UNREADABLE
    # A gateway that names no currency has one, and the method is in it.
    currency = _value(settings, fields, "currency_field").upper() or settings.get("currency", "")
    return Notice((Fact(kind, reference, "", transaction, micros, currency),), answer)


def fault(settings: Settings) -> str:
    """Returns the name of a setting that will not do: above all one that would let what is not signed count."""
    algorithm, place = settings.get("algorithm", ""), settings.get("signature_place", "")
    signed = names_in(settings.get("notice_signed", ""))
    is_keyed = algorithm.startswith("hmac-")
    faults = {
        "algorithm": algorithm not in ALGORITHMS,
        "page_url": bool(names_in(settings.get("page_url", "")) - CHARGE_NAMES - {"signature", "SIGNATURE"}),
        "page_signed": bool(names_in(settings.get("page_signed", "")) - CHARGE_NAMES - {SECRET}),
        # A plain hash of what everybody knows is no signature.
        "notice_signed": not is_keyed and SECRET not in signed,
        # No signature stands in what it signs.
        "signature_place": place not in {HEADER, FIELD} or (place == FIELD and BODY in signed),
        "paid_words": bool(settings.get("status_field")) and not settings.get("paid_words"),
    }
    for name in _READ:
        faults[name] = bool(settings.get(name)) and BODY not in signed and settings[name] not in signed
    return next((name for name, is_wrong in faults.items() if is_wrong), "")


def _kind(settings: Settings, status: str) -> FactKind | None:
    if not settings.get("status_field"):
        return FactKind.PAID
    word = status.strip().casefold()
    for kind, name in _WORDS.items():
        if word in {each.strip().casefold() for each in settings.get(name, "").split(",") if each.strip()}:
            return kind
    return None


def _value(settings: Settings, fields: Mapping[str, Any], setting: str) -> str:
    name = settings.get(setting, "")
    return _field(fields, name) if name else ""


def _field(fields: Mapping[str, Any], name: str) -> str:
    """Returns a field by its name, or by its names from level to level with dots between them."""
    return text_of(fields, name) or text_of(fields, *name.split("."))


def _is_genuine(settings: Settings, body: bytes, fields: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    secret = settings.get("notice_secret") or settings.get("secret", "")
    name, template = settings.get("signature_name", ""), settings.get("notice_signed", "")
    is_header = settings["signature_place"] == HEADER
    given = (headers.get(name.lower(), "") if is_header else _field(fields, name)).strip()
    given = given.removeprefix(settings.get("signature_prefix", ""))
    if not (given and secret and template):
        return False
    values = {each: _field(fields, each) for each in names_in(template)}
    # Bytes that are no text go through as they came.
    signed = fill(template, {**values, BODY: body.decode(errors="surrogateescape"), SECRET: secret})
    signature = _sign(settings["algorithm"], signed.encode(errors="surrogateescape"), secret)
    return is_same(signature.hex(), given.lower()) or is_same(b64encode(signature).decode(), given)


def _sign(algorithm: str, text: bytes, secret: str) -> bytes:
    if algorithm.startswith("hmac-"):
        return hmac.digest(secret.encode(), text, algorithm.removeprefix("hmac-"))
    # MD5 and SHA-1 where a gateway offers nothing better.
    return hashlib.new(algorithm, text, usedforsecurity=False).digest()


@lru_cache(maxsize=1)
def _presets() -> Mapping[str, Settings]:
    folder = Path(__file__).parent / "presets"
    return {each.stem: json.loads(each.read_text(encoding="utf-8")) for each in sorted(folder.glob("*.json"))}


_SIGNED_ABOUT = _("Names of fields in braces, {secret}, or {body} for the whole notice, as the gateway describes it.")

SIGNED = Gateway(
    kind="signed",
    name="Signed notices",
    fields=(
        Field(
            "page_url",
            _("Payment page"),
            FieldKind.ADDRESS,
            about=_(
                "May hold {account}, {reference}, {amount}, {currency}, {description}, {return_url}, {notice_url}, "
                "{signature}"
            ),
        ),
        Field("account", _("Account or shop ID"), is_required=False),
        Field("page_signed", _("Signed text of the payment page"), is_required=False, about=_SIGNED_ABOUT),
        Field("secret", _("Secret"), FieldKind.SECRET),
        Field(
            "notice_secret",
            _("Secret of notices"),
            FieldKind.SECRET,
            is_required=False,
            about=_("Where notices are signed with another one."),
        ),
        Field("algorithm", _("Signature"), FieldKind.CHOICE, default=ALGORITHMS[0], choices=ALGORITHMS),
        Field("signature_place", _("Signature is in a"), FieldKind.CHOICE, default=HEADER, choices=(HEADER, FIELD)),
        Field("signature_name", _("Name of that header or field")),
        Field("signature_prefix", _("Text before the signature"), is_required=False),
        Field("notice_signed", _("Signed text of notices"), default="{body}", about=_SIGNED_ABOUT),
        Field("reference_field", _("Field of our reference")),
        Field("transaction_field", _("Field of the transaction ID"), is_required=False),
        Field("amount_field", _("Field of the amount")),
        Field("currency_field", _("Field of the currency"), is_required=False),
        Field(
            "status_field",
            _("Field of the status"),
            is_required=False,
            about=_("Without one, every notice means paid."),
        ),
        Field("paid_words", _("Words for paid"), is_required=False, about=_("Separated by commas.")),
        Field("pending_words", _("Words for pending"), is_required=False),
        Field("failed_words", _("Words for failed"), is_required=False),
        Field("refunded_words", _("Words for refunded"), is_required=False),
        Field(
            "answer",
            _("Answer to notices"),
            is_required=False,
            default="OK",
            about=_("May hold {reference} and fields of the notice."),
        ),
    ),
    begin=begin,
    read_notice=read_notice,
    fault=fault,
    presets=_presets(),
)
