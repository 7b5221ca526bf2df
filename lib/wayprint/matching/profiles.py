"""Persons who share no identifier, compared by name, address, birth, phone and mailbox, in a tier that leaves the identity as it is.

Clear values are opened inside one task (DuckDB) or inside the tasks of Splink's Spark backend, never in a column expression;
what is computed before and kept after holds sealed values, ids, probabilities and words only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.contracts import BadConfiguration, no_rows
from wayprint.matching.groups import grouped
from wayprint.matching.likeness import CLEAR, FIELDS, PROFILES, spelled
from wayprint.matching.model import KEY, Model, probability, score
from wayprint.matching.settings import MatchingSettings
from wayprint.session import cut, persisted
from wayprint.tables.matching import PROFILE_GROUPS, PROFILE_PAIRS

SCORED = {"left": pa.string(), "right": pa.string(), "probability": pa.float64(), "evidence": pa.list_(pa.string())}
SCORED_DDL = "left string, right string, probability double, evidence array<string>"
RECORDS_DDL = ", ".join(f"{name} string" for name in (KEY, *FIELDS))
SEALED = ("person_id", "birth_year", "gender", "sealed")  # what the tasks that open values are given
Batches = Iterable[pa.RecordBatch]
Unseal = Callable[[bytes], bytes]


def link_profiles(
        contacts: DataFrame, vault: DataFrame, identity_map: DataFrame, settings: MatchingSettings, unseal: Unseal) -> tuple[DataFrame, DataFrame]:
    """`profile_pairs`: two persons who are probably one, with the evidence; `profile_groups`: who belongs together for each purpose.

    1. A profile is a person with a contact that is not deleted and a last name: of each field the value seen last, of times that tie the
       largest subject; year of birth and gender from the contact changed last that says them.
    2. Splink scores the pairs that blocking finds; weights become probabilities by the calibration of the settings.
    3. Two persons with different unique identifiers of one type are two: no pair and no group holds both.
    4. For each purpose, groups by average linkage above its threshold.

    `unseal` opens a sealed value; it holds the vault's key and travels to the tasks in their closure. Empty when the tier is off, or with
    fewer than `min_profiles` profiles, which teach nothing.
    """
    spark = contacts.sparkSession
    if not settings.enabled:
        return no_rows(spark, PROFILE_PAIRS.ddl), no_rows(spark, PROFILE_GROUPS.ddl)
    profiles = cut(seal_profiles(contacts, vault, identity_map, settings.unique_types))
    count = profiles.count()
    if count < settings.min_profiles:
        scored = no_rows(spark, SCORED_DDL)
    elif settings.backend == "spark":
        scored = score_in_many_tasks(profiles, settings, unseal)
    elif count > settings.max_profiles:
        raise BadConfiguration(f"matching.max_profiles is {settings.max_profiles} and there are {count} profiles: one task would have to hold them all; "
                               "raise it together with matching.memory, or set matching.backend to spark")
    else:
        scored = profiles.select(*SEALED).repartition(1).mapInArrow(scorer(settings, unseal), SCORED_DDL)
    believable = cut(apart(scored, profiles))
    pairs = believable.select(F.col("left").alias("person_id"), F.col("right").alias("other_person_id"), "probability", "evidence")
    groups = believable.repartition(1).mapInArrow(grouper(settings), PROFILE_GROUPS.ddl)
    return pairs.select(*PROFILE_PAIRS.column_names), groups.select(*PROFILE_GROUPS.column_names)


def seal_profiles(contacts: DataFrame, vault: DataFrame, identity_map: DataFrame, unique_types: tuple[str, ...]) -> DataFrame:
    """Step 1: person_id, its unique identifiers by type (null without any), birth_year, gender, and the values still sealed, as an array of field and value."""
    owned = identity_map.where(F.col("status") == "owned").select("identifier_id", "identifier_type", "person_id")
    uniques = owned.where(F.col("identifier_type").isin(*unique_types)).groupBy("person_id").agg(
        F.sort_array(F.collect_set(F.struct("identifier_type", "identifier_id"))).alias("uniques"))
    owners = owned.select("identifier_id", "person_id")
    said = contacts.where(~F.coalesce("is_deleted", F.lit(False))).join(owners, on="identifier_id", how="inner")
    known = said.groupBy("person_id").agg(*(_latest(name) for name in ("birth_year", "gender")))
    values = vault.where(F.col("field").isin(*CLEAR)).join(owners.withColumnRenamed("identifier_id", "subject_id"), on="subject_id", how="inner")
    latest = values.groupBy("person_id", "field").agg(F.max(F.struct("seen_at", "subject_id", "file_id", "sealed"))["sealed"].alias("value"))
    told = latest.groupBy("person_id").agg(
        F.sort_array(F.collect_list(F.struct("field", F.col("value").alias("bytes")))).alias("sealed"),
        F.max(F.col("field") == "last_name").alias("is_named"))
    return known.join(told.where("is_named"), on="person_id", how="inner").join(uniques, on="person_id", how="left").select(
        "person_id", "uniques", "birth_year", "gender", "sealed")


def _latest(name: str) -> Column:
    return F.max(F.when(F.col(name).isNotNull(), F.struct("updated_at", "contact_id", name)))[name].alias(name)


def apart(scored: DataFrame, profiles: DataFrame) -> DataFrame:
    """Step 3: the pairs that may be one person, with the unique identifiers of each end, null without."""
    ends = [profiles.select(F.col("person_id").alias(side), F.col("uniques").alias(f"{side}_uniques")) for side in ("left", "right")]
    both = scored.join(ends[0], on="left", how="inner").join(ends[1], on="right", how="inner")
    conflict = F.exists("left_uniques", lambda one: F.exists("right_uniques", lambda other: one["identifier_type"] == other["identifier_type"]))
    return both.where(~F.coalesce(conflict, F.lit(False))).select(*SCORED, "left_uniques", "right_uniques")


def scorer(settings: MatchingSettings, unseal: Unseal) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """All profiles of one task, opened, spelled and scored in its memory."""
    model = model_of(settings)

    def scored(batches: Batches) -> Iterator[pa.RecordBatch]:
        records = pd.concat([spelled(opened(batch, unseal)) for batch in batches if batch.num_rows] or [pd.DataFrame(columns=[KEY, *FIELDS])])
        if len(records):
            pairs = believed(score(records, model, memory=settings.memory), settings)
            yield pa.RecordBatch.from_pandas(pairs, schema=pa.schema(list(SCORED.items())), preserve_index=False)

    return scored


def score_in_many_tasks(profiles: DataFrame, settings: MatchingSettings, unseal: Unseal) -> DataFrame:
    """The same with Splink's Spark backend, which persists what it needs; released when the pairs are known."""
    spark = profiles.sparkSession

    def opening(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pandas(spelled(opened(batch, unseal)), schema=pa.schema([(n, pa.string()) for n in (KEY, *FIELDS)]), preserve_index=False)

    before = persisted(spark)
    try:
        pairs = believed(score(profiles.select(*SEALED).mapInArrow(opening, RECORDS_DDL), model_of(settings)), settings)
    finally:
        rdds = spark.sparkContext._jsc.getPersistentRDDs()
        for number in persisted(spark) - before:
            rdds[number].unpersist()
    return spark.createDataFrame(list(pairs.itertuples(index=False, name=None)), SCORED_DDL)


def believed(pairs: pd.DataFrame, settings: MatchingSettings) -> pd.DataFrame:
    """Scored pairs with a probability instead of a weight, to four decimals (the last bits are no knowledge), of at least `least_probability`."""
    told = pairs.assign(probability=np.round(probability(pairs["weight"].to_numpy(), settings.calibration), 4))
    return told.loc[told["probability"] >= settings.least_probability, list(SCORED)]


def model_of(settings: MatchingSettings) -> Model:
    return Model(**{**vars(PROFILES), "random_pairs": settings.random_pairs, "seed": settings.seed})


def opened(batch: pa.RecordBatch, unseal: Unseal) -> pd.DataFrame:
    """The clear values of sealed profiles: one row each, a column per field."""
    rows = [{KEY: row["person_id"], "birth_year": row["birth_year"], "gender": row["gender"],
             **{value["field"]: unseal(value["bytes"]).decode() for value in row["sealed"]}} for row in batch.to_pylist()]
    return pd.DataFrame(rows, columns=[KEY, *CLEAR, "birth_year", "gender"]).astype(object)


def grouper(settings: MatchingSettings) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """Step 4, in one task: probable pairs are few beside profiles."""

    def groups(batches: Batches) -> Iterator[pa.RecordBatch]:
        pairs = [pair for batch in batches for pair in batch.to_pylist()]
        links = [(pair["left"], pair["right"], pair["probability"]) for pair in pairs]
        holders = {
            pair[side]: {one["identifier_type"]: one["identifier_id"] for one in pair[f"{side}_uniques"]}
            for pair in pairs for side in ("left", "right") if pair[f"{side}_uniques"]}
        for purpose, least in sorted(settings.thresholds.items()):
            found = sorted(grouped(links, least, holders).items())
            if found:
                persons, names = zip(*found, strict=True)
                yield pa.RecordBatch.from_arrays([pa.array([purpose] * len(found)), pa.array(persons), pa.array(names)], names=PROFILE_GROUPS.column_names)

    return groups
