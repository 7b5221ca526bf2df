"""How sound identity is, in figures that need no truth; counted from the published tables, one set a day."""

from __future__ import annotations

import datetime as dt
from functools import reduce

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.identity.explain import Link, explain_person
from wayprint.identity.guards import link
from wayprint.identity.settings import IdentitySettings
from wayprint.identity.suggestions import suggest
from wayprint.tables.identity import IDENTITY_HEALTH

SIZES = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, None))  # bins of identifiers per person
MOST_NAMES = 3  # given names of one person; more are several persons under one id, or a form that anybody fills
CHANGES = {
    "minted": "are new", "merged": "became part of another", "split": "gave identifiers to a new one", "moved": "gave identifiers to another",
    "renamed": "are called by another id", "retired": "are no more"}
GATES = {
    "largest_growth": "size of the largest person, as a multiple of the largest before the last run",
    "torn_share": "share of the identifiers that had a person before the last run that it took from them",
    "ids_gone_share": "share of the person_ids in use before the last run that it ended: merged, renamed or retired"}
SINCE = ("edges_seen", "edges_refused", "identifiers", "persons")  # told with their difference from the last day that was measured
# What tells of the runs before: it differs between two schedules of the same deliveries.
OF_RUNS = (*(f"persons_{kind}" for kind in CHANGES), *GATES, *(f"{measure}_change" for measure in SINCE))
Measures = dict[str, tuple[Column, str]]  # name -> aggregate, meaning


def judged_links(observations: DataFrame, identity_audit: DataFrame) -> DataFrame:
    """The links that records tell (not those that somebody decided), each with the rule it was refused by, or none."""
    refused = identity_audit.where("other_id is not null").select("identifier_id", "other_id", "rule")
    return link(observations.where("other_id is not null")).join(refused, ["identifier_id", "other_id"], how="left")


def measure_identity(
    prepared: DataFrame, identity_map: DataFrame, identity_audit: DataFrame, identity_gates: DataFrame, person_fields: DataFrame,
    identity_changes: DataFrame, previous_identity_health: DataFrame, settings: IdentitySettings, as_of: dt.date,
) -> tuple[DataFrame, DataFrame]:
    """`identity_suggestions`, and `identity_health`: one row per measure of today, and those of earlier days. Running again on the same day
    replaces its rows. `prepared`: `judged_links`."""
    links = prepared
    owned = identity_map.where("person_id is not null")
    persons = owned.groupBy("person_id").agg(
        F.count(F.lit(1)).alias("size"), F.max(~F.col("identifier_type").isin(*settings.device_types)).alias("is_known"))
    state = reduce(DataFrame.unionByName, (
        _measured(identity_map, _of_identifiers()),
        _measured(persons, _of_persons()),
        _measured(links, {
            "edges_seen": (F.count(F.lit(1)), "pairs of identifiers seen together"),
            "edges_refused": (F.count("rule"), "pairs whose link is not believed; see identity_audit")})))
    earlier = previous_identity_health.where(F.col("measured_on") != F.lit(as_of))
    parts = [
        state,
        _since(state, earlier.where(F.col("measured_on") < F.lit(as_of))),
        _measured(identity_gates, {gate: (F.max(F.when(F.col("gate") == gate, F.col("value"))), meaning) for gate, meaning in GATES.items()}),
        _by_rule(identity_audit),
        _measured(person_fields, _of_fields()),
        _measured(identity_changes.where(F.col("changed_on") == F.lit(as_of)), {
            f"persons_{kind}": (F.count_if(F.col("kind") == kind), f"persons that {words} on this day") for kind, words in CHANGES.items()}),
        _of_largest(owned, links)]
    today = reduce(DataFrame.unionByName, parts).withColumn("measured_on", F.lit(as_of))
    return suggest(links, owned, settings), earlier.unionByName(today.select(*IDENTITY_HEALTH.column_names))


def _measured(rows: DataFrame, measures: Measures) -> DataFrame:
    """The aggregates as one row per measure; a value that cannot be (a share of nothing) is left out."""
    lines = F.array(*(F.struct(F.lit(name).alias("measure"), F.col(name).cast("double").alias("value"), F.lit(meaning).alias("meaning"))
        for name, (_, meaning) in measures.items()))
    row = rows.agg(*(value.alias(name) for name, (value, _) in measures.items()))
    return row.select(F.explode(lines).alias("one")).select("one.*").where("value is not null")


