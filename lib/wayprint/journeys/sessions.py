"""Sessions: the visits of one device, as the trackers' own reports count them. Cutting and ids: see journeys/silence.py."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.journeys.settings import JourneySettings
from wayprint.journeys.silence import campaign_of, earliest, hash_id, number_visits
from wayprint.journeys.touches import is_device_sent

VIEWS = ("page_view", "product_view")
ENGAGED_AFTER_US = 10_000_000  # GA4: "longer than 10 seconds"


def sessionize(events: DataFrame, settings: JourneySettings) -> DataFrame:
    """One row per visit of a device: its inbound events on a digital platform, cut by the session policy.

    An event counts if a device sent it (its origin is a device-like identifier): an order written by the shop's own
    server is nobody's session, nor is a hit without any identifier. Channel and campaign are those of the first event whose
    channel is not weak, else of the first; landing path and device type of the first event that says them. Engaged as GA4
    has it: over 10 seconds, or 2 views, or a purchase. Late events: see journeys/silence.py.
    """
    acts = ~F.col("event_name").isin(*settings.stages.outbound_events)
    is_digital = F.col("platform").isin(*settings.session_platforms)
    campaign = campaign_of("utm_source", "utm_medium", "utm_campaign", "click_id_type")
    cut = number_visits(
        events.where(acts & is_digital & is_device_sent(settings)), "origin_id", settings.policy, settings.site_time_zone, campaign)

    is_weak = F.col("channel").isin(*settings.weak_channels)
    is_purchase = F.col("event_name") == "purchase"
    counted = cut.groupBy("origin_id", "visit_number").agg(
        F.min("event_key").alias("anchor"),
        F.min("happened_at").alias("started_at"),
        F.max("happened_at").alias("ended_at"),
        F.count(F.lit(1)).alias("events"),
        F.count(F.when(F.col("event_name").isin(*VIEWS), 1)).alias("page_views"),
        F.coalesce(F.max(is_purchase), F.lit(False)).alias("has_conversion"),
        earliest("platform").alias("first"),
        F.coalesce(earliest("channel", "utm_campaign", where=~is_weak), earliest("channel", "utm_campaign")).alias("arrival"),
        earliest("page_path", where=F.col("page_path").isNotNull()).alias("landing"),
        earliest("device_type", where=F.col("device_type").isNotNull()).alias("device"))
    lasted_us = F.unix_micros("ended_at") - F.unix_micros("started_at")
    return counted.select(
        hash_id("origin_id", "anchor").alias("session_id"),
        "origin_id",
        F.col("first.platform"),
        "started_at",
        "ended_at",
        F.col("visit_number").alias("session_number"),
        "events",
        "page_views",
        F.col("arrival.channel"),
        F.col("arrival.utm_campaign"),
        F.col("landing.page_path").alias("landing_path"),
        F.col("device.device_type"),
        ((lasted_us > ENGAGED_AFTER_US) | (F.col("page_views") >= 2) | F.col("has_conversion")).alias("is_engaged"),
        "has_conversion")
