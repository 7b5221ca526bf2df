"""Connected components of any number of links, named by their smallest member; the only module that knows GraphFrames.

1. Count the links. At most `max_local_edges`: one task finds their components (Arrow and scipy, no row touches Python).
2. Else contract: each partition replaces its links by a spanning forest of stars; if those are still too many, bring each
   node's stars together by hash and contract once more.
3. Finish: in one task if what is left fits by now; else with GraphFrames, or where its jar is absent with the rounds below.
   Either way a component is called after its smallest node, so the engines give the same rows.

Counting, cutting lineage (`session.cut`) and the engines' own jobs happen here: how the work is done depends on how much there is,
what comes out does not.
"""

from __future__ import annotations

import inspect
import logging
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wayprint.identity.settings import IdentitySettings
from wayprint.session import cut, persisted

STARS = "node string, root string"
ARROW_STARS = pa.schema([("node", pa.string()), ("root", pa.string())])
LONG_STARS = pa.schema([("node", pa.large_string()), ("root", pa.large_string())])  # one array may hold more than 2 GB
FOLD_LINKS = 1 << 20  # links a partition gathers before it contracts them
LAST_ROUND = 100  # the rounds grow with the logarithm of the diameter: this is never reached
Engine = Callable[[DataFrame, DataFrame], DataFrame]  # (id), (child, parent) -> id, component
log = logging.getLogger(__name__)


def connect(links: DataFrame, settings: IdentitySettings) -> DataFrame:
    """Node and root, the smallest member of its component, for every node; a row of `links` (node, root) ties two, undirected.

    `links` are counted first: they should be held, or cheap to read again.
    """
    if settings.engine in ("auto", "local") and links.count() <= settings.max_local_edges:
        return in_one_task(links)
    stars = cut(links.mapInArrow(contract, STARS))
    left = stars.count()
    if left > settings.max_local_edges:
        stars = cut(stars.repartition("node").mapInArrow(contract, STARS))
        left = stars.count()
    engine = engine_for(stars.sparkSession, left, settings)
    return in_one_task(stars) if engine is None else with_numbers(stars, engine)


def engine_for(spark: SparkSession, left: int, settings: IdentitySettings) -> Engine | None:
    """What connects `left` links in many tasks, or None: one task can; says in one line when GraphFrames' jar is missing."""
    if settings.engine == "local" or (settings.engine == "auto" and left <= settings.max_local_edges):
        return None
    if settings.engine == "builtin":
        return in_rounds
    if graphframe_class(spark) is None:
        log.warning("identity: GraphFrames' jar is not in this session; its %d links are connected by the built-in rounds", left)
        return in_rounds
    return with_graphframes


# --- in one process: Arrow and scipy ---------------------------------------------------------------------------------


def contract(batches: Iterable[pa.RecordBatch], fold: int | None = None) -> Iterator[pa.RecordBatch]:
    """Links in, one star per node out (node, smallest node it is connected with here).

    Every `fold` links (FOLD_LINKS) are contracted as they come, so that memory grows with nodes, not links.
    """
    kept: list[pa.RecordBatch] = []
    fold = FOLD_LINKS if fold is None else fold
    rows, room = 0, fold
    for batch in batches:
        kept.append(batch)
        rows += batch.num_rows
        if rows >= room:
            kept = stars_of(kept)
            rows = sum(star.num_rows for star in kept)
            room = max(fold, 2 * rows)
    if rows:
        yield from stars_of(kept)


