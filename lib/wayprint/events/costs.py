"""What campaigns cost a day, once, however often a report was delivered."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.events.channels import NOT_SET, as_listed, channel_column, tidy
from wayprint.events.settings import ChannelRules, EventSettings
from wayprint.tables.events import COSTS

CAMPAIGN_DAY = ("cost_date", "platform", "account_id", "campaign_id", "currency")
LINE = ("source", *CAMPAIGN_DAY, "dimensions", "event_id")
MEASURES = ("cost_amount", "impressions", "clicks")


def daily_costs(raw_costs: DataFrame, settings: EventSettings) -> DataFrame:
    """One row per day, platform, account, campaign and currency; whole amounts in exact decimals.

    1. Within one file the lines of one day, campaign and dimensions are parts of one figure: they are summed. What a single action cost
       (`event_id`) is a figure of its own, and a line that says it again the same figure.
    2. Between files they are deliveries of the same figure: the largest cost counts, then most impressions, most clicks, smallest
       record_id. Reports carry no time of arrival that every run would see alike, and platforms restate a day upwards while late
       clicks come in. The limit of that: a restatement downwards (a credit for invalid clicks) is not seen.
    3. The figures of a campaign's dimensions and sources are summed.

    Name, source and medium are those of its costliest figure. A cost is paid for, so where a source file names no source or medium
    they are the platform's (`platform_sources`, `platform_medium` of conf/channels.yaml).
    """
    per_file = raw_costs.groupBy(*LINE, "file_id").agg(*_figures(), _of_costliest().alias("_named"))
    best_first = Window.partitionBy(*LINE).orderBy(
        F.desc("cost_amount"), F.desc_nulls_last("impressions"), F.desc_nulls_last("clicks"), F.asc("_named.record_id"))
    figures = per_file.withColumn("_rank", F.row_number().over(best_first)).where("_rank = 1")
    largest = F.max_by("_named", F.struct("cost_amount", "_named.record_id"))
    campaigns = figures.groupBy(*CAMPAIGN_DAY).agg(*_sums(), largest.alias("_named"))
    key = [F.coalesce(F.col(name).cast("string"), F.lit("")) for name in CAMPAIGN_DAY]
    return campaigns.select(
        "*",
        F.substring(F.sha2(F.concat_ws("|", *key), 256), 1, 32).alias("cost_id"),
        F.coalesce("_named.campaign", "campaign_id").alias("campaign"),
        _channel(settings.channels).alias("channel"),
    ).select(*COSTS.column_names)


def _sums() -> list[Column]:
    """Sums of decimals and longs do not depend on order; null where no part says anything."""
    return [F.sum(name).cast("decimal(18,6)" if name == "cost_amount" else "long").alias(name) for name in MEASURES]


def _figures() -> list[Column]:
    """Of the lines of a report their sums; of an action's lines, which repeat each other, the largest."""
    is_of_report = F.col("event_id").isNull()
    return [F.when(is_of_report, summed).otherwise(F.max(name)).alias(name) for name, summed in zip(MEASURES, _sums(), strict=True)]


def _of_costliest() -> Column:
    named = F.struct("record_id", "campaign", "utm_source", "utm_medium")
    return F.max_by(named, F.struct("cost_amount", "record_id"))


def _channel(rules: ChannelRules) -> Column:
    pairs = [F.lit(text) for pair in rules.platform_sources.items() for text in pair]
    platform = tidy(F.col("platform"))
    return channel_column(
        rules,
        source=as_listed(F.coalesce(tidy(F.col("_named.utm_source")), F.try_element_at(F.create_map(*pairs), platform), platform), rules),
        medium=F.coalesce(tidy(F.col("_named.utm_medium")), F.lit(rules.platform_medium)),
        campaign=F.coalesce(tidy(F.col("_named.campaign")), F.lit(NOT_SET)),
        platform=platform)["channel"]
