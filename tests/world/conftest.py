"""One world written once for all tests, and ways to read its files as its vendors' customers would."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from wayprint.world import World, build

PEOPLE, DAYS, START = 1200, 100, date(2026, 1, 1)


class Written:
    """A world and its two folders."""

    def __init__(self, world: World, root: Path):
        self.world, self.raw, self.root = world, root / "raw", root
        world.write_raw(self.raw)
        world.write_truth(root / "truth")

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.root / "truth" / f"{name}.csv", dtype={"key": str, "value": str, "order_id": str, "detail": str},
            keep_default_na=False)

    def lines(self, folder: str, ending: str = "") -> Iterator[tuple[str, int, str]]:
        """File, line number and text of every line that stands in a folder's files."""
        for path in sorted((self.raw / folder).iterdir()):
            if path.name.endswith(ending) and ".tar" not in path.name:
                data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                for number, line in enumerate(data.decode().removesuffix("\n").split("\n"), start=1):
                    yield f"{folder}/{path.name}", number, line

    @cached_property
    def malformed(self) -> dict[str, str]:
        planted = self.truth("planted")
        return dict(planted.loc[planted["kind"] == "malformed", ["key", "detail"]].to_numpy())

    def good(self, folder: str, ending: str = "") -> list[str]:
        bad = self.malformed
        return [line for file, number, line in self.lines(folder, ending) if f"{file}:{number}" not in bad]

    def json(self, folder: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.good(folder)]

    def table(self, folder: str) -> pd.DataFrame:
        """All good rows of a folder of CSV files, as texts."""
        bad, rows = self.malformed, []
        for path in sorted((self.raw / folder).iterdir()):
            text = path.read_text(encoding="utf-8-sig").split("\n")
            kept = [line for number, line in enumerate(text, start=1) if f"{folder}/{path.name}:{number}" not in bad]
            rows += list(csv.DictReader(io.StringIO("\n".join(kept))))
        return pd.DataFrame(rows)

    def hits(self) -> pd.DataFrame:
        from wayprint.world.snowplow import FIELDS

        return pd.DataFrame([line.split("\t") for line in self.good("snowplow_web")], columns=FIELDS)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(build(PEOPLE, DAYS, seed=5, start=START), tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def hits(written: Written) -> pd.DataFrame:
    return written.hits()
