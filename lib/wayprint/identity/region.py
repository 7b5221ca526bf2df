"""What a change concerns: the identifiers to judge anew, so that all others may stay as they are.

1. Changed are the ends of observations that moved or that expire between two days, what decisions that moved are about, and the
   neighbours of what was blocked or unblocked, since junk does not count.
2. Changed identifiers are judged. One that became somebody's, or nobody's, concerns all its neighbours: a link may now hold, or fall.
3. A component holds together by the links that may be believed, before limits are looked at. With one identifier concerned, all of its
   component is: there, and nowhere else, limits, splits and names are looked at again.

Then a link between the region and the rest is one whose ends tell that it falls, before and after: what is outside keeps its verdict.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.identity.guards import date, hinted, judge, link, of_type
from wayprint.identity.settings import IdentitySettings
from wayprint.session import anything, cut

ENDS = ("identifier_id", "other_id")


@dataclass(frozen=True)
class Region:
    """`members`: identifiers to be judged anew (`identifier_id`). `verdicts`: identifiers outside that are nobody's, with rule and reason."""

    members: DataFrame
    verdicts: DataFrame

    def within(self, identifiers: DataFrame) -> DataFrame:
        """The rows whose identifier is a member."""
        return identifiers.join(self.members, "identifier_id", how="left_semi")

    def touching(self, links: DataFrame) -> DataFrame:
        """The rows of which either end is a member."""
        return touching(links, self.members)


def find_region(
    observations: DataFrame, joins: DataFrame, blocked: DataFrame, changed: DataFrame, rejudged: DataFrame, before: DataFrame, audit: DataFrame,
    settings: IdentitySettings, as_of: dt.date,
) -> Region | None:
    """The region of what changed; None if it is so much that all had better be judged anew.

    `joins`: what somebody joined, as observations. `changed`, `rejudged`: identifiers in `identifier_id`, of step 1 and of blocks.
    `before`, `audit`: the map and audit that stand.
    """
    seen = observations.unionByName(joins)
    known = before.count()
    most = known * settings.region_share if known >= settings.region_from else -1
    if anything(rejudged):
        changed = changed.unionByName(_ends(touching(seen, F.broadcast(rejudged))))
    changed = cut(changed.distinct())
    if (count := changed.count()) > most:
        return None
    changed = hinted(changed, count)
    links = cut(date(link(touching(seen, changed)), settings, as_of))
    owned = judge(links, blocked, settings).where("rule is null").select("identifier_id", F.lit(True).alias("is_owned"))
    was_owned = before.where("component is not null").select("identifier_id", F.lit(True).alias("was_owned"))
    turned = changed.join(owned, "identifier_id", how="left").join(was_owned, "identifier_id", how="left").where(
        ~F.col("is_owned").eqNullSafe(F.col("was_owned"))).select("identifier_id")
    concerned = cut(changed.unionByName(_ends(touching(links, turned))).distinct())
    if (count := concerned.count()) > most:
        return None
    components = before.join(hinted(concerned, count), "identifier_id").where("component is not null").select("component").distinct()
    mates = before.join(hinted(components, count), "component", how="left_semi").select("identifier_id")
    members = cut(concerned.unionByName(mates).distinct())
    if (count := members.count()) > most:
        return None
    members = hinted(members, count)
    nobodys = before.where("component is null").select("identifier_id").join(
        audit.where("other_id is null").select("identifier_id", "rule", "reason"), "identifier_id").join(members, "identifier_id", how="left_anti")
    unseen = _ends(joins).distinct().join(before, "identifier_id", how="left_anti").join(members, "identifier_id", how="left_anti").select(
        "identifier_id", F.lit("never_seen").alias("rule"), F.lit("no record names it yet").alias("reason"))
    return Region(members, cut(nobodys.unionByName(unseen)))


def touching(links: DataFrame, members: DataFrame) -> DataFrame:
    """The rows of `links` of which either end is in `members`: one look at each, without a shuffle while the members are few."""
    columns = links.columns
    for end in ENDS:
        links = links.join(members.select(F.col("identifier_id").alias(end), F.lit(True).alias(f"{end}_in")), end, how="left")
    return links.where(F.coalesce(*(f"{end}_in" for end in ENDS))).select(*columns)


def changed_identifiers(observations: DataFrame, moved: DataFrame, named: DataFrame, settings: IdentitySettings, since: dt.date, as_of: dt.date) -> DataFrame:
    """Step 1: ends of rows that moved, of rows that expire or revive between the days, and what decisions name."""
    days = F.least(*(of_type(end, {n: k.expires_after for n, k in settings.types.items() if k.expires_after}) for end in ("identifier_type", "other_type")))
    last, first = F.to_date("last_seen_at"), min(since, as_of)
    expiring = observations.where((last >= F.date_sub(F.lit(first), days)) & (last < F.date_sub(F.lit(max(since, as_of)), days)))
    parts = [moved, named, *([expiring] if any(kind.expires_after for kind in settings.types.values()) and since != as_of else [])]
    return reduce(DataFrame.unionByName, map(_ends, parts)).distinct()


def named_by(identity_decisions: DataFrame, moved: DataFrame) -> DataFrame:
    """The decisions that moved, and those that they undo."""
    undone = moved.where("action = 'undo'").select(F.col("undoes").alias("decision_id"))
    return moved.unionByName(identity_decisions.join(undone, "decision_id", how="left_semi").select(*moved.columns))


def _ends(links: DataFrame) -> DataFrame:
    return links.select(F.explode(F.array(*ENDS)).alias("identifier_id")).where("identifier_id is not null")

