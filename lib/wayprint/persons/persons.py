"""Each person in one row: counts from identity, attributes from the fields that survived."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.persons.settings import PersonSettings
from wayprint.tables.identity import PERSONS

ATTRIBUTES = {"country": "string", "postal_area": "string", "language": "string", "birth_year": "int", "gender": "string", "loyalty_tier": "string"}


def describe_persons(identity_map: DataFrame, person_fields: DataFrame, observations: DataFrame, settings: PersonSettings) -> DataFrame:
    """One row per person: what is known; an attribute is null where no contact says it. Nobody's identifiers give no person."""
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
    attributes = person_fields.where(F.col("field").isin(*ATTRIBUTES)).groupBy("person_id").agg(*(
        F.max(F.when(F.col("field") == name, F.col("value"))).cast(kind).alias(name) for name, kind in ATTRIBUTES.items()))
    described = counted.join(sources, on="person_id", how="left").join(attributes, on="person_id", how="left")
    return described.withColumn("is_known", F.col("personal") > 0).select(*PERSONS.column_names)
