"""Journeys: all that happened to one person, across devices and shops, from a first touch to a purchase or to silence.

A journey ends with the first purchase touch of an order that is the person's, or when the person is silent for more than
`journey_gap_days`. Silence is the person's: what the firm sends or books does not break it, nor does an e-mail opened, which a mail
program may do by itself, or a weekly newsletter would keep every journey open for ever. The first touch after so long a silence, a
message or a visit, opens the next journey: messages, then, lead into the visit that they wake, or stand unanswered in a journey of
their own. Further purchase rows of the same order (other lines, other systems) belong to the journey they close, even when they come
after other touches; those touches open the next journey. So every conversion of a person ends exactly one journey.

A journey mostly grows at its end, day after day, and a late event mostly falls on a day that is already known. Its id is the
hash of the person and of the smallest `event_key` among the touches of its first 24 hours: what follows the first day never renames
it, and a late event of the first day does so with probability 1/(n+1), for n touches on that day (why: journeys/silence.py).

Visits, sources, channels, stages and flags tell how the person came to the purchase, so they leave those further rows out.

Flags, exactly. Let p(1), p(2), ... be the places in the buying order of the journey's *inbound* touches, in time (ties: event_key),
leaving out touches whose stage is not in that order; what the firm sends moves nobody.
- `has_back`: some p(i) < p(i-1).
- `has_skip`: some p(i) > 1 + the furthest place before it. Where the journey begins is no skip: nobody knows what came before.
- `has_channel_switch`: the inbound touches have more than one channel.
- `crosses_store`: the inbound touches are both digital and physical. `crosses_devices`: more than one device sent touches.
"""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.journeys.settings import JourneySettings
from wayprint.journeys.silence import hash_id
from wayprint.journeys.touches import acts
from wayprint.journeys.visits import summarise_visits, with_visits

DAY_US = 86_400_000_000
TOUCH = ("event_key", "happened_at", "channel", "stage", "direction", "event_name", "visit_id", "utm_campaign", "is_marketing")


def trace_journeys(touches: DataFrame, conversions: DataFrame, settings: JourneySettings, as_of: dt.date) -> tuple[DataFrame, DataFrame]:
    """Visits and journeys of the persons who have a touch; touches that are nobody's are left out.

    The journey without a conversion is `open` while a visit on `as_of` or later could still belong to it, else ended by silence.
    """
    visited = with_visits(touches, settings)
    return summarise_visits(visited), summarise_journeys(number_journeys(visited, conversions, settings), settings, as_of)


def number_journeys(visited: DataFrame, conversions: DataFrame, settings: JourneySettings) -> DataFrame:
    """The touches with `journey_number`, with `conversion_id` and `revenue_amount` where they report an order of the person, and
    with `placed` (happened_at, event_key): their place in the person's story, which for every row of an order is that of its first."""
    sales = conversions.where(F.col("person_id").isNotNull()).select("person_id", "order_id", "conversion_id", "revenue_amount")
    sold = visited.withColumn("order_id", F.when(F.col("is_conversion"), F.col("order_id"))).join(sales, ["person_id", "order_id"], how="left")
    of_order = Window.partitionBy("person_id", "conversion_id")
    own_place = F.struct("happened_at", "event_key")
    placed = sold.withColumn(
        "placed", F.when(F.col("conversion_id").isNull(), own_place).otherwise(F.min(own_place).over(of_order)))

    story = Window.partitionBy("person_id").orderBy("placed", "happened_at", "event_key")
    so_far = story.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = story.rowsBetween(Window.unboundedPreceding, -1)
    previous_at, previous_sale = F.lag("placed.happened_at").over(story), F.lag("conversion_id").over(story)
    acted_at = F.max(F.when(acts(settings), F.col("placed.happened_at"))).over(before)
    gap = settings.journey_gap_days * DAY_US
    is_late = F.unix_micros("placed.happened_at") - F.unix_micros("acted_at") > gap
    was_late = F.unix_micros("previous_at") - F.unix_micros("acted_at") > gap
    is_silent = F.coalesce(is_late & ~was_late, F.lit(False))
    is_sold = F.col("previous_sale").isNotNull() & ~F.col("previous_sale").eqNullSafe(F.col("conversion_id"))
    starts = F.col("previous_at").isNull() | is_silent | is_sold
    return (
        placed.withColumn("previous_at", previous_at).withColumn("acted_at", acted_at).withColumn("previous_sale", previous_sale)
        .withColumn("journey_number", F.sum(starts.cast("long")).over(so_far)))


