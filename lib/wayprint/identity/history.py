"""What identity said on each day: periods of every identifier, what happened to persons and by which evidence, old ids.

The state is a function of the runs before, not of the deliveries alone: these tables record runs. Each run is compared with the one
before it. Periods count in days (`as_of`): what stood between two runs of one day has changes and aliases, but no period. A run for an
earlier day than the last speaks for that last day: what was published is not rewritten.
"""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wayprint.identity.guards import link
from wayprint.identity.observations import hashed, person_named_by
from wayprint.session import anything
from wayprint.tables.identity import IDENTITY_CHANGES, IDENTITY_HISTORY, PERSON_ALIASES

LINK = "struct<sightings:bigint,last_seen_at:timestamp,identifier_id:string,other_id:string,sources:array<string>,rule:string,reason:string>"


def compare(identity_map: DataFrame, previous_identity_history: DataFrame, as_of: dt.date) -> DataFrame:
    """One row per period that ended, and one per identifier of the run before or of this one: `before` and `now` (person and status).

    `valid_from`, `valid_to`: of the period that ended, or of the state before. `day`: the day that this run speaks for.
    """
    last = F.broadcast(previous_identity_history.agg(F.max("valid_from").alias("last")))
    state = F.struct("person_id", "status")
    before = previous_identity_history.where("valid_to is null").select(
        "identifier_id", F.col("identifier_type").alias("type_before"), state.alias("before"), "valid_from")
    now = identity_map.select("identifier_id", "identifier_type", state.alias("now"))
    both = before.join(now, "identifier_id", how="full").select(
        "identifier_id", F.coalesce("identifier_type", "type_before").alias("identifier_type"), "before", "now", "valid_from",
        F.lit(None).cast("date").alias("valid_to"))
    ended = previous_identity_history.where("valid_to is not null").select(
        "identifier_id", "identifier_type", state.alias("before"), F.lit(None).cast("struct<person_id:string,status:string>").alias("now"),
        "valid_from", "valid_to")
    return both.unionByName(ended).crossJoin(last).withColumn("day", F.greatest(F.lit(as_of), "last")).drop("last")


def record_history(
    prepared: DataFrame, identity_audit: DataFrame, observations: DataFrame, previous_identity_changes: DataFrame, previous_person_aliases: DataFrame,
) -> tuple[DataFrame, DataFrame, DataFrame]:
    """`identity_changes`, `person_aliases`, `identity_history`, from `compare`."""
    present = prepared.where("valid_to is null")
    if not anything(prepared.where("before is not null")):
        minted = _persons(present, "now").withColumns({"kind": F.lit("minted"), "other_person_id": F.lit(None).cast("string"), "link": F.lit(None).cast(LINK)})
        return _in_words(minted.withColumn("has_name", F.lit(None).cast("boolean"))), previous_person_aliases, periods(prepared)
    heirs = successors(present)
    changes = tell_changes(present, heirs, identity_audit, observations)
    earlier = previous_identity_changes.join(changes.select("change_id"), "change_id", how="left_anti")
    return earlier.unionByName(changes), find_aliases(prepared, heirs, previous_person_aliases), periods(prepared)


def periods(compared: DataFrame) -> DataFrame:
    """A period ends when person or status changes, or the identifier is gone; another begins with what it is now. One that began today
    and is over is no period."""
    stays = F.col("before").eqNullSafe(F.col("now"))
    over = ~stays & F.col("valid_to").isNull()
    old = F.when(F.col("before").isNotNull() & ~(over & (F.col("valid_from") == F.col("day"))), F.struct(
        F.col("before").alias("state"), "valid_from", F.when(over, F.col("day")).otherwise(F.col("valid_to")).alias("valid_to")))
    new = F.when(F.col("now").isNotNull() & ~stays, F.struct(F.col("now").alias("state"), F.col("day").alias("valid_from"), F.lit(None).cast("date").alias("valid_to")))
    both = F.filter(F.array(old, new), lambda one: one.isNotNull())
    return compared.select("identifier_id", "identifier_type", F.explode(both).alias("one")).select(
        "identifier_id", "identifier_type", "one.state.*", "one.valid_from", "one.valid_to").select(*IDENTITY_HISTORY.column_names)


def on_day(identity_history: DataFrame, day: dt.date) -> DataFrame:
    """What was published on a day, as rows of `identity_map` without its counts."""
    held = (F.col("valid_from") <= F.lit(day)) & F.coalesce(F.col("valid_to") > F.lit(day), F.lit(True))
    return identity_history.where(held).select("identifier_id", "identifier_type", "person_id", "status")


