"""What makes two profiles of customers look like one person: the fields that are compared and the levels of their likeness."""

from __future__ import annotations

import pandas as pd

from wayprint.matching.model import KEY, Comparison, Lesson, Level, Model, none_of_them
from wayprint.matching.spelling import digits, door_and_street, mailbox, plain, postal_code, town

CLEAR = ("first_name", "last_name", "street", "postal_code", "city", "phone", "email")  # a profile's values as they were typed
FIELDS = ("first_name", "last_name", "full_name", "door", "street", "postal_code", "city", "phone", "mailbox", "birth_year", "birth_date", "gender")

_SHORT = " or ".join(
    f"(length(first_name_{a}) < length(first_name_{b}) and substr(first_name_{b}, 1, length(first_name_{a})) = first_name_{a})" for a, b in ("lr", "rl"))
_PLACE = "postal_code_l = postal_code_r"
_DOOR = "coalesce(door_l, '') = coalesce(door_r, '')"
_EXCHANGED = ("substr(birth_date_l, 1, 4) = substr(birth_date_r, 1, 4) and substr(birth_date_l, 6, 2) = substr(birth_date_r, 9, 2)"
              " and substr(birth_date_l, 9, 2) = substr(birth_date_r, 6, 2)")
# jean.dupont74 and jean.dupont75 are two people called alike, jean.dupont74 and jean.dupond74 are one.
_SAME_DIGITS = " = ".join(f"translate(mailbox_{side}, 'abcdefghijklmnopqrstuvwxyz', '')" for side in "lr")

# People of one household agree like one person on all but first name, gender and year of birth, and are far more: left to itself, the estimate
# takes them for what it looks for. So how often one person disagrees on these is told, not estimated.
SELDOM, HARDLY_EVER = 0.02, 0.002

# First and last name are one comparison: people of one household share the last, and two who share both are no strangers.
PROFILES = Model(
    comparisons=(
        Comparison("name", ("first_name", "last_name"), (
            Level("same first and last name", "full_name_l = full_name_r", "full_name"),
            Level("first and last name exchanged", "first_name_l = last_name_r and last_name_l = first_name_r"),
            Level("same last name, first name alike but for two letters at most",
                  "last_name_l = last_name_r and least(length(first_name_l), length(first_name_r)) > 3 and levenshtein(first_name_l, first_name_r) <= 2",
                  "last_name"),
            Level("same last name, one first name the beginning of the other", f"last_name_l = last_name_r and ({_SHORT})", "last_name"),
            Level("same first name, last name alike but for two letters at most",
                  "first_name_l = first_name_r and least(length(last_name_l), length(last_name_r)) > 3 and levenshtein(last_name_l, last_name_r) <= 2",
                  "first_name"),
            Level("same last name, other first name", "last_name_l = last_name_r", "last_name", share=SELDOM),
            Level("same first name, other last name", "first_name_l = first_name_r", "first_name")), none_of_them("other names", HARDLY_EVER)),
        Comparison("address", ("street", "postal_code"), (
            Level("same address", f"{_PLACE} and street_l = street_r and {_DOOR}"),
            Level("same house number and postal code, street alike but for three letters at most",
                  f"{_PLACE} and {_DOOR} and levenshtein(street_l, street_r) <= 3"),
            Level("same street and postal code", f"{_PLACE} and street_l = street_r"),
            Level("same postal code", _PLACE, "postal_code")), none_of_them("other address")),
        Comparison("birth", ("birth_year",), (
            Level("same date of birth", "birth_date_l = birth_date_r"),
            Level("day and month of birth exchanged", _EXCHANGED),
            Level("same year of birth, day unknown", "birth_year_l = birth_year_r and (birth_date_l is null or birth_date_r is null)"),
            Level("same year of birth, other day", "birth_year_l = birth_year_r")), none_of_them("other year of birth", SELDOM)),
        Comparison("gender", ("gender",), (Level("same gender", "gender_l = gender_r"),), none_of_them("other gender", SELDOM)),
        Comparison("phone", ("phone",), (
            Level("same phone", "phone_l = phone_r"),
            Level("phone alike but for one digit", "levenshtein(phone_l, phone_r) <= 1")), none_of_them("other phone")),
        Comparison("mailbox", ("mailbox",), (
            Level("same name of the mailbox", "mailbox_l = mailbox_r", "mailbox"),
            Level("name of the mailbox alike but for one letter",
                  f"length(mailbox_l) > 5 and levenshtein(mailbox_l, mailbox_r) <= 1 and {_SAME_DIGITS}")), none_of_them("other mailbox"))),
    blocking=(
        "l.full_name = r.full_name", "l.first_name = r.last_name and l.last_name = r.first_name",
        "l.postal_code = r.postal_code and l.street = r.street and l.door = r.door", "l.postal_code = r.postal_code and l.last_name = r.last_name",
        "l.postal_code = r.postal_code and l.first_name = r.first_name", "l.last_name = r.last_name and l.birth_year = r.birth_year",
        "l.first_name = r.first_name and l.birth_year = r.birth_year", "l.mailbox = r.mailbox",
        "substr(l.phone, 1, 5) = substr(r.phone, 1, 5)", "substr(l.phone, 6) = substr(r.phone, 6)"),
    lessons=(
        Lesson("l.full_name = r.full_name", ("address", "birth", "gender", "phone", "mailbox")),
        Lesson("l.postal_code = r.postal_code and l.street = r.street and l.door = r.door and l.birth_year = r.birth_year", ("name", "gender", "phone", "mailbox")),
        Lesson("l.postal_code = r.postal_code and (substr(l.phone, 1, 5) = substr(r.phone, 1, 5) or substr(l.phone, 6) = substr(r.phone, 6))",
               ("name", "birth", "gender", "mailbox"))),
    certain=("l.full_name = r.full_name and l.postal_code = r.postal_code and l.street = r.street",),
    certain_share=0.5)


def spelled(profiles: pd.DataFrame) -> pd.DataFrame:
    """The records that `PROFILES` compares: `unique_id` and `FIELDS`, from `unique_id`, `CLEAR`, `birth_year`, `birth_date` (ISO) and `gender`.

    A column that is missing is null in every row. Who has a first or a last name only is compared by the rest.
    """
    clear = {name: [None if pd.isna(value) or value == "" else value for value in (profiles[name] if name in profiles else [None] * len(profiles))]
             for name in (KEY, *CLEAR, "birth_year", "birth_date", "gender")}
    spellings = {"first_name": plain, "last_name": plain, "postal_code": postal_code, "city": town, "phone": digits, "gender": plain}
    told: dict[str, list[str | None]] = {KEY: clear[KEY], "birth_date": clear["birth_date"], "mailbox": [mailbox(value) for value in clear["email"]]}
    told |= {field: [spell(value) for value in clear[field]] for field, spell in spellings.items()}
    parted = [door_and_street(value) for value in clear["street"]]
    told["door"], told["street"] = [door for door, _ in parted], [street for _, street in parted]
    told["full_name"] = [f"{first} {last}" if first and last else None for first, last in zip(told["first_name"], told["last_name"], strict=True)]
    told["birth_year"] = [str(int(year)) if year is not None else date[:4] if date else None
                          for year, date in zip(clear["birth_year"], clear["birth_date"], strict=True)]
    return pd.DataFrame(told, columns=[KEY, *FIELDS], dtype=object)
