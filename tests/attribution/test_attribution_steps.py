"""The steps over one drawn world of journeys, against plain loops over the same journeys."""

import datetime as dt
import json
import random
from collections import Counter, defaultdict
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from pyspark.sql import functions as F

from wayprint.attribution.credit import NONE, credit_conversions, sum_credits
from wayprint.attribution.markov import count_flows, removal
from wayprint.attribution.paths import trace_paths
from wayprint.attribution.returns import settle_returns
from wayprint.attribution.walks import Walks
from wayprint.attribution.weights import weigh_channels
from wayprint.contracts import conform
from wayprint.tables.attribution import CHANNEL_CREDITS, CHANNEL_WEIGHTS, CONVERSION_CREDITS, PATHS, RETURNS
from wayprint.tables.events import COSTS
from wayprint.tables.journeys import CONVERSIONS, JOURNEYS

pytestmark = pytest.mark.spark

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
CHANNELS = ["Direct", "Paid Search", "Email", "Store", "(start)", "Display"]


def a_touch(number, at, channel, visit, marketing, direction="inbound", campaign=None, name="page_view"):
    return (f"e{number:04d}", at, channel, None, direction, name, visit, campaign, marketing)


def a_journey(name, touches, ended_by="conversion", revenue="10.00", person=None):
    return {
        "journey_id": name, "person_id": person or f"p-{name}", "started_at": touches[0][1], "ended_at": touches[-1][1],
        "ended_by": ended_by, "touches": touches, "touch_count": len(touches),
        "conversion_id": f"c-{name}" if ended_by == "conversion" else None,
        "revenue_amount": Decimal(revenue) if ended_by == "conversion" else None}


def a_conversion(name, person, revenue, at=START, currency="EUR"):
    return {
        "order_id": name, "conversion_id": name, "person_id": person, "converted_at": at, "channel": "Direct", "currency": currency,
        "gross_amount": Decimal(revenue), "refund_amount": Decimal(0), "revenue_amount": Decimal(revenue)}


def draw_world(seed, size=200):
    """Journeys with visits of several touches, letters outside visits, long silences, equal times and touches too old to count."""
    draw = random.Random(seed)
    journeys, conversions = [], []
    for number in range(size):
        at, touches = START + dt.timedelta(days=draw.randint(0, 20)), []
        for visit in range(draw.choice([0, 1, 1, 2, 3, 6])):
            at += dt.timedelta(days=draw.choice([0, 0.01, 1, 5, 12.5]))
            inside = draw.random() < 0.8
            for _ in range(draw.choice([1, 1, 2, 4])):
                at += dt.timedelta(minutes=draw.choice([0, 1, 7]))
                channel = draw.choice(CHANNELS)
                touches.append(a_touch(
                    len(touches), at, channel, f"v{number}-{visit}" if inside else None, channel != "Direct" and draw.random() < 0.6,
                    draw.choice(["inbound", "inbound", "outbound"]), draw.choice([None, "Spring", "spring ", "X"])))
        end = at + dt.timedelta(minutes=3)
        touches.append(a_touch(len(touches), end, "Direct", None, False, name=draw.choice(["page_view", "page_view", "purchase"])))
        ended_by = draw.choice(["conversion", "conversion", "silence", "open"])
        revenue = f"{draw.randint(-500, 20_000) / 100:.2f}"
        journeys.append(a_journey(f"{number:03d}", touches, ended_by, revenue, person=f"p{number // 2}"))
        if ended_by == "conversion":
            conversions.append(a_conversion(f"c-{number:03d}", f"p{number // 2}", revenue, end, draw.choice(["EUR", "USD", None])))
    conversions += [a_conversion(f"nobody-{n}", None, "33.10", START + dt.timedelta(days=n)) for n in range(3)]
    conversions += [a_conversion("no-journey", "p0", "5.00", START)]
    return journeys, conversions


# plain loops: the same rules said once more, one journey at a time


