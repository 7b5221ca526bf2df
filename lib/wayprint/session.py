"""The only module that builds a SparkSession, and the only one that knows what the runtime can do.

Two runtimes are supported: Spark 4.1 (default) and 3.5. Jars come, in this order, from `WAYPRINT_JARS` (a folder), from
the folder that `wayprint jars` resolved once, or from `--packages` of a spark-submit that started us.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyspark
from pydantic import BaseModel, ConfigDict
from pyspark.sql import DataFrame, SparkSession

RUNTIME = ".".join(pyspark.__version__.split(".")[:2])

DELTA_PACKAGES = {"4.1": "io.delta:delta-spark_4.1_2.13:4.4.0", "3.5": "io.delta:delta-spark_2.12:3.3.3"}
GRAPHFRAMES_PACKAGES = {"4.1": "io.graphframes:graphframes-spark4_2.13:0.12.3"}


class SparkSettings(BaseModel):
    """Size and speed of the session; nothing here changes a row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    master: str
    driver_memory: str
    shuffle_partitions: int
    driver_java_options: str
    adaptive: bool
    threads: int


@dataclass(frozen=True)
class Runtime:
    """What this session can do."""

    spark: str
    has_graphframes: bool


def jars_folder() -> Path:
    """Where the jars of this runtime are looked for: `WAYPRINT_JARS`, else `.cache/jars-<runtime>` beside the project."""
    if told := os.environ.get("WAYPRINT_JARS"):
        return Path(told)
    return Path(os.environ.get("WAYPRINT_CACHE", Path(__file__).parents[2] / ".cache")) / f"jars-{RUNTIME}"


def submitted() -> bool:
    """Are we inside a JVM that spark-submit started? Then master, memory and jars are its arguments, not ours."""
    return "PYSPARK_GATEWAY_PORT" in os.environ or SparkSession.getActiveSession() is not None


def session(settings: SparkSettings, app: str = "wayprint") -> SparkSession:
    """The session of this process: Delta on, UTC, ANSI, Arrow, workers on the driver's interpreter.

    Under spark-submit only the SQL settings are ours. Raises RuntimeError with the cure when the Delta jars are absent.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName(app)
    if not submitted():
        jars = sorted(jars_folder().glob("*.jar"))
        if not any("delta-spark" in jar.name for jar in jars):
            raise RuntimeError(
                f"no Delta jar in {jars_folder()} for Spark {RUNTIME}: run `wayprint jars`, or set WAYPRINT_JARS to a folder that has "
                f"{DELTA_PACKAGES.get(RUNTIME, 'the delta-spark jar of your runtime')} with its dependencies")
        builder = (
            builder.master(settings.master)
            .config("spark.driver.memory", settings.driver_memory)
            .config("spark.jars", ",".join(str(jar) for jar in jars))
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={tempfile.gettempdir()} {settings.driver_java_options}")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
        )
        for jar in jars:  # the 0.8 line of GraphFrames carries its Python API inside the jar, and only that one fits
            if jar.name.startswith("graphframes-0.8") and str(jar) not in sys.path:
                sys.path.insert(0, str(jar))
    options = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.adaptive.enabled": str(settings.adaptive).lower(),
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.sql.codegen.cache.maxEntries": "5000",  # a run compiles over a thousand classes; with Spark's 100 a third of it was compiling again
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        "spark.databricks.delta.snapshotPartitions": "2",
        # Delta remembers ten thousand tables for an hour, each with the plans of its state: 1.4 MB. Two lakes are enough.
        "spark.databricks.delta.delta.log.cacheSize": "120",
        "spark.cleaner.referenceTracking.cleanCheckpoints": "true",
        # Where in our code each column expression was written is looked up for error messages: half the cost of writing one.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        "spark.sql.dataFrameQueryContext.enabled": "false",
        "spark.executorEnv.OMP_NUM_THREADS": "1",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    _remember_classes(spark)
    return spark


def _remember_classes(spark: SparkSession) -> None:
    """Look the JVM's function classes up once: every column expression asks for them by name, and each asking searches all jars."""
    jvm = spark.sparkContext._jvm
    for name in ("functions", "org.apache.spark.sql.functions", "PythonSQLUtils", "PythonUtils"):
        setattr(jvm, name, getattr(jvm, name))


def own_session(spark: SparkSession) -> SparkSession:
    """A session for one step: same context and jars, its own settings, active in this thread.

    Commit metadata travels in session settings, which threads of one session would share.
    """
    own = spark.newSession()
    jvm = own.sparkContext._jvm
    find = getattr(SparkSession, "_get_j_spark_session_class", lambda jvm: jvm.SparkSession)
    find(jvm).setActiveSession(own._jsparkSession)
    return own


def runtime(spark: SparkSession) -> Runtime:
    """What the running session has: GraphFrames counts only if both its Python API and its jar are there."""
    has_api = importlib.util.find_spec("graphframes") is not None
    loader = spark.sparkContext._jvm.java.lang.Thread.currentThread().getContextClassLoader()  # type: ignore[union-attr]
    try:
        loader.loadClass("org.graphframes.GraphFramePythonAPI")
        has_jar = True
    except Exception:
        has_jar = False
    return Runtime(spark=spark.version, has_graphframes=has_api and has_jar)


def cut(frame: DataFrame) -> DataFrame:
    """The same rows, computed now, with a plan that no longer says how.

    A plan that grows with every step is printed, analysed and compared again by every later one: rounds over it soon cost
    more on the driver than on the executors. The rows live on the executors' disks and memory until nothing refers to them
    any more; an executor lost before fails the step, which is then run again.
    """
    return frame.localCheckpoint()


def anything(frame: DataFrame) -> bool:
    """Whether there is a row: a first run has no history to compare with, and need not be planned as if it had."""
    return bool(frame.head(1))


def persisted(spark: SparkSession) -> set[int]:
    """Numbers of the RDDs that the context holds."""
    return set(spark.sparkContext._jsc.getPersistentRDDs().keySet())
