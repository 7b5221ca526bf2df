"""After the visit: service tickets, survey answers, refunds and the use of connected products."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.behaviour import STORE, Periods
from wayprint.world.chance import Array, choose, happens, objects, stream
from wayprint.world.people import LOGIN, NOBODY, Population
from wayprint.world.rows import stacked
from wayprint.world.visits import Traffic

VERBATIMS = {
    True: ("Très bien, rien à redire.", "Livraison rapide, merci !", "Choix large, site clair",
        "Vendeur à l'écoute,\nje reviendrai", ""),
    False: ("Déçu : paiement refusé trois fois sur mobile.", "Trop long, \"toujours en cours\" depuis 10 jours",
        "Impossible d'acheter la cuisine vue sur le site\nen magasin !", "Pas de réponse à mes messages", "")}


@dataclass(frozen=True)
class Care:
    """`tickets` of the customer service, `answers` to surveys (score up to `scale`), `refunds` of orders, `usages` of products."""

    tickets: pd.DataFrame
    answers: pd.DataFrame
    refunds: pd.DataFrame
    usages: pd.DataFrame


def care(traffic: Traffic, population: Population, periods: Periods, days: int, start: dt.date, seed: int) -> Care:
    rng = stream(seed, "care")
    end = hours.midnight(start) + days * hours.DAY
    tickets = _tickets(traffic, population, periods, days, start, rng)
    answers = _answers(traffic, tickets, population, days, start, rng)
    orders = traffic.orders
    back = np.flatnonzero(happens(rng, 0.07, len(orders)))
    refunds = pd.DataFrame({"order": back,
        "t": orders["t"].to_numpy()[back] + rng.integers(2, 21, len(back)) * hours.DAY + rng.integers(0, 7_200_000, len(back))})
    owners = np.flatnonzero(population.persons["owns_connected"])
    use = rng.poisson(0.45, (len(owners), days))
    who, day = np.repeat(np.tile(owners[:, None], (1, days)).ravel(),
        use.ravel()), np.repeat(np.tile(np.arange(days), len(owners)), use.ravel())
    usages = pd.DataFrame({"person": who, "t": hours.utc(start, day, hours.drawn(rng, hours.AWAKE, len(who)))})
    return Care(_until(tickets, end), _until(answers, end), _until(refunds, end), _until(usages, end))


def _until(frame: pd.DataFrame, end: int) -> pd.DataFrame:
    """What happened before the end, by time."""
    return frame[frame["t"] < end].sort_values("t", kind="stable", ignore_index=True)


def _tickets(traffic: Traffic, population: Population, periods: Periods, days: int, start: dt.date,
    rng: np.random.Generator) -> pd.DataFrame:
    """Tickets after orders, after failed payments and refused kitchens, from nowhere, and the complaint wave of those who bought lately."""
    orders, attempts, count = traffic.orders, traffic.attempts, len(population.persons)
    known = (population.persons["known"] != NOBODY).to_numpy()
    parts: list[tuple[Array, Array, str]] = []
    buyers = orders["person"].to_numpy()
    after = np.flatnonzero(happens(rng, 0.07, len(orders)))
    parts.append((buyers[after], orders["day"].to_numpy()[after] + rng.integers(1, 12, len(after)), "livraison"))
    for flag, reason, share in (("failed", "paiement", 0.4), ("refused", "cuisine en magasin", 0.5)):
        rows = np.flatnonzero(attempts[flag].to_numpy() & happens(rng, share, len(attempts)))
        parts.append((attempts["person"].to_numpy()[rows], attempts["day"].to_numpy()[rows] + rng.integers(0, 2, len(rows)),
            reason))
    asked = rng.poisson(0.0009 * days * count)
    parts.append((rng.integers(0, count, asked), rng.integers(0, days, asked), "question"))
    first, last = periods.complaints
    lately = np.flatnonzero((orders["day"] < last) & (orders["day"] >= first - 45) & happens(rng, 0.3, len(orders)))
    parts.append((buyers[lately], np.maximum(orders["day"].to_numpy()[lately] + 1, rng.integers(first, last, len(lately))),
        "retard de livraison"))
    person, day = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    category = objects([p[2] for p in parts])[np.repeat(np.arange(len(parts)), [len(p[0]) for p in parts])]
    reachable = known[person] & (day < days)
    person, day, category = person[reachable], day[reachable], category[reachable]
    size = len(person)
    t = hours.utc(start, day, hours.drawn(rng, hours.OPENING, size))
    level = pd.Series(category).map({"livraison": 3.4, "paiement": 2.3, "cuisine en magasin": 1.7, "question": 4.2,
        "retard de livraison": 2.0}).to_numpy()
    score = np.clip(np.round(rng.normal(level, 0.9)), 1, 5).astype(np.int64)
    return pd.DataFrame({
        "person": person, "t": t, "closed": t + (np.exp(rng.normal(2.6, 1.0, size)) * 3_600_000).astype(np.int64),
        "category": category,
        "channel": choose(rng, ("phone", "e-mail", "chat"), (45, 35, 20), size),
        "score": np.where(happens(rng, 0.55, size), score, 0)})


def _answers(traffic: Traffic, tickets: pd.DataFrame, population: Population, days: int, start: dt.date,
    rng: np.random.Generator) -> pd.DataFrame:
    """CSAT after purchases and after visits, CES after tickets, NPS from time to time; all lower after something went wrong."""
    orders, attempts, visits = traffic.orders, traffic.attempts, traffic.visits
    reachable = (population.persons["has_email"] | (population.persons["loyalty_card"] != "")).to_numpy()
    served = tickets.assign(day=(tickets["t"] - hours.midnight(start)) // hours.DAY)
    hurt = np.concatenate([f["person"].to_numpy() * 100_000 + f["day"].to_numpy()
        for f in (attempts, served[served["category"] != "question"])])
    hurt_on = np.sort(hurt)

    def unhappy(person: Array, day: Array) -> Array:
        """Whether something went wrong in the three weeks before."""
        last = np.searchsorted(hurt_on, person * 100_000 + day, side="right")
        return np.asarray(last > np.searchsorted(hurt_on, person * 100_000 + np.maximum(day - 21, 0), side="left"))

    def part(rows: pd.DataFrame, share: float, question: str, stage: str | Array, channel: Array, wait_days: int,
        level: float) -> pd.DataFrame:
        chosen = np.flatnonzero(reachable[rows["person"].to_numpy()] & happens(rng, share, len(rows)))
        person, size = rows["person"].to_numpy()[chosen], len(chosen)
        day = rows["day"].to_numpy()[chosen] + rng.integers(0, wait_days + 1, size)
        sad = unhappy(person, day)
        mood = np.clip(rng.normal(level, 0.13, size) - 0.38 * sad, 0, 1)  # share of the scale
        scale, lowest = (10, 0) if question == "nps" else (5, 1)
        return pd.DataFrame({
            "person": person, "t": hours.utc(start, day, hours.drawn(rng, hours.AWAKE, size)), "question": question,
            "stage": stage if isinstance(stage, str) else stage[chosen], "channel": channel[chosen],
            "score": np.clip(np.round(mood * scale), lowest, scale).astype(np.int64), "scale": scale})

    count = len(population.persons)
    bought = np.where(orders["place"] == STORE, "store",
        np.where(orders["visit"] >= 0, visits["platform"].to_numpy()[orders["visit"]], "web")).astype(object)
    failed = attempts.assign(channel=np.where(attempts["refused"], "store", "web"))
    asked = pd.DataFrame({"person": np.tile(np.arange(count), max(1, days // 30)),
        "day": np.repeat(np.arange(max(1, days // 30)) * 30, count) + rng.integers(0, min(30, days), count * max(1, days // 30))})
    asked = asked[population.of("known", asked["person"].to_numpy()) == LOGIN]
    browsed = visits[(visits["platform"] == "web") & visits["logs_in"]].reset_index(drop=True)
    parts = (
        part(orders, 0.25, "csat", "purchase", bought, 3, 0.90),
        part(failed, 0.35, "csat", "purchase", failed["channel"].to_numpy(dtype=object), 1, 0.80),
        part(browsed, 0.03, "csat", choose(rng, ("search", "compare"), (6, 4), len(browsed)),
        np.full(len(browsed), "web", dtype=object), 0, 0.84),
        part(served, 0.35, "ces", "service", served["channel"].to_numpy(dtype=object), 3, 0.80),
        part(asked, 0.05, "nps", "recommend", np.full(len(asked), "email", dtype=object), 0, 0.85))
    answers = stacked(parts)
    happy = (answers["score"] / answers["scale"] >= 0.7).to_numpy()
    pick = rng.integers(0, 5, len(answers))
    texts = np.where(happy, objects(VERBATIMS[True])[pick], objects(VERBATIMS[False])[pick])
    answers["verbatim"] = np.where(happens(rng, 0.4, len(answers)), texts, "")
    return answers
