"""The vocabulary of promises: Column, Rule, Table, Step, and what happens when one is broken.

A table declares what each of its rows is; a step declares which promises it needs and which it keeps. Everything here
is plain Python, importable without a JVM; Spark is only touched by `no_rows`, and by `conform` and `count_broken`, which take a DataFrame.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from pyspark.sql import Column as SparkColumn
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

Layer = Literal["bronze", "silver", "gold", "quarantine", "vault"]
Severity = Literal["fail", "warn"]


class BadConfiguration(Exception):
    """Settings, keys or files that cannot be used; the message names file and key, what was expected, what came, the cure."""


class ContractBroken(Exception):
    """A promise was not kept. `broken` lists every breach found, each a full sentence with its cure."""

    def __init__(self, table: str, broken: list[str]):
        self.table, self.broken = table, broken
        super().__init__(f"table {table}: " + "; ".join(broken))


@dataclass(frozen=True)
class Column:
    """One column: Spark DDL type, meaning in one sentence, whether it may be null, whether it tells who somebody is."""

    name: str
    type: str
    meaning: str
    required: bool = False
    personal: bool = False


def col(name: str, type: str, meaning: str, *, required: bool = False, personal: bool = False) -> Column:
    return Column(name, type, meaning, required, personal)


@dataclass(frozen=True)
class Rule:
    """What must hold of every row (SQL that is true or null when kept).

    `fail`: a breach by more than `share` of the rows stops the publish of the table and of all that follows.
    `warn`: it is counted and reported, nothing stops.
    """

    name: str
    sql: str
    severity: Severity = "fail"
    share: float = 0.0


def warn(sql: str, share: float = 0.0) -> Rule:
    return Rule("", sql, "warn", share)


def fail(sql: str, share: float = 0.0) -> Rule:
    return Rule("", sql, "fail", share)


@dataclass(frozen=True)
class Table:
    """A promise: one row per `grain`, found by `key`, with these columns and rules.

    `records_runs`: the rows tell when runs happened (membership dates, rule results), so they differ between two
    schedules of the same deliveries; every other table must not.
    """

    name: str
    layer: Layer
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: Mapping[str, str | Rule] = field(default_factory=dict, hash=False)
    owner: str = "data"
    records_runs: bool = False

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        twice = sorted({n for n in names if names.count(n) > 1})
        missing = [k for k in self.key if k not in names]
        if twice or missing or not self.key:
            raise ContractBroken(self.name, [f"declared twice: {twice}; key columns not declared: {missing}; key {self.key}"])
        if any("map<" in c.type for c in self.columns):
            raise ContractBroken(self.name, ["map columns cannot be compared; use array<struct<...>> sorted by key"])

    @property
    def column_names(self) -> list[str]:
        return [c.name for c in self.columns]

    @property
    def ddl(self) -> str:
        return ", ".join(f"`{c.name}` {c.type}" for c in self.columns)

    @property
    def checks(self) -> tuple[Rule, ...]:
        """All rules: the declared ones and `<column> is present` for every required or key column."""
        present = {c.name for c in self.columns if c.required} | set(self.key)
        implied = [Rule(f"{n} is present", f"`{n}` is not null") for n in self.column_names if n in present]
        declared = [
            Rule(name, rule) if isinstance(rule, str) else Rule(name, rule.sql, rule.severity, rule.share)
            for name, rule in self.rules.items()
        ]
        return (*implied, *declared)

    @property
    def fingerprint(self) -> str:
        """Changes with the promised columns and key: a table standing under another one is written anew."""
        return hashlib.sha256(f"{self.key} {self.ddl}".encode()).hexdigest()[:16]

    @property
    def statistics_columns(self) -> list[str]:
        """Columns that get min/max in the log: times, by which readers skip files. Ids are hashes, spread over every file; the rest may tell who."""
        return [c.name for c in self.columns if not c.personal and c.type in ("date", "timestamp")]


@dataclass(frozen=True)
class Whole:
    """An input of a keyed step that is read whole beside the changed keys; if it changed, the step is recomputed whole."""

    table: Table


@dataclass(frozen=True)
class Changes:
    """An input read whole whose moved rows the step is given too, as `changed_<table>`: both images of every row that moved since
    the step's last commit; None where all may have moved. Such a step finds for itself what that concerns."""

    table: Table


@dataclass(frozen=True)
class Previous:
    """The step's own output as it stands before this run; empty on the first run."""

    table: Table


@dataclass(frozen=True)
class RawFiles:
    """The raw files waiting to be read, as rows of `columns`; only the ingest step has it."""

    name: str = "raw_files"
    columns: str = "file_id string, source string, file string, names array<string>, path string, bytes long, spec_id string"


Input = Table | Whole | Changes | Previous | RawFiles


