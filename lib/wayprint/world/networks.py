"""From which network address each visit came: home, a mobile network, an office, a café, a friend's home.

A household has one address (IPv4, or the /64 of an IPv6), which most providers change every one to three months; all its
devices use it at home. Telephones away from home go through a carrier's few addresses, each shared by hundreds. An office
has one for all who work there. Nothing else of a world depends on these draws.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.care import Care
from wayprint.world.chance import Array, happens, objects, stream
from wayprint.world.people import Population
from wayprint.world.visits import Traffic

HOME, MOBILE, OFFICE, PUBLIC, FRIEND = range(5)
# Where a device is, by its kind, in the evening and at night (19 to 8 on a Paris clock), on a day of the weekend, on a working day.
WHERE = {
    "phone": ((0.84, 0.10, 0.00, 0.02, 0.04), (0.55, 0.33, 0.00, 0.06, 0.06), (0.22, 0.55, 0.16, 0.06, 0.01)),
    "app": ((0.84, 0.10, 0.00, 0.02, 0.04), (0.55, 0.33, 0.00, 0.06, 0.06), (0.22, 0.55, 0.16, 0.06, 0.01)),
    "tablet": ((0.97, 0.01, 0.00, 0.01, 0.01), (0.95, 0.01, 0.00, 0.02, 0.02), (0.96, 0.01, 0.00, 0.02, 0.01)),
    "desktop": ((0.97, 0.00, 0.00, 0.02, 0.01), (0.96, 0.00, 0.00, 0.03, 0.01), (0.97, 0.00, 0.00, 0.03, 0.00)),
    "work": ((0.93, 0.00, 0.05, 0.01, 0.01), (0.95, 0.00, 0.02, 0.03, 0.00), (0.12, 0.00, 0.85, 0.03, 0.00))}
WORKERS, WORK_DESKTOPS = 0.35, 0.7  # share of people with an office; of their desktops, those that stand there
LEASED, SHORTEST, LONGEST = 0.75, 30, 90  # share of homes whose address changes, after so many days each time
SIX = 0.3  # share of homes that speak IPv6
PER_MOBILE, PER_PUBLIC = 300, 400  # people per address of a carrier, and per café
HOMES_V4, PRIME, HOMES_V6 = 0x50000000, 134_217_689, 0x2A010E0A << 32
OFFICES, PUBLICS, MOBILES = 0x5A000000, 0x5BA00000, 0x5CB86000


@dataclass(frozen=True)
class Networks:
    """The address each visit was sent from, and each report of a connected product; empty for a kiosk, which has its store's."""

    visits: Array
    usages: Array


def networks(traffic: Traffic, care: Care, population: Population, days: int, start: dt.date, seed: int) -> Networks:
    rng = stream(seed, "networks")
    streets = _Streets(population, days, rng)
    visits, usages = traffic.visits, care.usages
    by_app = population.of("app_device", usages["person"].to_numpy())
    return Networks(
        _sent(visits["person"].to_numpy(), visits["device"].to_numpy(), visits["t"].to_numpy(), population, streets, start, rng),
        _sent(usages["person"].to_numpy(), by_app, usages["t"].to_numpy(), population, streets, start, rng))


class _Streets:
    """Who lives and works behind which address, and when a home's address changes."""

    def __init__(self, population: Population, days: int, rng: np.random.Generator):
        people, homes = len(population.persons), int(population.persons["household"].max()) + 1
        self.home = population.persons["household"].to_numpy()
        turns = days // SHORTEST + 2
        gaps = rng.integers(SHORTEST, LONGEST + 1, (homes, turns))
        gaps[:, 0] = (gaps[:, 0] * rng.random(homes)).astype(np.int64)  # the world begins in the midst of a lease
        gaps[~happens(rng, LEASED, homes), 0] = days + 1
        self.changes = np.cumsum(gaps, axis=1)
        self.shift = np.int64(rng.integers(PRIME))
        self.speaks_six = happens(rng, SIX, homes)
        self.friend = rng.integers(0, homes, homes)
        self.office = np.full(people, -1)
        workers = rng.permutation(np.flatnonzero(happens(rng, WORKERS, people)))
        sizes = rng.integers(5, 61, len(workers) // 5 + 1)
        self.office[workers] = np.repeat(np.arange(len(sizes)), sizes)[: len(workers)]
        self.works = happens(rng, WORK_DESKTOPS, people)
        self.mobiles, self.publics = max(1, people // PER_MOBILE), max(1, people // PER_PUBLIC)

    def lease(self, home: Array, day: Array) -> Array:
        """A number below PRIME for the address of a home on a day; no two homes and no two leases share one."""
        turn = (self.changes[home] <= day[:, None]).sum(axis=1)
        return np.asarray(((home.astype(np.int64) * (self.changes.shape[1] + 1) + turn) * 7919 + self.shift) % PRIME)


def _sent(person: Array, device: Array, t: Array, population: Population, streets: _Streets, start: dt.date, rng: np.random.Generator) -> Array:
    size = len(person)
    if not size:
        return objects([])
    kinds = population.devices["kind"].to_numpy()[device]
    kinds = np.where((kinds == "desktop") & streets.works[person] & (streets.office[person] >= 0), "work", kinds)
    since = t - hours.midnight(start)
    utc_day = np.maximum(since // hours.DAY, 0)
    local = since + hours.offsets(start, int(utc_day.max()) + 1)[utc_day]
    day, hour = np.maximum(local // hours.DAY, 0), local % hours.DAY // 3_600_000
    free = (start.weekday() + day) % 7 >= 5
    when = np.where((hour >= 19) | (hour < 8), 0, np.where(free, 1, 2))
    names = list(WHERE)
    chances = np.cumsum(np.array([WHERE[name] for name in names]), axis=2)[pd.Index(names).get_indexer(pd.Index(kinds)), when]
    where = (rng.random(size)[:, None] >= chances[:, :-1]).sum(axis=1)
    office = streets.office[person]
    where = np.where((where == OFFICE) & (office < 0), HOME, where)
    home = np.where(where == FRIEND, streets.friend[streets.home[person]], streets.home[person])
    lease = streets.lease(home, day)
    elsewhere = [where == MOBILE, where == OFFICE, where == PUBLIC]
    own = np.select(elsewhere, [rng.integers(0, streets.mobiles, size), office * 97, rng.integers(0, streets.publics, size) * 101], lease)
    # Last numbers 1 to 254: providers hand out neither 0 nor 255.
    own = np.select(elsewhere, [MOBILES, OFFICES, PUBLICS], HOMES_V4) + own // 254 * 256 + own % 254 + 1
    number, place = np.unique(own, return_inverse=True)
    texts = objects([f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in number.tolist()])[place]
    six = np.flatnonzero(streets.speaks_six[home] & np.isin(where, [HOME, FRIEND]))
    ends = rng.integers(0, 2**63, len(six))  # a device takes new addresses of the home's /64 all the time
    texts[six] = [_six(HOMES_V6 + network, end) for network, end in zip(lease[six].tolist(), ends.tolist(), strict=True)]
    return np.asarray(np.where(device >= 0, texts, ""), dtype=object)


def _six(network: int, end: int) -> str:
    return ":".join(f"{half >> shift & 0xFFFF:x}" for half in (network, end) for shift in (48, 32, 16, 0))
