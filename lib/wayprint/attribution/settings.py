"""Knobs of attribution; values, units and reasons stand in conf/base.yaml."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Model = Literal["first", "last", "last_non_direct", "linear", "position", "time_decay", "markov", "shapley"]
MARKOV_SPLIT = "markov_split"
Transform = Literal["exposure", "first", "without_direct", "without_last_direct"]


class PositionWeights(BaseModel):
    """Credit of the first and of the last touch of a path; the touches between share the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: float = Field(ge=0, le=1)
    last: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def leave_something(self) -> Self:
        if not 0 < self.first + self.last <= 1:
            raise ValueError(f"first + last must lie in (0, 1]; came {self.first} + {self.last}")
        return self


class AttributionSettings(BaseModel):
    """Lookback, models and intervals of attribution."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lookback_days: float = Field(gt=0)
    include_direct: bool
    collapse: Literal["visits", "none"]
    transforms: tuple[Transform, ...]
    models: tuple[Model, ...] = Field(min_length=1)
    half_life_days: float = Field(gt=0)
    position_weights: PositionWeights
    bootstrap_replicates: int = Field(ge=20)
    confidence: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)

    @property
    def splits(self) -> tuple[str, ...]:
        """The models by the names under which they split single conversions. The chain says what a channel is worth in all; how one
        conversion is split by that is another figure, and has another name."""
        return tuple(MARKOV_SPLIT if model == "markov" else model for model in self.models)

    @model_validator(mode="after")
    def name_each_model_once(self) -> Self:
        if len(set(self.models)) < len(self.models):
            raise ValueError(f"models are named twice: {self.models}")
        return self
