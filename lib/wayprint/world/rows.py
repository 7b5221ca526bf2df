"""Frames of the world's rows, one under the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from wayprint.world.chance import Array


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows under a new index. Empty frames give only their columns: their types would spoil those of the others."""
    full = [frame for frame in frames if len(frame)]
    return pd.concat(full, ignore_index=True) if full else frames[0].reset_index(drop=True)


def begins(values: Array) -> Array:
    """True where a run of equal values begins."""
    return np.r_[True, values[1:] != values[:-1]] if len(values) else np.zeros(0, bool)
