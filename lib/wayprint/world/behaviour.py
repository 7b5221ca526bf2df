"""How people behave, day by day: a latent intent, exposures to marketing, and a hazard of buying that both move.

The model, for person i on day d:

1. intent  I = 0.8 taste + z, where z is a slow autoregression (0.97 a day); nothing the retailer does changes it.
2. exposures: each channel c reaches people at `rate` x weekly push x exp(chases x want), so some channels find those who
   would buy anyway; e-mails follow consent, mailbox and a pressure drawn per person; catalogues follow the loyalty card.
3. stock  S_c(d) = keeps_c S_c(d-1) + exposures of the day.
4. wish to buy with probability 1 - exp(-exp(BASE + SLOPE I + sum of effect_c S_c - RELIEF R)), R being what past purchases
   have satisfied. A wish becomes a purchase unless the place fails it: a payment error on phones during the incident, or a
   store that cannot sell a kitchen looked up on the web.

`lost[c]` is the truth about attribution: the expected purchases that go when channel c's exposures are deleted and all else
stays as it happened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wayprint.world.campaigns import AFFILIATES, CATALOGUE, CHANNELS, DISPLAY, EMAIL, OPEN_EXPOSURE, PAID, Campaigns
from wayprint.world.chance import Array, happens, stream
from wayprint.world.offer import CUISINES, FAMILIES
from wayprint.world.people import Population
from wayprint.world.rows import stacked

BASE, SLOPE, RELIEF = -6.4, 1.1, 0.5
KEEPS_INTENT, SPREAD = 0.97, 1.64  # SPREAD: variance of the intent
KEEPS_RELIEF = 0.93
RESEARCH_DAYS = 30
PAYMENT_FAILS = 0.65
STORE, APP, PHONE, DESKTOP = range(4)  # places of a purchase
DIRECT, ORGANIC, ORGANIC_SOCIAL, REFERRAL = range(6, 10)  # channels of visits beside those of CHANNELS
VISIT_CHANNELS = (*(c.name for c in CHANNELS), "Direct", "Organic Search", "Organic Social", "Referral")
# Visits without marketing: log of the daily rate at average want, slope on want.
UNPROMPTED = ((DIRECT, -4.15, 0.55), (ORGANIC, -4.35, 0.6), (ORGANIC_SOCIAL, -6.2, 0.2), (REFERRAL, -6.5, 0.3))


@dataclass(frozen=True)
class Periods:
    """When things go wrong, as half-open ranges of days."""

    payment: tuple[int, int]
    complaints: tuple[int, int]

    @staticmethod
    def within(days: int) -> Periods:
        """Three weeks of payment errors and a fortnight of complaints; shorter in a world of less than three months."""
        one, two = int(days * 0.42), int(days * 0.74)
        return Periods((one, one + max(1, min(21, days // 5))), (two, two + max(1, min(14, days // 7))))


@dataclass(frozen=True)
class Behaviour:
    """Frames of what happened (`hits`: visits before they have a time; `wishes`: purchases and failed attempts) and, as arrays
    of days x people, the hazard without relief, the relief, the chance that a wish succeeds, intent and family of interest."""

    hits: pd.DataFrame
    emails: pd.DataFrame
    catalogues: pd.DataFrame
    wishes: pd.DataFrame
    hazard: Array
    relief: Array
    success: Array
    intent: Array
    family: Array
    exposures: Array
    lost: Array
    expected: float


def open_rate(emails_7d: Array) -> Array:
    """Chance that an e-mail is opened, given the e-mails of the 7 days before: beyond three a week it falls."""
    return np.asarray(0.30 * np.exp(-0.10 * np.maximum(emails_7d - 3, 0)))


def click_rate(emails_7d: Array) -> Array:
    """Chance that an opened e-mail is clicked."""
    return np.asarray(0.15 * np.exp(-0.10 * np.maximum(emails_7d - 3, 0)))


def unsubscribe_rate(emails_7d: Array) -> Array:
    """Chance that an e-mail makes its reader unsubscribe."""
    return np.asarray(0.0008 * np.exp(0.35 * np.maximum(emails_7d - 2, 0)))


def simulate(population: Population, plan: Campaigns, periods: Periods, days: int, seed: int) -> Behaviour:
    return _Days(population, plan, periods, days, seed).run()


class _Days:
    """The state that one day hands to the next, and what was noted on the way."""

    def __init__(self, population: Population, plan: Campaigns, periods: Periods, days: int, seed: int):
        persons, count = population.persons, len(population.persons)
        self.rng, self.plan, self.periods, self.days, self.count = stream(seed, "behaviour"), plan, periods, days, count
        self.intent = _intent(persons["taste"].to_numpy(), days, stream(seed, "intent"))
        self.mailable = persons["has_email"].to_numpy() & (persons["email_marketing"] == "true").to_numpy()
        self.per_week, self.bad_mailbox = persons["emails_per_week"].to_numpy(), persons["bad_mailbox"].to_numpy()
        self.has_app, self.has_card = persons["has_app"].to_numpy(), (persons["loyalty_card"] != "").to_numpy()
        store, app = persons["buys_in_store"].to_numpy(), persons["buys_in_app"].to_numpy()
        web = 1 - store - app
        self.places = np.stack([store, app, web * persons["phone_share"].to_numpy(),
            web * (1 - persons["phone_share"].to_numpy())])
        self.interest = np.cumsum([f[2] for f in FAMILIES]) / sum(f[2] for f in FAMILIES)
        self.relieved, self.stock = np.zeros(count), np.zeros((len(CHANNELS), count))
        self.sent, self.browsed, self.last_web = np.zeros((7, count)), np.zeros(count), np.full(count, -999)
        self.family = self._families(count)
        self.notes: dict[str, list[pd.DataFrame]] = {"hits": [], "emails": [], "catalogues": [], "wishes": []}
        shape = (days, count)
        self.hazard, self.relief, self.success = (np.empty(shape, np.float32) for _ in range(3))
        self.families = np.empty(shape, np.int8)
        self.exposures, self.lost, self.expected = np.zeros(len(CHANNELS)), np.zeros(len(CHANNELS)), 0.0

    def run(self) -> Behaviour:
        for day in range(self.days):
            moved = happens(self.rng, 1 / 45, self.count)
            self.family = np.where(moved, self._families(self.count), self.family)
            self.families[day] = self.family
            want = self.intent[day] - 0.5 * self.relieved
            fresh = np.zeros((len(CHANNELS), self.count))
            on_web = self._browse(day, want, fresh) | self._read_emails(day, want, fresh)
            self._read_catalogue(day, fresh)
            self.last_web = np.where(on_web, day, self.last_web)
            self.browsed = 0.8 * self.browsed + on_web
            self.exposures += fresh.sum(axis=1)
            self.stock = np.array([c.keeps for c in CHANNELS])[:, None] * self.stock + fresh
            self._buy(day)
        frames = {name: stacked(parts) for name, parts in self.notes.items()}
        return Behaviour(**frames, hazard=self.hazard, relief=self.relief, success=self.success, intent=self.intent,
            family=self.families,
                         exposures=self.exposures, lost=self.lost, expected=self.expected)

    def _families(self, count: int) -> Array:
        return np.minimum(np.searchsorted(self.interest, self.rng.random(count), side="right"), len(FAMILIES) - 1)

    def _note(self, name: str, day: int, who: Array, **values: Array | int | str) -> None:
        self.notes[name].append(pd.DataFrame({"person": who, "day": np.full(len(who), day), **values}))

    def _browse(self, day: int, want: Array, fresh: Array) -> Array:
        """Visits of the site, the app and the advice site; who came to the site."""
        on_web = np.zeros(self.count, bool)
        for channel, level, slope in UNPROMPTED:
            came = happens(self.rng, np.exp(level + slope * want))
            on_web |= came
            self._note("hits", day, np.flatnonzero(came), platform="web", channel=channel)
        for number in PAID:
            paid = CHANNELS[number]
            rate = paid.rate * self.plan.push[number, day // 7] * np.exp(paid.chases * want - paid.chases**2 * SPREAD / 2)
            if number == DISPLAY:
                rate = rate + 0.014 * self.plan.push[number, day // 7] * self.browsed  # retargeting
            if number == AFFILIATES:
                rate = rate * np.where(self.family == CUISINES, 0.3, 1.0)
            came = happens(self.rng, 1 - np.exp(-rate))
            fresh[number] += came
            on_web |= came
            self._note("hits", day, np.flatnonzero(came), platform="web", channel=number)
        self._note("hits", day, np.flatnonzero(self.has_app & happens(self.rng, np.exp(-2.9 + 0.5 * want))), platform="app",
            channel=DIRECT)
        self._note("hits", day, np.flatnonzero(happens(self.rng, np.exp(-4.9 + 0.4 * want))), platform="content", channel=ORGANIC)
        return on_web

    def _read_emails(self, day: int, want: Array, fresh: Array) -> Array:
        """Newsletters sent, bounced, opened, clicked, and who had enough; who came to the site through one."""
        lately = self.sent.sum(axis=0)
        to = np.flatnonzero(self.mailable & happens(self.rng, self.per_week / 7))
        keen, week = np.tanh(want[to]), lately[to]
        bounced = self.bad_mailbox[to] | happens(self.rng, 0.004, len(to))
        opened = ~bounced & happens(self.rng, open_rate(week) * (1 + 0.15 * keen))
        clicked = opened & happens(self.rng, click_rate(week) * (1 + 0.3 * keen))
        left = ~bounced & happens(self.rng, unsubscribe_rate(week))
        opened |= left  # who unsubscribes has opened it
        spam = ~bounced & ~left & happens(self.rng, 0.1 * unsubscribe_rate(week))
        self._note("emails", day, to, emails_7d=week.astype(np.int64), bounced=bounced, opened=opened, clicked=clicked,
            unsubscribed=left, spam=spam)
        self.mailable[to[left | spam]] = False
        fresh[EMAIL][to] += np.where(clicked, 1.0, np.where(opened, OPEN_EXPOSURE, 0.0))
        self.sent[day % 7] = 0
        self.sent[day % 7, to] = 1
        came = np.zeros(self.count, bool)
        came[to[clicked]] = True
        return came

    def _read_catalogue(self, day: int, fresh: Array) -> None:
        to = np.flatnonzero(self.has_card & happens(self.rng, 0.6, self.count)) if day in self.plan.mailings else np.zeros(0,
            np.int64)
        fresh[CATALOGUE][to] += 1
        self._note("catalogues", day, to)

    def _buy(self, day: int) -> None:
        effects = np.array([c.effect for c in CHANNELS])
        hazard = BASE + SLOPE * self.intent[day] + effects @ self.stock
        failing = PAYMENT_FAILS if self.periods.payment[0] <= day < self.periods.payment[1] else 0.0
        researched = (self.family == CUISINES) & (day - self.last_web <= RESEARCH_DAYS)
        success = 1 - failing * self.places[PHONE] - self.places[STORE] * researched
        self.hazard[day], self.relief[day], self.success[day] = hazard, self.relieved, success
        chance = wish_chance(hazard, self.relieved)
        self.expected += float((success * chance).sum())
        for number, effect in enumerate(effects):
            without = wish_chance(hazard - effect * self.stock[number], self.relieved)
            self.lost[number] += float((success * (chance - without)).sum())
        wish = np.flatnonzero(happens(self.rng, chance))
        place = (self.rng.random(len(wish)) > np.cumsum(self.places[:, wish], axis=0)).sum(axis=0).clip(0, DESKTOP)
        failed = (place == PHONE) & happens(self.rng, failing, len(wish))
        refused = (place == STORE) & researched[wish]
        self._note("wishes", day, wish, place=place, family=self.family[wish], failed=failed, refused=refused)
        self.relieved = KEEPS_RELIEF * self.relieved
        self.relieved[wish] += np.where(refused, 2.5, np.where(failed, 0.5, 1.0))


def wish_chance(hazard: Array, relieved: Array | float) -> Array:
    """Chance of a wish to buy on one day."""
    return np.asarray(-np.expm1(-np.exp(hazard - RELIEF * relieved)))


def month_chance(behaviour: Behaviour, first: int, length: int = 30) -> Array:
    """True chance of at least one purchase in the `length` days from `first`, given intent and exposures of those days."""
    none = np.ones(behaviour.hazard.shape[1])
    for step in range(length):
        relieved = behaviour.relief[first] * KEEPS_RELIEF**step  # no purchase yet, so relief only fades
        none *= 1 - behaviour.success[first + step] * wish_chance(behaviour.hazard[first + step], relieved)
    return 1 - none


def _intent(taste: Array, days: int, rng: np.random.Generator) -> Array:
    level = np.empty((days, len(taste)), np.float32)
    mood = rng.normal(0, 1, len(taste))
    for day in range(days):
        mood = KEEPS_INTENT * mood + np.sqrt(1 - KEEPS_INTENT**2) * rng.normal(0, 1, len(taste))
        level[day] = 0.8 * taste + mood
    return level
