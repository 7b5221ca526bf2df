"""Knobs of sources; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict


class SourceSettings(BaseModel):
    """What files come in and how they are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
