"""Clocks, machines, twins and channels together, against the same rules told by a loop."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import pytest

from wayprint.contracts import conform
from wayprint.events.cleaning import clean, judge_events
from wayprint.tables.events import EVENTS, REFUSED_EVENTS, UNIQUE_EVENTS

pytestmark = pytest.mark.spark
NOON = dt.datetime.fromisoformat("2026-03-01 12:00")
MIDNIGHT = dt.datetime.fromisoformat("2026-03-02")
EPOCH = dt.datetime.fromisoformat("1970-01-01")
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0"


def after(seconds: float, start: dt.datetime = NOON) -> dt.datetime:
    return start + dt.timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def knobs(settings):
    """Small limits, so that small worlds meet them."""
    return settings.replace("events", bot_events_per_minute=4).events


def judged_and_clean(unique_events, knobs):
    return clean(unique_events, judge_events(unique_events, knobs), knobs)


@pytest.fixture
def cleaned(rows, settings):
    """The events kept and refused, by event key."""
    def build(*given: dict, knobs=settings.events):
        events, refused = judged_and_clean(rows(UNIQUE_EVENTS, *[{"platform": "web", "happened_at": NOON, **event} for event in given]), knobs)
        return ({row.event_key: row for row in conform(events, EVENTS).collect()},
                {row.event_key: row for row in conform(refused, REFUSED_EVENTS).collect()})
    return build


def test_a_clock_is_corrected_by_its_distance_to_the_collector_and_never_past_arrival(cleaned):
    day = 86_400
    events, refused = cleaned(
        {"event_key": "honest", "sent_at": after(5), "received_at": after(8)},
        {"event_key": "slow", "sent_at": after(10), "received_at": after(3610)},
        {"event_key": "fast", "sent_at": after(10), "received_at": after(-3590)},
        {"event_key": "set anew while waiting", "sent_at": after(-1000), "received_at": after(500)},
        {"event_key": "waited 80 days", "sent_at": after(80 * day), "received_at": after(80 * day + 2)},
        {"event_key": "never set", "happened_at": after(5, EPOCH), "sent_at": after(8, EPOCH), "received_at": after(20)},
        {"event_key": "ahead, sending unknown", "received_at": after(-600)},
        {"event_key": "a little ahead", "received_at": after(-30)},
        {"event_key": "no arrival", "sent_at": after(7200)},
        {"event_key": "never set, no arrival", "happened_at": dt.datetime.fromisoformat("1999-12-31 23:59:59")},
        {"event_key": "placeholder", "happened_at": dt.datetime.fromisoformat("9999-12-31")},
        {"event_key": "first moment", "happened_at": dt.datetime.fromisoformat("2000-01-01")})
    years = (after(17) - after(5, EPOCH)).total_seconds()
    moved = {key: ((row.happened_at - row.reported_at).total_seconds(), row.clock_shift_s) for key, row in events.items()}
    assert moved == {
        "honest": (0, 0), "slow": (3600, 3600), "fast": (-3600, -3600), "set anew while waiting": (500, 500), "waited 80 days": (0, 0),
        "never set": (years, years), "ahead, sending unknown": (-600, -600), "a little ahead": (0, 0), "no arrival": (0, 0),
        "first moment": (0, 0)}
    assert {key: row.rule for key, row in refused.items()} == {
        "never set, no arrival": "clock_before_2000", "placeholder": "clock_in_future"}


def test_a_machines_agent_is_refused_where_visitors_are_tracked_and_nowhere_else(cleaned):
    events, refused = cleaned(
        {"event_key": "bot", "user_agent": BOT}, {"event_key": "person", "user_agent": PERSON}, {"event_key": "unknown"},
        {"event_key": "own app", "platform": "app", "user_agent": "okhttp/4.11.0"}, {"event_key": "script", "user_agent": "okhttp/4.11.0"},
        {"event_key": "mail proxy", "platform": "email", "user_agent": "Mozilla/5.0 (via ggpht.com GoogleImageProxy) crawler"})
    assert {key: row.rule for key, row in refused.items()} == {"bot": "bot_agent", "script": "bot_agent"}
    assert set(events) == {"person", "unknown", "own app", "mail proxy"}


def test_a_busy_day_is_refused_whole_and_the_devices_other_days_are_kept(cleaned, knobs):
    burst = [{"event_key": f"burst {n}", "origin_id": "script", "happened_at": after(n)} for n in range(5)]
    events, refused = cleaned(
        *burst, {"event_key": "morning", "origin_id": "script", "happened_at": after(-6 * 3600)},
        {"event_key": "ping", "origin_id": "script", "event_name": "page_ping"}, {"event_key": "till", "origin_id": "script", "platform": "store"},
        {"event_key": "day before", "origin_id": "script", "happened_at": after(-86_400)}, {"event_key": "neighbour", "origin_id": "other"},
        *[{"event_key": f"calm {n}", "origin_id": "calm", "happened_at": after(n)} for n in range(4)],
        *[{"event_key": f"pinging {n}", "origin_id": "reader", "event_name": "page_ping", "happened_at": after(n)} for n in range(9)],
        *[{"event_key": f"two trackers {n}", "origin_id": "person", "happened_at": after(n // 2 * 10), "tracker": "ab"[n % 2]} for n in range(8)],
        knobs=knobs)
    assert Counter(row.rule for row in refused.values()) == {"bot_rate": 7, "other_tracker": 4}
    assert set(refused) >= {*(f"burst {n}" for n in range(5)), "morning", "ping"}
    assert set(events) >= {"till", "day before", "neighbour"}


def test_the_twin_of_a_hit_on_a_busy_day_shares_its_fate(cleaned, knobs):
    burst = [{"event_key": f"burst {n}", "page_path": f"/{n}", "happened_at": after(n - 60, MIDNIGHT), "tracker": "a"} for n in range(5)]
    _, refused = cleaned(
        *burst, {"event_key": "kept", "happened_at": after(-0.5, MIDNIGHT), "tracker": "a"},
        {"event_key": "twin", "happened_at": after(0.5, MIDNIGHT), "tracker": "b"}, knobs=knobs)
    assert refused["twin"].rule == refused["kept"].rule == "bot_rate"
    assert refused["twin"].kept_event_key is None


def test_the_same_hit_of_two_trackers_is_one_event_that_names_both(cleaned):
    shirt = ("s1", "shirts", 1, None)
    basket = {"event_name": "add_to_cart", "page_host": "shop.example", "page_path": "/s1"}
    events, refused = cleaned(
        {"event_key": "k1", **basket, "tracker": "snowplow", "items": [shirt]},
        {"event_key": "k2", **basket, "tracker": "ga4", "happened_at": after(1.5), "items": [("s1", "Shirts > Men", 1, None)]},
        {"event_key": "k3", **basket, "tracker": "ga4", "happened_at": after(1.6), "items": [("s2", "shirts", 1, None)]},
        {"event_key": "k4", **basket, "tracker": "ga4", "happened_at": after(3.6), "items": [shirt]},
        {"event_key": "k5", **basket, "tracker": "ga4", "origin_id": "somebody else", "items": [shirt]},
        {"event_key": "k6", **basket, "items": [shirt]},
        {"event_key": "k7", "event_name": "other", "tracker": "ga4", "order_id": "x"},
        {"event_key": "k8", "event_name": "other", "tracker": "snowplow", "search_term": "x"})
    assert {key: row.trackers for key, row in events.items()} == {
        "k1": ["ga4", "snowplow"], "k3": ["ga4"], "k4": ["ga4"], "k5": ["ga4"], "k6": None, "k7": ["ga4"], "k8": ["snowplow"]}
    assert (refused["k2"].rule, refused["k2"].kept_event_key) == ("other_tracker", "k1")


def test_events_carry_everything_the_unique_event_said(cleaned):
    events, _ = cleaned({
        "event_key": "e", "identifiers": [("login", "x")], "items": [("p", "f", 2, None)], "consents": [("profiling", True)],
        "score": 3.5, "user_agent": PERSON})
    row = events["e"].asDict(recursive=True)
    assert (row["identifiers"][0]["id"], row["items"][0]["quantity"], row["consents"][0]["granted"]) == ("x", 2, True)
    assert (row["score"], row["user_agent"], row["event_date"]) == (3.5, PERSON, NOON.date())


def drawn(seed: int) -> list[dict]:
    draw = random.Random(seed)
    records = []
    for device in range(200):
        agent = draw.choice([None, PERSON, PERSON, PERSON, BOT])
        start = draw.choice([NOON, after(-20, MIDNIGHT)])
        for number in range(draw.randrange(1, 14)):
            happened = after(draw.choice([0, 0.5, 1, 2, 2.5, 4, 20, 50, 90]), start)
            sent = draw.choice([None, after(1, happened)])
            received = draw.choice([None, after(3, happened), after(600, happened), after(-300, happened)]) if sent else None
            records.append({
                "event_key": f"{device:03}-{draw.randrange(10**6):06}-{number}", "origin_id": f"device {device}", "happened_at": happened,
                "sent_at": sent, "received_at": received, "event_name": draw.choice(["page_view", "page_view", "page_ping"]),
                "page_path": draw.choice(["/", "/a"]), "user_agent": agent,
                "platform": draw.choice(["web", "web", "web", "store"]), "tracker": draw.choice([None, "a", "b", "c"])})
    return records


def told_by_a_loop(records: list[dict], limit: int) -> dict[str, tuple]:
    """event key -> (rule or None, kept key, trackers), each rule as its sentence says, by comparing every pair."""
    told = {}
    for device in sorted({r["origin_id"] for r in records}):
        people = []
        for r in [r for r in records if r["origin_id"] == device]:
            at = r["happened_at"]
            if r["sent_at"] and r["received_at"] and abs((r["received_at"] - r["sent_at"]).total_seconds()) > 60:
                at = min(at + (r["received_at"] - r["sent_at"]), r["received_at"])
            if r["user_agent"] == BOT and r["platform"] == "web":
                told[r["event_key"]] = ("bot_agent", None)
            else:
                people.append((at, r["event_key"], r))
        people.sort(key=lambda p: p[:2])
        kept, fate = [], {}
        for at, key, r in people:
            for older_at, older_key, older, trackers in kept:
                alike = all(r[name] == older[name] for name in ("event_name", "page_path"))
                if alike and r["tracker"] and older["tracker"] and r["tracker"] not in trackers and (at - older_at).total_seconds() <= 2:
                    trackers.add(r["tracker"])
                    fate[key] = older_key
                    break
            else:
                kept.append((at, key, r, {r["tracker"]} if r["tracker"] else set()))
        counted = [at for at, _, r, _ in kept if r["platform"] == "web" and r["event_name"] != "page_ping"]
        busy = set()
        for begin in counted:
            window = [at for at in counted if 0 <= (at - begin).total_seconds() < 60]
            busy |= {at.date() for at in window} if len(window) > limit else set()
        refused_hits = {key for at, key, r, _ in kept if r["platform"] == "web" and at.date() in busy}
        told |= {key: ("bot_rate", None) if key in refused_hits else (None, None) for _, key, _, _ in kept}
        told |= {key: ("bot_rate", None) if of in refused_hits else ("other_tracker", of) for key, of in fate.items()}
    return told


def verdicts(unique_events, knobs) -> dict[str, tuple]:
    events, refused = (table.collect() for table in judged_and_clean(unique_events, knobs))
    assert len({row.event_key for row in events + refused}) == len(events) + len(refused)
    return {row.event_key: (None, None) for row in events} | {row.event_key: (row.rule, row.kept_event_key) for row in refused}


def test_200_devices_are_judged_as_a_loop_judges_them_and_no_event_is_lost(rows, knobs):
    records = drawn(seed=5)
    told = told_by_a_loop(records, knobs.bot_events_per_minute)
    assert verdicts(rows(UNIQUE_EVENTS, *records), knobs) == told
    assert Counter(rule for rule, _ in told.values()).keys() == {None, "bot_agent", "bot_rate", "other_tracker"}
    assert len(told) == len(records)


def test_order_partitions_and_adaptive_execution_change_nothing(rows, knobs, spark):
    records = drawn(seed=6)
    events, refused = judged_and_clean(rows(UNIQUE_EVENTS, *records), knobs)
    once = sorted(map(str, events.collect() + refused.collect()))
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    spark.conf.set("spark.sql.shuffle.partitions", "5")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "7")
    try:
        events, refused = judged_and_clean(rows(UNIQUE_EVENTS, *random.Random(1).sample(records, len(records))).repartition(3), knobs)
        again = sorted(map(str, events.collect() + refused.collect()))
    finally:
        spark.conf.set("spark.sql.adaptive.enabled", "true")
        spark.conf.set("spark.sql.shuffle.partitions", "2")
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    assert again == once
