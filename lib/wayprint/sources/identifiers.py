"""One way to write each identifier, so that the same person's address, number or card is the same text in every source."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

from wayprint.tables.bronze import NOTHING

# The shape that email-validator accepts without DNS, but for quoted local parts and address literals, which no shop's
# customers have: 1 microsecond instead of 45.
_ATOM = r"[^\s@<>()\[\]\\,;:\"]+"
_LABEL = r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?"
_EMAIL = re.compile(rf"(?!\.)(?!.*\.\.)({_ATOM})(?<!\.)@((?:{_LABEL}\.)+{_LABEL})")
_HEX = re.compile(r"[0-9a-f]+")
_PHONE = re.compile(r"[+0-9().,;/\s\-–]+(?:(?:x|ext\.?|poste)\s*\d+)?", re.IGNORECASE)

# Any e-mail address inside a longer text (a path, a search term); the sign may be percent-encoded.
EMAIL_INSIDE = re.compile(r"[\w.+'%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)


UNKNOWN_REGION = "ZZ"  # of ISO 3166 and of CLDR; the library for numbers knows no national number of it


class Identifier(NamedTuple):
    """Type, the text that is hashed, and the clear value where the source gave one that a destination may need."""

    type: str
    value: str
    clear: str | None = None


@lru_cache(maxsize=65_536)
def identifier(type: str, text: str, country: str) -> Identifier | None:
    """The canonical form of what a source gives as an identifier of `type`; None if there is nothing to know anyone by.

    An e-mail address becomes the SHA-256 of its lower-case form, so that clear and already hashed addresses meet; an MD5 is
    another type, `email_md5`. A phone number becomes E.164, read as of `country` where it has no prefix; one of a length that no
    number of its country has is none. All else is trimmed
    and composed (NFC), without characters that nobody sees (category Cf: marks of byte order and direction, blanks of no width), so one
    name typed on two systems is one; letters that only look alike stay two.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", "".join(c for c in text if unicodedata.category(c) != "Cf"))
    text = text.strip()
    if text.lower() in NOTHING:  # junk that looks like an identifier (test@test.com, zeros) passes: identity blocks it by list and says so in its audit
        return None
    if type in ("email", "email_md5"):
        return _email(text)
    if type == "phone":
        return _phone(text, country)
    return Identifier(type, text)


def network(address: str) -> str | None:
    """The network that an IP address names, in one way of writing: an IPv4 address as it is, of an IPv6 address the /64.

    A home has one IPv4 address, but a /64 of IPv6 addresses, of which each device takes new ones every day. None for what is
    no address (a hash of one, too, of which nobody can tell whether it was a home's); for one that many networks use alike:
    private, loopback, link-local, shared (RFC 6598), reserved, multicast; and for one whose end a tracker cut off for privacy,
    whether it wrote an x for it (198.51.100.x) or zeros, which no device has.
    An IPv4 address written as IPv6 (::ffff:...) is the IPv4 address.
    """
    try:
        known = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(known, ipaddress.IPv6Address):
        known = known.ipv4_mapped or known
    is_cut = int(known) & (0xFF if known.version == 4 else (1 << 64) - 1) == 0
    if is_cut or not known.is_global or known.is_multicast or known.is_reserved:
        return None
    return str(known) if known.version == 4 else str(ipaddress.ip_network((int(known) >> 64 << 64, 64)))


def canonical(type: str, value: str, country: str) -> tuple[str, str] | None:
    """Type and text as they are hashed; for lists of values (blocklists, tests) that must hash like the sources do."""
    known = identifier(type, value, country)
    return (known.type, known.value) if known else None


def _email(text: str) -> Identifier | None:
    folded = unicodedata.normalize("NFKC", text).strip().lower().removeprefix("mailto:")
    if "@" in folded:
        if len(folded) > 254 or not _EMAIL.fullmatch(folded):
            return None
        return Identifier("email", hashlib.sha256(folded.encode()).hexdigest(), folded)
    digest = folded if _HEX.fullmatch(folded) else _from_base64(text)
    if digest is None or len(digest) not in (32, 64):
        return None
    return Identifier("email" if len(digest) == 64 else "email_md5", digest)


def _from_base64(text: str) -> str | None:
    """Hexadecimal digits of a digest that came in base64: 24 characters for an MD5, 44 for a SHA-256."""
    if len(text) not in (24, 44) or not text.endswith("="):
        return None
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        return None


def _phone(text: str, country: str) -> Identifier | None:
    if not _PHONE.fullmatch(text):  # a hash or a word; the library would read letters as keys of a telephone
        return None
    if country == UNKNOWN_REGION and text.startswith("00"):  # what most countries dial instead of the plus
        text = f"+{text[2:]}"
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Identifier("phone", written, written) if 8 <= len(written) <= 16 else None
