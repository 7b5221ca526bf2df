"""The lake: where its root is, and what counts as a difference between the rows of one key."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

from wayprint.contracts import Table, col
from wayprint.lake import Lake, LakeUnusable, _difference
from wayprint.session import own_session
from wayprint.tables import ALL

THINGS = Table("things", layer="silver", grain="one thing", key=("id",), owner="tests", columns=(
    col("id", "long", "number"), col("one", "string", "text or null"), col("other", "string", "text or null"), col("words", "array<string>", "words"),
    col("steps", "array<struct<at:timestamp,to:string,by:string>>", "where it went")))
AT = dt.datetime(2026, 1, 1, 12, 0, 0, 1)


def publish(spark: Any, lake: Lake, *rows: tuple[Any, ...]) -> tuple[int, int, int]:
    frame = own_session(spark).createDataFrame(list(rows), THINGS.ddl)
    state = lake.state(spark, THINGS)
    done = lake.publish(THINGS, frame, state, {"step": "hand", "turn": state.version}, len(rows))
    return done.inserted, done.updated, done.deleted


@pytest.mark.parametrize("root", ["lake", "lake2026", "my.lake", "./lake", "a/b.c"])
def test_a_bare_word_is_a_folder_whether_it_is_there_or_not(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lake = Lake(root)
    assert (lake.folder, lake.by_name) == ((tmp_path / root).absolute(), False)
    assert lake.path(THINGS) == f"{tmp_path / root}/silver/things"


@pytest.mark.parametrize(("root", "path"), [("catalog:shop", "shop.silver_things"), ("catalog:main.shop", "main.shop.silver_things")])
def test_a_schema_is_named_as_one(root: str, path: str) -> None:
    lake = Lake(root)
    assert (lake.folder, lake.by_name, lake.path(THINGS)) == (None, True, path)


@pytest.mark.parametrize("root", ["catalog:", "catalog:a/b", "catalog:a.b.c"])
def test_a_schema_that_is_none_is_told(root: str) -> None:
    with pytest.raises(LakeUnusable, match="comes a schema"):
        Lake(root)


# Each differs from its neighbours by what is null alone, or by a microsecond inside a list.
VARIANTS = [
    ("a", None, None, None), (None, "a", None, None), (None, None, ["a"], None), (None, None, [], None), (None, None, None, None), (None, None, ["a", None], None),
    (None, None, [None, "a"], None), (None, None, None, []), (None, None, None, [(AT, "x", None)]), (None, None, None, [(AT, None, "x")]),
    (None, None, None, [(None, "x", None)]), (None, None, None, [(AT.replace(microsecond=2), "x", None)]), (None, None, None, [None]), ("", None, None, None)]


@pytest.mark.spark
def test_a_value_that_moves_between_columns_that_may_be_null_is_a_change(spark: Any) -> None:
    """Every variant in place of every other, side by side."""
    pairs = [(number, one, other) for number, (one, other) in enumerate(itertools.product(VARIANTS, VARIANTS))]
    standing, rows = (spark.createDataFrame([(number, *pair[side]) for number, *pair in pairs], THINGS.ddl) for side in (0, 1))
    moved = {r.id: r.op for r in _difference(THINGS, rows, standing).collect()}
    assert moved == {number: "update" for number, one, other in pairs if one != other}


@pytest.mark.spark
def test_a_schema_of_a_metastore_holds_a_lake(spark: Any) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS shop")
    lake = Lake("catalog:shop")
    try:
        assert lake.state(spark, THINGS).version is None
        assert publish(spark, lake, *((n, "a", None, None, None) for n in range(9))) == (9, 0, 0)
        assert publish(spark, lake, *((n, "b" if n == 3 else "a", None, None, None) for n in range(1, 10))) == (1, 1, 1)
        state = lake.state(spark, THINGS)
        assert state.rows == lake.read(spark, THINGS, state.version).count() == 9
        moved = lake.changed_rows(spark, THINGS, state, 0, state.version)
        assert sorted((r.id, r.one) for r in moved.collect()) == [(0, "a"), (3, "a"), (3, "b"), (9, "a")]
    finally:
        spark.sql("DROP SCHEMA shop CASCADE")


@pytest.mark.spark
def test_a_table_that_is_not_there_is_no_rows_to_every_plan(spark: Any, tmp_path: Path) -> None:
    """All columns and types as promised, and no work left in a plan that joins it."""
    for table in ALL.values():
        missing = Lake(str(tmp_path / "lake")).read(spark, table, None)
        assert [(f.name, f.dataType.simpleString()) for f in missing.schema] == [(c.name, c.type.replace("long", "bigint")) for c in table.columns]
    joined = spark.range(5).join(missing, F.lit(True), how="inner")
    assert "LocalRelation <empty>" in joined._jdf.queryExecution().optimizedPlan().toString()
    assert joined.count() == 0
