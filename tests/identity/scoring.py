"""How well an identity map finds the true persons: by pairs of identifiers, counted from group sizes, never listed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from wayprint.sources.identifiers import canonical
from wayprint.sources.keys import Keys


class Score(NamedTuple):
    precision: float  # of the pairs of identifiers put into one person, the share that belongs there
    recall: float  # of the pairs that belong together, the share put into one person
    largest: int  # identifiers of the person who has most, in the map
    largest_true: int  # and in truth


def true_identifiers(folder: Path) -> pd.DataFrame:
    """The simulated world's identifiers that some record ties to their person, by the ids that the lake knows them by."""
    keys, truth = Keys.from_environment(), pd.read_csv(folder / "identifiers.csv", dtype={"value": str}, keep_default_na=False)
    known = [canonical(kind, value, "FR") for kind, value in zip(truth["type"], truth["value"], strict=True)]
    truth["identifier_id"] = [keys.identifier_id(*value) if value else None for value in known]
    return truth.dropna(subset=["identifier_id"])


def score(identity_map: pd.DataFrame, truth: pd.DataFrame) -> Score:
    """`identity_map`: identifier_id, person_id. `truth`: identifier_id, true_person, is_shared, is_junk.

    Identifiers that are shared or junk in truth count in no pair. One that the map lacks, or gives to nobody, is alone.
    """
    own = truth[~truth["is_shared"] & ~truth["is_junk"]].drop_duplicates("identifier_id")
    found = own.merge(identity_map[["identifier_id", "person_id"]], on="identifier_id", how="left")
    found["person_id"] = found["person_id"].fillna(found["identifier_id"])
    right = pairs(found, ["person_id", "true_person"])
    largest = identity_map["person_id"].value_counts().max()
    return Score(right / max(pairs(found, ["person_id"]), 1), right / max(pairs(found, ["true_person"]), 1),
                 int(largest), int(own["true_person"].value_counts().max()))


def pairs(rows: pd.DataFrame, by: list[str]) -> int:
    sizes = rows.groupby(by).size()
    return int((sizes * (sizes - 1) // 2).sum())
