"""The same action delivered again, and another action under the same id."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.tables.events import REPEATED_EVENTS, UNIQUE_EVENTS


def deduplicate(raw_events: DataFrame, prepared: DataFrame) -> tuple[DataFrame, DataFrame]:
    """One row per source and event id; the id alone keys the step, so equal ids of two sources are only looked at together.

    Kept is the record received first (an unknown time last), then with the smallest payload digest, then record_id: the order of
    delivery plays no part. Records with the kept one's payload are its `repetitions`; one with another payload goes to
    repeated_events, linked to the kept record. So records = kept + repetitions + repeated. `prepared` is `find_repetitions`: few
    rows, so that no whole row is shuffled.
    """
    fate = prepared.select("record_id", "kept_record_id", "repetitions")
    is_kept = F.col("kept_record_id").isNull() | (F.col("kept_record_id") == F.col("record_id"))
    unique = raw_events.join(fate, "record_id", how="left").where(is_kept).select(
        *[name for name in UNIQUE_EVENTS.column_names if name not in ("event_key", "repetitions")],
        _event_key().alias("event_key"), F.coalesce("repetitions", F.lit(0).cast("long")).alias("repetitions"))
    repeated = prepared.where("payload_digest <> kept_digest").select(
        "record_id", "event_id", "source", _event_key().alias("event_key"), "kept_record_id", F.lit("other_payload").alias("rule"),
        F.lit("another record of this source has the same event id and other content; the first received was kept").alias("reason"))
    return unique.select(*UNIQUE_EVENTS.column_names), repeated.select(*REPEATED_EVENTS.column_names)


def find_repetitions(raw_events: DataFrame) -> DataFrame:
    """The records whose event id came more than once from their source: which one is kept, and how many more have its payload."""
    same_id = Window.partitionBy("event_id", "source")
    first_received = same_id.orderBy(F.asc_nulls_last("received_at"), "payload_digest", "record_id")
    has_kept_payload = F.col("payload_digest") == F.col("kept_digest")
    return (
        raw_events.select("event_id", "source", "received_at", "payload_digest", "record_id")
        .withColumn("_records", F.count(F.lit(1)).over(same_id))
        .where("_records > 1")
        .withColumn("kept_record_id", F.first("record_id").over(first_received))
        .withColumn("kept_digest", F.first("payload_digest").over(first_received))
        .withColumn("repetitions", F.count(F.when(has_kept_payload, 1)).over(same_id) - 1)
        .drop("_records", "received_at"))


def _event_key() -> Column:
    return F.substring(F.sha2(F.concat_ws("|", "source", "event_id"), 256), 1, 32)
