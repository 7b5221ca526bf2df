"""Where it runs: spark-submit with separate executors, a notebook, other readers of the lake."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.laws import chain
from wayprint.bundle import bundle
from wayprint.lake import Lake
from wayprint.pipeline import JOBS
from wayprint.session import jars_folder

ROOT = chain.ROOT
pytestmark = [pytest.mark.spark, pytest.mark.chain]


def test_every_job_has_its_file_and_every_step_its_job():
    files = {p.stem for p in (ROOT / "jobs").glob("*.py")}
    assert files == set(JOBS)


def test_spark_submit_with_separate_executors_runs_a_job_from_the_zip(world, tmp_path):
    """local[N] hides what executors lack: here they are processes of their own and have the zip only."""
    archive = bundle(tmp_path / "wayprint.zip")
    submit = Path(sys.executable).parent / "spark-submit"
    jars = ",".join(str(j) for j in sorted(jars_folder().glob("*.jar")))
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": "", "SPARK_LOCAL_IP": "127.0.0.1"}
    raw = tmp_path / "raw"
    for file in [*sorted((world.raw / "snowplow_web").glob("*.gz"))[:3], *sorted((world.raw / "crm_contacts").glob("*.csv"))[:1]]:
        target = raw / file.relative_to(world.raw)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    done = subprocess.run(
        [str(submit), "--master", "local-cluster[2,1,1024]", "--driver-memory", "1g", "--conf", "spark.executor.memory=1g", "--conf", "spark.ui.enabled=false",
         "--conf", "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
         "--conf", "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog", "--jars", jars, "--py-files", str(archive),
         str(ROOT / "jobs" / "ingest.py"), "--raw", str(raw), "--lake", str(tmp_path / "lake"), "--as-of", world.as_of.isoformat(), "--env", "test", "--json"],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    from deltalake import DeltaTable

    assert DeltaTable(str(tmp_path / "lake" / "silver" / "events")).to_pyarrow_table().num_rows > 50


@pytest.mark.parametrize(("notebook", "words"), [
    ("01_first_look", "one row is one person, known or anonymous"), ("02_who_is_who", "links believed")])
def test_a_notebook_reads_the_lake_of_the_demo_through_the_contracts(notebook, words, baseline, monkeypatch, capsys, spark, tmp_path):
    """Executed as it stands, with the keys that the demo made; its engine shares this process's session, so closing it is held back."""
    from wayprint.engine import Engine

    (tmp_path / "demo/world").mkdir(parents=True)
    (tmp_path / "demo/world/lake").symlink_to(baseline.lake)
    names = ("WAYPRINT_HASH_KEY", "WAYPRINT_VAULT_KEY")
    (tmp_path / "demo/keys.env").write_text("".join(f"{name}={os.environ[name]}\n" for name in names))
    for name in names:
        monkeypatch.delenv(name)
    monkeypatch.setattr(Engine, "close", lambda self: None)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "notebooks" / f"{notebook}.py"))
    assert words in capsys.readouterr().out


def test_other_tools_read_gold_as_spark_does(baseline, spark):
    import duckdb
    from deltalake import DeltaTable

    lake = Lake(str(baseline.lake))
    for name in ("persons", "journeys", "channel_credits", "returns", "lifecycle", "kpis"):
        rows = DeltaTable(f"{baseline.lake}/gold/{name}").to_pyarrow_table()
        assert rows.num_rows == len(baseline.rows[name]), name
        assert duckdb.sql("select count(*) from rows").fetchall() == [(len(baseline.rows[name]),)]
    revenue = DeltaTable(f"{baseline.lake}/gold/conversions").to_pyarrow_table()  # noqa: F841 (read by name below)
    by_duck = duckdb.sql("select sum(revenue_amount) from revenue").fetchall()[0][0]
    assert by_duck == sum(r[chain.ALL["conversions"].column_names.index("revenue_amount")] for r in baseline.rows["conversions"])
    assert lake.state(spark, chain.ALL["persons"]).version is not None


def test_report_and_exports_are_made_from_the_lake(baseline, world, spark):
    engine = chain.Engine(spark, Lake(str(baseline.lake)), chain.chain_settings())
    assert engine.run(world.as_of, steps=JOBS["report"]).results == [], "the job of the report has no step"
    page, sentences = engine.report(world.as_of, world.truth)
    assert len(sentences) == 5
    assert page.stat().st_size < 6_000_000
    manifests = engine.exports(world.as_of)
    assert {m["destination"] for m in manifests} == {"google_customer_match", "meta_custom_audience"}
    assert all(m["persons_in"] == m["persons_written"] + m["persons_rejected"] for m in manifests)
    clear = [p for p in (Path(baseline.lake) / "exports").rglob("*") if p.is_file() and b"@" in p.read_bytes()]
    assert clear == []
