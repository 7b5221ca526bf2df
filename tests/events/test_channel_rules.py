"""The published rules of channel groups against a table of cases written from their wording, and against broken rule files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from wayprint.events.channels import classify
from wayprint.events.settings import ChannelRules
from wayprint.settings import conf_folder

CASES = [
    (row["source"] or None, row["medium"] or None, row["campaign"] or None, row["channel"])
    for row in csv.DictReader((Path(__file__).parent / "channel_cases.csv").open(encoding="utf-8"))]


@pytest.fixture(scope="module")
def told() -> dict:
    return yaml.safe_load((conf_folder() / "channels.yaml").read_text(encoding="utf-8"))


def test_every_case_of_the_truth_table_falls_into_its_channel(told):
    rules = ChannelRules(**told)
    wrong = [(*hints, "expected", channel, "came", came) for *hints, channel in CASES if (came := classify(*hints, rules)) != channel]
    assert wrong == []


def test_the_truth_table_reaches_every_group_and_no_case_stands_twice(told):
    assert {channel for *_, channel in CASES} == {rule["channel"] for rule in told["groups"]} | {"Unassigned"}
    assert len({case[:3] for case in CASES}) == len(CASES) >= 200


@pytest.mark.parametrize(("change", "told_why"), [
    (lambda t: t["groups"][0].update(channel="Directly"), "neither digital nor physical"),
    (lambda t: t["groups"][1].update(rule=t["groups"][0]["rule"]), "a rule id stands twice"),
    (lambda t: t["sources"]["video"].append("google"), "a source stands twice"),
    (lambda t: t["sources"]["video"].append("YouTube"), "not lower case"),
    (lambda t: t["search_engines"].update(nowhere=["nowhere.*"]), "not a source of category search"),
    (lambda t: t["groups"][0]["any"][0].update(platform={"equals": ["web"]}), "more than source, medium and campaign"),
    (lambda t: t["groups"][0]["any"][0].update(medium={"equals": ["x"], "matches": "x"}), "exactly one of"),
    (lambda t: t["groups"][0]["any"][0].update(medium={"matches": "("}), "not a regular expression"),
    (lambda t: t["groups"][0]["any"][0].update(medium={"category": "search"}, source=None), "category is a question about source"),
    (lambda t: t["groups"][0]["any"].append({}), "would match everything"),
    (lambda t: t["physical"].append("Direct"), "named digital and physical"),
    (lambda t: t.update(clicks={}), "Extra inputs"),
])
def test_a_rule_file_that_contradicts_itself_is_refused(told, change, told_why):
    broken = yaml.safe_load(yaml.safe_dump(told))
    change(broken)
    with pytest.raises(ValidationError, match=told_why):
        ChannelRules(**broken)
