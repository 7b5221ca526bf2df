"""One small world, dealt into three deliveries, and the lake that one delivery of all of it makes."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.laws import chain


@dataclass
class World:
    raw: Path
    deliveries: list[Path]
    truth: Path
    as_of: dt.date


@dataclass
class Baseline:
    lake: Path
    rows: dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    place = tmp_path_factory.mktemp("world")
    as_of = chain.small_world(place)
    dealt = chain.deliveries(place / "raw", place, random.Random(7), 3)
    return World(chain.merged(dealt, place / "all"), dealt, place / "truth", as_of)


@pytest.fixture(scope="session")
def baseline(spark: Any, world: World, tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    lake = tmp_path_factory.mktemp("baseline") / "lake"
    chain.run(spark, world.raw, lake, world.as_of)
    rows = chain.tables(spark, chain.Lake(str(lake)))
    return Baseline(lake, rows)
