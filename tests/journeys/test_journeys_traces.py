"""Visits and journeys of persons: told again by plain loops, with exact flags for hand-made paths."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from decimal import Decimal
from itertools import pairwise

import pytest

from wayprint.contracts import conform
from wayprint.journeys.journeys import trace_journeys
from wayprint.tables.journeys import CONVERSIONS, JOURNEYS, TOUCHES, VISITS

pytestmark = pytest.mark.spark
WEAK, CARRIED, ORDER = ("Direct", "Unassigned", "App"), ("Direct", "Unassigned"), ["need", "search", "compare", "reviews", "purchase"]
AS_OF = dt.date(2026, 6, 1)
DIRECTIONS = {"email_sent": "outbound", "email_open": "machine"}
PLATFORMS = {"web": True, "app": True, "store": False, "email": True, "survey": True}


def touch(person, happened_at, key, **more):
    return {
        "person_id": person, "happened_at": happened_at, "event_key": key, "event_name": "page_view", "platform": "web", "channel": "Direct",
        "is_digital": True, "direction": "inbound", "is_conversion": more.get("event_name") == "purchase", **more}


def cases(seed: int, count: int = 200):
    chance = random.Random(seed)
    for case in range(count):
        clock = dt.datetime.fromisoformat("2026-03-01T20:00")
        for number in range(chance.randrange(1, 22)):
            clock += dt.timedelta(seconds=chance.choice([0, 1, 60, 1799, 1800, 1801, 18_000, 5 * 86_400, 30 * 86_400, 30 * 86_400 + 1]))
            name = chance.choice(["page_view", "page_view", "search", "email_sent", "email_open", "email_click", "purchase", "purchase", "refund"])
            platform = "email" if name.startswith("email") else chance.choice(["web", "web", "app", "store"])
            channel = {"email": "Email", "store": "Store", "app": "App"}.get(platform) or chance.choice(["Direct", "Unassigned", "Paid Search", "Email"])
            yield touch(
                f"person-{case}", clock, hashlib.sha256(f"{case}/{number}".encode()).hexdigest()[:32], event_name=name, platform=platform,
                channel=channel, is_digital=PLATFORMS[platform], direction=DIRECTIONS.get(name, "inbound"),
                stage=chance.choice([*ORDER, "usage", None]), utm_campaign=chance.choice([None, None, "spring"]),
                order_id=f"order-{case}-{chance.randrange(4)}" if name in ("purchase", "refund") else None,
                device_id=chance.choice([None, "phone", "laptop"]), is_marketing=chance.random() < 0.3)


def sales_of(touches):
    """Three of four orders are their person's; the others belong to nobody here."""
    orders = sorted({(t["order_id"], t["person_id"]) for t in touches if t["event_name"] == "purchase"})
    return [
        {"order_id": order, "conversion_id": f"sale of {order}", "person_id": person if not order.endswith("3") else "somebody else",
         "revenue_amount": Decimal(len(order))}
        for order, person in orders]


def is_there(t):
    is_booked = t["event_name"] == "refund" or (t["event_name"] == "purchase" and t["platform"] in ("web", "app") and t["device_id"] is None)
    return t["direction"] == "inbound" and t["platform"] in ("web", "app", "store") and not is_booked


def visits_by_hand(touches, cut_by_hand, short_hash):
    """The expected visits of one person; marks each touch with its visit and the channel it counts under."""
    for t in touches:
        t |= {"visit_id": None, "visit_channel": None, "counted": t["channel"], "campaign": t["utm_campaign"]}
    here = [t for t in touches if is_there(t)]
    for number, visit in enumerate(cut_by_hand(here, "ga4", "UTC"), start=1):
        named = [t for t in visit if t["is_digital"] and t["channel"] not in WEAK] if visit[0]["is_digital"] else []
        arrival = (named or visit)[0]
        visit_id = short_hash(visit[0]["person_id"], min(t["event_key"] for t in visit))
        for t in visit:
            carried = t["is_digital"] and visit[0]["is_digital"] and t["channel"] in CARRIED
            t |= {"visit_id": visit_id, "visit_channel": arrival["channel"], "counted": arrival["channel"] if carried else t["channel"]}
        yield (
            visit_id, visit[0]["person_id"], visit[0]["happened_at"], visit[-1]["happened_at"], number, len(visit),
            len({t["device_id"] for t in visit} - {None}), arrival["channel"], arrival["utm_campaign"],
            list(dict.fromkeys(t["counted"] for t in visit)), visit[0]["is_digital"], any(t["event_name"] == "purchase" for t in visit))


