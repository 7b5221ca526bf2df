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
from wayprint.events.verdicts import FIELDS, VERDICT, Limits, notable
from wayprint.tables.events import EVENTS, REFUSED_EVENTS


def clean(unique_events: DataFrame, prepared: DataFrame, settings: EventSettings) -> tuple[DataFrame, DataFrame]:
    """Every unique event becomes one row of events or of refused_events; each device (`origin_id`) is judged alone.

    1. Its clock is corrected (see clocks); a time outside [clock_earliest, clock_latest) is refused.
    2. Its device's events are judged together in order of time (see verdicts): machines, then twins of other trackers.
    3. What is kept is placed in a channel (see channels) by its own hints.

    Ties in time are settled by event_key. Late events change only their own device. Devices are judged on a few columns
    (`prepared` is `judge_events`), and only the verdicts that say something are joined to the whole rows: three fifths of the time that
    carrying whole rows through the judgement took.
    """
    said = prepared.select("event_key", *[name for name, _ in VERDICT])
    at = F.timestamp_micros("_at")
    named = F.when(F.col("tracker").isNotNull(), F.array("tracker"))
    kept = (
        unique_events.join(said, "event_key", how="left")
        .where(F.col("_rule").isNull())
        .withColumn("_at", corrected_clock(settings.clock_tolerance_s))
        .select(
            *[name for name in unique_events.columns if name != "happened_at"],
            F.col("happened_at").alias("reported_at"), at.alias("happened_at"), F.to_date(at).alias("event_date"),
            F.expr("(_at - unix_micros(happened_at)) div 1000000").alias("clock_shift_s"),
            F.coalesce("_trackers", named).alias("trackers")))
    events = place_in_channels(kept, settings.channels).select(*EVENTS.column_names)
    refused = prepared.where(F.col("_rule").isNotNull()).select(
        "event_key", "record_id", "origin_id", "source", "happened_at", F.col("_rule").alias("rule"), _reason(settings).alias("reason"),
        F.col("_kept_event_key").alias("kept_event_key"))
    return events, refused.select(*REFUSED_EVENTS.column_names)


def judge_events(unique_events: DataFrame, settings: EventSettings) -> DataFrame:
    """The events of which there is something to say (see verdicts), narrow; one shuffle by device, one sort, one Arrow pass.

    `_hit` is equal for equal hits: what was done, on which page, with which order, term and products. Two trackers word an item
    differently (prices, families), so of the items only the product ids count. 64 bits are enough to tell the hits of one device
    within seconds apart; a missing value is hashed as a mark of its own, because the hash itself skips nulls.
    """
    at = F.col("_at")
    is_too_early = at < F.unix_micros(F.lit(settings.clock_earliest).cast("timestamp"))
    is_too_late = at >= F.unix_micros(F.lit(settings.clock_latest).cast("timestamp"))
    products = F.array_join(F.array_sort(F.transform("items", lambda item: item["product_id"])), "\x1f", "\x00")
    told = [*map(F.col, ("event_name", "page_host", "page_path", "order_id", "search_term")), products]
    narrow = unique_events.select(
        "record_id", "origin_id", "source", "happened_at", corrected_clock(settings.clock_tolerance_s).alias("_at"),
        F.xxhash64(*[F.coalesce(text, F.lit("\x00")) for text in told]).alias("_hit"),
        *[name for name in FIELDS if not name.startswith("_")],
    ).withColumn("_unclean", F.when(is_too_early, "clock_before_2000").when(is_too_late, "clock_in_future"))
    limits = Limits(settings.bot_events_per_minute, round(settings.tracker_twin_seconds * 1_000_000), settings.app_http_libraries)

    def judged(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return notable(batches, limits)

    promised = ", ".join(
        [f"`{field.name}` {field.dataType.simpleString()}" for field in narrow.schema] + [f"`{name}` {kind}" for name, kind in VERDICT])
    by_device = narrow.repartition("origin_id").sortWithinPartitions("origin_id", "_at", "event_key")
    return by_device.mapInArrow(judged, promised)


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
