"""An audience file, checked: errors that a marketer can act on.

An audience is one YAML file. `who` holds criteria: groups `all: [..]`, `any: [..]`, `not: ..` and leaves such as
`did: {event: add_to_cart, within_days: 7}`. The grammar is closed: a word that `grammar` does not list is an error that names
the place, the word, the nearest known word and all that is allowed. `validate` checks parsed content (paths such as
`who.all[1].did.evnt`); `parse` and `check_folder` check text and name the line as well.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from wayprint.audiences.grammar import (
    GROUPS,
    LEAVES,
    NEEDED,
    ONE_OF,
    PURPOSES,
    RANGES,
    SHORT_LEAVES,
    Criterion,
    Group,
    Leaf,
    Option,
    flag,
    number,
    sentence,
    unknown,
    words,
)
from wayprint.audiences.wording import in_words
from wayprint.loader import Loader

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Audience:
    """One audience file, checked. `purpose` is null where a legitimate interest is declared instead, with its reason.

    Members of an exclusion (`is_exclusion`) are kept away from what others are shown; of any other audience they are addressed.
    """

    name: str
    title: str
    description: str
    channel: str
    purpose: str | None
    legitimate_interest: str | None
    unless_denied: str | None
    is_promotion: bool
    is_exclusion: bool
    holdout_share: float
    who: Criterion

    def in_words(self) -> str:
        """The whole definition in a sentence or two."""
        right = f"{self.purpose} granted" if self.purpose else f"legitimate interest: {self.legitimate_interest}"
        kind = "a promotion" if self.is_promotion else "an exclusion" if self.is_exclusion else "no promotion"
        held_out = f", {100 * self.holdout_share:.3g}% held out" if self.holdout_share else ""
        return f"{self.title}. Who {in_words(self.who)}. By {self.channel}, {kind}, {right}{held_out}."


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
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


FIELDS = ("title", "description", "purpose", "channel", "holdout_share", "is_promotion", "is_exclusion", "who")
REQUIRED_FIELDS = ("title", "purpose", "channel", "is_promotion", "who")


class Reader:
    """Reads content along a path and keeps every problem instead of stopping at the first."""

    def __init__(self, states: Collection[str]):
        self.problems: list[Problem] = []
        self.states = states
        self.within: list[int] = []  # the criteria around the one that is read

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
        if id(content) in self.within:
            self.wrong(path, "this criterion holds itself; write it out instead of pointing with `*`")
            return nothing
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
            return Group(word, tuple(self.part(content, part, (*here, i)) for i, part in enumerate(value)))
        if word == "not":
            return Group("not", (self.part(content, value, here),))
        if word in SHORT_LEAVES:
            read = words(self.states) if word == "lifecycle" else SHORT_LEAVES[word]
            return Leaf(word, (("value", self.option(read, value, here)),))
        leaf = self.leaf(word, value, here)
        return Group("not", (Leaf("did", leaf.options),)) if word == "did_not" else leaf

    def part(self, whole: Any, content: Any, path: Path_) -> Criterion:
        """A criterion of the group `whole`."""
        self.within.append(id(whole))
        try:
            return self.criterion(content, path)
        finally:
            self.within.pop()

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
        # no month has more than 31 days
        window, longest = ("within_months", 31) if read.get("within_months") else ("within_days", 1)
        if (read.get("before_days") or 0) >= longest * (read.get(window) or math.inf):
            self.wrong(path, f"before_days leaves out all of {window}; were they meant the other way round?")
        if read.get("at_most") == 0 and "not_followed_by" in read:
            self.wrong(path, "what happened at_most 0 times is never followed nor not followed: leave one of the two out")
        for low, high in RANGES:
            least, most = read.get(low), read.get(high)
            if least is not None and most is not None and least > most:
                self.wrong(path, f"nothing lies between {low}: {least} and {high}: {most}; were they meant the other way round?")
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


def validate(content: Any, name: str, channels: Mapping[str, str | None], states: Collection[str]) -> tuple[Audience | None, list[Problem]]:
    """The audience, or null and all problems. `channels` are the known activation channels, each with the purpose it needs; `states` those of the lifecycle."""
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
    channel = content.get("channel")
    if "channel" in content and channel not in tuple(channels):
        reader.wrong(("channel",), unknown(channel, channels))
    promotion = reader.option(flag, content.get("is_promotion", False), ("is_promotion",), False)
    if promotion and purpose[1] is not None:
        reader.wrong(("purpose",), "a promotion needs a purpose the person has granted; a legitimate interest does not carry it")
    needed = channels[channel] if channel in tuple(channels) else None
    if promotion and needed and purpose[0] in PURPOSES and purpose[0] != needed:
        reader.wrong(("purpose",), f"a promotion by {channel} needs {needed}: who grants {purpose[0]} may have denied it")
    exclusion = reader.option(flag, content.get("is_exclusion", False), ("is_exclusion",), False)
    if promotion and exclusion:
        reader.wrong(("is_exclusion",), "a promotion is sent to its members, an exclusion keeps it from them: one of the two")
    audience = Audience(
        name=name, title=reader.option(sentence, content.get("title", name), ("title",), name),
        description=reader.option(sentence, content.get("description", name), ("description",), ""), channel=str(channel),
        purpose=purpose[0], legitimate_interest=purpose[1], unless_denied=purpose[2], is_promotion=promotion, is_exclusion=exclusion,
        holdout_share=reader.option(number(0, 1), content.get("holdout_share", 0), ("holdout_share",), 0.0),
        who=reader.criterion(content["who"], ("who",)) if "who" in content else Group("all", ()))
    return (None, reader.problems) if reader.problems else (audience, [])


def parse(text: str, file: str, channels: Mapping[str, str | None], states: Collection[str]) -> Audience:
    """The audience in `text`; `BadAudience` names file and line of every problem. The name is the file's name."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadAudience([f"{file}{line}: not readable as YAML ({getattr(error, 'problem', error)}); look at indents, colons and quotes"]) from None
    audience, problems = validate(content, Path(file).stem, channels, states)
    problems += [Problem(path, "this word stands here twice; YAML would silently keep the last") for path in _doubles(node, (), set())]
    if problems or audience is None:
        raise BadAudience(with_lines(problems, file, text))
    return audience


def with_lines(problems: list[Problem], file: str, text: str) -> list[str]:
    """Each problem as a sentence that begins with the file and the line of its text."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return [f"{file}, line {_line(node, problem.path)}: {problem}" for problem in problems]


def check_folder(folder: Path, channels: Mapping[str, str | None], states: Collection[str]) -> list[str]:
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
            own = [(key, value) for key, value in node.value if key.tag != "tag:yaml.org,2002:merge"]
            SafeConstructor().flatten_mapping(node)  # then come those that `<<: *other` brings
            found = next(((key, value) for key, value in [*own, *node.value] if SafeConstructor().construct_object(key) == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _doubles(node: yaml.Node | None, path: Path_, seen: set[int]) -> list[Path_]:
    """Where a word stands twice in one mapping; each is looked at once, however often it is pointed to."""
    if id(node) in seen:
        return []
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [double for i, part in enumerate(node.value) for double in _doubles(part, (*path, i), seen)]
    if not isinstance(node, yaml.MappingNode):
        return []
    keys = [key.value for key, _ in node.value]
    twice: list[Path_] = [(*path, key) for key in sorted({k for k in keys if keys.count(k) > 1})]
    return twice + [double for key, value in node.value for double in _doubles(value, (*path, key.value), seen)]
