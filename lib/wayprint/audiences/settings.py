"""Knobs of audiences; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict


class AudienceSettings(BaseModel):
    """Audience definitions, consent, pressure, holdouts, destinations."""

    model_config = ConfigDict(frozen=True, extra="forbid")
