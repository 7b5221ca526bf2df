"""One way to write an address and a family name, so that people of one household meet under one keyed hash.

French addresses come with or without accents, with abbreviated kinds of street, with articles or without, with the number's suffix
apart or not, and with the door. French families come under double names, in either order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.sources.keys import Keys

PARTS = ("last_name", "street", "postal_code", "city")
HASHED = "subject_id string, file_id string, seen_at timestamp, address_id string, family_ids array<string>"

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_KINDS = {
    "r": "rue", "av": "avenue", "ave": "avenue", "aven": "avenue", "bd": "boulevard", "bld": "boulevard", "blvd": "boulevard", "boul": "boulevard",
    "pl": "place", "all": "allee", "ch": "chemin", "che": "chemin", "chem": "chemin", "imp": "impasse", "rte": "route", "sq": "square",
    "crs": "cours", "fg": "faubourg", "fbg": "faubourg", "qu": "quai", "pass": "passage", "pas": "passage", "res": "residence",
    "lot": "lotissement", "lieudit": "lieu dit", "ld": "lieu dit"}
_TITLES = {"st": "saint", "ste": "sainte", "gal": "general", "gen": "general", "mal": "marechal", "dr": "docteur", "pdt": "president", "prof": "professeur"}
_SUFFIXES = {"b": "bis", "t": "ter", "q": "quater", "bis": "bis", "ter": "ter", "quater": "quater"}
_DOORS = ("apt", "appt", "app", "appartement", "bat", "batiment", "esc", "escalier")
_ARTICLES = ("de", "du", "des", "d", "la", "le", "les", "l", "a", "au", "aux", "et", "en")
_PARTICLES = ("de", "du", "des", "d", "la", "le", "les", "l", "van", "von", "der", "den", "da", "dos", "di", "el", "al", "ben", "saint", "mac", "mc", "o")
_BORN = ("nee", "ne", "ep", "epouse", "epoux", "veuve", "vve")


def fold(text: str) -> str:
    """Small letters and digits without accents, everything else a space."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", "".join(c for c in plain if not unicodedata.combining(c))).split())


def street_of(text: str) -> str:
    """`12bis, bd. du Gal Leclerc, apt 4` -> `12 bis boulevard general leclerc`; without articles, doors and signs."""
    words: list[str] = []
    told = iter(re.sub(r"\b(\d+)([a-z]+)\b", r"\1 \2", fold(text)).split())
    for word in told:
        if word in _DOORS:
            next(told, None)
        elif word not in _ARTICLES or not words:
            words.append(word)
    spelled: list[str] = []
    for word in words:
        follows_number = not spelled or spelled[-1].isdigit() or spelled[-1] in _SUFFIXES.values()
        if spelled and spelled[-1].isdigit() and word in _SUFFIXES:
            spelled.append(_SUFFIXES[word])
        elif follows_number and word in _KINDS:
            spelled.append(_KINDS[word])
        else:
            spelled.append(_TITLES.get(word, word))
    return " ".join(spelled)


def place_of(postal_code: str | None, city: str | None) -> str:
    """The postal code where there is one: cities are spelled in many ways, and one code seldom has two streets of a name."""
    code = fold(postal_code or "").replace(" ", "")
    if code:
        return code
    words = [_TITLES.get(word, word) for word in fold(city or "").split()]
    return " ".join(word for word in words if word != "cedex" and not word.isdigit())


def family_names(text: str) -> tuple[str, ...]:
    """The family names in a name, sorted: `Dupont-Martin`, `Martin Dupont` and `DUPONT née Martin` have two, `de La Fontaine` has one.

    Particles belong to what follows; single letters name nobody.
    """
    names, glued = [], ""
    for word in fold(text).split():
        if word in _BORN:
            continue
        glued += _TITLES.get(word, word)
        if word in _PARTICLES or word in ("st", "ste"):
            continue
        names.append(glued)
        glued = ""
    return tuple(sorted({name for name in (*names, glued) if len(name) > 1}))


def hash_addresses(vault: DataFrame) -> DataFrame:
    """One row per file and identifier that gave family name, street and postal code or city: keyed hashes of the address, and of each
    family name at the address.

    The clear values are opened inside the workers and do not leave them. A row without name, street, place or time tells of no household.
    """
    given = vault.where(F.col("field").isin(*PARTS)).groupBy("file_id", "subject_id").agg(
        F.max("seen_at").alias("seen_at"), *(F.max(F.when(F.col("field") == part, F.col("sealed"))).alias(part) for part in PARTS))
    is_whole = F.col("last_name").isNotNull() & F.col("street").isNotNull() & F.coalesce("postal_code", "city").isNotNull() & F.col("seen_at").isNotNull()
    keys = Keys.from_environment()

    def hashed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        known = lru_cache(maxsize=16_384)(lambda *sealed: household_ids(keys, *sealed))
        for batch in batches:
            found = [known(*sealed) for sealed in zip(*(batch.column(part).to_pylist() for part in PARTS), strict=True)]
            yield pa.RecordBatch.from_arrays(
                [*(batch.column(name) for name in ("subject_id", "file_id", "seen_at")), pa.array([ids[0] for ids in found], pa.string()),
                 pa.array([ids[1] for ids in found], pa.list_(pa.string()))],
                names=["subject_id", "file_id", "seen_at", "address_id", "family_ids"])

    return given.where(is_whole).select("subject_id", "file_id", "seen_at", *PARTS).mapInArrow(hashed, HASHED).where("size(family_ids) > 0")


def household_ids(keys: Keys, *sealed: bytes | None) -> tuple[str | None, list[str]]:
    """Keyed hashes of an address, and of each family name at it, sorted; no family where the street or the place says nothing."""
    name, street, postal_code, city = (keys.open(value).decode() if value is not None else None for value in sealed)
    where = (street_of(street or ""), place_of(postal_code, city))
    if not all(where):
        return None, []
    address = "\0".join(where)
    return keys.identifier_id("address", address), sorted(keys.identifier_id("household", f"{family}\0{address}") for family in family_names(name or ""))
