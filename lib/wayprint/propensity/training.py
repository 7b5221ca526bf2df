"""Training: candidates against the base rate and the champion, out of time, on persons not trained on.

1. Bring the labelled examples to the driver (at most `max_examples`, whole persons chosen by hash).
2. Fit each candidate on the train fold; judge all on the test fold.
3. The candidate with the lowest log-loss must beat the base rate beyond doubt (the paired 95 % interval of the difference
   lies below zero) and be better than the champion on the same rows. Then it becomes the champion.

Choosing the better of two on the test fold makes its own figures slightly rosy; the gate's comparison with the base rate
asks for the whole interval for that reason. The same examples, settings and library versions are never trained twice: the
registry remembers them by their digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.propensity.evaluate import Measure, evaluate, loss_difference
from wayprint.propensity.model import Fold, fit, folds_of, probability
from wayprint.propensity.settings import PropensitySettings
from wayprint.tables.propensity import FEATURES, MODEL_MEASURES

FEATURE_NAMES = [feature.name for feature in FEATURES]
BUCKETS = 1000


class ModelRegistry(Protocol):
    """What training and scoring need of a model registry."""

    def alone(self) -> AbstractContextManager[None]: ...
    def finished_runs(self, model: str, digest: str) -> list[dict[str, Any]]: ...
    def log_run(
        self, model: str, candidate: str, digest: str, *, parameters: Mapping[str, Any], settings: Mapping[str, Any],
        measures: list[dict[str, Any]], decision: str, verdict: str, estimator: Any = None) -> None: ...
    def register(self, model: str, run_id: str) -> str: ...
    def promote(self, model: str, version: str) -> None: ...
    def champion(self, model: str) -> tuple[Any, str] | None: ...


def train_models(examples: DataFrame, settings: PropensitySettings, registry: ModelRegistry) -> DataFrame:
    """One row per candidate and measure, with the verdict in words; the models themselves are in the registry.

    The one step that acts: it brings its sample to the driver (two Spark jobs) and writes to the registry, both of which
    are functions of the examples and of the champion. Too few buyers in either fold: a single row `not_trained`.
    """
    rows = measure_models(labelled_sample(examples, settings), settings, registry)
    return examples.sparkSession.createDataFrame([tuple(row[name] for name in MODEL_MEASURES.column_names) for row in rows], MODEL_MEASURES.ddl)


def labelled_sample(examples: DataFrame, settings: PropensitySettings) -> pd.DataFrame:
    """The train and test rows of as many whole persons as fit into `max_examples`, in order of date and person."""
    labelled = examples.where(F.col("fold").isin("train", "test")).withColumn(
        "bucket", F.pmod(F.xxhash64(F.lit("sample"), "person_id"), F.lit(BUCKETS)))
    sizes = {row["bucket"]: row["count"] for row in labelled.groupBy("bucket").count().collect()}
    filled = np.cumsum([sizes.get(bucket, 0) for bucket in range(BUCKETS)])
    taken = int((filled <= settings.max_examples).sum())
    rows = labelled.where(F.col("bucket") < taken).select(
        F.col("feature_date").cast("string").alias("feature_date"), "person_id", "fold", "label", *FEATURE_NAMES)
    return rows.toPandas().sort_values(["feature_date", "person_id"], ignore_index=True)


def measure_models(sample: pd.DataFrame, settings: PropensitySettings, registry: ModelRegistry) -> list[dict[str, Any]]:
    """Rows of model_measures for a sample as `labelled_sample` gives it; trains only what the registry has not seen."""
    train, test = (rows_of(sample, name) for name in ("train", "test"))
    if lacking := shortage(train, test, settings):
        return [measure_row(settings.model, "none", Measure("not_trained", None), None, None, lacking)]
    with registry.alone():
        return contest(train, test, digest_of(sample, settings), settings, registry)


def contest(train: Fold, test: Fold, digest: str, settings: PropensitySettings, registry: ModelRegistry) -> list[dict[str, Any]]:
    """Train unless the registry remembers it; register and promote the winner if it may be; then the rows of all candidates."""
    if {"base_rate", *candidate_names(settings)} - {run["candidate"] for run in registry.finished_runs(settings.model, digest)}:
        compete(train, test, digest, settings, registry)
    runs = registry.finished_runs(settings.model, digest)
    versions: dict[str, str | None] = {run["candidate"]: None for run in runs}
    for run in runs:
        if run["decision"] in ("promoted", "refused"):
            versions[run["candidate"]] = registry.register(settings.model, run["run_id"])
    for run in runs:
        if run["decision"] == "promoted":
            registry.promote(settings.model, str(versions[run["candidate"]]))
    champion = usable_champion(registry, settings.model)
    in_use = champion[1] if champion else None
    rows = [
        measure_row(settings.model, run["candidate"], Measure(**measure), versions[run["candidate"]], in_use, run["verdict"])
        for run in runs for measure in run["measures"]]
    if champion and in_use not in versions.values():
        measures = judge(test, probability(champion[0], test.features), settings)
        rows += [measure_row(settings.model, "champion", m, in_use, in_use, "kept: the model in use, from an earlier training") for m in measures]
    return rows


def compete(train: Fold, test: Fold, digest: str, settings: PropensitySettings, registry: ModelRegistry) -> None:
    """Fit and judge all candidates, pass the gate, log one run a candidate; the winner's with its model."""
    models = {name: fit(name, train, settings) for name in candidate_names(settings)}
    judged = {name: probability(model, test.features) for name, model in models.items()}
    judged["base_rate"] = np.full(len(test.label), train.label.mean())
    persons, draws = numbered(test), (settings.bootstrap_replicates, settings.seed)
    measures = {name: judge(test, guessed, settings) for name, guessed in judged.items()}
    loss = {name: next(m.value for m in measured if m.measure == "log_loss") for name, measured in measures.items()}
    best = min(models, key=lambda name: (loss[name], name))
    champion = usable_champion(registry, settings.model)
    against_base = loss_difference(test.label, judged[best], judged["base_rate"], persons, *draws)
    against_champion = champion and loss_difference(test.label, judged[best], probability(champion[0], test.features), persons, *draws)
    promoted, reason = gate(against_base, against_champion or None)
    for name in ("base_rate", *models):
        decision, verdict = {
            "base_rate": ("reference", "reference: the share of buyers in training, what every model must beat"),
            best: ("promoted" if promoted else "refused", reason),
        }.get(name, ("beaten", f"refused: {best} has the lower log-loss, {loss[best]:.4f} against {loss[name]:.4f}"))
        sizes = [Measure("train_positives", float(train.positives)), Measure("train_examples", float(len(train.label)))]
        dumped = settings.model_dump(mode="json")
        registry.log_run(
            settings.model, name, digest, parameters=dumped["candidates"].get(name, {"base_rate": float(train.label.mean())}),
            settings=dumped, measures=[asdict(m) for m in [*measures[name], *sizes]], decision=decision, verdict=verdict,
            estimator=models[best] if name == best else None)


