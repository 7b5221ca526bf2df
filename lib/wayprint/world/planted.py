"""Faults put in on purpose, each noted with the rule that should find it, and how lines are spoiled."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.chance import Array, hexes, uuids
from wayprint.world.files import Bad
from wayprint.world.rows import stacked

EMPTY_MD5, EMPTY_SHA256 = "d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
TEST_EMAIL, NO_PHONE, NO_PHONE_PLUS, NULL = "test@test.com", "0000000000", "+33000000000", "null"
JUNK = {EMPTY_MD5: "email_md5", EMPTY_SHA256: "email_md5", TEST_EMAIL: "email", NO_PHONE: "phone", NO_PHONE_PLUS: "phone",
    NULL: "login"}
BAD_TIME, BAD_NUMBER = "2026-13-45 99:99:99", "douze"
CRAWLER = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) "
    "Chrome/138.0.0.0 Safari/537.36")


@dataclass
class Notes:
    """What was planted (kind, key, detail, rule expected to find it) and which identifiers were shown in the files."""

    planted: list[tuple[str, str, str, str]] = field(default_factory=list)
    seen: list[pd.DataFrame] = field(default_factory=list)
    tied: list[pd.DataFrame] = field(default_factory=list)

    def plant(self, kind: str, keys: Sequence[str] | Array, rule: str, details: Sequence[object] | Array | str = "") -> None:
        texts = [details] * len(keys) if isinstance(details, str) else [str(d) for d in details]
        self.planted.extend((kind, str(key), detail, rule) for key, detail in zip(keys, texts, strict=True))

    def show(self, type: str, persons: Array, values: Sequence[str] | Array | pd.Series[str]) -> None:
        """Persons whose identifiers of a type, in clear and normalised, stand in a file; empty values are left out."""
        frame = pd.DataFrame({"true_person": np.asarray(persons), "type": type, "value": np.asarray(values, dtype=object)})
        self.seen.append(frame[(frame["value"] != "") & (frame["true_person"] >= 0)].drop_duplicates())

    def tie(self, persons: Array, **values: Sequence[str] | Array | pd.Series[str]) -> None:
        """Identifiers by type that stand in one record, row by row: what a reader of the files can know to belong together.

        `order`, given last, is the number of an order: it ties the records that bear it, and is nobody's.
        """
        row = pd.DataFrame({type: np.asarray(column, dtype=object) for type, column in values.items()})
        for (one, ones), (other, others) in itertools.combinations(row.items(), 2):
            pair = pd.DataFrame({"true_person": np.asarray(persons), "type": one, "value": ones, "other_type": other, "other": others})
            self.tied.append(pair[(pair["value"] != "") & (pair["other"] != "") & (pair["true_person"] >= 0)].drop_duplicates())


@dataclass(frozen=True)
class Layout:
    """Where a delimited line has its id, time and number, so that a spoiled copy is wrong in one way only."""

    separator: str
    identity: int
    time: int
    number: int | None


def spoil(rng: np.random.Generator, lines: Sequence[str], layout: Layout, share: float = 1 / 600) -> list[Bad]:
    """Copies of good lines under a new id, each with too few fields, too many, a bad date or a bad number."""
    bad: list[Bad] = []
    if not lines:
        return bad
    rules = ("malformed", "bad_time", "malformed", "bad_number") if layout.number is not None else ("malformed", "bad_time",
        "malformed")
    count = max(4, int(len(lines) * share))
    for turn, (after, name) in enumerate(zip(rng.integers(0, len(lines), 30 * count).tolist(), hexes(rng, 30 * count, 12),
        strict=True)):
        fields = lines[after].split(layout.separator)
        rule = rules[len(bad) % len(rules)]
        if ('"' in lines[after] and layout.separator == ",") or (rule == "bad_number" and not fields[layout.number or 0]):
            continue
        fields[layout.identity] = f"bad-{name}"
        if rule == "bad_time":
            fields[layout.time] = BAD_TIME
        elif rule == "bad_number":
            fields[layout.number or 0] = BAD_NUMBER
        else:
            fields = [*fields, "trop"] if turn % 2 else fields[: len(fields) // 2 + 1]
        bad.append(Bad(after, layout.separator.join(fields), rule))
        if len(bad) == count:
            break
    return bad


def spoil_json(rng: np.random.Generator, lines: Sequence[str], identity: str, time: str, share: float = 1 / 600) -> list[Bad]:
    """Copies of JSON lines under a new id, cut off or with a bad date."""
    if not lines:
        return []
    count = max(4, int(len(lines) * share))
    bad = []
    for turn, (after, name) in enumerate(zip(rng.integers(0, len(lines), count).tolist(), hexes(rng, count, 12), strict=True)):
        text = re.sub(rf'"{identity}":"[^"]*"', f'"{identity}":"bad-{name}"', lines[after], count=1)
        if turn % 2:
            bad.append(Bad(after, re.sub(rf'"{time}":("[^"]*"|\d+)', f'"{time}":"{BAD_TIME}"', text, count=1), "bad_time"))
        else:
            bad.append(Bad(after, text[: len(text) * 2 // 3], "malformed"))
    return bad


def crawlers(rng: np.random.Generator, people: int, days: int, midnight: int) -> pd.DataFrame:
    """Page views of robots: two that say so and read steadily, two that look like a browser and read faster than anyone can."""
    steady, burst = max(60, people // 4), 400
    frames = []
    for number in range(2):
        t = midnight + np.sort(rng.integers(0, days * hours.DAY, steady))
        frames.append(pd.DataFrame({"t": t, "bot": number, "rule": "bot_agent"}))
    for number in range(2, 4):
        begin = midnight + int(rng.integers(0, days)) * hours.DAY + 9 * 3_600_000
        t = begin + np.cumsum(rng.integers(120, 400, burst))
        frames.append(pd.DataFrame({"t": t, "bot": number, "rule": "bot_rate"}))
    hits = stacked(frames)
    names = uuids(rng, 12)
    hits["cookie"], hits["network"], hits["session"] = names[hits["bot"]], names[4 + hits["bot"]], names[8 + hits["bot"]]
    return hits
