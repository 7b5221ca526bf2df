"""Knobs of report; values, units and reasons stand in conf/base.yaml."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ReportSettings(BaseModel):
    """What the report shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    headline_model: str
    table_rows: int = Field(ge=10)
    least_cell: int = Field(ge=1)
    kpis: dict[str, dict[str, Any]]
    stages: dict[str, Any]
