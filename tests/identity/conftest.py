"""Identity's knobs as shipped, and the scorer and generator beside this file made importable."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def knobs(settings: Any) -> Any:
    return settings.identity


@pytest.fixture
def sightings(rows: Any) -> Any:
    """`sightings("login:ann email:a 3", ...)`: observations of two identifiers (or one), each written type:name, and how often."""
    from households import ident

    from wayprint.tables.identity import OBSERVATIONS

    def build(*lines: str) -> Any:
        made = []
        for line in lines:
            *named, often = line.split() if line.split()[-1].isdigit() else [*line.split(), "1"]
            ends = [(ident(name), name.split(":")[0]) for name in named]
            other = ends[1] if len(ends) == 2 else (None, None)
            made.append({
                "observation_id": line, "identifier_id": ends[0][0], "identifier_type": ends[0][1], "other_id": other[0],
                "other_type": other[1], "sightings": int(often), "source": "web"})
        return rows(OBSERVATIONS, *made)

    return build
