"""What the journeys add up to: the effort before a purchase, the flow from channel to channel, how far people come."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.journeys.settings import JourneySettings

SECONDS_A_DAY = 86_400


def measure_effort(journeys: DataFrame) -> DataFrame:
    """Purchases by the number of visits and of distinct channels (of those visits) that led to them.

    0 visits: bought without ever being seen coming (a catalogue order booked by the shop). `median_days`: exact median, interpolated.
    """
    bought = journeys.where(F.col("ended_by") == "conversion")
    days = (F.unix_micros("ended_at") - F.unix_micros("started_at")) / F.lit(SECONDS_A_DAY * 1e6)
    return bought.groupBy("visits", "sources").agg(
        F.count(F.lit(1)).alias("conversions"),
        F.percentile(days, F.lit(0.5)).alias("median_days"))


def follow_flows(journeys: DataFrame) -> DataFrame:
    """Steps between neighbouring channels, from (start) to (conversion), (silence) or (open): what enters a channel leaves it.

    Twice: along all touches (`journeys`, `steps`), where a mail merely sent is a step too, and along those alone in which the person
    acts (`inbound_journeys`). A step of one way that is none of the other counts 0 there.
    """
    ends = F.array(F.concat(F.lit("("), F.col("ended_by"), F.lit(")")))
    paths = [F.concat(F.array(F.lit("(start)")), F.coalesce(c, F.array().cast("array<string>")), ends).alias(c) for c in ("channels", "inbound_channels")]
    is_inbound = F.col("is_inbound")
    return (
        journeys.select("journey_id", *paths)
        .select("journey_id", F.explode(F.concat(steps("channels", False), steps("inbound_channels", True))).alias("step"))
        .groupBy("journey_id", "step.from_channel", "step.to_channel", "step.is_inbound").agg(F.count(F.lit(1)).alias("times"))
        .groupBy("from_channel", "to_channel").agg(
            F.count(F.when(~is_inbound, 1)).alias("journeys"),
            F.coalesce(F.sum(F.when(~is_inbound, F.col("times"))), F.lit(0).cast("long")).alias("steps"),
            F.count(F.when(is_inbound, 1)).alias("inbound_journeys")))


def steps(path: str, is_inbound: bool) -> Column:
    """Each place of a path with the next."""
    return F.transform(F.slice(path, 2, F.size(path)), lambda to, place: F.struct(
        F.get(path, place).alias("from_channel"), to.alias("to_channel"), F.lit(is_inbound).alias("is_inbound")))


def funnel_stages(journeys: DataFrame, settings: JourneySettings) -> DataFrame:
    """One row per stage of the buying order: who reached it, or a later one (also by jumping over it); 0 where nobody did."""
    order = settings.stages.buying_order
    places = F.transform("stages", lambda stage: F.call_function("array_position", F.array(*[F.lit(name) for name in order]), stage))
    reached = journeys.select("person_id", F.coalesce(F.array_max(places), F.lit(0)).alias("furthest"))
    persons = reached.groupBy("person_id").agg(
        F.max("furthest").alias("furthest"),
        *[F.count(F.when(F.col("furthest") >= place, 1)).alias(f"journeys_{place}") for place, _ in enumerate(order, start=1)])
    rows = F.array(*[
        F.struct(
            F.lit(name).alias("stage"), F.lit(place).alias("position"),
            F.count(F.when(F.col("furthest") >= place, 1)).alias("persons"),
            F.coalesce(F.sum(f"journeys_{place}"), F.lit(0).cast("long")).alias("journeys"))
        for place, name in enumerate(order, start=1)])
    return persons.agg(rows.alias("rows")).select(F.explode("rows").alias("row")).select("row.*")
