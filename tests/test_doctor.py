"""The doctor: what is missing or does not fit is named with its cure, and counts against a run."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from wayprint import doctor


def found(lake: str, subject: str) -> doctor.Finding:
    (finding,) = [one for one in doctor.examine(lake, "test", None) if one.subject == subject]
    return finding


def test_this_machine_would_run(tmp_path: Path) -> None:
    assert [one for one in doctor.examine(str(tmp_path / "lake"), "test", None) if one.verdict == "bad"] == []


def test_a_bare_word_is_a_folder_that_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert found("lake", "lake") == doctor.Finding("ok", "lake", str(tmp_path / "lake"))
    (tmp_path / "file").write_text("")
    assert found("file", "lake").verdict == "bad"


@pytest.mark.parametrize(("worker", "told"), [("/nonexistent/python3.9", "no such program"), ("/bin/false", "it fails")])
def test_workers_that_cannot_work_are_bad(worker: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", worker)
    finding = found(str(tmp_path), "worker Python")
    assert (finding.verdict, told in finding.found) == ("bad", True)


def test_workers_of_another_python_are_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python").write_text(f"#!/bin/sh\n{sys.executable} -c 'print(3.9)'\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setenv("PYSPARK_PYTHON", str(tmp_path / "python"))
    assert "3.9, the driver's is 3.11" in found(str(tmp_path), "worker Python").found


def test_packages_that_are_absent_or_others_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true_version = importlib.metadata.version

    def version(name: str) -> str:
        if name == "mlflow":
            raise importlib.metadata.PackageNotFoundError(name)
        return {"delta-spark": "1.0", "pandas": "9.9"}.get(name) or true_version(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    told = {one.subject: one for one in doctor.examine(str(tmp_path), "test", None)}
    assert {name: told[name].verdict for name in ("mlflow", "delta-spark", "pandas", "numpy")} == {
        "mlflow": "bad", "delta-spark": "bad", "pandas": "note", "numpy": "ok"}
    assert "mlflow==" in told["mlflow"].cure


@pytest.mark.parametrize("lake", ["s3a://bucket/lake", "catalog:shop"])
def test_a_lake_that_cannot_hold_the_models_asks_for_a_server(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert "MLFLOW_TRACKING_URI" in found(lake, "MLflow store").cure
