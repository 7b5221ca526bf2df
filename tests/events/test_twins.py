"""Two trackers, one hit; and the Arrow pass that feeds it device by device."""

from __future__ import annotations

import random

import pyarrow as pa

from wayprint.events.twins import Sighting, twins
from wayprint.events.verdicts import whole_devices


def seen(*sightings: tuple[int, str, str | None]) -> list[Sighting]:
    return [Sighting(*sighting) for sighting in sightings]


def test_another_trackers_view_of_the_same_hit_is_a_twin_up_to_the_limit_and_no_further():
    assert twins(seen((0, "home", "a"), (2, "home", "b")), within=2) == {1: 0}
    assert twins(seen((0, "home", "a"), (3, "home", "b")), within=2) == {}


def test_one_trackers_quick_repeats_are_two_hits():
    assert twins(seen((0, "home", "a"), (1, "home", "a"), (1, "other", "b")), within=2) == {}


def test_two_quick_views_seen_by_two_trackers_stay_two():
    assert twins(seen((0, "home", "a"), (0, "home", "b"), (1, "home", "a"), (1, "home", "b")), within=2) == {1: 0, 3: 2}


def test_a_chain_does_not_swallow_what_is_far_from_the_kept_one():
    assert twins(seen((0, "home", "a"), (2, "home", "b"), (4, "home", "a"), (6, "home", "b")), within=2) == {1: 0, 3: 2}
    assert twins(seen((0, "home", "a"), (2, "home", "b"), (3, "home", "c")), within=2) == {1: 0}


def test_an_unnamed_tracker_has_no_twins():
    assert twins(seen((0, "home", None), (0, "home", "a"), (0, "home", None)), within=2) == {}


def test_twins_equal_the_rule_read_aloud():
    draw = random.Random(11)
    for _ in range(300):
        sightings = sorted(
            ((draw.randrange(20), draw.choice("hp"), draw.choice(["a", "b", "c", None])) for _ in range(draw.randrange(25))),
            key=lambda sighting: sighting[:2])
        kept: list[tuple[int, set]] = []
        expected = {}
        for position, (at, hit, tracker) in enumerate(sightings):
            for older, trackers in kept:
                is_same = sightings[older][1] == hit and tracker is not None and sightings[older][2] is not None
                if is_same and at - sightings[older][0] <= 3 and tracker not in trackers:
                    expected[position] = older
                    trackers.add(tracker)
                    break
            else:
                kept.append((position, {tracker}))
        assert twins(seen(*sightings), within=3) == expected


def test_batches_are_cut_between_devices_and_lose_nothing():
    draw = random.Random(13)
    schema = pa.schema({"origin_id": pa.string(), "row": pa.int64()})
    for _ in range(100):
        devices = sorted(str(draw.randrange(6)) for _ in range(draw.randrange(1, 40)))
        rows = [{"origin_id": device, "row": number} for number, device in enumerate(devices)]
        batches, at = [], 0
        while at < len(devices):
            step = draw.choice([0, 1, 2, 3, 10])
            batches.append(pa.RecordBatch.from_pylist(rows[at:at + step], schema))
            at += step
        tables = list(whole_devices(batches))
        assert [row for table in tables for row in table.column("row").to_pylist()] == list(range(len(devices)))
        owners = [device for table in tables for device in sorted(set(table.column("origin_id").to_pylist()))]
        assert len(owners) == len(set(owners))


def test_a_finished_device_is_not_held_back_by_the_next():
    batches = [pa.RecordBatch.from_pydict({"origin_id": [device] * 3}) for device in "abc"]
    assert [table.num_rows for table in whole_devices(batches)] == [3, 3, 3]
