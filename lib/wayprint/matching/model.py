"""Records that share no identifier, compared field by field and scored by Splink; the only module that knows it.

Splink estimates Fellegi and Sunter's model (A Theory for Record Linkage, JASA 1969) without labels: how often fields agree
between strangers is counted on pairs drawn at random, how often between two records of one person by expectation
maximisation. What is compared is data (`Model`), so that contacts and test collections run through the same lines.

1. Records are blocked: only pairs that agree on one of the rules are looked at.
2. Each comparison gives the first of its levels that holds; a missing value is no evidence, for or against.
3. The parameters are estimated on these records, with a fixed seed and in a fixed order.
4. Every blocked pair gets its weight: log2 of how much likelier its agreements are for one person than for two.

Values are in clear here. DuckDB holds them in memory and is forbidden to spill; Splink's Spark backend shuffles and caches
on the executors' disks, so it is refused unless Spark encrypts what it writes there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wayprint.contracts import BadConfiguration

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Floats = npt.NDArray[np.float64]
KEY, SIDE = "unique_id", "source_dataset"  # Splink's own names for them
PAIRS = ["left", "right", "weight", "evidence"]
LEAST_PRIOR = 1e-9  # where no pair looks certain, Splink would take 0, and no evidence could ever outweigh that
# Expectation maximisation begins where many of the blocked pairs are one person. Begun at their true, tiny share, it believes only the
# agreement that is rarest among strangers, whatever it is, and ends there.
FIRST_PRIOR, ITERATIONS = 0.1, 200
LEAST_SHARE = 0.001  # what none of the pairs learnt from showed can happen all the same
log = logging.getLogger(__name__)
ENCRYPTED = "spark.io.encryption.enabled"


@dataclass(frozen=True)
class Level:
    """One way in which two records may agree on something.

    `sql`: a condition over `<field>_l` and `<field>_r`, in the words that DuckDB and Spark share. `words`: the same for people, never
    with a value. `rare`: the field whose rare values say more than its frequent ones; only where both records have it alike. `share`: how
    many pairs of one person agree in this way, where it is known better than the records can tell; else it is estimated.
    """

    words: str
    sql: str
    rare: str | None = None
    share: float | None = None


def none_of_them(words: str, share: float | None = None) -> Level:
    return Level(words, "ELSE", share=share)


@dataclass(frozen=True)
class Comparison:
    """What is looked at together: levels from most to least alike; `otherwise`: none of them. A record without all `needs`: no evidence."""

    name: str
    needs: tuple[str, ...]
    levels: tuple[Level, ...]
    otherwise: Level


@dataclass(frozen=True)
class Lesson:
    """Pairs that satisfy `rule` and so are often one person; they teach the comparisons that look at none of the rule's fields."""

    rule: str
    teaches: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """What is compared, which pairs are looked at, and what the estimates rest on.

    `blocking`: conditions over `l.` and `r.`; a pair is looked at if one holds. `lessons`: what teaches how often one person's records
    agree; a comparison of several lessons gets their mean. `certain`: rules that hardly any two strangers satisfy, and `certain_share`,
    the share of true pairs that satisfies one: together they tell how many pairs there are.
    """

    comparisons: tuple[Comparison, ...]
    blocking: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    certain: tuple[str, ...]
    certain_share: float
    random_pairs: int = 1_000_000
    seed: int = 1


def score(records: pd.DataFrame | DataFrame, model: Model, *, memory: str = "1GB", least_weight: float = -10.0) -> pd.DataFrame:
    """One row per blocked pair of at least `least_weight`: left, right (the smaller key is left), weight in bits, evidence in words, sorted by keys.

    `records`: one row each, `unique_id` and the model's fields, null where unknown; DuckDB scores those of pandas, Splink's Spark backend
    those of Spark. With a column `source_dataset` of two values, only pairs across the two are looked at, and left is of the first. Rows
    in any order give the same bits on DuckDB; on Spark the last bits of a sum depend on which task came first.
    """
    names = None
    if isinstance(records, pd.DataFrame):  # numbers in the order of the keys: a pair of them takes a tenth of the memory
        records = records.sort_values(KEY, ignore_index=True)
        names = records[KEY].to_numpy()
        records[KEY] = np.arange(len(records), dtype=np.int32)
    with _engine(records, memory) as api:
        linker = _trained(api, records, model)
        predicted = linker.inference.predict(threshold_match_weight=least_weight)
        levels = ", ".join(f"gamma_{c.name}" for c in model.comparisons)  # not the values beside them
        scored = linker.misc.query_sql(f"select {KEY}_l, {KEY}_r, match_weight, {levels} from {predicted.physical_name}", output_type="pandas")
    ends = [scored[f"{KEY}_{side}"].to_numpy() for side in "lr"]
    left, right = ends if names is None else (names[end.astype(int)] for end in ends)
    told = pd.DataFrame({"left": left, "right": right, "weight": scored["match_weight"].astype(float), "evidence": _evidence(scored, model)})
    return told.sort_values(["left", "right"], ignore_index=True)[PAIRS]


def probability(weight: Floats, calibration: tuple[tuple[float, float], ...]) -> Floats:
    """The chance that a pair is one person, from its weight: straight lines between the points (weight, probability), flat outside."""
    weights, chances = zip(*calibration, strict=True)
    return np.asarray(np.interp(weight, weights, chances))