def lead_clicks_by_hand(touches):
    """Give each click the visit of the arrival that it made: the next of its channel within half an hour, else the latest."""
    arrivals = [t for t in touches if is_there(t) and t["is_marketing"]]
    for click in touches:
        if click["direction"] == "inbound" and click["is_marketing"] and not is_there(click):
            place = (click["happened_at"], click["event_key"])
            near = [t for t in arrivals if t["counted"] == click["counted"] and abs(t["happened_at"] - click["happened_at"]) <= dt.timedelta(minutes=30)]
            by_time = sorted(near, key=lambda t: (t["happened_at"], t["event_key"]))
            after = [t for t in by_time if (t["happened_at"], t["event_key"]) > place]
            click["visit_id"] = (after[:1] or by_time[-1:] or [{"visit_id": None}])[0]["visit_id"]


def collapsed(items):
    return [item for number, item in enumerate(items) if number == 0 or item != items[number - 1]]


def acts(t):
    return t["direction"] == "inbound" and t["event_name"] != "refund"


def journeys_by_hand(touches, sales, short_hash):
    """The expected journeys of one person, whose touches carry their visits already."""
    revenue = {sale["order_id"]: sale for sale in sales if sale["person_id"] == touches[0]["person_id"]}
    closed, journeys, gap = {}, [], dt.timedelta(days=30)
    current = last = acted = None
    for t in sorted(touches, key=lambda t: (t["happened_at"], t["event_key"])):
        order = t["order_id"] if t["event_name"] == "purchase" and t["order_id"] in revenue else None
        if order in closed:
            closed[order]["further"].append(t)
            continue
        falls_silent = acted is not None and t["happened_at"] - acted > gap >= last - acted
        if current is None or falls_silent:
            current = {"main": [], "further": [], "sale": None}
            journeys.append(current)
        current["main"].append(t)
        last = t["happened_at"]
        acted = last if acts(t) else acted
        if order:
            closed[order], current["sale"], current = current, revenue[order], None
    for journey in journeys:
        main, sale = journey["main"], journey["sale"]
        every = sorted(main + journey["further"], key=lambda t: (t["happened_at"], t["event_key"]))
        inbound = [t for t in main if t["direction"] == "inbound"]
        places = [ORDER.index(t["stage"]) for t in inbound if t["stage"] in ORDER]
        first_day = [t["event_key"] for t in every if t["happened_at"] < every[0]["happened_at"] + dt.timedelta(days=1)]
        acted_in = [t for t in main if acts(t)]
        is_open = (acted_in or main)[-1 if acted_in else 0]["happened_at"] + dt.timedelta(days=30) >= dt.datetime.combine(AS_OF, dt.time())
        yield {
            "journey_id": short_hash(main[0]["person_id"], min(first_day)), "person_id": main[0]["person_id"],
            "started_at": main[0]["happened_at"], "ended_at": main[-1]["happened_at"],
            "ended_by": "conversion" if sale else "open" if is_open else "silence",
            "conversion_id": sale["conversion_id"] if sale else None, "revenue_amount": sale["revenue_amount"] if sale else None,
            "touches": [(t["event_key"], t["happened_at"], t["counted"], t["stage"], t["direction"], t["event_name"], t["visit_id"],
                         t["utm_campaign"], t["is_marketing"]) for t in every],
            "touch_count": len(every), "visits": len({t["visit_id"] for t in main if is_there(t)}),
            "sources": len({t["visit_channel"] for t in main} - {None}),
            "channels": collapsed([t["counted"] for t in main]), "inbound_channels": collapsed([t["counted"] for t in inbound]), "stages": collapsed([t["stage"] for t in main if t["stage"]]),
            "has_channel_switch": len({t["counted"] for t in inbound}) > 1,
            "has_skip": any(place > max(places[:n]) + 1 for n, place in enumerate(places) if n),
            "has_back": any(after < before for before, after in pairwise(places)),
            "crosses_devices": len({t["device_id"] for t in every} - {None}) > 1,
            "crosses_store": {t["is_digital"] for t in inbound} == {True, False}}


@pytest.fixture
def traced(rows, knobs):
    def trace(touches, sales=(), as_of=AS_OF, settings=None, partitions=3):
        given = [{name: value for name, value in t.items() if name in TOUCHES.column_names} for t in touches]
        visits, journeys = trace_journeys(
            rows(TOUCHES, *given).repartition(partitions), rows(CONVERSIONS, *sales), settings or knobs, as_of)
        return conform(visits, VISITS), conform(journeys, JOURNEYS)

    return trace


