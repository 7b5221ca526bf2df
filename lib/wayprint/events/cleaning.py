"""Events worth counting: on one clock, by people, once a hit, in a channel; the others with the rule that refused them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.events.channels import place_in_channels
from wayprint.events.clocks import corrected_clock
from wayprint.events.settings import EventSettings
from wayprint.events.verdicts import FIELDS, VERDICT, Limits, with_verdicts
from wayprint.tables.events import EVENTS, REFUSED_EVENTS


def clean(unique_events: DataFrame, settings: EventSettings) -> tuple[DataFrame, DataFrame]:
    """Every unique event becomes one row of events or of refused_events; each device (`origin_id`) is judged alone.

    1. Its clock is corrected (see clocks); a time outside [clock_earliest, clock_latest) is refused.
    2. Its device's events are judged together in order of time (see verdicts): machines, then twins of other trackers.
    3. What is kept is placed in a channel (see channels) by its own hints.

    Ties in time are settled by event_key. Late events change only their own device. The refused are found from few, narrow columns.
    """
    judged = with_verdict_columns(on_one_clock(unique_events, settings), settings)
    kept = judged.where(F.col("_rule").isNull()).select(
        *unique_events.drop("happened_at").columns,
        F.col("happened_at").alias("reported_at"),
        F.timestamp_micros("_at").alias("happened_at"),
        F.to_date(F.timestamp_micros("_at")).alias("event_date"),
        F.expr("(_at - unix_micros(happened_at)) div 1000000").alias("clock_shift_s"),
        F.col("_trackers").alias("trackers"))
    events = place_in_channels(kept, settings.channels).select(*EVENTS.column_names)
    narrow = unique_events.select(
        "record_id", "source", "happened_at", "sent_at", "received_at", "origin_id", "page_host", "page_path", "order_id", "search_term", "items",
        *[name for name in FIELDS if not name.startswith("_")])
    refused = (
        with_verdict_columns(on_one_clock(narrow, settings).drop("sent_at", "received_at"), settings)
        .where(F.col("_rule").isNotNull())
        .select(
            "event_key", "record_id", "origin_id", "source", "happened_at", F.col("_rule").alias("rule"), _reason(settings).alias("reason"),
            F.col("_kept_event_key").alias("kept_event_key")))
    return events, refused.select(*REFUSED_EVENTS.column_names)


def on_one_clock(unique_events: DataFrame, settings: EventSettings) -> DataFrame:
    """Adds `_at`, the corrected time in microseconds, `_unclean`, the rule a time outside all sense breaks, and `_hit`, equal for equal hits.

    Two trackers word an item differently (prices, families), so of the items only the sorted product ids make the hit.
    """
    at = F.col("_at")
    is_too_early = at < F.unix_micros(F.lit(settings.clock_earliest).cast("timestamp"))
    is_too_late = at >= F.unix_micros(F.lit(settings.clock_latest).cast("timestamp"))
    products = F.array_sort(F.transform("items", lambda item: item["product_id"]))
    hit = F.to_json(F.struct("event_name", "page_host", "page_path", "order_id", "search_term", products.alias("products")))
    return (
        unique_events.withColumn("_at", corrected_clock(settings.clock_tolerance_s))
        .withColumn("_unclean", F.when(is_too_early, "clock_before_2000").when(is_too_late, "clock_in_future"))
        .withColumn("_hit", F.sha2(hit, 256)))


def with_verdict_columns(rows: DataFrame, settings: EventSettings) -> DataFrame:
    """One shuffle by device, one sort, one Arrow pass."""
    limits = Limits(settings.bot_events_per_minute, round(settings.tracker_twin_seconds * 1_000_000), settings.app_http_libraries)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return with_verdicts(batches, limits)

    promised = ", ".join(
        [f"`{field.name}` {field.dataType.simpleString()}" for field in rows.schema] + [f"`{name}` {kind}" for name, kind in VERDICT])
    by_device = rows.repartition("origin_id").sortWithinPartitions("origin_id", "_at", "event_key")
    return by_device.mapInArrow(run, promised)


def _reason(settings: EventSettings) -> Column:
    words = {
        "clock_before_2000": f"its corrected time is before {settings.clock_earliest}",
        "clock_in_future": f"its corrected time is not before {settings.clock_latest}",
        "bot_agent": "its user agent names a crawler, monitor or script",
        "bot_rate": f"its device made more than {settings.bot_events_per_minute} hits within a minute of that day",
        "other_tracker": f"another tracker reported the same hit at most {settings.tracker_twin_seconds:g} s before",
    }
    return functools.reduce(
        lambda chain, rule: chain.when(F.col("_rule") == rule, words[rule]), words, F.when(F.lit(False), F.lit(None).cast("string")))
