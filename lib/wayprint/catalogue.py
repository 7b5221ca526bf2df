"""The catalogue of tables, from the contracts: what each promises, which step writes it, who reads it, where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from wayprint import pipeline
from wayprint.contracts import BadConfiguration, Table
from wayprint.report.frames import REPORT_READS
from wayprint.tables import ALL
from wayprint.tables.identity import IDENTITY_DECISIONS
from wayprint.tables.quality import RULE_RESULTS
from wayprint.words import nearest

# Tables that no step of the pipeline writes.
WITHOUT_STEP = {RULE_RESULTS.name: ("record_rules", "runner.py"), IDENTITY_DECISIONS.name: ("wayprint identity", "engine.py")}


@dataclass(frozen=True)
class Entry:
    table: Table
    writer: str
    readers: tuple[str, ...]
    module: str


def entries() -> list[Entry]:
    """Every table in pipeline order."""
    written = {table.name: (step.name, step.run.__module__.removeprefix("wayprint.").replace(".", "/") + ".py") for step in pipeline.STEPS for table in step.writes}
    tables = [table for step in pipeline.STEPS for table in step.writes]
    tables += [table for table in ALL.values() if table.name not in written]
    writers = written | WITHOUT_STEP
    return [Entry(table, writers[table.name][0], _readers(table), writers[table.name][1]) for table in tables]


def _readers(table: Table) -> tuple[str, ...]:
    found = {step.name for step in pipeline.STEPS if table in step.inputs}
    found |= {"exports"} if table in pipeline.EXPORT_READS else set()
    found |= {"report"} if table in (*REPORT_READS, RULE_RESULTS) else set()
    return tuple(sorted(found))


def standings(lake: str) -> dict[str, tuple[int, int]]:
    """Version and rows of each published table, from its log."""
    from wayprint.engine import Engine

    with Engine.open(lake) as engine:
        states = {name: engine.lake.state(engine.spark, table) for name, table in ALL.items()}
    return {name: (s.version, s.rows) for name, s in states.items() if s.version is not None}


def describe(name: str, stands: dict[str, tuple[int, int]]) -> str:
    """One table in full."""
    if name not in ALL:
        raise BadConfiguration(f"no table {name!r}{nearest(name, ALL)}")
    entry = next(e for e in entries() if e.table.name == name)
    table = entry.table
    lines = [
        f"{table.layer}.{table.name}: one row is {table.grain}",
        f"key {', '.join(table.key)}; owner {table.owner}; written by {entry.writer} (lib/wayprint/{entry.module})",
        f"read by {', '.join(entry.readers) or 'people'}",
    ]
    if name in stands:
        lines.append(f"version {stands[name][0]}, {stands[name][1]:,} rows")
    width = max(len(c.name) for c in table.columns)
    lines += [
        "",
        *[f"  {c.name:<{width}}  {c.type:<14}  {c.meaning}{' [personal]' if c.personal else ''}" for c in table.columns],
        "",
        "rules:",
    ]
    lines += [
        f"  {rule.severity}: {rule.name} ({rule.sql})" + (f", at most {rule.share:.0%} of rows" if rule.share else "")
        for rule in table.checks
    ]
    return "\n".join(lines)


def markdown() -> str:
    """The map of tables and steps, as README shows it."""
    lines = ["| table | one row is | written by | in | read by |", "|---|---|---|---|---|"]
    lines += [
        f"| {e.table.layer}.{e.table.name} | {e.table.grain} | {e.writer}{_each(e.writer)} | {e.module} | {', '.join(e.readers) or 'people'} |"
        for e in entries()
    ]
    return "\n".join(lines)


def _each(writer: str) -> str:
    each = next((s.each for s in pipeline.STEPS if s.name == writer), None)
    return f" (by {each})" if each else ""
