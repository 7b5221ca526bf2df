"""The only module that knows Delta: versions, change feed, publish, the log of what was done.

Publish writes the difference. The promised rows are compared with the standing rows on the table's key (as two 64-bit
hashes of the rest, so only keys and hashes are shuffled) and only inserts, updates and deletes are committed, in one
transaction. Nothing changed: no new version. Each commit carries in its user metadata the step, the versions of the inputs it
was computed from, the settings fingerprint and the rule counts, so that data and bookkeeping cannot disagree.

Two writers of one table: each commit claims the next transaction version of its table, so of two that compared with the
same standing version one commits and the other gets `Conflict` and starts its step afresh.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from wayprint import delta_log
from wayprint.contracts import Table, no_rows

METADATA = "spark.databricks.delta.commitInfo.userMetadata"
TXN_APP = "spark.databricks.delta.write.txnAppId"
TXN_VERSION = "spark.databricks.delta.write.txnVersion"
OVERWRITE_SHARE = 1 / 3
CATALOG = "catalog:"
NESTED = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}  # the default leaves the microseconds out


class Conflict(Exception):
    """Somebody else published this table, or one of its inputs, since we looked: look again and recompute."""


class LakeUnusable(Exception):
    """The root cannot be read or written; the message says which path and why."""


@dataclass(frozen=True)
class Commit:
    """One entry of a table's log; `note` is our metadata, or None for maintenance and foreign writes."""

    version: int
    note: dict[str, Any] | None


@dataclass(frozen=True)
class State:
    """Where a table stands: its version (None: not there), and its latest commits, newest first."""

    version: int | None = None
    commits: tuple[Commit, ...] = ()

    @property
    def note(self) -> dict[str, Any]:
        """Our metadata of the latest commit that has any."""
        return next((c.note for c in self.commits if c.note is not None), {})

    @property
    def noted_version(self) -> int | None:
        return next((c.version for c in self.commits if c.note is not None), None)

    @property
    def rows(self) -> int:
        return int(self.note.get("rows", 0))


@dataclass
class Published:
    """What a publish did; `version` is the version the rows stand under now."""

    table: str
    version: int | None
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    rows: int = 0
    overwritten: bool = False
    note: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return self.overwritten or bool(self.inserted or self.updated or self.deleted)


