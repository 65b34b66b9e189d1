"""What a source of exchange rates says: the European Central Bank's daily XML, or JSON with the names of its fields.

Hostile text like all that comes from outside: bounded, no document type and so no entities, every number a decimal.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat

from sutler.config import ConfigError
from sutler.core.money import is_currency
from sutler.core.worth import Worth, of_base, of_one, rounded

ECB = "ecb"
ECB_URL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
ECB_BASE = "EUR"
MOST_CURRENCIES = 1_000
# One currency is worth less than so many of another, or the number is a mistake.
LARGEST_RATIO = 10**9
NO_FIELD = "-"

_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)


class Unreadable(Exception):
    """The answer is not what the source was said to answer. The message is one line for staff."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where rates are from; `fields` are the JSON names of base currency, date and rates, dots between levels."""

    url: str
    name: str
    fields: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Quotes:
    """How many units of each currency one unit of `base` is worth, as written; `dated` None where none is stated."""

    base: str
    rates: Mapping[str, str]
    dated: datetime | None

    def worth(self, currency: str, base_currency: str) -> Worth | None:
        """Returns what the currency is worth in the base currency, None if both are not quoted.

        As it is written, where one of the two is the source's own base and it has at most ten digits; else rounded
        to ten.
        """
        of, within = self._number(currency), self._number(base_currency)
        if of is None or within is None or not 1 / LARGEST_RATIO < within / of < LARGEST_RATIO:
            return None
        written = None
        if base_currency == self.base:
            written = of_base(self.rates[currency])
        elif currency == self.base:
            written = of_one(self.rates[base_currency])
        worth = within / of
        return written or rounded(worth.numerator, worth.denominator)

    def _number(self, currency: str) -> Fraction | None:
        if currency == self.base:
            return Fraction(1)
        text = self.rates.get(currency, "")
        return (Fraction(text) or None) if _NUMBER.fullmatch(text) else None


def source(settings: Mapping[str, Any]) -> Source | None:
    """Returns the configured source, None if there is none. Raises ConfigError if it cannot be one."""
    address, fields = settings["SUTLER_EXCHANGE_SOURCE"], settings["SUTLER_EXCHANGE_FIELDS"]
    if not address:
        return None
    if address == ECB:
        return Source(ECB_URL, "European Central Bank")
    host = urlsplit(address).hostname
    if not host or urlsplit(address).scheme not in {"https", "http"}:
        raise ConfigError("SUTLER_EXCHANGE_SOURCE must be `ecb` or an address with https")
    if address.startswith("http:") and host not in settings["SUTLER_UPSTREAM_PRIVATE_HOSTS"]:
        raise ConfigError("SUTLER_EXCHANGE_SOURCE must be an address with https")
    if len(fields) != 3:
        raise ConfigError("SUTLER_EXCHANGE_FIELDS must name three fields: base, date and rates")
    return Source(address, host[:100], tuple(fields))


def read(asked: Source, body: bytes) -> Quotes:
    """Returns what the source answered. Raises Unreadable."""
    return read_ecb(body) if asked.fields is None else read_json(body, *asked.fields)


def read_ecb(body: bytes) -> Quotes:
    """Reads the daily XML: `<Cube time="2026-11-30"><Cube currency="USD" rate="1.0823"/>`."""
    rates: dict[str, str] = {}
    times: list[str] = []

    def note(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "Cube":
            return
        if "time" in attributes:
            times.append(attributes["time"])
        if "currency" in attributes and "rate" in attributes:
            _add(rates, attributes["currency"], attributes["rate"])

    parser = expat.ParserCreate()
    parser.StartElementHandler = note
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Unreadable(f"it is no XML: {error}") from error
    if len(times) != 1 or not rates:
        raise Unreadable("it is not the daily rates of the European Central Bank")
    return Quotes(ECB_BASE, rates, _date(times[0]))


def read_json(body: bytes, base_field: str, date_field: str, rates_field: str) -> Quotes:
    """Reads JSON by the names of its fields; `=EUR` is a base that it does not state, `-` a date that it does not."""
    try:
        answer = json.loads(body.decode("utf-8"), parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is no JSON") from error
    base = base_field[1:] if base_field.startswith("=") else _find(answer, base_field)
    found = _find(answer, rates_field)
    if not isinstance(base, str) or not is_currency(base.upper()):
        raise Unreadable(f"it states no base currency as {base_field}")
    if not isinstance(found, dict):
        raise Unreadable(f"it has no rates as {rates_field}")
    rates: dict[str, str] = {}
    for currency, rate in found.items():
        if isinstance(rate, str):
            _add(rates, currency, rate)
    return Quotes(base.upper(), rates, None if date_field == NO_FIELD else _date(_find(answer, date_field)))


def _refuse_doctype(*_: Any) -> None:
    raise Unreadable("it declares a document type, which the daily rates have not")


def _add(rates: dict[str, str], currency: str, rate: str) -> None:
    if is_currency(currency.upper()):
        rates[currency.upper()] = rate.strip()
    if len(rates) > MOST_CURRENCIES:
        raise Unreadable(f"it has more than {MOST_CURRENCIES} currencies")


def _find(answer: Any, name: str) -> Any:
    for part in name.split("."):
        answer = answer.get(part) if isinstance(answer, dict) else None
    return answer


def _date(text: Any) -> datetime:
    """Reads a day, a moment or the seconds of Unix; a day begins at midnight UTC."""
    try:
        if isinstance(text, str) and re.fullmatch(r"[0-9]{9,11}", text, re.ASCII):
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise Unreadable("its date cannot be read") from error
