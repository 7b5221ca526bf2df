"""Periods, changes and aliases over random days, against plain dictionaries; and one story told change by change."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any

import pytest

from wayprint.contracts import conform
from wayprint.identity.history import compare, on_day, record_history
from wayprint.tables.identity import IDENTITY_AUDIT, IDENTITY_CHANGES, IDENTITY_HISTORY, IDENTITY_MAP, OBSERVATIONS, PERSON_ALIASES

pytestmark = pytest.mark.spark
FIRST = dt.date(2026, 5, 1)


@pytest.fixture
def person(spark: Any) -> Any:
    """The person_id of the person who is called after an identifier."""
    from pyspark.sql import functions as F

    from wayprint.identity.observations import person_named_by

    known: dict[str, str] = {}

    def named(*names: str) -> dict[str, str]:
        if missing := [n for n in names if n not in known]:
            made = spark.createDataFrame([(n,) for n in missing], "n string").select("n", person_named_by(F.col("n")).alias("p"))
            known.update({r.n: r.p for r in made.collect()})
        return known

    return named


@pytest.fixture
def keep(spark: Any, rows: Any) -> Any:
    """Runs a day: map in (identifier -> person or None), and the three tables so far; the three tables out, as lists of rows."""

    def run(state: dict[str, str | None], day: dt.date, so_far: tuple[list[Any], list[Any]], audit: Any = None, observations: Any = None) -> tuple[list[Any], ...]:
        standing = rows(IDENTITY_MAP, *[{
            "identifier_id": i, "identifier_type": "email", "person_id": p, "status": "owned" if p else "shared"} for i, p in state.items()])
        history, changes = (spark.createDataFrame([tuple(r) for r in done], table.ddl) for done, table in zip(so_far, (IDENTITY_HISTORY, IDENTITY_CHANGES), strict=True))
        prepared = compare(standing, history, day).persist()
        found = record_history(prepared, audit or rows(IDENTITY_AUDIT), observations or rows(OBSERVATIONS), changes)
        made = [conform(frame, table).collect() for frame, table in zip(found, (IDENTITY_CHANGES, PERSON_ALIASES, IDENTITY_HISTORY), strict=True)]
        return made[2], made[0], made[1]

    return run


def test_random_days_are_read_back_as_they_were_published_and_old_ids_lead_to_their_heir(keep, person, spark):
    """A thousand identifiers in a hundred small worlds; each day every world is dealt anew, and the last day is run twice, the second time otherwise."""
    rng = random.Random(5)
    worlds = [[f"w{world}-{n}" for n in range(6)] for world in range(100)]
    ids = person(*[name for world in worlds for name in world])

    def deal() -> dict[str, str | None]:
        state: dict[str, str | None] = {}
        for world in worlds:
            groups: dict[int | None, list[str]] = {}
            for name in world:
                if rng.random() < 0.9:
                    groups.setdefault(rng.choice([0, 1, 1, 2, None]), []).append(name)
            for key, members in groups.items():
                state.update(dict.fromkeys(members, None if key is None else ids[rng.choice(members)]))
        return state

    published: dict[dt.date, dict[str, str | None]] = {}
    so_far: tuple[list[Any], ...] = ([], [], [])
    for number in (0, 1, 2, 3, 3):
        day = FIRST + dt.timedelta(days=2 * number)
        published[day] = deal()
        so_far = keep(published[day], day, so_far[:2])
    history, changes, aliases = so_far
    frame = spark.createDataFrame([tuple(r) for r in history], IDENTITY_HISTORY.ddl)
    for day, state in published.items():
        for later in (day, day + dt.timedelta(days=1)):
            assert {r.identifier_id: r.person_id for r in on_day(frame, later).collect()} == state, later
    days = sorted(published)
    present = published[days[-1]]
    once = {p: [d for d in days if p in published[d].values()] for d in days for p in published[d].values() if p}
    gone = {p for p in once if p not in present.values()}
    assert {r.person_id for r in aliases} == gone
    namer = {ids[name]: name for world in worlds for name in world}
    members = {p: {i for d in once[p] for i, q in published[d].items() if q == p} for p in gone}
    for row in aliases:
        name_goes_to = present.get(namer[row.person_id])
        rest = Counter(q for i in members[row.person_id] if (q := present.get(i)))
        expected = name_goes_to or (min(rest, key=lambda q: (-rest[q], q)) if rest else None)
        assert row.present_person_id == expected
    before = published[days[-2]]
    today = [r for r in changes if r.changed_on == days[-1]]
    kinds = {(r.person_id, r.other_person_id): r.kind for r in today}
    flows = {(before[i], q) for i, q in present.items() if before.get(i) and q and before[i] != q}
    assert {pair for pair, kind in kinds.items() if kind in ("merged", "split", "moved")} == flows
    minted = {q for q in present.values() if q} - {q for q in before.values() if q} - {q for _, q in flows}
    retired = {p for p in before.values() if p} - {before[i] for i, q in present.items() if q and before.get(i)}
    assert {p for (p, _), kind in kinds.items() if kind == "minted"} == minted
    assert {p for (p, _), kind in kinds.items() if kind == "retired"} == retired
    assert {(p, q) for (p, q), kind in kinds.items() if kind == "split"} == {
        (p, q) for p, q in flows if q not in before.values() and kinds[p, q] != "merged"}


def test_a_merge_names_the_link_that_caused_it_and_a_split_the_rule(keep, person, rows):
    ids = person("a", "b", "c")
    seen = rows(OBSERVATIONS, {"observation_id": "1", "identifier_id": "a", "other_id": "b", "identifier_type": "email", "other_type": "email", "source": "shop", "sightings": 3})
    first = keep({"a": ids["a"], "b": ids["b"], "c": ids["c"]}, FIRST, ([], []))
    second = keep({"a": ids["a"], "b": ids["a"], "c": ids["c"]}, FIRST + dt.timedelta(days=1), first[:2], observations=seen)
    (merge,) = [r for r in second[1] if r.kind != "minted"]
    assert (merge.kind, merge.person_id, merge.other_person_id, merge.sources, merge.rule) == ("merged", ids["b"], ids["a"], ["shop"], None)
    assert {merge.identifier_id, merge.other_id} == {"a", "b"}
    assert [(r.person_id, r.present_person_id) for r in second[2]] == [(ids["b"], ids["a"])]
    audit = rows(IDENTITY_AUDIT, {"audit_id": "1", "identifier_id": "a", "other_id": "b", "rule": "split", "reason": "somebody split them", "identifier_type": "email"})
    third = keep({"a": ids["a"], "b": ids["b"], "c": ids["c"]}, FIRST + dt.timedelta(days=2), second[:2], audit=audit, observations=seen)
    (split,) = [r for r in third[1] if r.changed_on == FIRST + dt.timedelta(days=2)]
    assert (split.kind, split.person_id, split.other_person_id, split.rule, split.reason) == ("split", ids["a"], ids["b"], "split", "somebody split them")
    assert third[2] == []


def test_a_run_for_an_earlier_day_does_not_rewrite_what_was_published(keep, person):
    ids = person("a", "b")
    first = keep({"a": ids["a"], "b": ids["b"]}, FIRST, ([], []))
    second = keep({"a": ids["a"], "b": ids["a"]}, FIRST + dt.timedelta(days=5), first[:2])
    back = keep({"a": ids["a"], "b": ids["b"]}, FIRST + dt.timedelta(days=1), second[:2])
    assert sorted((r.identifier_id, r.person_id, r.valid_from, r.valid_to) for r in back[0]) == [
        ("a", ids["a"], FIRST, None), ("b", ids["b"], FIRST, None)]
