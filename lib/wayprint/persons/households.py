"""Who lives together: persons of one family name at one address."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.persons.settings import PersonSettings
from wayprint.persons.survivorship import speakers
from wayprint.tables.persons import HOUSEHOLD_MEMBERS, HOUSEHOLDS


def find_households(
    prepared: DataFrame, identity_map: DataFrame, contacts: DataFrame, files: DataFrame, settings: PersonSettings) -> tuple[DataFrame, DataFrame]:
    """Households and their members, from `prepared`: hashed addresses and family names per identifier and file.

    A double name joins the families it names at that address: Martin, Dupont and Dupont-Martin are one household. Two families of one
    name in one building are taken for one. A person alone is no household. More than `settings.max_household` persons of one name at one
    address are an institution or a placeholder and give none. Every address a person ever gave counts: who moved is in several
    households, each since the earliest record there (of one instant: the smallest source). What came with contacts that are all deleted
    in their source counts no more. A late record can join two households, which then go under the smaller id.
    """
    owners = identity_map.where(F.col("person_id").isNotNull()).select(F.col("identifier_id").alias("subject_id"), "person_id")
    said = prepared.join(owners, "subject_id", how="inner").join(files.select("file_id", "source"), "file_id", how="inner")
    gone = speakers(contacts).where("is_gone").select("subject_id", "source")
    said = said.join(gone, ["subject_id", "source"], how="left_anti")
    double = F.collect_set(F.when(F.size("family_ids") > 1, F.col("family_ids"))).over(Window.partitionBy("address_id"))
    homes = said.withColumn("double_names", double).withColumn("household_id", _household(F.col("family_ids"), F.col("double_names")))
    lived = homes.groupBy("household_id", "person_id").agg(F.min(F.struct("seen_at", "source")).alias("first"))
    lived = lived.withColumn("members", F.count(F.lit(1)).over(Window.partitionBy("household_id")))
    together = lived.where(F.col("members").between(2, settings.max_household))
    households = together.groupBy("household_id").agg(F.max("members").alias("members"), F.min("first.seen_at").alias("first_seen_at"))
    members = together.select("household_id", "person_id", F.col("first.seen_at").alias("since_at"), "first.source")
    return households.select(*HOUSEHOLDS.column_names), members.select(*HOUSEHOLD_MEMBERS.column_names)


def _household(families: Column, double_names: Column) -> Column:
    """The smallest id among all families joined, directly or by steps, with these by the double names of one address."""

    def joined(groups: Column, names: Column) -> Column:
        apart = F.filter(groups, lambda group: ~F.arrays_overlap(group, names))
        met = F.flatten(F.filter(groups, lambda group: F.arrays_overlap(group, names)))
        return F.concat(apart, F.array(F.concat(met, names)))

    groups = F.aggregate(double_names, F.array().cast("array<array<string>>"), joined)
    mine = F.flatten(F.filter(groups, lambda group: F.arrays_overlap(group, families)))
    return F.array_min(F.concat(mine, families))
