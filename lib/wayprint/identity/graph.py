"""The graph of identifiers as notebooks and GraphFrames know graphs: vertices with `id`, edges with `src` and `dst`."""

from __future__ import annotations

from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.identity.components import graphframe_class
from wayprint.identity.guards import link


class IdentityGraph(NamedTuple):
    """`frame` is the GraphFrame of the two, for motifs, breadth-first search and the like; None where its jar is not in the session."""

    vertices: DataFrame  # id, type, person_id, status, first_seen_at, last_seen_at, sightings
    edges: DataFrame  # src, dst, relationship (believed, or the rule it is refused by), reason, sources, first_seen_at, last_seen_at, sightings
    frame: Any | None


def identity_graph(identity_map: DataFrame, identity_audit: DataFrame, observations: DataFrame, refused: bool = False) -> IdentityGraph:
    """Every identifier is a vertex, every pair seen together an edge from the stronger to the other; `refused`: those not believed too."""
    verdicts = identity_audit.where("other_id is not null").select("identifier_id", "other_id", "rule", "reason")
    links = link(observations.where("other_id is not null")).join(verdicts, ["identifier_id", "other_id"], how="left")
    vertices = identity_map.select(
        F.col("identifier_id").alias("id"), F.col("identifier_type").alias("type"), "person_id", "status", "first_seen_at", "last_seen_at", "sightings")
    edges = (links if refused else links.where("rule is null")).select(
        F.col("identifier_id").alias("src"), F.col("other_id").alias("dst"), F.coalesce("rule", F.lit("believed")).alias("relationship"), "reason",
        "sources", "first_seen_at", "last_seen_at", "sightings")
    kind = graphframe_class(vertices.sparkSession)
    return IdentityGraph(vertices, edges, kind(vertices, edges) if kind else None)
