"""The shipped configuration holds together, and a wrong one is refused with its cure."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from wayprint.journeys.settings import FACTS, JourneySettings, Kpi, StagePlan
from wayprint.tables.bronze import EVENT_NAMES


def test_every_event_of_the_vocabulary_is_ignored_or_has_a_stage_whatever_its_path(knobs):
    plan = knobs.stages
    placed = {event for rule in plan.rules if rule.path is None for event in rule.events}
    assert set(EVENT_NAMES) - placed - set(plan.ignored_events) == {"other"}


def test_the_buying_order_is_the_default_of_the_field(knobs):
    assert knobs.stages.buying_order == ("need", "search", "compare", "reviews", "purchase")
    assert {(s.name, s.phase) for s in knobs.stages.stages} >= {
        ("need", "before"), ("purchase", "during"), ("usage", "usage"), ("share", "after"), ("recommend", "after"), ("service", "after")}


def test_every_fact_is_used_by_a_figure(knobs):
    used = {kpi.of for kpi in knobs.kpis.values()} | {kpi.out_of for kpi in knobs.kpis.values() if kpi.out_of}
    assert used == set(FACTS)


@pytest.mark.parametrize(("change", "told"), [
    ({"buying_order": ["need", "serach"]}, "serach"),
    ({"rules": [{"stage": "search"}]}, "at least one"),
    ({"rules": [{"stage": "search", "events": ["serch"]}]}, "serch"),
    ({"rules": [{"stage": "search", "path": "("}]}, "unterminated"),
    ({"ignored_events": ["page_pong"]}, "page_pong"),
    ({"machine_events": ["email_opened"]}, "email_opened"),
    ({"rules": [{"stage": "search", "path": "^(?P<home>/?)$"}]}, "Spark"),
    ({"rules": [{"stage": "search", "path": "(/)?(?(1)a|b)"}]}, "Spark"),
    ({"buying_order": ["need", "search", "need"]}, "twice"),
])
def test_a_stage_file_that_cannot_work_is_refused(knobs, change, told):
    with pytest.raises(ValidationError, match=told):
        StagePlan(**{**knobs.stages.model_dump(), **change})


def test_the_scope_cannot_exclude_the_sale(knobs):
    plan = knobs.stages.model_dump()
    plan["scope"]["excluded_stages"] = ["purchase"]
    with pytest.raises(ValidationError, match="no conversion would be left"):
        StagePlan(**plan)


def test_an_unknown_policy_is_refused_by_name(knobs):
    with pytest.raises(ValidationError, match="ga5"):
        JourneySettings(**{**knobs.model_dump(), "session_policy": "ga5"})


@pytest.mark.parametrize(("change", "told"), [
    ({"marketing_events": ["ad_clik"]}, "ad_clik"),
    ({"marketing_channels": ["Paid Serch"]}, "Paid Serch"),
    ({"weak_channels": ["Dirct"]}, "Dirct"),
    ({"carried_channels": ["direct"]}, "direct"),
    ({"site_time_zone": "Europe/Pariss"}, "Europe/Pariss"),
])
def test_a_name_that_nothing_bears_is_refused(knobs, change, told):
    with pytest.raises(ValidationError, match=told):
        JourneySettings(**{**knobs.model_dump(), **change})


def test_a_stage_rule_names_channels_that_there_are(knobs):
    plan = knobs.stages.model_dump()
    plan["rules"] = [{"stage": "usage", "channels": ["IOT"]}]
    with pytest.raises(ValidationError, match="IOT"):
        JourneySettings(**{**knobs.model_dump(), "stages": plan})


def test_a_figure_says_what_it_is_out_of_exactly_when_it_is_a_ratio():
    told = {"definition": "d", "formula": "f", "unit": "u", "owner": "o", "tag": "own", "of": "visits"}
    with pytest.raises(ValidationError, match="out_of"):
        Kpi(**told, kind="ratio")
    with pytest.raises(ValidationError, match="out_of"):
        Kpi(**told, kind="additive", out_of="sessions")
