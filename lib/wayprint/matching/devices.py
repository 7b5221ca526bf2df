"""Devices that no log-in ties and that are probably one person's, or one home's: suggestions, which nothing else reads.

1. A device is at a network address in a window of days; who is there with it is counted.
2. An address is rare in a window if few devices are there, and at least one of them at night: then it looks like a home.
3. Two devices at one rare address in one window are a pair, unless they are one person's already.
4. What is known of the pair is gathered over all addresses they share, and judged (`closeness`).

Pairs are formed within an address and a window of at most `devices_most` devices, so their number grows with the number of devices
and never with its square.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.contracts import no_rows
from wayprint.matching.closeness import APP, KNOWN, UNKNOWN, judged
from wayprint.matching.settings import MatchingSettings
from wayprint.session import cut
from wayprint.tables.matching import PROBABLE_DEVICES

_ARROW = {"string": pa.string(), "long": pa.int64(), "double": pa.float64()}


def suggest_devices(events: DataFrame, identity_map: DataFrame, settings: MatchingSettings) -> DataFrame:
    """`probable_devices`: a row per pair of device identifiers with a chance of at least `devices_least` to be one home's.

    A device is the `origin_id` of a web or app event whose type names devices. Events without a network address, origins that are no
    device, and blocked ones give nothing; a device that several persons share may be of a home and is never one person's. The rows depend
    on all events, so each run computes them anew. Empty when the tier is off.
    """
    if not settings.devices_enabled:
        return no_rows(events.sparkSession, PROBABLE_DEVICES.ddl)
    present = cut(presence(events, identity_map, settings))
    known = pairs_of(present, identity_map, settings)
    return known.mapInArrow(judge(settings), PROBABLE_DEVICES.ddl).where(F.col("probability_home") >= settings.devices_least)


def presence(events: DataFrame, identity_map: DataFrame, settings: MatchingSettings) -> DataFrame:
    """Step 1: one row per address, window and device: whose it is, its kind, days and nights there, times, browsers, families looked at.

    Nights belong to the day on which they begin, and days begin when nights end (`devices_night`, local time of `devices_zone`).
    `holder`: the person, or the device itself where it is nobody's. `families`: of each product looked at, one or more times. `kind`: null
    where no event there says it.
    """
    owned = identity_map.where((F.col("status") != "blocked") & F.col("identifier_type").isin(*settings.device_types)).select(
        F.col("identifier_id").alias("origin_id"), F.col("identifier_type").alias("type"), "person_id")
    begins, ends = settings.devices_night
    local = F.from_utc_timestamp("happened_at", settings.devices_zone)
    is_night = (F.hour("local") >= begins) | (F.hour("local") < ends)
    is_app = F.col("platform") == "app"
    sent = events.where(F.col("network_id").isNotNull() & F.col("platform").isin("web", "app")).select(
        "network_id", "origin_id", "happened_at", "user_agent", local.alias("local"),
        F.when(is_app, APP).otherwise(F.col("device_type")).alias("kind"),
        F.filter(F.transform("items", lambda item: item["family"]), lambda family: family.isNotNull()).alias("families"))
    placed = sent.withColumn("day", F.unix_date(F.to_date(F.col("local") - F.make_interval(hours=F.lit(ends))))).withColumn(
        "night", F.when(is_night, F.col("day")))
    there = placed.join(owned, on="origin_id", how="inner").groupBy(
        "network_id", F.floor(F.col("day") / settings.devices_window_days).alias("window"), F.col("origin_id").alias("device"), "type", "person_id").agg(
        F.max("kind").alias("kind"), F.collect_set("day").alias("days"), F.collect_set("night").alias("nights"),
        F.min("happened_at").alias("first_at"), F.max("happened_at").alias("last_at"),
        F.collect_set("user_agent").alias("agents"), F.flatten(F.collect_list("families")).alias("families"))
    return there.withColumn("holder", F.coalesce("person_id", "device"))


def pairs_of(present: DataFrame, identity_map: DataFrame, settings: MatchingSettings) -> DataFrame:
    """Steps 2 to 4: what is known of each pair, the columns of `KNOWN`; see `closeness` for what they are evidence of."""
    met = cut(meetings(present, settings.devices_most))
    concerned = met.select(F.col("left.device").alias("device")).union(met.select("right.device")).distinct()
    holders = met.select(F.col("left.holder").alias("holder")).union(met.select("right.holder")).distinct()
    of_holders = present.join(holders, on="holder", how="leftsemi")
    traits = traits_of(present.join(concerned, on="device", how="leftsemi"))
    fleets = of_holders.groupBy("holder", "device", "type").agg(_kind(), F.min("first_at").alias("first_at"), F.max("last_at").alias("last_at")).groupBy(
        "holder").agg(F.collect_list(F.struct("type", "kind", "first_at", "last_at")).alias("fleet"))
    uniques = identity_map.where((F.col("status") == "owned") & F.col("identifier_type").isin(*settings.unique_types)).groupBy(
        F.col("person_id").alias("holder")).agg(F.collect_set("identifier_type").alias("accounts"))
    people = fleets.join(uniques, on="holder", how="left")
    pairs = shared_of(met)
    for side in ("left", "right"):
        mine = traits.select(F.col("device").alias(side), F.struct(*[c for c in traits.columns if c != "device"]).alias(f"{side}_traits"))
        theirs = people.select(F.col("holder").alias(f"{side}_holder"), F.struct("fleet", "accounts").alias(f"{side}_people"))
        pairs = pairs.join(mine, on=side, how="inner").join(theirs, on=f"{side}_holder", how="inner")
    return pairs.select(*known_columns())


def meetings(present: DataFrame, most: int) -> DataFrame:
    """Steps 2 and 3: one row per rare address, window and two devices there that are not one person's, the smaller id `left`."""
    place = ["network_id", "window"]
    crowd = present.groupBy(*place).agg(F.count(F.lit(1)).alias("devices"), F.max(F.size("nights") > 0).alias("at_night"))
    # The nights of the pair, below, decide alone; asked of the address first, no office is ever gathered and taken apart.
    rare = crowd.where(F.col("devices").between(2, most) & F.col("at_night")).select(*place, "devices")
    guests = present.join(rare, on=place, how="inner").groupBy(*place, "devices").agg(
        F.collect_list(F.struct("device", "holder", "days", "nights")).alias("guests"))
    counted = guests.withColumn("persons", F.size(F.array_distinct(F.transform("guests", lambda guest: guest["holder"]))))
    two = counted.withColumn("left", F.explode("guests")).withColumn("right", F.explode("guests"))
    seen_at_night = F.size("left.nights") + F.size("right.nights") > 0
    return two.where((F.col("left.device") < F.col("right.device")) & (F.col("left.holder") != F.col("right.holder")) & seen_at_night).drop("guests")


