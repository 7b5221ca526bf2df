"""One text of a raw record -> one canonical value, or a refusal that says what was promised without repeating the text."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from wayprint.sources.countries import CODES
from wayprint.sources.identifiers import EMAIL_INSIDE, UNKNOWN_REGION
from wayprint.tables.bronze import NOTHING

TRUE = frozenset(("true", "t", "1", "yes", "y", "oui", "o", "on", "granted", "subscribed", "opt_in", "opted_in"))
FALSE = frozenset(("false", "f", "0", "no", "n", "non", "off", "denied", "unsubscribed", "not_subscribed", "opt_out", "opted_out"))


@lru_cache(maxsize=4_096)
def plain_word(text: str) -> str:
    """A word of consent, or a country's name, without case, accents, and what parts its words: OPT_OUT, opt-out and Opt out are one."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.split(r"[\s_-]+", plain.strip().lower()))


# What systems write for consent beyond yes and no; and what they write where nobody was asked or has not answered yet.
GRANTED = frozenset(map(plain_word, TRUE)) | {
    "1.0", "opt in", "optin", "subscribe", "allowed", "accepted", "agreed", "accepte", "accorde", "abonne", "inscrit"}
DENIED = frozenset(map(plain_word, FALSE)) | {
    "0.0", "optout", "unsubscribe", "withdrawn", "revoked", "refused", "declined", "rejected", "objected", "disallowed", "stop", "refuse", "retire",
    "revoque", "desabonne", "desinscrit", "oppose"}
SILENT = frozenset(map(plain_word, NOTHING)) | {"unknown", "pending", "invalid", "never subscribed", "inconnu"}

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_UTC = EPOCH.replace(tzinfo=None)
_SECOND, _MICROSECOND = 1_000_000, dt.timedelta(microseconds=1)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ROUNDED = re.compile(r"(?<![^_-])\d(?:\.\d+)?E\+\d+(?![^_-])", re.ASCII | re.IGNORECASE)  # alone, or as a part of a joined id
_HASH = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")

Convert = Callable[[str], Any]


class Refused(Exception):
    """A record that cannot be read. `reason` never holds a value of the record, only its shape."""

    def __init__(self, rule: str, reason: str):
        self.rule, self.reason = rule, reason
        super().__init__(reason)


def shape(text: str) -> str:
    """How a text looks, without what it says: digits as 9, letters as a, at most 24 characters."""
    drawn = "".join("9" if c.isdigit() else "a" if c.isalpha() else c if c in " -_/:.,;+@T" else "?" for c in text[:24])
    return f"{drawn!r}" if len(text) <= 24 else f"{drawn!r}... ({len(text)} characters)"


def is_hash(text: str) -> bool:
    return bool(_HASH.fullmatch(text))


def text(value: str) -> str:
    """As sent; an e-mail address inside is taken out, for no canonical column may hold one."""
    return EMAIL_INSIDE.sub("<email>", value) if "@" in value or "%40" in value else value


def identity(value: str) -> str:
    """An id as sent, without what is no part of it: the `.0` of a column of floats, and Shopify's `gid://shopify/Order/` before a number."""
    if "+" in value and _ROUNDED.search(value):
        raise Refused("bad_id", "promised an id, came a number that a spreadsheet rounded (as 1.23E+12): export it again, as text")
    if value.startswith("gid://"):
        last = value.rsplit("/", 1)[1]
        return last if last.isdecimal() else value
    return value[:-2] if value.endswith(".0") and value[:-2].isdecimal() else value


@lru_cache(maxsize=16_384)
def number(value: str) -> Decimal:
    """Exactly the number that is written. A point is the decimal one: whoever writes 1.234 for a thousand and more must know it, for nobody else can."""
    if not _NUMBER.fullmatch(value):
        raise Refused("bad_number", f"promised a number (digits, a point, no thousands mark), came like {shape(value)}")
    return Decimal(value)