def loop_path(journey, knobs):
    recent = [t for t in journey["touches"] if (journey["ended_at"] - t[1]) <= dt.timedelta(days=knobs.lookback_days)]
    with_marketing = {t[6] for t in recent if t[8] and t[6]}
    begins: dict[str, tuple] = {}
    for t in recent:
        if t[6] and t[4] == "inbound":
            begins.setdefault(t[6], t)
    path, seen = [], set()
    for t in recent:
        arrives = knobs.include_direct and t[6] and t[6] not in with_marketing and begins.get(t[6]) is t and t[2] == "Direct"
        if not (t[8] or arrives):
            continue
        if knobs.collapse == "visits" and t[6]:
            if (t[6], t[2]) in seen:
                continue
            seen.add((t[6], t[2]))
        path.append(t)
    return path


def loop_campaign(touch, journey):
    """The touch's own, else the first that a marketing touch of the same visit and channel names."""
    same = [t[7] for t in journey["touches"] if touch[6] and (t[6], t[2]) == (touch[6], touch[2]) and t[8] and t[7]]
    return touch[7] or (same or [None])[0]


def loop_shares(path, ended_at, effects, knobs):
    """Model -> share of each touch."""
    n, channels = len(path), [t[2] for t in path]
    counts = Counter(channels)
    ages = [(ended_at - t[1]).total_seconds() / 86400 for t in path]
    decay = [2 ** (-age / knobs.half_life_days) for age in ages]
    other = [i for i, c in enumerate(channels) if c != "Direct"]
    winner = other[-1] if other else n - 1
    lost = {c: effects.get(c, 0.0) for c in counts}
    whole = sum(lost.values())
    ends = {0: 0.4, n - 1: 0.4}
    return {
        "first": [float(i == 0) for i in range(n)],
        "last": [float(i == n - 1) for i in range(n)],
        "last_non_direct": [float(i == winner) for i in range(n)],
        "linear": [1 / n] * n,
        "position": [1.0] if n == 1 else [0.5, 0.5] if n == 2 else [ends.get(i, 0.2 / (n - 2)) for i in range(n)],
        "time_decay": [w / sum(decay) for w in decay],
        "markov_split": [(lost[c] / whole if whole > 0 else 1 / len(counts)) / counts[c] for c in channels],
        "shapley": [1 / len(counts) / counts[c] for c in channels],
    }


def loop_credits(journeys, conversions, effects, knobs):
    """(conversion, model, channel, campaign) -> credit."""
    by_conversion = {j["conversion_id"]: j for j in journeys if j["ended_by"] == "conversion"}
    credit: dict[tuple, float] = defaultdict(float)
    for conversion in conversions:
        journey = by_conversion.get(conversion["conversion_id"])
        path = loop_path(journey, knobs) if journey else []
        if not path:
            credit.update({(conversion["conversion_id"], model, NONE, None): 1.0 for model in knobs.splits})
            continue
        for model, share in loop_shares(path, journey["ended_at"], effects, knobs).items():
            for touch, part in zip(path, share, strict=True):
                credit[conversion["conversion_id"], model, touch[2], loop_campaign(touch, journey)] += part
    return {key: value for key, value in credit.items() if value > 0}


# the world, once through all steps


def frame(spark, table, given):
    return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in given], table.ddl)


def a_cost(name, day, channel, amount, campaign, currency="EUR"):
    return {"cost_id": name, "cost_date": day.date(), "channel": channel, "cost_amount": Decimal(amount), "campaign": campaign,
            "campaign_id": campaign, "currency": currency}


SPEND = [
    a_cost("1", START + dt.timedelta(days=2), "Paid Search", "50", " SPRING"),
    a_cost("2", START + dt.timedelta(days=3), "Paid Search", "25.5", "spring"),
    a_cost("3", START + dt.timedelta(days=3), "Paid Search", "10", "X"),
    a_cost("4", START + dt.timedelta(days=3), "Paid Video", "99", "nobody came"),
    a_cost("5", START - dt.timedelta(days=400), "Paid Search", "1000000", "spring"),
    a_cost("6", START + dt.timedelta(days=300), "Affiliates", "3", "long after"),
    a_cost("7", START - dt.timedelta(days=30), "Affiliates", "4", "may have led to the first"),
    a_cost("8", START - dt.timedelta(days=31), "Affiliates", "1000", "cannot have"),
    a_cost("9", START + dt.timedelta(days=4), "Display", "7", "X", "USD"),
]


