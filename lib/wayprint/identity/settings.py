"""Knobs of identity; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict


class IdentitySettings(BaseModel):
    """Which links between identifiers are believed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
