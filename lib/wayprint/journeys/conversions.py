"""Conversions: one row per order, whatever number of systems reported it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.journeys.settings import JourneySettings
from wayprint.journeys.silence import hash_id

SALE_PLACES = {"web": "web", "app": "app", "store": "store", "kiosk": "store", "call_centre": "call_centre"}


def order_conversions(touches: DataFrame, settings: JourneySettings) -> DataFrame:
    """One row per order with at least one purchase; an order known by refunds alone is none.

    Several sources may report one order. Trust: the sources of `order_sources` in their order, then those whose record names
    no device (a till, the shop's own orders), then trackers, ties by name. Gross is the sum of the purchase rows (lines of the order) of
    the most trusted source that has any; of rows that a device sent it is the largest, since a thank-you page loaded twice reports the
    order twice. Refunds are summed likewise and apart, as a positive number; a null amount counts 0, currencies are not converted.

    The buyer is the person of the most trusted, then earliest purchase row that has one, so that a buyer always has a purchase
    touch. Place, store and device likewise. A digital sale takes the channel of its earliest purchase row with a channel that is not
    weak. That is what the row itself says, and most say Direct, since a page of the site led to it: the channel of the visit in
    which it was made is asked where sales are counted by channel (kpis.py).
    """
    is_purchase = F.col("event_name") == "purchase"
    is_refund = F.col("event_name") == "refund"
    listed = F.call_function("array_position", F.array(*[F.lit(s) for s in settings.order_sources]).cast("array<string>"), F.col("source"))
    rank = F.struct(
        F.when(listed > 0, listed).otherwise(len(settings.order_sources) + 1).alias("place"),
        F.col("device_id").isNotNull().alias("is_tracker"),
        "source")
    by_order = Window.partitionBy("order_id")
    reported = (
        touches.where(F.col("order_id").isNotNull() & (is_purchase | is_refund))
        .withColumn("rank", rank)
        .withColumn("gross_source", F.min(F.when(is_purchase, F.col("rank"))).over(by_order)["source"])
        .withColumn("refund_source", F.min(F.when(is_refund, F.col("rank"))).over(by_order)["source"]))

    def trusted(*columns: str, says: str | None = None) -> Column:
        row = F.struct("rank", "happened_at", "event_key", *columns)
        return F.min(F.when(is_purchase if says is None else is_purchase & F.col(says).isNotNull(), row))

    amount = F.coalesce(F.col("amount"), F.lit(0)).cast("decimal(18,2)")
    is_gross = is_purchase & (F.col("source") == F.col("gross_source"))
    is_weak = F.col("channel").isin(*settings.weak_channels)
    families = F.flatten(F.collect_list(F.when(is_purchase, F.col("families"))))
    orders = reported.groupBy("order_id").agg(
        trusted("person_id", says="person_id").alias("buyer"),
        trusted("store_id", says="store_id").alias("store"),
        trusted("device_type", says="device_type").alias("device"),
        trusted("currency", says="currency").alias("money"),
        trusted("channel", "is_digital", "platform").alias("sale"),
        F.min(F.when(is_purchase & F.col("is_digital"), F.struct(is_weak.alias("is_weak"), "happened_at", "event_key", "channel"))).alias("online"),
        F.min(F.when(is_purchase, F.col("happened_at"))).alias("converted_at"),
        F.sum(F.when(is_gross & F.col("device_id").isNull(), amount)).alias("booked"),
        F.max(F.when(is_gross, amount)).alias("largest"),
        F.sum(F.when(is_refund & (F.col("source") == F.col("refund_source")), F.abs(amount))).alias("refund"),
        F.array_sort(F.array_distinct(families)).alias("families"),
        F.array_sort(F.collect_set("source")).alias("sources"))
    place = F.coalesce(
        *[F.when(F.col("sale.platform") == platform, F.lit(name)) for platform, name in SALE_PLACES.items()],
        F.when(F.col("sale.is_digital"), F.lit("web")).otherwise(F.lit("store")))
    gross, refund = (F.coalesce(*told, F.lit(0)).cast("decimal(18,2)") for told in (("booked", "largest"), ("refund",)))
    return orders.where(F.col("converted_at").isNotNull()).select(
        "order_id",
        hash_id("order_id").alias("conversion_id"),
        F.col("buyer.person_id"),
        "converted_at",
        F.when(F.col("sale.is_digital"), F.col("online.channel")).otherwise(F.col("sale.channel")).alias("channel"),
        F.col("sale.is_digital"),
        place.alias("sale_place"),
        F.col("store.store_id"),
        F.col("device.device_type"),
        "families",
        gross.alias("gross_amount"),
        refund.alias("refund_amount"),
        (gross - refund).cast("decimal(18,2)").alias("revenue_amount"),
        F.col("money.currency"),
        "sources")
