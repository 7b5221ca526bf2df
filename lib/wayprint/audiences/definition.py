"""The grammar of an audience file: what may stand in it, and errors that a marketer can act on.

An audience is one YAML file. `who` holds criteria: groups `all: [..]`, `any: [..]`, `not: ..` and leaves such as
`did: {event: add_to_cart, within_days: 7}`. The grammar is closed: a word that is not listed here is an error that names
the place, the word, the nearest known word and all that is allowed. `validate` checks parsed content (paths such as
`who.all[1].did.evnt`); `parse` and `check_folder` check text and name the line as well.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

PURPOSES = ("email_marketing", "sms_marketing", "advertising", "profiling", "analytics")
EVENTS = (
    "page_view", "page_ping", "product_view", "search", "review_view", "compare_view", "store_locator", "add_to_cart",
    "remove_from_cart", "begin_checkout", "payment_error", "error", "purchase", "refund", "sign_up", "login", "logout",
    "form_submit", "consent", "ad_impression", "ad_click", "email_sent", "email_delivered", "email_click", "email_bounce",
    "email_unsubscribe", "email_spam", "sms_sent", "push_sent", "catalogue_sent", "call_in", "call_out", "ticket_opened",
    "ticket_closed", "survey_answer", "store_visit", "product_usage", "review_posted", "share", "recommend", "other")
REFUSED_EVENTS = {"email_open": "mail programs open messages by themselves, so an open proves nothing; use email_click"}

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Leaf:
    """One statement about a person; `options` sorted by name."""

    kind: str
    options: tuple[tuple[str, Any], ...]

    def get(self, name: str, default: Any = None) -> Any:
        return dict(self.options).get(name, default)


@dataclass(frozen=True)
class Group:
    """Criteria taken together."""

    kind: Literal["all", "any", "not"]
    parts: tuple[Criterion, ...]


Criterion = Leaf | Group


@dataclass(frozen=True)
class Audience:
    """One audience file, checked. `purpose` is null where a legitimate interest is declared instead, with its reason."""

    name: str
    title: str
    description: str
    channel: str
    purpose: str | None
    legitimate_interest: str | None
    unless_denied: str | None
    is_promotion: bool
    holdout_share: float
    who: Criterion


@dataclass(frozen=True)
class Problem:
    """One thing to correct: where (keys from the top of the file) and what to do, in words."""

    path: Path_
    message: str

    def __str__(self) -> str:
        return f"{spelled(self.path)}: {self.message}" if self.path else self.message


class BadAudience(ValueError):
    """A definition that cannot be used; lists every problem found."""

    def __init__(self, problems: list[str]):
        self.problems = problems
        super().__init__("; ".join(problems))


def spelled(path: Path_) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def unknown(word: object, known: Collection[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{word!r} is not known here; {hint}allowed: {', '.join(known)}"


# What an option's value may be. Each returns the value in the form the compiler reads, or raises ValueError in words.
Option = Callable[[Any], Any]


def words(known: Collection[str] | None = None) -> Option:
    """One word or a list of words, as a sorted tuple without doubles."""

    def read(value: Any) -> tuple[str, ...]:
        given = value if isinstance(value, list) else [value]
        if not given:
            raise ValueError("the list is empty; give at least one word")
        for word in given:
            if not isinstance(word, str) or not word.strip():
                raise ValueError(f"a word is wanted and {word!r} came; YAML reads NO, yes, 12 as other things: put it in quotes")
            if known is not None and word not in known:
                raise ValueError(REFUSED_EVENTS.get(word) if known is EVENTS and word in REFUSED_EVENTS else unknown(word, known))
        return tuple(sorted(set(given)))

    return read


def whole(least: int) -> Option:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"a whole number of at least {least} is wanted and {value!r} came")
        return value

    return read


def number(low: float = 0, high: float | None = None) -> Option:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or value < low or (high is not None and value > high):
            raise ValueError(f"a number {f'from {low} to {high}' if high is not None else f'of at least {low}'} is wanted and {value!r} came")
        return value

    return read


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"true or false is wanted and {value!r} came")
    return value


def sentence(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a sentence is wanted and {value!r} came")
    return " ".join(value.split())


WINDOW: dict[str, Option] = {"within_days": whole(1), "within_months": whole(1)}
COUNT: dict[str, Option] = {"at_least": whole(0), "at_most": whole(0)}
ACTION: dict[str, Option] = {
    "event": words(EVENTS), **WINDOW, "family": words(), "channel": words(), "stage": words(), "campaign": words(), "reason": words(),
    "status": words(), "device_type": words()}
# Leaves written `word: {option: value, ...}`, and leaves written `word: value`.
LEAVES: dict[str, dict[str, Option]] = {
    "did": {**ACTION, **COUNT, "not_followed_by": words(EVENTS)},
    "did_not": ACTION,
    "bought": {**WINDOW, **COUNT, "family": words(), "channel": words(), "place": words()},
    "spent": {**WINDOW, "at_least": number(), "at_most": number(), "family": words(), "currency": words()},
    "interest": {**WINDOW, **COUNT, "family": words()},
    "score": {"model": words(), "decile_at_most": whole(1), "decile_at_least": whole(1), "at_least": number(0, 1), "at_most": number(0, 1)},
    "person": {
        "country": words(), "postal_area": words(), "language": words(), "loyalty_tier": words(), "is_known": flag,
        "born_from": whole(1900), "born_to": whole(1900), "source": words()}}
SHORT_LEAVES: dict[str, Option] = {"lifecycle": words(), "consent": words(PURPOSES), "devices_at_least": whole(1)}
NEEDED: dict[str, tuple[str, ...]] = {"did": ("event",), "did_not": ("event",), "score": ("model",)}
ONE_OF: dict[str, tuple[str, ...]] = {
    "spent": ("at_least", "at_most"), "score": ("decile_at_most", "decile_at_least", "at_least", "at_most"),
    "person": tuple(LEAVES["person"])}
GROUPS = ("all", "any", "not")
FIELDS = ("title", "description", "purpose", "channel", "holdout_share", "is_promotion", "who")
REQUIRED_FIELDS = ("title", "purpose", "channel", "is_promotion", "who")


class Reader:
    """Reads content along a path and keeps every problem instead of stopping at the first."""

    def __init__(self, states: Collection[str]):
        self.problems: list[Problem] = []
        self.states = states

    def wrong(self, path: Path_, message: str) -> None:
        self.problems.append(Problem(path, message))

    def option(self, read: Option, value: Any, path: Path_, default: Any = None) -> Any:
        try:
            return read(value)
        except ValueError as error:
            self.wrong(path, str(error))
            return default

    def criterion(self, content: Any, path: Path_) -> Criterion:
        nothing = Group("all", ())
        known = (*GROUPS, *LEAVES, *SHORT_LEAVES)
        if not isinstance(content, Mapping):
            self.wrong(path, f"a criterion is wanted, such as `did: {{event: add_to_cart, within_days: 7}}`, and {content!r} came")
            return nothing
        for word in content:
            if word not in known:
                self.wrong((*path, word), unknown(word, known))
        if len(content) != 1:
            came = ", ".join(map(str, content)) or "nothing"
            self.wrong(path, f"one criterion is one word, and here stands {came}; put several under `all:`, each after `- `")
            return nothing
        word, value = next(iter(content.items()))
        if word not in known:
            return nothing
        here = (*path, word)
        if word in ("all", "any"):
            if not isinstance(value, list) or not value:
                self.wrong(here, "a list of criteria is wanted, each on its own line after `- `")
                return nothing
            return Group(word, tuple(self.criterion(part, (*here, i)) for i, part in enumerate(value)))
        if word == "not":
            return Group("not", (self.criterion(value, here),))
        if word in SHORT_LEAVES:
            read = words(self.states) if word == "lifecycle" else SHORT_LEAVES[word]
            return Leaf(word, (("value", self.option(read, value, here)),))
        leaf = self.leaf(word, value, here)
        return Group("not", (Leaf("did", leaf.options),)) if word == "did_not" else leaf

    def leaf(self, word: str, value: Any, path: Path_) -> Leaf:
        options = LEAVES[word]
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            allowed = ", ".join(options)
            self.wrong(path, f"options in braces are wanted, such as {{{next(iter(options))}: ...}}, and {value!r} came; allowed: {allowed}")
            return Leaf(word, ())
        read = {}
        for name, given in value.items():
            if name not in options:
                self.wrong((*path, name), unknown(name, tuple(options)))
            else:
                read[name] = self.option(options[name], given, (*path, name))
        for name in NEEDED.get(word, ()):
            if name not in value:
                self.wrong(path, f"{name!r} is missing")
        if (one := ONE_OF.get(word)) and not set(one) & set(value):
            self.wrong(path, f"one of these is missing: {', '.join(one)}")
        if {"within_days", "within_months"} <= set(value):
            self.wrong(path, "say within_days or within_months, not both")
        return Leaf(word, tuple(sorted(read.items())))

    def purpose(self, content: Any) -> tuple[str | None, str | None, str | None]:
        if isinstance(content, Mapping):
            for word in content:
                if word not in ("legitimate_interest", "unless_denied"):
                    self.wrong(("purpose", word), unknown(word, ("legitimate_interest", "unless_denied")))
            if "legitimate_interest" not in content:
                self.wrong(("purpose",), "'legitimate_interest' is missing: say in a sentence what the interest is")
            interest = self.option(sentence, content.get("legitimate_interest"), ("purpose", "legitimate_interest"), "") if content else ""
            denied = content.get("unless_denied")
            if denied is not None and denied not in PURPOSES:
                self.wrong(("purpose", "unless_denied"), unknown(denied, PURPOSES))
            return None, interest, denied
        if content == "legitimate_interest":
            self.wrong(("purpose",), 'a legitimate interest needs its reason: write `purpose: {legitimate_interest: "why"}`')
        elif content not in PURPOSES:
            self.wrong(("purpose",), unknown(content, (*PURPOSES, "legitimate_interest")))
        return content, None, None


def validate(content: Any, name: str, channels: Collection[str], states: Collection[str]) -> tuple[Audience | None, list[Problem]]:
    """The audience, or null and all problems. `channels` and `states` are the known activation channels and lifecycle states."""
    reader = Reader(states)
    if not isinstance(content, Mapping):
        return None, [Problem((), f"an audience file holds {', '.join(FIELDS)}; {type(content).__name__} came")]
    for word in content:
        if word not in FIELDS:
            reader.wrong((word,), unknown(word, FIELDS))
    for word in REQUIRED_FIELDS:
        if word not in content:
            reader.wrong((), f"{word!r} is missing")
    purpose = reader.purpose(content["purpose"]) if "purpose" in content else (None, None, None)
    if "channel" in content and content["channel"] not in channels:
        reader.wrong(("channel",), unknown(content["channel"], channels))
    promotion = reader.option(flag, content.get("is_promotion", False), ("is_promotion",), False)
    if promotion and purpose[1] is not None:
        reader.wrong(("purpose",), "a promotion needs a purpose the person has granted; a legitimate interest does not carry it")
    audience = Audience(
        name=name, title=reader.option(sentence, content.get("title", name), ("title",), name),
        description=reader.option(sentence, content.get("description", name), ("description",), ""), channel=str(content.get("channel")),
        purpose=purpose[0], legitimate_interest=purpose[1], unless_denied=purpose[2], is_promotion=promotion,
        holdout_share=reader.option(number(0, 1), content.get("holdout_share", 0), ("holdout_share",), 0.0),
        who=reader.criterion(content["who"], ("who",)) if "who" in content else Group("all", ()))
    return (None, reader.problems) if reader.problems else (audience, [])


def parse(text: str, file: str, channels: Collection[str], states: Collection[str]) -> Audience:
    """The audience in `text`; `BadAudience` names file and line of every problem. The name is the file's name."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadAudience([f"{file}{line}: not readable as YAML ({getattr(error, 'problem', error)}); look at indents, colons and quotes"]) from None
    audience, problems = validate(content, Path(file).stem, channels, states)
    problems += [Problem(path, "this word stands here twice; YAML would silently keep the last") for path in _doubles(node, ())]
    if problems or audience is None:
        raise BadAudience([f"{file}, line {_line(node, problem.path)}: {problem}" for problem in problems])
    return audience


def check_folder(folder: Path, channels: Collection[str], states: Collection[str]) -> list[str]:
    """Every problem of every audience file of a folder, a sentence each; an empty list is good news."""
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            parse(path.read_text(encoding="utf-8"), str(path), channels, states)
        except BadAudience as error:
            problems += error.problems
        except UnicodeDecodeError:
            problems.append(f"{path}: not UTF-8 text; save it as UTF-8")
    return problems


def _line(node: yaml.Node | None, path: Path_) -> int:
    """The line (from 1) of the deepest part of `path` that the text has."""
    if node is None:
        return 1
    line = node.start_mark.line + 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _doubles(node: yaml.Node | None, path: Path_) -> list[Path_]:
    if isinstance(node, yaml.SequenceNode):
        return [double for i, part in enumerate(node.value) for double in _doubles(part, (*path, i))]
    if not isinstance(node, yaml.MappingNode):
        return []
    keys = [key.value for key, _ in node.value]
    twice: list[Path_] = [(*path, key) for key in sorted({k for k in keys if keys.count(k) > 1})]
    return twice + [double for key, value in node.value for double in _doubles(value, (*path, key.value))]
