"""The step on Spark: seven tables as promised, the same rows whatever the parts and the order, every record accounted for."""

import datetime as dt
import hashlib
import os

import pytest

from wayprint.contracts import RawFiles, conform
from wayprint.sources.ingest import TABLES, WIDE, ingest, parse_files
from wayprint.sources.keys import Keys
from wayprint.sources.listing import list_files

pytestmark = pytest.mark.spark
COLUMNS = [c.split()[0] for c in RawFiles.columns.split(", ")]


@pytest.fixture(scope="module")
def files(tmp_path_factory, settings):
    from wayprint.world import build

    raw = tmp_path_factory.mktemp("raw")
    build(people=80, days=8, seed=3, start=dt.date(2026, 1, 1)).write_raw(raw)
    (raw / "crm_contacts" / "renamed.csv").write_text("contactid,updated_at\n1,2026-01-01\n")
    return list_files(str(raw), settings.sources.specs).files


def ingested(spark, files, settings):
    given = spark.createDataFrame([tuple(f[c] for c in COLUMNS) for f in files], RawFiles.columns)
    prepared = parse_files(given, settings).persist()
    return prepared, ingest(prepared)


def digest(table):
    return sorted(hashlib.sha256(repr(row).encode()).hexdigest() for row in table.collect())


@pytest.fixture(scope="module")
def lake(spark, files, settings):
    prepared, tables = ingested(spark, files, settings.sources)
    yield dict(zip(TABLES, (table.persist() for table in tables), strict=True)), prepared
    prepared.unpersist()


def test_the_seven_tables_are_as_promised_with_unique_keys_and_nothing_required_missing(lake):
    tables, _ = lake
    for kind, promise in TABLES.items():
        rows = conform(tables[kind], promise)
        kept = [rule.sql for rule in promise.checks]
        assert rows.count() == rows.select(*promise.key).distinct().count() > 0, kind
        for sql in kept:
            assert rows.where(f"not coalesce({sql}, true)").count() == 0, f"{kind}: {sql}"


def test_every_record_of_every_file_is_kept_once_or_refused_once(lake):
    tables, _ = lake
    records = {}
    for kind in ("event", "contact", "cost", "reference", "quarantine"):
        for row in tables[kind].select("file_id", "line_number").distinct().collect():
            records[row] = [*records.get(row, []), kind]
    assert not [kinds for kinds in records.values() if len(kinds) > 1 and "quarantine" in kinds]
    by_file = {}
    for row, kinds in records.items():
        told = by_file.setdefault(row.file_id, [0, 0])
        told["quarantine" in kinds] += 1
    for file in tables["file"].collect():
        assert [file.kept, file.quarantined] == by_file.get(file.file_id, [0, 0]), file.file
        assert (file.status == "held") == file.file.endswith("renamed.csv")


@pytest.mark.parametrize("partitions", [1, 4])
def test_parts_and_order_of_the_files_change_nothing(spark, lake, files, settings, partitions):
    tables, _ = lake
    other = settings.sources.model_copy(update={"partitions": partitions, "batch_records": 37})
    prepared, again = ingested(spark, sorted(files, key=lambda f: f["file_id"]), other)
    for kind, table in zip(TABLES, again, strict=True):
        assert digest(table) == digest(tables[kind]), kind
    prepared.unpersist()


def test_the_vault_opens_with_its_key_and_the_latest_value_of_a_file_counts(lake):
    tables, prepared = lake
    keys = Keys.from_environment()
    shown = {row.field: keys.open(bytes(row.sealed)).decode() for row in tables["vault"].collect()}
    assert "@" in shown["email"]
    assert shown["phone"].startswith("+")
    given = {}
    for row in prepared.where("kind = 'vault'").select("file_id", "subject_id", "field", "seen_at", "sealed").collect():
        key, value = (row.file_id, row.subject_id, row.field), (row.seen_at, bytes(row.sealed))
        given[key] = max(given.get(key, value), value)
    assert given == {(r.file_id, r.subject_id, r.field): (r.seen_at, bytes(r.sealed)) for r in tables["vault"].collect()}


def test_no_plan_shows_a_key(lake):
    tables, prepared = lake
    for frame in (prepared, *tables.values()):
        plan = frame._jdf.queryExecution().toString()
        for name in ("WAYPRINT_HASH_KEY", "WAYPRINT_VAULT_KEY"):
            assert os.environ[name] not in plan


def test_columns_of_one_name_have_one_type_in_all_tables():
    for promise in TABLES.values():
        for column in promise.columns:
            assert WIDE[column.name] == column.type, f"{promise.name}.{column.name}"