def shared_of(met: DataFrame) -> DataFrame:
    """One row per pair: days and nights at the addresses they share, together or not, and how crowded the rarest of them is."""
    both = {name: F.array_intersect(f"left.{name}", f"right.{name}") for name in ("days", "nights")}
    return met.groupBy(
        F.col("left.device").alias("left"), F.col("right.device").alias("right"), F.col("left.holder").alias("left_holder"),
        F.col("right.holder").alias("right_holder")).agg(
        _number(F.collect_list(both["nights"])).alias("nights"), _number(F.collect_list(both["days"])).alias("together"),
        (_number(F.collect_list("left.nights")) + _number(F.collect_list("right.nights"))).alias("night_stays"),
        _number(F.collect_list("left.days")).alias("days"), _number(F.collect_list("right.days")).alias("other_days"),
        F.size(F.collect_set("network_id")).alias("addresses"), F.min(F.struct("devices", "persons")).alias("rarest"))


def _number(lists: Column) -> Column:
    """How many days, each counted once, stand in lists of days."""
    return F.size(F.array_distinct(F.flatten(lists)))


def _kind() -> Column:
    """The one kind of a device wherever it was: what some of its events say, where others say nothing."""
    return F.coalesce(F.max("kind"), F.lit(UNKNOWN)).alias("kind")


