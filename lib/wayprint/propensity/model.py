"""The candidate models: fitting them, and asking them in a way that gives the same bits everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from wayprint.propensity.settings import PropensitySettings

BLOCK = 4096


@dataclass(frozen=True)
class Fold:
    """Rows to learn from or to be judged on, in a fixed order: features by name, label 0 or 1, person of each row."""

    features: pd.DataFrame
    label: NDArray[np.float64]
    persons: NDArray[Any]

    @property
    def positives(self) -> int:
        return int(self.label.sum())


def fit(candidate: str, train: Fold, settings: PropensitySettings) -> Any:
    """The fitted classifier `candidate`; the same rows in the same order give the same bits (one thread, fixed seed).

    logistic: median where a value is missing, with a flag that it was; scaled; ridge penalty.
    boosting: histogram gradient boosting, then calibrated on predictions for persons not fitted on: isotonic where there are
    at least `isotonic_positives` buyers, else Platt's sigmoid, which needs fewer. What is null stays null, a branch of its own; a
    feature is left out if a part that is fitted on has no value of it.
    """
    # Imported where it is needed: it takes seconds, and most commands fit nothing.
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with threadpool_limits(1):
        if candidate == "logistic":
            knobs = settings.candidates.logistic.model_dump()
            classifier = LogisticRegression(random_state=settings.seed, **knobs)
            imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
            return make_pipeline(imputer, StandardScaler(), classifier).fit(train.features, train.label)
        # early stopping would hold out rows, not persons, and only above 10,000 of them
        knobs = settings.candidates.boosting.model_dump()
        booster = HistGradientBoostingClassifier(early_stopping=False, random_state=settings.seed, **knobs)
        folds = folds_of(train, settings)
        method = "isotonic" if train.positives >= settings.isotonic_positives else "sigmoid"
        # scikit-learn cannot bin a column of nulls alone
        is_told = train.features.notna().to_numpy()
        features = train.features.loc[:, np.all([is_told[rows].any(axis=0) for rows, _ in folds], axis=0)]
        return CalibratedClassifierCV(booster, method=method, cv=folds, ensemble=False).fit(features, train.label)


def folds_of(train: Fold, settings: PropensitySettings) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to fit on and rows to predict, of each fold of the calibration; all rows of a person are in one of the two."""
    from sklearn.model_selection import GroupKFold

    return list(GroupKFold(settings.calibration_folds).split(train.features, train.label, train.persons))


def probability(model: Any, features: pd.DataFrame) -> NDArray[np.float64]:
    """Chance of a purchase of each row; bit-equal however the rows are cut into batches.

    A matrix product sums the last rows of a batch in another order (334 of 2,000 rows differed between batches of one and one
    batch), so rows go through in blocks of one shape, the last one padded.
    """
    names = list(model.feature_names_in_)
    values = features[names].to_numpy(dtype=np.float64)
    result = np.empty(len(values))
    with threadpool_limits(1):
        for start in range(0, len(values), BLOCK):
            part = values[start:start + BLOCK]
            block = np.zeros((BLOCK, len(names)))
            block[:len(part)] = part
            result[start:start + len(part)] = model.predict_proba(pd.DataFrame(block, columns=names))[:len(part), 1]
    return result
