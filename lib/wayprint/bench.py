"""Deterministic counters per step at any number of canonical events, full and with 1 % more: what may be compared over time.

Jobs, stages, shuffle bytes, rows scanned and written come from Spark's event log, by the job group that the runner sets.
Seconds are this machine's on this day: only their ratios mean something.
"""

from __future__ import annotations

import json
import os
import secrets
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pyspark.sql import SparkSession

from wayprint import pipeline
from wayprint.bench_graph import AS_OF, engines, measure_graph, measure_increment
from wayprint.engine import Engine
from wayprint.lake import Lake
from wayprint.outcome import Report
from wayprint.runner import Runner
from wayprint.session import RUNTIME, own_session, session
from wayprint.settings import Settings, load
from wayprint.sources.keys import HASH_KEY, VAULT_KEY, Keys
from wayprint.tables.bronze import RAW_EVENTS
from wayprint.tables.identity import OBSERVATIONS
from wayprint.world import write_events

METRICS = {
    "internal.metrics.shuffle.write.bytesWritten": "shuffle_bytes",
    "internal.metrics.input.recordsRead": "rows_scanned",
    "internal.metrics.output.recordsWritten": "rows_written",
    "internal.metrics.diskBytesSpilled": "spilled_bytes",
    "internal.metrics.executorCpuTime": "cpu_ns",
}
Counters = dict[str, dict[str, int]]


