import shutil
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from wayprint.propensity.model import BLOCK, Fold, fit, probability
from wayprint.propensity.training import FEATURE_NAMES, digest_of, gate, judge, loss_difference, measure_models, rows_of
from wayprint.registry import Registry

MARK = "ab12cd34ef56"


def sample_of(seed=0, persons=1200, signal=1.0):
    """Labelled examples in which visits and recency decide; two train months, one test month of other persons."""
    random, rows = np.random.default_rng(seed), []
    for number in range(persons):
        is_tester = number % 3 == 0
        for month in ("2026-04-01",) if is_tester else ("2026-02-01", "2026-03-01"):
            visits, silence = random.poisson(2), random.exponential(30)
            chance = 1 / (1 + np.exp(2.5 - signal * (0.7 * visits - 0.03 * silence)))
            known = {"visits_30d": visits, "days_since_seen": silence, "devices": random.integers(1, 4)}
            features = {name: float(known.get(name, random.poisson(1))) for name in FEATURE_NAMES}
            if random.random() < 0.6:
                features["days_since_purchase"] = np.nan
            rows.append({"feature_date": month, "person_id": f"{MARK}{number:06d}", "fold": "test" if is_tester else "train",
                         "label": int(random.random() < chance), **features})
    return pd.DataFrame(rows).sort_values(["feature_date", "person_id"], ignore_index=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def registry(store):
    return Registry.open(str(store), {})


def weak(knobs):
    candidates = knobs.candidates.model_dump()
    candidates["logistic"]["C"] = 1e-4
    candidates["boosting"] |= {"max_iter": 1, "learning_rate": 1e-3}
    return type(knobs)(**{**knobs.model_dump(), "candidates": candidates})


def told(rows, candidate):
    return {row["measure"]: row for row in rows if row["candidate"] == candidate}


def test_a_model_that_beats_the_base_rate_becomes_champion(registry, knobs):
    rows = measure_models(sample_of(), knobs, registry)
    champions = {row["candidate"] for row in rows if row["is_champion"]}
    assert len(champions) == 1
    best = champions.pop()
    assert told(rows, best)["log_loss"]["verdict"].startswith("promoted")
    assert told(rows, best)["log_loss"]["model_version"] == registry.champion(knobs.model)[1]
    assert told(rows, best)["roc_auc"]["low"] > 0.6
    assert told(rows, "base_rate")["roc_auc"]["value"] == 0.5
    assert told(rows, "base_rate")["log_loss"]["value"] > told(rows, best)["log_loss"]["value"]
    assert told(rows, "base_rate")["examples"]["value"] == 400
    assert told(rows, best)["train_examples"]["value"] == 1600


def test_a_model_that_only_tells_passers_by_apart_does_not_rank_the_known(knobs):
    random, known = np.random.default_rng(3), np.arange(2000) % 2 == 0
    label, guessed = (known & (random.random(2000) < 0.3)).astype(float), np.where(known, 0.3, 0.01) + random.random(2000) / 1000
    fold = Fold(pd.DataFrame({"is_known": known.astype(float)}), label, np.arange(2000))
    measured = {m.measure: m for m in judge(fold, guessed, knobs)}
    assert measured["roc_auc"].value > 0.75
    assert measured["roc_auc_known"].value == pytest.approx(roc_auc_score(label[known], guessed[known]))
    assert measured["roc_auc_known"].low < 0.5 < measured["roc_auc_known"].high
    assert (measured["examples_known"].value, measured["positives_known"].value) == (1000, label.sum())
    few = Fold(fold.features, np.where(np.cumsum(label) > 2, 0.0, label), fold.persons)
    assert "roc_auc_known" not in {m.measure for m in judge(few, guessed, knobs)}


def test_without_signal_nothing_is_promoted_and_nobody_is_champion(registry, knobs):
    rows = measure_models(sample_of(signal=0.0, persons=2400), knobs, registry)
    assert registry.champion(knobs.model) is None
    assert not any(row["is_champion"] for row in rows)
    assert any(row["verdict"].startswith("refused: not surely better than the base rate") for row in rows)


def test_a_worse_model_does_not_displace_the_champion_and_a_better_one_does(registry, knobs):
    sample = sample_of(persons=2400)
    first = measure_models(sample, weak(knobs), registry)
    assert next(row["verdict"] for row in first if row["is_champion"]).startswith("promoted")
    poor = registry.champion(knobs.model)
    second = measure_models(sample, knobs, registry)
    good = registry.champion(knobs.model)
    assert int(good[1]) > int(poor[1])
    assert {row["model_version"] for row in second if row["is_champion"]} == {good[1]}
    weaker = weak(knobs).model_copy(update={"seed": 8})
    third = measure_models(sample, weaker, registry)
    assert registry.champion(knobs.model)[1] == good[1]
    assert any("the champion is as good or better" in row["verdict"] for row in third)
    kept = told(third, "champion")
    assert kept["log_loss"]["is_champion"]
    assert kept["log_loss"]["model_version"] == good[1]
    assert kept["log_loss"]["value"] == next(row["value"] for row in second if row["is_champion"] and row["measure"] == "log_loss")


def test_the_gate_asks_for_certainty_against_base_and_for_better_than_champion():
    label = (np.random.default_rng(1).random(500) < 0.3).astype(float)
    near, far = np.where(label == 1, 0.4, 0.25), np.where(label == 1, 0.31, 0.3)
    base = np.full(500, label.mean())
    paired = (np.arange(500), 200, 1)
    sure = loss_difference(label, near, base, *paired)
    assert gate(sure, None)[0]
    assert gate(sure, loss_difference(label, near, far, *paired))[0]
    assert not gate(sure, loss_difference(label, near, near, *paired))[0]
    assert not gate(loss_difference(label, base, base, *paired), None)[0]
    noisy = base + np.random.default_rng(5).normal(0, 0.002, 500)
    unsure = loss_difference(label, noisy, base, *paired)
    assert unsure.value < 0 < unsure.high
    assert not gate(unsure, None)[0]


def test_the_same_examples_are_trained_once_and_the_rows_are_the_same(registry, knobs):
    sample = sample_of(seed=5)
    first = measure_models(sample, knobs, registry)
    runs = registry.finished_runs(knobs.model, digest_of(sample, knobs))
    again = measure_models(sample, knobs, Registry.open(registry.uri.removeprefix("sqlite://").removesuffix("/_mlflow/mlflow.db"), {}))
    assert again == first
    assert registry.finished_runs(knobs.model, digest_of(sample, knobs)) == runs
    assert len(runs) == 3
    assert digest_of(sample.assign(label=1 - sample["label"]), knobs) != digest_of(sample, knobs)


def test_an_older_champion_is_not_brought_back_by_its_own_examples(registry, knobs):
    sample = sample_of(persons=2400)
    measure_models(sample, weak(knobs), registry)
    measure_models(sample, knobs, registry)
    good = registry.champion(knobs.model)[1]
    rows = measure_models(sample, weak(knobs), registry)
    assert registry.champion(knobs.model)[1] == good
    assert {row["candidate"] for row in rows if row["is_champion"]} == {"champion"}


def test_a_crash_before_promotion_is_made_good_by_the_next_run(registry, knobs):
    sample = sample_of(seed=6)

    class Dying(Registry):
        def promote(self, model, version):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_models(sample, knobs, Dying(registry.uri, registry.artifacts))
    assert registry.champion(knobs.model) is None
    rows = measure_models(sample, knobs, registry)
    assert registry.champion(knobs.model)[1] == "1"
    assert any(row["is_champion"] for row in rows)


def test_training_twice_from_nothing_gives_the_same_bits(knobs):
    sample = sample_of(seed=7)
    train, test = rows_of(sample, "train"), rows_of(sample, "test")
    for candidate in ("logistic", "boosting"):
        one, other = (probability(fit(candidate, train, knobs), test.features) for _ in range(2))
        assert (one == other).all()


def test_a_reloaded_champion_gives_the_same_bits(registry, knobs):
    sample = sample_of(seed=8)
    measure_models(sample, knobs, registry)
    train, test = rows_of(sample, "train"), rows_of(sample, "test")
    fresh = Registry(registry.uri, registry.artifacts)
    guessed = probability(fresh.champion(knobs.model)[0], test.features)
    assert any((guessed == probability(fit(candidate, train, knobs), test.features)).all() for candidate in ("logistic", "boosting"))


@pytest.mark.parametrize("candidate", ["logistic", "boosting"])
def test_probabilities_do_not_depend_on_how_rows_are_cut_into_batches(knobs, candidate):
    sample = sample_of(seed=9)
    model = fit(candidate, rows_of(sample, "train"), knobs)
    features = pd.concat([rows_of(sample, "train").features] * 4, ignore_index=True)
    assert len(features) > BLOCK
    whole = probability(model, features)
    for size in (1, 7, 1023):
        cut = np.concatenate([probability(model, features[start:start + size]) for start in range(0, 60 * size, size) if start < len(features)])
        assert (cut == whole[:len(cut)]).all()
    assert np.allclose(whole, model.predict_proba(features)[:, 1], rtol=0, atol=1e-15)


def test_too_few_buyers_are_said_in_words_and_train_nothing(registry, knobs):
    sample = sample_of(persons=60)
    for given in (sample, sample[:0], sample[sample["fold"] == "test"], sample.assign(label=1)):
        rows = measure_models(given, knobs, registry)
        assert [(row["candidate"], row["measure"], row["value"], row["is_champion"]) for row in rows] == [("none", "not_trained", None, False)]
        assert "at least 30 are needed" in rows[0]["verdict"]
    assert registry.champion(knobs.model) is None


@pytest.mark.parametrize("persons", [0, 1, 4])
@pytest.mark.parametrize("feature", ["days_since_purchase", "days_since_seen"])
def test_a_feature_that_hardly_anybody_has_does_not_stop_training(registry, knobs, feature, persons):
    sample = sample_of(seed=14)
    is_train = sample["fold"] == "train"
    having = sample.loc[is_train, "person_id"].unique()[:persons]
    sample.loc[is_train & ~sample["person_id"].isin(having), feature] = np.nan
    sample.loc[is_train & sample["person_id"].isin(having), feature] = 3.0
    rows = measure_models(sample, knobs, registry)
    assert {row["candidate"] for row in rows} == {"base_rate", "logistic", "boosting"}
    assert any(row["is_champion"] for row in rows)
    model = fit("boosting", rows_of(sample, "train"), knobs)
    assert (feature in model.feature_names_in_) == (persons > 1)
    whole = probability(model, rows_of(sample, "test").features)
    assert (whole[:9] == probability(model, rows_of(sample, "test").features[:9])).all()


@pytest.mark.parametrize("kind", [1, 0])
def test_rows_of_too_few_persons_are_said_in_words_and_train_nothing(registry, knobs, kind):
    sample = sample_of(seed=15)
    is_train = sample["fold"] == "train"
    one = sample.loc[is_train, "person_id"].iloc[0]
    sample = pd.concat([sample[sample["person_id"] != one], *[sample[sample["person_id"] == one]] * 20], ignore_index=True)
    sample.loc[sample["fold"] == "train", "label"] = 1 - kind
    sample.loc[sample["person_id"] == one, "label"] = kind
    (row,) = measure_models(sample, knobs, registry)
    assert row["measure"] == "not_trained"
    assert "too few persons are buyers, or too few are not" in row["verdict"]


def test_calibration_is_isotonic_only_with_many_buyers(knobs):
    train = rows_of(sample_of(), "train")
    few = fit("boosting", train, knobs).calibrated_classifiers_[0]
    many = fit("boosting", train, knobs.model_copy(update={"isotonic_positives": 50})).calibrated_classifiers_[0]
    assert (few.method, many.method) == ("sigmoid", "isotonic")


def test_runs_tell_knobs_inputs_schema_and_pinned_requirements_but_no_person(registry, store, knobs):
    import mlflow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        measure_models(sample_of(seed=11), knobs, registry.reading({"examples": 12}))
        run = mlflow.MlflowClient(registry.uri).get_run(registry.finished_runs(knobs.model, digest_of(sample_of(seed=11), knobs))[-1]["run_id"])
        version = registry.champion(knobs.model)[1]
        info = mlflow.models.get_model_info(f"models:/{knobs.model}/{version}")
        requirements = mlflow.artifacts.load_text(f"{info.artifact_path}/requirements.txt")
    assert run.data.tags["input.examples"] == "12"
    assert run.data.params["settings.horizon_days"] == str(knobs.horizon_days)
    assert run.data.params["C"] == "1.0"
    assert 0.5 < run.data.metrics["roc_auc.low"] < run.data.metrics["roc_auc"] < run.data.metrics["roc_auc.high"]
    assert info.signature.inputs.input_names() == FEATURE_NAMES
    assert {kind.name for kind in info.signature.inputs.input_types()} == {"double"}
    assert info.saved_input_example_info is None
    pinned = [line for line in requirements.splitlines() if line]
    assert any(line.startswith("scikit-learn==") for line in pinned)
    assert all("==" in line for line in pinned)
    files = [path for path in store.rglob("*") if path.is_file()]
    assert {"mlflow.db", "settings.json"} <= {path.name for path in files}
    assert any(path.suffix == ".skops" for path in files)
    for path in files:
        assert MARK.encode() not in path.read_bytes(), path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                assert not any(MARK.encode() in packed.read(name) for name in packed.namelist()), path


def test_the_store_is_in_the_lake_unless_the_environment_names_another():
    assert Registry.open("/data/lake", {}).uri == "sqlite:////data/lake/_mlflow/mlflow.db"
    assert Registry.open("file:///data/lake", {}).uri == Registry.open("file:/data/lake", {}).uri == Registry.open("/data/lake", {}).uri
    assert Registry.open("s3a://bucket/lake", {"MLFLOW_TRACKING_URI": "http://mlflow:5000"}).uri == "http://mlflow:5000"
    with pytest.raises(RuntimeError, match="MLFLOW_TRACKING_URI"):
        Registry.open("s3a://bucket/lake", {})


def test_a_moved_lake_keeps_its_champion_and_writes_only_where_it_is_now(registry, store, knobs, tmp_path):
    old, new = store / "_mlflow" / "artifacts", tmp_path / "lake" / "_mlflow" / "artifacts"
    before = set(old.glob("models/*"))
    measure_models(sample_of(persons=2400), weak(knobs), registry)
    shutil.copytree(store, tmp_path / "lake")
    for folder in set(old.glob("models/*")) - before:
        shutil.rmtree(folder)
    left, came = set(old.rglob("*")), set(new.rglob("*"))
    moved = Registry.open(str(tmp_path / "lake"), {})
    poor = moved.champion(knobs.model)[1]
    measure_models(sample_of(persons=2400), knobs, moved)
    assert moved.champion(knobs.model)[1] != poor
    assert set(old.rglob("*")) == left
    assert set(new.rglob("*")) > came
    again = measure_models(sample_of(persons=2400), weak(knobs), Registry.open(str(tmp_path / "lake"), {}))
    assert {row["model_version"] for row in again if row["is_champion"]} == {moved.champion(knobs.model)[1]}


def test_a_second_process_waits_for_the_store(registry):
    code = "import sys; from wayprint.registry import Registry\nwith Registry.open(sys.argv[1], {}).alone(): print('in')"
    with registry.alone(), registry.reading({}).alone():
        other = subprocess.Popen([sys.executable, "-c", code, str(registry.artifacts.parents[1])], stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            other.communicate(timeout=3)
    assert other.communicate(timeout=60)[0] == "in\n"


def test_training_writes_nothing_to_the_terminal(registry, knobs, capfd):
    measure_models(sample_of(seed=13), knobs, registry)
    registry.champion(knobs.model)
    assert capfd.readouterr() == ("", "")