def money(amount: Decimal, places: int = 2) -> Decimal:
    if amount and amount.adjusted() >= 18 - places:
        raise Refused("bad_number", f"promised an amount of at most {18 - places} digits before the point, came more")
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def _whole(value: str, bits: int) -> int:
    amount = number(value)
    if amount.adjusted() > 19 or amount != (rounded := int(amount)):
        raise Refused("bad_number", f"promised a whole number, came like {shape(value)}")
    if not -(1 << bits - 1) <= rounded < 1 << bits - 1:
        raise Refused("bad_number", f"promised a whole number of {bits} bits, came a larger one")
    return rounded


def _pieces(value: str) -> int:
    """How many; a weight or a length (0.350) is one piece, bought or returned."""
    amount = number(value)
    return int(math.copysign(1, amount)) if amount % 1 else _whole(value, 32)


def _flag(value: str) -> bool:
    folded = value.lower()
    if folded in TRUE:
        return True
    if folded in FALSE:
        return False
    raise Refused("bad_flag", f"promised yes or no (true, false, 1, 0, ...), came like {shape(value)}")


def _float(value: str) -> float:
    found = float(number(value))
    if math.isinf(found):
        raise Refused("bad_number", "promised a number, came one far too large")
    return found


def _currency(value: str) -> str | None:
    """Its code of ISO 4217; a sign that several currencies share ($) is none."""
    folded = value.upper()
    if folded.lower() in NOTHING:
        return None
    code = {"€": "EUR", "£": "GBP"}.get(folded, folded)
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise Refused("bad_currency", f"promised a currency's three letters (EUR, GBP, USD), came like {shape(value)}: correct the export")
    return code


def _country(value: str) -> str | None:
    known = CODES.get(plain_word(value))
    return known or (value.upper() if len(value) == 2 and value.isascii() and value.isalpha() else None)


def region(value: str) -> str | None:
    """The country that a telephone number without prefix is of; where one is given and not understood, none whatever."""
    return _country(value) or (None if value.lower() in NOTHING else UNKNOWN_REGION)


def _language(value: str) -> str | None:
    head = re.split(r"[-_]", value, maxsplit=1)[0].lower()
    return head if len(head) == 2 and head.isascii() and head.isalpha() else None


def postal_code(value: str, country: str | None) -> str:
    """With the first zero that a spreadsheet takes from a French one (1000 is 01000, of Bourg-en-Bresse)."""
    return f"0{value}" if country == "FR" and len(value) == 4 and value.isdecimal() else value


def postal_area(value: str) -> str | None:
    return value[:2].upper() if 2 <= len(value) <= 10 and value.lower() not in NOTHING else None


def _birth_year(value: str) -> int | None:
    found = re.search(r"(?<!\d)((?:1[89]|20)\d\d)(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))?(?!\d)", value)
    return int(found.group(1)) if found else None


