import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from wayprint.propensity.evaluate import bins_of, evaluate, loss_difference, resamples, statistics


def cases(count=200):
    for seed in range(count):
        random = np.random.default_rng(seed)
        size = int(random.integers(8, 120))
        guessed = random.random(size).round(int(random.integers(1, 4)))  # rounding makes ties
        label = (random.random(size) < guessed).astype(float)
        label[:2] = 0, 1
        yield seed, label, guessed, random.integers(0, 4, size).astype(float)


def test_measures_agree_with_scikit_learn_also_under_weights_and_ties():
    for seed, label, guessed, weights in cases():
        if not (weights @ label and weights @ (1 - label)):
            continue
        ours = statistics(label, guessed, np.stack([np.ones(len(label)), weights]))
        for place, given in enumerate((None, weights)):
            told = (ours["average_precision"][place], ours["roc_auc"][place], ours["log_loss"][place])
            theirs = (average_precision_score(label, guessed, sample_weight=given), roc_auc_score(label, guessed, sample_weight=given),
                      log_loss(label, guessed, sample_weight=given))
            assert told == pytest.approx(theirs, abs=1e-12), seed


def test_calibration_error_agrees_with_a_loop_over_bins():
    for seed, label, guessed, weights in cases():
        bins, total = bins_of(guessed), 0.0
        for number in sorted(set(bins)):
            rows = [i for i in range(len(label)) if bins[i] == number]
            total += abs(sum(weights[i] * (label[i] - guessed[i]) for i in rows))
        assert statistics(label, guessed, weights[None, :])["calibration_error"][0] == pytest.approx(total / weights.sum(), abs=1e-12), seed


def test_calibration_error_by_hand():
    guessed = np.repeat(np.arange(10) / 10 + 0.05, 10)
    label = np.tile([1.0] * 5 + [0.0] * 5, 10)  # half buy in every bin: off by .45 .35 .25 .15 .05 twice, on average .25
    told = {m.measure: m.value for m in evaluate(label, guessed, np.arange(100), 20, 1)}
    assert told["calibration_error"] == pytest.approx(0.25)
    assert (told["bin_03_predicted"], told["bin_03_observed"], told["bin_03_count"]) == pytest.approx((0.35, 0.5, 10))
    assert (told["positives"], told["examples"]) == (50, 100)


def test_equal_probabilities_are_never_parted_and_bins_are_about_equal():
    assert set(bins_of(np.full(50, 0.1))) == {0}
    assert np.bincount(bins_of(np.random.default_rng(0).random(1000))).tolist() == [100] * 10
    for _, _, guessed, _ in cases():
        bins = bins_of(guessed)
        assert all(len(set(bins[guessed == value])) == 1 for value in guessed)
        assert (np.diff(bins[np.argsort(guessed)]) >= 0).all()


def test_the_interval_of_the_mean_loss_is_the_textbook_one():
    random = np.random.default_rng(3)
    label, guessed = (random.random(4000) < 0.3).astype(float), np.full(4000, 0.3)
    measure = next(m for m in evaluate(label, guessed, np.arange(4000), 2000, 5) if m.measure == "log_loss")
    spread = np.std(np.where(label == 1, -np.log(0.3), -np.log(0.7))) / np.sqrt(4000)
    assert measure.high - measure.low == pytest.approx(2 * 1.96 * spread, rel=0.06)
    assert measure.low < measure.value < measure.high


def test_persons_are_drawn_whole():
    persons = np.repeat(np.arange(20), 5)
    weights = np.concatenate(list(resamples(persons, 50, 1)))
    assert (weights.reshape(50, 20, 5) == weights.reshape(50, 20, 5)[:, :, :1]).all()
    assert (weights[:, ::5].sum(axis=1) == 20).all()
    assert weights.std() > 0.5


def test_a_paired_difference_is_certain_where_single_losses_are_not():
    random = np.random.default_rng(4)
    truth = random.beta(1, 6, 3000)
    label = (random.random(3000) < truth).astype(float)
    worse = np.clip(truth * 1.15, 0, 0.99)
    gap = loss_difference(label, truth, worse, np.arange(3000), 500, 1)
    alone = [next(m for m in evaluate(label, p, np.arange(3000), 500, 1) if m.measure == "log_loss") for p in (truth, worse)]
    assert alone[0].high > alone[1].low
    assert gap.value == pytest.approx(alone[0].value - alone[1].value)
    assert gap.high - gap.low < (alone[0].high - alone[0].low) / 2
