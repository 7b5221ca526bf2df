"""What the log of a local table says is live, against Delta's own reader."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import functions as F

from wayprint import delta_log
from wayprint.contracts import Table, col
from wayprint.lake import Lake

pytestmark = pytest.mark.spark
THINGS = Table("things", layer="silver", grain="one thing", key=("id",), owner="tests", columns=(
    col("id", "long", "number"), col("word", "string", "any text"), col("spent", "decimal(18,2)", "money"), col("tags", "array<string>", "words")))


class Shelf:
    """A table that a test changes as anybody with Delta may."""

    def __init__(self, spark: Any, root: Path):
        self.spark, self.lake = spark, Lake(str(root))
        self.path = Path(self.lake.path(THINGS))

    def write(self, numbers: range, mode: str = "append", **options: str) -> None:
        rows = self.spark.range(numbers.start, numbers.stop).select(
            "id", F.concat(F.lit("wörd "), "id").alias("word"), (F.col("id") / 4).cast("decimal(18,2)").alias("spent"), F.array(F.lit("a"), F.lit(None)).alias("tags"))
        rows.repartition(2).write.format("delta").mode(mode).options(**options).save(str(self.path))

    @property
    def table(self) -> Any:
        return DeltaTable.forPath(self.spark, str(self.path))

    def alter(self, **properties: str) -> None:
        told = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
        self.spark.sql(f"ALTER TABLE delta.`{self.path}` SET TBLPROPERTIES ({told})")

    def read_both(self, version: int) -> tuple[Any, Any]:
        with_delta = self.spark.read.format("delta").option("versionAsOf", version).load(str(self.path))
        return self.lake.read(self.spark, THINGS, version), with_delta


def same(one: Any, other: Any) -> bool:
    return one.schema == other.schema and sorted(map(repr, one.collect())) == sorted(map(repr, other.collect()))


def test_every_version_of_a_table_has_the_rows_that_delta_reads(spark: Any, tmp_path: Path) -> None:
    shelf, rng = Shelf(spark, tmp_path / "my lake, 100 %"), random.Random(3)
    shelf.write(range(20), "overwrite")
    shelf.write(range(20, 30))
    shelf.table.delete("id % 3 = 0")
    patch = spark.range(25, 40).withColumn("word", F.lit("new"))
    shelf.table.alias("old").merge(patch.alias("new"), "old.id = new.id").whenMatchedUpdate(set={"word": "new.word"}).whenNotMatchedInsert(
        values={"id": "new.id", "word": "new.word"}).execute()
    shelf.table.optimize().executeCompaction()
    shelf.write(range(rng.randrange(5, 9)), "overwrite", overwriteSchema="true")
    shelf.table.delete("true")
    shelf.write(range(3))
    last = shelf.lake.state(spark, THINGS).version
    assert last == 7
    for version in range(last + 1):
        ours, deltas = shelf.read_both(version)
        assert delta_log.files(shelf.path, version) is not None
        assert same(ours, deltas), version
    assert ours.count() == 3


def test_a_column_added_later_is_null_in_older_files(spark: Any, tmp_path: Path) -> None:
    shelf = Shelf(spark, tmp_path)
    shelf.write(range(4), "overwrite")
    spark.range(4, 6).withColumn("extra", F.lit(1.5)).write.format("delta").mode("append").option("mergeSchema", "true").save(str(shelf.path))
    ours, deltas = shelf.read_both(1)
    assert "extra" in ours.columns
    assert same(ours, deltas)


@pytest.mark.parametrize("properties", [
    {"delta.enableDeletionVectors": "true"}, {"delta.columnMapping.mode": "name", "delta.minReaderVersion": "2", "delta.minWriterVersion": "5"}])
def test_a_table_that_needs_a_newer_reader_is_left_to_delta(spark: Any, tmp_path: Path, properties: dict[str, str]) -> None:
    shelf = Shelf(spark, tmp_path)
    shelf.write(range(20), "overwrite")
    shelf.alter(**properties)
    if "delta.columnMapping.mode" in properties:
        spark.sql(f"ALTER TABLE delta.`{shelf.path}` RENAME COLUMN word TO said")
    shelf.table.delete("id = 7")
    version = shelf.lake.state(spark, THINGS).version
    ours, deltas = shelf.read_both(version)
    assert delta_log.files(shelf.path, version) is None
    assert same(ours, deltas)
    assert ours.count() == 19


def test_partitions_patterns_many_files_and_a_shortened_log_are_left_to_delta(spark: Any, tmp_path: Path) -> None:
    parted = Shelf(spark, tmp_path / "parted")
    spark.range(4).withColumn("word", F.lit("a")).write.format("delta").partitionBy("word").save(str(parted.path))
    assert delta_log.files(parted.path, 0) is None
    pattern = Shelf(spark, tmp_path / "[a]*")
    pattern.write(range(4), "overwrite")
    assert delta_log.files(pattern.path, 0) is None
    many = Shelf(spark, tmp_path / "many")
    spark.range(100).repartition(40).write.format("delta").save(str(many.path))
    assert delta_log.files(many.path, 0) is None
    old = Shelf(spark, tmp_path / "old")
    for turn in range(3):
        old.write(range(turn, turn + 1), "append", **{"delta.checkpointInterval": "2"})
    (old.path / "_delta_log" / f"{0:020d}.json").unlink()
    assert delta_log.files(old.path, 2) is None
    assert same(*old.read_both(2))


def test_a_local_root_is_local_whatever_file_system_is_the_clusters_own(spark: Any, tmp_path: Path) -> None:
    hadoop, lake = spark.sparkContext._jsc.hadoopConfiguration(), Lake(str(tmp_path / "lake"))
    own = hadoop.get("fs.defaultFS")
    hadoop.set("fs.defaultFS", "hdfs://nowhere.invalid:1")
    try:
        for turn, numbers in enumerate((range(10), range(12), range(1, 12))):  # creates, appends, merges
            rows = spark.range(numbers.start, numbers.stop).selectExpr("id", "'a' as word", "cast(1 as decimal(18,2)) as spent", "array('b') as tags")
            lake.publish(THINGS, rows, lake.state(spark, THINGS), {"step": "hand", "turn": turn}, len(numbers))
        state = lake.state(spark, THINGS)
        assert sorted(r.id for r in lake.read(spark, THINGS, state.version).collect()) == list(range(1, 12))
        moved = lake.changed_keys(spark, THINGS, state, 0, 2, "id")
        assert sorted(r.id for r in moved.collect()) == [0, 10, 11]
    finally:
        hadoop.set("fs.defaultFS", own)


def test_a_log_longer_than_is_read_whole_is_left_to_delta(tmp_path: Path) -> None:
    assert delta_log.files(tmp_path, delta_log.MOST_COMMITS) is None


def test_the_path_of_a_file_is_read_as_the_protocol_writes_it(tmp_path: Path) -> None:
    schema = '{\\"type\\":\\"struct\\",\\"fields\\":[]}'
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "_delta_log" / f"{0:020d}.json").write_text(
        f'{{"metaData":{{"schemaString":"{schema}","partitionColumns":[]}}}}\n{{"add":{{"path":"a%20b.parquet"}}}}\n', encoding="utf-8")
    found = delta_log.files(tmp_path, 0)
    assert found is not None
    assert found.paths == (f"file://{tmp_path}/a b.parquet",)
