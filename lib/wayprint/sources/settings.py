"""Knobs of sources; values, units and reasons stand in conf/base.yaml, the sources themselves in conf/sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from wayprint.sources.specs import SourceSpec
from wayprint.tables.bronze import IDENTIFIER_TYPES


class SourceSettings(BaseModel):
    """What files come in and how they are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specs: dict[str, SourceSpec]
    strength: tuple[str, ...]
    default_country: str
    earliest_year: int
    latest_year: int
    max_line_bytes: int = Field(ge=1_000)
    max_record_lines: int = Field(ge=1)
    batch_records: int = Field(ge=1)
    partitions: int = Field(ge=1)

    @field_validator("specs", mode="before")
    @classmethod
    def _in_plain_words(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise ValueError("expected one source per file of the folder")
        specs, problems = {}, []
        for name, spec in given.items():
            try:
                specs[name] = spec if isinstance(spec, SourceSpec) else SourceSpec.model_validate(spec)
            except ValidationError as error:
                for item in error.errors():
                    where = ".".join(str(part) for part in item["loc"])
                    problems.append(f"sources/{name}.yaml: {where + ': ' if where else ''}{item['msg'].removeprefix('Value error, ')}")
        if problems:
            raise ValueError("; ".join(problems))
        return specs

    @field_validator("strength")
    @classmethod
    def _complete(cls, strength: tuple[str, ...]) -> tuple[str, ...]:
        if sorted(strength) != sorted(IDENTIFIER_TYPES):
            raise ValueError(f"every identifier type once, strongest first; the types are {', '.join(IDENTIFIER_TYPES)}")
        return strength
