"""How sure: bootstrap weights that depend on ids and a seed alone, never on the order or the partition of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wayprint.attribution.walks import Floats, Ints

# Persons are dealt into this many groups by hash and the groups are resampled. Exact sums per group are all that leaves Spark,
# so the cost does not grow with the conversions; the standard error of a group bootstrap is known to about 1 / sqrt(2 x groups),
# 2 %, less than the error of the replicates themselves.
GROUPS = 1024


def resample_counts(path_ids: Sequence[str], counts: Ints, replicates: int, seed: int) -> Ints:
    """Poisson(count) of each path and replicate, the Poisson form of drawing journeys again.

    `path_ids` are hexadecimal (16 digits are used), `counts` has shape (paths, kinds); the result (paths, 1 + replicates,
    kinds) holds the counts themselves as replicate 0. The stream of a path is Philox keyed by its id and the seed.
    """
    drawn = np.empty((len(path_ids), 1 + replicates, counts.shape[1]), dtype=np.int64)
    drawn[:, 0] = counts
    for number, path_id in enumerate(path_ids):
        key = np.array([int(path_id[:16], 16), seed], dtype=np.uint64)
        drawn[number, 1:] = np.random.Generator(np.random.Philox(key=key)).poisson(counts[number], (replicates, counts.shape[1]))
    return drawn


def resample_groups(replicates: int, seed: int) -> Ints:
    """How often each group is drawn: shape (replicates, GROUPS).

    Multinomial, not Poisson: with the number of groups held fixed, the spread of a total is that of its persons, however
    many there are in a group.
    """
    chance = np.full(GROUPS, 1.0 / GROUPS)
    return np.random.Generator(np.random.Philox(key=np.array([0, seed], dtype=np.uint64))).multinomial(GROUPS, chance, replicates)


def bounds(values: Floats, confidence: float) -> Floats:
    """Lower and upper percentile over the first axis: shape (2, ...)."""
    tail = (1.0 - confidence) / 2.0
    return np.quantile(values, [tail, 1.0 - tail], axis=0)
