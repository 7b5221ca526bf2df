"""Where one visit ends and the next begins: the same rule for the sessions of a device and the visits of a person.

Policies (conf/base.yaml, journeys.session_policies). A silence of 29:59 never cuts, one of 30:01 always does; they differ at
30:00 sharp and in what else cuts:

| policy    | 30:00 sharp | midnight (site's time zone) | new campaign | follows                                                        |
|-----------|-------------|-----------------------------|--------------|----------------------------------------------------------------|
| ga4       | same        | no                          | no           | Google Analytics 4; also dbt-segment and Spark's session_window |
| universal | new         | cuts                        | cuts         | Universal Analytics: "30 minutes or more"                       |
| matomo    | new         | cuts                        | cuts         | Matomo's global.ini.php and its strict comparison               |

A new campaign is an event that carries a campaign other than the latest one carried in the same visit, or a first campaign
after an arrival without any. An event without a campaign, or with only another referrer, cuts nothing.

**Why an id is not a start time.** An id must be a function of the set of events alone, or two orders of delivery would give
two histories; yet an event that arrives late must not rename what is already published. The id of a visit is therefore the
hash of its owner and of its *anchor*, the smallest `event_key` among its events. The key is a hash, so its order has nothing to
do with time: a late event, wherever it falls (also before the first), becomes the anchor of a visit of n events with
probability 1/(n+1) only; of two visits that a late event joins, one id stays; a visit that is cut in two leaves its id to one part.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wayprint.journeys.settings import SessionPolicy

IN_TIME = ("happened_at", "event_key")


def hash_id(*parts: str) -> Column:
    """32 hexadecimal characters of the SHA-256 of the columns."""
    return F.substring(F.sha2(F.concat_ws("|", *[F.col(part) for part in parts]), 256), 1, 32)


def earliest(*columns: str, where: Column | None = None) -> Column:
    """The columns of the first row in time (ties: event_key) that fulfils `where`; null if none does. An aggregate."""
    row = F.struct(*IN_TIME, *columns)
    return F.min(row if where is None else F.when(where, row))


def campaign_of(*columns: str) -> Column:
    """What tells one campaign from another; null for an event that carries none of it."""
    return F.when(F.coalesce(*columns).isNotNull(), F.concat_ws("|", *[F.coalesce(F.col(c), F.lit("")) for c in columns]))


def number_visits(
    rows: DataFrame, by: str, policy: SessionPolicy, time_zone: str, campaign: Column, present: Column | None = None
) -> DataFrame:
    """The rows with `visit_number`, counted from 1 for each `by`; null where `present` is false.

    Rows that are not `present` (what the firm sent, what its systems booked) neither prolong nor cut a visit.
    Ties in time are ordered by event_key; row order and partitions are irrelevant.
    """
    present = F.lit(True) if present is None else present
    in_time = Window.partitionBy(by).orderBy(*IN_TIME)
    before = in_time.rowsBetween(Window.unboundedPreceding, -1)
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)

    previous_at = F.last(F.when(present, F.col("happened_at")), ignorenulls=True).over(before)
    silence_us = F.unix_micros("happened_at") - F.unix_micros(F.col("_previous_at"))
    gap_us = F.lit(round(policy.gap_minutes * 60_000_000))
    ends = silence_us >= gap_us if policy.cuts_at_exactly_the_gap else silence_us > gap_us
    if policy.cuts_at_midnight:
        local_day = [F.to_date(F.from_utc_timestamp(F.col(at), time_zone)) for at in ("happened_at", "_previous_at")]
        ends = ends | (local_day[0] != local_day[1])
    starts = present & (F.col("_previous_at").isNull() | ends)
    rows = rows.withColumn("_previous_at", previous_at).withColumn("visit_number", F.sum(starts.cast("long")).over(so_far))

    if policy.cuts_on_new_campaign:
        carries = present & campaign.isNotNull()
        seen = F.struct(F.col("visit_number").alias("stretch"), campaign.alias("campaign"))
        latest = F.last(F.when(carries, seen), ignorenulls=True).over(before)
        is_known = F.coalesce((F.col("_latest.stretch") == F.col("visit_number")) & (F.col("_latest.campaign") == campaign), F.lit(False))
        rows = rows.withColumn("_latest", latest).withColumn(
            "visit_number", F.sum((starts | (carries & ~is_known)).cast("long")).over(so_far)).drop("_latest")
    return rows.withColumn("visit_number", F.when(present, F.col("visit_number"))).drop("_previous_at")