def _since(state: DataFrame, before: DataFrame) -> DataFrame:
    """The differences of the measures SINCE from the last day before; none on the first."""
    last = before.where(F.col("measure").isin(*SINCE)).groupBy("measure").agg(F.max_by("value", "measured_on").alias("was"))
    return state.join(F.broadcast(last), "measure").select(
        F.concat("measure", F.lit("_change")).alias("measure"), (F.col("value") - F.col("was")).alias("value"),
        F.concat("meaning", F.lit("; the difference from the last day measured before")).alias("meaning"))


def _of_identifiers() -> Measures:
    told = {
        "owned": "identifiers that are somebody's", "blocked": "identifiers whose value names nobody",
        "shared": "identifiers that several persons use: nobody's"}
    counted = {f"identifiers_{status}": (F.count_if(F.col("status") == status), meaning) for status, meaning in told.items()}
    return {"identifiers": (F.count(F.lit(1)), "identifiers seen"), **counted}


def _of_persons() -> Measures:
    binned: Measures = {}
    for low, high in SIZES:
        bin = str(low) if high == low else f"{low} and more" if high is None else f"{low} to {high}"
        inside = F.col("size").between(low, high if high else 2**31 - 1)
        binned[f"persons_with_{bin.replace(' ', '_')}"] = (F.count_if(inside), f"persons with {bin} identifiers")
    return {
        "persons": (F.count(F.lit(1)), "persons"),
        "known_share": (F.avg(F.col("is_known").cast("double")), "share of persons with a login, e-mail, phone, card or contact; the others are anonymous devices"),
        "size_median": (F.percentile("size", 0.5), "identifiers of a person: half have no more"),
        "size_p99": (F.percentile("size", 0.99), "identifiers of a person: 99 of 100 have no more"),
        "largest_component": (F.coalesce(F.max("size"), F.lit(0)), "identifiers of the person who has most"),
        **binned}


def _by_rule(identity_audit: DataFrame) -> DataFrame:
    what = F.when(F.col("other_id").isNull(), "identifiers").otherwise("edges")
    counted = identity_audit.groupBy(what.alias("what"), "rule").agg(F.count(F.lit(1)).cast("double").alias("value"))
    return counted.select(
        F.concat_ws("_", "what", F.lit("refused_by"), "rule").alias("measure"), "value",
        F.format_string("%s refused by the rule %s", F.when(F.col("what") == "edges", "links").otherwise("identifiers"), "rule").alias("meaning"))


def _of_fields() -> Measures:
    def above(field: str, most: int) -> Column:
        return F.avg(F.when(F.col("field") == field, (F.col("values_said") > most).cast("double")))

    return {
        "persons_with_two_birth_years": (
            above("birth_year", 1), "share of the persons with a birth year of whom contacts say several: often two persons under one id"),
        "persons_with_many_names": (above("first_name", MOST_NAMES), f"share of the persons with a given name who have more than {MOST_NAMES}")}


def _of_largest(owned: DataFrame, links: DataFrame) -> DataFrame:
    """How the largest person hangs together: a dense one is one person, one on many bridges is a chain of strangers."""
    sizes = owned.groupBy("person_id").agg(F.count(F.lit(1)).alias("size"))
    largest = F.broadcast(sizes.agg(F.min(F.struct(-F.col("size"), "person_id"))["person_id"].alias("person_id")))
    members = owned.join(largest, "person_id", how="left_semi").select("identifier_id")
    inside = links.where("rule is null").join(F.broadcast(members), "identifier_id", how="left_semi").select(
        "identifier_id", "identifier_type", "other_id", "other_type", "sources", "first_seen_at", "last_seen_at", "sightings")
    return inside.groupBy(F.lit("largest")).applyInPandas(_hang, "measure string, value double, meaning string")


def _hang(rows: pd.DataFrame) -> pd.DataFrame:
    links = [
        Link(row["identifier_id"], row["identifier_type"], row["other_id"], row["other_type"], (), None, None, row["sightings"], None, None)
        for row in rows.to_dict("records")]
    names = {end: "" for one in links for end in (one.identifier_id, one.other_id)}
    told = explain_person(names, links)
    possible = len(names) * (len(names) - 1) / 2
    return pd.DataFrame({
        "measure": ["largest_density", "largest_bridge_share"], "value": [len(links) / possible, len(told.bridges) / len(links)],
        "meaning": [
            "links of the largest person, as a share of all that its identifiers could have",
            "share of the largest person's links without which it would be two"]})
