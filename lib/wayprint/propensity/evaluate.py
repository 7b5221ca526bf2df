"""How good a probability is, with its uncertainty; numpy only.

All measures are computed for many weightings of the rows at once: a bootstrap replicate of persons is a row of weights (how
often each person was drawn), the plain value is the weighting by ones. So value and interval come from the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
CHUNK_CELLS = 2_000_000


@dataclass(frozen=True)
class Measure:
    """A value with the 2.5th and 97.5th percentile of its bootstrap replicates; None where there is none."""

    measure: str
    value: float | None
    low: float | None = None
    high: float | None = None


def evaluate(label: Floats, probability: Floats, persons: NDArray[np.int64], replicates: int, seed: int) -> list[Measure]:
    """All measures of one model on one test fold; `persons` numbers the person of each row, 0 to n-1.

    The interval of the calibration error lies high: noise only ever adds to an absolute difference (Roelofs et al. 2022).
    """
    plain = statistics(label, probability, np.ones((1, len(label))))
    drawn = [statistics(label, probability, weights) for weights in resamples(persons, replicates, seed)]
    measured = []
    for name, value in plain.items():
        low, high = interval(np.concatenate([chunk[name] for chunk in drawn]))
        measured.append(Measure(name, number(value[0]), low, high))
    bins = bins_of(probability)
    measured += [Measure(f"bin_{b:02d}_count", float((bins == b).sum())) for b in range(bins.max() + 1)]
    return [*measured, Measure("positives", float(label.sum())), Measure("examples", float(len(label)))]


def statistics(label: Floats, probability: Floats, weights: Floats) -> dict[str, Floats]:
    """Each measure under each row of `weights` (replicates x examples).

    average_precision: sum of precision times the rise of recall over distinct thresholds, as in scikit-learn.
    roc_auc: share of (buyer, other) pairs in right order, ties half. log_loss: mean of `row_loss`.
    calibration_error: expected calibration error, mean over `bins_of` of |observed - predicted| weighted by size
    (Naeini, Cooper, Hauskrecht 2015), with bins of equal counts (Nguyen, O'Connor 2015).
    """
    order = np.argsort(probability, kind="stable")[::-1]
    sorted_probability, weight = probability[order], weights[:, order]
    buyers = weight * label[order]
    tie_starts = np.flatnonzero(np.r_[True, np.diff(sorted_probability) != 0])
    hits, drawn = (np.add.reduceat(values, tie_starts, axis=1) for values in (buyers, weight))
    hits_above, drawn_above = np.cumsum(hits, axis=1), np.cumsum(drawn, axis=1)
    all_hits, all_drawn = hits_above[:, -1], drawn_above[:, -1]
    others = drawn - hits
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(drawn_above > 0, hits_above / drawn_above, 0.0)
        result = {
            "average_precision": (precision * hits).sum(axis=1) / all_hits,
            "roc_auc": (others * (hits_above - hits / 2)).sum(axis=1) / (all_hits * (all_drawn - all_hits)),
            "log_loss": mean(row_loss(label, probability)[order], weight)}
        starts = np.flatnonzero(np.r_[True, np.diff(bins_of(probability)[order]) != 0])
        size, bought, expected = (np.add.reduceat(v, starts, axis=1)[:, ::-1] for v in (weight, buyers, weight * sorted_probability))
        result["calibration_error"] = np.abs(bought - expected).sum(axis=1) / all_drawn
        for b in range(size.shape[1]):
            result[f"bin_{b:02d}_predicted"] = expected[:, b] / size[:, b]
            result[f"bin_{b:02d}_observed"] = bought[:, b] / size[:, b]
    return result


def bins_of(probability: Floats) -> NDArray[np.int64]:
    """Number of the bin of each row, lowest probability first: about equal counts, equal probabilities never parted."""
    ranked = np.sort(probability)
    edges = ranked[[len(ranked) * k // BINS for k in range(1, BINS)]]
    return np.unique(np.searchsorted(edges, probability, side="right"), return_inverse=True)[1].astype(np.int64)


def row_loss(label: Floats, probability: Floats) -> Floats:
    """Minus the log of the probability given to what happened; clipped at machine epsilon, as scikit-learn does."""
    tiny = np.finfo(np.float64).eps
    kept = np.clip(probability, tiny, 1 - tiny)
    return np.asarray(-np.log(np.where(label == 1, kept, 1 - kept)))


def loss_difference(label: Floats, one: Floats, other: Floats, persons: NDArray[np.int64], replicates: int, seed: int) -> Measure:
    """Mean log-loss of `one` less that of `other` on the same rows, with a paired bootstrap interval; below 0: `one` is better."""
    difference = row_loss(label, one) - row_loss(label, other)
    drawn = np.concatenate([mean(difference, weights) for weights in resamples(persons, replicates, seed)])
    low, high = interval(drawn)
    return Measure("log_loss_difference", number(mean(difference, np.ones((1, len(label))))[0]), low, high)


def mean(values: Floats, weights: Floats) -> Floats:
    return np.asarray((weights * values).sum(axis=1) / weights.sum(axis=1))


def resamples(persons: NDArray[np.int64], replicates: int, seed: int) -> Iterator[Floats]:
    """Weights of the rows in `replicates` draws of persons with replacement; the same seed draws the same persons."""
    random, count = np.random.default_rng(seed), int(persons.max()) + 1
    step = max(1, CHUNK_CELLS // len(persons))
    for start in range(0, replicates, step):
        drawn = [np.bincount(random.integers(0, count, count), minlength=count) for _ in range(min(step, replicates - start))]
        yield np.asarray(drawn, dtype=np.float64)[:, persons]


def interval(drawn: Floats) -> tuple[float | None, float | None]:
    kept = drawn[np.isfinite(drawn)]
    if not len(kept):
        return None, None
    low, high = np.percentile(kept, [2.5, 97.5])
    return float(low), float(high)


def number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
