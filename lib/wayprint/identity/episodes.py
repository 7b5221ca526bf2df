"""Stays of signed-in persons on devices that are nobody's: a family's tablet belongs to whoever is logged in, while they are."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wayprint.identity.settings import IdentitySettings
from wayprint.tables.identity import EPISODES

NOBODY = ""  # nobody is signed in
STRANGER = "?"  # somebody is, under an account that is nobody's: guest, or blocked


def cut_episodes(events: DataFrame, identity_map: DataFrame, identity_audit: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per stay: from a shared device's first action under a person's unique identifier to the log-out, the first action
    under another account, or a silence of more than `episode_silence_hours`.

    The log-out itself is still inside. Actions of one instant are taken in the order of event_key. A device with so many
    accounts that it is a counter's (rule fan_out) has no stays; an account that is nobody's ends a stay and begins none. The
    last stay is open: later events, and late ones, move its end.
    """
    devices = identity_audit.where("other_id is null and rule = 'shared_device'").select(F.col("identifier_id").alias("device"))
    owners = identity_map.where(F.col("identifier_type").isin(*settings.unique_types) & F.col("person_id").isNotNull())
    account = F.filter("identifiers", lambda one: one["type"].isin(*settings.unique_types))
    acted = events.where(F.col("identifiers").isNotNull()).select(
        "event_key", "happened_at", "event_name", F.get(account, F.lit(0))["id"].alias("account"), F.explode("identifiers.id").alias("device"))
    known = acted.join(F.broadcast(devices), "device", how="left_semi").join(
        owners.select(F.col("identifier_id").alias("account"), "person_id"), "account", how="left")
    signed_in = F.coalesce("person_id", F.when(F.col("account").isNotNull(), STRANGER))
    leaves = (F.col("event_name") == "logout") & ~signed_in.eqNullSafe(F.lit(STRANGER))
    steps = F.explode(F.when(leaves, F.array(
        F.struct("happened_at", F.lit(None).cast("string").alias("mark"), F.lit(1).alias("events")),
        F.struct(F.timestamp_micros(F.unix_micros("happened_at") + 1).alias("happened_at"), F.lit(NOBODY).alias("mark"), F.lit(0).alias("events")),
    )).otherwise(F.array(F.struct("happened_at", signed_in.alias("mark"), F.lit(1).alias("events")))))
    told = known.select("device", "event_key", steps.alias("one")).select("device", "event_key", "one.*")
    in_order = Window.partitionBy("device").orderBy("happened_at", "events", "event_key")
    if settings.episode_silence_hours is not None:
        longest = int(settings.episode_silence_hours * 3_600_000_000)
        silent = F.unix_micros("happened_at") - F.lag(F.unix_micros("happened_at")).over(in_order) > longest
        told = told.withColumn("silent", silent).withColumn("mark", F.coalesce("mark", F.when(F.col("silent"), NOBODY)))
    else:
        told = told.withColumn("silent", F.lit(False))
    placed = told.withColumn("person_id", F.coalesce(F.last("mark", ignorenulls=True).over(in_order), F.lit(NOBODY)))
    begins = ~F.coalesce(F.col("person_id") == F.lag("person_id").over(in_order), F.lit(False))
    numbered = placed.withColumn("begins", begins).withColumn("stay", F.count_if("begins").over(in_order.rowsBetween(Window.unboundedPreceding, 0)))
    stays = numbered.groupBy("device", "stay", "person_id").agg(
        F.min("happened_at").alias("started_at"), F.sum("events").alias("events"), F.max(F.col("begins") & F.col("silent")).alias("after_silence"))
    next_stay = Window.partitionBy("device").orderBy("stay")
    follower, quiet = F.lead("person_id").over(next_stay), F.lead("after_silence").over(next_stay)
    bounded = stays.withColumns({
        "ended_at": F.lead("started_at").over(next_stay),
        "ended_by": F.when(follower != NOBODY, "another_account").when(quiet, "silence").when(follower == NOBODY, "logout")})
    return bounded.where(~F.col("person_id").isin(NOBODY, STRANGER)).withColumnRenamed("device", "identifier_id").select(*EPISODES.column_names)
