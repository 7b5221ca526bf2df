"""The same action delivered again, and another action under the same id."""

from __future__ import annotations

import functools
import operator

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.tables.events import REPEATED_EVENTS, UNIQUE_EVENTS

# What a record may learn later: a ticket is closed, and some days after its customer says how it was.
ENDS = ("status", "score", "reason", "amount")


def deduplicate(raw_events: DataFrame, prepared: DataFrame) -> tuple[DataFrame, DataFrame]:
    """One row per source and event id; the id alone keys the step, so equal ids of two sources are only looked at together.

    Kept is the record in its latest state (`updated_at`), of one state or of none the one received first (an unknown time last), then
    the one that says most of how it ended, then with the smallest payload digest, then record_id: the order of delivery plays no part.
    Records with the kept one's payload are its `repetitions`; one with another payload goes to repeated_events, linked to the kept
    record. So records = kept + repetitions + repeated. `prepared` is `find_repetitions`: few rows, so that no whole row is shuffled.
    """
    fate = prepared.select("record_id", "kept_record_id", "repetitions")
    is_kept = F.col("kept_record_id").isNull() | (F.col("kept_record_id") == F.col("record_id"))
    unique = raw_events.join(fate, "record_id", how="left").where(is_kept).select(
        *[name for name in UNIQUE_EVENTS.column_names if name not in ("event_key", "repetitions")],
        _event_key().alias("event_key"), F.coalesce("repetitions", F.lit(0).cast("long")).alias("repetitions"))
    repeated = prepared.where("payload_digest <> kept_digest").select(
        "record_id", "event_id", "source", _event_key().alias("event_key"), "kept_record_id", F.lit("other_payload").alias("rule"),
        F.lit(
            "another record of this source has the same event id and other content; the latest state was kept, else the first received").alias("reason"))
    return unique.select(*UNIQUE_EVENTS.column_names), repeated.select(*REPEATED_EVENTS.column_names)


def find_repetitions(raw_events: DataFrame) -> DataFrame:
    """The records whose event id came more than once from their source: which one is kept, and how many more have its payload."""
    same_id = Window.partitionBy("event_id", "source")
    best_first = same_id.orderBy(F.desc_nulls_last("updated_at"), F.asc_nulls_last("received_at"), F.desc("_ends"), "payload_digest", "record_id")
    has_kept_payload = F.col("payload_digest") == F.col("kept_digest")
    ends = functools.reduce(operator.add, [F.col(name).isNotNull().cast("int") for name in ENDS])
    return (
        raw_events.select("event_id", "source", "updated_at", "received_at", "payload_digest", "record_id", ends.alias("_ends"))
        .withColumn("_records", F.count(F.lit(1)).over(same_id))
        .where("_records > 1")
        .withColumn("kept_record_id", F.first("record_id").over(best_first))
        .withColumn("kept_digest", F.first("payload_digest").over(best_first))
        .withColumn("repetitions", F.count(F.when(has_kept_payload, 1)).over(same_id) - 1)
        .drop("_records", "updated_at", "received_at", "_ends"))


def _event_key() -> Column:
    return F.substring(F.sha2(F.concat_ws("|", "source", "event_id"), 256), 1, 32)
