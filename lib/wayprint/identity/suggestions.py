"""Identifiers that look as if they named nobody, found from the data: what to look at before the block list is lengthened."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wayprint.contracts import no_rows
from wayprint.identity.settings import IdentitySettings
from wayprint.session import anything, cut
from wayprint.tables.identity import IDENTITY_SUGGESTIONS


def suggest(links: DataFrame, owned: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per owned identifier that ties far more identifiers of persons, or far more devices, than others of its type do.

    How many it ties is counted as the exponential of the entropy of its sightings over them (Shannon 1948; Hill's number of
    order 1), so that one wrong link among a thousand right ones counts for nothing. Far: `suggest_times_usual` times what 99 of
    100 of the type do not exceed, and at least `suggest_from`, of devices `suggest_from_devices`; of both the one that is farther
    is told. A device is measured by its devices alone: persons who share it make it nobody's. `persons_after`: the parts into
    which its person falls without it, by the links believed now. Identifiers that are nobody's already are not suggested.
    """
    ends = F.explode(F.array(*(F.struct(
        F.col(f"{one}_id").alias("identifier_id"), F.col(f"{one}_type").alias("identifier_type"),
        F.when(F.col(f"{other}_type").isin(*settings.device_types), "device").otherwise("person").alias("neighbours_name"),
    ) for one, other in (("identifier", "other"), ("other", "identifier")))))
    around = links.where("rule is null and other_id is not null").select(ends.alias("end"), "sightings").select("end.*", "sightings").where(
        (F.col("neighbours_name") == "device") | ~F.col("identifier_type").isin(*settings.device_types))
    weight = F.col("sightings").cast("double")
    spread = around.groupBy("identifier_id", "identifier_type", "neighbours_name").agg(
        F.count(F.lit(1)).alias("neighbours"), F.sum("sightings").alias("sightings"), F.sum(weight * F.log(weight)).alias("weighted"))
    total = F.col("sightings").cast("double")
    spread = spread.withColumn("effective_neighbours", F.exp(F.log(total) - F.col("weighted") / total))
    usual = spread.groupBy("identifier_type", "neighbours_name").agg(F.percentile("effective_neighbours", 0.99).alias("usual_neighbours"))
    least = F.when(F.col("neighbours_name") == "device", settings.suggest_from_devices).otherwise(settings.suggest_from)
    farthest = Window.partitionBy("identifier_id").orderBy(F.desc(F.col("effective_neighbours") / F.col("usual_neighbours")), "neighbours_name")
    far = cut(spread.join(F.broadcast(usual), ["identifier_type", "neighbours_name"]).where(
        (F.col("effective_neighbours") >= settings.suggest_times_usual * F.col("usual_neighbours")) & (F.col("effective_neighbours") >= least),
    ).withColumn("place", F.row_number().over(farthest)).where("place = 1"))
    if not anything(far):  # on most days
        return no_rows(far.sparkSession, IDENTITY_SUGGESTIONS.ddl)
    suspects = far.join(owned.select("identifier_id", "person_id"), "identifier_id")
    members = owned.select("identifier_id", "person_id").join(F.broadcast(suspects.select("person_id").distinct()), "person_id")
    counts = members.groupBy("person_id").agg(F.count(F.lit(1)).alias("person_identifiers"))
    inside = links.where("rule is null").join(members, "identifier_id").select("person_id", "identifier_id", "other_id")
    blocked = F.broadcast(suspects.select("person_id", F.col("identifier_id").alias("suspect")))
    parts = inside.join(blocked, "person_id").groupBy("person_id", "suspect").applyInPandas(_parts_without, "identifier_id string, persons_after long")
    return suspects.join(counts, "person_id").join(parts, "identifier_id").select(*IDENTITY_SUGGESTIONS.column_names)


def _parts_without(links: pd.DataFrame) -> pd.DataFrame:
    """Into how many parts these links fall without the suspect."""
    suspect = links["suspect"].iloc[0]
    names = pd.Index(pd.unique(pd.concat([links["identifier_id"], links["other_id"]])))
    rest = links[(links["identifier_id"] != suspect) & (links["other_id"] != suspect)]
    ends = names.get_indexer(rest["identifier_id"]), names.get_indexer(rest["other_id"])
    count, _ = connected_components(coo_array(([1] * len(rest), ends), shape=(len(names), len(names))), directed=False)
    return pd.DataFrame({"identifier_id": [suspect], "persons_after": [count - 1]})  # the suspect itself is one part
