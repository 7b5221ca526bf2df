"""The door: settings, keys, session, lake and model store opened together, for the command line, jobs and notebooks.

    from wayprint.engine import Engine
    with Engine.open("demo/lake") as engine:
        engine.table("persons").show()
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from wayprint import pipeline
from wayprint.lake import Lake
from wayprint.registry import Registry
from wayprint.runner import Report, Runner, StepResult
from wayprint.session import runtime, session
from wayprint.settings import BadConfiguration, Settings, load, nearest
from wayprint.tables import ALL


class Engine:
    """One open lake. `open` checks settings and keys before it starts Spark, so that a mistake costs no minute."""

    def __init__(self, spark: SparkSession, lake: Lake, settings: Settings):
        self.spark, self.lake, self.settings = spark, lake, settings
        self.registry = Registry.open(lake.side_folder("_mlflow"))

    @classmethod
    def open(cls, lake: str, env: str = "dev", conf: str | None = None) -> Engine:
        """Raises BadConfiguration (settings, keys), LakeUnusable (root) or RuntimeError (jars), each with the cure."""
        settings = pipeline.compose(load(pipeline.SECTIONS, env, Path(conf) if conf else None))
        root = Lake(lake)
        root.side_folder("_wayprint")
        spark = session(settings.spark)
        spark.sparkContext.setCheckpointDir(str(root.side_folder("_wayprint/checkpoints")))
        settings = settings.replace("identity", has_graphframes=runtime(spark).has_graphframes)
        return cls(spark, root, settings)

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

    def run(self, raw: str | None, as_of: dt.date, *, steps: Sequence[str] = (), only: Sequence[str] = (), start: str | None = None,
            dry_run: bool = False, on_start: Callable[[str], None] = lambda step: None,
            on_result: Callable[[StepResult], None] = lambda result: None, say: Callable[[str], None] = lambda text: None) -> Report:
        """Bring the tables up to date with the raw files; `steps` narrows the pipeline to those of a job.

        Files that no source claims are named through `say` and left alone. Raises BadConfiguration where there is nothing to
        read and nothing was ever read.
        """
        from wayprint.sources.listing import list_files

        chosen = [s for s in pipeline.STEPS if not steps or s.name in steps]
        files: list[dict[str, Any]] = []
        with self.lake.run_alone(say):
            if raw is not None and any(s.name == pipeline.INGEST for s in chosen):
                files, unclaimed = list_files(raw, self.settings.sources)
                for name in unclaimed[:5]:
                    say(f"no source claims {name}: left alone (add a file to conf/sources, or move it away)")
                if len(unclaimed) > 5:
                    say(f"... and {len(unclaimed) - 5} more files that no source claims")
                if not files and not self.lake.state(self.spark, ALL["files"]).version:
                    raise BadConfiguration(
                        f"{raw}: no file that a source of conf/sources claims, and the lake is empty; a source names its files by `path`, "
                        "relative to the raw folder")
            self.settings = self.settings.replace("spark")
            return Runner(self.spark, self.lake, chosen, self.settings, as_of, registry=self.registry, raw_files=files,
                          threads=self.settings.spark.threads, on_start=on_start, on_result=on_result).run(only, start, dry_run)

    def exports(self, as_of: dt.date) -> list[dict[str, Any]]:
        """Write the files for ad platforms; the manifests, one a destination and audience."""
        from wayprint.audiences.destinations import export_all
        from wayprint.sources.keys import Keys

        tables = {name: self.table(name) for name in pipeline.EXPORT_READS}
        return export_all(tables, self.settings.audiences, Keys.from_environment().open, self.lake.side_folder("exports"), as_of)

    def report(self, as_of: dt.date, truth: Path | None = None) -> tuple[Path, list[str]]:
        """Write report.html; its path and the five sentences of page one."""
        from wayprint.report.page import write_report

        tables = {name: self.table(name) for name in pipeline.REPORT_READS}
        return write_report(tables, self.settings.report, self.lake.side_folder("report"), as_of, truth)


def keys_from_file(path: Path) -> None:
    """Put the keys of a `NAME=value` file into the environment, where they are not set already."""
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        if name.startswith("WAYPRINT_"):
            os.environ.setdefault(name.strip(), value.strip())