def judge(fold: Fold, guessed: NDArray[np.float64], settings: PropensitySettings) -> list[Measure]:
    """All measures on a fold, and how well the known are ranked among themselves, where enough of them buy.

    Buyers are mostly known, so a model may look good that only tells customers from passers-by, whom nobody can write to.
    """
    persons, draws = numbered(fold), (settings.bootstrap_replicates, settings.seed)
    measured = evaluate(fold.label, guessed, persons, *draws)
    known = fold.features["is_known"].to_numpy() == 1
    label = fold.label[known]
    if min(label.sum(), len(label) - label.sum()) < settings.min_positives:
        return measured
    among = evaluate(label, guessed[known], np.unique(persons[known], return_inverse=True)[1], *draws)
    named = {m.measure: m for m in among}
    return [*measured, replace(named["roc_auc"], measure="roc_auc_known"), replace(named["positives"], measure="positives_known"),
            replace(named["examples"], measure="examples_known")]


def gate(against_base: Measure, against_champion: Measure | None) -> tuple[bool, str]:
    """May the best candidate become the champion? Decision and reason, from differences of log-loss (below 0 is better)."""
    span = f"{against_base.value:+.4f} (95 %: {against_base.low:+.4f} to {against_base.high:+.4f})"
    if against_base.high is None or against_base.high >= 0:
        return False, f"refused: not surely better than the base rate, difference of log-loss {span}"
    if against_champion is None:
        return True, f"promoted: better than the base rate, difference of log-loss {span}; there was no champion"
    if against_champion.value is None or against_champion.value >= 0:
        return False, f"refused: the champion is as good or better, difference of log-loss {against_champion.value:+.4f}"
    return True, (f"promoted: better than the base rate, difference of log-loss {span}, and than the champion before, "
                  f"{against_champion.value:+.4f}")


