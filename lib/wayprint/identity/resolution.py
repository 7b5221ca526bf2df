"""From observations to persons: what is believed, what is refused and why, and the certificate that it was followed through."""

from __future__ import annotations

import datetime as dt
from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wayprint.identity.components import connect
from wayprint.identity.conflicts import MEMBERS, VERDICTS, settler
from wayprint.identity.decisions import blocked_identifiers, decided_pairs, joins_as_observations
from wayprint.identity.gates import guard
from wayprint.identity.guards import NAMES_NOBODY, cap, date, judge, link, of_type, refuse
from wayprint.identity.observations import hashed, person_named_by
from wayprint.identity.refusal import refuse_shut
from wayprint.identity.region import Region, changed_identifiers, find_region, named_by
from wayprint.identity.settings import IdentitySettings
from wayprint.session import cut
from wayprint.tables.identity import IDENTITY_AUDIT, IDENTITY_MAP

LEDGER = (
    "kind", "identifier_id", "identifier_type", "other_id", "other_type", "person_id", "rule", "reason", "sources", "first_seen_at",
    "last_seen_at", "sightings", "component")


def judge_changes(
    observations: DataFrame, identity_decisions: DataFrame, changed_observations: DataFrame | None, changed_identity_decisions: DataFrame | None,
    previous_identity_map: DataFrame, previous_identity_audit: DataFrame, settings: IdentitySettings, as_of: dt.date, since: dt.date | None,
) -> tuple[DataFrame, Region | None]:
    """The ledger of what the changes concern, and their region; of everything, and None, where that is not known or too much."""
    region = None
    if since is not None and changed_observations is not None and changed_identity_decisions is not None:
        told = named_by(identity_decisions, changed_identity_decisions)
        region = find_region(
            observations, joins_as_observations(decided_pairs(identity_decisions, settings)), blocked_identifiers(identity_decisions, settings),
            changed_identifiers(observations, changed_observations, told, settings, since, as_of),
            told.where("action in ('block', 'unblock')").select("identifier_id").distinct(), previous_identity_map, previous_identity_audit, settings, as_of)
    return decide(observations, identity_decisions, settings, as_of, region), region


def decide(observations: DataFrame, identity_decisions: DataFrame, settings: IdentitySettings, as_of: dt.date, region: Region | None = None) -> DataFrame:
    """The ledger: one row per identifier (`kind` identifier, its person) and per pair of identifiers (`kind` link), each with
    the rule and reason by which it was refused, or none.

    1. Observations, and joins that somebody decided, become links: one per pair of identifiers, with first and last sight,
       sightings and sources. A link that expired by `as_of`, or may not serve the identity's purposes, falls.
    2. Each identifier is judged by its neighbours: junk, shared device, fan-out. It is nobody's, and its links fall.
    3. Links that stand are followed: an identifier's component is called after its smallest member. Of links of one identifier to more
       of a type than it may be tied to, the weakest fall.
    4. Components that break a limit or hold a pair that somebody split are taken apart, one by one: links are believed strongest
       first while they break none; a device between two accounts is shared. All other components stay as they are: in them no
       order matters.
    5. A person is called after the component's oldest identifier (first seen, then smallest id): the data decide, not the
       order in which they came.

    In a `region`, all this happens to its members and their links; what is outside keeps the verdict it has.

    Each step is computed before the next is planned (see `session.cut`).
    """
    pairs = decided_pairs(identity_decisions, settings)
    seen = observations.unionByName(joins_as_observations(pairs))
    links = cut(date(link(seen if region is None else region.touching(seen)), settings, as_of))
    identifiers = judge(links, blocked_identifiers(identity_decisions, settings), settings)
    identifiers = cut(identifiers if region is None else region.within(identifiers))
    nobodys = identifiers.where(F.col("rule").isNotNull()).select("identifier_id", "rule", "reason")
    held = cut(refuse(links, nobodys if region is None else nobodys.unionByName(region.verdicts)))
    roots = connect(held.where(F.col("rule").isNull()).select(F.col("identifier_id").alias("node"), F.col("other_id").alias("root")), settings)
    labelled = identifiers.where(F.coalesce("rule", F.lit("")) != "never_seen").join(roots.withColumnRenamed("node", "identifier_id"), on="identifier_id", how="left")
    labelled = cut(labelled.withColumn("root", F.coalesce("root", "identifier_id")))
    judged = cut(cap(held, settings)) if any(kind.links for kind in settings.types.values()) else held
    settled = cut(settle_conflicts(labelled, judged, pairs.where("action = 'split'"), settings))
    return cut(with_persons(labelled, settled).unionByName(with_refusals(judged, settled)).select(*LEDGER))


