"""Groups of records from scored pairs: by average linkage, so that no chain of weak links ties strangers; or one to one."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def grouped(pairs: Iterable[tuple[str, str, float]], least: float, holders: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
    """Record -> name of its group, for every record in a group of two and more; a group is called after its smallest member.

    `pairs`: two records and the probability that they are one; a pair not listed has probability 0. Every record begins alone; the two
    groups with the highest mean probability over all pairs across them are joined, as long as that mean is at least `least` (average
    linkage: Sokal, Michener 1958). Means are compared to nine decimals; of equal ones the groups with the smallest
    names come first. `holders`: what a record holds that one person has once, by its kind; records that hold different ones of one kind
    never come into one group.
    """
    holders = holders or {}
    members: dict[str, set[str]] = {}
    held: dict[str, dict[str, str]] = {}
    sums: dict[str, dict[str, float]] = {}
    for left, right, chance in sorted(pairs):
        for name in (left, right):
            if name not in members:
                members[name], sums[name] = {name}, {}
                if name in holders:
                    held[name] = dict(holders[name])
        sums[left][right] = sums[right][left] = chance
    # An entry whose mean is no longer true is passed over: the true one has been pushed since.
    waiting = [(-_mean(sums, members, left, right), left, right) for left, near in sums.items() for right in near if left < right]
    heapq.heapify(waiting)
    while waiting:
        worse, kept, gone = heapq.heappop(waiting)
        if -worse < least:
            break
        if kept not in members or gone not in members or _mean(sums, members, kept, gone) != -worse:
            continue
        mine, theirs = held.get(kept, {}), held.get(gone, {})
        if any(mine[kind] != theirs[kind] for kind in mine.keys() & theirs.keys()):
            continue
        members[kept] |= members.pop(gone)
        held[kept] = mine | theirs
        for other, total in sorted(sums.pop(gone).items()):
            del sums[other][gone]
            if other != kept:
                sums[kept][other] = sums[other][kept] = sums[kept].get(other, 0.0) + total
        for other in sums[kept]:
            heapq.heappush(waiting, (-_mean(sums, members, kept, other), min(kept, other), max(kept, other)))
    return {member: name for name, group in members.items() if len(group) > 1 for member in group}


def _mean(sums: Mapping[str, Mapping[str, float]], members: Mapping[str, set[str]], one: str, other: str) -> float:
    # rounded: the mean of 0.7, 0.7 and 0.7 is a little less than 0.7
    return round(sums[one][other] / (len(members[one]) * len(members[other])), 9)


def one_to_one(pairs: pd.DataFrame, least_weight: float) -> pd.DataFrame:
    """The rows of `pairs` (left, right, weight) that give every record at most one partner and the largest sum of weights above `least_weight`.

    For two files in which no record has more than one partner (Jaro, JASA 1989). Of equally good assignments always the same
    one, in whatever order the rows come.
    """
    rows = pairs[pairs["weight"] > least_weight].sort_values(["left", "right"], ignore_index=True)
    left, lefts = pd.factorize(rows["left"], sort=True)
    right, rights = pd.factorize(rows["right"], sort=True)
    size = len(lefts) + len(rights)
    links = coo_array((np.ones(len(rows)), (left, right + len(lefts))), shape=(size, size))
    component = connected_components(links, directed=False)[1][left]
    gain = rows["weight"].to_numpy() - least_weight
    chosen: list[int] = []
    for _, places in sorted(pd.Series(component).groupby(component).groups.items()):
        at = places.to_numpy()
        row_of, rows_here = pd.factorize(left[at], sort=True)
        column_of, columns_here = pd.factorize(right[at], sort=True)
        table = np.zeros((len(rows_here), len(columns_here)))
        table[row_of, column_of] = gain[at]
        best = np.full(len(rows_here), -1)
        taken, partner = linear_sum_assignment(table, maximize=True)
        best[taken] = partner
        chosen += [int(place) for place, mine, other in zip(at, row_of, column_of, strict=True) if best[mine] == other]
    return rows.iloc[sorted(chosen)].reset_index(drop=True)