class Times:
    """Times and dates of one source: its zone for times that name none, its bounds for clocks gone astray."""

    def __init__(self, zone: str, earliest_year: int, latest_year: int):
        self.zone: dt.tzinfo = dt.UTC if zone == "UTC" else ZoneInfo(zone)
        self.earliest, self.latest = earliest_year, latest_year

    def _inside(self, year: int) -> None:
        if not self.earliest <= year <= self.latest:
            raise Refused("out_of_range", f"promised a year from {self.earliest} to {self.latest}, came {year}: correct the clock "
                          "that wrote it, or widen sources.earliest_year and sources.latest_year")

    def at(self, value: str, pattern: str | None = None) -> int:
        """Microseconds since 1970 UTC, from ISO 8601 or `pattern` (of strptime); in an hour that comes twice, the first."""
        try:
            when = dt.datetime.strptime(value, pattern) if pattern else _iso(value)  # noqa: DTZ007
        except ValueError:
            raise Refused("bad_time", f"promised a time like 2026-01-31 12:00:00{f' or {pattern}' if pattern else ''}, came like {shape(value)}") from None
        self._inside(when.year)
        if when.tzinfo is None and self.zone is dt.UTC:
            return (when - _EPOCH_UTC) // _MICROSECOND  # as below, without the costly replace
        return ((when if when.tzinfo else when.replace(tzinfo=self.zone)) - EPOCH) // _MICROSECOND

    def unix(self, value: str, per_second: int) -> int:
        """Microseconds since 1970 UTC from seconds, milliseconds or microseconds since then."""
        if not re.fullmatch(r"-?\d{1,17}(?:\.\d{1,9})?", value, re.ASCII):
            raise Refused("bad_time", f"promised a number of seconds (or their parts) since 1970, came like {shape(value)}")
        since = Decimal(value) * (_SECOND // per_second)
        if since.adjusted() > 16:
            raise Refused("out_of_range", "promised seconds (or their parts) since 1970, came a number far too large")
        try:
            self._inside((EPOCH + dt.timedelta(seconds=int(since) // _SECOND)).year)
        except OverflowError:
            raise Refused("out_of_range", "promised seconds (or their parts) since 1970, came a number far too small") from None
        return int(since)

    def instant(self, value: str) -> int:
        """Microseconds since 1970 UTC, from the seconds since then where the text is a number, else as `at`."""
        return self.unix(value, 1) if _NUMBER.fullmatch(value) else self.at(value)

    def day(self, value: str, pattern: str | None = None) -> dt.date:
        """A calendar day; of a time, its day as written."""
        try:
            found = (dt.datetime.strptime(value, pattern) if pattern else _iso(value)).date()  # noqa: DTZ007
        except ValueError:
            raise Refused("bad_time", f"promised a day like {pattern or '2026-01-31'}, came like {shape(value)}") from None
        self._inside(found.year)
        return found


def _iso(value: str) -> dt.datetime:
    """A day, or a day and a time parted by T or a blank; Python itself takes any sign between them, a digit or that of a zone too."""
    if (value[10:11] if value[4:5] == "-" else value[8:9]) not in ("", "T", " "):
        raise ValueError
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        if not value.endswith(" UTC") or len(value) < 15:  # of a day alone, " UTC" would be read as its time
            raise
        return dt.datetime.fromisoformat(value[:-4] + "+00:00")


def converters(times: Times, pattern: str | None = None) -> dict[str, Convert]:
    """Every way to read one text, by the name that a source's `how` gives it."""
    return {
        "text": text,
        "raw": lambda v: v,
        "id": identity,
        "lower": lambda v: text(v).lower(),
        "upper": lambda v: v.upper(),
        "country": _country,
        "currency": _currency,
        "language": _language,
        "postal_area": postal_area,
        "birth_year": _birth_year,
        "flag": _flag,
        "time": lambda v: times.at(v, pattern),
        "instant": times.instant,
        "unix_s": lambda v: times.unix(v, 1),
        "unix_ms": lambda v: times.unix(v, 1_000),
        "unix_us": lambda v: times.unix(v, 1_000_000),
        "day": lambda v: times.day(v, pattern),
        "number": _float,
        "int": lambda v: _whole(v, 32),
        "pieces": _pieces,
        "long": lambda v: _whole(v, 64),
        "whole": lambda v: str(_whole(identity(v), 64)),
        "money": lambda v: money(number(v)),
        "negated": lambda v: money(-number(v)),
        "cost": lambda v: money(number(v), 6),
        "micros": lambda v: money(number(v) / 1_000_000, 6),
    }


def product(values: list[str]) -> Decimal:
    """Quantity times price, less the discount where a third value gives one."""
    quantity, price, *less = (number(v) for v in values if v)
    return money(quantity * price - sum(less))


HOW = tuple(sorted(converters(Times("UTC", 1, 9999))))
# How a canonical column is read where the source does not say: by its own meaning, else by its type.
BY_COLUMN = {
    "country": "country", "postal_area": "raw", "language": "language", "birth_year": "birth_year",
    "gender": "lower", "currency": "currency", "event_id": "id", "order_id": "id", "entity_id": "id", "contact_id": "id",
    "cost_amount": "cost", "attributes": "raw"}
BY_TYPE = {
    "string": "text", "timestamp": "time", "date": "day", "boolean": "flag", "int": "int", "long": "long", "double": "number",
    "decimal(18,2)": "money", "decimal(18,6)": "cost"}
