"""Seeded chance: one independent stream of random numbers per name, and ids drawn from it.

Every part of the world draws from its own stream, so that a change in one part leaves the others as they were.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def stream(seed: int, name: str) -> np.random.Generator:
    """The random numbers called `name` in the world `seed`."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)))


def happens(rng: np.random.Generator, chance: float | Array, size: int | None = None) -> Array:
    """True with the given chance, element by element."""
    return np.asarray(rng.random(np.shape(chance) if size is None else size) < chance)


def hexes(rng: np.random.Generator, count: int, width: int = 32) -> list[str]:
    """`count` strings of `width` hexadecimal digits."""
    text = rng.bytes(count * ((width + 1) // 2)).hex()
    step = 2 * ((width + 1) // 2)
    return [text[i : i + width] for i in range(0, count * step, step)]


def uuids(rng: np.random.Generator, count: int) -> Array:
    """`count` random UUIDs of version 4."""
    made = [f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}" for h in hexes(rng, count)]
    return np.array(made, dtype=object)


def distinct(numbers: Array, modulus: int, rng: np.random.Generator) -> Array:
    """Scrambles distinct numbers below `modulus` into distinct numbers below `modulus`; a multiple of 7919 is no modulus."""
    return np.asarray((numbers.astype(np.int64) * 7919 + int(rng.integers(modulus))) % modulus)


def choose(rng: np.random.Generator, values: Sequence[Any], weights: Sequence[float] | Array, size: int) -> Array:
    """`size` picks of `values` with the given weights, as a plain object array."""
    shares = np.cumsum(np.asarray(weights, dtype=float))
    found = np.searchsorted(shares, rng.random(size) * shares[-1], side="right")
    return np.asarray(objects(values)[np.minimum(found, len(values) - 1)])


def objects(values: Sequence[Any]) -> Array:
    """A one-dimensional object array, even of tuples."""
    made = np.empty(len(values), dtype=object)
    made[:] = list(values)
    return made
