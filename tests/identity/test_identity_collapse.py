"""Collapse: what everybody has in common must not make one person of everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from households import START, Town, ident
from scoring import score

from wayprint.identity.resolution import decide, map_identifiers
from wayprint.tables.identity import IDENTITY_DECISIONS, OBSERVATIONS

pytestmark = pytest.mark.spark

EACH = 50
TYPES = ("email", "phone", "loyalty_card", "web_cookie", "app_device")
DEVICES = ("web_cookie", "ga_client")


def thrown_in(town: Town, shared: int) -> pd.DataFrame:
    """Identifiers that no list names, each seen once with an identifier of 50 people: of counters, of employees, of forms filled in by whoever.

    Every other is seen with devices only, of visitors who say nothing else.
    """
    rng = np.random.default_rng(4)
    leads = town.observations.drop_duplicates("identifier_id")
    others = town.observations.assign(identifier_id=town.observations["other_id"], identifier_type=town.observations["other_type"])
    devices = pd.concat([leads, others])[lambda ends: ends["identifier_type"].isin(DEVICES)].drop_duplicates("identifier_id")
    found = []
    for number in range(shared):
        kind = TYPES[number // 2 % len(TYPES)]
        among = (devices if number % 2 else leads)[lambda ends, kind=kind: ends["identifier_type"] != kind]
        met = among.iloc[rng.choice(len(among), EACH, replace=False)]
        found.append(met.assign(other_id=ident(f"{kind}:shared {number}"), other_type=kind, observation_id=[ident(f"{number}|{n}") for n in range(EACH)],
            first_seen_at=START, last_seen_at=START, sightings=1))
    return pd.concat(found)


def strongest_first(rows: pd.DataFrame, ranks: dict[str, int]) -> pd.DataFrame:
    """As the table promises: `identifier_id` is the stronger of the two."""
    swap = rows["identifier_type"].map(ranks) > rows["other_type"].map(ranks)
    ends = ["identifier_id", "identifier_type", "other_id", "other_type"]
    rows = rows.copy()
    rows.loc[swap, ends] = rows.loc[swap, [*ends[2:], *ends[:2]]].to_numpy()
    return rows


@pytest.fixture
def resolved(spark: Any, knobs: Any, rows: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    import datetime as dt

    ranks = {name: kind.priority for name, kind in knobs.types.items()}

    def run(observations: pd.DataFrame) -> pd.DataFrame:
        observations = strongest_first(observations, ranks)
        frame = spark.createDataFrame(observations.assign(identifier_flaw=None, other_flaw=None)[list(OBSERVATIONS.column_names)], OBSERVATIONS.ddl)
        return map_identifiers(decide(frame, rows(IDENTITY_DECISIONS), knobs, dt.date(2027, 3, 1))).toPandas()

    return run


@pytest.mark.parametrize(("people", "shared"), [(3_000, 20), pytest.param(30_000, 200, marks=pytest.mark.faults)])
def test_identifiers_of_fifty_people_each_collapse_nobody(resolved, people, shared):
    town = Town(11, people)
    clean = score(resolved(town.observations), town.truth)
    dirty = score(resolved(pd.concat([town.observations, thrown_in(town, shared)])), town.truth)
    print(f"{people} people: clean {clean}, with {shared} shared identifiers {dirty}")
    assert clean.precision >= 0.99
    assert dirty.precision >= 0.99
    assert dirty.recall >= clean.recall - 0.01, (clean, dirty)
    assert dirty.largest <= EACH, (clean, dirty)
