"""Visits: the comings of one person, on whatever device or in whatever shop. Cutting and ids: see journeys/silence.py."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.journeys.settings import JourneySettings
from wayprint.journeys.silence import IN_TIME, campaign_of, earliest, hash_id, number_visits


def is_present(settings: JourneySettings) -> Column:
    """Whether somebody was there: an inbound touch on a platform where one can be present, not one that the firm's systems booked.

    A digital sale that no device sent is booked too: the shop's own server writes it, the buyer's coming is the tracker's to tell.
    """
    is_booked_sale = F.col("is_conversion") & F.col("is_digital") & F.col("device_id").isNull() & F.col("platform").isin(*settings.session_platforms)
    return (
        (F.col("direction") == "inbound")
        & F.coalesce(F.col("platform").isin(*settings.visit_platforms), F.lit(False))
        & ~F.col("event_name").isin(*settings.stages.booked_events)
        & ~F.coalesce(is_booked_sale, F.lit(False)))


def with_visits(touches: DataFrame, settings: JourneySettings) -> DataFrame:
    """The touches of persons with `comes`, `visit_id`, `visit_number`, `visit_channel`, `visit_campaign` and `visit_is_digital`, null
    outside visits; only a click has the `visit_id` of the visit to which it led (`visit_led_to`).

    A visit is made of the touches in which the person came (`is_present`); what the firm sends, what its systems book (refunds,
    closed tickets, orders) and what is merely received belong to none. Ignored events are no touches, so a page read for an hour
    with pings alone is one session of its device and may be two visits. A visit that begins online has the channel and campaign of
    its first online touch that is not weak, else of its first touch; one that begins in a shop has the shop's.

    `channel` of a touch becomes that of its visit where it is only carried (a page reached from another page of the site says
    Direct); in a visit that began in a shop nothing was carried.
    """
    numbered = number_visits(
        touches.where(F.col("person_id").isNotNull()).withColumn("comes", is_present(settings)),
        "person_id", settings.policy, settings.site_time_zone, campaign_of("utm_source", "utm_campaign"), F.col("comes"))

    visit = Window.partitionBy("person_id", "visit_number")
    first = earliest("channel", "utm_campaign", "is_digital", where=F.col("comes")).over(visit)
    is_named = F.col("is_digital") & ~F.col("channel").isin(*settings.weak_channels)
    named = earliest("channel", "utm_campaign", "is_digital", where=F.col("comes") & is_named).over(visit)
    arrival = F.when(F.col("first.is_digital"), F.coalesce(F.col("named"), F.col("first"))).otherwise(F.col("first"))
    is_carried = F.col("is_digital") & F.col("first.is_digital") & F.col("channel").isin(*settings.carried_channels)
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
        .withColumn("visit_id", F.coalesce("visit_id", visit_led_to(settings)))
        .drop("anchor", "first", "named", "arrival"))


def visit_led_to(settings: JourneySettings) -> Column:
    """Of an inbound marketing touch outside visits, `visit_id` of the arrival that the site saw of it; null without one.

    A tool that sends e-mails tells of a click, and the site of the page on which the click landed: one arrival, told twice. It is the
    next arrival by the same channel within the silence that ends a visit, else the latest one, since clocks differ by seconds.
    """
    arrival = F.when(F.col("comes") & F.col("is_marketing"), F.struct("happened_at", "visit_id"))
    by_channel = Window.partitionBy("person_id", "channel")
    so_far = (Window.unboundedPreceding, Window.currentRow)
    latest = F.last(arrival, ignorenulls=True).over(by_channel.orderBy(*IN_TIME).rowsBetween(*so_far))
    # The same frame over the reversed order: a frame that ends unbounded is counted anew for every row.
    following = F.last(arrival, ignorenulls=True).over(by_channel.orderBy(*[F.col(name).desc() for name in IN_TIME]).rowsBetween(*so_far))

    def near(found: Column) -> Column:
        apart_us = F.abs(F.unix_micros(found["happened_at"]) - F.unix_micros("happened_at"))
        return F.when(apart_us <= round(settings.policy.gap_minutes * 60_000_000), found["visit_id"])

    is_click = ~F.col("comes") & (F.col("direction") == "inbound") & F.col("is_marketing")
    return F.when(is_click, F.coalesce(near(following), near(latest)))


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