def stars_of(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """The components of the links, as stars: every node once, pointing at the smallest node of its component. Empties `batches`."""
    table = pa.Table.from_batches(batches).cast(LONG_STARS)
    batches.clear()  # here and below: what is no longer needed would be a third of the memory
    rows = table.num_rows
    # one array before it is encoded: to unify the dictionaries of its chunks costs their number times the nodes
    ends = pa.chunked_array(table["node"].chunks + table["root"].chunks).combine_chunks()
    del table
    ends = ends.dictionary_encode()
    names, codes = ends.dictionary, ends.indices.to_numpy()
    graph = coo_array((np.ones(rows, np.int8), (codes[:rows], codes[rows:])), shape=(len(names), len(names)))
    del ends, codes
    _, component = connected_components(graph, directed=False)
    del graph
    smallest = pa.table([component, names], names=["component", "name"]).group_by("component").aggregate([("name", "min")]).sort_by("component")
    stars = pa.table([names, smallest["name_min"].take(pa.array(component))], schema=LONG_STARS)
    return [batch.cast(ARROW_STARS) for batch in stars.to_batches(max_chunksize=1 << 16)]


def in_one_task(links: DataFrame) -> DataFrame:
    """Everything in one task, at once: there are no more links than it can hold."""
    return links.coalesce(1).mapInArrow(partial(contract, fold=sys.maxsize), STARS)


# --- in many tasks: links of 8-byte numbers --------------------------------------------------------------------------


def with_numbers(stars: DataFrame, engine: Engine) -> DataFrame:
    """The labels that `engine` finds when nodes are numbers.

    A number is a 64-bit hash of the node; should two nodes share one (a chance of 3 % at a billion nodes), all are hashed
    anew with the next salt, until none do. Strings would cost four times the shuffle, and GraphFrames' labels of strings
    change from run to run.
    """
    for salt in range(8):
        numbered = stars.select(
            "node", "root", F.xxhash64(F.lit(salt), "node").alias("left"), F.xxhash64(F.lit(salt), "root").alias("right"))
        ends = F.explode(F.array(
            F.struct(F.col("node"), F.col("left").alias("id")), F.struct(F.col("root").alias("node"), F.col("right").alias("id"))))
        names = cut(numbered.select(ends.alias("end")).select("end.node", "end.id").distinct())
        if names.agg((F.count("id") - F.count_distinct("id")).alias("lost")).first()["lost"] == 0:  # type: ignore[index]
            break
    else:
        raise RuntimeError("eight salts gave two nodes the same 64-bit number: the node ids cannot be what they should")
    edges = cut(numbered.where("left <> right").select(
        F.greatest("left", "right").alias("child"), F.least("left", "right").alias("parent")).distinct())
    named = names.join(engine(names.select("id"), edges), on="id", how="left")
    component = F.coalesce("component", "id")
    return named.select("node", F.min("node").over(Window.partitionBy(component)).alias("root"))


def in_rounds(nodes: DataFrame, edges: DataFrame) -> DataFrame:
    """Alternate large-star and small-star until nothing moves: all nodes hang on the smallest of their component.

    Kiveris, Lattanzi, Mirrokni, Rastogi, Vassilvitskii: Connected Components in MapReduce and Beyond, SoCC 2014. Gives id
    and component of every node that is not itself the smallest.
    """
    current, mark = edges, _fingerprint(edges)
    for _ in range(LAST_ROUND):
        current = cut(small_star(large_star(current)))
        before, mark = mark, _fingerprint(current)
        if before == mark:
            return current.select(F.col("child").alias("id"), F.col("parent").alias("component"))
    raise RuntimeError(f"{LAST_ROUND} rounds did not settle the components")


def large_star(edges: DataFrame) -> DataFrame:
    """Each node hands its larger neighbours to the smallest of itself and its neighbours."""
    both = F.explode(F.array(
        F.struct(F.col("child").alias("node"), F.col("parent").alias("near")),
        F.struct(F.col("parent").alias("node"), F.col("child").alias("near"))))
    smallest = F.least(F.col("node"), F.min("near").over(Window.partitionBy("node")))
    around = edges.select(both.alias("one")).select("one.*").withColumn("smallest", smallest)
    return around.where("near > node").select(F.col("near").alias("child"), F.col("smallest").alias("parent")).distinct()


def small_star(edges: DataFrame) -> DataFrame:
    """Each node hands its smaller neighbours, and itself, to the smallest of them."""
    smallest = F.min("parent").over(Window.partitionBy("child"))
    handed = F.explode(F.array(F.struct(F.col("child"), F.col("smallest")), F.struct(F.col("parent").alias("child"), F.col("smallest"))))
    moved = edges.withColumn("smallest", smallest).select(handed.alias("one"))
    return moved.select("one.child", F.col("one.smallest").alias("parent")).where("child <> parent").distinct()


def _fingerprint(edges: DataFrame) -> tuple[int, int]:
    """Equal for equal sets of edges, and by a chance of 2**-64 for others."""
    row = edges.agg(F.count(F.lit(1)).alias("edges"), F.expr("coalesce(bit_xor(xxhash64(child, parent)), 0)").alias("bits")).first()
    return (row["edges"], row["bits"])  # type: ignore[index]


# --- GraphFrames -----------------------------------------------------------------------------------------------------


def with_graphframes(nodes: DataFrame, edges: DataFrame) -> DataFrame:
    """GraphFrames' connectedComponents over number ids: id and component of every node.

    `broadcastThreshold=-1` leaves adaptive execution alone; the 0.8 line refuses it and takes the old default, which
    switches adaptive execution off for the session while it runs. That line also leaves dozens of RDDs persisted: whatever
    appeared meanwhile is released (a frame of another thread that is caught with them is computed again, not lost).
    """
    spark = nodes.sparkSession
    kind = graphframe_class(spark)
    if kind is None:
        raise RuntimeError("GraphFrames' jar is not in this session")
    context = spark.sparkContext
    if context.getCheckpointDir() is None:
        if not str(context.master).startswith("local"):
            raise RuntimeError("GraphFrames needs a checkpoint directory that all executors reach: set spark.checkpoint.dir")
        context.setCheckpointDir(tempfile.mkdtemp(prefix="wayprint-checkpoints-"))
    offered = inspect.signature(kind.connectedComponents).parameters
    modern = {"algorithm": "two_phase", "broadcastThreshold": -1, "max_iter": LAST_ROUND}
    chosen = modern if "use_local_checkpoints" in offered else {"algorithm": "graphframes", "broadcastThreshold": 1_000_000}
    graph = kind(nodes, edges.select(F.col("child").alias("src"), F.col("parent").alias("dst")))
    before = persisted(spark)
    result: DataFrame = graph.connectedComponents(checkpointInterval=2, **chosen)
    leaked = persisted(spark) - before
    components = cut(result.select("id", "component"))
    result.unpersist()
    rdds = context._jsc.getPersistentRDDs()
    for number in leaked & set(rdds.keySet()):
        if not rdds[number].isCheckpointed():
            rdds[number].unpersist()
    return components


def graphframe_class(spark: SparkSession) -> Any | None:
    """GraphFrames' Python class if both it and the jar are there, else None.

    The 0.8 line carries its Python API inside its jar, and only that one fits it: it goes before an installed graphframes-py.
    """
    inside = [path for path in sys.path if Path(path).name.startswith("graphframes-0.8")]
    if inside and "graphframes" not in sys.modules:
        sys.path.insert(0, inside[0])
    try:
        from graphframes import GraphFrame

        thread = spark.sparkContext._jvm.java.lang.Thread.currentThread()  # type: ignore[union-attr]
        thread.getContextClassLoader().loadClass("org.graphframes.GraphFramePythonAPI")
    except Exception:  # py4j's errors have no common type with ImportError
        return None
    return GraphFrame
