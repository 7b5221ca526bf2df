"""The door: settings, keys, session, lake and model store opened together, for the command line, jobs and notebooks.

from wayprint.engine import Engine
with Engine.open("demo/lake") as engine:
    engine.table("persons").show()
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from wayprint import __version__, pipeline
from wayprint.audiences.definition import Audience
from wayprint.audiences.destinations import Destination
from wayprint.audiences.exports import export_rows
from wayprint.audiences.files import write_files
from wayprint.contracts import BadConfiguration, Step
from wayprint.identity.decisions import decided_pairs, decisions, joins_as_observations
from wayprint.identity.evidence import links_at, links_between, whose, why_nobodys
from wayprint.identity.explain import Nobodys, Pair, Person, explain_pair, explain_person
from wayprint.identity.graph import IdentityGraph, identity_graph
from wayprint.identity.history import on_day
from wayprint.identity.preview import Preview, judged_at_the_door, preview
from wayprint.identity.resolution import decide, map_identifiers
from wayprint.lake import Lake
from wayprint.outcome import Report, StepResult
from wayprint.persons.views import VIEWS
from wayprint.registry import Registry
from wayprint.report.page import REPORT_READS, write_report
from wayprint.runner import Runner
from wayprint.session import own_session, session
from wayprint.settings import Settings, load
from wayprint.sources.identifiers import canonical
from wayprint.sources.keys import Keys
from wayprint.sources.listing import list_files
from wayprint.tables import ALL
from wayprint.tables.bronze import FILES
from wayprint.tables.identity import IDENTITY_AUDIT, IDENTITY_DECISIONS, IDENTITY_HISTORY, IDENTITY_MAP, OBSERVATIONS
from wayprint.words import nearest

Say = Callable[[str], None]


def silent(text: str) -> None:
    """Say nothing."""


def find_files(raw: str, settings: Settings, say: Say = silent) -> list[dict[str, Any]]:
    """The raw files that sources claim, by content."""
    files, unclaimed = list_files(raw, settings.sources.specs)
    for name in unclaimed[:5]:
        say(f"no source claims {name}: left alone (add a file to conf/sources, or move it away)")
    if len(unclaimed) > 5:
        say(f"... and {len(unclaimed) - 5} more files that no source claims")
    return files


def find_view(name: str) -> Callable[..., DataFrame]:
    """The view of that name, or BadConfiguration with the nearest one."""
    if name not in VIEWS:
        raise BadConfiguration(f"no view {name!r}{nearest(name, VIEWS)}")
    return VIEWS[name]


class Engine:
    """One open lake. What can be wrong without Spark is looked at before it is started, so that a mistake costs no minute."""

    def __init__(self, spark: SparkSession, lake: Lake, settings: Settings, files: list[dict[str, Any]] | None = None):
        self.spark, self.lake, self.settings, self._files = spark, lake, settings, files or []
        self.registry = Registry.open(lake.root, os.environ)

    @classmethod
    def open(
        cls, lake: str, env: str = "dev", conf: str | None = None, raw: str | None = None, say: Say = silent, names: Sequence[str] = ()
    ) -> Engine:
        """Raises BadConfiguration (settings, keys, raw folder, step names), LakeUnusable (root) or RuntimeError (jars), each with the cure.

        Files of `raw` that no source claims are named through `say` and left alone.
        """
        settings = pipeline.compose(load(pipeline.SECTIONS, env, Path(conf) if conf else None), Keys.from_environment())
        steps = [s.name for s in pipeline.STEPS]
        if unknown := [n for n in names if n not in steps]:
            raise BadConfiguration(f"no step {unknown[0]!r}{nearest(unknown[0], steps)}")
        root = Lake(lake)
        folder = root.side_folder("_wayprint")
        files = find_files(raw, settings, say) if raw is not None else []
        if root.folder is not None and not files and not Path(root.path(FILES)).exists() and (raw is not None or names):
            raise BadConfiguration(
                f"nothing to read: {raw or 'no --raw folder'} has no file that a source of conf/sources claims, and the lake {root.root} is empty; "
                "a source names its files by `path`, relative to the raw folder"
            )
        spark = session(settings.spark)
        spark.sparkContext.setCheckpointDir(str(folder / "checkpoints"))
        return cls(spark, root, settings, files)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.spark.stop()

    def table(self, name: str, version: int | None = None) -> DataFrame:
        """The rows of a table, now or at a version; no rows where it was not published yet."""
        if name not in ALL:
            raise BadConfiguration(f"no table {name!r}{nearest(name, ALL)}")
        at = self.lake.state(self.spark, ALL[name]).version if version is None else version
        return self.lake.read(self.spark, ALL[name], at)

    def view(self, name: str) -> DataFrame:
        """The rows under a name and columns that other tools have (identity/views.py). Raises BadConfiguration for a view that is none."""
        view = find_view(name)
        return view(**{table: self.table(table) for table in inspect.signature(view).parameters})

    def explain(self, name: str, other: str | None = None) -> Person | Nobodys | Pair:
        """Why `name` is one person, or nobody's, or why it and `other` are one or two.

        A name is a person_id, an identifier_id, or `type:value` in clear (`email:ana@exemple.fr`), which is hashed like any other.
        """
        named, person = self.named(name)
        audit = self.table(IDENTITY_AUDIT.name)
        pairs = decided_pairs(self.table(IDENTITY_DECISIONS.name), self.settings.identity)
        seen = self.table(OBSERVATIONS.name).unionByName(joins_as_observations(pairs))
        if other is None:
            if len(person) == 1 and (nobodys := why_nobodys(self.table(IDENTITY_MAP.name), seen, audit, next(iter(person)))):
                return nobodys
            return explain_person(person, links_at(seen, audit, person))
        named_too, person_too = self.named(other)
        if person == person_too:
            return explain_pair(named, named_too, links_at(seen, audit, person), together=True)
        return explain_pair(person, person_too, links_between(seen, audit, person, person_too), together=False)

    def named(self, name: str) -> tuple[set[str], dict[str, str]]:
        """The identifiers that `name` names and those of its person (see `whose`). Raises BadConfiguration for a name nobody has."""
        _, wanted = self.hashed(name)
        named, person = whose(self.table(IDENTITY_MAP.name), wanted)
        if not named:
            if self.lake.state(self.spark, IDENTITY_MAP).version is None:
                raise BadConfiguration(f"lake {self.lake.root} has no identity yet: look whether --lake names the right one, or run it first")
            raise BadConfiguration(f"{name}: no person and no identifier of this lake; give a person_id, an identifier_id, or type:value such as email:ana@exemple.fr")
        return named, person

    def hashed(self, name: str) -> tuple[str | None, str]:
        """Type and identifier_id of a `type:value` in clear; any other name as it is."""
        kind, colon, value = name.partition(":")
        if not colon:
            return None, name
        if kind not in self.settings.identity.types:
            raise BadConfiguration(f"{name}: unknown identifier type {kind!r}{nearest(kind, self.settings.identity.types)}")
        known = canonical(kind, value, self.settings.sources.default_country)
        if known is None:
            raise BadConfiguration(f"{name}: {value!r} is no {kind}")
        return known[0], Keys.from_environment().identifier_id(*known)

    def identity_graph(self, refused: bool = False) -> IdentityGraph:
        """Vertices and edges of the identifiers, and the GraphFrame of both where its jar is there."""
        return identity_graph(self.table(IDENTITY_MAP.name), self.table(IDENTITY_AUDIT.name), self.table(OBSERVATIONS.name), refused)

    def identity_on(self, day: dt.date) -> DataFrame:
        """Whose each identifier was, as published on a past day."""
        return on_day(self.table(IDENTITY_HISTORY.name), day)

    def published_as_of(self) -> dt.date:
        """The day that the identity which stands speaks for; today (UTC) if there is none."""
        told = self.lake.state(self.spark, IDENTITY_MAP).note.get("as_of")
        return dt.date.fromisoformat(told) if told else dt.datetime.now(dt.UTC).date()

    def try_identity(self, conf: Path, as_of: dt.date | None = None, env: str = "dev") -> Preview:
        """What the identity rules of another conf folder would make of the present observations; nothing is published.

        Not of today, but of the day that what stands speaks for: what expired since is no doing of the rules.
        """
        proposed = pipeline.compose(load(pipeline.SECTIONS, env, conf), Keys.from_environment()).identity
        ledger = decide(self.table(OBSERVATIONS.name), self.table(IDENTITY_DECISIONS.name), proposed, as_of or self.published_as_of())
        return dataclasses.replace(self._preview(ledger), unseen=judged_at_the_door(self.settings.identity, proposed))

    def propose(self, action: str, names: Sequence[str], by: str, why: str | None, as_of: dt.date | None = None) -> tuple[DataFrame, Preview, list[str]]:
        """A decision about identifiers as rows for `record`, what it would change, and whether it would have its way, in words.

        `block`, `unblock`: any number of identifiers, known to the lake or not. `split`, `join`: two. `undo`: a decision_id. What would
        change is told for the day that what stands speaks for, if `as_of` names none.
        """
        standing, as_of = self.table(IDENTITY_DECISIONS.name), as_of or self.published_as_of()
        if action == "undo":
            known = {row.decision_id: row.action for row in standing.where(F.col("decision_id").isin(*names)).collect()}
            if missing := sorted(set(names) - set(known)):
                raise BadConfiguration(f"no decision {missing[0]!r}; `wayprint tables identity_decisions` says what the table holds")
            if undos := sorted(name for name, taken in known.items() if taken == "undo"):
                raise BadConfiguration(f"{undos[0]} is an undo: decide again what it took back (`wayprint identity block`, `unblock`, `split` or `join`)")
        subjects = [(None, name) for name in names] if action == "undo" else [self._one_identifier(name, action) for name in names]
        rows = self.spark.createDataFrame(decisions(action, subjects, dt.datetime.now(dt.UTC), by, why), IDENTITY_DECISIONS.ddl)
        ledger = decide(self.table(OBSERVATIONS.name), standing.unionByName(rows), self.settings.identity, as_of)
        told = []
        if action == "join":
            ends = [name for _, name in subjects]
            for row in ledger.where(F.col("identifier_id").isin(*ends) & F.col("other_id").isin(*ends) & F.col("rule").isNotNull()).collect():
                told.append(f"it would not be believed ({row.rule}): {row.reason}")
        return rows, self._preview(ledger), told

    def record(self, rows: DataFrame) -> None:
        """Add decisions to the table; the next run follows them."""
        spark = own_session(self.spark)
        with self.lake.run_alone():
            state = self.lake.state(spark, IDENTITY_DECISIONS)
            known = self.lake.read(spark, IDENTITY_DECISIONS, state.version)
            counted = rows.withColumn("decided_at", F.unix_micros("decided_at"))  # a time would go through the machine's own zone, which skips and repeats hours
            again = spark.createDataFrame(counted.collect(), counted.schema).withColumn("decided_at", F.timestamp_micros("decided_at"))
            added = again.join(known, "decision_id", how="left_anti").select(*IDENTITY_DECISIONS.column_names)
            note = {"run": "", "step": "decide", "code": __version__, "inputs": {}, "rules": {}}
            if count := added.count():
                self.lake.add(IDENTITY_DECISIONS, added, state, note, count)

    def _one_identifier(self, name: str, action: str) -> tuple[str | None, str]:
        kind, wanted = self.hashed(name)
        if action in ("block", "unblock") and kind is not None:
            return kind, wanted
        named, types = self.named(name)
        if len(named) > 1 and action != "join":
            raise BadConfiguration(f"{name} is a person with {len(named)} identifiers: {action} needs identifiers; `wayprint explain {name}` names them")
        chosen = min(named, key=lambda one: (self.settings.identity.types[types[one]].priority if types[one] in self.settings.identity.types else 99, one))
        return types[chosen], chosen

    def _preview(self, ledger: DataFrame) -> Preview:
        return preview(self.table(IDENTITY_MAP.name), map_identifiers(ledger), self.settings.identity.device_types)

    def run(
        self,
        as_of: dt.date,
        *,
        steps: Sequence[Step] | None = None,
        only: Sequence[str] = (),
        start: str | None = None,
        dry_run: bool = False,
        on_start: Callable[[str], None] = silent,
        on_result: Callable[[StepResult], None] = lambda result: None,
        say: Say = silent,
    ) -> Report:
        """Bring the tables up to date with the raw files; `steps` narrows the pipeline to those of a job, which may be none."""
        chosen = [s for s in pipeline.STEPS if steps is None or s in steps]
        with self.lake.run_alone(say):
            return Runner(
                self.spark,
                self.lake,
                chosen,
                self.settings,
                as_of,
                registry=self.registry,
                raw_files=self._files,
                threads=self.settings.spark.threads,
                on_start=on_start,
                on_result=on_result,
            ).run(only, start, dry_run)

    def exports(self, as_of: dt.date) -> list[dict[str, Any]]:
        """Write the files of every advertising audience for every destination; their manifests."""
        settings = self.settings.audiences
        tables = {table.name: self.table(table.name) for table in pipeline.EXPORT_READS}

        def write(audience: Audience, name: str, destination: Destination) -> dict[str, Any]:
            rows = export_rows(**tables, audience=audience.name, destination=destination)
            given = (r.asDict() for r in rows.toLocalIterator())
            folder, keys = self.lake.side_folder("exports"), Keys.from_environment()
            return dataclasses.asdict(write_files(
                given, audience.name, name, destination, folder, as_of, keys.open, settings.default_country, audience.is_exclusion))

        wanted = [(a, *named) for a in settings.definitions if a.channel == "ads" for named in settings.destinations.items()]
        with ThreadPoolExecutor(self.settings.spark.threads) as pool:
            return list(pool.map(lambda one: write(*one), wanted))

    def report(self, as_of: dt.date, truth: Path | None = None) -> tuple[Path, list[str]]:
        """Write report.html; its path and the five sentences of page one."""
        tables = {table.name: self.table(table.name) for table in REPORT_READS}
        return write_report(tables, self.settings.report, self.lake.side_folder("report"), as_of, truth)


def keys_from_file(path: Path) -> None:
    """Put the keys of a `NAME=value` file into the environment, where they are not set already."""
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        if name.startswith("WAYPRINT_"):
            os.environ.setdefault(name.strip(), value.strip())
