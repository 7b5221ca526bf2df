"""Knobs of the tier that links profiles and devices without a common identifier; values, units and reasons stand in conf/base.yaml."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

from wayprint.matching.closeness import HOME, PERSON
from wayprint.tables.bronze import PURPOSES


class MatchingSettings(BaseModel):
    """Whether profiles and devices are compared, with what, and how sure each purpose must be."""

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
    device_types: tuple[str, ...]
    devices_enabled: bool
    devices_zone: str
    devices_night: tuple[int, int]
    devices_window_days: PositiveInt
    devices_most: PositiveInt
    devices_least: float
    devices_weights: dict[str, dict[str, float]]

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
        begins, ends = self.devices_night
        if not 0 <= ends < begins <= 23:
            raise ValueError("devices_night must be the hour at which a night begins and the smaller one at which it ends, like [20, 7]")
        try:
            ZoneInfo(self.devices_zone)
        except (KeyError, ValueError):
            raise ValueError(f"devices_zone {self.devices_zone!r} is not a zone like Europe/Paris") from None
        if not 0 <= self.devices_least <= 1 or self.devices_most < 2:
            raise ValueError("devices_least must be from 0 to 1, and devices_most at least 2")
        for model, names in (("home", HOME), ("person", PERSON)):
            if set(self.devices_weights.get(model, {})) != set(names):
                raise ValueError(f"devices_weights.{model} needs a weight for each of {', '.join(names)}, and no other")
        return self
