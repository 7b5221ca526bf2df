"""Rules of thumb: what share of its path's conversion each touch gets. Shares of a path that has touches sum to 1."""

from __future__ import annotations

import numpy as np

from wayprint.attribution.walks import Floats, Walks


def first(walks: Walks) -> Floats:
    return np.where(walks.position == 0, 1.0, 0.0)


def last(walks: Walks) -> Floats:
    return np.where(walks.is_last, 1.0, 0.0)


def last_non_direct(walks: Walks, direct: int) -> Floats:
    """The last touch that is not of channel `direct`; the last touch where all are."""
    found = walks.last_other_than(direct)
    return np.where(walks.position == np.where(found < 0, walks.lengths - 1, found)[walks.path], 1.0, 0.0)


def linear(walks: Walks) -> Floats:
    return 1.0 / walks.length


def position(walks: Walks, at_first: float, at_last: float) -> Floats:
    """`at_first`, `at_last`, the rest in equal parts between; two touches share in proportion, a single one has all."""
    ends = np.where(walks.position == 0, at_first, at_last)
    inner = (1.0 - at_first - at_last) / np.maximum(walks.length - 2, 1)
    longer = np.where((walks.position == 0) | walks.is_last, ends, inner)
    return np.where(walks.length == 1, 1.0, np.where(walks.length == 2, ends / (at_first + at_last), longer))


def time_decay(walks: Walks, age_days: Floats, half_life_days: float) -> Floats:
    """2^(-age / half-life), normalised per path; ages are measured from the youngest touch, so that nothing underflows to 0/0."""
    youngest = np.full(walks.size, np.inf)
    np.minimum.at(youngest, walks.path, age_days)
    weight = np.exp2(-(age_days - youngest[walks.path]) / half_life_days)
    share: Floats = weight / np.bincount(walks.path, weight, minlength=walks.size)[walks.path]
    return share