@dataclass(frozen=True)
class Step:
    """A pure function from tables to tables.

    `run` takes parameters named after its input tables, and if it asks for them by name: `settings` (annotated with its
    domain's settings class), `as_of` (date), `registry` (the model registry), `previous_<table>` for a `Previous` input,
    `prepared` (what `prepare` returned, computed once and shared by all outputs), `since` (the as_of of its last commit; None
    unless every `Changes` input is given as changes). It returns one DataFrame per written table, in order. `replaces`, asked like
    `run`, tells which standing rows of each table the outputs take the place of; None: all. `each`: the rows of one
    key depend only on the input rows of that key; rows without a key (null) are left out of increments unless `each_null`. `commit`
    is the table published last, whose commit says where the step got to; the last of `writes` if not given. `selects`: the outputs
    are mere selections of `prepared`, so they are not held in memory a second time.
    """

    run: Callable[..., Any]
    reads: tuple[Input, ...]
    writes: tuple[Table, ...]
    each: str | None = None
    prepare: Callable[..., Any] | None = None
    each_null: bool = False
    commit: Table | None = None
    selects: bool = False
    replaces: Callable[..., Any] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.run.__name__)
        broken: list[str] = []
        known = {parameter_name(i) for i in self.reads} | {f"changed_{t.name}" for t in self.changes} | {"settings", "as_of", "since", "registry", "prepared"}
        for function in filter(None, (self.run, self.prepare, self.replaces)):
            for parameter in inspect.signature(function).parameters:
                if parameter not in known:
                    broken.append(f"{function.__name__} asks for {parameter!r}, which the step does not read (reads {sorted(known)})")
        if self.each:
            keyed = [i for i in self.reads if isinstance(i, Table)] + list(self.writes)
            for table in keyed:
                if self.each not in table.column_names:
                    broken.append(f"each={self.each!r} is not a column of {table.name}; read it with Whole(...) or key it differently")
        if broken:
            raise ContractBroken(self.name, broken)

    @property
    def commit_point(self) -> Table:
        return self.commit or self.writes[-1]

    @property
    def changes(self) -> list[Table]:
        return [i.table for i in self.reads if isinstance(i, Changes)]

    @property
    def asks(self) -> set[str]:
        """Names of all parameters of `run` and `prepare`."""
        return {p for f in (self.run, self.prepare) if f for p in inspect.signature(f).parameters}

    @property
    def inputs(self) -> list[Table]:
        """The tables that must be published before this step (its own previous output is not one)."""
        return [i if isinstance(i, Table) else i.table for i in self.reads if isinstance(i, Table | Whole | Changes)]


def parameter_name(item: Input) -> str:
    if isinstance(item, RawFiles):
        return item.name
    if isinstance(item, Previous):
        return f"previous_{item.table.name}"
    return item.table.name if isinstance(item, Whole | Changes) else item.name


def no_rows(spark: SparkSession, schema: str | StructType) -> DataFrame:
    """No rows of these columns.

    An empty list is asked of a Python worker by every job that reads it, and no plan knows that it is empty. Of this every plan
    knows, and leaves out what would be joined to it: a first run has sixty tables that are not there yet.
    """
    from pyspark.sql import functions as F

    nothing = F.from_json(F.lit(None).cast("string"), schema)
    return spark.range(1).select(nothing.alias("nothing")).select("nothing.*").limit(0)


def conform(rows: DataFrame, table: Table) -> DataFrame:
    """The rows with the promised columns in the promised order, or `ContractBroken` with every breach at once."""
    from pyspark.sql.types import _parse_datatype_string  # StructType.fromDDL came with Spark 4

    promised = cast("StructType", _parse_datatype_string(table.ddl))
    came = {f.name: f.dataType.simpleString() for f in rows.schema.fields}
    wanted = {f.name: f.dataType.simpleString() for f in promised.fields}
    by_folded = {name.lower(): name for name in came}
    broken = []
    for name, kind in wanted.items():
        if name not in came:
            near = by_folded.get(name.lower())
            hint = f"rename {near!r}" if near else "add it in the step, or take it out of the promise"
            broken.append(f"column {name} ({kind}) is missing: {hint}")
        elif came[name] != kind:
            broken.append(f"column {name} was promised {kind} and came {came[name]}: cast it in the step")
    broken += [f"column {name} ({came[name]}) was not promised: drop it or declare it" for name in sorted(set(came) - set(wanted))]
    if broken:
        raise ContractBroken(table.name, broken)
    return rows.select(*table.column_names)


def broken_counts(table: Table) -> list[SparkColumn]:
    """One aggregate per rule, and `rows`, to be counted in a single pass over the table's rows."""
    from pyspark.sql import functions as F

    counts = [
        F.sum(F.when(~F.coalesce(F.expr(rule.sql), F.lit(True)), 1).otherwise(0)).cast("long").alias(f"rule_{number}")
        for number, rule in enumerate(table.checks)
    ]
    return [F.count(F.lit(1)).alias("rows"), *counts]
