"""Knobs of report; values, units and reasons stand in conf/base.yaml."""

from pydantic import BaseModel, ConfigDict


class ReportSettings(BaseModel):
    """What the report shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")
