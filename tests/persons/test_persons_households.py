"""Households against networkx on made-up towns, and against the truth of a simulated world."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import itertools
import random
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from wayprint.persons.households import find_households
from wayprint.sources.addresses import hash_addresses
from wayprint.sources.identifiers import canonical
from wayprint.sources.ingest import read_file
from wayprint.sources.keys import Keys
from wayprint.tables.bronze import FILES, VAULT
from wayprint.tables.events import CONTACTS
from wayprint.tables.identity import IDENTITY_MAP

pytestmark = pytest.mark.spark
DAY = dt.datetime(2026, 1, 1)
NAMES = ("Lefèvre", "LEFEVRE", "Roux", "Dupont", "Lefèvre-Roux", "DUPONT LEFEVRE", "Roux Dupont", "Petit")
PARTS = {"Lefèvre": {"l"}, "LEFEVRE": {"l"}, "Roux": {"r"}, "Dupont": {"d"}, "Lefèvre-Roux": {"l", "r"}, "DUPONT LEFEVRE": {"d", "l"}, "Roux Dupont": {"r", "d"}, "Petit": {"p"}}


class Said:
    """Who gave which name and address, when and to which source; `frames` are the tables that hold it."""

    def __init__(self) -> None:
        self.keys, self.lines, self.contacts = Keys.from_environment(), [], []

    def say(self, person: str, name: str | None, street: str | None, code: str | None = "75011", city: str | None = "Paris", day: int = 0, source: str = "crm") -> None:
        self.lines.append((person, {"last_name": name, "street": street, "postal_code": code, "city": city}, DAY + dt.timedelta(day), source))

    def contact(self, person: str, source: str, is_deleted: bool) -> None:
        self.contacts.append({"identifiers": [("login", f"id of {person}")], "source": source, "is_deleted": is_deleted})

    def frames(self, rows: Any) -> tuple[Any, ...]:
        sealed = [{"file_id": f"{n}", "subject_id": f"id of {person}", "field": field, "seen_at": at, "sealed": bytearray(self.keys.seal(text.encode()))}
                  for n, (person, values, at, _) in enumerate(self.lines) for field, text in values.items() if text is not None]
        owners = [{"identifier_id": f"id of {person}", "person_id": None if person == "nobody" else person} for person in sorted({line[0] for line in self.lines})]
        files = [{"file_id": f"{n}", "source": line[3]} for n, line in enumerate(self.lines)]
        return rows(VAULT, *sealed), rows(IDENTITY_MAP, *owners), rows(CONTACTS, *self.contacts), rows(FILES, *files)


def found(frames: tuple[Any, ...], knobs: Any) -> tuple[list[Any], list[Any]]:
    vault, *others = frames
    prepared = hash_addresses(vault).persist()
    households, members = find_households(prepared, *others, knobs)
    made = households.collect(), members.collect()
    prepared.unpersist()
    return made


def together(members: list[Any]) -> set[frozenset[str]]:
    return {frozenset(m.person_id for m in group) for _, group in itertools.groupby(sorted(members), key=lambda m: m.household_id)}


def test_one_family_name_at_one_address_is_a_household(rows: Any, settings: Any) -> None:
    said = Said()
    said.say("ann", "Lefèvre", "12 rue de la République", day=5, source="shop")
    said.say("ann", "Lefèvre", "12 r. République", day=3)
    said.say("bob", "LEFEVRE", "12, R. République, apt 4", city="PARIS 11", day=4)
    said.say("eve", "Roux", "12 rue de la République")  # another name
    said.say("ida", "Lefèvre", "12 rue de la République", code="69003", city="Lyon")  # another town
    said.say("jim", "Lefèvre", None)
    said.say("nobody", "Roux", "12 rue de la République")
    said.say("kim", "Petit", "1 rue B")  # parents of two names and a child with both
    said.say("lou", "Dupont", "1 rue B")
    said.say("max", "Dupont-Petit", "1 rue B")
    said.say("bob", "LEFEVRE", "9 quai de Saône", code=None, city="Lyon 2", day=9)  # moved in with a brother
    said.say("tom", "Lefevre", "9, quai de Saône", code=None, city="LYON CEDEX 07", day=1)
    for n in range(12):
        said.say(f"twelve-{n}", "Martin", "2 rue D")
    for n in range(13):
        said.say(f"thirteen-{n}", "Martin", "3 rue D")
    for person in ("pat", "quin", "sam"):
        said.say(person, "Dupont", "4 rue F", source="shop")
    said.contact("pat", "shop", is_deleted=False)
    said.contact("pat", "shop", is_deleted=True)  # one of two
    said.contact("quin", "crm", is_deleted=True)  # in another source
    said.contact("sam", "shop", is_deleted=True)
    households, members = found(said.frames(rows), settings.persons)
    assert together(members) == {
        frozenset({"ann", "bob"}), frozenset({"kim", "lou", "max"}), frozenset({"bob", "tom"}), frozenset({"pat", "quin"}), frozenset(f"twelve-{n}" for n in range(12))}
    since = {(m.person_id, m.since_at.day, m.source) for m in members if m.person_id in ("ann", "bob", "tom")}
    assert since == {("ann", 4, "crm"), ("bob", 5, "crm"), ("bob", 10, "crm"), ("tom", 2, "crm")}
    by_id = {h.household_id: h for h in households}
    assert {m.household_id for m in members} == set(by_id)
    assert sorted((h.members, h.first_seen_at.day) for h in households) == [(2, 1), (2, 2), (2, 4), (3, 1), (12, 1)]


def test_no_clear_value_leaves_the_workers(rows: Any) -> None:
    said = Said()
    said.say("ann", "Lefèvre", "12 rue de la République")
    (row,) = hash_addresses(said.frames(rows)[0]).collect()
    assert set(row.asDict()) == {"subject_id", "file_id", "seen_at", "address_id", "family_ids"}
    assert all(len(text) == 32 and int(text, 16) for text in (row.address_id, *row.family_ids))
    plain = {hashlib.sha256(text.encode()).hexdigest()[:32] for text in ("household\0lefevre\00012 rue republique\00075011", "lefevre", "12 rue republique\00075011")}
    assert not plain & {row.address_id, *row.family_ids}


def test_households_of_many_towns_are_those_that_a_graph_gives(rows: Any, settings: Any) -> None:
    rng, said, graph, lived = random.Random(3), Said(), nx.Graph(), []
    for street, person in itertools.product(range(150), range(6)):
        for _ in range(rng.choice([0, 1, 1, 2])):
            name = rng.choice(NAMES)
            said.say(f"{street}-{person}", name, f"{street} rue E", day=rng.randint(0, 9))
            homes = [(street, part) for part in sorted(PARTS[name])]
            nx.add_path(graph, homes)
            lived.append((homes[0], f"{street}-{person}"))
    groups = [frozenset(person for home, person in lived if home in group) for group in nx.connected_components(graph)]
    expected = {group for group in groups if 2 <= len(group) <= 12}
    assert len(expected) > 100
    for parts in (1, 3):
        vault, *others = said.frames(rows)
        _, members = found((vault.repartition(parts), *others), settings.persons)
        assert together(members) == expected
        assert len(members) == sum(map(len, expected))


def test_a_simulated_worlds_households_are_found(rows: Any, settings: Any, tmp_path: Path, record_property: Any) -> None:
    from wayprint.world import build

    world = build(people=500, days=3, seed=4, start=dt.date(2026, 1, 1))
    world.write_raw(tmp_path / "raw")
    world.write_truth(tmp_path / "truth")
    keys, vault, files = Keys.from_environment(), [], []
    for path in sorted((tmp_path / "raw" / "crm_contacts").glob("*.csv")):
        data, name = path.read_bytes(), f"crm_contacts/{path.name}"
        about = {"file_id": hashlib.sha256(data).hexdigest(), "source": "crm_contacts", "file": name, "names": [name], "path": name, "bytes": len(data), "spec_id": "spec"}
        vault += [{**row, "seen_at": dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=row["seen_at"]), "sealed": bytearray(row["sealed"])}
                  for kind, row in read_file(about, io.BytesIO(data), settings.sources, keys) if kind == "vault"]
        files.append({"file_id": about["file_id"], "source": "crm_contacts"})
    latest = {(row["file_id"], row["subject_id"], row["field"]): row for row in sorted(vault, key=lambda row: (row["seen_at"], bytes(row["sealed"])))}
    true = {row["true_person"]: row["household"] for row in csv.DictReader((tmp_path / "truth" / "persons.csv").open(encoding="utf-8"))}
    owner = {}
    for row in csv.DictReader((tmp_path / "truth" / "identifiers.csv").open(encoding="utf-8")):
        if row["is_shared"] == row["is_junk"] == "False":
            owner[keys.identifier_id(*canonical(row["type"], row["value"], "FR"))] = row["true_person"]
    identity_map = rows(IDENTITY_MAP, *({"identifier_id": i, "person_id": person} for i, person in owner.items()))
    _, members = found((rows(VAULT, *latest.values()), identity_map, rows(CONTACTS), rows(FILES, *files)), settings.persons)
    pairs = {pair for group in together(members) for pair in itertools.combinations(sorted(group), 2)}
    addressed = sorted({owner[row["subject_id"]] for row in latest.values() if row["field"] == "street" and row["subject_id"] in owner})
    true_pairs = {pair for pair in itertools.combinations(addressed, 2) if true[pair[0]] == true[pair[1]]}
    name_of = world.scene.population.persons["last_name"]
    of_one_name = {pair for pair in true_pairs if name_of[int(pair[0])] == name_of[int(pair[1])]}
    hits = len(pairs & true_pairs)
    record_property("households", f"precision {hits / len(pairs):.3f}, recall {hits / len(true_pairs):.3f}, of one name {len(pairs & of_one_name) / len(of_one_name):.3f}")
    print(f"pairs {len(pairs)}, true {len(true_pairs)}, of one name {len(of_one_name)}, hits {hits}")
    assert len(of_one_name) > 50
    assert hits / len(pairs) >= 0.99
    assert len(pairs & of_one_name) / len(of_one_name) >= 0.97, "all but those whose latest contact spells name or address otherwise"
