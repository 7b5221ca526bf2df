"""A preview of other rules against two maps whose differences are known by construction."""

from __future__ import annotations

import dataclasses
import random

import pytest

from wayprint.identity.preview import judged_at_the_door, preview
from wayprint.tables.identity import IDENTITY_MAP

pytestmark = pytest.mark.spark


@pytest.fixture
def maps(rows):
    def build(*persons: dict[str, str | None]):
        return [rows(IDENTITY_MAP, *[
            {"identifier_id": name, "identifier_type": "web_cookie" if name.startswith("c") else "email", "person_id": person, "status": "owned" if person else "shared"}
            for name, person in given.items()]) for given in persons]
    return build


def test_merges_and_splits_are_counted_with_examples(maps):
    now, then = maps(
        {"e1": "A", "c1": "A", "c2": "B", "e3": "C", "c3": "C", "c4": "D", "c5": None},
        {"e1": "A", "c1": "A", "c2": "A", "e3": "C", "c3": "X", "c4": None, "c5": "E"})
    told = preview(now, then, ("web_cookie",))
    assert (told.persons, told.largest) == ((4, 4), (2, 3))
    assert (told.merged_persons, told.merged) == (1, (("A", ("A", "B")),))
    assert (told.split_persons, told.split) == (1, (("C", ("C", "X")),))
    assert told.recognised == (2 / 4, 2 / 4)
    assert "merged: A + B -> A" in told.in_words()


def test_100_random_pairs_of_maps_are_counted_as_a_loop_counts_them(maps):
    """All cases in one pair of maps, side by side: each case has its own names, so none touches another."""
    rng = random.Random(3)
    now: dict[str, str | None] = {}
    then: dict[str, str | None] = {}
    for case in range(100):
        for number in range(rng.randint(1, 6)):
            now[f"c{case}-{number}"] = rng.choice([None, f"{case}-A", f"{case}-B", f"{case}-C"])
            then[f"c{case}-{number}"] = rng.choice([None, f"{case}-A", f"{case}-B"])
    both = [(a, then[name]) for name, a in now.items() if a and then[name]]
    merged = [p for p in {b for _, b in both} if len({a for a, b in both if b == p}) > 1]
    split = [p for p in {a for a, _ in both} if len({b for a, b in both if a == p}) > 1]
    told = preview(*maps(now, then), ("web_cookie",))
    assert (told.merged_persons, told.split_persons) == (len(merged), len(split))
    assert told.persons == (len({a for a in now.values() if a}), len({b for b in then.values() if b}))
    assert told.recognised == (0.0, 0.0)


def test_the_same_rules_change_nothing(maps):
    now, then = maps({"e1": "A", "c1": "A"}, {"e1": "A", "c1": "A"})
    told = preview(now, then, ("web_cookie",))
    assert (told.merged_persons, told.split_persons, told.merged, told.split) == (0, 0, (), ())


def test_rules_that_are_judged_where_files_are_read_are_named(knobs, maps):
    def other(name, **given):
        return knobs.model_copy(update={"types": {**knobs.types, name: knobs.types[name].model_copy(update=given)}})

    assert judged_at_the_door(knobs, knobs) == judged_at_the_door(knobs, other("email", fan_out=1)) == ()
    assert judged_at_the_door(knobs, other("email", shape="x+", priority=99)) == ("email.priority", "email.shape")
    assert judged_at_the_door(knobs.model_copy(update={"types": {**knobs.types, "fax": knobs.types["email"]}}), knobs)[0] == "fax.priority"
    told = dataclasses.replace(preview(*maps({"e1": "A"}, {"e1": "A"}), ("web_cookie",)), unseen=("email.shape",))
    assert told.in_words()[-1] == "email.shape is another, and judged where files are read: what it changes is not in these figures"
