"""How far recognition reaches: touches of known persons by source, channel and month; persons seen in one source only."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.persons.person_360 import count_gaps
from wayprint.tables.persons import IDENTITY_OVERLAP, IDENTITY_REACH

BY_PLACE = ("crm_only", "digital_only", "both", "neither")
BY_SOURCES = ("1", "2", "3+")


def count_touches(touches: DataFrame, persons: DataFrame) -> DataFrame:
    """Touches per person, month, source, platform and channel; what is nobody's has no person and nobody known."""
    counted = touches.groupBy(
        "person_id", F.trunc("happened_at", "month").alias("month"), "source", F.coalesce("platform", F.lit("unknown")).alias("platform"), "channel",
        (F.col("is_digital") & (F.col("direction") == "inbound")).alias("acts_digitally"),
    ).agg(F.count(F.lit(1)).alias("touches"))
    return counted.join(persons.select("person_id", "is_known"), "person_id", how="left").withColumn("is_known", F.coalesce("is_known", F.lit(False)))


def measure_reach(prepared: DataFrame, observations: DataFrame, identity_map: DataFrame, person_360: DataFrame) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Reach, overlap and gaps; `prepared` is that of `count_touches`. Late touches and late merges change past months too."""
    return reach(prepared), overlap(prepared, observations, identity_map), count_gaps(person_360)


def reach(counted: DataFrame) -> DataFrame:
    """One row per month, source, platform and channel. The recognition rate is the share of touches given to a known person."""
    of_known = F.coalesce(F.sum(F.when(F.col("is_known"), F.col("touches"))), F.lit(0))
    of_person = F.coalesce(F.sum(F.when(F.col("person_id").isNotNull(), F.col("touches"))), F.lit(0))
    return counted.groupBy("month", "source", "platform", "channel").agg(
        F.sum("touches").alias("touches"), of_person.alias("of_a_person"), of_known.alias("of_a_known_person"),
        (of_known / F.sum("touches")).alias("recognition_rate"),
        F.countDistinct("person_id").alias("persons"), F.countDistinct(F.when(F.col("is_known"), F.col("person_id"))).alias("known_persons"),
    ).select(*IDENTITY_REACH.column_names)


def overlap(counted: DataFrame, observations: DataFrame, identity_map: DataFrame) -> DataFrame:
    """One row per month and part of all persons seen until its end, by the record of a contact, a digital action, and number of sources.

    A person is in the CRM from the creation of the first contact that names one of his identifiers, and digital from the first
    digital action. Counted are persons as they are known today: two that were merged since were one all along.
    """
    owners = identity_map.where(F.col("person_id").isNotNull()).select("identifier_id", "person_id")
    met = F.trunc("first_seen_at", "month")
    seen = observations.select(
        F.explode(F.array("identifier_id", "other_id")).alias("identifier_id"), "source", met.alias("month"),
        F.when(F.col("sync_point") == "crm", met).alias("crm"),
    ).join(owners, "identifier_id", how="inner").select("person_id", "source", "month", "crm")
    digital = counted.where(F.col("person_id").isNotNull() & F.col("acts_digitally")).select("person_id", "source", "month", F.col("month").alias("digital"))
    by_source = seen.unionByName(digital, allowMissingColumns=True).groupBy("person_id", "source").agg(
        F.min("month").alias("month"), F.min("crm").alias("crm"), F.min("digital").alias("digital"))
    persons = by_source.groupBy("person_id").agg(F.collect_list("month").alias("met"), F.min("crm").alias("crm"), F.min("digital").alias("digital"))
    months = F.array_sort(F.array_distinct(F.filter(F.concat("met", F.array("crm", "digital")), lambda month: month.isNotNull())))
    moments = persons.withColumn("months", months).select("met", "crm", "digital", "months", F.posexplode("months").alias("place", "month"))
    in_crm, is_digital = F.coalesce(F.col("crm") <= F.col("month"), F.lit(False)), F.coalesce(F.col("digital") <= F.col("month"), F.lit(False))
    sources = F.size(F.filter("met", lambda month: month <= F.col("month")))
    states = moments.select(
        F.when(in_crm & is_digital, "both").when(in_crm, "crm_only").when(is_digital, "digital_only").otherwise("neither").alias("crm_digital"),
        F.when(sources >= 3, "3+").otherwise(sources.cast("string")).alias("sources"),
        F.explode(F.array(  # a state comes in its month and goes in that of the next
            F.struct("month", F.lit(1).alias("change")), F.struct(F.get("months", F.col("place") + 1).alias("month"), F.lit(-1).alias("change")))).alias("at"))
    changes = states.select("crm_digital", "sources", "at.*").where(F.col("month").isNotNull())
    parts = {("crm_digital", part) for part in BY_PLACE} | {("sources", part) for part in BY_SOURCES}
    moved = changes.groupBy("month").agg(*(
        F.sum(F.when(F.col(breakdown) == part, F.col("change")).otherwise(0)).alias(f"{breakdown} {part}") for breakdown, part in sorted(parts)))
    # One row a month by now: a window over all of them is small.
    so_far = Window.orderBy("month").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    standing = moved.select("month", *(F.sum(f"`{breakdown} {part}`").over(so_far).alias(f"{breakdown} {part}") for breakdown, part in sorted(parts)))
    everybody = F.lit(0)
    for part in BY_SOURCES:
        everybody = everybody + F.col(f"sources {part}")
    lines = F.explode(F.array(*[_line(breakdown, part) for breakdown, part in sorted(parts)]))
    return standing.withColumn("everybody", everybody).select("month", "everybody", lines.alias("line")).select(
        "month", "line.*", (F.col("line.persons") / F.col("everybody")).alias("share")).select(*IDENTITY_OVERLAP.column_names)


def _line(breakdown: str, part: str) -> Column:
    return F.struct(F.lit(breakdown).alias("breakdown"), F.lit(part).alias("part"), F.col(f"{breakdown} {part}").alias("persons"))
