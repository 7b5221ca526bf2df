"""Removal effects of the order-1 chain, exactly, from one inverse.

1. Each path is a walk (start) -> channels -> conversion or silence; repeats in a row are one state (a self-loop changes
   neither where a walk ends nor what a removal costs).
2. `count_flows` sums how often each transition is made; its size depends on the channels, not on the paths.
3. With Q the transitions between channels, r those to conversion, pi those from the start:
   N = (I - Q)^-1, x = N r (chance to convert from each channel), s = pi N (visits), P = pi x.
4. Sending every arrival at channel i to silence costs the walks that ever reach i (s_i / N_ii) and convert from there (x_i):
   RE_i = (s_i / N_ii) x_i / P, by the strong Markov property. No removal is ever simulated.
5. For revenue r is replaced by the mean revenue per visit of the last channel; the rest stands.

Removal effect after Anderl et al. (2016), "Mapping the customer journey".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from wayprint.attribution.shapley import shapley
from wayprint.attribution.walks import Floats, Ints, Mask, Walks


def count_flows(walks: Walks, conversions: Ints, nulls: Ints, channels: int) -> Ints:
    """Transitions made by the walks: shape (replicates, channels + 1, channels + 2).

    `conversions` and `nulls` weigh each path: shape (paths, replicates). The last row is (start), the last two columns are
    conversion and silence. States are numbers, so a channel may be called (start). Paths without touches are not walked.
    """
    width = channels + 2
    before = np.where(walks.position == 0, channels, np.roll(walks.channel, 1))
    moves = ~walks.repeats_previous
    ends = walks.is_last

    def spread(cell: Ints, path: Ints) -> csr_matrix:
        return csr_matrix((np.ones(len(cell), dtype=np.int64), (cell, path)), shape=((channels + 1) * width, walks.size))

    flows = (
        spread((before * width + walks.channel)[moves], walks.path[moves]) @ (conversions + nulls)
        + spread(walks.channel[ends] * width + channels, walks.path[ends]) @ conversions
        + spread(walks.channel[ends] * width + channels + 1, walks.path[ends]) @ nulls
    )
    return np.ascontiguousarray(flows.T.reshape(-1, channels + 1, width))


def ending_value(walks: Walks, value: Floats, channels: int) -> Floats:
    """Value of the conversions whose last touch is each channel; `value` is per path."""
    ends = walks.is_last
    found: Floats = np.bincount(walks.channel[ends], value[walks.path[ends]], minlength=channels).astype(np.float64)
    return found


@dataclass(frozen=True)
class Removal:
    """`effect[..., i]`: share of `total` that is lost without channel i. `total`: expected conversions (or value) of a walk."""

    effect: Floats
    total: Floats

    @property
    def share(self) -> Floats:
        """Effects scaled to sum to 1; equal to the effects (all 0) where nothing converts."""
        whole = self.effect.sum(axis=-1, keepdims=True)
        found: Floats = np.divide(self.effect, whole, out=np.zeros_like(self.effect), where=whole != 0)
        return found


def removal(flows: Ints | Floats, value: Floats | None = None) -> Removal:
    """Solve one chain or a stack of them; `value` (see `ending_value`) asks for revenue in place of conversions."""
    channels = flows.shape[-1] - 2
    weight = flows.astype(np.float64)
    visits = weight[..., :channels, :].sum(axis=-1)
    divisor = np.where(visits > 0, visits, 1.0)
    hops = weight[..., :channels, :channels] / divisor[..., None]
    gain = (weight[..., :channels, channels] if value is None else value) / divisor
    begun = weight[..., channels, :channels]
    walked = begun.sum(axis=-1, keepdims=True)
    start = begun / np.where(walked > 0, walked, 1.0)

    passes = np.linalg.inv(np.eye(channels) - hops)
    seen = np.einsum("...i,...ij->...j", start, passes)
    worth = np.einsum("...ij,...j->...i", passes, gain)
    total = np.einsum("...i,...i->...", start, worth)
    lost = seen / np.diagonal(passes, axis1=-2, axis2=-1) * worth
    where = np.broadcast_to(total[..., None] != 0, lost.shape)
    return Removal(np.divide(lost, total[..., None], out=np.zeros_like(lost), where=where), total)


def markov(walks: Walks, effect: Floats) -> Floats:
    """Share of each touch of one path: its channel's removal effect, scaled to 1 over the channels of the path.

    A split of single conversions: the model's own total of a channel, RE / sum of RE over all channels, is another number
    and stands in channel_credits. Paths whose channels have no effect at all are split in equal parts.
    """
    weight = np.maximum(effect, 0.0) / walks.repeats
    whole = np.bincount(walks.path, weight, minlength=walks.size)[walks.path]
    known: Mask = whole > 0
    return np.where(known, weight / np.where(known, whole, 1.0), shapley(walks))
