"""Paths as arrays: many journeys' touches laid end to end, and the rules that say which touches make a path.

No Spark here: a batch of journeys comes as Arrow, leaves as numpy, and every model reads `Walks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wayprint.attribution.settings import AttributionSettings

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DIRECT = "Direct"
MICROSECONDS_A_DAY = 86_400e6


@dataclass(frozen=True)
class Walks:
    """`size` paths over channels 0..n-1: touch i lies on path `path[i]` (ascending) and is of channel `channel[i]`.

    The touches of one path stand together, in the order in which they happened; a path without touches has no entry.
    """

    path: Ints
    channel: Ints
    size: int

    @classmethod
    def of(cls, paths: Sequence[Sequence[str]]) -> tuple[Walks, list[str]]:
        """Lists of names -> walks, and the names by code, sorted."""
        names = sorted({name for path in paths for name in path})
        code = {name: number for number, name in enumerate(names)}
        owner = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
        return cls(owner, np.array([code[name] for path in paths for name in path], dtype=np.int64), len(paths)), names

    def kept(self, mask: Mask) -> Walks:
        """The same paths with only the touches in `mask`."""
        return Walks(self.path[mask], self.channel[mask], self.size)

    @cached_property
    def lengths(self) -> Ints:
        return np.bincount(self.path, minlength=self.size)

    @cached_property
    def length(self) -> Ints:
        """Of each touch: how many touches its path has."""
        return self.lengths[self.path]

    @cached_property
    def position(self) -> Ints:
        """Of each touch: its place on its path, from 0."""
        return np.arange(len(self.path)) - (np.cumsum(self.lengths) - self.lengths)[self.path]

    @cached_property
    def is_last(self) -> Mask:
        last: Mask = self.position == self.length - 1
        return last

    @cached_property
    def repeats_previous(self) -> Mask:
        """Of each touch: the touch before it on the path is of the same channel."""
        same = np.zeros(len(self.path), dtype=bool)
        same[1:] = (self.channel[1:] == self.channel[:-1]) & (self.path[1:] == self.path[:-1])
        return same

    @cached_property
    def presence(self) -> Ints:
        """Of each touch: a number of its (path, channel) pair."""
        return self.path * (int(self.channel.max(initial=0)) + 1) + self.channel

    @cached_property
    def repeats(self) -> Ints:
        """Of each touch: how many touches of its channel its path has."""
        _, pair, count = np.unique(self.presence, return_inverse=True, return_counts=True)
        return count[pair]

    @cached_property
    def breadth(self) -> Ints:
        """Of each touch: how many distinct channels its path has."""
        return np.bincount(self.path[earliest(self.presence)], minlength=self.size)[self.path]

    def last_other_than(self, channel: int) -> Ints:
        """Of each path: position of the last touch that is not of `channel`; -1 where there is none."""
        found = np.full(self.size, -1, dtype=np.int64)
        others = self.channel != channel
        np.maximum.at(found, self.path[others], self.position[others])
        return found


def earliest(keys: Ints, among: Mask | None = None) -> Mask:
    """True at the first entry of each distinct key, looking only at the entries in `among`."""
    places = np.arange(len(keys)) if among is None else np.flatnonzero(among)
    _, first = np.unique(keys[places], return_index=True)
    mask = np.zeros(len(keys), dtype=bool)
    mask[places[first]] = True
    return mask


# Which touches stay, in the words of Google's fractribution; a path of Direct alone always stays as it is.


def exposure(walks: Walks, direct: int) -> Mask:
    """a a b b a -> a b a."""
    return np.logical_not(walks.repeats_previous)


def first_of_channel(walks: Walks, direct: int) -> Mask:
    """a a b b a -> a b."""
    return earliest(walks.presence)


def without_direct(walks: Walks, direct: int) -> Mask:
    """a Direct b Direct -> a b."""
    only_direct: Mask = walks.last_other_than(direct) < 0
    kept: Mask = (walks.channel != direct) | only_direct[walks.path]
    return kept


def without_last_direct(walks: Walks, direct: int) -> Mask:
    """a Direct b Direct Direct -> a Direct b."""
    last = walks.last_other_than(direct)[walks.path]
    return (walks.position <= last) | (last < 0)


TRANSFORMS: dict[str, Callable[[Walks, int], Mask]] = {
    "exposure": exposure, "first": first_of_channel, "without_direct": without_direct, "without_last_direct": without_last_direct}


@dataclass(frozen=True)
class Touches:
    """Every touch of a batch of journeys, end to end; `names` and `campaigns` (Arrow) give the codes their words.

    `age_days`: time from the touch to the journey's end. `visit` and `campaign` are -1 where there is none; `effect` is the
    removal effect of the touch's channel.
    """

    path: Ints
    channel: Ints
    campaign: Ints
    visit: Ints
    age_days: Floats
    is_marketing: Mask
    is_inbound: Mask
    effect: Floats
    size: int
    names: Any
    campaigns: Any

    @classmethod
    def read(cls, batch: pa.RecordBatch) -> Touches:
        """`batch` has `ended_at` and `touches`, an array of structs with the names below; a null array counts as empty."""
        lists = batch.column("touches")
        flat = lists.flatten()
        path = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)

        def values(name: str) -> Any:
            return pc.struct_field(flat, name)

        def codes(name: str) -> tuple[Ints, Any]:
            coded = values(name).dictionary_encode()
            return pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary

        ended = pc.cast(batch.column("ended_at"), pa.int64()).to_numpy(zero_copy_only=False)
        happened = pc.cast(values("happened_at"), pa.int64()).to_numpy(zero_copy_only=False)
        channel, names = codes("channel")
        campaign, campaigns = codes("campaign")
        return cls(
            path, channel, campaign, codes("visit_id")[0], (ended[path] - happened) / MICROSECONDS_A_DAY,
            values("is_marketing").to_numpy(zero_copy_only=False).astype(bool),
            values("is_inbound").to_numpy(zero_copy_only=False).astype(bool),
            values("effect").to_numpy(zero_copy_only=False).astype(np.float64), batch.num_rows, names, campaigns)

    @property
    def direct(self) -> int:
        """Code of Direct; -1 if no touch is."""
        return int(pc.index(self.names, DIRECT).as_py())

    @property
    def _visit_of_path(self) -> Ints:
        """A number of each touch's (path, visit) pair; of use inside visits only."""
        return self.path * (int(self.visit.max(initial=0)) + 1) + self.visit

    @property
    def _arrival(self) -> Ints:
        """A number of each touch's (path, visit, channel); of use inside visits only."""
        return self._visit_of_path * max(len(self.names), 1) + self.channel

    def on_paths(self, settings: AttributionSettings) -> Ints:
        """Places of the touches that make up the paths, in order.

        Marketing touches within the lookback; with `include_direct` also the touch by which a visit began, if that was Direct
        and the visit has no marketing touch. `collapse: visits`: a channel counts once a visit (its first touch, which may be
        the click that led there); touches outside visits (a letter) all count. Then the `transforms`, in order.
        """
        recent = (self.age_days >= 0) & (self.age_days <= settings.lookback_days)
        visit = self._visit_of_path
        in_visit = self.visit >= 0
        chosen = recent & self.is_marketing
        if settings.include_direct:
            begins = earliest(visit, recent & in_visit & self.is_inbound)
            paid_for = np.isin(visit, visit[chosen & in_visit])
            chosen = chosen | (begins & (self.channel == self.direct) & ~paid_for)
        if settings.collapse == "visits":
            once = earliest(self._arrival, chosen & in_visit)
            chosen = once | (chosen & ~in_visit)
        places = np.flatnonzero(chosen)
        for name in settings.transforms:
            places = places[TRANSFORMS[name](self.walks(places), self.direct)]
        return places

    def campaigns_of(self, places: Ints) -> Ints:
        """Campaign of each place: its own, else the first that a marketing touch of its visit and channel names; -1 without any.

        A click and the page on which it lands are one arrival, and either may be the one that names the campaign.
        """
        arrival = self._arrival
        names = np.flatnonzero((self.visit >= 0) & self.is_marketing & (self.campaign >= 0))
        known, first = np.unique(arrival[names], return_index=True)
        if not len(known):
            return self.campaign[places]
        found = np.minimum(np.searchsorted(known, arrival[places]), len(known) - 1)
        is_named = (self.visit[places] >= 0) & (known[found] == arrival[places])
        other = np.where(is_named, self.campaign[names][first][found], -1)
        return np.where(self.campaign[places] >= 0, self.campaign[places], other)

    def walks(self, places: Ints) -> Walks:
        return Walks(self.path[places], self.channel[places], self.size)
