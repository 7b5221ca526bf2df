"""One hit seen by two trackers: which sightings belong together."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import NamedTuple


class Sighting(NamedTuple):
    """When (microseconds), what (equal for equal hits), and by which tracker it was seen (None if unknown)."""

    at: int
    hit: Hashable
    tracker: str | None


def twins(seen: Sequence[Sighting], within: int) -> dict[int, int]:
    """Position of each twin -> position of the sighting kept for it, among the sightings of one device in order of time.

    A sighting is the twin of the oldest kept one of the same hit that is at most `within` older, comes from another tracker, and has no
    twin of this tracker yet (one tracker sees one hit once, so two quick views seen by two trackers stay two). A sighting that is
    nobody's twin is kept. Without a tracker's name nothing is a twin. Linear: each queue holds the kept sightings that still lack its tracker.
    """
    trackers = {sighting.tracker for sighting in seen if sighting.tracker is not None}
    found: dict[int, int] = {}
    if len(trackers) < 2:
        return found
    lacking: dict[tuple[Hashable, str], deque[int]] = {}
    for position, (at, hit, tracker) in enumerate(seen):
        if tracker is None:
            continue
        queue = lacking.get((hit, tracker), deque())
        while queue and at - seen[queue[0]].at > within:
            queue.popleft()
        if queue:
            found[position] = queue.popleft()
        else:
            for other in trackers - {tracker}:
                lacking.setdefault((hit, other), deque()).append(position)
    return found