NO_SALE = ({"order_id": "none", "person_id": "none"},)


def test_visits_and_journeys_are_those_of_plain_loops_for_200_persons_whole_or_in_part_in_any_row_order(traced, cut_by_hand, short_hash):
    told = list(cases(seed=17))
    sales = sales_of(told)
    expected_visits, expected_journeys = [], []
    for person in {t["person_id"] for t in told}:
        mine = [t for t in told if t["person_id"] == person]
        expected_visits += visits_by_hand(mine, cut_by_hand, short_hash)
        lead_clicks_by_hand(mine)
        expected_journeys += journeys_by_hand(mine, sales, short_hash)
    random.Random(1).shuffle(told)
    visits, journeys = (frame.collect() for frame in traced([*told, touch(None, dt.datetime.fromisoformat("2026-03-01"), "nobody's")], sales))

    assert sorted(map(tuple, visits), key=str) == sorted(expected_visits, key=str)
    came = {j.journey_id: {**j.asDict(), "touches": [tuple(t) for t in j.touches]} for j in journeys}
    assert came == {j["journey_id"]: j for j in expected_journeys}
    flags = ("has_skip", "has_back", "has_channel_switch", "crosses_devices", "crosses_store")
    assert {(flag, j[flag]) for j in came.values() for flag in flags} == {(flag, said) for flag in flags for said in (True, False)}
    assert {j.ended_by for j in journeys} == {"conversion", "silence", "open"}
    assert {bool(t["visit_id"]) for t in told if t["event_name"] == "email_click"} == {True, False}
    ended = [j.conversion_id for j in journeys if j.conversion_id]
    assert sorted(ended) == sorted(s["conversion_id"] for s in sales if s["person_id"] != "somebody else")

    asked = {f"person-{n}" for n in range(0, 200, 11)}
    some = traced([t for t in told if t["person_id"] in asked], [s for s in sales if s["person_id"] in asked], partitions=1)
    assert [sorted(map(str, frame.collect())) for frame in some] == [
        sorted(str(row) for row in whole if row.person_id in asked) for whole in (visits, journeys)]


def test_visits_are_cut_by_the_policy_also_across_devices(traced, with_policy, cut_by_hand):
    told = list(cases(seed=23, count=60))
    visits, _ = traced(told, NO_SALE, settings=with_policy("matomo", site_time_zone="Europe/Paris"))
    expected = set()
    for person in {t["person_id"] for t in told}:
        here = [
            {**t, "campaign": t["utm_campaign"]} for t in told
            if t["person_id"] == person and is_there(t)]
        expected |= {(person, v[0]["happened_at"], v[-1]["happened_at"], len(v)) for v in cut_by_hand(here, "matomo", "Europe/Paris")}
    assert {(v.person_id, v.started_at, v.ended_at, v.events) for v in visits.collect()} == expected


PATHS = {  # stages of inbound touches: (skip, back)
    "need search compare reviews purchase": (False, False),
    "purchase": (False, False),
    "search search compare": (False, False),
    "need compare": (True, False),
    "search purchase": (True, False),
    "compare search": (False, True),
    "search compare search compare reviews purchase": (False, True),
    "need search need search compare": (False, True),
    "need search need compare": (False, True),  # compare is next to the furthest stage, search
    "compare need purchase": (True, True),
    "search usage compare": (False, False),  # usage is not in the buying order
    "search service purchase": (True, False)}


def test_hand_made_paths_give_exact_flags(traced, at):
    told = [
        touch(path, at("10:00") + dt.timedelta(minutes=number), f"{path}/{number}", stage=stage)
        for path in PATHS for number, stage in enumerate(path.split())]
    _, journeys = traced(told, NO_SALE)
    assert {j.person_id: (j.has_skip, j.has_back) for j in journeys.collect()} == PATHS


def test_what_the_firm_sends_moves_nobody(traced, at):
    told = [
        touch("ann", at("10:00"), "k1", stage="compare", channel="Paid Search", utm_source="google"),
        touch("ann", at("3 10:00"), "k2", stage="need", channel="Email", event_name="email_sent", direction="outbound", platform="email"),
        touch("ann", at("4 10:00"), "k3", stage="reviews", channel="Paid Search")]
    _, journeys = traced(told, NO_SALE)
    (journey,) = journeys.collect()
    assert (journey.has_back, journey.has_skip, journey.has_channel_switch, journey.visits) == (False, False, False, 2)
    assert (journey.channels, journey.stages) == (["Paid Search", "Email", "Paid Search"], ["compare", "need", "reviews"])


