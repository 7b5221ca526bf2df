"""The golden record of each person: counts from identity, attributes from contacts."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.identity.settings import IdentitySettings
from wayprint.tables.identity import PERSONS

ATTRIBUTES = ("country", "postal_area", "language", "birth_year", "gender", "loyalty_tier")


def describe_persons(identity_map: DataFrame, contacts: DataFrame, observations: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per person: what is known, from the most recently updated contact that says it.

    Each attribute survives on its own: a newer contact that does not say it does not erase it. Contacts of the same instant:
    the largest contact_id. A contact deleted in its source says nothing any more. Nobody's identifiers give no person.
    """
    owned = identity_map.where(F.col("person_id").isNotNull())
    owners = owned.select("identifier_id", "person_id")
    counted = owned.groupBy("person_id").agg(
        F.count_if(~F.col("identifier_type").isin(*settings.device_types)).alias("personal"),
        F.count(F.lit(1)).alias("identifiers"),
        F.count_if(F.col("identifier_type").isin(*settings.device_types)).alias("devices"),
        F.sort_array(F.collect_set("identifier_type")).alias("identifier_types"),
        F.min("first_seen_at").alias("first_seen_at"), F.max("last_seen_at").alias("last_seen_at"))
    observed = observations.select(F.explode(F.array("identifier_id", "other_id")).alias("identifier_id"), "source").distinct()
    sources = observed.join(owners, on="identifier_id", how="inner").groupBy("person_id").agg(
        F.sort_array(F.collect_set("source")).alias("sources"))
    said = contacts.where(~F.coalesce("is_deleted", F.lit(False))).join(owners, on="identifier_id", how="inner")
    latest = said.groupBy("person_id").agg(*(
        F.max(F.when(F.col(name).isNotNull(), F.struct("updated_at", "contact_id", name)))[name].alias(name) for name in ATTRIBUTES))
    described = counted.join(sources, on="person_id", how="left").join(latest, on="person_id", how="left")
    return described.withColumn("is_known", F.col("personal") > 0).select(*PERSONS.column_names)
