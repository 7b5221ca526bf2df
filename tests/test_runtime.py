"""On the second runtime (Spark 3.5) GraphFrames itself connects identities, and the chain gives the rows of the default one.

Runs under the interpreter of .venv-3.5; the rows of the default runtime are made by .venv in a process of its own, once per
state of the code.
"""

from __future__ import annotations

import os
import pickle
import subprocess

import pyspark
import pytest

from tests.laws import chain
from wayprint.lake import Lake

ON_35 = pyspark.__version__.startswith("3.5")
pytestmark = [pytest.mark.spark, pytest.mark.chain, pytest.mark.runtime35, pytest.mark.skipif(not ON_35, reason="the second runtime's own tests: run by .venv-3.5")]


def rows_of_the_default_runtime() -> dict:
    """Kept by the other runtime's tests if the code did not change since; else made by a run of its interpreter."""
    if not chain.kept_rows().exists():
        python = chain.ROOT / ".venv" / "bin" / "python"
        assert python.exists(), f"{python} is not there: run `make setup`"
        environment = {k: v for k, v in os.environ.items() if k != "WAYPRINT_JARS" and not k.startswith("PYSPARK")}
        subprocess.run([str(python), "-m", "tests.laws.chain"], cwd=chain.ROOT, env=environment, check=True)
    return pickle.loads(chain.kept_rows().read_bytes())


def test_the_whole_chain_with_graphframes_gives_the_rows_of_the_default_runtime(spark, world, tmp_path, caplog):
    settings = chain.chain_settings().replace("identity", engine="graphframes")
    with caplog.at_level("WARNING"):
        chain.run(spark, world.raw, tmp_path / "lake", world.as_of, settings)
    assert "GraphFrames' jar is not in this session" not in caplog.text
    assert chain.differences(rows_of_the_default_runtime(), chain.tables(spark, Lake(str(tmp_path / "lake"))), tolerance=1e-9) == []
