"""Decisions on a lake of a few rows: what is told before the next run, when they are dated, what cannot be taken back."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark.sql.types import TimestampType

from tests.laws import chain
from wayprint.contracts import BadConfiguration
from wayprint.engine import Engine
from wayprint.identity.decisions import decisions
from wayprint.lake import Lake
from wayprint.tables.identity import IDENTITY_AUDIT, IDENTITY_DECISIONS, IDENTITY_MAP, OBSERVATIONS

AS_OF = dt.date(2026, 3, 1)
SEEN = {"first_seen_at": dt.datetime(2026, 1, 15, 23, 30), "last_seen_at": dt.datetime(2026, 1, 15, 23, 30)}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets this process's time zone, until the test ends."""
    def there(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield there
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Paris", "UTC"])
def test_a_decision_is_dated_by_the_clock_of_the_world_and_not_of_the_machine(elsewhere, zone):
    at = dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)  # an hour that Paris has twice
    elsewhere(zone)
    (row,) = decisions("block", [("email", "x")], at, "ana", None)
    stored = TimestampType().toInternal(dict(zip(IDENTITY_DECISIONS.column_names, row, strict=True))["decided_at"])
    assert stored == at.timestamp() * 1_000_000


@pytest.fixture
def engine(spark: Any, rows: Any, tmp_path: Any) -> Engine:
    """Ann (login and e-mail), Bob (login), and an e-mail that is junk, as published for `AS_OF`."""
    lake = Lake(str(tmp_path / "lake"))

    def publish(table: Any, *given: dict[str, Any]) -> None:
        made = rows(table, *given)
        lake.add(table, made, lake.state(spark, table), {"step": "resolve", "as_of": AS_OF.isoformat(), "inputs": {}, "rules": {}}, len(given))

    publish(OBSERVATIONS, *[
        {"observation_id": f"{one}{other}{point}", "identifier_id": one, "identifier_type": "login", "other_id": other, "other_type": "email", "source": "web", "sightings": 2,
         "sync_point": point, **SEEN}
        for one, other, point in (("ann", "ann-mail", "same_order"), ("ann", "ann-mail", "login"), ("ann", "junk", None), ("bob", "junk", "form"))], {
            "observation_id": "card", "identifier_id": "card", "identifier_type": "loyalty_card", "source": "till", "sightings": 1, **SEEN})
    publish(IDENTITY_MAP, *[
        {"identifier_id": name, "identifier_type": kind, "person_id": person, "status": "owned" if person else "blocked"}
        for name, kind, person in (("ann", "login", "A"), ("ann-mail", "email", "A"), ("bob", "login", "B"), ("junk", "email", None), ("card", "loyalty_card", "C"))])
    refused = {"rule": "blocklist", "reason": "its value is on the list"}
    publish(
        IDENTITY_AUDIT, {"audit_id": "1", "identifier_id": "junk", "identifier_type": "email", **refused},
        *[{"audit_id": name, "identifier_id": name, "identifier_type": "login", "other_id": "junk", "other_type": "email", **refused} for name in ("ann", "bob")])
    return Engine(spark, lake, chain.chain_settings())


@pytest.mark.spark
def test_what_is_nobodys_and_what_is_decided_but_not_yet_followed_is_told_as_it_is(engine, elsewhere):
    elsewhere("America/New_York")
    told = engine.explain("junk").in_words()
    assert told[0] == "email junk is nobody's, blocked (blocklist): its value is on the list"
    assert len(told) == 4
    assert "2026-01-15 to 2026-01-15" in engine.explain("A").in_words()[1], "in UTC"
    verdict, evidence, _ = engine.explain("ann", "ann-mail").in_words()
    assert verdict == "one person, by this evidence:"
    assert "seen together 4 times by login, same_order in web, 2026-01-15" in evidence

    rows, preview, told = engine.propose("join", ["C", "B"], "ana", None)
    assert (preview.persons[1], told) == (preview.persons[0] - 1, [])
    assert (engine.published_as_of(), preview.split_persons) == (AS_OF, 0)
    engine.record(rows)
    apart = engine.explain("card", "bob")
    assert not apart.together
    assert apart.in_words()[0] == "two persons as published; the next run judges this evidence, which is newer:"
    (row,) = engine.table(IDENTITY_DECISIONS.name).selectExpr("decision_id", "unix_micros(decided_at) as at").collect()
    assert abs(row.at / 1_000_000 - time.time()) < 600

    rows, _, _ = engine.propose("undo", [row.decision_id], "ana", None)
    engine.record(rows)
    undo = engine.table(IDENTITY_DECISIONS.name).where("action = 'undo'").collect()[0].decision_id
    with pytest.raises(BadConfiguration, match="is an undo: decide again"):
        engine.propose("undo", [undo], "ana", None)
