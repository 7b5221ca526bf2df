"""Knobs of events and the shape of conf/channels.yaml; values, units and reasons stand in conf/."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Category = Literal["search", "social", "shopping", "video"]
HINTS = ("source", "medium", "campaign")


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(Strict):
    """A question about one text, lower case and trimmed: is it one of `equals`, of a `category`, or does `matches` span it whole?"""

    equals: tuple[str, ...] | None = None
    category: Category | None = None
    matches: str | None = None

    @field_validator("matches")
    @classmethod
    def _regex_is_valid(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Match:
        asked = [name for name in ("equals", "category", "matches") if getattr(self, name) is not None]
        if len(asked) != 1:
            raise ValueError(f"exactly one of equals, category, matches is needed; came {asked}")
        if self.equals is not None and [v for v in self.equals if v != v.strip(" ").lower()]:
            raise ValueError(f"texts are compared lower case and trimmed; came {list(self.equals)}")
        return self


class Case(Strict):
    """All questions asked must be answered yes."""

    source: Match | None = None
    medium: Match | None = None
    campaign: Match | None = None
    platform: Match | None = None
    event_name: Match | None = None

    @property
    def asked(self) -> dict[str, Match]:
        answers = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: match for name, match in answers.items() if match is not None}

    @model_validator(mode="after")
    def _asks_something(self) -> Case:
        if not self.asked:
            raise ValueError("a case without a question would match everything")
        if self.source is None and any(match.category for match in self.asked.values()):
            raise ValueError("category is a question about source")
        return self


class Rule(Strict):
    """A channel and the cases, any of which leads there."""

    rule: str
    channel: str
    any: tuple[Case, ...] = Field(min_length=1)


class Otherwise(Strict):
    rule: str
    channel: str


class Hint(Strict):
    source: str
    medium: str


class ChannelRules(Strict):
    """conf/channels.yaml: see its comments for what each part says."""

    digital: tuple[str, ...]
    physical: tuple[str, ...]
    own: tuple[Rule, ...]
    groups: tuple[Rule, ...]
    otherwise: Otherwise
    click_ids: dict[str, Hint]
    referrer_prefixes: tuple[str, ...]
    search_engines: dict[str, tuple[str, ...]]
    platform_sources: dict[str, str]
    platform_medium: str
    sources: dict[Category, tuple[str, ...]]

    @model_validator(mode="after")
    def _is_consistent(self) -> ChannelRules:
        rules: list[Rule | Otherwise] = [*self.own, *self.groups, self.otherwise]
        ids = [r.rule for r in rules]
        listed = [(source, kind) for kind, sources in self.sources.items() for source in sources]
        known = [source for source, _ in listed]
        hosts = [host for hosts in self.search_engines.values() for host in hosts]
        searched = set(self.sources.get("search", ()))
        problems = {
            "a channel is named digital and physical": sorted(set(self.digital) & set(self.physical)),
            "a rule leads to a channel that is neither digital nor physical":
                sorted({r.channel for r in rules} - set(self.digital) - set(self.physical)),
            "a rule id stands twice": sorted({i for i in ids if ids.count(i) > 1}),
            "a source stands twice": sorted({s for s in known if known.count(s) > 1}),
            "a source is not lower case and trimmed": sorted(s for s in known if s != s.strip(" ").lower()),
            "a click id is not lower case": sorted(name for name in self.click_ids if name != name.lower()),
            "a results page stands twice": sorted({h for h in hosts if hosts.count(h) > 1}),
            "a search engine is not a source of category search": sorted(set(self.search_engines) - searched),
            "a group asks about more than source, medium and campaign":
                sorted(r.rule for r in self.groups for case in r.any if not set(case.asked) <= set(HINTS)),
        }
        if told := [f"{what}: {which}" for what, which in problems.items() if which]:
            raise ValueError("; ".join(told))
        return self

    @property
    def referrer_prefix(self) -> str:
        """A regular expression, for Python and Java alike: the label to take off a referring host."""
        return rf"^(?:{'|'.join(map(re.escape, self.referrer_prefixes))})\.(?=.*\.)"

    @property
    def prefix(self) -> str:
        """The same for a source that is looked for in a category: two letters in front name a country or a language, too."""
        return rf"^(?:{'|'.join(map(re.escape, self.referrer_prefixes))}|[a-z]{{2}})\.(?=.*\.)"

    @property
    def channels(self) -> dict[str, bool]:
        """Every channel and whether it is digital."""
        return {**dict.fromkeys(self.digital, True), **dict.fromkeys(self.physical, False)}


class EventSettings(Strict):
    """How actions are cleaned and placed in channels."""

    channels: ChannelRules
    clock_tolerance_s: int = Field(ge=0)
    clock_earliest: dt.date
    clock_latest: dt.date
    tracker_twin_seconds: float = Field(ge=0)
    bot_events_per_minute: int = Field(ge=1)
    app_http_libraries: tuple[str, ...]