def measure(rows: int, place: Path) -> str:
    """A markdown report of one full run on `rows` events and one increment of 1 % more."""
    write_events(place / "events", rows + rows // 100, 1)
    files = sorted((place / "events").rglob("*.parquet"))
    for name in (HASH_KEY, VAULT_KEY):  # what is generated here needs no lasting keys
        os.environ.setdefault(name, secrets.token_hex(32))
    settings = pipeline.compose(load(pipeline.SECTIONS), Keys.from_environment())
    spark = _watched(settings, place)
    engine = Engine(spark, Lake(str(place / "lake")), settings)
    everything = spark.read.parquet(*map(str, files))
    first = everything.where("pmod(xxhash64(record_id), 101) > 0")
    reports: list[Report] = []
    for events in (first, everything):
        mine = own_session(spark)
        given = (
            mine.read.parquet(*map(str, files))
            .where("pmod(xxhash64(record_id), 101) > 0" if events is first else "true")
            .select(*RAW_EVENTS.column_names)
        )
        state = engine.lake.state(spark, RAW_EVENTS)
        engine.lake.publish(
            RAW_EVENTS, given, state, {"step": "bench", "inputs": {}, "checked": 0, "rules": {}, "turn": len(reports)}, given.count()
        )
        reports.append(_run(engine))
    counts = (first.count(), everything.count())
    spark.stop()
    counters = read_counters(_latest_log(place), [r.run_id for r in reports])
    return _markdown(counts, reports, counters)


def measure_components(edges: tuple[int, ...], place: Path) -> str:
    """A markdown section: components alone, by every engine of this runtime at the first size, by the built-in way at the others; at the
    first size, the whole of identity with 1 % more links."""
    settings = load(pipeline.SECTIONS)
    spark = _watched(settings, place)
    spark.sparkContext.setCheckpointDir(str(place / "checkpoints"))
    spark.range(1000).mapInArrow(lambda batches: batches, "id long").count()  # workers started, classes loaded
    wanted = [(edges[0], name) for name in engines(spark)] + [(size, "auto") for size in edges[1:]]
    measured = [measure_graph(spark, place, size, settings.identity.model_copy(update={"engine": name, "max_local_edges": 20_000_000})) for size, name in wanted]
    measure_increment(spark, place, edges[0] // 100, settings)  # plans compiled
    more, builds = measure_increment(spark, place, edges[0], settings)
    spark.stop()
    ids = [report.run_id for report, _ in builds]
    counters, *of_builds = read_counters(_latest_log(place), ["graph", *ids])
    lines = [
        "", f"## Components alone, Spark {RUNTIME}", "",
        "Against scipy on ready-made integers in the same run; wanted of the built-in engine: at most 8 x its processor time, 4 jobs, 20 bytes shuffled "
        "per link. A path of 2,000 devices is planted.", "",
        "| links | engine | processor time / scipy | jobs | bytes shuffled per link |", "|---|---|---|---|---|"]
    for (size, name), one in zip(wanted, measured, strict=True):
        counts = counters[f"{size}-{name}"]
        lines.append(
            f"| {one['edges']:,.0f} | {name} | {one['processor_seconds'] / one['scipy_seconds']:.0f} | {counts['jobs']} | "
            f"{counts['shuffle_bytes'] / one['edges']:.1f} |")
    lines += [
        "", f"## One in a hundred links more, {edges[0]:,} links", "",
        f"The step `resolve` alone, published, after a warm-up; {more:,} links of as many persons come later. Wanted: at most 5 % of the full build's processor "
        "time and 11 bytes shuffled per new link.", "",
        "| build | why | processor time / full | jobs | bytes shuffled | per new link | rows written |", "|---|---|---|---|---|---|---|"]
    for (report, seconds), found in zip(builds, of_builds, strict=True):
        (step,), counts = report.results, found["resolve"]
        cells = (step.why, f"{seconds / builds[0][1]:.3f}", counts["jobs"], f"{counts['shuffle_bytes']:,}", f"{counts['shuffle_bytes'] / more:.1f}",
            f"{counts['rows_written']:,}")
        lines.append(f"| {'full' if report is builds[0][0] else '1 % more'} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def _watched(settings: Settings, place: Path) -> SparkSession:
    """A session with an event log. The sessions of one process share their JVM, and so the folder that the first was told."""
    (place / "log").mkdir(exist_ok=True)
    options = f"-Dspark.eventLog.enabled=true -Dspark.eventLog.dir=file:{place / 'log'} -Dspark.eventLog.compress=false -Dspark.eventLog.rolling.enabled=false"
    return session(settings.replace("spark", driver_java_options=options).spark)


def _latest_log(place: Path) -> Path:
    return max((p for p in (place / "log").iterdir() if p.is_file() and not p.name.startswith(".")), key=lambda p: p.stat().st_mtime)


def _run(engine: Engine) -> Report:
    steps = [s for s in pipeline.STEPS if s.name != pipeline.INGEST]
    report = Runner(engine.spark, engine.lake, steps, engine.settings, AS_OF, registry=engine.registry, threads=1).run()
    if report.exit_code:
        raise RuntimeError("; ".join(f"{r.step}: {r.error}" for r in report.results if r.error))
    return report


def read_counters(log: Path, runs: list[str]) -> list[Counters]:
    """Per run, per step: what the event log says of its jobs."""
    found: list[Counters] = [defaultdict(lambda: defaultdict(int)) for _ in runs]
    owner: dict[int, tuple[int, str]] = {}
    with open(log, encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            if event["Event"] == "SparkListenerJobStart":
                run_id, _, step = event.get("Properties", {}).get("spark.jobGroup.id", "").partition(" ")
                if run_id in runs:
                    run = runs.index(run_id)
                    found[run][step]["jobs"] += 1
                    owner.update(dict.fromkeys(event["Stage IDs"], (run, step)))
            elif event["Event"] == "SparkListenerStageCompleted" and event["Stage Info"]["Stage ID"] in owner:
                run, step = owner[event["Stage Info"]["Stage ID"]]
                found[run][step]["stages"] += 1
                for metric in event["Stage Info"]["Accumulables"]:
                    if metric["Name"] in METRICS:
                        found[run][step][METRICS[metric["Name"]]] += int(metric["Value"])
    return found


def _markdown(counts: tuple[int, int], reports: list[Report], counters: list[Counters]) -> str:
    full, more = counters
    steps = [r.step for r in reports[0].results]
    total_full, total_more = _sum(full, "cpu_ns"), _sum(more, "cpu_ns")
    goals = [
        ("identity: bytes shuffled per believed link, full", "<= 20 (built-in engine)", _per_edge(full, reports[0])),
        (
            "increment of 1 %: processor time against the full run",
            "in proportion to what moved",
            f"{100 * total_more / max(total_full, 1):.0f} %",
        ),
        (
            "increment of 1 %: rows written against the full run",
            "in proportion to what moved",
            f"{100 * _sum(more, 'rows_written') / max(_sum(full, 'rows_written'), 1):.1f} %",
        ),
        ("spill to disk", "0", f"{_sum(full, 'spilled_bytes'):,} bytes"),
    ]
    lines = [
        "# Bench",
        "",
        f"{counts[0]:,} canonical events, then {counts[1] - counts[0]:,} more. Written by `make bench`; 2 cores, 2 GB heap, steps one after the other.",
        "",
        "| goal | wanted | measured |",
        "|---|---|---|",
        *[f"| {a} | {b} | {c} |" for a, b, c in goals],
        "",
        "The new events are drawn from all people, so a third of them move. A merge writes whole files anew wherever one of their rows moved: "
        "no deletion vectors, so that every reader of Delta can read.",
        "",
        "| step | jobs | stages | shuffled kB | rows scanned | rows written | +1 %: jobs | stages | shuffled kB | rows scanned | rows written | cpu +1 % / full |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for step in steps:
        a, b = full[step], more[step]
        cells = [*_cells(a), *_cells(b), f"{100 * b['cpu_ns'] / a['cpu_ns']:.0f} %" if a["cpu_ns"] else ""]
        lines.append(f"| {step} | " + " | ".join(cells) + " |")
    lines.append(
        "| **all** | " + " | ".join([*_cells(_total(full)), *_cells(_total(more)), f"{100 * total_more / max(total_full, 1):.0f} %"]) + " |"
    )
    return "\n".join(lines) + "\n"


def _cells(counts: dict[str, int]) -> list[str]:
    return [
        f"{counts['jobs']:,}",
        f"{counts['stages']:,}",
        f"{counts['shuffle_bytes'] // 1000:,}",
        f"{counts['rows_scanned']:,}",
        f"{counts['rows_written']:,}",
    ]


def _total(counters: Counters) -> dict[str, int]:
    names: Iterable[str] = ("jobs", "stages", *METRICS.values())
    return {name: _sum(counters, name) for name in names}


def _sum(counters: Counters, name: str) -> int:
    return sum(step[name] for step in counters.values())


def _per_edge(full: Counters, report: Report) -> str:
    edges = next((p.rows for r in report.results for p in r.published if p.table == OBSERVATIONS.name), 0)
    return f"{full['resolve']['shuffle_bytes'] / max(edges, 1):.0f} ({edges:,} observations)"
