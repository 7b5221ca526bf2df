"""The only loop: pin input versions, find what moved, read, conform, transform, check, publish the difference.

For every step, in the order that the tables dictate and side by side where they allow it:

1. Look at the log. The last commit of the step's commit point says which input versions, settings and as_of it came from.
   Nothing moved since: done, at the price of that look.
2. A keyed step whose inputs moved takes the changed keys from their change feeds, and both its inputs and the rows it
   replaces are restricted to them. A step that reads `Changes` is given the rows that moved, and says which rows it replaces.
   First run, a changed history-making setting, another as_of, an overwritten input, an input read whole that moved: the step is
   computed whole.
3. Call the function. Its rows must keep the promised columns; rules and key uniqueness are counted in one pass. A broken
   `fail` rule: nothing of this step is published and what depends on it waits.
4. Publish the difference, the commit point last. If somebody else published meanwhile, look again and start the step afresh.
"""

from __future__ import annotations

import datetime as dt
import inspect
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from wayprint import __version__
from wayprint.contracts import ContractBroken, Previous, RawFiles, Rule, Step, Table, broken_counts, conform, parameter_name
from wayprint.lake import Conflict, Lake, Published, State
from wayprint.outcome import Report, Status, StepResult
from wayprint.plan import Plan, Planner, settings_class
from wayprint.session import own_session
from wayprint.settings import Settings
from wayprint.tables.quality import RULE_RESULTS

ATTEMPTS = 6
BROADCAST_KEYS = 200_000


