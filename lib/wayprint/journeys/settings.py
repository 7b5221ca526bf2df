"""Knobs of journeys; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict


class JourneySettings(BaseModel):
    """Where visits and journeys begin and end, and what stage a touch is in."""

    model_config = ConfigDict(frozen=True, extra="forbid")
