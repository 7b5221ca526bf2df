"""What one file of conf/sources may say; every mistake in it is told with the nearest right word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wayprint.contracts import Table
from wayprint.sources.convert import DENIED, FALSE, GRANTED, HOW, SILENT, TRUE, plain_word
from wayprint.tables.bronze import (
    EVENT_NAMES,
    PLATFORMS,
    PURPOSES,
    RAW_CONTACTS,
    RAW_COSTS,
    RAW_EVENTS,
    RAW_REFERENCES,
    VAULT_FIELDS,
)
from wayprint.words import nearest

Kind = Literal["event", "contact", "cost", "reference"]
KINDS: dict[str, Table] = {"event": RAW_EVENTS, "contact": RAW_CONTACTS, "cost": RAW_COSTS, "reference": RAW_REFERENCES}
READERS = ("csv", "tsv", "rows", "jsonl", "adobe")
# Columns that a record cannot be without, and those that the machinery fills: no source maps them.
NEEDED = {"event": ("happened_at",), "contact": ("contact_id", "updated_at"), "cost": ("cost_date", "campaign_id", "cost_amount"),
          "reference": ("entity_id",)}
FILLED = frozenset((
    "record_id", "file_id", "line_number", "source", "original", "payload_digest", "identifiers", "identifier_id", "origin_id",
    "consents", "items", "click_id_type", "network_id"))


class Spec(BaseModel):
    """A part of a source; an unknown key is an error that names the nearest known one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            for key in given:
                if key not in cls.model_fields:
                    raise ValueError(f"unknown key {key!r}{nearest(str(key), cls.model_fields)}")
        return given


class FieldSpec(Spec):
    """Where a canonical value comes from: the first of the columns that is not empty, or all of them joined or multiplied.

    In YAML a column name, a list of names, or the whole. A dotted name walks into nested JSON (`context.page.url`, and
    `event_params.page_location` where the list holds keys and values). `how`: the reading, by default that of the canonical
    column; `product` multiplies quantity and price and takes off a discount. `pattern`: a regular expression whose group (of
    alternatives with one each, the last that is found) is the value, without JSON's escapes if it is cut out of JSON; a text it does
    not find is as good as empty. `table`: value (lower case) -> canonical value. `events`: the
    verbs for which the column has this meaning. `only_with`: columns without which the value says nothing.
    """

    column: tuple[str, ...] = Field(min_length=1)
    how: str | None = None
    table: dict[str, str | None] | None = None
    default: str | None = None
    join: str | None = None
    format: str | None = None
    pattern: str | None = None
    events: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()

    @property
    def indispensable(self) -> tuple[str, ...]:
        """The columns without any one of which it is empty in every record: all of a join, quantity and price of a product."""
        return self.column if self.join is not None else self.column[:2] if self.how == "product" else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it reads."""
        return (*self.column, *self.only_with)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, str | list | tuple):
            return {"column": [given] if isinstance(given, str) else given}
        if isinstance(given, Mapping) and isinstance(given.get("column"), str):
            return {**given, "column": [given["column"]]}
        return given

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None and not re.compile(pattern).groups:
            raise ValueError(f"pattern {pattern!r} must have a group: the value")
        return pattern

    @field_validator("events")
    @classmethod
    def _events(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one_of(name, EVENT_NAMES, "event name") for name in events)

    @field_validator("how")
    @classmethod
    def _how(cls, how: str | None) -> str | None:
        return one_of(how, (*HOW, "product"), "reading") if how else how

    @field_validator("table", mode="before")
    @classmethod
    def _texts(cls, table: Any) -> Any:
        return {fold(str(k)): v if v is None else str(v) for k, v in table.items()} if isinstance(table, Mapping) else table


class IdentifierSpec(FieldSpec):
    """A value that names somebody. `space` keeps numbers apart that two systems give out independently.

    `country`: the column (read as the canonical country) that says of which country a telephone number without prefix is;
    where it is empty, the source's country counts; where it is not understood, a number without prefix is none.
    """

    type: str
    space: str | None = None
    country: FieldSpec | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (*super().columns, *(self.country.columns if self.country else ()))


class RefineSpec(Spec):
    """A narrower verb for records of one verb whose column contains a text."""

    event: str
    column: str
    contains: str
    name: str


class NamesSpec(Spec):
    """Which canonical verb a record is: the first of `by` whose value stands in `table` decides.

    An entry of `by` is a column or several joined by `/`, which counts where the file has all of them, or a column with the
    `pattern` of the word inside it; `split` cuts its value into several words, of which the one that comes first in `table`
    decides; what follows a `:` or `=` in a word is not looked at. Then the first of `refine` that fits narrows it. `negative`:
    the verb where the amount is below zero.
    """

    by: tuple[str | FieldSpec, ...] = ()
    table: dict[str, str] = {}
    split: str | None = None
    default: str = "other"
    refine: tuple[RefineSpec, ...] = ()
    negative: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that decides in the first place."""
        return tuple(column for by in self.by for column in (by.split("/") if isinstance(by, str) else by.columns))

    @field_validator("table", mode="before")
    @classmethod
    def _folded(cls, table: Any) -> Any:
        return {fold(str(k)): v for k, v in table.items()} if isinstance(table, Mapping) else table

    @model_validator(mode="after")
    def _verbs(self) -> Self:
        for name in (*self.table.values(), self.default, *(r.name for r in self.refine), *filter(None, [self.negative])):
            one_of(name, EVENT_NAMES, "event name")
        return self