class Lake:
    """All tables under one root: a folder or object-store path, or `catalog:schema` (`catalog:name.schema`) for a metastore.

    A bare word is a folder, whether it is there yet or not.
    """

    def __init__(self, root: str):
        self.root = root.rstrip("/")
        self.by_name, self._schema = root.startswith(CATALOG), root.removeprefix(CATALOG)
        if self.by_name and not re.fullmatch(r"\w+(\.\w+)?", self._schema):
            raise LakeUnusable(f"lake root {root}: after {CATALOG} comes a schema, or its catalog and a dot before it")
        if "://" in root or root.startswith("file:"):
            self.folder: Path | None = Path(root.removeprefix("file://").removeprefix("file:")) if root.startswith("file:") else None
        else:
            self.folder = None if self.by_name else Path(root).absolute()
        if self.folder is not None:
            self.root = str(self.folder)

    # -- where things are ---------------------------------------------------------------------------------------------

    def path(self, table: Table) -> str:
        return f"{self._schema}.{table.layer}_{table.name}" if self.by_name else f"{self.root}/{table.layer}/{table.name}"

    def _place(self, table: Table) -> str:
        """For Spark, which would look for a bare path on the cluster's default file system, while `state` looks on this machine."""
        return self.path(table) if self.folder is None else f"file://{self.path(table)}"

    def _reference(self, table: Table) -> str:
        return self.path(table) if self.by_name else f"delta.`{self._place(table)}`"

    def side_folder(self, name: str) -> Path:
        """A local folder for things that are not tables (exports, report, model store, lock)."""
        folder = (self.folder or Path(tempfile.gettempdir()) / "wayprint") / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LakeUnusable(f"lake root {self.root}: cannot write ({error.strerror}): {folder}; give --lake a writable place") from None
        return folder

    @contextmanager
    def run_alone(self, say: Any = lambda text: None) -> Iterator[None]:
        """On a local root, one run at a time: the second waits. The kernel drops the lock with the process, even killed.

        Elsewhere nothing is locked: `Conflict` and a fresh start keep two runs apart.
        """
        if self.folder is None:
            yield
            return
        import fcntl

        try:
            lock = open(self.side_folder("_wayprint") / "lock", "w")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise LakeUnusable(f"lake root {self.root}: cannot write ({error.strerror}); give --lake a writable place") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another run is working on this lake: waiting for it to finish")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # -- reading ------------------------------------------------------------------------------------------------------

    def state(self, spark: SparkSession, table: Table) -> State:
        """One look at the log: of a local table its files (no Spark job), else Delta's history."""
        from delta.tables import DeltaTable

        if self.folder is not None:
            commits = tuple(Commit(version, _note(info.get("userMetadata"))) for version, info in delta_log.commits(Path(self.path(table))))
            return State(commits[0].version if commits else None, commits)
        try:
            if not self.by_name and not DeltaTable.isDeltaTable(spark, self.path(table)):
                return State()
            entries = DeltaTable.forName(spark, self._reference(table)).history(delta_log.MOST_COMMITS).select("version", "userMetadata").collect()
        except PySparkException as error:
            if re.search("NOT_FOUND|not a Delta table|MISSING_DELTA_TABLE", str(error)):
                return State()
            raise
        commits = tuple(Commit(int(e.version), _note(e.userMetadata)) for e in entries)
        return State(commits[0].version, commits)

    def read(self, spark: SparkSession, table: Table, version: int | None) -> DataFrame:
        """The rows of one version; no rows, with the promised columns, where the table is not there yet."""
        if version is None:
            return no_rows(spark, table.ddl)
        files = None if self.folder is None else delta_log.files(Path(self.path(table)), version)
        if files is not None:
            return spark.read.schema(files.schema).parquet(*files.paths) if files.paths else no_rows(spark, files.schema)
        return spark.read.option("versionAsOf", version).table(self._reference(table))

    def changed_keys(self, spark: SparkSession, table: Table, state: State, since: int, until: int, each: str) -> DataFrame | None:
        """Values of `each` whose rows moved in (since, until]; see `changed_rows`."""
        moved = self.changed_rows(spark, table, state, since, until)
        return None if moved is None else moved.select(each).distinct()

    def changed_rows(self, spark: SparkSession, table: Table, state: State, since: int, until: int) -> DataFrame | None:
        """Rows that moved in (since, until], as they were and as they are, from both images of the change feed.

        None where everything may have moved: the table was overwritten, or the log no longer reaches back that far.
        """
        between = [c for c in state.commits if since < c.version <= until]
        if len(between) < until - since or any(c.note and c.note.get("overwrite") for c in between):
            return None
        return (
            spark.read.option("readChangeFeed", "true")
            .option("startingVersion", since + 1)
            .option("endingVersion", until)
            .table(self._reference(table))
            .select(*table.column_names)
        )

    # -- writing ------------------------------------------------------------------------------------------------------

    def publish(
        self, table: Table, rows: DataFrame, state: State, note: dict[str, Any], count: int, standing: DataFrame | None = None
    ) -> Published:
        """Commit the difference between `rows` and the standing rows.

        `rows` are conformed, checked, held or cheap to read again, `count` many. `standing` are the rows they replace: those of the changed keys;
        None for all of the table. The session of `rows` must be the step's own: the commit's metadata travels in its settings.
        Raises `Conflict` if the table moved since `state`.
        """
        spark = rows.sparkSession
        if state.version is None or (standing is None and state.note.get("contract") != table.fingerprint):
            return self._overwrite(spark, table, rows, state, note, count)
        replaced = self.read(spark, table, state.version) if standing is None else standing
        moved = _difference(table, rows, replaced).persist()
        try:
            found = {r.op: int(r["count"]) for r in moved.groupBy("op").count().collect()}
            inserted, updated, deleted = found.get("insert", 0), found.get("update", 0), found.get("delete", 0)
            done = Published(table.name, state.version, inserted, updated, deleted, state.rows + inserted - deleted, note=note)
            if not done.changed:
                return done
            if standing is None and inserted + updated + deleted > OVERWRITE_SHARE * max(done.rows, 1):
                return self._overwrite(spark, table, rows, state, note, count)
            done.note = {**note, "rows": done.rows, "contract": table.fingerprint}
            written = rows.join(F.broadcast(moved) if inserted + updated < 200_000 else moved, list(table.key), how="inner")
            if not updated and not deleted:
                done.version = self._append(spark, table, written.drop("op"), state, done.note)
            else:
                gone = moved.where("op = 'delete'").select(
                    *[F.col(c.name) if c.name in table.key else F.lit(None).cast(c.type).alias(c.name) for c in table.columns], "op"
                )
                done.version = self._merge(spark, table, written.select(*table.column_names, "op").unionByName(gone), state, done.note)
            return done
        finally:
            moved.unpersist()

    def add(self, table: Table, rows: DataFrame, state: State, note: dict[str, Any], count: int) -> Published:
        """Commit `rows` as new ones, without a look at the standing rows: the caller knows that their keys are new."""
        spark = rows.sparkSession
        if state.version is None or state.note.get("contract") != table.fingerprint:
            return self._overwrite(spark, table, rows, state, note, count)
        note = {**note, "rows": state.rows + count, "contract": table.fingerprint}
        return Published(table.name, self._append(spark, table, rows, state, note), count, rows=state.rows + count, note=note)

    def _overwrite(self, spark: SparkSession, table: Table, rows: DataFrame, state: State, note: dict[str, Any], count: int) -> Published:
        note = {**note, "rows": count, "overwrite": True, "contract": table.fingerprint}
        writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true").option("delta.enableChangeDataFeed", "true")
        if table.statistics_columns:
            writer = writer.option("delta.dataSkippingStatsColumns", ",".join(f"`{c}`" for c in table.statistics_columns))
        else:
            writer = writer.option("delta.dataSkippingNumIndexedCols", "0")
        with self._commit(spark, table, state, note):
            writer.saveAsTable(self.path(table)) if self.by_name else writer.save(self._place(table))
        version = self._check(spark, table, note)
        return Published(table.name, version, count, 0, state.rows, count, True, note)

    def _append(self, spark: SparkSession, table: Table, rows: DataFrame, state: State, note: dict[str, Any]) -> int:
        writer = rows.select(*table.column_names).write.format("delta").mode("append")
        with self._commit(spark, table, state, note):
            writer.saveAsTable(self.path(table)) if self.by_name else writer.save(self._place(table))
        return self._check(spark, table, note)

    def _merge(self, spark: SparkSession, table: Table, patch: DataFrame, state: State, note: dict[str, Any]) -> int:
        from delta.tables import DeltaTable

        values: dict[str, Any] = {c: f"patch.`{c}`" for c in table.column_names}
        merge = (
            DeltaTable.forName(spark, self._reference(table))
            .alias("standing")
            .merge(patch.alias("patch"), " AND ".join(f"standing.`{k}` = patch.`{k}`" for k in table.key))
            .whenMatchedDelete("patch.op = 'delete'")
            .whenMatchedUpdate("patch.op = 'update'", set=values)
            .whenNotMatchedInsert("patch.op = 'insert'", values=values)
        )
        with self._commit(spark, table, state, note):
            merge.execute()
        return self._check(spark, table, note)

    @contextmanager
    def _commit(self, spark: SparkSession, table: Table, state: State, note: dict[str, Any]) -> Iterator[None]:
        """Metadata and transaction version of the next commit of this session, which belongs to one step alone."""
        conf = {
            METADATA: json.dumps(note, sort_keys=True),
            TXN_APP: f"wayprint/{table.name}",
            TXN_VERSION: str(0 if state.version is None else state.version + 1),
        }
        for name, value in conf.items():
            spark.conf.set(name, value)
        try:
            yield
        except PySparkException as error:
            if re.search(
                r"Concurrent\w*Exception|DELTA_CONCURRENT|DELTA_PROTOCOL_CHANGED|DELTA_METADATA_CHANGED|MetadataChanged|ProtocolChanged",
                str(error),
            ):
                raise Conflict(f"{table.name}: another writer committed first") from error
            raise
        finally:
            for name in conf:
                spark.conf.unset(name)

    def _check(self, spark: SparkSession, table: Table, note: dict[str, Any]) -> int:
        """The version our commit became. A commit that another's transaction version shadowed was skipped: `Conflict`."""
        ours = json.loads(json.dumps(note))
        for commit in self.state(spark, table).commits[:5]:
            if commit.note == ours:
                return commit.version
        raise Conflict(f"{table.name}: another writer committed first")

    # -- upkeep -------------------------------------------------------------------------------------------------------

    def compact(self, spark: SparkSession, table: Table) -> None:
        from delta.tables import DeltaTable

        DeltaTable.forName(spark, self._reference(table)).optimize().executeCompaction()

    def vacuum(self, spark: SparkSession, table: Table, retention_hours: float) -> None:
        from delta.tables import DeltaTable

        DeltaTable.forName(spark, self._reference(table)).vacuum(retention_hours)

    def drop(self, table: Table) -> None:
        """Forget a table of a local lake entirely (tests, a fresh start)."""
        if self.folder is not None:
            shutil.rmtree(self.path(table), ignore_errors=True)


