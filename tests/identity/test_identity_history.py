"""Periods, changes and aliases over random days, against plain dictionaries; and one story told change by change."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any

import pytest

from tests.laws import chain
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

    def run(state: dict[str, str | None], day: dt.date, so_far: tuple[list[Any], ...], audit: Any = None, observations: Any = None) -> tuple[list[Any], ...]:
        standing = rows(IDENTITY_MAP, *[{
            "identifier_id": i, "identifier_type": "email", "person_id": p, "status": "owned" if p else "shared"} for i, p in state.items()])
        tables = (IDENTITY_HISTORY, IDENTITY_CHANGES, PERSON_ALIASES)
        history, changes, aliases = (spark.createDataFrame([tuple(r) for r in done], table.ddl) for done, table in zip(so_far, tables, strict=True))
        prepared = compare(standing, history, day).persist()
        found = record_history(prepared, audit or rows(IDENTITY_AUDIT), observations or rows(OBSERVATIONS), changes, aliases)
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

    namer = {ids[name]: name for world in worlds for name in world}
    published: dict[dt.date, dict[str, str | None]] = {}
    aliases: dict[str, str | None] = {}
    before: dict[str, str | None] = {}
    spans: dict[tuple[str, dt.date], tuple[str | None, dt.date | None]] = {}  # identifier and first day -> person and the day it was over
    so_far: tuple[list[Any], ...] = ([], [], [])
    for number in (0, 1, 2, 2, 3):
        day, present, earlier = FIRST + dt.timedelta(days=2 * number), deal(), so_far
        told = {r.change_id for r in so_far[1]}
        so_far = keep(present, day, so_far)
        owners = {q for q in present.values() if q}
        flows: dict[str, Counter[str]] = {}
        for name, person_id in before.items():
            if person_id and (q := present.get(name)):
                flows.setdefault(person_id, Counter())[q] += 1

        def heir(old: str | None, flows: dict[str, Counter[str]] = flows, present: dict[str, str | None] = present, before: dict[str, str | None] = before) -> str | None:
            shares = flows.get(old or "")
            if not shares:
                return None
            named = present.get(namer[old]) if before.get(namer[old]) == old else None
            return named if named in shares else min(shares, key=lambda one: (-shares[one], one))

        def today(old: str, present: dict[str, str | None] = present, aliases: dict[str, str | None] = aliases, owners: set[str] = owners, heir: Any = heir) -> str | None:
            if named := present.get(namer[old]):
                return named
            had = [(to or dt.date.max, name) for (name, _), (person_id, to) in spans.items() if person_id == old]
            if not had:
                return aliases[old] if aliases[old] in owners else heir(aliases[old])
            shares = Counter(q for to, name in had if to == max(had)[0] and (q := present.get(name)))
            return min(shares, key=lambda one: (-shares[one], one), default=None)

        aliases = {p: today(p) for p in {*aliases, *filter(None, before.values())} - owners}
        assert {r.person_id: r.present_person_id for r in so_far[2]} == aliases
        if number == 2:
            assert [sorted(rows, key=str) for rows in keep(present, day, (earlier[0], *so_far[1:]))] == [sorted(rows, key=str) for rows in so_far], "killed before the last commit"
        fresh = [r for r in so_far[1] if r.change_id not in told]
        kinds = {(r.person_id, r.other_person_id): r.kind for r in fresh}
        moves = {(p, q) for p, shares in flows.items() for q in shares if p != q}
        assert {pair for pair, kind in kinds.items() if kind in ("merged", "renamed", "split", "moved")} == moves
        olds = {p for p in before.values() if p}
        inherits = Counter(heir(p) for p in flows)
        assert {p for (p, _), kind in kinds.items() if kind == "minted"} == owners - olds - {q for _, q in moves}
        assert {p for (p, _), kind in kinds.items() if kind == "retired"} == olds - set(flows)
        assert {pair for pair, kind in kinds.items() if kind == "split"} == {(p, q) for p, q in moves if q not in olds and heir(p) != q}
        alone = {(p, q) for p, q in moves if heir(p) == q and q not in olds and inherits[q] == 1}
        assert {pair for pair, kind in kinds.items() if kind == "renamed"} == alone
        assert {pair for pair, kind in kinds.items() if kind == "merged"} == {(p, q) for p, q in moves if heir(p) == q} - alone
        for name in {*before, *present}:
            if before.get(name, "not there") == present.get(name, "not there"):
                continue
            for key, (person_id, to) in list(spans.items()):
                if key[0] == name and to is None:
                    del spans[key]
                    if key[1] != day:
                        spans[key] = (person_id, day)
            if name in present:
                spans[name, day] = (present[name], None)
        before = published[day] = present
    frame = spark.createDataFrame([tuple(r) for r in so_far[0]], IDENTITY_HISTORY.ddl)
    for day, state in published.items():
        for later in (day, day + dt.timedelta(days=1)):
            assert {r.identifier_id: r.person_id for r in on_day(frame, later).collect()} == state, later


def test_a_merge_names_the_link_that_caused_it_and_a_split_the_rule(keep, person, rows):
    ids = person("a", "b", "c")
    seen = rows(OBSERVATIONS, {"observation_id": "1", "identifier_id": "a", "other_id": "b", "identifier_type": "email", "other_type": "email", "source": "shop", "sightings": 3})
    first = keep({"a": ids["a"], "b": ids["b"], "c": ids["c"]}, FIRST, ([], [], []))
    second = keep({"a": ids["a"], "b": ids["a"], "c": ids["c"]}, FIRST + dt.timedelta(days=1), first, observations=seen)
    (merge,) = [r for r in second[1] if r.kind != "minted"]
    assert (merge.kind, merge.person_id, merge.other_person_id, merge.sources, merge.rule) == ("merged", ids["b"], ids["a"], ["shop"], None)
    assert {merge.identifier_id, merge.other_id} == {"a", "b"}
    assert [(r.person_id, r.present_person_id) for r in second[2]] == [(ids["b"], ids["a"])]
    audit = rows(IDENTITY_AUDIT, {"audit_id": "1", "identifier_id": "a", "other_id": "b", "rule": "split", "reason": "somebody split them", "identifier_type": "email"})
    third = keep({"a": ids["a"], "b": ids["b"], "c": ids["c"]}, FIRST + dt.timedelta(days=2), second, audit=audit, observations=seen)
    (split,) = [r for r in third[1] if r.changed_on == FIRST + dt.timedelta(days=2)]
    assert (split.kind, split.person_id, split.other_person_id, split.rule, split.reason) == ("split", ids["a"], ids["b"], "split", "somebody split them")
    assert third[2] == []


def test_a_run_for_an_earlier_day_does_not_rewrite_what_was_published(keep, person):
    ids = person("a", "b")
    first = keep({"a": ids["a"], "b": ids["b"]}, FIRST, ([], [], []))
    second = keep({"a": ids["a"], "b": ids["a"]}, FIRST + dt.timedelta(days=5), first)
    back = keep({"a": ids["a"], "b": ids["b"]}, FIRST + dt.timedelta(days=1), second)
    assert sorted(((r.identifier_id, r.person_id, r.valid_from, r.valid_to) for r in back[0]), key=str) == [
        ("a", ids["a"], FIRST, None), ("b", ids["b"], FIRST, FIRST + dt.timedelta(days=5)), ("b", ids["b"], FIRST + dt.timedelta(days=5), None)]


def test_an_old_id_is_whose_its_own_identifier_is_after_a_weld_is_undone(keep, person):
    ids = person("q", "s", "p")
    alone = {name: ids[name] for name in "qsp"}
    welded = keep(dict.fromkeys("qsp", ids["q"]), FIRST + dt.timedelta(days=1), keep(alone, FIRST, ([], [], [])))
    assert {r.person_id: r.present_person_id for r in welded[2]} == {ids["s"]: ids["q"], ids["p"]: ids["q"]}
    parted = {"q": ids["q"], "s": ids["s"], "p": ids["s"]}
    undone = keep(parted, FIRST + dt.timedelta(days=2), welded)
    assert {r.person_id: r.present_person_id for r in undone[2]} == {ids["p"]: ids["s"]}
    junk = keep({**parted, "p": None}, FIRST + dt.timedelta(days=3), undone)
    assert {r.person_id: r.present_person_id for r in junk[2]} == {ids["p"]: None}, "nobody has what it was called after, nor anything else it had"


def test_a_person_whose_oldest_identifier_is_nobodys_or_who_got_an_older_one_is_renamed_and_not_merged(keep, person, rows):
    ids = person("p", "x", "b", "z", "y")
    first = keep({"p": ids["p"], "x": ids["p"], "b": ids["b"], "y": ids["y"]}, FIRST, ([], [], []))
    seen = rows(OBSERVATIONS, *[
        {"observation_id": f"{one}{other}", "identifier_id": one, "other_id": other, "identifier_type": "email", "other_type": "email", "source": "shop", "sightings": 1}
        for one, other in (("b", "z"), ("x", "w"))])
    second = keep({"p": None, "x": ids["x"], "w": ids["x"], "z": ids["z"], "b": ids["z"], "y": ids["y"]}, FIRST + dt.timedelta(days=1), first, observations=seen)
    told = {r.person_id: r for r in second[1] if r.changed_on > FIRST}
    assert {p: (r.kind, r.other_person_id) for p, r in told.items()} == {ids["p"]: ("renamed", ids["x"]), ids["b"]: ("renamed", ids["z"])}
    assert (told[ids["p"]].reason, told[ids["p"]].identifier_id) == ("the identifier it was called after is gone, nobody's or another's", None)
    assert {told[ids["b"]].identifier_id, told[ids["b"]].other_id} == {"b", "z"}
    third = keep({"x": ids["x"], "z": ids["z"], "b": ids["z"], "older": ids["z"], "y": ids["z"]}, FIRST + dt.timedelta(days=2), second)
    assert [(r.kind, r.person_id) for r in third[1] if r.changed_on > FIRST + dt.timedelta(days=1)] == [("merged", ids["y"])]


def test_a_run_killed_after_the_aliases_and_before_the_history_is_finished_by_the_next(keep, person):
    """The next run reads the aliases of the killed one beside the history of the one before; Z, an older identifier, is nobody's former id."""
    ids = person("p", "x", "z")
    first = keep({"p": ids["p"], "x": ids["p"]}, FIRST, ([], [], []))
    older = {"z": ids["z"], "p": ids["z"], "x": ids["z"]}
    killed = keep(older, FIRST + dt.timedelta(days=1), first)
    again = keep(older, FIRST + dt.timedelta(days=2), (first[0], first[1], killed[2]))
    assert [tuple(r) for r in again[2]] == [tuple(r) for r in killed[2]] == [(ids["p"], ids["z"], FIRST + dt.timedelta(days=1))]


def test_the_laws_of_the_chain_find_an_alias_that_names_a_stranger_or_who_is_not_there(person, rows):
    ids = person("a", "b", "c", "d")
    standing = rows(IDENTITY_MAP, *[{"identifier_id": i, "identifier_type": "email", "person_id": ids[p], "status": "owned"} for i, p in (("a", "a"), ("b", "a"), ("c", "c"))])
    for old, now, is_wrong in (("b", "a", False), ("b", "c", True), ("b", None, True), ("d", "a", False), ("d", None, False), ("d", "d", True)):
        alias = rows(PERSON_ALIASES, {"person_id": ids[old], "present_person_id": now and ids[now], "since": FIRST})
        assert chain.wrong_aliases(alias, standing).count() == is_wrong, (old, now)