def all_steps(journeys, conversions, costs, knobs):
    paths = conform(trace_paths(journeys, knobs), PATHS)
    weights = conform(weigh_channels(paths, knobs), CHANNEL_WEIGHTS)
    weights = weights.sparkSession.createDataFrame(weights.collect(), weights.schema)  # as published and read again
    credit = conform(credit_conversions(journeys, conversions, weights, knobs), CONVERSION_CREDITS)
    credit = credit.sparkSession.createDataFrame(credit.collect(), credit.schema)
    return SimpleNamespace(
        paths=paths.collect(), weights=weights.collect(), credits=credit.collect(),
        channels=conform(sum_credits(credit, weights, knobs), CHANNEL_CREDITS).collect(),
        returns=conform(settle_returns(credit, costs, knobs), RETURNS).collect())


@pytest.fixture(scope="module")
def world(spark, knobs):
    journeys, conversions = draw_world(1)
    frames = frame(spark, JOURNEYS, journeys), frame(spark, CONVERSIONS, conversions), frame(spark, COSTS, SPEND)
    return SimpleNamespace(
        journeys=journeys, conversions=conversions, frames=frames, knobs=knobs(),
        **vars(all_steps(frames[0].coalesce(1), frames[1].coalesce(1), frames[2].coalesce(1), knobs())))


def loop_paths(journeys, knobs):
    expected: dict[tuple, list] = defaultdict(lambda: [0, 0, Decimal(0)])
    for journey in journeys:
        bought_without = journey["ended_by"] == "silence" and any(t[5] == "purchase" for t in journey["touches"])
        if journey["ended_by"] != "open" and not bought_without:
            cell = expected[tuple(t[2] for t in loop_path(journey, knobs))]
            converted = journey["ended_by"] == "conversion"
            cell[0 if converted else 1] += 1
            cell[2] += journey["revenue_amount"] or 0
    return {path: tuple(cell) for path, cell in expected.items()}


def test_paths_are_those_of_a_plain_loop(world):
    came = {tuple(row.channels): (row.conversions, row.nulls, row.revenue_amount) for row in world.paths}
    assert came == loop_paths(world.journeys, world.knobs)
    assert len({row.path_id for row in world.paths}) == len(world.paths)
    assert () in came
    assert any("Direct" in path for path in came)


def test_paths_without_direct_and_without_collapse_are_those_of_a_plain_loop(world, knobs):
    other = knobs(include_direct=False, collapse="none", lookback_days=6)
    came = {tuple(row.channels): (row.conversions, row.nulls, row.revenue_amount) for row in trace_paths(world.frames[0], other).collect()}
    assert came == loop_paths(world.journeys, other)
    assert came != loop_paths(world.journeys, world.knobs)


def test_removal_effects_are_those_of_the_paths(world):
    loop = loop_paths(world.journeys, world.knobs)
    walks, names = Walks.of(list(loop))
    counts = np.array([cell[:2] for cell in loop.values()])
    solved = removal(count_flows(walks, counts[:, :1], counts[:, 1:], len(names))[0])
    came = {row.channel: row for row in world.weights}
    assert sorted(came) == names
    np.testing.assert_allclose([came[name].removal_effect for name in names], solved.effect, atol=1e-12)
    np.testing.assert_allclose([came[name].conversion_share for name in names], solved.share, atol=1e-12)
    assert sum(row.revenue_share for row in world.weights) == pytest.approx(1, abs=1e-12)
    assert all(row.removal_effect_low < row.removal_effect < row.removal_effect_high for row in world.weights)


def test_credit_of_every_model_is_that_of_a_plain_loop(world):
    effects = {row.channel: row.removal_effect for row in world.weights}
    expected = loop_credits(world.journeys, world.conversions, effects, world.knobs)
    came = {(row.conversion_id, row.model, row.channel, row.campaign): row.credit for row in world.credits}
    assert len(came) == len(world.credits) == len({row.credit_id for row in world.credits})
    assert came.keys() == expected.keys()
    np.testing.assert_allclose([came[key] for key in expected], list(expected.values()), atol=1e-12)


