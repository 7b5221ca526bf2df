"""The raw folder: lines into dated files, the same bytes for the same world, with a note of what each file holds."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wayprint.world.chance import Array

SPECIAL = re.compile(r'[",\r\n]')
Cells = Sequence[str] | Array


def lines_of(columns: Sequence[str], values: Mapping[str, Cells | str], separator: str) -> list[str]:
    """One line a row: `values` holds a list per varying column, a text per constant one; columns not mentioned stay empty."""
    if unknown := set(values) - set(columns):
        raise KeyError(f"not in the layout: {sorted(unknown)}")
    parts: list[str] = []
    varying: list[Cells] = []
    for column in columns:
        given = values.get(column, "")
        if isinstance(given, str):
            parts.append(given.replace("%", "%%"))
        else:
            parts.append("%s")
            varying.append(given)
    template = separator.join(parts)
    return [template % row for row in zip(*varying, strict=True)]


def quoted(cells: Cells) -> list[str]:
    """CSV cells, in quotes where a comma, a quote or a line break demands it."""
    return ['"' + c.replace('"', '""') + '"' if SPECIAL.search(c) else c for c in cells]


def euros(cents: Array) -> list[str]:
    """`12.30` from 1230."""
    return [f"{'-' if c < 0 else ''}{abs(c) // 100}.{abs(c) % 100:02d}" for c in cents.tolist()]


def truth(flags: Array) -> list[str]:
    return ["true" if f else "false" for f in flags]


@dataclass(frozen=True)
class Bad:
    """A line that no reader can use, put behind the good line at `after`; `rule` says what is wrong with it."""

    after: int
    text: str
    rule: str


@dataclass
class Deliveries:
    """What is written (nothing, if `root` is None) and what is known about it."""

    root: Path | None
    files: list[tuple[str, int, int]] = field(default_factory=list)
    broken: list[tuple[str, int, str]] = field(default_factory=list)

    def put(self, file: str, content: bytes, lines: int, malformed: int = 0) -> None:
        self.files.append((file, lines, malformed))
        if self.root is None:
            return
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def deliver(self, pattern: str, lines: Sequence[str], period: Array, labels: Sequence[str], *, header: str = "",
        bad: Sequence[Bad] = (), marked: Sequence[int] = ()) -> None:
        """Lines into one file per period, in the given order; `marked` periods begin with a byte order mark.

        A period without lines has no file. Periods beyond the last label are delivered with the last.
        """
        period = np.clip(period, 0, len(labels) - 1)
        order = np.argsort(period, kind="stable")
        bounds = np.searchsorted(period[order], np.arange(len(labels) + 1))
        behind: dict[int, list[Bad]] = {}
        for one in bad:
            behind.setdefault(one.after, []).append(one)
        spoiled = {int(period[after]) for after in behind}
        for number, label in enumerate(labels):
            rows = order[bounds[number] : bounds[number + 1]]
            if not len(rows):
                continue
            file = pattern.format(label)
            text = [lines[i] for i in rows.tolist()]
            count = len(text)
            if number in spoiled:
                text = self._with_bad(file, rows, text, behind, 1 + bool(header))
            data = ("\ufeff" if number in marked else "") + (header + "\n" if header else "") + "\n".join(text) + "\n"
            content = data.encode()
            self.put(file, gzip.compress(content, 1, mtime=0) if file.endswith(".gz") else content, len(text), len(text) - count)

    def _with_bad(self, file: str, rows: Array, text: list[str], behind: Mapping[int, list[Bad]], first: int) -> list[str]:
        mixed: list[str] = []
        for row, line in zip(rows.tolist(), text, strict=True):
            mixed.append(line)
            for one in behind.get(row, ()):
                self.broken.append((file, first + len(mixed), one.rule))
                mixed.append(one.text)
        return mixed


def weekly(days: int, dates: Sequence[str]) -> list[str]:
    """Labels of weekly files: the week's last day."""
    return [dates[min(first + 6, days - 1)] for first in range(0, days, 7)]


def monthly(days: int, dates: Sequence[str]) -> list[str]:
    """Labels of files of 30 days: the last of them."""
    return [dates[min(first + 29, days - 1)] for first in range(0, days, 30)]
