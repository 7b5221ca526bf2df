"""Knobs of sources; values, units and reasons stand in conf/base.yaml, the sources themselves in conf/sources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wayprint.sources.identifiers import canonical
from wayprint.sources.specs import SourceSpec
from wayprint.words import nearest

LONGEST = 1_000  # characters of an identifier; no system's ids or addresses are longer, a page of text in the wrong column is


class IdentifierType(BaseModel):
    """What the door must know of a type; the rest of conf/identity.yaml is the matter of identity."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    priority: int
    names: Literal["person", "device"]
    shape: str | None = None
    blocked: tuple[str, ...] = ()
    blocked_patterns: tuple[str, ...] = ()

    def flaw(self, value: str) -> str | None:
        """The rule by which a canonical value names nobody; None if it may."""
        if len(value) > LONGEST or (self.shape is not None and not re.fullmatch(self.shape, value)):
            return "shape"
        return "blocklist" if any(re.fullmatch(pattern, value) for pattern in self.blocked_patterns) else None


class Types(dict[str, IdentifierType]):
    """All types by name; equal to itself only, so that a cache need not compare them.

    `blocked`: the listed values that name nobody, as they are written canonically. No flaws of the text: a decision may lift them.
    """

    def __init__(self, types: Mapping[str, IdentifierType], country: str):
        super().__init__(types)
        values = (canonical(name, value, country) for name, kind in types.items() for value in kind.blocked)
        self.blocked = frozenset(value for value in values if value)

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


class SourceSettings(BaseModel):
    """What files come in and how they are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specs: dict[str, SourceSpec]
    identifier_types: dict[str, IdentifierType]
    click_ids: tuple[str, ...]
    default_country: str
    earliest_year: int
    latest_year: int
    max_line_bytes: int = Field(ge=1_000)
    max_record_lines: int = Field(ge=1)
    batch_records: int = Field(ge=1)
    partitions: int = Field(ge=1)

    @cached_property
    def types(self) -> Types:
        return Types(self.identifier_types, self.default_country)

    @field_validator("click_ids", mode="before")
    @classmethod
    def _of_channels(cls, given: Any) -> Any:
        """Of conf/channels.yaml only the names of its click ids, in their order."""
        return tuple(given.get("click_ids", ())) if isinstance(given, Mapping) else given

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

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Every source names only types of identifiers that conf/identity.yaml has."""
        problems = []
        for name, spec in self.specs.items():
            for kind in (*(one.type for one in spec.identifiers), *spec.page.identifiers.values(), *(has for sync in spec.sync_points for has in sync.has)):
                if kind not in self.identifier_types:
                    problems.append(f"sources/{name}.yaml: unknown identifier type {kind!r}{nearest(kind, self.identifier_types)}; identity.yaml lists them")
        if problems:
            raise ValueError("; ".join(dict.fromkeys(problems)))
        return self
