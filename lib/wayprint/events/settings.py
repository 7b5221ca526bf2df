"""Knobs of events; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict


class EventSettings(BaseModel):
    """How actions are cleaned and placed in channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")
