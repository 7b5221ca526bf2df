"""Worked examples and laws of the models, checked against enumeration and removal by hand; no Spark."""

from itertools import chain, combinations, pairwise
from math import factorial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from wayprint.attribution import heuristics
from wayprint.attribution.intervals import GROUPS, bounds, resample_counts, resample_groups
from wayprint.attribution.markov import count_flows, ending_value, markov, removal
from wayprint.attribution.shapley import shapley
from wayprint.attribution.walks import TRANSFORMS, Walks
from wayprint.attribution.weights import _flows, _solve


def drawn_paths(seed, channels="abcde", most=7):
    random = np.random.default_rng(seed)
    paths = [list(random.choice(list(channels), random.integers(0, most + 1))) for _ in range(int(random.integers(1, 30)))]
    return paths, random.integers(0, 6, len(paths)), random.integers(0, 9, len(paths)), random.integers(0, 1000, len(paths)) / 8


def solved(paths, conversions, nulls, value=None):
    walks, names = Walks.of(paths)
    flows = count_flows(walks, np.array(conversions)[:, None], np.array(nulls)[:, None], len(names))[0]
    money = None if value is None else ending_value(walks, np.array(value, dtype=float), len(names))
    return names, removal(flows, money)


# worked examples


def test_adobes_worked_example_gives_adobes_dollars():
    walks, names = Walks.of([["paid search", "social", "email", "display"]])
    age = np.array([9.0, 6.0, 0.0, 0.0])

    def dollars(share):
        return dict(zip([names[code] for code in walks.channel], (50 * share).round(2), strict=True))

    assert set(dollars(heuristics.linear(walks)).values()) == {12.5}
    assert dollars(heuristics.position(walks, 0.2, 0.6)) == {"paid search": 10, "social": 5, "email": 5, "display": 30}
    assert dollars(heuristics.time_decay(walks, age, 7)) == {"display": 16.88, "email": 16.88, "social": 9.32, "paid search": 6.92}


def test_the_toy_chain_gives_two_conversions_to_a_and_one_to_b():
    names, result = solved([list("ABABBA"), list("ABBAA"), list("AA")], [1, 1, 1], [0, 0, 0])
    assert names == ["A", "B"]
    np.testing.assert_allclose(result.effect, [1, 0.5], atol=1e-15)
    np.testing.assert_allclose(result.share * 3, [2, 1], atol=1e-15)


@pytest.mark.parametrize(("transform", "left"), [
    ("exposure", ["a", "Direct", "a", "Direct"]),
    ("first", ["a", "Direct"]),
    ("without_direct", ["a", "a", "a", "a"]),
    ("without_last_direct", ["a", "a", "a", "Direct", "a"]),
])
def test_path_transforms_follow_fractribution(transform, left):
    walks, names = Walks.of([["a", "a", "a", "Direct", "a", "Direct", "Direct"], ["Direct", "Direct"], []])
    kept = walks.kept(TRANSFORMS[transform](walks, names.index("Direct")))
    assert [names[code] for code in kept.channel[kept.path == 0]] == left
    all_direct = 1 if transform in ("exposure", "first") else 2
    assert kept.lengths.tolist() == [len(left), all_direct, 0]


def test_repeats_count_the_touches_of_a_channel_on_its_path():
    walks, names = Walks.of([["a", "a", "a", "Direct", "a", "Direct", "Direct"], ["a"]])
    once = TRANSFORMS["first"](walks, -1)
    assert [(names[c], int(n)) for c, n in zip(walks.channel[once], walks.repeats[once], strict=True)] == [("a", 4), ("Direct", 3), ("a", 1)]


def test_position_weights_of_short_paths_go_to_the_ends():
    walks, _ = Walks.of([["a"], ["a", "b"], ["a", "b", "c"], list("abcd")])
    np.testing.assert_allclose(heuristics.position(walks, 0.3, 0.1), [1, 0.75, 0.25, 0.3, 0.6, 0.1, 0.3, 0.3, 0.3, 0.1])


def test_the_last_touch_that_is_not_direct_wins_unless_all_are():
    walks, names = Walks.of([["a", "b", "Direct"], ["Direct", "Direct"], ["Direct", "a"]])
    assert heuristics.last_non_direct(walks, names.index("Direct")).tolist() == [0, 1, 0, 0, 1, 0, 1]


def test_time_decay_of_ages_beyond_the_range_of_doubles_still_sums_to_one():
    walks, _ = Walks.of([["a", "b"]])
    np.testing.assert_allclose(heuristics.time_decay(walks, np.array([1e6, 1e6 - 1]), 1.0), [1 / 3, 2 / 3])


# laws, each over 200 drawn worlds