class Runner:
    """Runs steps over a lake. `raw_files` are rows of `RawFiles.columns`; `say` and `on_result` show progress."""

    def __init__(
        self,
        spark: SparkSession,
        lake: Lake,
        steps: Sequence[Step],
        settings: Settings,
        as_of: dt.date,
        *,
        registry: Any = None,
        raw_files: Iterable[dict[str, Any]] = (),
        threads: int = 3,
        on_start: Callable[[str], None] = lambda step: None,
        on_result: Callable[[StepResult], None] = lambda result: None,
    ):
        self.spark, self.lake, self.steps, self.settings, self.as_of = spark, lake, tuple(steps), settings, as_of
        self.registry, self.threads = registry, threads
        self.planner = Planner(lake, settings, as_of, raw_files)
        self.on_start, self.on_result = on_start, on_result
        self.run_id = uuid.uuid4().hex[:12]
        self._states: dict[str, State] = {}
        self._tables = {t.name: t for s in self.steps for t in (*s.inputs, *s.writes)}
        self._lock = threading.Lock()
        self._writer = _writers(self.steps)

    # -- the loop -----------------------------------------------------------------------------------------------------

    def run(self, only: Sequence[str] = (), start: str | None = None, dry_run: bool = False) -> Report:
        """Run all steps, only those named, or all from `start` on. `dry_run`: look and say, publish nothing."""
        began = time.monotonic()
        chosen = self._choose(only, start)
        self._pin(self._tables.values())
        results: dict[str, StepResult] = {}
        waiting = [s for s in self.steps if s.name in chosen]
        running: dict[Future[StepResult], Step] = {}
        with ThreadPoolExecutor(1 if dry_run else self.threads, thread_name_prefix="step") as pool:
            while waiting or running:
                for step in list(waiting):
                    needs = {self._writer[t.name] for t in step.inputs if t.name in self._writer} & chosen - {step.name}
                    if broken := sorted(n for n in needs if n in results and results[n].status in ("failed", "refused", "blocked")):
                        results[step.name] = StepResult(step.name, "blocked", f"waits for {', '.join(broken)}")
                        waiting.remove(step)
                        self.on_result(results[step.name])
                    elif needs <= set(results) and len(running) < self.threads:
                        waiting.remove(step)
                        running[pool.submit(self._look if dry_run else self._run_step, step)] = step
                if running:
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        step = running.pop(done)
                        results[step.name] = done.result()
                        self.on_result(results[step.name])
        if not dry_run:
            self._record_rules()
        ordered = [results[s.name] for s in self.steps if s.name in results]
        return Report(self.run_id, self.as_of, ordered, time.monotonic() - began)

    def _choose(self, only: Sequence[str], start: str | None) -> set[str]:
        names = [s.name for s in self.steps]
        if only:
            return set(only)
        return set(names[names.index(start) :]) if start else set(names)

    def _pin(self, tables: Iterable[Table]) -> None:
        """The version every table stands at, read once; refreshed only for tables that this run or a conflict moved."""
        with ThreadPoolExecutor(4) as pool:
            wanted = list(tables)
            for table, state in zip(wanted, pool.map(lambda t: self.lake.state(self.spark, t), wanted), strict=True):
                self._states[table.name] = state

    def _look(self, step: Step) -> StepResult:
        upstream = [r for r in (self._writer.get(t.name) for t in step.inputs) if r]
        plan = self.planner.plan(step, self._states, self.spark)
        status: Status = "current" if plan.work == "nothing" else "planned"
        why = plan.why if plan.work != "nothing" or not upstream else f"{plan.why}; follows {', '.join(sorted(set(upstream)))}"
        return StepResult(step.name, status, why)

    def _run_step(self, step: Step) -> StepResult:
        began = time.monotonic()
        self.on_start(step.name)
        try:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    result = self._attempt(step)
                    break
                except Conflict:
                    if attempt == ATTEMPTS:
                        raise
                    time.sleep(0.2 * attempt)
                    self._pin([*step.inputs, *step.writes])
        except ContractBroken as broken:
            result = StepResult(step.name, "refused", error=str(broken))
        except Exception as error:
            result = StepResult(step.name, "failed", error=_first_lines(error))
        result.seconds = time.monotonic() - began
        return result

    # -- one step -----------------------------------------------------------------------------------------------------

    def _attempt(self, step: Step) -> StepResult:
        spark = own_session(self.spark)
        spark.sparkContext.setJobGroup(f"{self.run_id} {step.name}", f"wayprint {step.name}")
        pinned = {t.name: self._states[t.name] for t in (*step.inputs, *step.writes)}
        plan = self.planner.plan(step, self._states, spark)
        if plan.work == "nothing":
            return StepResult(step.name, "current", plan.why)
        held: list[DataFrame] = []
        try:
            keys = _hold(plan.keys, held)
            key_count = keys.count() if keys is not None else None
            if key_count == 0:
                return StepResult(step.name, "unchanged", f"{plan.why}, no key concerned")
            outputs, replaced = self._compute(step, spark, plan, keys, key_count, held)
            counted = [self._check(table, rows) for table, rows in zip(step.writes, outputs, strict=True)]
            published: list[Published] = []
            for table, rows, standing, (count, rules) in sorted(
                zip(step.writes, outputs, replaced, counted, strict=True), key=lambda made: made[0] == step.commit_point
            ):
                state = pinned[table.name]
                if keys is not None and state.version is not None:
                    standing = self._restrict(self.lake.read(spark, table, state.version), step, keys, key_count)
                note = {
                    "run": self.run_id,
                    "step": step.name,
                    "code": __version__,
                    "fingerprint": self.planner.fingerprint(step),
                    "as_of": self.as_of.isoformat(),
                    "inputs": {t.name: pinned[t.name].version for t in step.inputs},
                    "beside": {p.table: p.version if p.changed else pinned[p.table].noted_version for p in published},
                    "checked": count,
                    "rules": rules,
                }
                done = self.lake.publish(table, rows, state, note, count, standing)
                published.append(done)
                if done.changed:
                    with self._lock:
                        self._pin([table])
        finally:
            for frame in held:
                frame.unpersist()
        rows_in = (
            len(plan.files) if plan.files is not None else key_count if keys is not None else sum(pinned[t.name].rows for t in step.inputs)
        )
        return StepResult(
            step.name,
            "published" if any(p.changed for p in published) else "unchanged",
            plan.why,
            rows_in,
            published,
            sum(count for count, _ in counted),
            sum(p.inserted for p in published if self._tables[p.table].layer == "quarantine"),
        )

    def _compute(
        self, step: Step, spark: SparkSession, plan: Plan, keys: DataFrame | None, key_count: int | None, held: list[DataFrame]
    ) -> tuple[list[DataFrame], Sequence[DataFrame | None]]:
        """The promised rows of each table, and the standing rows that the step says they replace (None: it does not say)."""
        given: dict[str, Any] = {"as_of": self.as_of, "since": plan.since, **{f"changed_{t.name}": plan.changes.get(t.name) for t in step.changes}}
        if "registry" in step.asks:
            given["registry"] = self.registry.reading({t.name: self._states[t.name].version for t in step.inputs})
        kind = settings_class(step)
        if kind is not None:
            given["settings"] = self.settings.of(kind)
        for item in step.reads:
            name = parameter_name(item)
            if isinstance(item, RawFiles):
                columns = [c.split()[0] for c in item.columns.split(", ")]
                given[name] = spark.createDataFrame([tuple(f[c] for c in columns) for f in plan.files or []], item.columns)
                continue
            table = item if isinstance(item, Table) else item.table
            frame = self.lake.read(spark, table, self._states[table.name].version)
            given[name] = self._restrict(frame, step, keys, key_count) if isinstance(item, Table) and keys is not None else frame
        if step.prepare is not None:
            prepared = _call(step.prepare, given)
            frames = prepared if isinstance(prepared, tuple) else (prepared,)
            frames = tuple(_hold(frame, held) if isinstance(frame, DataFrame) else frame for frame in frames)
            given["prepared"] = frames if isinstance(prepared, tuple) else frames[0]
        made = _call(step.run, given)
        made = made if isinstance(made, tuple) else (made,)
        if len(made) != len(step.writes):
            raise ContractBroken(
                step.name, [f"returned {len(made)} tables and promised {len(step.writes)}: {[t.name for t in step.writes]}"]
            )
        promised = [conform(rows, table) for rows, table in zip(made, step.writes, strict=True)]
        replaced = _call(step.replaces, given) if step.replaces is not None else [None] * len(promised)
        return promised if step.selects else [_held(rows, held) for rows in promised], replaced

    def _restrict(self, frame: DataFrame, step: Step, keys: DataFrame, key_count: int | None) -> DataFrame:
        """The rows of the changed keys."""
        assert step.each is not None
        wanted = keys.withColumnRenamed(step.each, "_wanted")
        if key_count is not None and key_count < BROADCAST_KEYS:
            wanted = F.broadcast(wanted)
        same = F.col(step.each).eqNullSafe(F.col("_wanted")) if step.each_null else F.col(step.each) == F.col("_wanted")
        return frame.join(wanted, same, how="left_semi")

    def _check(self, table: Table, rows: DataFrame) -> tuple[int, dict[str, list[Any]]]:
        """Count rows, broken rules and distinct keys in one pass (which also fills the cache); raise on a broken `fail` rule."""
        distinct = F.countDistinct(F.xxhash64(*table.key)).alias("distinct_keys")
        counts = rows.agg(*broken_counts(table), distinct).collect()[0]
        total = int(counts["rows"])
        rules: dict[str, list[Any]] = {rule.name: [rule.severity, int(counts[f"rule_{n}"] or 0)] for n, rule in enumerate(table.checks)}
        doubles = total - int(counts["distinct_keys"])
        if doubles:  # two keys with one hash would be counted too: settle exactly, in the rare case
            doubles = total - rows.select(*table.key).distinct().count()
        rules["key is unique"] = ["fail", doubles]
        broken = [
            f"rule {rule.name!r} ({rule.sql}) is broken by {rules[rule.name][1]} of {total} rows"
            for rule in (*table.checks, Rule("key is unique", ", ".join(table.key)))
            if rule.severity == "fail" and rules[rule.name][1] > rule.share * total
        ]
        if broken:
            raise ContractBroken(table.name, [*broken, "nothing of it was published; mend the data or the step, then run again"])
        return total, rules

    # -- what the rules said ------------------------------------------------------------------------------------------

    def _record_rules(self) -> None:
        """The rule counts of every table's latest commit, from the commit itself: a run that was killed loses none."""
        self._pin([RULE_RESULTS])
        state = self._states[RULE_RESULTS.name]
        stands = {
            name: at.noted_version
            for name, at in sorted(self._states.items())
            if name != RULE_RESULTS.name and at.noted_version is not None
        }
        seen = state.note.get("inputs", {})
        rows = [
            (name, version, rule, severity, int(self._states[name].note["checked"]), int(broken), self._states[name].note["run"])
            for name, version in stands.items()
            if seen.get(name) != version
            for rule, (severity, broken) in sorted(self._states[name].note.get("rules", {}).items())
        ]
        if rows:
            latest = own_session(self.spark).createDataFrame(rows, RULE_RESULTS.ddl)
            note = {"run": self.run_id, "step": "record_rules", "code": __version__, "inputs": stands, "checked": len(rows), "rules": {}}
            try:
                self.lake.add(RULE_RESULTS, latest, state, note, len(rows))
            except Conflict:  # another run recorded them; what it did not know yet, the next run adds
                return
            self._pin([RULE_RESULTS])

    def states(self) -> dict[str, State]:
        """Where every table stood when the run last looked."""
        return dict(self._states)


