"""Orders that two systems told of: the shop knows the customer, the tracker the browser, both the order's number."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wayprint.contracts import no_rows
from wayprint.identity.guards import of_type
from wayprint.identity.observations import hashed
from wayprint.identity.settings import IdentitySettings
from wayprint.tables.bronze import NOTHING
from wayprint.tables.identity import STITCHED_ORDERS

PLATFORMS = ("web", "app")  # a kiosk or a till is everybody's: its orders tell nothing of whose it is


def stitch_orders(events: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per order bought on the web or in the app, and identifier that stands for a record of it without being the strongest.

    The strongest of its records is `identifier_id`; the row carries both, as a record that named the two would. Records within
    `order_stitch_hours` of the order's first purchase count. An order whose records, of whatever day, name two different identifiers
    of one type (two customers, two browsers) gives nothing, since nobody can tell whose it is: it may be another shop's number, or a
    word for none. So does one without a number, or told of under one identifier. Rows depend only on records of the same order; a
    late record may add rows, move the strongest, or take all rows away.
    """
    if settings.order_stitch_hours is None:
        return no_rows(events.sparkSession, STITCHED_ORDERS.ddl)
    has_number = F.coalesce(~F.lower(F.trim("order_id")).isin(*NOTHING), F.lit(False))
    bought = events.where((F.col("event_name") == "purchase") & has_number & F.col("identifier_id").isNotNull() & F.col("platform").isin(*PLATFORMS))
    after = F.unix_micros("happened_at") - F.unix_micros(F.min("happened_at").over(Window.partitionBy("order_id")))
    near = bought.withColumn("after", after).where(F.col("after") <= int(settings.order_stitch_hours * 3_600_000_000))
    named = bought.select("order_id", F.explode("identifiers").alias("one")).groupBy("order_id", "one.type").agg(
        (F.min("one.id") < F.max("one.id")).alias("is_doubtful"))
    certain = named.groupBy("order_id").agg(F.max("is_doubtful").alias("is_doubtful")).where("not is_doubtful").select("order_id")
    own = F.get(F.filter("identifiers", lambda one: one["id"] == F.col("identifier_id")), F.lit(0))
    flaw = F.get(F.filter("flaws", lambda one: one["id"] == F.col("identifier_id")), F.lit(0))
    priority = F.coalesce(of_type("type", {name: kind.priority for name, kind in settings.types.items()}), F.lit(len(settings.types) + 1))
    ends = near.withColumns({"type": own["type"], "flaw": flaw}).groupBy("order_id", "identifier_id").agg(
        F.min(F.struct(F.col("flaw").isNotNull().alias("is_flawed"), priority.alias("priority"), F.col("identifier_id").alias("id"), "type", "flaw")).alias("end"),
        F.min("source").alias("source"), F.min("happened_at").alias("happened_at"))
    strongest = F.min("end").over(Window.partitionBy("order_id"))
    pairs = ends.withColumn("strongest", strongest).where(F.col("end.id") != F.col("strongest.id")).join(certain, "order_id", how="left_semi")
    flaws = F.array_sort(F.array_compact(F.array("strongest.flaw", "end.flaw")))
    return pairs.select(
        hashed(F.concat_ws("|", "order_id", "end.id")).alias("stitch_id"), "order_id", F.col("strongest.id").alias("identifier_id"),
        F.array_sort(F.array(*(F.struct(F.col(f"{end}.type").alias("type"), F.col(f"{end}.id").alias("id")) for end in ("strongest", "end")))).alias("identifiers"),
        F.when(F.size(flaws) > 0, flaws).alias("flaws"), "source", "happened_at")