class PageSpec(Spec):
    """Columns that hold addresses, and the query parameters that name somebody (parameter -> identifier type)."""

    url: FieldSpec | None = None
    referrer: FieldSpec | None = None
    identifiers: dict[str, str] = {}


class SyncSpec(Spec):
    """What tied the identifiers of a record together: the first entry whose verb and identifier types all fit."""

    point: Literal["login", "sign_up", "form", "email_click", "loyalty_card", "order", "crm"]
    events: tuple[str, ...] = ()
    has: tuple[str, ...] = ()


class ConsentSpec(FieldSpec):
    """A purpose and the column that grants or denies it; with `contains`, by whether its list names one of those words.

    `granted`, `denied`, `silent` (nobody was asked, or has not answered): the words of the column, without regard to case,
    accents, and what parts them; a word in none of them says nothing, and the file's `reason` tells of it. `verdict`: what the
    statement as a whole is, by a table onto `listed` (the list counts) and `denied` (whatever the list names); any other
    statement says nothing.
    """

    purpose: str
    contains: tuple[str, ...] = ()
    granted: tuple[str, ...] = tuple(sorted(GRANTED))
    denied: tuple[str, ...] = tuple(sorted(DENIED))
    silent: tuple[str, ...] = tuple(sorted(SILENT))
    verdict: FieldSpec | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (*super().columns, *(self.verdict.columns if self.verdict else ()))

    @field_validator("verdict")
    @classmethod
    def _verdicts(cls, verdict: FieldSpec | None) -> FieldSpec | None:
        for word in filter(None, verdict.table.values() if verdict and verdict.table else ()):
            one_of(word, ("listed", "denied"), "verdict")
        return verdict

    @field_validator("purpose")
    @classmethod
    def _purpose(cls, purpose: str) -> str:
        return one_of(purpose, PURPOSES, "purpose")

    @field_validator("granted", "denied", "silent", mode="before")
    @classmethod
    def _lower(cls, words: Any) -> Any:
        return tuple(plain_word(str(w)) for w in words) if isinstance(words, list | tuple) else words


class ItemsSpec(Spec):
    """Products of a record: of each element of the list `at` (JSON, Adobe's product list, or the product entities among
    Snowplow's contexts), else of the record itself. A quantity that is no whole number is a weight: one piece.

    A source may have several: the first that finds a product counts. `events`: the verbs for which it is asked. `total_of`:
    the verbs whose amount is the sum of the products' where the record gives none.
    """

    at: str | None = None
    events: tuple[str, ...] = ()
    total_of: tuple[str, ...] = ()
    format: Literal["json", "adobe", "snowplow"] = "json"
    product_id: FieldSpec
    family: FieldSpec | None = None
    quantity: FieldSpec | None = None
    amount: FieldSpec | None = None

    @field_validator("total_of")
    @classmethod
    def _verbs(cls, verbs: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one_of(name, EVENT_NAMES, "event name") for name in verbs)


class AlsoSpec(Spec):
    """What else the same record tells, where its time is not empty: a further action, or what the action cost.

    A further action is the record's with another verb, with `fields` in place of the record's own and without those of
    `drop`; a cost has only its own fields and constants.
    """

    event_name: str | None = None
    constants: dict[str, str] = {}
    fields: dict[str, FieldSpec]
    drop: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return "event" if self.event_name else "cost"

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.event_name:
            one_of(self.event_name, EVENT_NAMES, "event name")
        for name in (*self.fields, *self.constants, *self.drop):
            one_of(name, mapped(KINDS[self.kind]), f"field of {KINDS[self.kind].name}")
        for name in NEEDED[self.kind]:
            if name not in self.fields:
                raise ValueError(f"fields.{name} is missing: every {self.kind} needs it")
        return self


