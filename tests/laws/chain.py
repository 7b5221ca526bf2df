"""A whole chain on a small world, and its tables as plain rows: what the laws compare."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import os
import pickle
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyspark

from wayprint import pipeline
from wayprint.contracts import Table
from wayprint.engine import Engine, find_files
from wayprint.identity.health import OF_RUNS
from wayprint.identity.observations import person_named_by
from wayprint.lake import Lake
from wayprint.outcome import Report
from wayprint.pipeline import STEPS
from wayprint.session import session
from wayprint.settings import Settings, load
from wayprint.sources.keys import Keys
from wayprint.tables import ALL
from wayprint.tables.identity import IDENTITY_MAP
from wayprint.world import build

# Small enough for a test, and too small for a model to be trained: scores are compared under one model only.
PEOPLE, DAYS = 60, 40
# What these tell of earlier runs differs between two schedules of the same deliveries.
RECORDS_RUNS = {"audience_sizes", "identity_changes", "identity_gates"}
ROOT = Path(__file__).parents[2]


def small_world(folder: Path, seed: int = 1, people: int = PEOPLE, days: int = DAYS) -> dt.date:
    """Write raw/ and truth/ of a world under `folder`; the day after its last."""
    start = dt.date(2026, 1, 1)
    world = build(people=people, days=days, seed=seed, start=start)
    world.write_raw(folder / "raw")
    world.write_truth(folder / "truth")
    return start + dt.timedelta(days=days)


def chain_settings() -> Settings:
    return pipeline.compose(load(pipeline.SECTIONS, env="test"), Keys.from_environment())


def run(spark: Any, raw: Path, lake: Path, as_of: dt.date, settings: Settings | None = None, **given: Any) -> Report:
    """One run of the whole pipeline in this process's session."""
    settings = settings or chain_settings()
    report = Engine(spark, Lake(str(lake)), settings, find_files(str(raw), settings)).run(as_of, **given)
    assert report.exit_code == 0, [(r.step, r.status, r.error) for r in report.results if r.error]
    return report


def command(raw: Path, lake: Path, as_of: dt.date, **environ: str) -> tuple[list[str], dict[str, str]]:
    """The same as a process of its own: arguments and environment."""
    arguments = [sys.executable, "-c", "from wayprint.cli import main; main()", "run", "--raw", str(raw), "--lake", str(lake), "--as-of", as_of.isoformat(),
                 "--env", "test", "--json", *[f"--only={s.name}" for s in STEPS]]
    return arguments, {**os.environ, **environ}


def tables(spark: Any, lake: Lake, leave_out: set[str] = RECORDS_RUNS) -> dict[str, list[tuple[Any, ...]]]:
    """Every table's present rows as sorted tuples; of tables that record runs, their present state."""
    found = {}
    for step in STEPS:
        for table in step.writes:
            if table.name in leave_out:
                continue
            rows = lake.read(spark, table, lake.state(spark, table).version)
            columns = present_columns(table)
            if table.name == "audience_members":
                rows = rows.where("is_member")
            if table.name == "person_aliases":
                rows = wrong_aliases(rows, lake.read(spark, IDENTITY_MAP, lake.state(spark, IDENTITY_MAP).version))
            if table.name == "identity_history":
                rows = rows.where("valid_to is null")
            if table.name == "identity_health":
                rows = rows.where(~rows.measure.isin(*OF_RUNS))
            found[table.name] = sorted((tuple(_plain(v) for v in r) for r in rows.select(*columns).collect()), key=repr)
    return found


def wrong_aliases(aliases: Any, identity_map: Any) -> Any:
    """Which ids are no longer in use depends on the schedule, who they are today does not: those that name a stranger, or nobody who is there."""
    owned = identity_map.where("person_id is not null")
    named = owned.select(person_named_by(owned.identifier_id).alias("person_id"), owned.person_id.alias("owner"))
    standing = owned.select(owned.person_id.alias("present_person_id"), owned.person_id.alias("stands")).distinct()
    told = aliases.join(named, "person_id", how="left").join(standing, "present_person_id", how="left")
    return told.where("not owner <=> present_person_id and owner is not null or present_person_id is not null and stands is null")


