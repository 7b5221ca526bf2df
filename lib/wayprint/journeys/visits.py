"""Visits: the comings of one person, on whatever device or in whatever shop. Cutting and ids: see journeys/silence.py."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wayprint.journeys.settings import JourneySettings
from wayprint.journeys.silence import campaign_of, earliest, hash_id, number_visits


def with_visits(touches: DataFrame, settings: JourneySettings) -> DataFrame:
    """The touches of persons with `visit_id`, `visit_number`, `visit_channel`, `visit_campaign` and `visit_is_digital`, all null outside visits.

    A visit is made of inbound touches on a platform where one can be present; what the firm sends, what its systems book
    (refunds, closed tickets) and what is merely received belong to none. A visit that begins online has the channel and campaign of
    its first online touch that is not weak, else of its first touch; one that begins in a shop has the shop's.

    `channel` of a touch becomes that of its visit where it is only carried (a page reached from another page of the site says Direct).
    """
    comes = (
        (F.col("direction") == "inbound")
        & F.coalesce(F.col("platform").isin(*settings.visit_platforms), F.lit(False))
        & ~F.col("event_name").isin(*settings.stages.booked_events))
    numbered = number_visits(
        touches.where(F.col("person_id").isNotNull()).withColumn("comes", comes),
        "person_id", settings.policy, settings.site_time_zone, campaign_of("utm_source", "utm_campaign"), F.col("comes"))

    visit = Window.partitionBy("person_id", "visit_number")
    first = earliest("channel", "utm_campaign", "is_digital", where=F.col("comes")).over(visit)
    is_named = F.col("is_digital") & ~F.col("channel").isin(*settings.weak_channels)
    named = earliest("channel", "utm_campaign", "is_digital", where=F.col("comes") & is_named).over(visit)
    arrival = F.when(F.col("first.is_digital"), F.coalesce(F.col("named"), F.col("first"))).otherwise(F.col("first"))
    is_carried = F.col("is_digital") & F.col("channel").isin(*settings.carried_channels)
    return (
        numbered
        .withColumn("anchor", F.min(F.when(F.col("comes"), F.col("event_key"))).over(visit))
        .withColumn("first", first)
        .withColumn("named", named)
        .withColumn("arrival", arrival)
        .withColumn("visit_id", F.when(F.col("comes"), hash_id("person_id", "anchor")))
        .withColumn("visit_channel", F.when(F.col("comes"), F.col("arrival.channel")))
        .withColumn("visit_campaign", F.when(F.col("comes"), F.col("arrival.utm_campaign")))
        .withColumn("visit_is_digital", F.when(F.col("comes"), F.col("first.is_digital")))
        .withColumn("channel", F.when(F.col("comes") & is_carried, F.col("arrival.channel")).otherwise(F.col("channel")))
        .drop("anchor", "first", "named", "arrival"))


def summarise_visits(visited: DataFrame) -> DataFrame:
    """One row per visit of a person. `channels`: distinct, in order of their first touch, carried ones resolved."""
    visits = visited.where(F.col("comes")).groupBy(
        "person_id", "visit_number", "visit_id", "visit_channel", "visit_campaign", "visit_is_digital").agg(
        F.min("happened_at").alias("started_at"),
        F.max("happened_at").alias("ended_at"),
        F.count(F.lit(1)).alias("events"),
        F.size(F.collect_set("device_id")).cast("long").alias("devices"),
        F.sort_array(F.collect_list(F.struct("happened_at", "event_key", "channel"))).alias("in_time"),
        F.max("is_conversion").alias("has_conversion"))
    return visits.select(
        "visit_id", "person_id", "started_at", "ended_at", "visit_number", "events", "devices",
        F.col("visit_channel").alias("channel"),
        F.col("visit_campaign").alias("utm_campaign"),
        F.array_distinct(F.col("in_time.channel")).alias("channels"),
        F.col("visit_is_digital").alias("is_digital"),
        "has_conversion")
