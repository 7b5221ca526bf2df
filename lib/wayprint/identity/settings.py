"""Knobs of identity; values, units and reasons stand in conf/base.yaml, the types of identifiers in conf/identity.yaml."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator


class Limit(BaseModel):
    """At most so many identifiers of a type for one person: ever, or first seen within any `days` days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most: PositiveInt
    days: PositiveInt | None = None

    def in_words(self, kind: str) -> str:
        return f"at most {self.most} of type {kind}" + (f" in {self.days} days" if self.days else "")


class IdentifierType(BaseModel):
    """What identifiers of one type may tie together; the meaning of each field stands in conf/identity.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    priority: PositiveInt
    names: Literal["person", "device"]
    unique: bool = False
    limits: tuple[Limit, ...] = ()
    fan_out: NonNegativeInt | None = None
    devices: tuple[Limit, ...] = ()
    links: dict[str, PositiveInt] = {}
    expires_after: PositiveInt | None = None
    purposes: tuple[str, ...] | None = None
    shape: str | None = None
    blocked: tuple[str, ...] = ()
    blocked_patterns: tuple[str, ...] = ()

    @field_validator("shape", "blocked_patterns")
    @classmethod
    def _compiles(cls, given: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for pattern in (given,) if isinstance(given, str) else given or ():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return given

    @property
    def all_limits(self) -> tuple[Limit, ...]:
        """With the one that `unique` stands for."""
        return (Limit(most=1), *self.limits) if self.unique else self.limits


class IdentitySettings(BaseModel):
    """Which links between identifiers are believed, and which engine follows them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: dict[str, IdentifierType]
    blocked_ids: tuple[str, ...]
    hub_links: PositiveInt
    shared_device_uniques: PositiveInt
    episode_silence_hours: PositiveFloat | None
    order_stitch_hours: PositiveFloat | None
    purposes: tuple[str, ...]
    gate_largest_growth: PositiveFloat
    gate_largest_from: PositiveInt
    gate_torn_share: NonNegativeFloat
    gate_torn_from: PositiveInt
    gate_ids_gone_share: NonNegativeFloat
    gate_ids_gone_from: PositiveInt
    region_share: NonNegativeFloat
    region_from: NonNegativeInt
    suggest_times_usual: PositiveFloat
    suggest_from: PositiveInt
    suggest_from_devices: PositiveInt
    engine: Literal["auto", "local", "graphframes", "builtin"]
    max_local_edges: PositiveInt

    @model_validator(mode="after")
    def check(self) -> IdentitySettings:
        if not self.unique_types:
            raise ValueError("identity.yaml: at least one type must be unique, or nothing keeps two persons apart")
        if devices := [name for name in self.unique_types if name in self.device_types]:
            raise ValueError(f"identity.yaml: {devices[0]} names a device and is unique: a device can be shared, so it cannot be what tells persons apart")
        if self.shared_device_uniques < 2:
            raise ValueError("shared_device_uniques must be at least 2: a device with one account belongs to it")
        for name, kind in self.types.items():
            if unknown := sorted(set(kind.links) - set(self.types)):
                raise ValueError(f"identity.yaml: {name}.links names {unknown[0]!r}, which is no type; the types are {', '.join(self.types)}")
            if name in kind.links:
                raise ValueError(f"identity.yaml: {name}.links names {name} itself: how many a person has is told by limits")
        ranks = [kind.priority for kind in self.types.values()]
        if len(set(ranks)) < len(ranks):
            raise ValueError("identity.yaml: two types have the same priority: a record would not know its strongest identifier")
        return self

    def _where(self, test: Callable[[IdentifierType], bool]) -> tuple[str, ...]:
        return tuple(name for name, kind in self.types.items() if test(kind))

    @property
    def device_types(self) -> tuple[str, ...]:
        return self._where(lambda kind: kind.names == "device")

    @property
    def unique_types(self) -> tuple[str, ...]:
        return self._where(lambda kind: kind.unique)

    @property
    def barred_types(self) -> tuple[str, ...]:
        """Types that may not serve all `purposes` of the published identity."""
        return self._where(lambda kind: kind.purposes is not None and not set(self.purposes) <= set(kind.purposes))