def _note(text: str | None) -> dict[str, Any] | None:
    try:
        note = json.loads(text) if text else None
    except ValueError:
        return None
    return note if isinstance(note, dict) and "step" in note else None


def _compared(table: Table) -> list[Column]:
    """What tells two rows of one key apart, to be hashed.

    Spark's hash passes nulls over: of ('a', null) and (null, 'a') it makes the same. So whether a column is null is hashed beside its
    value, and what has nulls inside, lists and structs, is hashed as text.
    """
    rest = [c for c in table.columns if c.name not in table.key]
    values = [F.to_json(c.name, NESTED) if c.type.startswith(("array", "struct", "map")) else F.col(c.name) for c in rest]
    return [F.lit(0), *values, *(F.col(c.name).isNull() for c in rest if not c.required)]


def _difference(table: Table, rows: DataFrame, standing: DataFrame) -> DataFrame:
    """Keys that differ, each with `op`: insert, update, delete. Only keys and two hashes of the other columns are shuffled."""
    rest = _compared(table)

    def digested(frame: DataFrame, side: str) -> DataFrame:
        return frame.select(
            *[F.col(k).alias(f"{side}_{k}") for k in table.key],
            F.xxhash64(*rest).alias(f"{side}_a"),
            F.xxhash64(F.lit(7), *rest).alias(f"{side}_b"),
        )

    new, old = digested(rows, "new"), digested(standing, "old")
    same_key = [F.col(f"new_{k}") == F.col(f"old_{k}") for k in table.key]
    both = new.join(old, same_key, how="full_outer")
    is_new, is_gone = F.col("old_a").isNull(), F.col("new_a").isNull()
    differs = (F.col("new_a") != F.col("old_a")) | (F.col("new_b") != F.col("old_b"))
    op = F.when(is_new, "insert").when(is_gone, "delete").when(differs, "update")
    return both.select(*[F.coalesce(f"new_{k}", f"old_{k}").alias(k) for k in table.key], op.alias("op")).where(F.col("op").isNotNull())