def brute_force_shapley(paths, weight, names):
    """Every coalition's value, every marginal: the definition."""
    sets = [frozenset(path) for path in paths]

    def worth(coalition):
        return sum(w for s, w in zip(sets, weight, strict=True) if s and s <= coalition)

    n, result = len(names), {}
    for name in names:
        others = [other for other in names if other != name]
        result[name] = sum(
            factorial(len(c)) * factorial(n - len(c) - 1) / factorial(n) * (worth(frozenset(c) | {name}) - worth(frozenset(c)))
            for c in chain.from_iterable(combinations(others, size) for size in range(n)))
    return result


def test_shapley_equals_enumeration_of_all_coalitions():
    for seed in range(200):
        paths, conversions, _, _ = drawn_paths(seed)
        walks, names = Walks.of(paths)
        came = np.bincount(walks.channel, shapley(walks) * conversions[walks.path], minlength=len(names))
        expected = brute_force_shapley(paths, conversions, names)
        np.testing.assert_allclose(came, [expected[name] for name in names], atol=1e-9)


def chance_by_iteration(paths, conversions, nulls, value, without=None):
    """Expected gain of a walk by stepping a dictionary of states; arrivals at `without` fall silent."""
    moves: dict[object, dict[object, float]] = {}
    gains: dict[object, float] = {}
    for path, sold, lost, worth in zip(paths, conversions, nulls, value, strict=True):
        states = [("start",), *path]
        for a, b in pairwise(states):
            moves.setdefault(a, {}).setdefault(b, 0.0)
            moves[a][b] += sold + lost
        if path:
            moves.setdefault(path[-1], {}).setdefault(("end",), 0.0)
            moves[path[-1]][("end",)] += sold + lost
            gains[path[-1]] = gains.get(path[-1], 0.0) + worth
    if not sum(moves.get(("start",), {}).values()):
        return 0.0
    at, total = {("start",): 1.0}, 0.0
    for _ in range(4000):
        after: dict[object, float] = {}
        for state, mass in at.items():
            out = sum(moves[state].values())
            total += mass * gains.get(state, 0.0) / out
            for target, weight in moves[state].items():
                if target not in (("end",), without):
                    after[target] = after.get(target, 0.0) + mass * weight / out
        at = {state: mass for state, mass in after.items() if mass > 1e-18}
        if not at:
            break
    return total


def test_removal_effects_equal_removing_each_channel_and_walking_again():
    for seed in range(60):
        paths, conversions, nulls, value = drawn_paths(seed)
        value = np.where(conversions > 0, value, 0)
        for gain, worth in ((None, conversions), (value, value)):
            names, result = solved(paths, conversions, nulls, gain)
            whole = chance_by_iteration(paths, conversions, nulls, worth)
            assert result.total == pytest.approx(whole, abs=1e-9)
            for name, effect in zip(names, result.effect, strict=True):
                left = chance_by_iteration(paths, conversions, nulls, worth, without=name)
                assert effect == pytest.approx((whole - left) / whole if whole else 0.0, abs=1e-9)


def test_effects_are_shares_and_the_chance_to_convert_is_that_of_the_counts():
    for seed in range(200):
        paths, conversions, nulls, _ = drawn_paths(seed)
        names, result = solved(paths, conversions, nulls)
        assert ((result.effect >= -1e-12) & (result.effect <= 1 + 1e-12)).all()
        touched = np.array([bool(path) for path in paths])
        walks = (conversions + nulls)[touched].sum()
        assert result.total == pytest.approx(conversions[touched].sum() / walks if walks else 0.0, abs=1e-12)
        for name, effect in zip(names, result.effect, strict=True):
            if conversions[touched].sum() and all(path[-1] == name for path, sold in zip(paths, conversions, strict=True) if path and sold):
                assert effect == pytest.approx(1.0)
        if result.effect.sum():
            assert result.share.sum() == pytest.approx(1.0)


def test_a_channel_that_nobody_meets_changes_nothing():
    for seed in range(200):
        paths, conversions, nulls, _ = drawn_paths(seed)
        names, before = solved(paths, conversions, nulls)
        grown, after = solved([*paths, ["zz"]], [*conversions, 0], [*nulls, 0])
        assert grown == [*names, "zz"]
        np.testing.assert_allclose(after.effect[:-1], before.effect, atol=1e-14)
        assert after.effect[-1] == 0


def test_channels_called_like_the_ends_of_a_walk_are_channels_like_others():
    renamed = {"a": "(start)", "b": "(null)", "c": "(conversion)", "d": "(none)", "e": "a > b"}
    for seed in range(50):
        paths, conversions, nulls, _ = drawn_paths(seed)
        names, plain = solved(paths, conversions, nulls)
        strange_names, strange = solved([[renamed[c] for c in path] for path in paths], conversions, nulls)
        by_name = dict(zip(strange_names, strange.effect, strict=True))
        np.testing.assert_allclose([by_name[renamed[name]] for name in names], plain.effect, atol=1e-12)


