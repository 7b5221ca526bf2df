"""What the report needs of the gold tables: small pandas frames, aggregated in Spark before they leave it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import functions as F

from wayprint.contracts import Table
from wayprint.tables.attribution import CHANNEL_CREDITS, RETURNS
from wayprint.tables.audiences import AUDIENCE_SIZES, LIFECYCLE
from wayprint.tables.bronze import FILES, QUARANTINE
from wayprint.tables.events import REFUSED_EVENTS, REPEATED_EVENTS
from wayprint.tables.identity import IDENTITY_AUDIT, IDENTITY_GATES, IDENTITY_HEALTH, PERSONS
from wayprint.tables.journeys import CHANNEL_FLOWS, CONVERSIONS, JOURNEYS, PURCHASE_EFFORT, STAGE_CHANNEL_MATRIX, STAGE_FUNNEL
from wayprint.tables.propensity import MODEL_MEASURES, SCORES
from wayprint.tables.quality import KPIS, RULE_RESULTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SMALL: tuple[Table, ...] = (
    CHANNEL_CREDITS, RETURNS, AUDIENCE_SIZES, IDENTITY_GATES, CHANNEL_FLOWS, PURCHASE_EFFORT, STAGE_CHANNEL_MATRIX, STAGE_FUNNEL, MODEL_MEASURES, KPIS)
COUNTED: dict[Table, tuple[str, ...]] = {
    PERSONS: ("is_known",), LIFECYCLE: ("state",), QUARANTINE: ("source", "rule"), REFUSED_EVENTS: ("source", "rule"),
    REPEATED_EVENTS: ("source", "rule"), IDENTITY_AUDIT: ("rule",), JOURNEYS: ("ended_by",), SCORES: ("model",)}
REPORT_READS: tuple[Table, ...] = (*SMALL, *COUNTED, FILES, RULE_RESULTS, CONVERSIONS, IDENTITY_HEALTH)


def gather(tables: dict[str, DataFrame]) -> dict[str, pd.DataFrame]:
    """A frame a table: small ones whole, large ones counted by a few columns (column `count`, with extra sums where useful).

    They are many and small, so some are fetched side by side: while one is planned another one runs.
    """
    wanted = {table.name: tables[table.name] for table in SMALL}
    for table, by in COUNTED.items():
        counts = [F.count(F.lit(1)).alias("count")]
        if table is PERSONS:
            counts += [F.sum("devices").alias("devices"), F.sum((F.col("devices") > 1).cast("long")).alias("several_devices")]
        if table is JOURNEYS:
            counts += [F.sum(F.col(c).cast("long")).alias(c) for c in ("has_channel_switch", "has_back", "crosses_devices", "crosses_store")]
        wanted[table.name] = tables[table.name].groupBy(*by).agg(*counts)
    is_held = F.col("status") == "held"
    wanted[FILES.name] = tables[FILES.name].groupBy("source").agg(
        F.count(F.lit(1)).alias("files"), F.sum("lines").alias("lines"), F.sum("kept").alias("kept"), F.sum("quarantined").alias("quarantined"),
        F.sum(is_held.cast("long")).alias("held"), F.max(F.when(is_held, F.col("reason"))).alias("reason"),
        F.max(F.when(~is_held, F.col("reason"))).alias("remark"))
    measured = tables[IDENTITY_HEALTH.name]
    wanted[IDENTITY_HEALTH.name] = measured.join(F.broadcast(measured.agg(F.max("measured_on").alias("measured_on"))), "measured_on", how="left_semi")
    latest = tables[RULE_RESULTS.name].groupBy("table").agg(F.max("version").alias("version"))
    wanted[RULE_RESULTS.name] = tables[RULE_RESULTS.name].join(F.broadcast(latest), ["table", "version"]).where("broken > 0")
    wanted[CONVERSIONS.name] = tables[CONVERSIONS.name].groupBy("is_digital", "currency").agg(
        F.count(F.lit(1)).alias("count"), F.sum("revenue_amount").cast("double").alias("revenue_amount"))
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(wanted, pool.map(lambda rows: rows.toPandas(), wanted.values()), strict=True))
