"""Fixtures: one shared Spark session, the shipped settings, and rows built from a table's promise."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wayprint.contracts import Table

os.environ["TZ"] = "UTC"
time.tzset()
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("WAYPRINT_HASH_KEY", "00" * 32)
os.environ.setdefault("WAYPRINT_VAULT_KEY", "11" * 32)


@pytest.fixture(scope="session")
def settings() -> Any:
    from wayprint.pipeline import SECTIONS
    from wayprint.settings import load

    return load(SECTIONS, env="test")


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Loads the settings itself: a folder of tests may have a `settings` of its own, and any folder may run first."""
    from wayprint.pipeline import SECTIONS
    from wayprint.session import SparkSettings, session
    from wayprint.settings import load

    options = load(SECTIONS, env="test").spark.driver_java_options
    scratch = tempfile.mkdtemp(prefix="wayprint-test-")
    built = session(SparkSettings(
        master="local[2]", driver_memory="2g", shuffle_partitions=2, adaptive=False, threads=3,
        driver_java_options=f"{options} -Dspark.sql.warehouse.dir={scratch}/warehouse"), "wayprint-tests")
    built.sparkContext.setCheckpointDir(f"{scratch}/checkpoints")
    yield built
    built.stop()


@pytest.fixture
def rows(spark: Any) -> Callable[..., Any]:
    """`rows(TABLE, {"column": value}, ...)`: a DataFrame as promised, every column not mentioned filled or null."""

    def build(table: Table, *given: dict[str, Any]) -> Any:
        filled = []
        for number, row in enumerate(given):
            if unknown := set(row) - set(table.column_names):
                raise AssertionError(f"{sorted(unknown)} not in {table.name}")
            filled.append(tuple(row.get(c.name, _default(table, c.name, c.type, c.required, number)) for c in table.columns))
        return spark.createDataFrame(filled, table.ddl)

    return build


def _default(table: Table, name: str, kind: str, required: bool, number: int) -> Any:
    if not (required or name in table.key):
        return None
    if kind == "string":
        return f"{name}-{number}" if name in table.key else name
    if kind == "timestamp":
        return dt.datetime(2026, 1, 1)
    if kind == "date":
        return dt.date(2026, 1, 1)
    if kind == "boolean":
        return False
    if kind.startswith("decimal"):
        from decimal import Decimal

        return Decimal(0)
    if kind.startswith("array"):
        return []
    return 0.0 if kind == "double" else 0


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real vendors' files, kept outside the repository: the folder in WAYPRINT_SAMPLES."""
    told = os.environ.get("WAYPRINT_SAMPLES")
    if not told or not Path(told).is_dir():
        pytest.skip("WAYPRINT_SAMPLES does not name a folder: the tests on real vendors' files did not run")
    return Path(told)


@dataclass
class World:
    raw: Path
    deliveries: list[Path]
    truth: Path
    as_of: dt.date


@dataclass
class Baseline:
    lake: Path
    rows: dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One small world, dealt into three deliveries, and all of them as one."""
    from tests.laws import chain

    place = tmp_path_factory.mktemp("world")
    dealt, everything, as_of = chain.dealt_world(place)
    return World(everything, dealt, place / "truth", as_of)


@pytest.fixture(scope="session")
def baseline(spark: Any, world: World, tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    """The lake that one delivery of all of it makes."""
    from tests.laws import chain

    lake = tmp_path_factory.mktemp("baseline") / "lake"
    chain.run(spark, world.raw, lake, world.as_of)
    rows = chain.tables(spark, chain.Lake(str(lake)))
    chain.keep_rows(rows)
    return Baseline(lake, rows)