@contextmanager
def _engine(records: pd.DataFrame | DataFrame, memory: str) -> Iterator[Any]:
    if not isinstance(records, pd.DataFrame):
        yield _spark_engine(records.sparkSession)
        return
    import duckdb
    from splink import DuckDBAPI

    # One thread: sums of several end in another last bit each time. No directory to spill to: the values are in clear.
    connection = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": memory, "temp_directory": ""})
    try:
        yield DuckDBAPI(connection)
    finally:
        connection.close()


def _spark_engine(spark: SparkSession) -> Any:
    from splink import SparkAPI

    if spark.sparkContext.getConf().get(ENCRYPTED, "false") != "true":
        raise BadConfiguration(f"matching.backend is spark and {ENCRYPTED} is not true: shuffles would write names and addresses in clear "
                               "to the executors' disks; set it when the session starts, or take duckdb")
    # "parquet" and "checkpoint", Splink's other ways, write files that Spark does not encrypt.
    return SparkAPI(
        spark_session=spark, break_lineage_method="persist", register_udfs_automatically=False)


def _trained(api: Any, records: Any, model: Model) -> Any:
    from splink import Linker
    from splink.internals.exceptions import EMTrainingException

    logging.getLogger("splink").setLevel(logging.ERROR)
    linked = SIDE in records.columns
    settings = {
        "link_type": "link_only" if linked else "dedupe_only", "comparisons": [_comparison(c) for c in model.comparisons],
        "blocking_rules_to_generate_predictions": [{"blocking_rule": rule} for rule in model.blocking],
        "retain_matching_columns": True, "retain_intermediate_calculation_columns": False, "linker_uid": "profiles",
        "max_iterations": ITERATIONS}
    inputs = [api.register(part, dataset_display_name=name) for name, part in _parts(records, linked)]
    counting = Linker(inputs, settings, log_level=None)
    counting.training.estimate_probability_two_random_records_match(list(model.certain), recall=model.certain_share)
    estimated = counting.misc.save_model_to_json()["probability_two_random_records_match"]
    begun = Linker(inputs, settings | {"probability_two_random_records_match": FIRST_PRIOR}, log_level=None)
    begun.training.estimate_u_using_random_sampling(max_pairs=model.random_pairs, seed=model.seed, min_count_per_level=None, num_chunks=1)
    told = begun.misc.save_model_to_json()
    shares: dict[str, list[list[float]]] = {c.name: [] for c in model.comparisons}
    for lesson in model.lessons:
        pupil = Linker(inputs, told, log_level=None)
        try:
            pupil.training.estimate_parameters_using_expectation_maximisation(lesson.rule, estimate_without_term_frequencies=True)
        except EMTrainingException:  # no pair satisfies the rule, or none tells more than another: Splink's own first guess stands
            log.warning("matching: no pairs to learn from agree on %s", lesson.rule)
            continue
        for comparison in pupil.misc.save_model_to_json()["comparisons"]:
            if comparison["output_column_name"] in lesson.teaches:
                shares[comparison["output_column_name"]].append([level.get("m_probability") or 0.0 for level in _known(comparison)])
    for comparison in told["comparisons"]:
        for place, level in enumerate(_known(comparison)):
            if learnt := shares[comparison["output_column_name"]]:
                level["m_probability"] = max(sum(lesson[place] for lesson in learnt) / len(learnt), LEAST_SHARE)
            level["u_probability"] = max(level.get("u_probability") or 0.0, 1 / model.random_pairs)
    return Linker(inputs, told | {"probability_two_random_records_match": max(estimated, LEAST_PRIOR)}, log_level=None)


def _known(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    return [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]


def _parts(records: Any, linked: bool) -> list[tuple[str, Any]]:
    if not isinstance(records, pd.DataFrame):
        return [("records", records)]
    if not linked:
        return [("records", records)]
    return [(str(name), part.reset_index(drop=True)) for name, part in records.groupby(SIDE, sort=True)]


def _comparison(comparison: Comparison) -> dict[str, Any]:
    unknown = " or ".join(f"{field}_{side} is null" for field in comparison.needs for side in "lr")
    levels: list[dict[str, Any]] = [{"sql_condition": unknown, "label_for_charts": "unknown", "is_null_level": True}]
    for level in (*comparison.levels, comparison.otherwise):
        one: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.words}
        if level.rare:
            one |= {"tf_adjustment_column": level.rare, "tf_adjustment_weight": 1.0}
        if level.share is not None:
            one |= {"m_probability": level.share, "fix_m_probability": True}
        levels.append(one)
    return {"output_column_name": comparison.name, "comparison_levels": levels}


def _evidence(scored: pd.DataFrame, model: Model) -> list[list[str]]:
    """Splink's numbers of levels as words. The first level has the largest number, none of them 0, unknown -1."""
    words = [{len(c.levels) - place: level.words for place, level in enumerate((*c.levels, c.otherwise))} for c in model.comparisons]
    found = [scored[f"gamma_{c.name}"].to_numpy() for c in model.comparisons]
    return [[said[level] for said, level in zip(words, levels, strict=True) if level >= 0] for levels in zip(*found, strict=True)]