def settle_conflicts(labelled: DataFrame, judged: DataFrame, splits: DataFrame, settings: IdentitySettings) -> DataFrame:
    """Step 4: the verdicts on components that have more of a type than a person may have, both ends of a split, or a link too many."""
    standing = judged.where(F.col("rule").isNull())
    owned = labelled.where(F.col("rule").isNull())
    ends = [owned.select(F.col("identifier_id").alias(end), F.col("root").alias(f"{end}_root")) for end in ("identifier_id", "other_id")]
    splits = F.broadcast(splits).join(ends[0], "identifier_id").join(ends[1], "other_id").where("identifier_id_root = other_id_root")
    splits = splits.withColumn("root", F.col("identifier_id_root"))
    most = of_type("identifier_type", {name: min(ever) for name, kind in settings.types.items() if (ever := [one.most for one in kind.all_limits if not one.days])})
    crowded = [owned.groupBy("root", "identifier_type").agg(F.count(F.lit(1)).alias("members")).where(F.col("members") > most), splits]
    for days in sorted({one.days for kind in settings.types.values() for one in kind.limits if one.days}):
        within = {name: min(some) for name, kind in settings.types.items() if (some := [one.most for one in kind.limits if one.days == days])}
        window = Window.partitionBy("root", "identifier_type").orderBy(F.unix_micros("first_seen_at")).rangeBetween(1 - days * 86_400_000_000, 0)
        crowded.append(owned.where(F.col("identifier_type").isin(*within)).withColumn("members", F.count(F.lit(1)).over(window))
            .where(F.col("members") > of_type("identifier_type", within)))
    if any(kind.links for kind in settings.types.values()):
        crowded.append(owned.join(judged.where("rule = 'links_per_identifier'").select("identifier_id"), "identifier_id"))
    suspects = cut(reduce(DataFrame.union, [one.select("root") for one in crowded]).distinct())
    members = owned.join(suspects, "root", how="left_semi").withColumn("kind", F.lit("identifier"))
    links = standing.join(members.select("identifier_id", "root"), "identifier_id").withColumn("kind", F.lit("link"))
    apart = splits.join(suspects, "root", how="left_semi").withColumn("kind", F.lit("split"))
    every = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), (
        part.select(*(name for name in MEMBERS if name in part.columns)) for part in (links, members, apart)))
    return every.groupBy("root").applyInPandas(settler(settings), VERDICTS)


def with_persons(labelled: DataFrame, settled: DataFrame) -> DataFrame:
    """Step 5: the identifiers, each with its person unless it is nobody's."""
    verdicts = settled.where("kind = 'identifier'").select(
        "identifier_id", F.col("root").alias("new_root"), F.col("rule").alias("new_rule"), F.col("reason").alias("new_reason"))
    final = labelled.withColumn("component", F.when(F.col("rule").isNull(), F.col("root"))).join(verdicts, on="identifier_id", how="left").withColumns({
        "root": F.coalesce("new_root", "root"), "rule": F.coalesce("rule", "new_rule"), "reason": F.coalesce("reason", "new_reason")})
    oldest = F.min(F.struct("first_seen_at", "identifier_id")).over(Window.partitionBy("root"))["identifier_id"]
    return final.withColumn("person_id", F.when(F.col("rule").isNull(), person_named_by(oldest))).select(
        F.lit("identifier").alias("kind"), "identifier_id", "identifier_type", F.lit(None).cast("string").alias("other_id"),
        F.lit(None).cast("string").alias("other_type"), "person_id", "rule", "reason", "sources", "first_seen_at", "last_seen_at",
        "sightings", "component")


def with_refusals(judged: DataFrame, settled: DataFrame) -> DataFrame:
    """The links, with the refusals of step 4 beside those of step 2."""
    verdicts = settled.where("kind = 'link'").select(
        "identifier_id", "other_id", F.col("rule").alias("new_rule"), F.col("reason").alias("new_reason"))
    return judged.join(verdicts, on=["identifier_id", "other_id"], how="left").select(
        F.lit("link").alias("kind"), "identifier_id", "identifier_type", "other_id", "other_type",
        F.lit(None).cast("string").alias("person_id"), F.coalesce("rule", "new_rule").alias("rule"),
        F.coalesce("reason", "new_reason").alias("reason"), "sources", "first_seen_at", "last_seen_at", "sightings",
        F.lit(None).cast("string").alias("component"))


def resolve(
    observations: DataFrame, prepared: tuple[DataFrame, Region | None], previous_identity_map: DataFrame, settings: IdentitySettings,
) -> tuple[DataFrame, DataFrame, DataFrame]:
    """`identity_audit`, `identity_gates`, `identity_map` from the ledger that `judge_changes` prepared.

    The rows do not depend on the map that stood before; whether they may be published does (see `gates`): a shut gate breaks the contract.
    """
    ledger, region = prepared
    standing = map_identifiers(ledger)
    gates = cut(guard(observations, ledger, standing, previous_identity_map, settings, region))
    refuse_shut(gates, ledger, standing)
    return list_refusals(ledger), gates, standing


def replaced_rows(
    prepared: tuple[DataFrame, Region | None], previous_identity_audit: DataFrame, previous_identity_map: DataFrame,
) -> tuple[DataFrame | None, None, DataFrame | None]:
    """Which rows of audit, gates and map `resolve` replaces: those of the region's members and their links; None: all."""
    _, region = prepared
    if region is None:
        return None, None, None
    return region.touching(previous_identity_audit), None, region.within(previous_identity_map)


def list_refusals(ledger: DataFrame) -> DataFrame:
    """Every refused link and every identifier that is nobody's, with rule and reason."""
    ends = F.concat_ws("|", "rule", "identifier_id", F.coalesce("other_id", F.lit("")))
    return ledger.where(F.col("rule").isNotNull()).withColumn("audit_id", hashed(ends)).select(*IDENTITY_AUDIT.column_names)


def map_identifiers(ledger: DataFrame) -> DataFrame:
    """Every identifier, and whose it is."""
    status = F.when(F.col("rule").isNull(), "owned").when(F.col("rule").isin(*NAMES_NOBODY), "blocked").otherwise("shared")
    return ledger.where("kind = 'identifier'").withColumn("status", status).select(*IDENTITY_MAP.column_names)
