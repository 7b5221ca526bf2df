"""Everything that happened, before any vendor has written it down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.behaviour import Behaviour, Periods, simulate
from wayprint.world.browsing import browse
from wayprint.world.campaigns import Campaigns, campaigns
from wayprint.world.care import Care, care
from wayprint.world.chance import Array
from wayprint.world.networks import Networks, networks
from wayprint.world.offer import Offer, offer
from wayprint.world.people import Population, population
from wayprint.world.visits import Traffic, traffic


@dataclass(frozen=True)
class Scene:
    """The state of the world after `days` days; every vendor's module reads it and none changes it."""

    seed: int
    start: dt.date
    days: int
    dates: list[str]
    population: Population
    plan: Campaigns
    goods: Offer
    periods: Periods
    behaviour: Behaviour
    traffic: Traffic
    actions: pd.DataFrame
    care: Care
    networks: Networks

    @property
    def end(self) -> int:
        """First millisecond after the last day."""
        return hours.midnight(self.start) + self.days * hours.DAY

    def day_of(self, t: Array) -> Array:
        """UTC day of a moment."""
        return np.asarray((t - hours.midnight(self.start)) // hours.DAY)

    def of_platform(self, platform: str) -> Array:
        """Which actions belong to a platform's visits."""
        return np.asarray((self.traffic.visits["platform"] == platform).to_numpy()[self.actions["visit"].to_numpy()])


def stage(people: int, days: int, seed: int, start: dt.date) -> Scene:
    """Lives `days` days of `people` people."""
    if people < 1 or days < 1:
        raise ValueError(f"a world needs at least one person and one day; came people={people}, days={days}")
    crowd, plan, goods, periods = population(people, days, seed, start), campaigns(days, seed), offer(seed), Periods.within(days)
    behaviour = simulate(crowd, plan, periods, days, seed)
    moved = traffic(behaviour, crowd, plan, goods, start, seed)
    actions = browse(moved, crowd, goods, seed)
    cared = care(moved, crowd, periods, days, start, seed)
    return Scene(seed, start, days, hours.date_texts(start, days), crowd, plan, goods, periods, behaviour, moved, actions, cared,
        networks(moved, cared, crowd, days, start, seed))
