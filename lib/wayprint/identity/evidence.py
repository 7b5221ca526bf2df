"""The links around a few identifiers, fetched from the lake for `explain`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.identity.decisions import SOURCE
from wayprint.identity.explain import Link, Nobodys
from wayprint.identity.guards import link

MOST_HOPS = 8
MOST_IDENTIFIERS = 20_000  # beyond that the way leads through half of everybody: it explains nothing


def whose(identity_map: DataFrame, name: str) -> tuple[set[str], dict[str, str]]:
    """What `name` names (all identifiers of that person_id, or that one identifier), and all identifiers of its person with their types.

    An identifier that is nobody's is alone. Both are empty for a name that is neither.
    """
    rows = identity_map.where((F.col("person_id") == name) | (F.col("identifier_id") == name)).collect()
    named = {row.identifier_id for row in rows}
    if named == {name} and rows[0].person_id is not None:
        rows = identity_map.where(F.col("person_id") == rows[0].person_id).collect()
    return named, {row.identifier_id: row.identifier_type for row in rows}


def why_nobodys(identity_map: DataFrame, observations: DataFrame, identity_audit: DataFrame, identifier_id: str) -> Nobodys | None:
    """The verdict on an identifier that is nobody's, and all its links; None for one that is somebody's."""
    if not (found := identity_map.where((F.col("identifier_id") == identifier_id) & F.col("person_id").isNull()).collect()):
        return None
    verdicts = identity_audit.where((F.col("identifier_id") == identifier_id) & F.col("other_id").isNull()).select("rule", "reason").collect()
    rule, reason = verdicts[0] if verdicts else ("not told yet", "the last run was broken off; run again")
    links = sorted(links_at(observations, identity_audit, [identifier_id]), key=lambda link: link.strength, reverse=True)
    return Nobodys(identifier_id, found[0].identifier_type, found[0].status, rule, reason, tuple(links))


def links_at(observations: DataFrame, identity_audit: DataFrame, identifiers: Iterable[str]) -> list[Link]:
    """Every link with an end among `identifiers`, believed or not; `observations` with the joins that somebody decided."""
    wanted = F.broadcast(observations.sparkSession.createDataFrame([(name,) for name in sorted(set(identifiers))], "wanted string"))
    touched = (F.col("identifier_id") == F.col("wanted")) | (F.col("other_id") == F.col("wanted"))
    near = observations.where("other_id is not null").join(wanted, touched, how="left_semi")
    ends = [F.least("identifier_id", "other_id").alias("least"), F.greatest("identifier_id", "other_id").alias("most")]
    ways = near.where(F.col("source") != SOURCE).groupBy(*ends).agg(F.sort_array(F.collect_set("sync_point")).alias("sync_points"))
    links = link(near).drop("identifier_flaw", "other_flaw").select("*", *ends).join(ways, ["least", "most"], how="left").drop("least", "most")
    verdicts = identity_audit.where("other_id is not null").select("identifier_id", "other_id", "rule", "reason").join(wanted, touched, how="left_semi")
    times = {name: F.unix_micros(name) for name in ("first_seen_at", "last_seen_at")}  # collected as times they would be told in the machine's own zone
    rows = links.withColumns(times).join(F.broadcast(verdicts), ["identifier_id", "other_id"], how="left").collect()
    told = ({name: in_utc(row[name]) for name in times} | {name: tuple(row[name] or ()) for name in ("sources", "sync_points")} for row in rows)
    return [Link(**(row.asDict() | more)) for row, more in zip(rows, told, strict=True)]


def in_utc(micros: int | None) -> dt.datetime | None:
    """The time so many microseconds after 1970."""
    return None if micros is None else dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)


def links_between(observations: DataFrame, identity_audit: DataFrame, one: Iterable[str], other: Iterable[str]) -> list[Link]:
    """Links enough to find the shortest way from any of `one` to any of `other`: the neighbourhood of both grows until they touch.

    At most `MOST_HOPS` steps and `MOST_IDENTIFIERS`; then what was found until there.
    """
    known = [set(one), set(other)]
    edges = [set(known[0]), set(known[1])]
    found: set[Link] = set()
    for _ in range(MOST_HOPS):
        side = min((0, 1), key=lambda side: len(edges[side]) or MOST_IDENTIFIERS)
        if not edges[side] or known[0] & known[1] or len(known[0] | known[1]) > MOST_IDENTIFIERS:
            break
        links = links_at(observations, identity_audit, edges[side])
        found.update(links)
        edges[side] = {end for link in links for end in (link.identifier_id, link.other_id)} - known[side]
        known[side] |= edges[side]
    return list(found)
