"""The laws of the whole chain: twice is once, any order of delivery is one delivery, a killed run is finished by the next."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time

import pandas as pd
import pytest

from tests.identity.scoring import score, true_identifiers
from tests.laws import chain
from wayprint.contracts import BadConfiguration
from wayprint.lake import Lake

pytestmark = [pytest.mark.spark, pytest.mark.chain]
IDENTITY = ("ingest", "deduplicate", "clean", "latest_contacts", "stitch_orders", "observe", "resolve")


def test_a_second_run_makes_no_new_version_of_any_table(spark, world, baseline):
    lake = Lake(str(baseline.lake))
    before = chain.versions(spark, lake)
    report = chain.run(spark, world.raw, baseline.lake, world.as_of)
    assert chain.versions(spark, lake) == before
    assert {r.status for r in report.results} <= {"current", "unchanged"}


def test_every_table_has_rows_or_a_reason(baseline):
    """A law that compares empty tables would hold of anything."""
    may_be_empty = {"scores", "audience_members", "repeated_events", "profile_pairs", "profile_groups", "probable_devices", "identity_suggestions", "episodes", "person_aliases"}
    assert [name for name, rows in baseline.rows.items() if not rows and name not in may_be_empty] == []


def test_three_deliveries_in_any_order_with_repetitions_end_in_the_rows_of_one(spark, world, baseline, tmp_path):
    for delivery in world.deliveries:
        chain.run(spark, delivery, tmp_path / "lake", world.as_of)
    assert chain.differences(baseline.rows, chain.tables(spark, Lake(str(tmp_path / "lake")))) == []


def test_a_run_killed_three_times_and_run_again_ends_in_the_rows_of_an_undisturbed_one(spark, world, baseline, tmp_path):
    """The killed runs also use other partitions, adaptive execution and compiled expressions, which must change nothing either."""
    assert killed_then_finished(
        world, tmp_path / "lake", random.Random(3), kills=3, WAYPRINT_SPARK__SHUFFLE_PARTITIONS="7", WAYPRINT_SPARK__ADAPTIVE="true",
        WAYPRINT_SPARK__DRIVER_JAVA_OPTIONS="-XX:+UseSerialGC") == 3
    assert chain.differences(baseline.rows, chain.tables(spark, Lake(str(tmp_path / "lake")))) == []


def test_a_history_making_setting_starts_its_steps_afresh_and_another_does_not(spark, world, baseline):
    settings = chain.chain_settings()

    def planned(changed):
        report = chain.Engine(spark, Lake(str(baseline.lake)), changed).run(world.as_of, dry_run=True)
        return {r.step for r in report.results if r.status == "planned"}

    assert planned(settings) == set()
    assert planned(settings.replace("identity", max_local_edges=1234)) == set()
    assert planned(settings.replace("journeys", journey_gap_days=12)) >= {"trace_journeys"}


def killed_then_finished(world, lake, rng, kills, **environ):
    """Kill -9 the whole process group of a run at random moments, each time later in the chain, then let one finish; how many were killed."""
    arguments, environment = chain.command(world.raw, lake, world.as_of, **environ)
    span, killed = 36 // kills, 0  # a run makes some forty commits
    for kill in range(kills):
        process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        # wait until the run has published something, so that the kill falls into the work and not into the start of the JVM
        target = rng.randrange(1 + span * kill, 1 + span * (kill + 1))
        deadline = time.monotonic() + 300
        while process.poll() is None and commits(lake) < target and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(rng.random() * 0.8)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.strip().splitlines()[-1])["exit_code"] == 0
    return killed


def commits(lake) -> int:
    return len(list(lake.glob("*/*/_delta_log/*.json")))


def test_identity_finds_the_true_persons(baseline, world):
    """Pairs of identifiers that the files tie together, against the simulated truth; shared and junk ones left out."""
    found = pd.DataFrame(baseline.rows["identity_map"], columns=chain.ALL["identity_map"].column_names)
    assert is_good(score(found, true_identifiers(world.truth)))


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(11, 16))
def test_identity_finds_the_true_persons_of_other_worlds(seed, spark, tmp_path):
    as_of = chain.small_world(tmp_path, seed, people=600, days=60)
    chain.run(spark, tmp_path / "raw", tmp_path / "lake", as_of, only=IDENTITY)
    found = Lake(str(tmp_path / "lake"))
    standing = found.read(spark, chain.ALL["identity_map"], 0).toPandas()
    measured = score(standing, true_identifiers(tmp_path / "truth"))
    print(f"world {seed}: {measured}")
    assert is_good(measured)


def is_good(measured):
    return measured.precision >= 0.99 and measured.recall >= 0.95 and measured.largest <= measured.largest_true + 5


def test_what_holds_a_person_together_and_what_keeps_two_apart_is_told(spark, baseline):
    engine = chain.Engine(spark, Lake(str(baseline.lake)), chain.chain_settings())
    columns = chain.ALL["identity_map"].column_names
    owned = pd.DataFrame(baseline.rows["identity_map"], columns=columns).dropna(subset=["person_id"])
    sizes = owned.groupby("person_id").size().sort_values()
    person = sizes.index[-1]
    told = engine.explain(person)
    assert set(told.identifiers) == set(owned[owned["person_id"] == person]["identifier_id"])
    one, other = sorted(told.identifiers)[:2]
    way = engine.explain(one, other)
    assert way.together
    assert {one, other} <= {end for link in way.path for end in (link.identifier_id, link.other_id)}
    audit = pd.DataFrame(baseline.rows["identity_audit"], columns=chain.ALL["identity_audit"].column_names)
    owner = owned.set_index("identifier_id")["person_id"]
    audit = audit.dropna(subset=["other_id"])
    refused = audit[audit["identifier_id"].map(owner).fillna("nobody") != audit["other_id"].map(owner).fillna("no one")].iloc[0]
    apart = engine.explain(refused["identifier_id"], refused["other_id"])
    assert not apart.together
    assert apart.refused
    with pytest.raises(BadConfiguration, match="no person and no identifier"):
        engine.explain("email:nobody@nowhere.example")


def test_trying_the_rules_in_force_changes_nothing(spark, world, baseline):
    told = chain.Engine(spark, Lake(str(baseline.lake)), chain.chain_settings()).try_identity(chain.ROOT / "conf", world.as_of, "test")
    assert told.persons[0] == told.persons[1] > 0
    assert (told.largest[0], told.recognised[0]) == (told.largest[1], told.recognised[1])
    assert (told.merged_persons, told.split_persons) == (0, 0)