def present_columns(table: Table) -> list[str]:
    return [c for c in table.column_names if not (table.records_runs and c in ("entered_on", "left_on", "valid_from"))]


def versions(spark: Any, lake: Lake) -> dict[str, int | None]:
    return {name: lake.state(spark, table).version for name, table in ALL.items()}


def differences(one: dict[str, list[Any]], other: dict[str, list[Any]], tolerance: float = 0.0) -> list[str]:
    """What differs, a line a table with the first rows that do."""
    lines = []
    for name in sorted(set(one) | set(other)):
        a, b = one.get(name, []), other.get(name, [])
        if a == b:
            continue
        if tolerance and len(a) == len(b) and all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True)):
            continue
        only_a, only_b = [r for r in a if r not in b][:2], [r for r in b if r not in a][:2]
        lines.append(f"{name}: {len(a)} and {len(b)} rows; only in the first {str(only_a)[:700]}; only in the second {str(only_b)[:700]}")
    return lines


def deliveries(raw: Path, place: Path, rng: random.Random, count: int) -> list[Path]:
    """The files of `raw` dealt into `count` folders by day in random order, some delivered again, some under another name.

    Companion files (lookups, manifests) go with every delivery, as vendors send them with each day.
    """
    files = sorted(p for p in raw.rglob("*") if p.is_file())
    companions = [p for p in files if p.name.endswith((".tar.gz", ".txt"))]
    days = sorted({_day(p) for p in files if p not in companions})
    rng.shuffle(days)
    turn_of = {day: rng.randrange(count) for day in days}
    folders = [place / f"delivery-{n}" for n in range(count)]
    for path in files:
        turns = range(count) if path in companions else {turn_of[_day(path)], *([rng.randrange(count)] if rng.random() < 0.15 else [])}
        for turn in turns:
            _put(path, folders[turn] / path.relative_to(raw))
        if path not in companions and "adobe" not in str(path) and rng.random() < 0.03:
            _put(path, folders[rng.randrange(count)] / path.relative_to(raw).with_name("again-" + path.name))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def merged(folders: list[Path], place: Path) -> Path:
    """All deliveries as one."""
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            _put(path, place / path.relative_to(folder))
    return place


def _day(path: Path) -> str:
    digits = "".join(c for c in path.name if c.isdigit() or c == "-").strip("-")
    return digits[-10:]


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.link(source, target) if source.stat().st_dev == target.parent.stat().st_dev else shutil.copy2(source, target)


def _plain(value: Any) -> Any:
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, list | tuple):
        return tuple(_plain(v) for v in value)
    return value


def _close(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True))
    return bool(a == b)



def dealt_world(place: Path, seed: int = 1) -> tuple[list[Path], Path, dt.date]:
    """A world of the tests: its three deliveries, all of them as one, and the day after its last."""
    as_of = small_world(place, seed)
    dealt = deliveries(place / "raw", place, random.Random(7), 3)
    return dealt, merged(dealt, place / "all"), as_of


def kept_rows() -> Path:
    """Where the rows that the default runtime makes of that world are kept, for this state of the code."""
    code = hashlib.sha256()
    for path in sorted([*(ROOT / "lib").rglob("*.py"), *(ROOT / "conf").rglob("*.yaml"), Path(__file__)]):
        code.update(path.read_bytes())
    return Path(os.environ.get("WAYPRINT_CACHE", ROOT / ".cache")) / f"chain-{code.hexdigest()[:16]}.pickle"


def keep_rows(rows: dict[str, list[tuple[Any, ...]]]) -> None:
    if pyspark.__version__.startswith("4."):
        kept_rows().parent.mkdir(parents=True, exist_ok=True)
        kept_rows().with_suffix(".partial").write_bytes(pickle.dumps(rows))
        kept_rows().with_suffix(".partial").replace(kept_rows())


def main() -> None:
    """Make and keep the rows on this interpreter's runtime, for the other runtime to compare with."""
    settings = chain_settings()
    spark = session(settings.spark)
    with tempfile.TemporaryDirectory() as place:
        _, raw, as_of = dealt_world(Path(place))
        run(spark, raw, Path(place) / "lake", as_of, settings)
        keep_rows(tables(spark, Lake(str(Path(place) / "lake"))))
    spark.stop()


if __name__ == "__main__":
    main()
