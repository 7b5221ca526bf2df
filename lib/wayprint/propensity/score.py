"""Scores: each person's chance to buy, under the champion, with its version in every row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wayprint.propensity.model import probability
from wayprint.propensity.settings import PropensitySettings
from wayprint.propensity.training import FEATURE_NAMES, ModelRegistry, usable_champion
from wayprint.tables.propensity import SCORES

SCORED = "person_id string, model string, model_version string, scored_on date, score double"


def score_persons(examples: DataFrame, model_measures: DataFrame, settings: PropensitySettings, registry: ModelRegistry) -> DataFrame:
    """One row per person of the fold `score`; no champion, no rows.

    Reads model_measures only in order to come after training. Deciles are exact: all scores are ranked in one task (two
    columns of 40 bytes a person), ties by person_id. The same champion gives the same bits on any number of partitions.
    """
    del model_measures
    champion = usable_champion(registry, settings.model)
    to_score = examples.where("fold = 'score'").select("person_id", "feature_date", *FEATURE_NAMES)
    if champion is None:
        nobody = to_score.where(F.lit(False))
        return nobody.select(*(F.lit(None).cast(column.type).alias(column.name) for column in SCORES.columns))
    scored = to_score.mapInArrow(scorer(champion[0], settings.model, champion[1]), SCORED)
    most_likely_first = Window.orderBy(F.col("score").desc(), "person_id")
    return scored.withColumn("decile", F.ntile(10).over(most_likely_first)).select(*SCORES.column_names)


def scorer(model: Any, name: str, version: str) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """The function that workers run: the fitted model travels inside it, no worker asks the registry."""
    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            features = batch.select(FEATURE_NAMES).to_pandas()
            rows = batch.num_rows
            yield pa.RecordBatch.from_arrays(
                [batch.column("person_id"), pa.array([name] * rows, pa.string()), pa.array([version] * rows, pa.string()),
                 batch.column("feature_date"), pa.array(probability(model, features), pa.float64())],
                names=["person_id", "model", "model_version", "scored_on", "score"])

    return score
