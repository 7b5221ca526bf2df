"""Components that would be an impossible person (two logins, thirty e-mails, two ends that were split): which links are believed.

Pure pandas, one component at a time, and only those that break a limit: the order in which links are believed matters
here, so they are taken strongest first (decided, most sightings, then latest seen, then smallest ids).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable

import numpy as np
import pandas as pd

from wayprint.identity.settings import IdentitySettings

VERDICTS = "kind string, identifier_id string, other_id string, root string, rule string, reason string"
# What `settle` takes: links, the component's identifiers (other_id null), and pairs to be kept apart.
MEMBERS = (
    "kind", "root", "identifier_id", "identifier_type", "other_id", "other_type", "decided", "sightings", "first_seen_at", "last_seen_at")


def settler(settings: IdentitySettings) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """`settle` with its settings, for one component a call."""
    return lambda members: settle(members, settings)


def settle(members: pd.DataFrame, settings: IdentitySettings) -> pd.DataFrame:
    """One row per identifier (its new root, or why it is nobody's) and one per refused link, of one component (columns MEMBERS).

    1. Believe links between identifiers of persons, strongest first, unless a link would give one person more of a type
       than it may have, or unite what was split: refused as unique_conflict, max_per_person or split.
    2. A device seen with persons who have `shared_device_uniques` unique identifiers of one type between them is shared: nobody's.
    3. Believe the links of the other devices the same way.
    """
    nodes = members[members["kind"] == "identifier"].sort_values("identifier_id", ignore_index=True)
    ordered = members[members["kind"] == "link"].sort_values(
        ["decided", "sightings", "last_seen_at", "identifier_id", "other_id"], ascending=[False, False, False, True, True])
    ids = pd.Index(nodes["identifier_id"])
    left, right = ids.get_indexer(ordered["identifier_id"]), ids.get_indexer(ordered["other_id"])
    is_device = nodes["identifier_type"].isin(settings.device_types).to_numpy()
    days = (nodes["first_seen_at"].astype("datetime64[us]").astype("int64") / 86_400e6).tolist()
    clusters = Clusters(nodes["identifier_type"].tolist(), days, settings)
    for pair in members[members["kind"] == "split"].itertuples(index=False):
        clusters.keep_apart(ids.get_loc(pair.identifier_id), ids.get_loc(pair.other_id))
    with_device = is_device[left] | is_device[right]
    refused = {at: broken for at in np.flatnonzero(~with_device) if (broken := clusters.join(left[at], right[at]))}

    accounts = _accounts_of_devices(clusters, is_device, left, right)
    shared = {device: seen for device, seen in accounts.items() if seen >= settings.shared_device_uniques}
    for at in np.flatnonzero(with_device):
        broken = _shared_end(left[at], right[at], shared, settings) or clusters.join(left[at], right[at])
        if broken:
            refused[at] = broken

    roots = [clusters.find(node) for node in range(len(ids))]
    identifiers = pd.DataFrame({
        "kind": "identifier", "identifier_id": ids, "other_id": None, "root": ids.to_numpy()[roots],
        "rule": ["shared_device" if node in shared else None for node in range(len(ids))],
        "reason": [_shared_reason(shared[node], settings) if node in shared else None for node in range(len(ids))]})
    places = sorted(refused)
    fallen = pd.DataFrame({
        "kind": "link", "identifier_id": ordered["identifier_id"].to_numpy()[places], "other_id": ordered["other_id"].to_numpy()[places],
        "root": None, "rule": [refused[at][0] for at in places], "reason": [refused[at][1] for at in places]})
    return pd.concat([identifiers, fallen], ignore_index=True) if places else identifiers


class Clusters:
    """Union-find that knows what a cluster has of each limited type, and refuses a union beyond a limit or across a split.

    `days`: when each identifier was first seen, in days, for limits in a window of so many days.
    """

    def __init__(self, types: list[str], days: list[float], settings: IdentitySettings):
        self.kinds = settings.types
        self.parent = list(range(len(types)))
        self.seen: list[dict[str, list[float]]] = [{kind: [day]} if kind in self.kinds else {} for kind, day in zip(types, days, strict=True)]
        self.foes: list[set[int]] = [set() for _ in types]

    def find(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def keep_apart(self, one: int, other: int) -> None:
        self.foes[one].add(other)
        self.foes[other].add(one)

    def join(self, left: int, right: int) -> tuple[str, str] | None:
        """Unite two clusters under their smaller node; or the rule and reason against it."""
        first, second = sorted((self.find(left), self.find(right)))
        if first == second:
            return None
        if any(self.find(foe) == second for foe in self.foes[first]):
            return "split", "would unite two identifiers that somebody split"
        for kind in self.seen[first].keys() & self.seen[second].keys():
            small, large = sorted((self.seen[first][kind], self.seen[second][kind]), key=len)
            for limit in self.kinds[kind].all_limits:
                count = len(small) + len(large) if limit.days is None else _most_within(small, large, limit.days)
                if count > limit.most:
                    rule = "unique_conflict" if self.kinds[kind].unique else "max_per_person"
                    return rule, f"would give one person {count} of type {kind}" + (f" in {limit.days} days" if limit.days else "") + f", at most {limit.most}"
        self.parent[second] = first
        for kind, days in self.seen[second].items():
            mine = self.seen[first].setdefault(kind, [])
            small, large = sorted((mine, days), key=len)
            for day in small:
                insort(large, day)
            self.seen[first][kind] = large
        self.seen[second] = {}
        self.foes[first] |= self.foes[second]
        return None


def _most_within(one: list[float], other: list[float], days: int) -> int:
    """The most of these days that lie in any `days` days (the start of which is not among them)."""
    every = sorted([*one, *other])
    return max(place + 1 - bisect_right(every, day - days) for place, day in enumerate(every))


def _accounts_of_devices(clusters: Clusters, is_device: np.ndarray, left: np.ndarray, right: np.ndarray) -> dict[int, int]:
    """Of each device: how many unique identifiers of one type the persons have whom it was seen with."""
    met: dict[tuple[int, str], set[int]] = {}
    unique = [name for name, kind in clusters.kinds.items() if kind.unique]
    for device, person in [*zip(left, right, strict=True), *zip(right, left, strict=True)]:
        if is_device[device] and not is_device[person]:
            root = clusters.find(person)
            for kind in unique:
                if clusters.seen[root].get(kind):
                    met.setdefault((device, kind), set()).add(root)
    most: dict[int, int] = {}
    for (device, _), roots in met.items():
        most[device] = max(most.get(device, 0), len(roots))
    return most


def _shared_end(left: int, right: int, shared: dict[int, int], settings: IdentitySettings) -> tuple[str, str] | None:
    device = left if left in shared else right
    return ("shared_device", _shared_reason(shared[device], settings)) if device in shared else None


def _shared_reason(accounts: int, settings: IdentitySettings) -> str:
    return f"device seen with persons of {accounts} accounts, shared from {settings.shared_device_uniques} on"
