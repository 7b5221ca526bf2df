"""The stage x channel map, the effort, the flows and the funnel agree with hand counts; intervals with scipy."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from scipy.stats import binomtest

from wayprint.contracts import conform
from wayprint.journeys.flows import follow_flows, funnel_stages, measure_effort
from wayprint.journeys.matrix import map_stages
from wayprint.tables.journeys import CHANNEL_FLOWS, JOURNEYS, PURCHASE_EFFORT, STAGE_CHANNEL_MATRIX, STAGE_FUNNEL, TOUCHES

pytestmark = pytest.mark.spark


def step(key, happened_at, stage, channel, name="page_view", direction="inbound"):
    return (key, happened_at, channel, stage, direction, name, None, None, False)


def test_cells_count_touches_journeys_and_answers_with_wilson_intervals(rows, at, knobs):
    answer = {"event_name": "survey_answer", "stage": "service", "channel": "Survey", "happened_at": at("9 10:00")}
    journeys = rows(
        JOURNEYS,
        {"journey_id": "j1", "person_id": "ann", "ended_by": "conversion", "conversion_id": "c", "touches": [
            step("a1", at("10:00"), "search", "Paid Search"), step("a2", at("10:01"), "search", "Paid Search"),
            step("a3", at("10:02"), "search", "Email"), step("a4", at("10:03"), "purchase", "Email", "purchase")]},
        {"journey_id": "j2", "person_id": "ann", "ended_by": "silence", "touches": [
            step("a5", at("9 09:00"), "search", "Email", "email_sent", "outbound"), step("a6", at("9 10:00"), "service", "Survey", "survey_answer"),
            step("a7", at("9 11:00"), "search", "Store")]},
        {"journey_id": "j3", "person_id": "bob", "ended_by": "silence", "touches": [step("b1", at("10:00"), "search", "Paid Search"),
                                                                                   step("b2", at("10:00"), None, "Paid Search")]},
        {"journey_id": "j4", "person_id": "cy", "ended_by": "open", "touches": [step("c1", at("10:00"), "search", "Paid Search")]})
    touches = rows(
        TOUCHES,
        # asked about search: her latest inbound touch in that stage before the answer was by e-mail (a3), not the one sent or the later ones
        {"event_key": "a6", "person_id": "ann", "reason": "search", "score": 0.8, **answer},
        {"event_key": "a8", "person_id": "ann", "reason": "search", "score": 0.79, **answer},
        {"event_key": "a9", "person_id": "ann", "reason": "search", "score": None, **answer},
        {"event_key": "b9", "person_id": "bob", "reason": "usage", "score": 1.0, **answer},
        {"event_key": "n1", "person_id": None, "reason": "how was it?", "score": 0.0, **answer},
        {"event_key": "n2", "person_id": None, "stage": "search", "channel": "Paid Search"},
        {"event_key": "n3", "person_id": None, "stage": None, "channel": "Paid Search"})
    came = conform(map_stages(touches, journeys, knobs), STAGE_CHANNEL_MATRIX).collect()
    counts = {(c.stage, c.channel): (c.phase, c.touches, c.persons, c.journeys, c.converted, c.answers, c.satisfied) for c in came}
    assert counts == {
        ("search", "Paid Search"): ("before", 5, 3, 2, 1, 0, 0),
        ("search", "Email"): ("before", 2, 1, 2, 1, 2, 1),
        ("search", "Store"): ("before", 1, 1, 1, 0, 0, 0),
        ("purchase", "Email"): ("during", 1, 1, 1, 1, 0, 0),
        ("service", "Survey"): ("after", 2, 1, 1, 0, 1, 0),
        ("usage", "Survey"): ("usage", 0, 0, 0, 0, 1, 1)}
    for cell in came:
        for hits, trials, said in (
                (cell.converted, cell.journeys, (cell.conversion_rate, cell.conversion_low, cell.conversion_high)),
                (cell.satisfied, cell.answers, (cell.satisfaction_rate, cell.satisfaction_low, cell.satisfaction_high))):
            if trials == 0:
                assert said == (None, None, None)
            else:
                interval = binomtest(hits, trials).proportion_ci(0.95, method="wilson")
                assert said == pytest.approx((hits / trials, interval.low, interval.high), abs=1e-12)
                assert 0 <= said[1] <= said[0] <= said[2] <= 1


def test_effort_counts_purchases_by_visits_and_sources(rows, at, knobs):
    def bought(number, visits, sources, days, euros):
        return {"journey_id": f"j{number}", "ended_by": "conversion", "conversion_id": f"c{number}", "visits": visits, "sources": sources,
                "started_at": at("10:00"), "ended_at": at("10:00") + dt.timedelta(days=days), "revenue_amount": Decimal(euros)}

    journeys = rows(
        JOURNEYS, bought(1, 1, 1, 0, "10"), bought(2, 5, 3, 2, "20"), bought(3, 5, 3, 3, "30.50"), {"ended_by": "silence", "visits": 5, "sources": 3})
    came = sorted(map(tuple, conform(measure_effort(journeys), PURCHASE_EFFORT).collect()))
    assert came == [(1, 1, 1, 0.0), (5, 3, 2, 2.5)]


def test_what_enters_a_channel_leaves_it(rows):
    journeys = rows(
        JOURNEYS, {"journey_id": "j1", "channels": ["A", "B", "A", "B"], "inbound_channels": ["B"], "ended_by": "conversion"},
        {"journey_id": "j2", "channels": ["A"], "inbound_channels": ["A"], "ended_by": "open"}, {"journey_id": "j3", "channels": ["B", "A"], "ended_by": "silence"})
    came = sorted(map(tuple, conform(follow_flows(journeys), CHANNEL_FLOWS).collect()))
    assert came == [
        ("(start)", "(silence)", 0, 0, 1), ("(start)", "A", 2, 2, 1), ("(start)", "B", 1, 1, 1), ("A", "(open)", 1, 1, 1), ("A", "(silence)", 1, 1, 0),
        ("A", "B", 1, 2, 0), ("B", "(conversion)", 1, 1, 1), ("B", "A", 2, 2, 0)]
    for channel in "AB":
        assert sum(step[3] for step in came if step[1] == channel) == sum(step[3] for step in came if step[0] == channel)


def test_the_funnel_counts_who_reached_a_stage_or_a_later_one(rows, knobs):
    journeys = rows(
        JOURNEYS, {"journey_id": "j1", "person_id": "ann", "stages": ["need", "search"]},
        {"journey_id": "j2", "person_id": "ann", "stages": ["purchase", "search"]}, {"journey_id": "j3", "person_id": "bob", "stages": ["usage"]},
        {"journey_id": "j4", "person_id": "cy", "stages": ["compare", "service"]}, {"journey_id": "j5", "person_id": "cy", "stages": None})
    came = sorted((*tuple(s)[1:], s.stage) for s in conform(funnel_stages(journeys, knobs), STAGE_FUNNEL).collect())
    assert came == [(1, 2, 3, "need"), (2, 2, 3, "search"), (3, 2, 2, "compare"), (4, 1, 1, "reviews"), (5, 1, 1, "purchase")]
    empty = funnel_stages(journeys.where("false"), knobs).collect()
    assert [(s.persons, s.journeys) for s in empty] == [(0, 0)] * 5
