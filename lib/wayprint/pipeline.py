"""All steps in reading order, and the settings class of each domain; nothing else."""

from __future__ import annotations

from pydantic import BaseModel

from wayprint.attribution.settings import AttributionSettings
from wayprint.audiences.settings import AudienceSettings
from wayprint.contracts import Step
from wayprint.events.settings import EventSettings
from wayprint.identity.settings import IdentitySettings
from wayprint.journeys.settings import JourneySettings
from wayprint.propensity.settings import PropensitySettings
from wayprint.report.settings import ReportSettings
from wayprint.session import SparkSettings
from wayprint.sources.settings import SourceSettings

SECTIONS: dict[str, type[BaseModel]] = {
    "spark": SparkSettings,
    "sources": SourceSettings,
    "events": EventSettings,
    "identity": IdentitySettings,
    "journeys": JourneySettings,
    "attribution": AttributionSettings,
    "propensity": PropensitySettings,
    "audiences": AudienceSettings,
    "report": ReportSettings,
}

STEPS: tuple[Step, ...] = ()
