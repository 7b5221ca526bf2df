"""Journeys -> paths: which channels were met on the way to a purchase or to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.attribution.settings import AttributionSettings
from wayprint.attribution.walks import Touches
from wayprint.tables.attribution import PATHS


def slim_touches(touches: str, effect: Column) -> Column:
    """What `Touches.read` needs of the touches of a journey, with the removal effect of their channels."""
    return F.transform(touches, lambda touch: F.struct(
        touch["happened_at"].alias("happened_at"), touch["channel"].alias("channel"), touch["utm_campaign"].alias("campaign"),
        touch["visit_id"].alias("visit_id"), touch["is_marketing"].alias("is_marketing"),
        (touch["direction"] == "inbound").alias("is_inbound"),
        F.coalesce(F.try_element_at(effect, touch["channel"]), F.lit(0.0)).alias("effect")))


def trace_paths(journeys: DataFrame, settings: AttributionSettings) -> DataFrame:
    """One row per distinct sequence of channels; see `Touches.on_paths` for what makes a path.

    A journey counts as a conversion, or as a null if it ended in silence. Open journeys count as neither: their end is not yet
    known, and calling them lost would punish the channels of recent touches. Nor does a journey that ended in silence yet holds a
    purchase (of an order that is another's, or that nobody numbered): it sold, and the sale is counted where the order is. Ages are
    measured from the journey's end, that is the conversion or the last touch. A journey without any such touch has the empty path.
    """
    no_effects = F.create_map().cast("map<string,double>")
    is_lost = (F.col("ended_by") == "silence") & ~F.coalesce(F.exists("touches", lambda touch: touch["event_name"] == "purchase"), F.lit(False))
    closed = journeys.where((F.col("ended_by") == "conversion") | is_lost).select(
        "ended_at", (F.col("ended_by") == "conversion").cast("long").alias("conversions"),
        F.coalesce("revenue_amount", F.lit(0)).cast("decimal(18,2)").alias("revenue_amount"),
        slim_touches("touches", no_effects).alias("touches"))

    def walk(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            touches = Touches.read(batch)
            walks = touches.walks(touches.on_paths(settings))
            offsets = np.concatenate([[0], np.cumsum(walks.lengths)]).astype(np.int32)
            channels = pa.ListArray.from_arrays(pa.array(offsets), touches.names.take(pa.array(walks.channel)))
            yield pa.RecordBatch.from_arrays(
                [channels, batch.column("conversions"), batch.column("revenue_amount")], ["channels", "conversions", "revenue_amount"])

    walked = closed.mapInArrow(walk, "channels array<string>, conversions long, revenue_amount decimal(18,2)")
    grouped = walked.groupBy("channels").agg(
        F.sum("conversions").alias("conversions"), F.sum(1 - F.col("conversions")).alias("nulls"),
        F.sum("revenue_amount").cast("decimal(18,2)").alias("revenue_amount"))
    path_id = F.substring(F.sha2(F.to_json("channels"), 256), 1, 32)  # JSON, because any separator may stand in a channel's name
    return grouped.withColumn("path_id", path_id).select(*PATHS.column_names)
