"""Shapley values of the additive game, in closed form: no coalition is ever enumerated.

With v(S) = conversions of the journeys whose channels all lie in S, v is a sum of unanimity games, one per journey, and the
Shapley value of a unanimity game is equal parts (Shapley 1953): phi_i = sum over channel sets T with i of conv(T) / |T|.
"""

from __future__ import annotations

from wayprint.attribution.walks import Floats, Walks


def shapley(walks: Walks) -> Floats:
    """Share of each touch: its channel gets 1 / distinct channels of the path, the touches of one channel in equal parts."""
    return 1.0 / (walks.breadth * walks.repeats)
