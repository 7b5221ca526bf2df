"""Connected components alone, at any number of links, against scipy on ready-made numbers in the same run.

The graph: persons of two to twelve identifiers tied like stars with a few more links, and one path of 2,000 devices, the worst that
renewed cookies make. Processor time is that of this process, the JVM and its Python workers; scipy's is of the same links as integers,
without reading, hashing or naming anything: a floor that no engine on strings can reach.
"""

from __future__ import annotations

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

from wayprint.identity.components import connect, graphframe_class
from wayprint.identity.settings import IdentitySettings
from wayprint.world.bulk import digests

PATH = 2_000
PER_FILE = 1_000_000


def graph(edges: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, int]:
    """Two ends of each link, and the number of nodes."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 13, edges // 6)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    nodes = np.arange(int(sizes.sum()))
    leaves = nodes[nodes != first[owner]]
    leads = first[owner[leaves]]
    again = rng.integers(0, len(leaves), max(edges - len(leaves) - PATH, 0))
    path = np.arange(len(nodes), len(nodes) + PATH)
    return np.concatenate([leads, leaves[again], path[:-1]]), np.concatenate([leaves, leads[again], path[1:]]), len(nodes) + PATH


def write_links(folder: Path, left: np.ndarray, right: np.ndarray) -> None:
    """The links as files of two columns of 32 hexadecimal characters, in random order."""
    folder.mkdir(parents=True)
    order = np.random.default_rng(2).permutation(len(left))
    for number, start in enumerate(range(0, len(order), PER_FILE)):
        some = order[start : start + PER_FILE]
        ends = [digests(end[some].astype(np.uint64), 7, 1) for end in (left, right)]
        pq.write_table(pa.table(ends, names=["node", "root"]), folder / f"part-{number:03d}.parquet")


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
    left, right, nodes = graph(edges)
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
    assert found == count, f"{found} components, scipy finds {count}"
    return {"edges": len(left), "components": count, "scipy_seconds": floor, "processor_seconds": spent[0], "wall_seconds": time.monotonic() - began}


def engines(spark: SparkSession) -> tuple[str, ...]:
    """The engines of this runtime that are worth a measure."""
    return ("auto", "builtin", "graphframes") if graphframe_class(spark) else ("auto", "builtin")
