"""What a run needs, looked at one by one: found, and the cure where it is not as it must be."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wayprint.contracts import BadConfiguration
from wayprint.session import DELTA_PACKAGES, RUNTIME, jars_folder

Verdict = Literal["ok", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    subject: str
    found: str
    cure: str = ""


def examine(lake: str, env: str, conf: str | None) -> list[Finding]:
    """All findings; a run works if none is bad."""
    return [_python(), _java(), _worker_python(), *_versions(), *_jars(), *_keys(), *_settings(env, conf), _lake(lake), _models(lake)]


def _python() -> Finding:
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Finding(
        "ok" if found == "3.11" else "bad",
        "Python",
        found,
        "" if found == "3.11" else "use Python 3.11: the pinned packages are resolved for it",
    )


def _java() -> Finding:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home) / "bin" / "java")) if home else shutil.which("java")
    if not java:
        return Finding(
            "bad",
            "Java",
            "none on PATH" if not home else f"JAVA_HOME={home} has none",
            "install a JDK 17, e.g. `apt-get install openjdk-17-jre-headless`",
        )
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    number = re.search(r'version "(\d+)', said)
    major = int(number[1]) if number else 0
    fits = major in (17, 21) or (major in (8, 11) and RUNTIME == "3.5")
    return Finding(
        "ok" if fits else "bad", "Java", f"{major} ({java})", "" if fits else "Spark 4 runs on Java 17 or 21; set JAVA_HOME to one"
    )


def _worker_python() -> Finding:
    told = os.environ.get("PYSPARK_PYTHON")
    if told is None or Path(shutil.which(told) or told).resolve() == Path(sys.executable).resolve():
        return Finding("ok", "worker Python", told or f"{sys.executable} (set by wayprint)")
    return Finding(
        "note",
        "worker Python",
        f"PYSPARK_PYTHON={told}",
        f"on one machine unset it: workers then use {sys.executable}, which has the packages",
    )


def _versions() -> list[Finding]:
    findings = []
    delta = importlib.metadata.version("delta-spark")
    pairs = {"4.1": "4.4.0", "3.5": "3.3.3"}
    if RUNTIME not in pairs:
        return [Finding("bad", "pyspark", importlib.metadata.version("pyspark"), "wayprint runs on Spark 4.1 and 3.5")]
    findings.append(Finding("ok", "pyspark", importlib.metadata.version("pyspark")))
    fits = delta == pairs[RUNTIME]
    findings.append(
        Finding(
            "ok" if fits else "bad",
            "delta-spark (Python)",
            delta,
            "" if fits else f"with Spark {RUNTIME} install delta-spark=={pairs[RUNTIME]}",
        )
    )
    for package in ("mlflow", "scikit-learn", "pandas", "pyarrow", "numpy"):
        findings.append(Finding("ok", package, importlib.metadata.version(package)))
    return findings


def _jars() -> list[Finding]:
    folder = jars_folder()
    names = [jar.name for jar in folder.glob("*.jar")]
    _, artifact, version = DELTA_PACKAGES.get(RUNTIME, "::").split(":")
    delta = [n for n in names if "delta-spark" in n]
    if not delta:
        return [Finding("bad", "Delta jar", f"none in {folder}", "run `wayprint jars`, or set WAYPRINT_JARS")]
    fits = any(artifact in n and version in n for n in delta)
    findings = [
        Finding(
            "ok" if fits else "bad",
            "Delta jar",
            ", ".join(delta),
            "" if fits else f"it must be {artifact}-{version}: empty {folder} and run `wayprint jars`",
        )
    ]
    if any("graphframes" in n for n in names):
        findings.append(Finding("ok", "GraphFrames jar", next(n for n in names if "graphframes" in n)))
    else:
        findings.append(
            Finding(
                "note", "GraphFrames jar", f"none for Spark {RUNTIME}", "identity uses the built-in engine; `wayprint jars` tries again"
            )
        )
    return findings


def _keys() -> list[Finding]:
    from wayprint.sources.keys import Keys

    try:
        Keys.from_environment()
    except BadConfiguration as error:
        return [Finding("bad", "keys", "unusable", str(error))]
    return [Finding("ok", "keys", "WAYPRINT_HASH_KEY and WAYPRINT_VAULT_KEY are set")]


def _settings(env: str, conf: str | None) -> list[Finding]:
    from wayprint import pipeline
    from wayprint.settings import load

    try:
        settings = load(pipeline.SECTIONS, env, Path(conf) if conf else None)
    except BadConfiguration as error:
        return [Finding("bad", "settings", "unusable", str(error))]
    return [Finding("ok", "settings", f"{settings.folder} ({env})")]


def _lake(lake: str) -> Finding:
    from wayprint.lake import Lake, LakeUnusable

    root = Lake(lake)
    if root.folder is None:
        return Finding("note", "lake", f"{lake}: not a local folder", "access is tried by the run itself")
    try:
        probe = root.side_folder("_wayprint") / "probe"
        probe.write_text("")
        probe.unlink()
    except (LakeUnusable, OSError) as error:
        return Finding("bad", "lake", str(error), "give --lake a folder that you may write")
    return Finding("ok", "lake", str(root.folder))


def _models(lake: str) -> Finding:
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri and uri.startswith(("http://", "https://", "sqlite:", "databricks", "postgresql", "mysql")):
        return Finding("ok", "MLflow store", uri)
    if uri:
        return Finding(
            "bad",
            "MLflow store",
            uri,
            "MLflow 3 takes sqlite:///..., a database or a server; unset MLFLOW_TRACKING_URI for a SQLite file in the lake",
        )
    return Finding("ok", "MLflow store", f"SQLite in {lake}/_mlflow")
