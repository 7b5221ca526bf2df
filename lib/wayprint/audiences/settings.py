"""Knobs of audiences; values, units and reasons stand in conf/base.yaml."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from wayprint.audiences.definition import Audience, BadAudience, Reader, validate, with_lines
from wayprint.audiences.destinations import Destination
from wayprint.audiences.grammar import EVENTS, PURPOSES, Criterion, leaves, unknown


class ChannelRules(BaseModel):
    """A way to reach a person: the purpose it needs, which touches are contacts, and which are a no.

    A promotion rests on that purpose, and nobody who denied it is in any audience of the channel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: str | None
    contacts: list[str]
    stops: list[str]

    @model_validator(mode="after")
    def known_words(self) -> Self:
        if self.purpose is not None and self.purpose not in PURPOSES:
            raise ValueError(unknown(self.purpose, PURPOSES))
        for event in [*self.contacts, *self.stops]:
            if event not in EVENTS:
                raise ValueError(unknown(event, EVENTS))
        if self.stops and not self.purpose:
            raise ValueError("a channel with stops needs the purpose that lifts them")
        return self


class AudienceSettings(BaseModel):
    """Audience definitions, consent, pressure, holdouts, destinations.

    Definitions and rules are kept as written, so that the settings can be dumped and built again; `definitions` and
    `lifecycle_rules` are their checked form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    audiences: dict[str, Any]
    lifecycle: list[dict[str, Any]]
    channels: dict[str, ChannelRules]
    destinations: dict[str, Destination]
    complaint_words: list[str] = Field(min_length=1)
    complaint_quiet_days: int = Field(ge=0)
    complaint_open_days: int = Field(ge=0)
    pressure_cap: int = Field(ge=1)
    pressure_days: int = Field(ge=1)
    default_country: str = Field(pattern="^[A-Z]{2}$")

    @model_validator(mode="after")
    def grammar(self, info: ValidationInfo) -> Self:
        _ = self.lifecycle_rules, self._checked((info.context or {}).get("folder"))
        return self

    @property
    def purposes(self) -> dict[str, str | None]:
        """Each channel with the purpose it needs."""
        return {name: rules.purpose for name, rules in self.channels.items()}

    @property
    def states(self) -> list[str]:
        return [str(rule.get("state")) for rule in self.lifecycle]

    @property
    def definitions(self) -> list[Audience]:
        """The checked audiences, by name."""
        return self._checked()

    def _checked(self, folder: Traversable | None = None) -> list[Audience]:
        """The checked audiences; with the folder they were read from, a problem names its line."""
        found: list[Audience] = []
        wrong: list[str] = []
        for name, content in sorted(self.audiences.items()):
            audience, problems = validate(content, name, self.purposes, self.states)
            file = f"audiences/{name}.yaml"
            if problems and folder is not None and (folder / file).is_file():
                wrong += with_lines(problems, file, (folder / file).read_text(encoding="utf-8"))
            else:
                wrong += [f"{file}: {problem}" for problem in problems]
            found += [audience] if audience else []
        if wrong:
            raise BadAudience(wrong)
        return found

    @property
    def lifecycle_rules(self) -> list[tuple[str, Criterion | None]]:
        """State and criterion in order; the last has none and takes the rest, so that everybody has a state."""
        reader = Reader(())
        rules: list[tuple[str, Criterion | None]] = []
        for number, rule in enumerate(self.lifecycle):
            last = number == len(self.lifecycle) - 1
            for word in set(rule) - {"state", "who"}:
                reader.wrong((number, word), unknown(word, ("state", "who")))
            if last == ("who" in rule):
                reader.wrong((number,), "every rule but the last has `who`; the last has none and takes everybody else")
            criterion = reader.criterion(rule["who"], (number, "who")) if "who" in rule else None
            if criterion and (foreign := {leaf.kind for leaf in leaves(criterion)} & {"lifecycle", "score", "consent"}):
                reader.wrong((number, "who"), f"a state cannot depend on {', '.join(sorted(foreign))}: they are known later")
            rules.append((str(rule.get("state")), criterion))
        if len(set(self.states)) < len(self.states) or not rules:
            reader.wrong((), "each state stands once, and there is at least one")
        if reader.problems:
            raise BadAudience([f"lifecycle.yaml: {problem}" for problem in reader.problems])
        return rules

    @property
    def criteria(self) -> list[tuple[str, Criterion]]:
        """All of them, each with its file."""
        return [*((f"audiences/{audience.name}.yaml", audience.who) for audience in self.definitions),
                *(("lifecycle.yaml", criterion) for _, criterion in self.lifecycle_rules if criterion)]

    @property
    def contact_events(self) -> list[str]:
        """Touches that count as a contact, over all channels."""
        return sorted({event for rules in self.channels.values() for event in rules.contacts})

    @property
    def service_events(self) -> set[str]:
        """Touches that suppressions look at."""
        return {"ticket_opened", "ticket_closed", *self.contact_events, *(event for rules in self.channels.values() for event in rules.stops)}

    @property
    def complaint_reason(self) -> str:
        return f"a complaint is open, or was within {self.complaint_quiet_days} days"

    @property
    def pressure_words(self) -> str:
        return f"{self.pressure_cap} contacts or more in {self.pressure_days} days"