def test_shares_of_every_model_sum_to_one_on_every_path():
    for seed in range(200):
        paths, *_ = drawn_paths(seed)
        walks, names = Walks.of(paths)
        random = np.random.default_rng(seed)
        age, effect = random.uniform(0, 3000, len(walks.path)), random.choice([0.0, 0.2, 0.9], len(names))[walks.channel]
        for share in (
            heuristics.first(walks), heuristics.last(walks), heuristics.last_non_direct(walks, 0), heuristics.linear(walks),
            heuristics.position(walks, 0.4, 0.4), heuristics.time_decay(walks, age, 7), markov(walks, effect), shapley(walks),
        ):
            sums = np.bincount(walks.path, share, minlength=walks.size)
            np.testing.assert_allclose(sums, (walks.lengths > 0).astype(float), atol=1e-12)
            assert (share >= 0).all()


def test_without_any_conversion_nothing_is_lost_by_removal():
    _, result = solved([["a", "b"], ["b"]], [0, 0], [3, 1])
    assert result.effect.tolist() == [0, 0]
    assert result.share.tolist() == [0, 0]
    assert result.total == 0


def weighed(knobs, *paths):
    """channel_weights of paths told as (channels, conversions, nulls, revenue), by channel."""
    columns = [[f"{number:032x}" for number in range(len(paths))], *zip(*[(*path[:3], round(path[3] * 100)) for path in paths], strict=True)]
    batch = pa.RecordBatch.from_arrays([pa.array(list(values)) for values in columns], ["path_id", "channels", "conversions", "nulls", "cents"])
    settings = knobs(bootstrap_replicates=20)
    return pd.concat(_solve([flows.to_pandas() for flows in _flows([batch], settings)], settings)).set_index("channel")


@pytest.mark.parametrize("refunded", [-500, -500.01, -999, -5000, -200])
def test_revenue_that_refunds_cancel_is_shared_like_conversions(knobs, refunded):
    found = weighed(knobs, (["A", "B"], 10, 20, 500), (["C"], 10, 5, refunded))
    if refunded == -200:  # A and B lose 500 each without them, C gains 200: a fifth of what the others bring
        np.testing.assert_allclose(found["revenue_share"], [0.625, 0.625, -0.25])
    else:
        np.testing.assert_allclose(found["revenue_share"], found["conversion_share"], atol=1e-15)


def test_no_revenue_share_is_far_from_a_share_whatever_the_refunds(knobs):
    random = np.random.default_rng(4)
    for _ in range(200):
        paths = [(list(random.choice(list("ABCDE"), random.integers(1, 4))), int(random.integers(1, 20)), int(random.integers(0, 50)), int(random.integers(-60, 100)))
                 for _ in range(6)]
        share = weighed(knobs, *paths)["revenue_share"]
        assert share.between(-0.5, 1.5).all()
        assert share.sum() == pytest.approx(1)


# intervals


def test_a_paths_draws_depend_on_its_id_and_the_seed_alone():
    counts = np.array([[3, 9], [5, 1], [0, 2]])
    ids = ["00ff00ff00ff00ff", "0123456789abcdef", "fedcba9876543210"]
    whole = resample_counts(ids, counts, 50, seed=7)
    for number in range(3):
        np.testing.assert_array_equal(resample_counts([ids[number]], counts[[number]], 50, seed=7)[0], whole[number])
    assert (whole[:, 0] == counts).all()
    assert (whole[2, :, 0] == 0).all()
    assert not np.array_equal(resample_counts(ids, counts, 50, seed=8), whole)


@pytest.mark.parametrize("persons", [300, 40_000])
def test_groups_drawn_again_spread_like_persons_drawn_again(persons):
    random = np.random.default_rng(5)
    value = random.gamma(0.5, 40, persons)
    sums = np.bincount(random.integers(0, GROUPS, persons), value, minlength=GROUPS)
    spread = (resample_groups(2000, seed=3) @ sums).std()
    assert spread == pytest.approx(np.sqrt((value**2).sum()), rel=0.10)  # a total of a Poisson number of independent persons


def test_bounds_hold_the_asked_share_between_them():
    values = np.arange(1001.0)
    np.testing.assert_allclose(bounds(values, 0.95), [25, 975])


# settings


@pytest.mark.parametrize("wrong", [
    {"position_weights": {"first": 0.7, "last": 0.7}}, {"position_weights": {"first": 0, "last": 0}}, {"lookback_days": 0},
    {"models": []}, {"models": ["last", "last"]}, {"models": ["lst"]}, {"confidence": 1}, {"half_life_days": 0}, {"horizon": 3},
])
def test_a_setting_that_cannot_be_meant_is_refused(knobs, wrong):
    with pytest.raises(ValidationError):
        knobs(**wrong)
