"""The published figures of PathData (MAM 2.1.1, do-attribution, ChannelAttribution's heuristics, mta), to 1e-9."""

import numpy as np
import pytest

from wayprint.attribution import heuristics
from wayprint.attribution.intervals import resample_counts
from wayprint.attribution.markov import count_flows, ending_value, removal
from wayprint.attribution.shapley import shapley
from wayprint.attribution.walks import Walks

MARKOV = {  # removal effect of conversions and of value, credited conversions and value, bootstrap standard error of the effect
    "alpha": (0.5583994895, 0.5229855896, 5344.9476820852, 18799.1706261916, 0.002892),
    "beta": (0.2640385357, 0.2695110713, 2527.3521665204, 9687.8092160907, 0.002092),
    "delta": (0.0004819958, 0.0003872040, 4.6136183111, 13.9183840039, 0.000121),
    "epsilon": (0.0626385823, 0.0653386327, 599.5706504632, 2348.6538251923, 0.001371),
    "eta": (0.3490263319, 0.3614250434, 3340.8474015009, 12991.7366666955, 0.002682),
    "gamma": (0.0178799744, 0.0200088856, 171.1454426937, 719.2367463459, 0.000663),
    "iota": (0.4058350045, 0.4166942793, 3884.6147018751, 14978.4372883955, 0.002420),
    "kappa": (0.0286633867, 0.0316056510, 274.3632559548, 1136.0925381474, 0.000977),
    "lambda": (0.1340221228, 0.1430684715, 1282.8472233944, 5142.7202970127, 0.001974),
    "mi": (0.0001799458, 0.0001514641, 1.7224245563, 5.4445088593, 0.000080),
    "theta": (0.2060104628, 0.2089544371, 1971.9128798869, 7511.0484754362, 0.001803),
    "zeta": (0.0398105178, 0.0408587446, 381.0625527581, 1468.7030148399, 0.000957),
}
RULES = {  # first, last, linear, linear value, position 40/20/40, Shapley, Shapley value
    "alpha": (6308, 8447, 7574.7185937512, 24524.7095688335, 7444.8237592334, 7627.9440476190, 24755.4196589898),
    "beta": (2831, 989, 2083.5001445890, 8954.2667166077, 1969.7661789686, 1982.7392857143, 8477.3445983464),
    "delta": (1, 5, 1.7250000000, 4.4040500000, 2.5866666667, 2.2928571429, 6.2572285714),
    "epsilon": (99, 531, 272.1704377205, 1106.2700652665, 301.0502327824, 374.6773809524, 1534.3186569444),
    "eta": (3164, 4167, 3539.9511571006, 13783.4970509202, 3618.7961487619, 3613.6559523810, 14054.9404248227),
    "gamma": (165, 92, 121.0416390203, 569.4173578911, 125.2409109238, 138.1857142857, 650.1866545285),
    "iota": (4606, 3355, 3857.0962210178, 15988.9889950235, 3944.9481656554, 3505.0440476190, 14522.7869284322),
    "kappa": (74, 230, 137.9640779223, 599.7477862553, 147.4595565169, 159.0571428571, 711.3685500000),
    "lambda": (902, 1207, 1035.2575722855, 4430.3161694284, 1046.9039013854, 987.7821428571, 4243.4516358862),
    "mi": (2, 2, 2.2222222222, 6.0814444444, 2.0571428571, 2.6666666667, 7.6983333333),
    "theta": (1606, 653, 1022.8013939042, 4295.7436194872, 1092.7444717569, 1190.9630952381, 5028.2484899749),
    "zeta": (27, 107, 136.5515404664, 539.5287630528, 88.6228644916, 199.9916666667, 810.9504273810),
}


@pytest.fixture(scope="module")
def walked(path_data):
    walks, names = Walks.of(path_data.paths)
    assert names == list(MARKOV) == list(RULES)
    return walks


def summed(walks, share, weight):
    return np.bincount(walks.channel, share * weight[walks.path])


def published(table, column):
    return np.array([row[column] for row in table.values()])


def agrees(came, printed):
    """To 1e-9, of the figures printed with ten decimals."""
    np.testing.assert_allclose(came, printed, rtol=1e-12, atol=1e-9)


