import datetime as dt

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from wayprint.contracts import conform
from wayprint.propensity.model import probability
from wayprint.propensity.score import score_persons
from wayprint.propensity.training import FEATURE_NAMES, labelled_sample, train_models
from wayprint.registry import Registry
from wayprint.tables.propensity import EXAMPLES, MODEL_MEASURES, SCORES

pytestmark = pytest.mark.spark

AS_OF = dt.date(2026, 5, 1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def registry(store):
    return Registry.open(str(store), {})


def examples_of(spark, persons=1500, seed=1):
    """Examples in which visits decide: one train month, one test month of others, everybody at as_of."""
    random, rows = np.random.default_rng(seed), []
    for number in range(persons):
        closed = ("test", dt.date(2026, 4, 1)) if number % 3 == 0 else ("train", dt.date(2026, 3, 1))
        for fold, date in (closed, ("score", AS_OF)):
            features = {name: float(random.poisson(2)) for name in FEATURE_NAMES}
            features["days_since_purchase"] = None if random.random() < 0.5 else features["days_since_purchase"]
            buys = int(random.random() < 1 / (1 + np.exp(3 - features["visits_30d"])))
            rows.append((f"p{number:05d}", date, None, date, None if fold == "score" else buys, fold, *features.values()))
    return spark.createDataFrame(rows, EXAMPLES.ddl)


def scores_of(examples, measures, knobs, registry):
    return conform(score_persons(examples, measures, knobs, registry), SCORES)


def test_scores_equal_the_drivers_bit_for_bit_on_any_partitions(spark, knobs, registry):
    examples = examples_of(spark)
    measures = conform(train_models(examples, knobs, registry), MODEL_MEASURES)
    model, version = registry.champion(knobs.model)
    asked = examples.where("fold = 'score'").toPandas().sort_values("person_id", ignore_index=True)
    driver = dict(zip(asked["person_id"], probability(model, asked), strict=True))
    found = [scores_of(examples.repartition(n), measures, knobs, registry).toPandas().sort_values("person_id", ignore_index=True) for n in (1, 4)]
    pd.testing.assert_frame_equal(*found, check_exact=True)
    assert dict(zip(found[0]["person_id"], found[0]["score"], strict=True)) == driver
    assert np.allclose(found[0]["score"], model.predict_proba(asked[FEATURE_NAMES].astype(float))[:, 1], rtol=0, atol=1e-15)
    assert set(found[0]["model_version"]) == {version}
    assert set(found[0]["scored_on"]) == {AS_OF}
    assert found[0]["decile"].value_counts().to_dict() == dict.fromkeys(range(1, 11), 150)
    ranked = found[0].sort_values(["score", "person_id"], ascending=[False, True])
    assert ranked["decile"].is_monotonic_increasing


def test_measures_come_back_as_promised_and_again_the_same(spark, knobs, registry):
    examples = examples_of(spark)
    first = train_models(examples, knobs, registry).collect()
    second = train_models(examples.repartition(5), knobs, registry).collect()
    assert sorted(first) == sorted(second)
    assert len({(row.model, row.candidate, row.measure) for row in first}) == len(first)
    assert {row.candidate for row in first} == {"base_rate", "logistic", "boosting"}
    assert sum(row.is_champion and row.measure == "log_loss" for row in first) == 1


def test_too_few_examples_give_one_row_of_words_and_no_scores(spark, rows, knobs, registry):
    for examples in (rows(EXAMPLES), examples_of(spark, persons=30)):
        measures = conform(train_models(examples, knobs, registry), MODEL_MEASURES)
        assert [(row.measure, row.value) for row in measures.collect()] == [("not_trained", None)]
        assert scores_of(examples, measures, knobs, registry).count() == 0


def test_the_sample_keeps_whole_persons_up_to_its_size_whatever_the_partitions(spark, knobs):
    examples = examples_of(spark).where("fold <> 'score'")
    examples = examples.unionByName(examples.withColumn("feature_date", F.add_months("feature_date", -1)))
    small = knobs.model_copy(update={"max_examples": 1000})
    taken = labelled_sample(examples, small)
    assert 900 < len(taken) <= 1000
    assert set(taken.groupby("person_id").size()) == {2}
    pd.testing.assert_frame_equal(taken, labelled_sample(examples.repartition(6), small), check_exact=True)
    assert len(labelled_sample(examples, knobs)) == 3000
