"""Recognition and overlap against plain loops."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from wayprint.persons.reach import count_touches, overlap, reach
from wayprint.tables.identity import IDENTITY_MAP, OBSERVATIONS, PERSONS
from wayprint.tables.journeys import TOUCHES
from wayprint.tables.persons import IDENTITY_OVERLAP, IDENTITY_REACH

pytestmark = pytest.mark.spark
SOURCES = ("crm", "web", "till", "mail")
TABLES = (PERSONS, TOUCHES, OBSERVATIONS, IDENTITY_MAP)


def month_of(at: dt.datetime) -> dt.date:
    return at.date().replace(day=1)


@pytest.fixture(scope="module")
def lives() -> dict[str, list[dict[str, Any]]]:
    rng = random.Random(2)
    made: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}

    def at() -> dt.datetime:  # no May: a month in which nothing happened
        return dt.datetime(2026, rng.choice([1, 2, 3, 4, 6]), rng.randint(1, 28))

    made["identity_map"].append({"identifier_id": "desk", "person_id": None, "status": "shared"})
    for n in range(150):
        person = f"p{n}"
        made["persons"].append({"person_id": person, "is_known": rng.random() < 0.5})
        ids = [f"{person}-{k}" for k in range(rng.randint(1, 3))]
        made["identity_map"] += [{"identifier_id": i, "person_id": person, "status": "owned"} for i in ids]
        for k in range(rng.randint(1, 4)):
            source = rng.choice(SOURCES)
            made["observations"].append({
                "observation_id": f"{person}-{k}", "identifier_id": rng.choice(ids), "other_id": rng.choice([None, "desk", *ids]), "source": source,
                "sync_point": "crm" if source == "crm" else rng.choice(["login", None]), "first_seen_at": at()})
        for k in range(rng.choice([0, 2, 5])):
            made["touches"].append({
                "event_key": f"{person}-{k}", "person_id": rng.choice([person, person, None]), "source": rng.choice(SOURCES[1:]), "happened_at": at(),
                "platform": rng.choice(["web", "store", None]), "channel": rng.choice(["Direct", "Email"]), "is_digital": rng.random() < 0.5,
                "direction": rng.choice(["inbound", "outbound"])})
    return made


@pytest.fixture
def frames(lives: dict[str, list[dict[str, Any]]], rows: Any) -> list[Any]:
    return [rows(table, *random.Random(4).sample(lives[table.name], len(lives[table.name]))) for table in TABLES]


def test_the_recognition_rate_of_every_source_channel_and_month(lives: dict[str, list[dict[str, Any]]], frames: list[Any]) -> None:
    known = {p["person_id"] for p in lives["persons"] if p["is_known"]}
    groups: dict[tuple[Any, ...], list[str | None]] = {}
    for touch in lives["touches"]:
        groups.setdefault((month_of(touch["happened_at"]), touch["source"], touch["platform"] or "unknown", touch["channel"]), []).append(touch["person_id"])
    expected = {}
    for key, persons in groups.items():
        of_person, of_known = [p for p in persons if p], [p for p in persons if p in known]
        expected[key] = (len(persons), len(of_person), len(of_known), pytest.approx(len(of_known) / len(persons)), len(set(of_person)), len(set(of_known)))
    found = reach(count_touches(frames[1], frames[0])).select(*IDENTITY_REACH.column_names).collect()
    assert {tuple(row)[:4]: tuple(row)[4:] for row in found} == expected
    assert len(found) == len(expected)


def test_the_overlap_at_the_end_of_each_month_counts_everybody_once_a_breakdown(lives: dict[str, list[dict[str, Any]]], frames: list[Any]) -> None:
    owner = {row["identifier_id"]: row["person_id"] for row in lives["identity_map"]}
    met: dict[str, dict[str, dt.date]] = {}
    in_crm: dict[str, dt.date] = {}
    digital: dict[str, dt.date] = {}

    def note(where: dict[str, dt.date], name: str, month: dt.date) -> None:
        where[name] = min(month, where.get(name, month))

    for seen in lives["observations"]:
        for end in (seen["identifier_id"], seen["other_id"]):
            if person := owner.get(end):
                note(met.setdefault(person, {}), seen["source"], month_of(seen["first_seen_at"]))
                if seen["sync_point"] == "crm":
                    note(in_crm, person, month_of(seen["first_seen_at"]))
    for touch in lives["touches"]:
        if touch["person_id"] and touch["is_digital"] and touch["direction"] == "inbound":
            note(met.setdefault(touch["person_id"], {}), touch["source"], month_of(touch["happened_at"]))
            note(digital, touch["person_id"], month_of(touch["happened_at"]))
    expected = {}
    for month in (dt.date(2026, m, 1) for m in (1, 2, 3, 4, 6)):
        here = {person: sum(first <= month for first in sources.values()) for person, sources in met.items() if min(sources.values()) <= month}
        later = dt.date(2027, 1, 1)
        place = {p: (in_crm.get(p, later) <= month, digital.get(p, later) <= month) for p in here}
        parts = {("crm_digital", name): sum(at == flags for at in place.values())
                 for name, flags in (("both", (True, True)), ("crm_only", (True, False)), ("digital_only", (False, True)), ("neither", (False, False)))}
        parts |= {("sources", "1"): sum(n == 1 for n in here.values()), ("sources", "2"): sum(n == 2 for n in here.values()), ("sources", "3+"): sum(n > 2 for n in here.values())}
        expected |= {(month, *key): (count, pytest.approx(count / len(here))) for key, count in parts.items()}
    touches = count_touches(frames[1], frames[0])
    found = overlap(touches, frames[2], frames[3]).select(*IDENTITY_OVERLAP.column_names).collect()
    assert {tuple(row)[:3]: tuple(row)[3:] for row in found} == expected
    assert len(found) == len(expected)
