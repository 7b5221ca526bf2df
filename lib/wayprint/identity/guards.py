"""Identifiers that are nobody's, and the links that fall: rules that look at one link, or at one identifier and its neighbours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.identity.decisions import SOURCE
from wayprint.identity.settings import IdentitySettings
from wayprint.session import cut

NAMES_NOBODY = ("blocklist", "shape", "unknown_type")  # rules by which an identifier is blocked; by the others it is shared
BROADCAST = 500_000


def link(observations: DataFrame) -> DataFrame:
    """One row per pair of identifiers (and per identifier that stood alone, `other_id` null), whatever source and sync point.

    A pair of one type has no stronger end: it is turned so that the smaller id comes first. `decided`: somebody decided it; a
    pair that was only decided has neither times nor sightings.
    """
    turned = (F.col("identifier_type") == F.col("other_type")) & (F.col("other_id") < F.col("identifier_id"))
    ends = observations.select(
        *(F.when(turned, F.col(there)).otherwise(F.col(here)).alias(here) for here, there in (
            ("identifier_id", "other_id"), ("other_id", "identifier_id"), ("identifier_flaw", "other_flaw"), ("other_flaw", "identifier_flaw"))),
        "identifier_type", "other_type", "source", "first_seen_at", "last_seen_at", "sightings")
    return ends.groupBy("identifier_id", "identifier_type", "other_id", "other_type").agg(
        F.max("identifier_flaw").alias("identifier_flaw"), F.max("other_flaw").alias("other_flaw"),
        F.min("first_seen_at").alias("first_seen_at"), F.max("last_seen_at").alias("last_seen_at"),
        F.sum("sightings").alias("sightings"), F.sort_array(F.collect_set("source")).alias("sources"),
    ).withColumn("decided", F.array_contains("sources", SOURCE))


def date(links: DataFrame, settings: IdentitySettings, as_of: dt.date) -> DataFrame:
    """The links with the rule and reason by which one falls on its own: expired, or barred for what the identity is used for.

    A decided link never expires. A link seen on the day that is `expires_after` days before `as_of`, or later, still holds.
    """
    days = F.least(*(of_type(end, {n: k.expires_after for n, k in settings.types.items() if k.expires_after}) for end in ("identifier_type", "other_type")))
    expired = ~F.col("decided") & (F.to_date("last_seen_at") < F.date_sub(F.lit(as_of), days))
    barred = [F.col(end).isin(*settings.barred_types) if settings.barred_types else F.lit(False) for end in ("identifier_type", "other_type")]
    return links.withColumns({
        "rule": F.when(F.col("other_id").isNull(), None).when(expired, "expired").when(barred[0] | barred[1], "purpose"),
        "reason": F.when(F.col("other_id").isNull(), None)
        .when(expired, F.format_string("last seen on %s, believed for %d days", F.to_date("last_seen_at").cast("string"), days))
        .when(barred[0], F.format_string("type %s does not serve all purposes of the identity", "identifier_type"))
        .when(barred[1], F.format_string("type %s does not serve all purposes of the identity", "other_type"))})


def judge(links: DataFrame, blocked: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per identifier: type, times, sightings, and the rule and reason for which it is nobody's (null if it may be owned).

    blocklist, shape: its value is junk. unknown_type: conf does not know it. shared_device: a device seen with several unique
    identifiers of one type. fan_out: seen with more stronger identifiers of persons than its type can have, with more weaker
    ones than any has, or with more devices than its type can be. Links that fell, and links to junk, count for nothing.
    never_seen: only a decision names it.
    """
    left, right = (blocked.select(F.col("identifier_id").alias(end), F.lit("blocklist").alias(f"{end}_list")) for end in ("identifier_id", "other_id"))
    # computed once for the two counts below: a list may hold a million values, and a plan holds it wherever it is joined
    marked = cut(links.join(left, "identifier_id", how="left").join(right, "other_id", how="left"))
    flaws = {
        end: F.coalesce(F.col(f"{end}_id_list"), F.col(f"{end}_flaw"), F.when(~F.col(f"{end}_type").isin(*settings.types), "unknown_type"))
        for end in ("identifier", "other")}
    tied = F.col("other_id").isNotNull() & F.col("rule").isNull() & flaws["identifier"].isNull() & flaws["other"].isNull()
    personal_other = tied & ~F.col("other_type").isin(*settings.device_types)
    personal_lead = tied & ~F.col("identifier_type").isin(*settings.device_types)
    same_type = F.col("identifier_type") == F.col("other_type")
    seen = ("first_seen_at", "last_seen_at", "sightings", "sources")

    def end(name: str, near: str, stronger: Column, weaker: Column) -> Column:
        uniques = (F.when(tied & (F.col(f"{near}_type") == kind), F.col(f"{near}_id")).alias(f"unique_{kind}") for kind in settings.unique_types)
        return F.struct(
            F.col(f"{name}_id").alias("id"), F.col(f"{name}_type").alias("type"), flaws[name].alias("flaw"), *seen, stronger.alias("stronger"),
            weaker.alias("weaker"), *uniques)

    crowds = count_devices(marked.where(tied), settings)
    ends = F.explode(F.array(
        end("identifier", "other", F.lit(False), personal_other),
        end("other", "identifier", personal_lead & ~same_type, personal_lead & same_type)))
    counted = marked.select(ends.alias("end")).select("end.*").where("id is not null").groupBy(
        F.col("id").alias("identifier_id"), F.col("type").alias("identifier_type"),
    ).agg(
        F.max("flaw").alias("flaw"), F.min("first_seen_at").alias("first_seen_at"), F.max("last_seen_at").alias("last_seen_at"),
        F.sum("sightings").alias("sightings"), F.array_sort(F.array_distinct(F.flatten(F.collect_set("sources")))).alias("sources"),
        *(F.count_if(F.col(kind)).alias(kind) for kind in ("stronger", "weaker")),
        *(F.count(f"unique_{kind}").alias(f"unique_{kind}") for kind in settings.unique_types))
    most = of_type("identifier_type", {name: kind.fan_out for name, kind in settings.types.items()})
    counted = counted.join(crowds, "identifier_id", how="left")
    uniques = F.greatest(F.lit(0).cast("long"), *(F.col(f"unique_{kind}") for kind in settings.unique_types))
    is_device = F.col("identifier_type").isin(*settings.device_types)
    is_fanned, is_hub, is_crowded = F.col("stronger") > most, F.col("weaker") > settings.hub_links, F.col("crowd").isNotNull()
    is_shared = is_device & (uniques >= settings.shared_device_uniques)
    return counted.select(
        "identifier_id", "identifier_type", "first_seen_at", "last_seen_at", "sightings", F.array_except("sources", F.array(F.lit(SOURCE))).alias("sources"),
        F.when(F.col("first_seen_at").isNull(), "never_seen").when(F.col("flaw").isNotNull(), F.col("flaw"))
        .when(is_fanned & is_device, "fan_out").when(is_shared, "shared_device").when(is_fanned | is_hub | is_crowded, "fan_out").alias("rule"),
        F.when(F.col("first_seen_at").isNull(), F.lit("no record names it yet"))
        .when(F.col("flaw") == "blocklist", F.lit("its value is on the list of values that name nobody"))
        .when(F.col("flaw") == "shape", F.lit("its text does not look like one of its type"))
        .when(F.col("flaw") == "unknown_type", F.format_string("conf/identity.yaml has no type %s", "identifier_type"))
        .when(is_fanned, F.format_string("seen with %d stronger identifiers of persons, at most %d", "stronger", most))
        .when(is_shared, F.format_string("device seen with %d accounts, shared from %d on", uniques, F.lit(settings.shared_device_uniques)))
        .when(is_hub, F.format_string("seen with %d weaker identifiers of persons, at most %d", "weaker", F.lit(settings.hub_links)))
        .when(is_crowded, F.col("crowd")).alias("reason"))