class RuleSpec(Spec):
    """What must hold of a column of each record; a record that breaks it goes to quarantine under the rule's name.

    `one_of`, `none_of`: words; `false` and `true` stand for every way to write no and yes. `how`: the column, though not
    mapped, must be readable that way (under the reading's own rule: bad_time, bad_number).
    """

    name: str
    column: str
    why: str
    one_of: tuple[str, ...] | None = None
    none_of: tuple[str, ...] = ()
    at_least: float | None = None
    how: str | None = None

    @field_validator("how")
    @classmethod
    def _how(cls, how: str | None) -> str | None:
        return one_of(how, HOW, "reading") if how else how

    @field_validator("one_of", "none_of", mode="before")
    @classmethod
    def _words(cls, words: Any) -> Any:
        if not isinstance(words, list | tuple):
            return words
        folded = {fold(str(w)) for w in words}
        return tuple(sorted(folded.union(*(every for every in (TRUE, FALSE) if folded & every & {"true", "false"}))))


class CompanionSpec(Spec):
    """Files that belong beside a raw file: named groups of the pattern `of`, matched on its name, fill the names `are`."""

    of: str
    are: tuple[str, ...]


class SourceSpec(Spec):
    """One file of conf/sources: which raw files, how they are read, what their columns mean.

    `network_address`: the column that holds the sender's IP address; it becomes `network_id` and is kept nowhere else.
    `told_apart_by`: columns that tell actions apart which bear no id and are else alike (the place of a hit in its batch).
    """

    about: str
    paths: dict[str, str] = Field(min_length=1)
    kind: Kind
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    time_zone: str = "UTC"
    country: str | None = None
    nulls: tuple[str, ...] = ()
    constants: dict[str, str] = {}
    fields: dict[str, FieldSpec] = {}
    names: NamesSpec | None = None
    page: PageSpec = PageSpec()
    network_address: FieldSpec | None = None
    told_apart_by: tuple[str, ...] = ()
    identifiers: tuple[IdentifierSpec, ...] = ()
    sync_points: tuple[SyncSpec, ...] = ()
    consents: tuple[ConsentSpec, ...] = ()
    items: tuple[ItemsSpec, ...] = ()
    vault: dict[str, FieldSpec] = {}
    attributes: dict[str, FieldSpec] = {}
    dimensions: tuple[str, ...] = ()
    also: tuple[AlsoSpec, ...] = ()
    rules: tuple[RuleSpec, ...] = ()
    companions: CompanionSpec | None = None

    def reader_of(self, names: Iterable[str]) -> str:
        """The reader of the first glob that matches a name of the file; some names may be of another source's folder."""
        return next(reader for glob, reader in self.paths.items() if any(pattern(glob).fullmatch(name) for name in names))

    @field_validator("items", mode="before")
    @classmethod
    def _several(cls, items: Any) -> Any:
        return [items] if isinstance(items, Mapping) else items

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        table = KINDS[self.kind]
        for name in (*self.fields, *self.constants, *self.keys):
            one_of(name, mapped(table), f"field of {table.name}")
        for name in NEEDED[self.kind]:
            if name not in self.fields:
                raise ValueError(f"fields.{name} is missing: every {self.kind} needs it")
        if self.kind == "event" and self.names is None and "event_name" not in self.constants:
            raise ValueError("an event needs names (a table of verbs) or constants.event_name")
        if self.kind == "event":
            one_of(self.constants.get("event_name", "other"), EVENT_NAMES, "event name")
            one_of(self.constants.get("platform", "web"), PLATFORMS, "platform")
        if self.kind in ("cost", "reference") and (need := "platform" if self.kind == "cost" else "entity") not in self.constants:
            raise ValueError(f"constants.{need} is missing: every {self.kind} needs it")
        if self.network_address and self.kind != "event":
            raise ValueError(f"network_address: only an event is sent from somewhere, and the source is of kind {self.kind}")
        for name in self.vault:
            one_of(name, VAULT_FIELDS, "vault field")
        for reader in self.paths.values():
            one_of(reader, READERS, "reader")
        if "rows" in self.paths.values() and not self.columns:
            raise ValueError("the reader rows has no header: columns must name every column in order")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError):
            raise ValueError(f"time_zone {self.time_zone!r} is not a zone like Europe/Paris") from None
        return self


@lru_cache(maxsize=1_024)
def pattern(glob: str) -> re.Pattern[str]:
    """A glob over relative names, in any case (`.CSV`): `*` and `?` stay inside one folder, `**/` stands for any number of folders."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(words.get(part) or re.escape(part) for part in parts), re.DOTALL | re.IGNORECASE)


def fold(name: str) -> str:
    """Names of columns and words of tables are compared without case or outer blanks."""
    return name.strip().lower()


def one_of(word: str, known: Iterable[str], what: str) -> str:
    known = list(known)
    if word not in known:
        raise ValueError(f"unknown {what} {word!r}{nearest(word, known)}")
    return word


def mapped(table: Table) -> list[str]:
    """The columns of a table that a source may fill."""
    return [name for name in table.column_names if name not in FILLED]