def test_credit_sums_to_each_conversion_and_its_revenue_under_every_model(world):
    credit, revenue = defaultdict(float), defaultdict(float)
    for row in world.credits:
        credit[row.conversion_id, row.model] += row.credit
        revenue[row.conversion_id, row.model] += row.revenue_amount
    wanted = {(c["conversion_id"], model): float(c["revenue_amount"]) for c in world.conversions for model in world.knobs.splits}
    assert credit.keys() == wanted.keys()
    np.testing.assert_allclose(list(credit.values()), 1, rtol=0, atol=1e-9)
    np.testing.assert_allclose([revenue[key] for key in wanted], list(wanted.values()), rtol=0, atol=1e-9)


def test_conversions_of_nobody_stay_in_a_row_of_their_own(world):
    rows = [row for row in world.credits if row.conversion_id.startswith("no")]
    assert len(rows) == 4 * len(world.knobs.splits)
    assert {(row.channel, row.campaign, row.credit) for row in rows} == {(NONE, None, 1.0)}


def test_channels_sum_to_all_conversions_and_all_revenue_under_every_model(world):
    count, revenue = defaultdict(float), defaultdict(float)
    for row in world.channels:
        count[row.model] += row.conversions
        revenue[row.model] += row.revenue_amount
    assert set(count) == set(world.knobs.models)
    np.testing.assert_allclose(list(count.values()), len(world.conversions), rtol=0, atol=1e-9)
    np.testing.assert_allclose(list(revenue.values()), float(sum(c["revenue_amount"] for c in world.conversions)), rtol=0, atol=1e-7)


def test_markov_channels_have_the_chains_credit_and_the_rest_stays_none(world):
    found = {row.channel: row for row in world.channels if row.model == "markov"}
    touched = sum(row.conversions for row in world.paths if row.channels)
    assert found[NONE].conversions == pytest.approx(len(world.conversions) - touched)
    for row in world.weights:
        assert found[row.channel].conversions == pytest.approx(row.conversion_share * touched, abs=1e-9)
        assert found[row.channel].removal_effect == row.removal_effect
    assert all(row.removal_effect is None for row in world.channels if row.model != "markov")


def test_intervals_surround_their_value(world):
    assert all(row.conversions_low < row.conversions < row.conversions_high for row in world.channels)
    earning = [row for row in world.returns if row.cost_amount and row.conversions]
    assert earning
    assert all(row.return_low < row.return_on_spend < row.return_high for row in earning)
    assert all(row.cost_per_conversion_low < row.cost_per_conversion for row in earning)


def test_order_partitions_and_adaptive_execution_change_nothing(spark, world, knobs):
    journeys, conversions = list(world.journeys), list(world.conversions)
    random.Random(9).shuffle(journeys)
    random.Random(9).shuffle(conversions)
    before = {name: spark.conf.get(name) for name in ("spark.sql.adaptive.enabled", "spark.sql.execution.arrow.maxRecordsPerBatch")}
    try:
        spark.conf.set("spark.sql.adaptive.enabled", "false")
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "17")
        again = all_steps(
            frame(spark, JOURNEYS, journeys).repartition(5), frame(spark, CONVERSIONS, conversions).repartition(3),
            frame(spark, COSTS, SPEND[::-1]).repartition(2), knobs())
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)
    for name in ("paths", "weights", "credits", "channels", "returns"):
        assert sorted(map(repr, getattr(again, name))) == sorted(map(repr, getattr(world, name))), name


def test_a_persons_rows_depend_on_that_person_alone(spark, world, knobs):
    some = ["p0", "p7", "p31"]
    mine = [F.col("person_id").isin(some), F.col("person_id").isNull()]
    weights = spark.createDataFrame(world.weights, CHANNEL_WEIGHTS.ddl)
    journeys, conversions, _ = world.frames
    kept = credit_conversions(journeys.where(mine[0]), conversions.where(mine[0] | mine[1]), weights, knobs()).collect()
    expected = [row for row in world.credits if row.person_id in (*some, None)]
    assert sorted(map(repr, kept)) == sorted(map(repr, expected))


# returns


