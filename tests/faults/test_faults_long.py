"""The same laws over many schedules, kills and races: `make faults`. Figures are printed."""

from __future__ import annotations

import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cache

import pytest

from tests.laws import chain
from tests.laws.test_laws_chain import killed_then_finished
from wayprint.lake import Lake

pytestmark = [pytest.mark.spark, pytest.mark.faults]
TIMES = int(os.environ.get("WAYPRINT_FAULTS", "20"))
WORLDS = 4  # seeds of worlds that schedules share
KILLS_IN_A_ROW = 5  # each kill falls later in the chain than the one before


@pytest.fixture(scope="module")
def worlds(spark, tmp_path_factory):
    """Raw files, day and rows of one delivery, by the seed of the world; made when first asked for."""

    @cache
    def of(seed):
        place = tmp_path_factory.mktemp(f"world-{seed}")
        _, raw, as_of = chain.dealt_world(place, seed)
        chain.run(spark, raw, place / "lake", as_of)
        return raw, as_of, chain.tables(spark, Lake(str(place / "lake")))

    return of


@pytest.mark.parametrize("seed", range(TIMES))
def test_schedule(seed, spark, worlds, tmp_path):
    rng = random.Random(1000 + seed)
    raw, as_of, rows = worlds(2 + seed % WORLDS)
    dealt = chain.deliveries(raw, tmp_path, rng, rng.randint(2, 4))
    for delivery in dealt:
        chain.run(spark, delivery, tmp_path / "lake", as_of)
    chain.run(spark, raw, tmp_path / "lake", as_of)  # names that only another schedule made
    expected, found = dict(rows), chain.tables(spark, Lake(str(tmp_path / "lake")))
    for some in (expected, found):
        some["files"] = [(*r[:2], *r[4:]) for r in some["files"]]  # this schedule's own repetitions have their own names
    assert chain.differences(expected, found) == []
    print(f"schedule {seed}: {len(dealt)} deliveries of world {2 + seed % WORLDS}, equal", flush=True)


@pytest.mark.parametrize("seed", range(max(1, TIMES // KILLS_IN_A_ROW)))
def test_kill(seed, spark, world, baseline, tmp_path):
    killed = killed_then_finished(world, tmp_path / "lake", random.Random(2000 + seed), kills=KILLS_IN_A_ROW)
    assert chain.differences(baseline.rows, chain.tables(spark, Lake(str(tmp_path / "lake")))) == []
    print(f"kills {seed}: {killed} of {KILLS_IN_A_ROW} runs were killed, rows equal", flush=True)


@pytest.mark.parametrize("seed", range(TIMES))
def test_race(seed, spark, world, baseline, tmp_path, monkeypatch):
    """Two runs on one lake at once. The even ones without the lock of local folders, as on an object store: only commits keep them apart."""
    if seed % 2 == 0:
        monkeypatch.setattr(Lake, "run_alone", lambda *_: nullcontext())
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: chain.run(spark, world.raw, tmp_path / "lake", world.as_of), range(2)))
    assert chain.differences(baseline.rows, chain.tables(spark, Lake(str(tmp_path / "lake")))) == []
    print(f"race {seed}: both ended well, rows equal", flush=True)


def test_race_of_two_processes(spark, world, baseline, tmp_path):
    arguments, environment = chain.command(world.raw, tmp_path / "lake", world.as_of)
    pair = [subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [p.wait() for p in pair] == [0, 0]
    assert chain.differences(baseline.rows, chain.tables(spark, Lake(str(tmp_path / "lake")))) == []