def successors(present: DataFrame) -> DataFrame:
    """One row per person of the run before and person of this one that has an identifier of it: `identifiers` they share, and whether the
    new one is the `heir`: it has the identifier after which the old one is called, or else most of what is left of it (then the smallest id)."""
    was, now = F.col("before.person_id"), F.col("now.person_id")
    shared = present.where(was.isNotNull() & now.isNotNull()).groupBy(was.alias("was_person"), now.alias("now_person")).agg(
        F.count(F.lit(1)).alias("identifiers"), F.max(person_named_by(F.col("identifier_id")) == was).alias("has_name"))
    best = Window.partitionBy("was_person").orderBy(F.desc("has_name"), F.desc("identifiers"), "now_person")
    return shared.withColumn("heir", F.row_number().over(best) == 1)


def find_aliases(prepared: DataFrame, heirs: DataFrame, previous_person_aliases: DataFrame) -> DataFrame:
    """Every person_id once published that nobody has now, and who that is today: whoever has the identifier it is called after, or else
    most of the identifiers it had last (then the smallest id).

    An id that came and went between two runs of one day left no period that names its identifiers: it follows the heir of whom it was
    before. An earlier run that was killed may have told an id already that `prepared` still has as the state before.
    """
    present = prepared.where("valid_to is null")
    standing = _persons(present, "now").select("person_id")
    gone = _persons(present, "before").select("person_id", "day").join(
        previous_person_aliases.select("person_id", F.col("present_person_id").alias("last_id"), "since"), "person_id", how="full")
    gone = gone.join(standing, "person_id", how="left_anti").withColumn("since", F.coalesce("since", "day"))
    owned = present.where("now.person_id is not null").select("identifier_id", F.col("now.person_id").alias("owner"))
    named = owned.select(person_named_by(F.col("identifier_id")).alias("person_id"), F.col("owner").alias("has_name"))
    stood = standing.select(F.col("person_id").alias("last_id"), F.col("person_id").alias("still"))
    heir = heirs.where("heir").select(F.col("was_person").alias("last_id"), F.col("now_person").alias("heir"))
    told = gone.join(named, "person_id", how="left").join(_most_of(prepared, owned), "person_id", how="left").join(
        stood, "last_id", how="left").join(heir, "last_id", how="left")
    by_heir = F.when(F.col("has_period").isNull(), F.coalesce("still", "heir"))
    return told.withColumn("present_person_id", F.coalesce("has_name", "has_most", by_heir)).select(*PERSON_ALIASES.column_names)


def _most_of(prepared: DataFrame, owned: DataFrame) -> DataFrame:
    """One row per person_id that has periods: who owns now most of the identifiers that it had last (`has_most`; null: nobody has any)."""
    latest = F.max(F.coalesce("valid_to", F.lit(dt.date.max))).over(Window.partitionBy("before.person_id"))
    last = prepared.where("before.person_id is not null").withColumn("latest", latest).where(F.coalesce("valid_to", F.lit(dt.date.max)) == F.col("latest"))
    shares = last.select(F.col("before.person_id").alias("person_id"), "identifier_id").join(owned, "identifier_id", how="left").groupBy(
        "person_id", "owner").agg(F.count(F.lit(1)).alias("identifiers"))
    best = F.min(F.when(F.col("owner").isNotNull(), F.struct((-F.col("identifiers")).alias("fewer"), "owner")))
    return shares.groupBy("person_id").agg(best["owner"].alias("has_most"), F.lit(True).alias("has_period"))


def _persons(present: DataFrame, state: str) -> DataFrame:
    """Persons of the run before (`before`) or of this one (`now`), and how many identifiers each has."""
    person = F.col(f"{state}.person_id")
    return present.where(person.isNotNull()).groupBy(person.alias("person_id")).agg(F.count(F.lit(1)).alias("identifiers"), F.max("day").alias("day"))


def tell_changes(present: DataFrame, pairs: DataFrame, identity_audit: DataFrame, observations: DataFrame) -> DataFrame:
    """What happened to persons since the run before (`present`: the rows of `compare` without ended periods; `pairs`: its successors).

    merged: the heir has another id. renamed: so it has, and was nobody before and is no other's heir: one person under a new id. split:
    identifiers went to a person who is new. moved: to one that was there before. minted: nobody's identifiers, or new ones, became a
    person. retired: none of its identifiers is anybody's.
    """
    olds, news = _persons(present, "before"), _persons(present, "now")
    new_ids = news.join(olds, "person_id", how="left_anti")
    heirs_of = pairs.where("heir").groupBy("now_person").agg(F.count(F.lit(1)).alias("inherits"))
    went = pairs.where("was_person <> now_person").join(
        new_ids.select(F.col("person_id").alias("now_person"), F.lit(True).alias("is_new")), "now_person", how="left",
    ).join(heirs_of, "now_person", how="left").join(olds.select(F.col("person_id").alias("was_person"), "day"), "was_person")
    kind = F.when(F.col("heir") & F.col("is_new") & (F.col("inherits") == 1), "renamed").when(F.col("heir"), "merged").when(
        F.col("is_new"), "split").otherwise("moved")
    moved = went.select(
        kind.alias("kind"), F.col("was_person").alias("person_id"), F.col("now_person").alias("other_person_id"), "identifiers", "day", "has_name")
    alone = F.lit(None).cast("string").alias("other_person_id"), "identifiers", "day", F.lit(None).cast("boolean").alias("has_name")
    fresh = new_ids.join(pairs.select(F.col("now_person").alias("person_id")), "person_id", how="left_anti").select(
        F.lit("minted").alias("kind"), "person_id", *alone)
    gone = olds.join(pairs.select(F.col("was_person").alias("person_id")), "person_id", how="left_anti").select(
        F.lit("retired").alias("kind"), "person_id", *alone)
    told = moved.unionByName(fresh).unionByName(gone)
    shown = F.when(F.col("kind") != "renamed", F.col("kind")).when(F.col("has_name"), "merged")  # the link to the older identifier, if that is why
    evidence = _evidence(present, identity_audit, observations).withColumnRenamed("kind", "shown")
    return _in_words(told.withColumn("shown", shown).join(evidence, ["shown", "person_id", "other_person_id"], how="left"))