def test_spend_is_counted_once_at_each_level_whatever_the_credit(world):
    for model in world.knobs.splits:
        mine = [row for row in world.returns if row.model == model]
        whole = {(row.channel, row.currency): row.cost_amount for row in mine if row.campaign is None}
        parts = {(row.channel, row.campaign, row.currency): row.cost_amount for row in mine if row.campaign is not None}
        assert {key: value for key, value in whole.items() if value} == {
            ("Paid Search", "EUR"): 85.5, ("Paid Video", "EUR"): 99.0, ("Display", "USD"): 7.0, ("Affiliates", "EUR"): 7.0}
        assert {key: value for key, value in parts.items() if value} == {
            ("Paid Search", "spring", "EUR"): 75.5, ("Paid Search", "x", "EUR"): 10.0, ("Paid Video", "nobody came", "EUR"): 99.0,
            ("Display", "x", "USD"): 7.0, ("Affiliates", "long after", "EUR"): 3.0, ("Affiliates", "may have led to the first", "EUR"): 4.0}
    assert len({row.return_id for row in world.returns}) == len(world.returns)


def test_returns_are_credit_over_spend(world):
    earned, sold = defaultdict(float), defaultdict(float)
    for row in world.credits:
        for campaign in {None, row.campaign and row.campaign.strip().lower()}:
            earned[row.model, row.channel, campaign, row.currency] += row.revenue_amount
            sold[row.model, row.channel, campaign, row.currency] += row.credit
    rows = {(row.model, row.channel, row.campaign, row.currency): row for row in world.returns}
    assert earned.keys() <= rows.keys()
    for key, row in rows.items():
        assert row.revenue_amount == pytest.approx(earned.get(key, 0), abs=1e-9)
        assert row.conversions == pytest.approx(sold.get(key, 0), abs=1e-9)
        if row.cost_amount:
            assert row.return_on_spend == pytest.approx(earned.get(key, 0) / row.cost_amount, abs=1e-9)
        else:
            assert row.return_on_spend is row.return_low is row.cost_per_conversion is None


def test_spend_without_a_touch_returns_nothing_and_is_not_dropped(world):
    lost = [row for row in world.returns if row.channel == "Paid Video"]
    assert len(lost) == 2 * len(world.knobs.splits)
    assert all((row.return_on_spend, row.return_low, row.return_high, row.cost_per_conversion) == (0, 0, 0, None) for row in lost)


def test_without_any_conversion_all_spend_still_stands(spark, knobs):
    nothing = spark.createDataFrame([], CONVERSION_CREDITS.ddl)
    rows = settle_returns(nothing, frame(spark, COSTS, SPEND), knobs(models=["last"])).collect()
    assert sum(row.cost_amount for row in rows if row.campaign is None) == pytest.approx(1_001_198.5)
    assert {row.conversions for row in rows} == {0.0}


# single cases


def test_an_empty_lake_gives_empty_tables(spark, knobs):
    made = all_steps(*(frame(spark, table, []) for table in (JOURNEYS, CONVERSIONS, COSTS)), knobs())
    assert vars(made) == {"paths": [], "weights": [], "credits": [], "channels": [], "returns": []}


def test_conversions_without_any_journey_are_none_under_every_model(spark, knobs):
    nobody = frame(spark, CONVERSIONS, [a_conversion("c", None, "4.00")])
    made = all_steps(frame(spark, JOURNEYS, []), nobody, frame(spark, COSTS, []), knobs())
    assert {(row.model, row.channel, row.conversions, row.revenue_amount) for row in made.channels} == {
        (model, NONE, 1.0, 4.0) for model in knobs().models}


def test_a_touch_on_the_edge_of_the_lookback_counts_and_one_before_does_not(spark, knobs):
    end = START + dt.timedelta(days=60)
    edge = end - dt.timedelta(days=30)
    touches = [a_touch(0, edge - dt.timedelta(microseconds=1), "Email", None, True), a_touch(1, edge, "Display", None, True),
               a_touch(2, end, "Direct", None, False)]
    paths = trace_paths(frame(spark, JOURNEYS, [a_journey("j", touches)]), knobs()).collect()
    assert [row.channels for row in paths] == [["Display"]]


