"""Components that would be an impossible person (two logins, thirty e-mails): which of their links are believed.

Pure pandas, one component at a time, and only those that break a limit: the order in which links are believed matters
here, so they are taken strongest first (most sightings, then latest seen, then smallest ids).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from wayprint.identity.settings import LOGIN, IdentitySettings

VERDICTS = "kind string, identifier_id string, other_id string, root string, rule string, reason string"


def settler(settings: IdentitySettings) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """`settle` with its settings, for one component a call."""
    return lambda links: settle(links, settings)


def settle(links: pd.DataFrame, settings: IdentitySettings) -> pd.DataFrame:
    """One row per identifier (its new root, or why it is nobody's) and one per refused link, of one component.

    1. Believe links between identifiers of persons, strongest first, unless a link would give one person more of a type
       than `max_per_person`: refused as unique_conflict (logins) or max_per_person (others).
    2. A device seen with persons who have `shared_device_logins` logins between them is shared: nobody's.
    3. Believe the links of the other devices the same way.
    """
    ordered = links.sort_values(["sightings", "last_seen_at", "identifier_id", "other_id"], ascending=[False, False, True, True])
    ends = pd.concat([
        ordered[["identifier_id", "identifier_type"]],
        ordered[["other_id", "other_type"]].set_axis(["identifier_id", "identifier_type"], axis=1)])
    nodes = ends.drop_duplicates("identifier_id").sort_values("identifier_id", ignore_index=True)
    ids = pd.Index(nodes["identifier_id"])
    left, right = ids.get_indexer(ordered["identifier_id"]), ids.get_indexer(ordered["other_id"])
    is_device = nodes["identifier_type"].isin(settings.device_types).to_numpy()
    clusters = Clusters(nodes["identifier_type"].tolist(), settings)
    with_device = is_device[left] | is_device[right]
    refused = {at: broken for at in np.flatnonzero(~with_device) if (broken := clusters.join(left[at], right[at]))}

    logins = _logins_of_devices(clusters, is_device, left, right)
    shared = {device: len(seen) for device, seen in logins.items() if len(seen) >= settings.shared_device_logins}
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
    """Union-find that knows how many identifiers of each limited type a cluster has, and refuses a union beyond the limit."""

    def __init__(self, types: list[str], settings: IdentitySettings):
        self.limited = list(settings.max_per_person)
        self.most = np.array([settings.max_per_person[kind] for kind in self.limited])
        self.parent = list(range(len(types)))
        self.tally = np.array([[kind == one for one in self.limited] for kind in types], int)

    def find(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, left: int, right: int) -> tuple[str, str] | None:
        """Unite two clusters under their smaller node; or the rule and reason against it."""
        first, second = sorted((self.find(left), self.find(right)))
        if first == second:
            return None
        together = self.tally[first] + self.tally[second]
        for kind, count, most in zip(self.limited, together, self.most, strict=True):
            if count > most:
                rule = "unique_conflict" if kind == LOGIN else "max_per_person"
                return rule, f"would give one person {count} of type {kind}, at most {most}"
        self.parent[second], self.tally[first] = first, together
        return None


def _logins_of_devices(clusters: Clusters, is_device: np.ndarray, left: np.ndarray, right: np.ndarray) -> dict[int, set[int]]:
    """Of each device: the clusters with a login that it was seen with."""
    login = clusters.limited.index(LOGIN)
    seen: dict[int, set[int]] = {}
    for device, person in [*zip(left, right, strict=True), *zip(right, left, strict=True)]:
        if is_device[device] and not is_device[person] and clusters.tally[clusters.find(person)][login]:
            seen.setdefault(device, set()).add(clusters.find(person))
    return seen


def _shared_end(left: int, right: int, shared: dict[int, int], settings: IdentitySettings) -> tuple[str, str] | None:
    device = left if left in shared else right
    return ("shared_device", _shared_reason(shared[device], settings)) if device in shared else None


def _shared_reason(logins: int, settings: IdentitySettings) -> str:
    return f"device seen with persons of {logins} logins, shared from {settings.shared_device_logins} on"
