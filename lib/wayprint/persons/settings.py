"""Knobs of persons and households; values, units and reasons stand in conf/base.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

# What contacts say openly, and what lies sealed in the vault.
FIELDS = ("country", "postal_area", "language", "birth_year", "gender", "loyalty_tier", "stage")
CLEAR_FIELDS = ("email", "phone", "first_name", "last_name", "street", "postal_code", "city")


class Survivorship(BaseModel):
    """Which of several values of a field is the person's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["most_recent", "most_trusted", "most_frequent"]
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def check(self) -> Survivorship:
        if (self.rule == "most_trusted") != bool(self.sources):
            raise ValueError("most_trusted needs `sources`, the most trusted first; no other rule takes them")
        if len(set(self.sources)) < len(self.sources):
            raise ValueError("a source stands twice in `sources`")
        return self


class PersonSettings(BaseModel):
    """How one record is made of several, and who lives together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    survivorship: dict[str, Survivorship]
    max_household: PositiveInt
    device_types: tuple[str, ...]

    @model_validator(mode="after")
    def check(self) -> PersonSettings:
        known = {*FIELDS, *CLEAR_FIELDS}
        if set(self.survivorship) != known:
            missing, unknown = sorted(known - set(self.survivorship)), sorted(set(self.survivorship) - known)
            raise ValueError(f"survivorship names every field once: missing {missing}, unknown {unknown}")
        if self.max_household < 2:
            raise ValueError("max_household below 2 would leave no household")
        return self