def test_a_click_and_its_landing_are_one_touch_with_the_campaign_that_either_names(spark, knobs):
    def journey(name, campaigns):
        clicked = START + dt.timedelta(days=1)
        touches = [
            a_touch(0, START, "Display", None, True), a_touch(1, clicked, "Email", f"v-{name}", True, campaign=campaigns[0], name="email_click"),
            a_touch(2, clicked + dt.timedelta(seconds=2), "Email", f"v-{name}", True, campaign=campaigns[1])]
        return a_journey(name, touches)

    told = [journey("a", (None, "spring")), journey("b", ("spring", None)), journey("c", (None, None))]
    sales = frame(spark, CONVERSIONS, [a_conversion(j["conversion_id"], j["person_id"], "10.00", j["ended_at"]) for j in told])
    made = all_steps(frame(spark, JOURNEYS, told), sales, frame(spark, COSTS, []), knobs(models=["linear"]))
    assert [row.channels for row in made.paths] == [["Display", "Email"]]
    assert {(row.conversion_id[-1], row.campaign, row.credit) for row in made.credits if row.channel == "Email"} == {
        ("a", "spring", 0.5), ("b", "spring", 0.5), ("c", None, 0.5)}


def test_a_silence_that_holds_a_purchase_is_no_failure(spark, knobs):
    told = [a_journey(name, [a_touch(0, START, "Email", None, True), a_touch(1, START, "Direct", None, False, name=last)], "silence")
            for name, last in [("looked", "page_view"), ("bought", "purchase")]]
    assert [(row.conversions, row.nulls) for row in trace_paths(frame(spark, JOURNEYS, told), knobs()).collect()] == [(0, 1)]


def test_no_share_of_no_revenue_can_be_lost(spark, knobs):
    told = [("1" * 32, ["a", "b"], 3, 4, Decimal(30)), ("2" * 32, ["b", "c"], 2, 5, Decimal(-20)), ("3" * 32, ["c", "a", "b"], 2, 6, Decimal(-10))]
    found = weigh_channels(spark.createDataFrame(told, PATHS.ddl), knobs()).collect()
    assert {row.value_removal_effect for row in found} == {0.0}
    assert all(row.revenue_share == row.conversion_share > 0 for row in found)


def test_path_data_through_the_steps_has_the_published_credits(spark, knobs, path_data):
    merged: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    for path, conversions, nulls in zip(path_data.paths, path_data.conversions, path_data.nulls, strict=True):
        merged[tuple(path)][0] += int(conversions)
        merged[tuple(path)][1] += int(nulls)
    told = [(f"{n:032x}"[::-1], list(path), sold, lost, Decimal(0)) for n, (path, (sold, lost)) in enumerate(merged.items())]
    paths = spark.createDataFrame(told, PATHS.ddl)
    found = {row.channel: row for row in weigh_channels(paths, knobs()).collect()}
    published = {"alpha": (0.5583994895, 5344.9476820852), "delta": (0.0004819958, 4.6136183111), "iota": (0.4058350045, 3884.6147018751)}
    for channel, (effect, credited) in published.items():
        assert found[channel].removal_effect == pytest.approx(effect, abs=1e-9)
        assert found[channel].conversion_share * 19_785 == pytest.approx(credited, abs=1e-9)
    half_width = (found["alpha"].removal_effect_high - found["alpha"].removal_effect_low) / 2
    assert half_width == pytest.approx(1.96 * 0.002892, rel=0.2)
    assert sum(row.conversion_share for row in found.values()) == pytest.approx(1, abs=1e-12)


def test_ids_tell_apart_what_a_separator_would_join(spark, knobs):
    def journey(name, channels):
        at = [START + dt.timedelta(minutes=n) for n in range(len(channels))]
        return a_journey(name, [a_touch(n, when, c, None, True) for n, (when, c) in enumerate(zip(at, channels, strict=True))])

    rows = trace_paths(frame(spark, JOURNEYS, [journey("a", ["x|y"]), journey("b", ["x", "y"]), journey("c", ['x","y'])]), knobs()).collect()
    assert len({row.path_id for row in rows}) == 3
    assert json.dumps(sorted(row.channels for row in rows)) == json.dumps([["x", "y"], ['x","y'], ["x|y"]])