def _writers(steps: Sequence[Step]) -> dict[str, str]:
    """Table -> the one step that writes it; two writers, or an input that is written later, are a broken pipeline."""
    writer: dict[str, str] = {}
    for step in steps:
        for table in step.inputs:
            if table.name not in writer and any(table.name == w.name for s in steps for w in s.writes):
                raise ContractBroken(step.name, [f"reads {table.name} before it is written: reorder the pipeline"])
        for table in step.writes:
            if table.name in writer:
                raise ContractBroken(table.name, [f"written by both {writer[table.name]} and {step.name}"])
            writer[table.name] = step.name
    previous = [(s.name, i.table.name) for s in steps for i in s.reads if isinstance(i, Previous)]
    if foreign := [p for p in previous if writer.get(p[1]) != p[0]]:
        raise ContractBroken(foreign[0][0], [f"Previous({foreign[0][1]}) is not its own output"])
    return writer


def _call(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    return function(**{name: given[name] for name in inspect.signature(function).parameters})


def _held(frame: DataFrame, held: list[DataFrame]) -> DataFrame:
    held.append(frame.persist())
    return frame


def _hold(frame: DataFrame | None, held: list[DataFrame]) -> DataFrame | None:
    return None if frame is None else _held(frame, held)


def _first_lines(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    python = [line for line in lines if line.strip() and not line.startswith(("\tat ", "  File "))]
    return f"{type(error).__name__}: " + " | ".join(python[:3] + python[-1:] if len(python) > 4 else python)[:1500]
