"""Decisions about identifiers on a whole lake: the next run follows them in every table, and another entry takes them back."""

from __future__ import annotations

import shutil

import pytest

from tests.laws import chain
from wayprint.contracts import BadConfiguration
from wayprint.engine import Engine
from wayprint.lake import Lake

pytestmark = [pytest.mark.spark, pytest.mark.chain]


def test_a_join_is_followed_by_the_next_run_and_an_undo_brings_all_rows_back(spark, world, baseline, tmp_path):
    shutil.copytree(baseline.lake, tmp_path / "lake")
    engine = Engine(spark, Lake(str(tmp_path / "lake")), chain.chain_settings())
    active = engine.table("touches").where("person_id is not null").select("person_id").distinct()
    one, other = sorted(r.person_id for r in engine.table("persons").where("not is_known").join(active, "person_id").orderBy("person_id").limit(2).collect())
    rows, preview, told = engine.propose("join", [one, other], "ana", "called us from both", world.as_of)
    assert (preview.merged_persons, preview.split_persons, told) == (1, 0, [])
    assert preview.persons[1] == preview.persons[0] - 1
    assert engine.table("identity_decisions").count() == 0, "a proposal decides nothing"
    engine.record(rows)
    chain.run(spark, world.raw, tmp_path / "lake", world.as_of)

    (alias,) = engine.table("person_aliases").collect()
    assert alias.person_id in (one, other)
    kept = alias.present_person_id
    assert engine.table("identity_changes").where("kind = 'merged'").count() == 1
    for name in ("identity_map", "touches", "visits", "journeys", "persons", "person_timeline", "person_360"):
        assert engine.table(name).where(f"person_id = '{alias.person_id}'").count() == 0, name
        assert engine.table(name).where(f"person_id = '{kept}'").count() > 0, name
    assert "joined by decision" in "\n".join(engine.explain(one if one == kept else other).in_words())

    decision = engine.table("identity_decisions").collect()[0].decision_id
    rows, preview, _ = engine.propose("undo", [decision], "ana", None, world.as_of)
    assert (preview.merged_persons, preview.split_persons) == (0, 1)
    engine.record(rows)
    chain.run(spark, world.raw, tmp_path / "lake", world.as_of)
    assert chain.differences(baseline.rows, chain.tables(spark, engine.lake)) == []
    assert engine.table("person_aliases").count() == 0
    assert engine.identity_on(world.as_of).count() == engine.table("identity_map").count()


def test_a_decision_that_cannot_be_is_answered_before_anything_is_written(spark, world, baseline):
    engine = Engine(spark, Lake(str(baseline.lake)), chain.chain_settings())
    logins = [r.identifier_id for r in engine.table("identity_map").where("identifier_type = 'login' and person_id is not null").orderBy("identifier_id").limit(2).collect()]
    _, preview, told = engine.propose("join", logins, "ana", None, world.as_of)
    assert preview.merged_persons == 0
    assert "unique_conflict" in told[0]
    known = engine.table("persons").where("identifiers > 1").orderBy("person_id").first().person_id
    for action, names, words in (
        ("split", [known, logins[0]], "needs identifiers"), ("block", ["fax:12"], "unknown identifier type 'fax'"), ("undo", ["never"], "no decision 'never'"),
        ("join", [logins[0], logins[0]], "two different identifiers"), ("block", ["phone:hello"], "is no phone")):
        with pytest.raises(BadConfiguration, match=words):
            engine.propose(action, names, "ana", None, world.as_of)


def test_a_lake_without_identity_is_told_apart_from_a_name_that_nobody_has(spark, tmp_path):
    with pytest.raises(BadConfiguration, match="has no identity yet"):
        chain.Engine(spark, Lake(str(tmp_path)), chain.chain_settings()).explain("email:ana@exemple.fr")
