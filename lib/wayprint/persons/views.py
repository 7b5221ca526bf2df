"""The tables of this lake under the names and columns of two common tools, so that queries written for them find their place.

`id_graph`, `id_graph_updates`, `external_id_mapping`: Segment's Profiles Sync. `persons_resolved`, `persons_golden_records`:
Hightouch's identity resolution, whose tables are called `<model>_resolved` and `<model>_golden_records`. A view is a function
of the tables that its parameters name.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.persons.settings import FIELDS


def id_graph(persons: DataFrame, person_aliases: DataFrame) -> DataFrame:
    """One row per person_id that is in use, or was and is somebody today (`segment_id`), and the present one (`canonical_segment_id`).

    `timestamp`: first sight of a present person, midnight of the day on which an old one was given its present id.
    """
    present = persons.select(F.col("person_id").alias("segment_id"), F.col("person_id").alias("canonical_segment_id"), F.col("first_seen_at").alias("timestamp"))
    return present.unionByName(_merges(person_aliases))


def id_graph_updates(persons: DataFrame, identity_history: DataFrame, person_aliases: DataFrame) -> DataFrame:
    """One row per creation of a person (points to itself) and one per old person who is somebody today, merged into the present one,
    however many ids lay between.

    An old person's creation is the midnight of the first day of its history. The event that triggered a change is not one event
    here but all evidence up to that day: its type says creation or merge, its id is null.
    """
    gone = person_aliases.select(F.col("person_id")).distinct()
    old = identity_history.join(gone, "person_id", how="left_semi").groupBy("person_id").agg(F.min("valid_from").cast("timestamp").alias("timestamp"))
    begun = persons.select("person_id", F.col("first_seen_at").alias("timestamp")).unionByName(old)
    created = begun.select(F.col("person_id").alias("segment_id"), F.col("person_id").alias("canonical_segment_id"), "timestamp")
    kind = [(created, "creation"), (_merges(person_aliases), "merge")]
    first, second = (rows.withColumn("triggering_event_type", F.lit(name)).withColumn("triggering_event_id", F.lit(None).cast("string")) for rows, name in kind)
    return first.unionByName(second).select("segment_id", "canonical_segment_id", "triggering_event_type", "triggering_event_id", "timestamp")


def external_id_mapping(identity_map: DataFrame) -> DataFrame:
    """One row per identifier that is somebody's. Value and hash are its keyed hash: clear values are in no view. `timestamp`: first sight."""
    return identity_map.where(F.col("person_id").isNotNull()).select(
        F.col("person_id").alias("canonical_segment_id"), F.col("identifier_type").alias("external_id_type"),
        F.col("identifier_id").alias("external_id_value"), F.col("identifier_id").alias("external_id_hash"), F.col("first_seen_at").alias("timestamp"))


def persons_resolved(contacts: DataFrame, identity_map: DataFrame) -> DataFrame:
    """One row per contact of a source and the person it belongs to; contacts that are nobody's have no `ht_id`."""
    owners = identity_map.select("identifier_id", F.col("person_id").alias("ht_id"))
    return contacts.join(owners, "identifier_id", how="left").select(
        "ht_id", "source", F.col("contact_id").alias("primary_key"), F.col("updated_at").alias("latest_timestamp"))


def persons_golden_records(persons: DataFrame, person_fields: DataFrame) -> DataFrame:
    """One row per person with each open field that survived, as text; clear values stay in the vault."""
    fields = person_fields.groupBy(F.col("person_id").alias("ht_id")).agg(*(
        F.max(F.when(F.col("field") == name, F.col("value"))).alias(name) for name in FIELDS))
    return persons.select(F.col("person_id").alias("ht_id")).join(fields, "ht_id", how="left")


def _merges(person_aliases: DataFrame) -> DataFrame:
    """Old ids and whose they are today; an id that is nobody's today was not merged into anybody."""
    return person_aliases.where(F.col("present_person_id").isNotNull()).select(
        F.col("person_id").alias("segment_id"), F.col("present_person_id").alias("canonical_segment_id"), F.col("since").cast("timestamp").alias("timestamp"))


VIEWS: dict[str, Callable[..., DataFrame]] = {
    view.__name__: view for view in (id_graph, id_graph_updates, external_id_mapping, persons_resolved, persons_golden_records)}