def test_removal_effects_are_the_published_ones(walked, path_data):
    flows = count_flows(walked, path_data.conversions[:, None], path_data.nulls[:, None], 12)[0]
    by_count, by_value = removal(flows), removal(flows, ending_value(walked, path_data.value, 12))
    agrees(by_count.effect, published(MARKOV, 0))
    agrees(by_value.effect, published(MARKOV, 1))
    agrees(by_count.share * path_data.conversions.sum(), published(MARKOV, 2))
    agrees(by_value.share * path_data.value.sum(), published(MARKOV, 3))
    assert by_count.total == pytest.approx(0.223845135597, abs=1e-12)
    assert by_value.total == pytest.approx(0.846311919029, abs=1e-12)


def test_the_chain_has_the_published_transitions(walked, path_data):
    flows = count_flows(walked, path_data.conversions[:, None], path_data.nulls[:, None], 12)[0]
    assert np.count_nonzero(flows) == 138
    assert flows[12, 0] / flows[12].sum() == pytest.approx(0.3263602113, abs=1e-10)
    assert flows[12, 2] / flows[12].sum() == pytest.approx(0.0000339416, abs=1e-10)
    assert flows[0, 12] / flows[0].sum() == pytest.approx(0.1491506869, abs=1e-10)
    assert flows[11, 12] / flows[11].sum() == pytest.approx(0.0295498481, abs=1e-10)


def test_rules_of_thumb_and_shapley_are_the_published_ones(walked, path_data):
    conversions, value = path_data.conversions.astype(float), path_data.value
    agrees(summed(walked, heuristics.first(walked), conversions), published(RULES, 0))
    agrees(summed(walked, heuristics.last(walked), conversions), published(RULES, 1))
    agrees(summed(walked, heuristics.linear(walked), conversions), published(RULES, 2))
    agrees(summed(walked, heuristics.linear(walked), value), published(RULES, 3))
    agrees(summed(walked, heuristics.position(walked, 0.4, 0.4), conversions), published(RULES, 4))
    agrees(summed(walked, shapley(walked), conversions), published(RULES, 5))
    agrees(summed(walked, shapley(walked), value), published(RULES, 6))


def test_first_and_last_value_and_halving_by_position_are_the_published_ones(walked, path_data):
    alpha, beta, eta, iota = 0, 1, 4, 6
    first = summed(walked, heuristics.first(walked), path_data.value)[[alpha, beta, eta, iota]]
    last = summed(walked, heuristics.last(walked), path_data.value)[[alpha, beta, eta, iota]]
    agrees(first, [19121.2723557987, 12235.5917443553, 11909.4762130316, 19597.2612769752])
    agrees(last, [28414.2142743639, 3850.0209872582, 16754.2038001057, 13487.9742713577])
    steps_from_end = (walked.length - 1 - walked.position).astype(float)
    halving = summed(walked, heuristics.time_decay(walked, steps_from_end, 1.0), path_data.conversions.astype(float))
    agrees(halving[[alpha, beta, eta, iota]], [8046.6281153314, 1599.3883460032, 3796.2519464058, 3522.4507798783])


def test_the_chance_to_convert_is_that_of_the_counts(walked, path_data):
    flows = count_flows(walked, path_data.conversions[:, None], path_data.nulls[:, None], 12)[0]
    walks = path_data.conversions.sum() + path_data.nulls.sum()
    assert removal(flows).total == pytest.approx(path_data.conversions.sum() / walks, abs=1e-13)


def test_the_bootstrap_spreads_as_published(path_data):
    merged: dict[tuple[str, ...], list[int]] = {}
    for path, conversions, nulls in zip(path_data.paths, path_data.conversions, path_data.nulls, strict=True):
        count = merged.setdefault(tuple(path), [0, 0])
        count[0], count[1] = count[0] + conversions, count[1] + nulls
    assert len(merged) == 5408
    walks, _ = Walks.of(list(merged))
    ids = [f"{number:016x}" for number in range(len(merged))]
    drawn = resample_counts(ids, np.array(list(merged.values())), 400, seed=1)
    effects = removal(count_flows(walks, drawn[..., 0], drawn[..., 1], 12)).effect
    spread = effects[1:].std(axis=0, ddof=1)
    np.testing.assert_allclose(spread, published(MARKOV, 4), rtol=0.15)
    agrees(effects[0], published(MARKOV, 0))
    assert len({tuple(row) for row in effects[1:].round(12)}) == 400
