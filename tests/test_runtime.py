"""On the second runtime (Spark 3.5) GraphFrames itself connects identities, and the chain gives the rows of the default one.

Runs under the interpreter of .venv-3.5; the rows of the default runtime are made by .venv in a process of its own, once per
state of the code.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
from pathlib import Path

import pyspark
import pytest
from wayprint.lake import Lake

from tests.laws import chain

ON_35 = pyspark.__version__.startswith("3.5")
pytestmark = [pytest.mark.spark, pytest.mark.chain, pytest.mark.runtime35, pytest.mark.skipif(not ON_35, reason="the second runtime's own tests: run by .venv-3.5")]


def rows_of_the_default_runtime() -> dict:
    """From the cache if the code did not change since; else by a run of the default runtime's interpreter."""
    cache = Path(os.environ.get("WAYPRINT_CACHE", chain.ROOT / ".cache"))
    code = hashlib.sha256()
    for path in sorted([*(chain.ROOT / "lib").rglob("*.py"), *(chain.ROOT / "conf").rglob("*.yaml"), Path(chain.__file__)]):
        code.update(path.read_bytes())
    file = cache / f"chain-{code.hexdigest()[:16]}.pickle"
    if not file.exists():
        python = chain.ROOT / ".venv" / "bin" / "python"
        assert python.exists(), f"{python} is not there: run `make setup`"
        environment = {k: v for k, v in os.environ.items() if k != "WAYPRINT_JARS" and not k.startswith("PYSPARK")}
        subprocess.run([str(python), "-m", "tests.laws.chain", str(file)], cwd=chain.ROOT, env=environment, check=True)
    return pickle.loads(file.read_bytes())


def test_the_whole_chain_with_graphframes_gives_the_rows_of_the_default_runtime(spark, tmp_path, caplog):
    as_of = chain.small_world(tmp_path)
    settings = chain.chain_settings().replace("identity", engine="graphframes")
    with caplog.at_level("WARNING"):
        chain.run(spark, tmp_path / "raw", tmp_path / "lake", as_of, settings)
    assert "GraphFrames' jar is not in this session" not in caplog.text
    assert chain.differences(rows_of_the_default_runtime(), chain.tables(spark, Lake(str(tmp_path / "lake"))), tolerance=1e-9) == []
