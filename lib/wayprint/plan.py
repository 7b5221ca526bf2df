"""What a step has to do: look at the log, see what moved since its last commit."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from pyspark.sql import DataFrame, SparkSession

from wayprint.contracts import ContractBroken, RawFiles, Step, Table, Whole
from wayprint.lake import Lake, State
from wayprint.settings import Settings


@dataclass
class Plan:
    """What a step has to do and why."""

    work: Literal["nothing", "keys", "changes", "whole"]
    why: str
    keys: DataFrame | None = None
    changes: dict[str, DataFrame] = field(default_factory=dict)
    since: dt.date | None = None
    files: list[dict[str, Any]] | None = None


class Planner:
    """Plans steps from where their tables stand. `raw_files` are rows of `RawFiles.columns`."""

    def __init__(self, lake: Lake, settings: Settings, as_of: dt.date, raw_files: Iterable[dict[str, Any]]):
        self.lake, self.settings, self.as_of, self.raw_files = lake, settings, as_of, list(raw_files)

    def plan(self, step: Step, states: Mapping[str, State], spark: SparkSession) -> Plan:
        """What moved since the commit that the step last published."""
        state = states[step.commit_point.name]
        note = state.note if state.note.get("step") == step.name else {}
        raw = next((i for i in step.reads if isinstance(i, RawFiles)), None)
        if raw is not None:
            return self._plan_files(step, note, states, spark)
        if not note:
            return Plan("whole", "first run")
        if stale := [t.name for t in step.writes if states[t.name].note.get("contract") != t.fingerprint]:
            return Plan("whole", f"the promise of {stale[0]} changed")
        if note.get("fingerprint") != self.fingerprint(step):
            return Plan("whole", "a setting that changes history changed")
        days_moved = "as_of" in step.asks and note.get("as_of") != self.as_of.isoformat()
        if days_moved and not step.changes:
            return Plan("whole", f"as_of moved from {note.get('as_of')} to {self.as_of}")
        since = note.get("inputs", {})
        moved = [t for t in step.inputs if since.get(t.name) != states[t.name].version]
        if not moved and not days_moved:
            return Plan("nothing", "nothing moved")
        why = "moved: " + ", ".join(t.name for t in moved) if moved else f"as_of moved from {note.get('as_of')} to {self.as_of}"
        if step.changes:
            return self._plan_changes(step, note, moved, states, spark, why)
        beside = {i.table.name for i in step.reads if isinstance(i, Whole)}
        if step.each is None or any(t.name in beside for t in moved):
            return Plan("whole", why)
        keys: DataFrame | None = None
        for table in moved:
            at, was = states[table.name].version, since.get(table.name)
            if at is None or was is None or was > at:
                return Plan("whole", f"{why}, from the start")
            changed = self.lake.changed_keys(spark, table, states[table.name], was, at, step.each)
            if changed is None:
                return Plan("whole", f"{why}, which was written anew")
            keys = changed if keys is None else keys.union(changed)
        assert keys is not None
        return Plan("keys", why, keys.distinct())

    def _plan_changes(self, step: Step, note: dict[str, Any], moved: list[Table], states: Mapping[str, State], spark: SparkSession, why: str) -> Plan:
        """What moved in the inputs that the step takes as changes.

        A table of the step that was written since the commit point was left by a run that did not end: then what stands in it is not
        known, and all is computed anew.
        """
        beside = note.get("beside", {})
        if left := [t.name for t in step.writes if t != step.commit_point and states[t.name].noted_version != beside.get(t.name)]:
            return Plan("whole", f"{left[0]} was written since {step.commit_point.name}: a run did not end")
        if any(t not in step.changes for t in moved):
            return Plan("whole", why)
        changes: dict[str, DataFrame] = {}
        for table in step.changes:
            state, was = states[table.name], note["inputs"].get(table.name)
            rows: DataFrame | None
            if state.version == was or was is None:
                rows = self.lake.read(spark, table, None if state.version == was else state.version)
            else:
                rows = self.lake.changed_rows(spark, table, state, was, state.version) if state.version and was < state.version else None
            if rows is None:
                return Plan("whole", f"{why}, which was written anew")
            changes[table.name] = rows
        return Plan("changes", why, changes=changes, since=dt.date.fromisoformat(note["as_of"]))

    def _plan_files(self, step: Step, note: dict[str, Any], states: Mapping[str, State], spark: SparkSession) -> Plan:
        """Files that are new, or known under another smallest name, or read with another source file or key.

        A name stays known when its file is gone; the rows of a file that is gone stay. So a changed promise of a bronze
        table needs all files at hand.
        """
        table = step.commit_point
        known = {
            r["file_id"]: r
            for r in (
                r.asDict()
                for r in self.lake.read(spark, table, states[table.name].version)
                .select("file_id", "source", "file", "names", "spec_id")
                .collect()
            )
        }
        listed = []
        for row in self.raw_files:
            names = sorted({*row["names"], *(known[row["file_id"]]["names"] if row["file_id"] in known else [])})
            listed.append({**row, "names": names, "file": names[0]})
        anew = bool(note) and (
            note.get("fingerprint") != self.fingerprint(step)
            or any(states[t.name].note.get("contract") != t.fingerprint for t in step.writes)
        )
        if anew and (gone := sorted(r["file"] for i, r in known.items() if i not in {x["file_id"] for x in listed})):
            raise ContractBroken(
                table.name,
                [
                    f"the promise or a history-making setting of the bronze tables changed, so every file must be read again, and {len(gone)} known "
                    f"files are not in the raw folder (first: {gone[0]}): bring them back, or start a new lake"
                ],
            )
        same = ("source", "file", "names", "spec_id")
        pending = [r for r in listed if anew or r["file_id"] not in known or any(known[r["file_id"]][c] != r[c] for c in same)]
        if not note or anew:
            return Plan("whole", "first run" if not note else "a promise or setting changed", files=pending)
        if not pending:
            return Plan("nothing", "no new file")
        keys = spark.createDataFrame([(r["file_id"],) for r in pending], "file_id string")
        return Plan("keys", f"{len(pending)} new or renamed files", keys, files=pending)

    def fingerprint(self, step: Step) -> str:
        """Of the settings that make history in this step."""
        return self.settings.fingerprint(settings_class(step))


def settings_class(step: Step) -> type[BaseModel] | None:
    """The class of the settings that the step asks for."""
    for function in filter(None, (step.run, step.prepare)):
        parameter = inspect.signature(function).parameters.get("settings")
        if parameter is not None:
            kind: Any = parameter.annotation
            found: type[BaseModel] = eval(kind, function.__globals__) if isinstance(kind, str) else kind
            return found
    return None