def traits_of(present: DataFrame) -> DataFrame:
    """One row per device: type, kind, days seen anywhere, first and last time, browsers, and how often it looked at each family."""
    alone = present.groupBy("device", "type", F.isnull("person_id").alias("is_shared")).agg(
        _kind(), _number(F.collect_list("days")).alias("all_days"), F.min("first_at").alias("first_at"),
        F.max("last_at").alias("last_at"), F.array_distinct(F.flatten(F.collect_list("agents"))).alias("agents"))
    looked = present.select("device", F.explode("families").alias("family")).groupBy("device", "family").agg(F.count(F.lit(1)).alias("times"))
    interests = looked.groupBy("device").agg(F.sum("times").alias("seen"), F.map_from_entries(F.collect_list(F.struct("family", "times"))).alias("interests"),
                                             F.sum(F.col("times") * F.col("times")).alias("squares"))
    return alone.join(interests, on="device", how="left")


def known_columns() -> list[Column]:
    """The columns of KNOWN, of a pair joined with the traits and the people of both ends.

    `rivals`: a device of the one person and one of the other, of one type and kind, were in use at one time. `successor`: one browser and one
    kind, the one last seen before the other came. `interest`: cosine of the counts by family; null where one of them looked at nothing.
    """
    left, right = (F.col(f"{side}_traits") for side in ("left", "right"))
    mine, theirs = (F.col(f"{side}_people") for side in ("left", "right"))
    dot = F.aggregate(
        F.map_entries(left["interests"]), F.lit(0).cast("long"),
        lambda total, entry: total + entry["value"] * F.coalesce(F.try_element_at(right["interests"], entry["key"]), F.lit(0).cast("long")))
    rivals = F.exists(mine["fleet"], lambda one: F.exists(theirs["fleet"], lambda other: (
        (one["type"] == other["type"]) & (one["kind"] == other["kind"]) & (one["first_at"] <= other["last_at"]) & (other["first_at"] <= one["last_at"]))))
    apart = (left["last_at"] < right["first_at"]) | (right["last_at"] < left["first_at"])
    same = (left["type"] == right["type"]) & (left["kind"] == right["kind"]) & F.arrays_overlap(left["agents"], right["agents"])
    accounts = F.isnotnull(mine["accounts"]).cast("long") + F.isnotnull(theirs["accounts"]).cast("long")
    both_looked = left["seen"].isNotNull() & right["seen"].isNotNull()
    two_accounts = F.coalesce(F.arrays_overlap(mine["accounts"], theirs["accounts"]), F.lit(False))
    told = {
        "identifier_id": F.col("left"), "identifier_type": left["type"], "other_id": F.col("right"), "other_type": right["type"],
        "kind": left["kind"], "other_kind": right["kind"], "nights": F.col("nights"), "together": F.col("together"), "night_stays": F.col("night_stays"),
        "days": F.col("days"), "other_days": F.col("other_days"), "all_days": left["all_days"], "other_all_days": right["all_days"],
        "addresses": F.col("addresses"), "devices": F.col("rarest.devices"), "persons": F.col("rarest.persons"), "rivals": rivals,
        "successor": F.coalesce(apart & same, F.lit(False)), "interest": dot / F.sqrt((left["squares"] * right["squares"]).cast("double")),
        "interest_seen": F.when(both_looked, F.least(left["seen"], right["seen"])),
        "accounts": accounts, "never_one": two_accounts | left["is_shared"] | right["is_shared"]}
    return [told[name].alias(name) for name in KNOWN]


def judge(settings: MatchingSettings) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Batches of known pairs -> batches of rows as promised."""
    schema = pa.schema([(c.name, _ARROW[c.type]) for c in PROBABLE_DEVICES.columns])
    home, person = settings.devices_weights["home"], settings.devices_weights["person"]

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                found = judged(batch.to_pandas(), home, person)
                yield pa.RecordBatch.from_pandas(found[schema.names], schema=schema, preserve_index=False)

    return rows
