"""What the retailer sells: product families, products and stores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wayprint.world.chance import Array, objects, stream

# Family, mean price in euros, share of interest, adjectives of its products. CUISINES is the family that no store can sell
# after research on the web; CONNECTED products report their usage.
CUISINES, CONNECTED = 7, 3
FAMILIES = (
    ("canapés", 420.0, 0.13, "Canapé"), ("lits", 330.0, 0.12, "Lit"), ("tables", 210.0, 0.14, "Table"),
    ("ampoules connectées", 45.0, 0.10, "Ampoule connectée"),
    ("textiles", 35.0, 0.16, "Rideau"), ("décoration", 28.0, 0.15, "Vase"), ("jardin", 90.0, 0.08, "Salon d'été"),
    ("cuisines", 900.0, 0.12, "Cuisine"))
MODELS = (
    "Océan", "Forêt", "Béarn", "Lumière", "Hêtre", "Ardèche", "Noël", "Château", "Brume", "Égée", "Camargue", "Jura", "Vézère",
    "Quercy",
    "Morvan", "Sologne", "Aubrac", "Cévennes", "Alizé", "Genêt")
STORES = (
    "PAR1", "PAR2", "LYO1", "MRS1", "TLS1", "NCE1", "NTE1", "STR1", "BOD1", "LIL1", "REN1", "GRE1")


@dataclass(frozen=True)
class Offer:
    """Products as aligned arrays; `first[f]` is the index of family f's first product, each family has `len(MODELS)`."""

    product_id: Array
    name: Array
    family: Array
    price: Array

    @property
    def family_name(self) -> Array:
        return objects([f[0] for f in FAMILIES])[self.family]

    def pick(self, rng: np.random.Generator, family: Array) -> Array:
        """A product of each family; the first ones of a family sell most."""
        rank = np.minimum((rng.random(len(family)) ** 1.6 * len(MODELS)).astype(np.int64), len(MODELS) - 1)
        return family.astype(np.int64) * len(MODELS) + rank


def offer(seed: int) -> Offer:
    rng = stream(seed, "offer")
    family = np.repeat(np.arange(len(FAMILIES)), len(MODELS))
    mean = np.array([f[1] for f in FAMILIES])[family]
    price = np.maximum(np.round(mean * np.exp(rng.normal(0, 0.35, len(family)) - 0.06)), 5) - 0.01
    names = [f"{FAMILIES[f][3]} {MODELS[i % len(MODELS)]}" for i, f in enumerate(family)]
    return Offer(objects([f"P{10_000 + i}" for i in range(len(family))]), objects(names), family, np.round(price, 2))
