"""What people decided about identifiers: dated entries, replayed by every build, the latest on each subject in force.

block, unblock: whether an identifier names somebody, whatever the list of blocked values says. split: two identifiers are not
one person's. join: they are. undo takes an earlier entry back, so that what stood before it stands again; an undo is not undone:
what it took back is decided again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.contracts import BadConfiguration
from wayprint.identity.settings import IdentitySettings

ACTIONS = ("block", "unblock", "split", "join", "undo")
SOURCE = "decision"  # what a link says where other links name the sources that saw it


Subject = tuple[str | None, str]  # type and identifier_id


def decisions(action: str, subjects: Sequence[Subject], at: dt.datetime, by: str, why: str | None) -> list[tuple[Any, ...]]:
    """Rows of `identity_decisions`: one for the two subjects of split and join, else one a subject (of undo: a decision_id).

    `at` with its time zone: Spark takes a time without one for the machine's own.
    """

    def row(one: Subject | None, other: Subject | None = None, undoes: str | None = None) -> tuple[Any, ...]:
        kind, id = one or (None, None)
        other_kind, other_id = other or (None, None)
        text = "|".join(str(part) for part in (action, at.isoformat(), id, other_id, undoes, by))
        return hashlib.sha256(text.encode()).hexdigest()[:32], at, action, id, kind, other_id, other_kind, undoes, by, why

    if action not in ACTIONS:
        raise BadConfiguration(f"no decision {action!r}; known: {', '.join(ACTIONS)}")
    if action in ("split", "join"):
        if len({id for _, id in subjects}) != 2:
            raise BadConfiguration(f"{action} needs two different identifiers, came {len({id for _, id in subjects})}")
        return [row(subjects[0], subjects[1])]
    return [row(None, undoes=id) if action == "undo" else row((kind, id)) for kind, id in subjects]


def in_force(decisions: DataFrame, by: tuple[str, ...], actions: tuple[str, ...]) -> DataFrame:
    """The latest of `actions` per subject (columns `by`) that no later entry undoes; of one instant the largest decision_id."""
    undone = decisions.where("action = 'undo'").select(F.col("undoes").alias("decision_id")).distinct()
    standing = decisions.where(F.col("action").isin(*actions)).join(F.broadcast(undone), "decision_id", how="left_anti")
    return standing.groupBy(*by).agg(F.max(F.struct("decided_at", "decision_id", "action")).alias("said")).select(*by, "said.*")


def blocked_identifiers(decisions: DataFrame, settings: IdentitySettings) -> DataFrame:
    """`identifier_id` of every blocked value: those of the settings, and those blocked since and not unblocked."""
    spark = decisions.sparkSession
    names = pd.DataFrame({"identifier_id": list(settings.blocked_ids)}, dtype=object)  # by Arrow: a list may be a million long
    listed = spark.createDataFrame(names, "identifier_id string").withColumns({
        "decided_at": F.timestamp_seconds(F.lit(0)), "decision_id": F.lit(""), "action": F.lit("block")})
    said = in_force(decisions, ("identifier_id",), ("block", "unblock")).unionByName(listed)
    last = said.groupBy("identifier_id").agg(F.max(F.struct("decided_at", "decision_id", "action"))["action"].alias("action"))
    return last.where("action = 'block'").select("identifier_id")


def decided_pairs(decisions: DataFrame, settings: IdentitySettings) -> DataFrame:
    """One row per pair that is to be split or joined: the stronger identifier first, as in observations."""
    left, right = (rank(settings, f"{end}_type") for end in ("identifier", "other"))
    turned = (right < left) | ((right == left) & (F.col("other_id") < F.col("identifier_id")))
    pairs = decisions.where("action in ('split', 'join', 'undo')").select(
        "decision_id", "decided_at", "action", "undoes",
        *(F.when(turned, F.col(there)).otherwise(F.col(here)).alias(name) for here, there, name in (
            ("identifier_id", "other_id", "identifier_id"), ("identifier_type", "other_type", "identifier_type"),
            ("other_id", "identifier_id", "other_id"), ("other_type", "identifier_type", "other_type"))))
    return in_force(pairs, ("identifier_id", "identifier_type", "other_id", "other_type"), ("split", "join"))


def joins_as_observations(pairs: DataFrame) -> DataFrame:
    """The pairs to be joined as rows of `observations`, without sightings or times: they name and date nobody."""
    return pairs.where("action = 'join'").select(
        F.col("decision_id").alias("observation_id"), "identifier_id", "identifier_type", F.lit(None).cast("string").alias("identifier_flaw"),
        "other_id", "other_type", F.lit(None).cast("string").alias("other_flaw"), F.lit(SOURCE).alias("source"), F.lit(SOURCE).alias("sync_point"),
        F.lit(None).cast("timestamp").alias("first_seen_at"), F.lit(None).cast("timestamp").alias("last_seen_at"), F.lit(0).cast("long").alias("sightings"))


def rank(settings: IdentitySettings, column: str) -> Column:
    """The priority of the type in `column`; after all others where conf does not know it."""
    chosen = F.lit(1_000_000)
    for name, kind in settings.types.items():
        chosen = F.when(F.col(column) == name, kind.priority).otherwise(chosen)
    return chosen
