"""Identifiers that are nobody's, and the links that fall with them: rules that look at one identifier and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.identity.settings import LOGIN, IdentitySettings


def link(observations: DataFrame) -> DataFrame:
    """One row per pair of identifiers (and per identifier that stood alone, `other_id` null), whatever source and sync point.

    A pair of one type has no stronger end: it is turned so that the smaller id comes first.
    """
    turned = (F.col("identifier_type") == F.col("other_type")) & (F.col("other_id") < F.col("identifier_id"))
    ends = observations.select(
        F.when(turned, F.col("other_id")).otherwise(F.col("identifier_id")).alias("identifier_id"), "identifier_type",
        F.when(turned, F.col("identifier_id")).otherwise(F.col("other_id")).alias("other_id"), "other_type",
        "source", "first_seen_at", "last_seen_at", "sightings")
    return ends.groupBy("identifier_id", "identifier_type", "other_id", "other_type").agg(
        F.min("first_seen_at").alias("first_seen_at"), F.max("last_seen_at").alias("last_seen_at"),
        F.sum("sightings").alias("sightings"), F.sort_array(F.collect_set("source")).alias("sources"))


def judge(links: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per identifier: type, times, sightings, and the rule and reason for which it is nobody's (null if it may be owned).

    blocklist: its value is junk. shared_device: a device seen with several logins. fan_out: seen with more stronger
    identifiers of persons than its type can have, or with more weaker ones than any has. Links to junk count for nothing.
    """
    tied = F.col("other_id").isNotNull() & ~blocked("identifier_id", settings) & ~blocked("other_id", settings)
    personal_other = tied & ~F.col("other_type").isin(*settings.device_types)
    personal_lead = tied & ~F.col("identifier_type").isin(*settings.device_types)
    same_type = F.col("identifier_type") == F.col("other_type")
    seen = ("first_seen_at", "last_seen_at", "sightings", "sources")
    ends = F.explode(F.array(
        F.struct(
            F.col("identifier_id").alias("id"), F.col("identifier_type").alias("type"), *seen, F.lit(False).alias("stronger"),
            personal_other.alias("weaker"), (tied & (F.col("other_type") == LOGIN)).alias("login")),
        F.struct(
            F.col("other_id").alias("id"), F.col("other_type").alias("type"), *seen, (personal_lead & ~same_type).alias("stronger"),
            (personal_lead & same_type).alias("weaker"), (tied & (F.col("identifier_type") == LOGIN)).alias("login"))))
    counted = links.select(ends.alias("end")).select("end.*").where("id is not null").groupBy(
        F.col("id").alias("identifier_id"), F.col("type").alias("identifier_type"),
    ).agg(
        F.min("first_seen_at").alias("first_seen_at"), F.max("last_seen_at").alias("last_seen_at"),
        F.sum("sightings").alias("sightings"), F.array_sort(F.array_distinct(F.flatten(F.collect_set("sources")))).alias("sources"),
        *(F.count_if(F.col(kind)).alias(kind) for kind in ("stronger", "weaker", "login")))
    most = by_type("identifier_type", settings.fan_out)
    is_blocked = blocked("identifier_id", settings)
    is_shared = F.col("identifier_type").isin(*settings.device_types) & (F.col("login") >= settings.shared_device_logins)
    is_fanned = F.col("stronger") > most
    is_hub = F.col("weaker") > settings.hub_links
    return counted.select(
        "identifier_id", "identifier_type", "first_seen_at", "last_seen_at", "sightings", "sources",
        F.when(is_blocked, "blocklist").when(is_shared, "shared_device").when(is_fanned | is_hub, "fan_out").alias("rule"),
        F.when(is_blocked, F.lit("its value is on the list of values that name nobody"))
        .when(is_shared, F.format_string("device seen with %d logins, shared from %d on", "login", F.lit(settings.shared_device_logins)))
        .when(is_fanned, F.format_string("seen with %d stronger identifiers of persons, at most %d", "stronger", most))
        .when(is_hub, F.format_string("seen with %d weaker identifiers of persons, at most %d", "weaker", F.lit(settings.hub_links)))
        .alias("reason"))


def refuse(links: DataFrame, identifiers: DataFrame) -> DataFrame:
    """The links between two identifiers, each with the rule and reason it falls by: the stronger end's verdict, else the other's."""
    nobodys = identifiers.where(F.col("rule").isNotNull())
    left = nobodys.select("identifier_id", F.struct("rule", "reason").alias("left_verdict"))
    right = nobodys.select(F.col("identifier_id").alias("other_id"), F.struct("rule", "reason").alias("right_verdict"))
    judged = links.where(F.col("other_id").isNotNull()).join(left, on="identifier_id", how="left").join(right, on="other_id", how="left")
    verdict = F.coalesce("left_verdict", "right_verdict")
    return judged.select(*links.columns, verdict["rule"].alias("rule"), verdict["reason"].alias("reason"))


def blocked(identifier: str, settings: IdentitySettings) -> Column:
    return F.col(identifier).isin(*settings.blocked_ids) if settings.blocked_ids else F.lit(False)


def by_type(column: str, numbers: Mapping[str, int]) -> Column:
    """The number of the type in `column`; null for a type without one."""
    chosen = F.lit(None).cast("int")
    for kind, number in numbers.items():
        chosen = F.when(F.col(column) == kind, number).otherwise(chosen)
    return chosen