def test_an_order_booked_by_the_shops_server_is_no_visit_and_one_sent_by_a_device_or_rung_up_in_a_shop_is(traced, at):
    told = [
        touch("server", at("10:00"), "k1", event_name="purchase", order_id="o1"),
        touch("browser", at("10:00"), "k2", event_name="purchase", order_id="o2", device_id="laptop"),
        touch("shop", at("10:00"), "k3", event_name="purchase", order_id="o3", platform="store", channel="Store", is_digital=False),
        touch("kiosk", at("10:00"), "k4", event_name="purchase", order_id="o4", platform="kiosk", channel="Kiosk", is_digital=False)]
    visits, journeys = traced(told, NO_SALE)
    assert sorted(v.person_id for v in visits.collect()) == ["browser", "kiosk", "shop"]
    assert {j.person_id: (j.visits, j.sources) for j in journeys.collect()} == {"server": (0, 0), "browser": (1, 1), "kiosk": (1, 1), "shop": (1, 1)}


def click(person, happened_at, key, **more):
    return touch(person, happened_at, key, **{"event_name": "email_click", "platform": "email", "channel": "Email", "is_marketing": True, **more})


def test_a_click_is_of_the_visit_to_which_it_led_by_the_same_channel_within_the_silence_that_ends_a_visit(traced, at):
    landing = {"channel": "Email", "is_marketing": True}
    told = [
        click("leads", at("10:00:00"), "k1"), touch("leads", at("10:00:01"), "k2", **landing),
        click("late clock", at("10:00:02"), "k3"), touch("late clock", at("10:00:00"), "k4", **landing),
        click("amid", at("10:20"), "k5"), touch("amid", at("10:00"), "k6"), touch("amid", at("10:20:01"), "k7", **landing),
        click("other channel", at("10:00"), "k8"), touch("other channel", at("10:01"), "k9", channel="Paid Search", is_marketing=True),
        click("hours before", at("10:00"), "k10"), touch("hours before", at("10:30:01"), "k11", **landing),
        click("between two", at("10:29"), "k12"), touch("between two", at("10:00"), "k13", **landing), touch("between two", at("10:59"), "k14", **landing)]
    visits, journeys = traced(told, NO_SALE)
    visit_of = {v.person_id: v.visit_id for v in visits.orderBy("started_at").collect()}  # the latest
    led = {j.person_id: next(t.visit_id for t in j.touches if t.event_name == "email_click") for j in journeys.collect()}
    assert led == {**visit_of, "other channel": None, "hours before": None}
    assert {j.person_id: j.visits for j in journeys.collect()} == {**dict.fromkeys(led, 1), "between two": 2}


def test_a_page_opened_within_a_visit_to_a_shop_does_not_count_under_the_shop(traced, at):
    told = [touch("ann", at("10:00"), "k1", platform="store", channel="Store", is_digital=False), touch("ann", at("10:20"), "k2", device_id="phone")]
    _, journeys = traced(told, NO_SALE)
    assert [t.channel for (j,) in [journeys.collect()] for t in j.touches] == ["Store", "Direct"]


def test_a_journey_crosses_sessions_devices_and_shops(traced, at):
    told = [
        touch("ann", at("10:00"), "k1", device_id="phone", platform="app", channel="App"),
        touch("ann", at("5 10:00"), "k2", device_id="laptop", channel="Organic Search"),
        touch("ann", at("6 10:00"), "k3", event_name="purchase", order_id="o1", platform="store", channel="Store", is_digital=False)]
    visits, journeys = traced(told, [{"order_id": "o1", "person_id": "ann", "conversion_id": "c1", "revenue_amount": Decimal(9)}])
    (journey,) = journeys.collect()
    assert (journey.ended_by, journey.conversion_id, journey.visits, journey.sources) == ("conversion", "c1", 3, 3)
    assert (journey.crosses_devices, journey.crosses_store, journey.has_channel_switch) == (True, True, True)
    assert sorted(v.channel for v in visits.collect()) == ["App", "Organic Search", "Store"]


