"""Knobs of identity; values, units and reasons stand in conf/base.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, model_validator

LOGIN = "login"


class BlockedValue(BaseModel):
    """A junk value in clear, as a person would type it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    value: str


class IdentitySettings(BaseModel):
    """Which links between identifiers are believed, and which engine follows them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device_types: tuple[str, ...]
    blocked: tuple[BlockedValue, ...]
    blocked_ids: tuple[str, ...]
    max_per_person: dict[str, PositiveInt]
    fan_out: dict[str, NonNegativeInt]
    hub_links: PositiveInt
    shared_device_logins: PositiveInt
    engine: Literal["auto", "local", "graphframes", "builtin"]
    max_local_edges: PositiveInt

    @model_validator(mode="after")
    def check(self) -> IdentitySettings:
        if self.max_per_person.get(LOGIN) != 1:
            raise ValueError("max_per_person.login must be 1: one person is never given two logins")
        if self.shared_device_logins < 2:
            raise ValueError("shared_device_logins must be at least 2: a device with one login belongs to it")
        return self
