"""Identity alone, at any number of links: components against scipy on ready-made numbers in the same run, and 1 % more against a full build.

The graph: persons of two to twelve identifiers tied like stars with a few more links, and one path of 2,000 devices, the worst that
renewed cookies make. Processor time is that of this process, the JVM and its Python workers; scipy's is of the same links as integers,
without reading, hashing or naming anything: a floor that no engine on strings can reach.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wayprint import pipeline
from wayprint.identity.components import connect, graphframe_class
from wayprint.identity.resolution import resolve
from wayprint.identity.settings import IdentitySettings
from wayprint.lake import Lake
from wayprint.outcome import Report
from wayprint.runner import Runner
from wayprint.session import own_session
from wayprint.settings import Settings
from wayprint.tables.identity import OBSERVATIONS
from wayprint.world.bulk import digests

AS_OF = dt.date(2026, 7, 1)
PATH = 2_000
PER_FILE = 1_000_000
SHARE_MORE = 0.01


def graph(edges: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two ends of each link, and for each node whether it is the centre of a star."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 13, edges // 6)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    nodes = np.arange(int(sizes.sum()))
    leaves = nodes[nodes != first[owner]]
    leads = first[owner[leaves]]
    again = rng.integers(0, len(leaves), max(edges - len(leaves) - PATH, 0))
    path = np.arange(len(nodes), len(nodes) + PATH)
    is_lead = np.zeros(len(nodes) + PATH, bool)
    is_lead[first] = True
    return np.concatenate([leads, leaves[again], path[:-1]]), np.concatenate([leaves, leads[again], path[1:]]), is_lead


def write_links(folder: Path, left: np.ndarray, right: np.ndarray) -> None:
    """The links as files of two columns of 32 hexadecimal characters, in random order."""
    folder.mkdir(parents=True)
    order = np.random.default_rng(2).permutation(len(left))
    for number, start in enumerate(range(0, len(order), PER_FILE)):
        some = order[start : start + PER_FILE]
        ends = [digests(end[some].astype(np.uint64), 7, 1) for end in (left, right)]
        pq.write_table(pa.table(ends, names=["node", "root"]), folder / f"part-{number:03d}.parquet")


def write_observations(folder: Path, edges: int) -> int:
    """The same graph as rows of `observations`: centres are accounts, all else cookies; `is_more` marks the one in a hundred that come
    later. Returns how many these are."""
    left, right, is_lead = graph(edges)
    swap = is_lead[right]
    strong, weak = np.where(swap, right, left).astype(np.uint64), np.where(swap, left, right).astype(np.uint64)
    is_more = (np.random.default_rng(3).random(len(left)) < SHARE_MORE) & (is_lead[left] | is_lead[right])
    day = pa.scalar(AS_OF, pa.date32()).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    given = {
        "observation_id": digests(np.arange(len(left), dtype=np.uint64), 8, 1), "identifier_id": digests(strong, 7, 1),
        "identifier_type": pa.array(np.where(is_lead[strong], "login", "web_cookie")), "other_id": digests(weak, 7, 1),
        "other_type": pa.repeat("web_cookie", len(left)), "source": pa.repeat("bench", len(left)),
        "first_seen_at": pa.repeat(day, len(left)), "last_seen_at": pa.repeat(day, len(left)),
        "sightings": pa.repeat(1, len(left)),
        **{name: pa.nulls(len(left), pa.string()) for name in ("identifier_flaw", "other_flaw", "sync_point")}, "is_more": pa.array(is_more)}
    folder.mkdir(parents=True)
    pq.write_table(pa.table(given), folder / "part-000.parquet")
    return int(is_more.sum())


@contextmanager
def processor_seconds() -> Iterator[list[float]]:
    """Seconds of processor time of this process and all below it."""
    spent = [_tree_seconds()]
    yield spent
    spent[0] = _tree_seconds() - spent[0]


def _tree_seconds() -> float:
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:  # ended meanwhile
            continue
        children.setdefault(int(fields[1]), []).append(int(folder.name))
        ticks[int(folder.name)] = sum(map(int, fields[11:15]))  # user and system, own and of ended children
    total, waiting = 0, [os.getpid()]
    while waiting:
        process = waiting.pop()
        total += ticks.get(process, 0)
        waiting += children.get(process, [])
    return total / os.sysconf("SC_CLK_TCK")


def measure_graph(spark: SparkSession, place: Path, edges: int, settings: IdentitySettings) -> dict[str, float]:
    """Connect once; components, processor seconds of both, and wall seconds. The job group is `graph <edges> <engine>`."""
    left, right, is_lead = graph(edges)
    nodes = len(is_lead)
    before = time.process_time()
    count, _ = connected_components(coo_array((np.ones(len(left), np.int8), (left, right)), shape=(nodes, nodes)), directed=False)
    floor = time.process_time() - before
    folder = place / f"links-{edges}"
    if not folder.exists():
        write_links(folder, left, right)
    spark.sparkContext.setJobGroup(f"graph {edges}-{settings.engine}", "components")
    began = time.monotonic()
    with processor_seconds() as spent:
        roots = connect(spark.read.parquet(str(folder)), settings)
        found = roots.where("node = root").count()
    spark.sparkContext.setJobGroup("", "")  # what is done next is not counted here
    assert found == count, f"{found} components, scipy finds {count}"
    return {"edges": len(left), "components": count, "scipy_seconds": floor, "processor_seconds": spent[0], "wall_seconds": time.monotonic() - began}


def measure_increment(spark: SparkSession, place: Path, edges: int, settings: Settings) -> tuple[int, list[tuple[Report, float]]]:
    """Resolve all but 1 % of the links, then all: how many came later, and of both runs the report and the processor seconds."""
    folder = place / f"observations-{edges}"
    more = write_observations(folder, edges)
    lake, runs = Lake(str(place / f"lake-{edges}")), []
    for turn, wanted in enumerate(("not is_more", "true")):
        rows = own_session(spark).read.parquet(str(folder)).where(wanted).select(*OBSERVATIONS.column_names)
        lake.publish(OBSERVATIONS, rows, lake.state(spark, OBSERVATIONS), {"step": "bench", "inputs": {}, "turn": turn}, rows.count())
        with processor_seconds() as spent:
            report = Runner(spark, lake, [step for step in pipeline.STEPS if step.run is resolve], settings, AS_OF, threads=1).run()
        if report.exit_code:
            raise RuntimeError(str([r.error for r in report.results]))
        runs.append((report, spent[0]))
    return more, runs


def engines(spark: SparkSession) -> tuple[str, ...]:
    """The engines of this runtime that are worth a measure."""
    return ("auto", "builtin", "graphframes") if graphframe_class(spark) else ("auto", "builtin")
