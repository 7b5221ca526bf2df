"""What was seen together: records that name several identifiers, counted."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.identity.settings import IdentitySettings
from wayprint.tables.identity import OBSERVATIONS


def observe(events: DataFrame, contacts: DataFrame, stitched_orders: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per strongest identifier, other identifier, source and sync point of the records that name them.

    A record with n identifiers is a star: n-1 rows, each from its strongest identifier to another. A record with one
    identifier gives a row whose `other_id` is null, so that each identifier stands somewhere. A record with none gives
    nothing. A contact is seen from its creation (its update, where the source has none) to its update; a deleted contact
    still identifies. An order that two systems told of ties what each knew of the buyer (orders.py). Rows depend only on
    records of the same `identifier_id`; late records move the times and counts.
    """
    from_events = events.select(
        "identifier_id", "identifiers", "flaws", "source", "sync_point",
        F.col("happened_at").alias("seen_from"), F.col("happened_at").alias("seen_to"))
    from_contacts = contacts.select(
        "identifier_id", "identifiers", "flaws", "source", F.lit("crm").alias("sync_point"),
        F.least("created_at", "updated_at").alias("seen_from"), F.col("updated_at").alias("seen_to"))
    from_orders = stitched_orders.select(
        "identifier_id", "identifiers", "flaws", "source", F.lit("same_order").alias("sync_point"),
        F.col("happened_at").alias("seen_from"), F.col("happened_at").alias("seen_to"))
    records = from_events.unionByName(from_contacts).unionByName(from_orders).where(F.col("identifier_id").isNotNull())
    pairs = records.select(
        "identifier_id", _type_of_strongest().alias("identifier_type"), _flaw_of(F.col("identifier_id")).alias("identifier_flaw"), "flaws",
        F.explode_outer(F.filter("identifiers", lambda one: one["id"] != F.col("identifier_id"))).alias("other"),
        "source", "sync_point", "seen_from", "seen_to")
    seen = pairs.groupBy(
        "identifier_id", "identifier_type", "identifier_flaw", F.col("other.id").alias("other_id"), F.col("other.type").alias("other_type"),
        _flaw_of(F.col("other.id")).alias("other_flaw"), "source", "sync_point",
    ).agg(
        F.min("seen_from").alias("first_seen_at"), F.max("seen_to").alias("last_seen_at"), F.count(F.lit(1)).alias("sightings"))
    whole_key = F.concat_ws("|", "identifier_id", *(F.coalesce(c, F.lit("")) for c in ("other_id", "source", "sync_point")))
    return seen.withColumn("observation_id", hashed(whole_key)).select(*OBSERVATIONS.column_names)


def _type_of_strongest() -> Column:
    """The type under which a record lists its strongest identifier."""
    return F.get(F.filter("identifiers", lambda one: one["id"] == F.col("identifier_id")), F.lit(0))["type"]


def _flaw_of(identifier: Column) -> Column:
    """The rule by which the record found the identifier's text to name nobody; null if it did not."""
    return F.get(F.filter("flaws", lambda one: one["id"] == identifier), F.lit(0))["rule"]


def hashed(text: Column) -> Column:
    """32 hex characters of SHA-256."""
    return F.substring(F.sha2(text, 256), 1, 32)


def person_named_by(identifier: Column) -> Column:
    """The person_id of the person whose oldest identifier it is."""
    return hashed(F.concat(F.lit("person|"), identifier))
