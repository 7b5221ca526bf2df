"""The same action delivered again, and another action under the same id."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.tables.events import REPEATED_EVENTS, UNIQUE_EVENTS


def deduplicate(raw_events: DataFrame) -> tuple[DataFrame, DataFrame]:
    """One row per source and event id; the id alone keys the step, so equal ids of two sources are only looked at together.

    Kept is the record received first (an unknown time last), then with the smallest payload digest, then record_id: the order of
    delivery plays no part. Records with the kept one's payload are its `repetitions`; one with another payload goes to
    repeated_events, linked to the kept record. So records = kept + repetitions + repeated. Repeated events are found from ids
    alone: no whole row is shuffled for them.
    """
    rows = numbered(raw_events)
    unique = rows.where("_rank = 1").select(
        *[name for name in UNIQUE_EVENTS.column_names if name not in ("event_key", "repetitions")],
        _event_key().alias("event_key"), (F.col("_alike") - 1).alias("repetitions"))
    ids = numbered(raw_events.select("event_id", "source", "received_at", "payload_digest", "record_id"))
    repeated = ids.where("payload_digest <> _digest").select(
        "record_id", "event_id", "source", _event_key().alias("event_key"), F.col("_kept").alias("kept_record_id"),
        F.lit("other_payload").alias("rule"),
        F.lit("another record of this source has the same event id and other content; the first received was kept").alias("reason"))
    return unique.select(*UNIQUE_EVENTS.column_names), repeated.select(*REPEATED_EVENTS.column_names)


def numbered(records: DataFrame) -> DataFrame:
    """Adds, within source and event id: `_rank`, the first one's `_kept` id and `_digest`, and how many share that digest (`_alike`)."""
    same_id = Window.partitionBy("event_id", "source")
    first_received = same_id.orderBy(F.asc_nulls_last("received_at"), "payload_digest", "record_id")
    has_kept_payload = F.col("payload_digest") == F.col("_digest")
    return (
        records.withColumn("_rank", F.row_number().over(first_received))
        .withColumn("_digest", F.first("payload_digest").over(first_received))
        .withColumn("_kept", F.first("record_id").over(first_received))
        .withColumn("_alike", F.count(F.when(has_kept_payload, 1)).over(same_id)))


def _event_key() -> Column:
    return F.substring(F.sha2(F.concat_ws("|", "source", "event_id"), 256), 1, 32)
