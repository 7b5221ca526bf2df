"""Clear values to what an ad platform matches on, by that platform's own rules; a wrong hash raises nothing there, so it must not leave.

Rule sets are data (conf/destinations/*.yaml), each with a version and its sources; the steps they name are here. A value that is
empty, invalid or hashed in a way the platform does not take is rejected with a reason that never repeats it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from typing import Self

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, model_validator

from wayprint.letters import unaccented

FIELDS = ("email", "phone", "first_name", "last_name", "street", "city", "postal_code", "country")
ADDRESS = ("first_name", "last_name", "street", "city", "postal_code", "country")


class Rejected(ValueError):
    """A value that must not be sent; the message says why and never what it is."""


def without_punctuation(value: str) -> str:
    return "".join(letter for letter in value if unicodedata.category(letter)[0] not in "PS")


def gmail_address(value: str) -> str:
    """Dots and +suffix do not count in gmail.com and googlemail.com, and only there."""
    name, _, host = value.rpartition("@")
    if host not in ("gmail.com", "googlemail.com"):
        return value
    return f"{name.split('+')[0].replace('.', '')}@{host}"


def e164(value: str, country: str) -> str:
    """+33612345678 for 06 12 34 56 78 in France; a number that cannot exist is refused."""
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        raise Rejected("not a phone number") from None
    if not phonenumbers.is_valid_number(number):
        raise Rejected(f"not a phone number that can exist (read for {country} where it has no country code)")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def checked_email(value: str) -> str:
    if len(value) > 254 or not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+", value):
        raise Rejected("not an e-mail address")
    return value


def checked_name(value: str) -> str:
    if not any(map(str.isalpha, value)):
        raise Rejected("not a name: no letter in it")
    return value


def checked_country(value: str) -> str:
    """The code in ISO 3166, in the case it came in: UK and EL, which others use, are GB and GR there. XX, ZZ and the like are no country."""
    code = {"UK": "GB", "EL": "GR"}.get(value.upper(), value.upper())
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise Rejected("not a country code of ISO 3166")
    return code.lower() if value.islower() else code


def area_of_postal_code(value: str, country: str) -> str:
    """What stands before the first dash. US: the first five digits. UK: area, district and sector, that is a whole code without its last two letters."""
    kept = value.split("-")[0]
    if len(kept) < 2:
        raise Rejected("no postal code before the first dash")
    if country == "GB":
        return re.sub("(?<=[0-9])[a-zA-Z]{2}$", "", kept)  # only a whole code ends so; one that is cut already stays
    return kept[:5] if country == "US" else kept


# Each step takes the value and the country it is read for.
STEPS: dict[str, Callable[[str, str], str]] = {
    "trim": lambda value, _: value.strip(),
    "lower": lambda value, _: value.lower(),
    "upper": lambda value, _: value.upper(),
    "compose_accents": lambda value, _: unicodedata.normalize("NFC", value),
    "no_spaces": lambda value, _: "".join(value.split()),
    "no_punctuation": lambda value, _: without_punctuation(value),
    "letters_only": lambda value, _: re.sub("[^a-z]", "", unaccented(value.lower())),
    "gmail_address": lambda value, _: gmail_address(value),
    "check_email": lambda value, _: checked_email(value),
    "check_name": lambda value, _: checked_name(value),
    "check_country": lambda value, _: checked_country(value),
    "e164": e164,
    "digits": lambda value, _: re.sub("[^0-9]", "", value).lstrip("0"),
    "postal_area": area_of_postal_code,
}


class FieldRule(BaseModel):
    """How one field becomes what the platform expects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: list[str]
    hashed: bool

    @model_validator(mode="after")
    def known_steps(self) -> Self:
        for step in self.steps:
            if step not in STEPS:
                raise ValueError(f"unknown step {step!r}; known: {', '.join(STEPS)}")
        return self


class FileColumn(BaseModel):
    """One column of the platform's file; a field may have several, for a person with several addresses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: str
    field: str


class Destination(BaseModel):
    """A platform's rule set. `needs_consent`: nobody without granted advertising consent, not even to exclude him from ads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    version: str
    sources: list[str]
    needs_consent: bool
    consent: dict[str, str]
    columns: list[FileColumn]
    fields: dict[str, FieldRule]
    together: list[str]
    batch_records: int | None = Field(ge=1)
    minimum_records: int = Field(ge=0)

    @model_validator(mode="after")
    def columns_have_rules(self) -> Self:
        for column in self.columns:
            if column.field not in self.fields:
                raise ValueError(f"column {column.header} shows field {column.field!r}, which has no rule")
        for field in [*self.fields, *self.together]:
            if field not in FIELDS:
                raise ValueError(f"unknown field {field!r}; known: {', '.join(FIELDS)}")
        return self

    def places(self, field: str) -> int:
        """How many columns the file has for a field."""
        return sum(column.field == field for column in self.columns)

    def normalise(self, field: str, value: str, country: str) -> str:
        """The value as the platform expects it before hashing."""
        for step in self.fields[field].steps:
            value = STEPS[step](value, country)
        if not value:
            raise Rejected("nothing is left after normalising")
        return value

    def cell(self, field: str, value: str, country: str) -> str:
        """What stands in the file: the SHA-256 of the normalised value, or the value itself where the platform wants it clear.

        A value that already is a SHA-256 is not hashed twice; other hashes cannot be matched.
        """
        if not value.strip():
            raise Rejected("empty")
        if self.fields[field].hashed and (digest := re.fullmatch(r"\s*([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\s*", value)):
            if len(digest[1]) != 64:
                kind = "MD5" if len(digest[1]) == 32 else "SHA-1"
                raise Rejected(f"already hashed with {kind}; the platform takes SHA-256 of the normalised value")
            return digest[1].lower()
        normalised = self.normalise(field, value, country)
        return hashlib.sha256(normalised.encode()).hexdigest() if self.fields[field].hashed else normalised
