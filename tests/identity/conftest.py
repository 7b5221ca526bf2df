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
def decided(rows: Any) -> Any:
    """`decided("block email:junk", "split login:a email:b", ...)`: rows of identity_decisions, each a second after the one before."""
    import datetime as dt

    from households import ident

    from wayprint.identity.decisions import decisions
    from wayprint.tables.identity import IDENTITY_DECISIONS

    def build(*lines: str) -> Any:
        made: list[Any] = []
        for second, line in enumerate(lines):
            action, *names = line.split()
            subjects = [(None, made[int(n)][0]) if action == "undo" else (n.split(":")[0], ident(n)) for n in names]
            made += decisions(action, subjects, dt.datetime(2026, 1, 1, 0, 0, second), "ana", None)
        return rows(IDENTITY_DECISIONS, *[dict(zip(IDENTITY_DECISIONS.column_names, row, strict=True)) for row in made])

    return build


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
