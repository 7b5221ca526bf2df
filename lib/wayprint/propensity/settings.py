"""Knobs of propensity; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict, Field


class LogisticSettings(BaseModel):
    """Knobs of scikit-learn's LogisticRegression."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    C: float = Field(gt=0)
    max_iter: int = Field(ge=1)


class BoostingSettings(BaseModel):
    """Knobs of scikit-learn's HistGradientBoostingClassifier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_iter: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    max_leaf_nodes: int = Field(ge=2)
    min_samples_leaf: int = Field(ge=1)
    l2_regularization: float = Field(ge=0)


class CandidateSettings(BaseModel):
    """The models that compete, each with its knobs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    logistic: LogisticSettings
    boosting: BoostingSettings


class PropensitySettings(BaseModel):
    """What the models predict, learn from and must beat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    horizon_days: int = Field(ge=1, le=366)
    history_months: int = Field(ge=1)
    test_share: float = Field(gt=0, lt=1)
    min_positives: int = Field(ge=5)
    max_examples: int = Field(ge=1)
    candidates: CandidateSettings
    calibration_folds: int = Field(ge=2, le=5)
    isotonic_positives: int = Field(ge=1)
    bootstrap_replicates: int = Field(ge=20)
    seed: int = Field(ge=0)

    @property
    def model(self) -> str:
        """Name in the registry; another horizon is another question, hence another model."""
        return f"purchase_{self.horizon_days}d"
