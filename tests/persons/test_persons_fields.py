"""The golden record against a plain loop over all that was said."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from wayprint.persons.persons import describe_persons
from wayprint.persons.settings import CLEAR_FIELDS, FIELDS, PersonSettings
from wayprint.persons.survivorship import choose_fields
from wayprint.tables.bronze import FILES, VAULT
from wayprint.tables.events import CONTACTS
from wayprint.tables.identity import IDENTITY_MAP, OBSERVATIONS, PERSONS
from wayprint.tables.persons import PERSON_FIELDS

SOURCES = ("crm", "shop", "mail", "till")
RULES = ("most_recent", "most_trusted", "most_frequent")
RULE_OF = {name: RULES[n % 3] for n, name in enumerate((*FIELDS, *CLEAR_FIELDS))}
TRUSTED = ("mail", "crm")


def survivorship() -> dict[str, Any]:
    return {name: {"rule": rule, **({"sources": TRUSTED} if rule == "most_trusted" else {})} for name, rule in RULE_OF.items()}


class Town:
    """Many small worlds side by side: identifiers, contacts and the vault, with few values and few instants, so that ties are common."""

    def __init__(self, seed: int, people: int = 120):
        self.rng = random.Random(seed)
        self.map: list[dict[str, Any]] = [{"identifier_id": "desk", "identifier_type": "phone", "person_id": None, "status": "shared"}]
        self.contacts: list[dict[str, Any]] = []
        self.vault: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.files = [{"file_id": f"{source}-{n}", "source": source} for source in SOURCES for n in range(3)]
        for person in range(people):
            ids = [f"p{person}-{n}" for n in range(self.rng.randint(1, 3))]
            self.map += [{"identifier_id": i, "identifier_type": "login", "person_id": f"p{person}", "status": "owned"} for i in ids]
            for n in range(self.rng.randint(0, 5)):
                self.contact(f"c{person}-{n}", self.rng.sample([*ids, "desk"], self.rng.randint(1, len(ids))))
            for _ in range(self.rng.randint(0, 12)):
                self.seal(self.rng.choice(ids))

    def at(self) -> dt.datetime:
        return dt.datetime(2026, 1, self.rng.randint(1, 3))

    def contact(self, name: str, ids: list[str]) -> None:
        said = {field: self.rng.choice([None, 1970, 1980] if field == "birth_year" else [None, "A", "B", "C"]) for field in FIELDS}
        self.contacts.append({
            "contact_id": name, "source": self.rng.choice(SOURCES), "updated_at": self.at(), "identifier_id": ids[0],
            "identifiers": [("login", i) for i in sorted(ids)], "is_deleted": self.rng.choice([None, False, False, True]), **said})

    def seal(self, subject: str) -> None:
        file, field = self.rng.choice(self.files)["file_id"], self.rng.choice([*CLEAR_FIELDS, "country"])
        self.vault[file, subject, field] = {
            "file_id": file, "subject_id": subject, "field": field, "seen_at": self.at(), "sealed": bytearray(self.rng.choice([b"x", b"y", b"z"]))}


def told(town: Town) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """All that is said of each person and field, by loops."""
    owner = {row["identifier_id"]: row["person_id"] for row in town.map}
    source_of = {row["file_id"]: row["source"] for row in town.files}
    said: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for contact in town.contacts:
        for field in FIELDS:
            if not contact["is_deleted"] and owner[contact["identifier_id"]] and contact[field] is not None:
                said.setdefault((owner[contact["identifier_id"]], field), []).append({
                    "value": str(contact[field]), "token": str(contact[field]), "at": contact["updated_at"], "contact": contact["contact_id"],
                    "source": contact["source"], "subject": None, "file": None})
    latest: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in town.vault.values():
        key = (row["subject_id"], row["field"], source_of[row["file_id"]])
        held = latest.get(key)
        if held is None or (held["seen_at"], held["file_id"]) < (row["seen_at"], row["file_id"]):
            latest[key] = row
    for (subject, field, source), row in latest.items():
        naming = [c for c in town.contacts if c["source"] == source and subject in [i for _, i in c["identifiers"]]]
        present = sorted((c["updated_at"], c["contact_id"]) for c in naming if not c["is_deleted"])
        if owner[subject] and field in CLEAR_FIELDS and (present or not naming):
            said.setdefault((owner[subject], field), []).append({
                "value": None, "token": bytes(row["sealed"]), "at": row["seen_at"], "contact": present[-1][1] if present else None, "source": source,
                "subject": subject, "file": row["file_id"]})
    return said


def survivor(field: str, words: list[dict[str, Any]]) -> tuple[Any, ...]:
    often = Counter(word["token"] for word in words)

    def rank(word: dict[str, Any]) -> tuple[Any, ...]:
        first = {"most_recent": 0, "most_frequent": often[word["token"]],
                 "most_trusted": -TRUSTED.index(word["source"]) if word["source"] in TRUSTED else -99}[RULE_OF[field]]
        return (first, word["at"], word["contact"] or "", word["source"], word["subject"] or "", word["file"] or "")

    best = max(words, key=rank)
    return (best["value"], best["source"], best["contact"], best["at"], best["subject"], best["file"], RULE_OF[field], len(often), often[best["token"]])


@pytest.mark.spark
def test_every_field_is_what_its_rule_says_with_its_origin_whatever_the_order_of_rows(spark: Any, rows: Any, settings: Any) -> None:
    town = Town(5)
    knobs = settings.replace("persons", survivorship=survivorship()).persons
    expected = {key: survivor(key[1], words) for key, words in told(town).items()}
    assert min(Counter(RULE_OF[field] for _, field in expected).values()) > 100
    assert sum(value[7] > 1 for value in expected.values()) > 200
    for seed in (1, 2):
        shuffled = [random.Random(seed).sample(list(given), len(given)) for given in (town.map, town.contacts, town.vault.values(), town.files)]
        frames = [rows(table, *given).repartition(seed) for table, given in zip((IDENTITY_MAP, CONTACTS, VAULT, FILES), shuffled, strict=True)]
        found = choose_fields(*frames, knobs).select(*PERSON_FIELDS.column_names).collect()
        names = ("value", "source", "contact_id", "updated_at", "subject_id", "file_id", "rule", "values_said", "contacts")
        assert {(row.person_id, row.field): tuple(row[name] for name in names) for row in found} == expected
        assert len(found) == len(expected)


@pytest.mark.spark
def test_a_person_has_the_surviving_value_of_each_attribute_and_null_where_nobody_says_it(rows: Any, settings: Any) -> None:
    identity_map = rows(
        IDENTITY_MAP, {"identifier_id": "a", "identifier_type": "login", "person_id": "ann", "status": "owned"},
        {"identifier_id": "b", "identifier_type": "web_cookie", "person_id": "bob", "status": "owned"},
        {"identifier_id": "c", "identifier_type": "phone", "status": "blocked"})
    fields = rows(
        PERSON_FIELDS, {"person_id": "ann", "field": "birth_year", "value": "1970"}, {"person_id": "ann", "field": "gender", "value": "f"},
        {"person_id": "ann", "field": "stage", "value": "lead"}, {"person_id": "ann", "field": "email", "subject_id": "a"})
    seen = rows(OBSERVATIONS, {"identifier_id": "a", "identifier_type": "login", "other_id": "c", "source": "crm"},
                {"identifier_id": "b", "identifier_type": "web_cookie", "source": "web"})
    found = {row.person_id: row for row in describe_persons(identity_map, fields, seen, settings.persons).select(*PERSONS.column_names).collect()}
    assert set(found) == {"ann", "bob"}
    assert [found["ann"][name] for name in ("is_known", "birth_year", "gender", "country", "sources")] == [True, 1970, "f", None, ["crm"]]
    assert [found["bob"][name] for name in ("is_known", "devices", "birth_year", "gender")] == [False, 1, None, None]


def test_a_rule_that_cannot_be_followed_is_refused(settings: Any) -> None:
    said = survivorship()
    for wrong in ({"rule": "most_trusted"}, {"rule": "most_recent", "sources": ["crm"]}, {"rule": "most_trusted", "sources": ["crm", "crm"]}, {"rule": "newest"}):
        with pytest.raises(ValidationError, match="gender"):
            PersonSettings(survivorship={**said, "gender": wrong}, max_household=12, device_types=())
    with pytest.raises(ValidationError, match=r"missing \['city'\], unknown \['town'\]"):
        PersonSettings(survivorship={"town" if name == "city" else name: rule for name, rule in said.items()}, max_household=12, device_types=())
    with pytest.raises(ValidationError, match="below 2"):
        PersonSettings(survivorship=said, max_household=1, device_types=())


def test_as_shipped_the_most_recent_word_survives(settings: Any) -> None:
    assert {rule.rule for rule in settings.persons.survivorship.values()} == {"most_recent"}
