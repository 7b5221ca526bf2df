"""Knobs of propensity; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict


class PropensitySettings(BaseModel):
    """What the models predict, learn from and must beat."""

    model_config = ConfigDict(frozen=True, extra="forbid")
