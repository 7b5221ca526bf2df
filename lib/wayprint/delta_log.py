"""The log of a local Delta table, read as the protocol prescribes and without a Spark job.

Delta's own reader computes a table's state in Spark: for the small tables of a demo, a test or a first look that took longer than
reading their rows. What a commit says is public (the transaction protocol's "Delta Log Entries" and "Action Reconciliation"): the
live files of a version are those added and not removed since. Whatever needs more than that (a reader version above 1, that is
column mapping and deletion vectors; partitions; a long log; many files) is left to Delta.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pyspark.sql.types import StructType

MOST_COMMITS = 60
MOST_FILES = 32  # above, Spark lists files in a job of its own, and Delta's statistics begin to pay
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Files:
    """The Parquet files that are a version's rows (absolute, with their scheme), and its columns."""

    schema: StructType
    paths: tuple[str, ...]


def commits(table: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The latest commits, newest first: version and `commitInfo`."""
    log = table / "_delta_log"
    names = sorted((p.name for p in log.glob("*.json") if p.stem.isdigit()), reverse=True) if log.is_dir() else []
    for name in names[:MOST_COMMITS]:
        with open(log / name, encoding="utf-8") as lines:
            yield int(name.split(".")[0]), next((entry["commitInfo"] for entry in map(json.loads, lines) if "commitInfo" in entry), {})


def files(table: Path, version: int) -> Files | None:
    """What to read for `version`; None where Delta's own reader is needed."""
    if version >= MOST_COMMITS or re.search(r"[*?{}\[\]\\]", str(table)):  # Spark would take such a path for a pattern
        return None
    schema: StructType | None = None
    live: dict[str, None] = {}
    for number in range(version + 1):
        commit = table / "_delta_log" / f"{number:020d}.json"
        if not commit.is_file() or commit.stat().st_size > MOST_BYTES:
            return None
        for action in map(json.loads, commit.read_text(encoding="utf-8").splitlines()):
            match action:
                case {"protocol": {"minReaderVersion": reader}} if reader != 1:
                    return None
                case {"metaData": {"partitionColumns": [_, *_]}}:
                    return None
                case {"metaData": metadata}:
                    schema = StructType.fromJson(json.loads(metadata["schemaString"]))
                case {"add": {"path": path}}:
                    live[path] = None
                case {"remove": {"path": path}}:
                    live.pop(path, None)
    if schema is None or len(live) > MOST_FILES or any(re.match(r"/|\w+:", path) for path in live):
        return None
    return Files(schema, tuple(f"file://{table / unquote(path)}" for path in live))
