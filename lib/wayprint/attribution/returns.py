"""Credit and spend -> what the money returned."""

from __future__ import annotations

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.attribution.credit import EXACT, as_cells, bound_cells
from wayprint.attribution.settings import AttributionSettings
from wayprint.tables.attribution import RETURNS


def settle_returns(conversion_credits: DataFrame, costs: DataFrame, settings: AttributionSettings) -> DataFrame:
    """One row per model, channel, campaign and currency; campaign null is the whole channel.

    Sum over one level only: the rows of campaigns are parts of the row of their channel. Credit and spend are laid under each
    other and summed, never joined, so neither can be doubled or dropped: spend without credit returns 0, credit without spend
    has no return, spend in another currency than the revenue stands in a row of its own.
    A campaign is known by its name, trimmed and in lower case, within its channel. Spend counts from `lookback_days` before the first
    day with a conversion, the earliest that can have earned one, to its own last day, since what sold nothing was spent too (all of
    it if there is no conversion); credit is by the day of the conversion.
    Intervals: persons drawn again; spend is taken as known.
    """
    first = F.to_date(F.min("converted_at"))
    observed = conversion_credits.agg(F.date_sub(first, math.ceil(settings.lookback_days)).alias("since"))
    in_window = F.col("since").isNull() | (F.col("cost_date") >= F.col("since"))
    spent = costs.crossJoin(F.broadcast(observed)).where(in_window).select(
        F.explode(F.array(*[F.lit(name) for name in settings.splits])).alias("model"), "channel", "campaign", "currency",
        F.lit(None).cast("int").alias("group"), F.lit(0).cast(EXACT).alias("conversions"), F.lit(0).cast(EXACT).alias("revenue_amount"),
        F.col("cost_amount").cast(EXACT).alias("cost_amount"))
    both = as_cells(conversion_credits).unionByName(spent)
    settled = bound_cells(_at_both_levels(both), ("model", "channel", "campaign", "currency"), settings)
    spend = F.when(F.col("cost_amount") > 0, F.col("cost_amount"))
    key = F.to_json(F.struct("model", "channel", "campaign", "currency"))

    def per_conversion(conversions: str) -> Column:
        return F.try_divide(spend, F.when(F.col(conversions) > 0, F.col(conversions)))

    return settled.select(
        F.substring(F.sha2(key, 256), 1, 32).alias("return_id"), "model", "channel", "campaign", "currency",
        "cost_amount", "conversions", "revenue_amount",
        per_conversion("conversions").alias("cost_per_conversion"),
        per_conversion("conversions_high").alias("cost_per_conversion_low"),
        per_conversion("conversions_low").alias("cost_per_conversion_high"),
        (F.col("revenue_amount") / spend).alias("return_on_spend"),
        (F.col("revenue_low") / spend).alias("return_low"),
        (F.col("revenue_high") / spend).alias("return_high")).select(*RETURNS.column_names)


def _at_both_levels(cells: DataFrame) -> DataFrame:
    """Each row once for its channel (campaign null) and, if it names a campaign, once for that."""
    name = F.lower(F.trim("campaign"))
    channel = F.lit(None).cast("string")
    levels = F.when(F.coalesce(name, F.lit("")) == "", F.array(channel)).otherwise(F.array(channel, name))
    return cells.withColumn("campaign", F.explode(levels))
