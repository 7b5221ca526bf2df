"""Knobs of journeys; values, units and reasons stand in conf/base.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wayprint.tables.bronze import EVENT_NAMES, PLATFORMS

Phase = Literal["before", "during", "after", "usage"]

Fact = Literal[
    "sessions", "engaged_sessions",
    "visits", "buying_visits",
    "touches", "unmapped_touches", "active_persons", "tickets", "payment_errors", "payment_trials",
    "emails_sent", "email_clicks", "answers", "satisfied_answers",
    "conversions", "gross_amount", "refund_amount", "revenue_amount", "digital_revenue_amount",
    "judged_journeys", "judged_bought_journeys", "bought_journeys", "cycle_days", "visits_to_purchase", "sources_to_purchase",
    "ignored_events",
]
FACTS: tuple[str, ...] = get_args(Fact)


# Python reads these, Java, which will, refuses them: named groups the Python way, conditions, comments.
ONLY_PYTHON = re.compile(r"\(\?(P|\(|#)")


def unknown_names(told: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse names that are not in the vocabulary."""
    if unknown := sorted(set(told) - set(known)):
        raise ValueError(f"{what} {unknown} are not in the vocabulary (known: {', '.join(known)})")


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SessionPolicy(Frozen):
    """What ends a visit besides the silence itself."""

    gap_minutes: float = Field(gt=0)
    cuts_at_exactly_the_gap: bool
    cuts_at_midnight: bool
    cuts_on_new_campaign: bool


class Stage(Frozen):
    name: str = Field(min_length=1)
    phase: Phase
    meaning: str


class StageRule(Frozen):
    """A touch that fulfils every condition given is in `stage`; the first rule that fits decides."""

    stage: str
    events: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    path: str | None = None

    @field_validator("path")
    @classmethod
    def _readable(cls, path: str | None) -> str | None:
        try:
            re.compile(path or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if only := ONLY_PYTHON.search(path or ""):
            raise ValueError(f"{only[0]!r} is not a regular expression that Spark can read; write (?<name>...) or (?:...)")
        return path

    @model_validator(mode="after")
    def _conditional(self) -> StageRule:
        if not (self.events or self.channels or self.path):
            raise ValueError(f"a rule for stage {self.stage!r} needs at least one of events, channels, path")
        return self


class Scope(Frozen):
    """What the journeys speak of. `excluded_stages` and `families` act on the touches; the rest is repeated by the report."""

    target: str
    countries: tuple[str, ...]
    offer: str
    families: tuple[str, ...]
    excluded_stages: tuple[str, ...]


class StagePlan(Frozen):
    """conf/stages.yaml: the stages, the order of buying, and the rules that place a touch."""

    scope: Scope
    stages: tuple[Stage, ...] = Field(min_length=1)
    buying_order: tuple[str, ...] = Field(min_length=2)
    rules: tuple[StageRule, ...]
    outbound_events: tuple[str, ...]
    booked_events: tuple[str, ...]
    machine_events: tuple[str, ...]
    ignored_events: tuple[str, ...]

    @model_validator(mode="after")
    def _consistent(self) -> StagePlan:
        names = [stage.name for stage in self.stages]
        named = {*self.buying_order, *self.scope.excluded_stages, *(rule.stage for rule in self.rules)}
        if unknown := sorted(named - set(names)):
            raise ValueError(f"stages {unknown} are used but not declared (declared: {names})")
        for what, listed in (("stages", names), ("buying_order", list(self.buying_order))):
            if twice := sorted({name for name in listed if listed.count(name) > 1}):
                raise ValueError(f"{what} names {twice} twice")
        lists = (self.outbound_events, self.booked_events, self.machine_events, self.ignored_events, *(rule.events for rule in self.rules))
        events = {event for told in lists for event in told}
        unknown_names(events, EVENT_NAMES, "events")
        if self.buying_order[-1] in self.scope.excluded_stages:
            raise ValueError(f"scope excludes {self.buying_order[-1]!r}, the stage that ends the buying order: no conversion would be left")
        return self


class Kpi(Frozen):
    """One figure everybody shares; `of` (and `out_of`) name what is counted, the formula says it in words."""

    definition: str
    formula: str
    unit: str
    owner: str
    tag: Literal["own", "linked", "shared"]
    kind: Literal["additive", "distinct", "ratio"]
    of: Fact
    out_of: Fact | None = None

    @model_validator(mode="after")
    def _countable(self) -> Kpi:
        if (self.kind == "ratio") != (self.out_of is not None):
            raise ValueError("a ratio, and only a ratio, says `out_of`")
        if (self.kind == "distinct") != (self.of == "active_persons"):
            raise ValueError("active_persons is distinct (a person counts once in each channel), every other fact is additive")
        return self


class JourneySettings(Frozen):
    """Where visits and journeys begin and end, and what stage a touch is in."""

    session_policy: str
    session_policies: dict[str, SessionPolicy]
    site_time_zone: str
    session_platforms: tuple[str, ...]
    visit_platforms: tuple[str, ...]
    weak_channels: tuple[str, ...]
    carried_channels: tuple[str, ...]
    journey_gap_days: int = Field(gt=0)
    stages: StagePlan
    marketing_events: tuple[str, ...]
    marketing_channels: tuple[str, ...]
    order_sources: tuple[str, ...]
    satisfied_share: float = Field(gt=0, le=1)
    kpis: dict[str, Kpi]
    device_types: tuple[str, ...]
    channels: tuple[str, ...]

    @field_validator("channels", mode="before")
    @classmethod
    def _declared(cls, channels: Any) -> Any:
        """The names that channels.yaml declares."""
        return [*channels["digital"], *channels["physical"]] if isinstance(channels, Mapping) else channels

    @field_validator("site_time_zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{zone!r} is not an IANA time zone such as Europe/Paris") from None
        return zone

    @model_validator(mode="after")
    def _known_names(self) -> JourneySettings:
        if self.session_policy not in self.session_policies:
            raise ValueError(f"session_policy {self.session_policy!r} is not one of {sorted(self.session_policies)}")
        unknown_names((*self.session_platforms, *self.visit_platforms), PLATFORMS, "platforms")
        unknown_names(self.marketing_events, EVENT_NAMES, "events")
        by_rules = [channel for rule in self.stages.rules for channel in rule.channels]
        unknown_names((*self.weak_channels, *self.carried_channels, *self.marketing_channels, *by_rules), self.channels, "channels")
        return self

    @property
    def policy(self) -> SessionPolicy:
        return self.session_policies[self.session_policy]
