"""Knobs of the tier that links profiles without a common identifier; values, units and reasons stand in conf/base.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

from wayprint.tables.bronze import PURPOSES


class MatchingSettings(BaseModel):
    """Whether profiles are compared, with what, and how sure each purpose must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool
    backend: Literal["duckdb", "spark"]
    memory: str
    min_profiles: PositiveInt
    max_profiles: PositiveInt
    random_pairs: PositiveInt
    seed: int
    least_probability: float
    calibration: tuple[tuple[float, float], ...]
    thresholds: dict[str, float]
    unique_types: tuple[str, ...]

    @model_validator(mode="after")
    def check(self) -> MatchingSettings:
        weights, chances = ([point[axis] for point in self.calibration] for axis in (0, 1))
        if len(weights) < 2 or weights != sorted(set(weights)) or chances != sorted(chances) or not 0 <= chances[0] <= chances[-1] <= 1:
            raise ValueError("calibration must be two points (weight, probability) or more, weights rising, probabilities from 0 to 1 and not falling")
        if unknown := sorted(set(self.thresholds) - set(PURPOSES)):
            raise ValueError(f"thresholds: unknown purpose {unknown[0]!r}; known: {', '.join(PURPOSES)}")
        if not 0 < self.least_probability <= 1:
            raise ValueError("least_probability must be above 0 and at most 1")
        if low := sorted(name for name, least in self.thresholds.items() if not self.least_probability <= least <= 1):
            raise ValueError(f"thresholds.{low[0]} must be from least_probability ({self.least_probability}) to 1: pairs below that are not kept")
        return self