def _in_words(changes: DataFrame) -> DataFrame:
    """Rows of `identity_changes`, the reason from the link where there is one."""
    older, lost = "an older identifier of the same person became known", "the identifier it was called after is gone, nobody's or another's"
    spoken = F.when(F.col("kind") == "minted", "no earlier person had any of its identifiers").when(
        F.col("kind") == "retired", "its identifiers are gone, or nobody's").when(
        F.col("kind").isin("merged", "renamed"), F.when(F.col("has_name"), older).otherwise(lost)).otherwise("the evidence that tied them is gone")
    return changes.select(
        hashed(F.concat_ws("|", F.col("day").cast("string"), "kind", "person_id", F.coalesce("other_person_id", F.lit("")))).alias("change_id"),
        F.col("day").alias("changed_on"), "kind", "person_id", "other_person_id", "identifiers", "link.identifier_id", "link.other_id", "link.sources",
        "link.rule", F.coalesce("link.reason", spoken).alias("reason")).select(*IDENTITY_CHANGES.column_names)


def _evidence(present: DataFrame, identity_audit: DataFrame, observations: DataFrame) -> DataFrame:
    """For merged: the strongest believed link between the old person and the rest of the new one. For split and moved: the
    latest refused link between what went and what did not."""
    moved = present.where(F.col("before.person_id").isNotNull() & ~F.col("before.person_id").eqNullSafe(F.col("now.person_id")))
    touched = moved.select(F.col("identifier_id").alias("end"))
    ends = present.select("identifier_id", F.col("before.person_id").alias("was"), F.col("now.person_id").alias("now"))
    left, right = (ends.select(F.col("identifier_id").alias(end), F.col("was").alias(f"{side}_was"), F.col("now").alias(f"{side}_now"))
                   for end, side in (("identifier_id", "left"), ("other_id", "right")))

    def at_moved(rows: DataFrame) -> DataFrame:
        ended = rows.where("other_id is not null").withColumn("end", F.explode(F.array_distinct(F.array("identifier_id", "other_id"))))
        return ended.join(touched, "end", how="left_semi").drop("end").distinct()

    refusals = at_moved(identity_audit)
    seen = link(at_moved(observations)).join(refusals.select("identifier_id", "other_id"), ["identifier_id", "other_id"], how="left_anti")
    seen, refusals = (links.join(left, "identifier_id").join(right, "other_id") for links in (seen, refusals))
    sides = (("left", "right"), ("right", "left"))
    joined = F.explode(F.array(*(F.struct(
        F.lit("merged").alias("kind"), F.col(f"{one}_was").alias("person_id"), F.col(f"{other}_now").alias("other_person_id"),
        (~F.col(f"{one}_was").eqNullSafe(F.col(f"{other}_was")) & (F.col("left_now") == F.col("right_now"))).alias("holds")) for one, other in sides)))
    told = [part.split(":")[0] for part in LINK.removeprefix("struct<").removesuffix(">").split(",")]
    words = F.format_string("seen together %d times, last on %s", "sightings", F.to_date("last_seen_at").cast("string"))
    tied = seen.withColumns({"rule": F.lit(None).cast("string"), "reason": words}).select(joined.alias("one"), F.struct(*told).alias("link"))
    parted = F.explode(F.array(*(F.struct(
        F.col(f"{one}_was").alias("person_id"), F.col(f"{one}_now").alias("other_person_id"),
        ((F.col("left_was") == F.col("right_was")) & ~F.col("left_now").eqNullSafe(F.col("right_now"))).alias("holds")) for one, _ in sides)))
    kinds = F.explode(F.array(F.lit("split"), F.lit("moved"))).alias("kind")
    refused = refusals.withColumn("sightings", F.lit(0).cast("long")).select(parted.alias("one"), F.struct(*told).alias("link"))
    every = tied.select("one.*", "link").unionByName(refused.select("one.*", "link").select(kinds, "*"))
    return every.where("holds").groupBy("kind", "person_id", "other_person_id").agg(F.max("link").alias("link"))