def usable_champion(registry: ModelRegistry, model: str) -> tuple[Any, str] | None:
    """The champion, unless it asks for features that examples no longer have."""
    champion = registry.champion(model)
    return champion if champion and set(champion[0].feature_names_in_) <= set(FEATURE_NAMES) else None


def shortage(train: Fold, test: Fold, settings: PropensitySettings) -> str | None:
    """Why these folds cannot teach or judge a model; None if they can."""
    counts = {
        "buyers to learn from": train.positives, "non-buyers to learn from": len(train.label) - train.positives,
        "buyers to be judged on": test.positives, "non-buyers to be judged on": len(test.label) - test.positives}
    short = [f"{count} {name}" for name, count in counts.items() if count < settings.min_positives]
    if short:
        return f"not trained: {', '.join(short)}; at least {settings.min_positives} are needed"
    if len(np.unique(train.persons)) < settings.calibration_folds:
        return f"not trained: fewer persons than the {settings.calibration_folds} folds of the calibration"
    if any(len(np.unique(train.label[rows])) < 2 for rows, _ in folds_of(train, settings)):
        return (f"not trained: too few persons are buyers, or too few are not: without the persons of one of the {settings.calibration_folds} folds "
                "of the calibration only one kind is left to learn from")
    return None


def rows_of(sample: pd.DataFrame, fold: str) -> Fold:
    rows = sample[sample["fold"] == fold]
    features = rows[FEATURE_NAMES].astype(np.float64).reset_index(drop=True)
    return Fold(features, rows["label"].to_numpy(dtype=np.float64), rows["person_id"].to_numpy())


def numbered(fold: Fold) -> NDArray[np.int64]:
    """Persons of the rows as numbers from 0, in order of their ids."""
    return np.unique(fold.persons.astype(str), return_inverse=True)[1].astype(np.int64)


def candidate_names(settings: PropensitySettings) -> list[str]:
    return list(type(settings.candidates).model_fields)


def digest_of(sample: pd.DataFrame, settings: PropensitySettings) -> str:
    """What a training depends on, as a hash: the rows, every knob, and the libraries that do the sums."""
    told = {"settings": settings.model_dump(mode="json"), "features": FEATURE_NAMES,
            "libraries": {name: version(name) for name in ("scikit-learn", "numpy", "scipy")}}
    hashed = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in ("feature_date", "person_id", "fold"):
        hashed.update("\n".join(sample[name].astype(str)).encode())
    hashed.update(sample[["label", *FEATURE_NAMES]].to_numpy(dtype=np.float64).tobytes())
    return hashed.hexdigest()[:32]


def measure_row(model: str, candidate: str, measure: Measure, number: str | None, in_use: str | None, verdict: str) -> dict[str, Any]:
    return {"model": model, "candidate": candidate, **asdict(measure), "is_champion": number is not None and number == in_use,
            "model_version": number, "verdict": verdict}
