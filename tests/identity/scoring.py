"""How well an identity map finds the true persons: by pairs of identifiers, counted from group sizes, never listed."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd


class Score(NamedTuple):
    precision: float  # of the pairs of identifiers put into one person, the share that belongs there
    recall: float  # of the pairs that belong together, the share put into one person
    largest: int  # identifiers of the person who has most, in the map
    largest_true: int  # and in truth


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