def count_devices(tied: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per identifier that was seen with more devices of one type than the `devices` of its own allow: `crowd`, in words.

    A device counts from when it was first seen with the identifier; one that somebody only joined to it does not. Only identifiers
    with more devices than their least limit, of which there are few, are looked at in windows of days.
    """
    limited = {name: kind.devices for name, kind in settings.types.items() if kind.devices}
    none = tied.select("identifier_id", F.lit(None).cast("string").alias("crowd")).limit(0)
    if not limited:
        return none
    ends = F.explode(F.array(*(F.struct(
        F.col(f"{one}_id").alias("identifier_id"), F.col(f"{one}_type").alias("identifier_type"), F.col(f"{other}_type").alias("device_type"), "first_seen_at",
    ) for one, other in (("identifier", "other"), ("other", "identifier")))))
    seen = tied.select(ends.alias("end")).select("end.*").where(
        F.col("identifier_type").isin(*limited) & F.col("device_type").isin(*settings.device_types) & F.col("first_seen_at").isNotNull())
    least = of_type("identifier_type", {name: min(limit.most for limit in limits) for name, limits in limited.items()})
    pair = ["identifier_id", "identifier_type", "device_type"]
    many = cut(seen.groupBy(*pair).agg(F.count(F.lit(1)).alias("devices")).where(F.col("devices") > least).select(*pair))
    if not (count := many.count()):
        return none
    seen, in_time = seen.join(hinted(many, count), pair, how="left_semi"), Window.partitionBy(*pair).orderBy(F.unix_micros("first_seen_at"))
    crowds = []
    for days, most in sorted({(limit.days or 0, limit.most) for limits in limited.values() for limit in limits}):
        names = [name for name, limits in limited.items() if any((limit.days or 0, limit.most) == (days, most) for limit in limits)]
        # The one that came `most` places before is near: so there are more. To count each window would cost the square of a hub's devices.
        before = F.lag(F.unix_micros("first_seen_at"), most).over(in_time)
        is_more = F.unix_micros("first_seen_at") - before < days * 86_400_000_000 if days else before.isNotNull()
        reason = F.format_string(f"seen with more than {most} of type %s{f' in {days} days' if days else ''}", "device_type")
        crowds.append(seen.where(F.col("identifier_type").isin(*names)).withColumn("is_more", is_more).where("is_more").select(
            "identifier_id", F.struct(F.lit(most).alias("most"), reason.alias("reason")).alias("crowd")))
    return reduce(DataFrame.unionByName, crowds).groupBy("identifier_id").agg(F.max("crowd")["reason"].alias("crowd"))


def refuse(links: DataFrame, nobodys: DataFrame) -> DataFrame:
    """The links between two identifiers, each with the rule and reason it falls by: its own, else the stronger end's, else the
    other's. `nobodys`: identifiers that are nobody's, with rule and reason."""
    left = nobodys.select("identifier_id", F.struct("rule", "reason").alias("left_verdict"))
    right = nobodys.select(F.col("identifier_id").alias("other_id"), F.struct("rule", "reason").alias("right_verdict"))
    judged = links.where(F.col("other_id").isNotNull()).join(left, on="identifier_id", how="left").join(right, on="other_id", how="left")
    own = F.when(F.col("rule").isNotNull(), F.struct("rule", "reason"))
    verdict = F.coalesce(own, "left_verdict", "right_verdict")
    return judged.select(
        *(c for c in links.columns if c not in ("rule", "reason", "identifier_flaw", "other_flaw")), verdict["rule"].alias("rule"), verdict["reason"].alias("reason"))


def cap(links: DataFrame, settings: IdentitySettings) -> DataFrame:
    """Of the standing links of an identifier to others of a type, beyond what `links` of its type allows, the weakest fall."""
    for name, kind in settings.types.items():
        for near, most in kind.links.items():
            end, other = ("identifier", "other") if kind.priority < settings.types[near].priority else ("other", "identifier")
            counted = F.col("rule").isNull() & (F.col(f"{end}_type") == name) & (F.col(f"{other}_type") == near)
            place = F.row_number().over(Window.partitionBy(f"{end}_id").orderBy(*strongest_first()))
            over = links.where(counted).withColumn("place", place).where(F.col("place") > most).select("identifier_id", "other_id", F.lit(True).alias("over"))
            links = links.join(over, ["identifier_id", "other_id"], how="left").withColumns({
                "rule": F.when(F.col("over"), "links_per_identifier").otherwise(F.col("rule")),
                "reason": F.when(F.col("over"), f"{name} tied to more than {most} of type {near}: the weakest and oldest yield").otherwise(F.col("reason"))}).drop("over")
    return links


def hinted(members: DataFrame, count: int) -> DataFrame:
    """Sent to every executor while it is small."""
    return F.broadcast(members) if count < BROADCAST else members


def strongest_first() -> list[Column]:
    """Order of evidence: what somebody decided, then sightings, then the latest sight, then ids."""
    return [F.desc("decided"), F.desc("sightings"), F.desc("last_seen_at"), F.asc("identifier_id"), F.asc("other_id")]


def of_type(column: str, numbers: Mapping[str, int | None]) -> Column:
    """The number of the type in `column`; null for a type without one."""
    chosen = F.lit(None).cast("int")
    for kind, number in numbers.items():
        if number is not None:
            chosen = F.when(F.col(column) == kind, number).otherwise(chosen)
    return chosen
