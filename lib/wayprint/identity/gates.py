"""What a new identity must pass before it is published: it follows its own links, and did not collapse or fall apart overnight."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wayprint.identity.region import Region
from wayprint.identity.settings import IdentitySettings
from wayprint.session import anything
from wayprint.tables.identity import IDENTITY_GATES


def guard(
    observations: DataFrame, ledger: DataFrame, standing: DataFrame, before: DataFrame, settings: IdentitySettings, region: Region | None = None,
) -> DataFrame:
    """One row per gate; a shut one stops the publish of the map and of all that follows (rules of `identity_gates`).

    edges_across: believed links whose ends are not one person's; nodes_lost: identifiers observed that the map lacks. Both are
    counted afresh from links and observations against the finished map and must be 0, whatever engine connected them.
    largest_growth: size of the largest person, as a multiple of the largest before; 1 while it is small. torn_share: of the
    identifiers that had an owner before (`before`: the map that stands), those no longer with most of that person's others;
    merges, and ids that an older identifier brings, tear nothing. ids_gone_share: of the person_ids in use before, those no longer in
    use, be it that their person merged, got another id or is no more: whoever keeps person_ids must look them up anew. Both are 0 while
    there are few, or none before. `standing`: the new rows of the map, all or those of `region`; outside it nothing changes hands.
    """
    if region is not None:
        observations = region.touching(observations)
    first = not anything(before)
    nothing = ledger.limit(0)
    gates = (
        (_edges_across(ledger, standing), "edges_across", F.lit(0.0),
            "believed links between two persons; the build is wrong: run again, and report it"),
        (_nodes_lost(observations, standing, region), "nodes_lost", F.lit(0.0),
            "identifiers observed that the map lacks; the build is wrong: run again, and report it"),
        (nothing.agg(F.lit(1.0).alias("value")) if first else _largest_growth(standing, before, region, settings), "largest_growth", F.lit(settings.gate_largest_growth),
            "how many times its former size the largest person has; block what welds it (`wayprint identity block`), or raise "
            "identity.gate_largest_growth for one run"),
        (nothing.agg(F.lit(0.0).alias("value")) if first else _torn_share(standing, before, region, settings), "torn_share", F.lit(settings.gate_torn_share),
            "share of identifiers taken from their person; see what changed with `wayprint identity try`, or raise identity.gate_torn_share for one run"),
        (nothing.agg(F.lit(0.0).alias("value")) if first else _ids_gone_share(standing, before, region, settings), "ids_gone_share",
            F.lit(settings.gate_ids_gone_share),
            "share of person_ids that are no longer in use; see what changed with `wayprint identity try`, or raise identity.gate_ids_gone_share for one run"))
    rows = (
        measured.select(F.lit(name).alias("gate"), F.col("value").cast("double").alias("value"), bound.cast("double").alias("bound"), F.lit(meaning).alias("meaning"))
        for measured, name, bound, meaning in gates)
    return reduce(DataFrame.unionByName, rows).withColumn("is_open", F.col("value") <= F.col("bound")).select(*IDENTITY_GATES.column_names)


def _edges_across(ledger: DataFrame, standing: DataFrame) -> DataFrame:
    owners = standing.select("identifier_id", F.coalesce("person_id", "identifier_id").alias("owner"))
    others = owners.select(F.col("identifier_id").alias("other_id"), F.col("owner").alias("other_owner"))
    believed = ledger.where("kind = 'link' and rule is null").join(owners, "identifier_id", how="left").join(others, "other_id", how="left")
    return believed.agg(F.count_if(~F.coalesce(F.col("owner") == F.col("other_owner"), F.lit(False))).alias("value"))


def _nodes_lost(observations: DataFrame, standing: DataFrame, region: Region | None) -> DataFrame:
    observed = observations.select(F.explode(F.array("identifier_id", "other_id")).alias("identifier_id")).where("identifier_id is not null").distinct()
    observed = observed if region is None else region.within(observed)
    return observed.join(standing.select("identifier_id"), "identifier_id", how="left_anti").agg(F.count(F.lit(1)).alias("value"))


def _largest_growth(standing: DataFrame, before: DataFrame, region: Region | None, settings: IdentitySettings) -> DataFrame:
    """A region smaller than what counts as large needs no look at the rest."""
    def largest(rows: DataFrame, name: str) -> DataFrame:
        return rows.where("person_id is not null").groupBy("person_id").agg(F.count(F.lit(1)).alias("members")).agg(F.max("members").alias(name))

    if region is not None and not anything(largest(standing, "now").where(F.col("now") >= settings.gate_largest_from)):
        return standing.limit(0).agg(F.lit(1.0).alias("value"))
    now = standing if region is None else standing.unionByName(before.join(region.members, "identifier_id", how="left_anti"))
    both = largest(now, "now").crossJoin(largest(before, "was"))
    grown = (F.col("now") >= settings.gate_largest_from) & F.col("was").isNotNull()
    return both.select(F.when(grown, F.col("now") / F.col("was")).otherwise(F.lit(1.0)).alias("value"))


def _torn_share(standing: DataFrame, before: DataFrame, region: Region | None, settings: IdentitySettings) -> DataFrame:
    owned = before.where("person_id is not null")
    was = (owned if region is None else region.within(owned)).select("identifier_id", F.col("person_id").alias("was"))
    now = standing.select("identifier_id", F.col("person_id").alias("now"))
    parts = was.join(now, "identifier_id", how="left").groupBy("was", "now").agg(F.count(F.lit(1)).alias("members"))
    of_person = Window.partitionBy("was").orderBy(F.col("now").isNull(), F.desc("members"), "now")
    kept = (F.row_number().over(of_person) == 1) & F.col("now").isNotNull()
    counted = parts.select("members", kept.alias("kept")).agg(F.coalesce(F.sum(F.when(~F.col("kept"), F.col("members"))), F.lit(0)).alias("torn")).crossJoin(
        owned.agg(F.count(F.lit(1)).alias("owned")))
    enough = F.col("owned") >= settings.gate_torn_from
    return counted.select(F.when(enough, F.col("torn") / F.col("owned")).otherwise(F.lit(0.0)).alias("value"))


def _ids_gone_share(standing: DataFrame, before: DataFrame, region: Region | None, settings: IdentitySettings) -> DataFrame:
    """A person is in the region with all of its identifiers, or with none."""
    ids = before.where("person_id is not null").select("identifier_id", "person_id")
    concerned = (ids if region is None else region.within(ids)).select("person_id").distinct()
    gone = concerned.join(standing.select("person_id"), "person_id", how="left_anti").agg(F.count(F.lit(1)).alias("gone"))
    counted = gone.crossJoin(ids.agg(F.count_distinct("person_id").alias("persons")))
    return counted.select(F.when(F.col("persons") >= settings.gate_ids_gone_from, F.col("gone") / F.col("persons")).otherwise(F.lit(0.0)).alias("value"))