def test_a_visit_spans_the_devices_of_a_person_and_pages_count_under_its_channel(traced, at):
    told = [
        touch("ann", at("10:00"), "k1", device_id="phone"),
        touch("ann", at("10:10"), "k2", device_id="laptop", channel="Paid Social", utm_campaign="spring"),
        touch("ann", at("10:20"), "k3", device_id="laptop")]
    visits, journeys = traced(told, NO_SALE)
    (visit,), (journey,) = visits.collect(), journeys.collect()
    assert (visit.devices, visit.events, visit.channel, visit.utm_campaign, visit.channels) == (2, 3, "Paid Social", "spring", ["Paid Social"])
    assert [t.channel for t in journey.touches] == ["Paid Social"] * 3


def test_further_rows_of_an_order_belong_to_the_journey_they_close(traced, at):
    told = [
        touch("ann", at("10:00"), "k1", event_name="purchase", order_id="o1"),
        touch("ann", at("10:01"), "k2"),
        touch("ann", at("10:05"), "k3", event_name="purchase", order_id="o1"),
        touch("ann", at("11:00"), "k4")]
    _, journeys = traced(told, [{"order_id": "o1", "person_id": "ann", "conversion_id": "c1", "revenue_amount": Decimal(9)}])
    assert sorted(([t.event_key for t in j.touches], j.ended_at) for j in journeys.collect()) == [
        (["k1", "k3"], at("10:00")), (["k2", "k4"], at("11:00"))]


@pytest.mark.parametrize(("as_of", "ended_by"), [(dt.date(2026, 4, 1), "open"), (dt.date(2026, 4, 2), "silence")])
def test_a_journey_is_open_while_a_touch_of_today_could_still_join_it(traced, at, as_of, ended_by):
    _, journeys = traced([touch("ann", at("10:00"), "k1")], NO_SALE, as_of=as_of)
    assert [j.ended_by for j in journeys.collect()] == [ended_by]


def test_what_the_firm_sends_neither_breaks_a_silence_nor_keeps_a_journey_open(traced):
    """A weekly letter for months after one visit: the visit's journey ends by silence, the letters stand unanswered until the next visit."""
    begin = dt.datetime.fromisoformat("2026-01-01T12:00")
    told = [touch("ann", begin, "k00"), *[touch("ann", begin + dt.timedelta(days=7 * n), f"k{n:02}", event_name="email_sent", direction="outbound") for n in range(1, 10)],
            touch("ann", begin + dt.timedelta(days=65), "k99")]
    _, journeys = traced(told, NO_SALE, as_of=dt.date(2026, 3, 10))
    assert sorted((len(j.touches), j.ended_by, j.touches[0].event_key) for j in journeys.collect()) == [(5, "silence", "k00"), (6, "open", "k05")]


@pytest.mark.parametrize("name", ["email_open", "refund", "ticket_closed"])
def test_neither_a_mail_program_nor_a_booking_keeps_a_journey_alive(traced, name):
    begin = dt.datetime.fromisoformat("2026-01-01T12:00")
    told = [touch("ann", begin, "k0"), touch("ann", begin + dt.timedelta(days=20), "k1", event_name=name, platform="email", channel="Email",
            direction=DIRECTIONS.get(name, "inbound")), touch("ann", begin + dt.timedelta(days=40), "k2")]
    _, journeys = traced(told, NO_SALE, as_of=dt.date(2026, 2, 20))
    assert sorted((len(j.touches), j.ended_by) for j in journeys.collect()) == [(1, "open"), (2, "silence")]


def test_ids_survive_what_follows_the_first_day_and_most_late_events_within_it(traced, short_hash):
    begin = dt.datetime.fromisoformat("2026-03-01T12:00")

    def day(person):
        return [touch(person, begin + dt.timedelta(minutes=10 * n), short_hash(f"{person}/{n}")) for n in range(1, 10)]

    growing, late = [f"growing-{n}" for n in range(50)], [f"late-{n}" for n in range(300)]
    told = [t for person in growing + late for t in day(person)]
    more = [touch(p, begin + dt.timedelta(days=2 + n), short_hash(f"{p}/after/{n}")) for p in growing for n in range(4)]
    more += [touch(p, begin, short_hash(f"{p}/late")) for p in late]
    before, after = ({j.person_id: j.journey_id for j in traced(touches, NO_SALE)[1].collect()} for touches in (told, told + more))
    assert all(before[person] == after[person] for person in growing)
    assert sum(before[person] == after[person] for person in late) / len(late) > 0.85  # a start time as id would keep none of these