def summarise_journeys(numbered: DataFrame, settings: JourneySettings, as_of: dt.date) -> DataFrame:
    is_further_row = F.col("event_key") != F.col("placed.event_key")
    travels = (F.col("direction") == "inbound") & ~is_further_row
    in_time = F.struct("happened_at", *[name for name in TOUCH if name != "happened_at"], is_further_row.alias("is_further_row"))
    journeys = numbered.groupBy("person_id", "journey_number").agg(
        F.min("happened_at").alias("started_at"),
        F.max("placed.happened_at").alias("ended_at"),
        F.max(F.when(acts(settings), F.col("placed.happened_at"))).alias("acted_at"),
        F.max("conversion_id").alias("conversion_id"),
        F.max("revenue_amount").alias("revenue_amount"),
        F.sort_array(F.collect_list(in_time)).alias("in_time"),
        F.size(F.collect_set(F.when(F.col("comes") & ~is_further_row, F.col("visit_id")))).cast("long").alias("visits"),
        F.size(F.collect_set(F.when(~is_further_row, F.col("visit_channel")))).cast("long").alias("sources"),
        F.size(F.collect_set("device_id")).alias("devices"),
        F.coalesce(F.max(F.when(travels, F.col("is_digital"))), F.lit(False)).alias("is_digital"),
        F.coalesce(F.max(F.when(travels, ~F.col("is_digital"))), F.lit(False)).alias("is_physical"))
    still_open = F.unix_micros(F.coalesce("acted_at", "started_at")) + settings.journey_gap_days * DAY_US >= F.unix_micros(F.lit(as_of).cast("timestamp"))
    in_first_day = F.filter("in_time", lambda t: F.unix_micros(t["happened_at"]) < F.unix_micros(F.col("started_at")) + DAY_US)
    order = F.array(*[F.lit(stage) for stage in settings.stages.buying_order])
    inbound_stages = F.transform(
        F.filter("travelled", lambda t: (t["direction"] == "inbound") & t["stage"].isNotNull()), lambda t: t["stage"])
    described = (
        journeys
        .withColumn("anchor", F.array_min(F.transform(in_first_day, lambda t: t["event_key"])))
        .withColumn("travelled", F.filter("in_time", lambda t: ~t["is_further_row"]))
        .withColumn("channels", F.col("travelled.channel"))
        .withColumn("inbound_channels", F.filter("travelled", lambda t: t["direction"] == "inbound")["channel"])
        .withColumn("stages", F.filter(F.col("travelled.stage"), lambda s: s.isNotNull()))
        .withColumn("places", F.filter(F.transform(inbound_stages, lambda s: F.call_function("array_position", order, s)), lambda p: p > 0))
        .withColumn("moves", moves(F.col("places"))))
    ended_by = F.when(F.col("conversion_id").isNotNull(), "conversion").when(still_open, "open").otherwise("silence")
    return described.select(
        hash_id("person_id", "anchor").alias("journey_id"),
        "person_id", "started_at", "ended_at",
        ended_by.alias("ended_by"),
        "conversion_id", "revenue_amount",
        F.transform("in_time", lambda t: F.struct(*[t[name].alias(name) for name in TOUCH])).alias("touches"),
        F.size("in_time").cast("long").alias("touch_count"),
        "visits", "sources",
        without_repeats("channels").alias("channels"),
        without_repeats("inbound_channels").alias("inbound_channels"),
        without_repeats("stages").alias("stages"),
        (F.size(F.array_distinct("inbound_channels")) > 1).alias("has_channel_switch"),
        F.col("moves.has_skip").alias("has_skip"),
        F.col("moves.has_back").alias("has_back"),
        (F.col("devices") > 1).alias("crosses_devices"),
        (F.col("is_digital") & F.col("is_physical")).alias("crosses_store"))


def without_repeats(name: str) -> Column:
    """The array with every run of equal neighbours made one."""
    return F.filter(name, lambda item, place: (place == 0) | (item != F.get(F.col(name), place - 1)))


def moves(places: Column) -> Column:
    """Walk along the places: was one left out, did the walk turn back? The first place is where the walk begins."""
    start = F.struct(F.lit(None).cast("long").alias("furthest"), F.lit(None).cast("long").alias("previous"),
                     F.lit(False).alias("has_skip"), F.lit(False).alias("has_back"))

    def walk(so_far: Column, place: Column) -> Column:
        skips = F.coalesce(place > so_far["furthest"] + 1, F.lit(False))
        turns = F.coalesce(place < so_far["previous"], F.lit(False))
        return F.struct(
            F.greatest(so_far["furthest"], place).alias("furthest"), place.alias("previous"),
            (so_far["has_skip"] | skips).alias("has_skip"), (so_far["has_back"] | turns).alias("has_back"))

    return F.aggregate(places, start, walk)
