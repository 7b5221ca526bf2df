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
from wayprint.registry import Registry
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
    found, cure = f"PYSPARK_PYTHON={told}", f"on one machine unset it: workers then use {sys.executable}, which has the packages"
    if not (path := shutil.which(told)):
        return Finding("bad", "worker Python", f"{found}: no such program", cure)
    ask = "import sys, numpy, pandas, pyarrow, scipy; print('%d.%d' % sys.version_info[:2])"
    said = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""})
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if said.returncode:
        return Finding("bad", "worker Python", f"{found}: {(said.stderr.strip().splitlines() or ['it fails'])[-1]}", cure)
    if said.stdout.strip() != here:
        return Finding("bad", "worker Python", f"{found}: {said.stdout.strip()}, the driver's is {here}", cure)
    return Finding("note", "worker Python", found, cure)


def _versions() -> list[Finding]:
    needed = {"4.1": {"delta-spark": "4.4.0"}, "3.5": {"delta-spark": "3.3.3"}}.get(RUNTIME)
    if needed is None:
        return [Finding("bad", "pyspark", importlib.metadata.version("pyspark"), "wayprint runs on Spark 4.1 and 3.5")]
    tested = _tested_versions()
    names = ["pyspark", "delta-spark", *(["graphframes-py"] if RUNTIME == "4.1" else []), "mlflow", "scikit-learn", "pandas", "pyarrow", "numpy", "scipy", "splink"]
    return [_version(name, needed.get(name), tested.get(name)) for name in names]


def _version(name: str, needed: str | None, tested: str | None) -> Finding:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        if name == "graphframes-py":
            return Finding("note", name, "not installed", f"identity.engine: graphframes needs it: pip install {name}=={tested}")
        return Finding("bad", name, "not installed", f"pip install {name}" + (f"=={needed or tested}" if needed or tested else ""))
    if needed and found != needed:
        return Finding("bad", name, found, f"with Spark {RUNTIME} install {name}=={needed}")
    if tested and found != tested:
        return Finding("note", name, found, f"tested with {tested}: pip install {name}=={tested}")
    return Finding("ok", name, found)


def _tested_versions() -> dict[str, str]:
    """The pins of the constraints files; nothing where the package was installed without them."""
    root = Path(__file__).parents[2]
    files = [root / "constraints.txt", *([root / "constraints-3.5.txt"] if RUNTIME == "3.5" else [])]
    lines = [line.strip() for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines()]
    return dict(line.split("==", 1) for line in lines if "==" in line and not line.startswith("#"))


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

    try:
        root = Lake(lake)
        if root.folder is None:
            return Finding("note", "lake", f"{lake}: not a local folder", "access is tried by the run itself")
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
    try:
        return Finding("ok", "MLflow store", Registry.open(lake, {}).uri)
    except RuntimeError as error:
        return Finding("bad", "MLflow store", "none", str(error))
