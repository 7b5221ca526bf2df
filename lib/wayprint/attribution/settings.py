"""Knobs of attribution; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict


class AttributionSettings(BaseModel):
    """Lookback, models and intervals of attribution."""

    model_config = ConfigDict(frozen=True, extra="forbid")
