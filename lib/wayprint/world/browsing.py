"""What happens inside a visit: pages, searches, products, cart, checkout, login, purchase, one row an action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wayprint.world.chance import Array, happens, objects, stream
from wayprint.world.offer import FAMILIES, Offer
from wayprint.world.people import NEWSLETTER, Population
from wayprint.world.rows import begins
from wayprint.world.visits import Traffic


@dataclass(frozen=True)
class Habit:
    """How often a verb occurs in a visit: place in the visit's order, mean count per platform, slope on the intent."""

    verb: str
    order: int
    mean: dict[str, float]
    slope: float = 0.0


LANDING = 0
HABITS = (
    Habit("page_view", 3, {"web": 0.6, "app": 0.5, "content": 0.9, "kiosk": 0.5}, 0.1),
    Habit("search", 4, {"web": 0.20, "app": 0.2, "kiosk": 0.5}, 0.3),
    Habit("product_view", 5, {"web": 0.8, "app": 1.2, "kiosk": 1.5}, 0.45), Habit("review_view", 6, {"content": 0.45}, 0.3),
    Habit("compare_view", 7, {"content": 0.3}, 0.4), Habit("store_locator", 8, {"web": 0.02}, 0.2),
    Habit("add_to_cart", 9, {"web": 0.075, "app": 0.09}, 0.7),
    Habit("remove_from_cart", 10, {"web": 0.008, "app": 0.008}), Habit("begin_checkout", 11, {"web": 0.012, "app": 0.015}, 0.7),
        Habit("share", 14, {"content": 0.02, "app": 0.01}))
MOST = 6  # of one verb in one visit
TERMS = ("{f} pas cher", "{f}", "{f} livraison rapide", "avis {f}", "{f} été", "{f} chêne")


def browse(traffic: Traffic, population: Population, goods: Offer, seed: int) -> pd.DataFrame:
    """One row an action, by visit and time: visit, verb, t (UTC ms), product, term, order (-1 where there is none), named
    (the visitor is logged in by then). Sets the time of online orders to that of their purchase action."""
    rng = stream(seed, "browsing")
    visits = traffic.visits
    bought = visits["buys"].to_numpy()
    fails = visits["fails"].to_numpy()
    platform = visits["platform"].to_numpy()
    number = np.arange(len(visits))
    keen = np.clip(visits["intent"].to_numpy(dtype=float), -2, 2.5)
    shops = np.isin(platform, ["web", "app"])
    parts = [(number, LANDING, "page_view")]
    for habit in HABITS:
        mean = np.zeros(len(visits))
        for name, value in habit.mean.items():
            mean[platform == name] = value
        count = np.minimum(rng.poisson(mean * np.exp(habit.slope * keen)), MOST)
        if habit.verb in ("add_to_cart", "product_view"):
            count = np.where(bought | fails, np.maximum(count, 1), count)
        if habit.verb == "begin_checkout":
            count = np.where(bought | fails, 1, np.minimum(count, 1))
        if habit.verb == "store_locator":
            count = np.where(visits["locator"], 1, np.minimum(count, 1))
        parts.append((np.repeat(number, count), habit.order, habit.verb))
    parts.append((number[visits["signs_up"].to_numpy()], 1, "sign_up"))
    logs_in = visits["logs_in"].to_numpy()
    parts.append((number[logs_in & ~visits["signs_up"].to_numpy() & shops], 2, "login"))
    banner, form = _firsts(visits, population)
    parts.append((banner, 1, "consent"))
    parts.append((form, 2, "form_submit"))
    parts.append((number[fails], 12, "payment_error"))
    parts.append((number[bought], 13, "purchase"))
    actions = pd.DataFrame({
        "visit": np.concatenate([p[0] for p in parts]), "step": np.concatenate([np.full(len(p[0]), p[1]) for p in parts]),
        "verb": np.concatenate([np.full(len(p[0]), i) for i, p in enumerate(parts)])})
    verbs = objects([p[2] for p in parts])
    actions = actions.sort_values(["visit", "step"], kind="stable", ignore_index=True)
    actions["verb"] = verbs[actions["verb"]]
    visit = actions["visit"].to_numpy()
    actions["t"] = _times(visit, visits["t"].to_numpy(), rng)
    actions["named"] = logs_in[visit] & ((actions["step"] >= 1) | ~shops[visit] | happens(rng, 0.3, len(actions)))
    _choose_products(actions, traffic, goods, rng)
    return actions


def _firsts(visits: pd.DataFrame, population: Population) -> tuple[Array, Array]:
    """The visits in which a browser's cookie banner is answered, and those in which a reader leaves an address for the newsletter."""
    web = visits[visits["platform"] == "web"]
    first = web.drop_duplicates("device")
    person = first["person"].to_numpy()
    answers = (population.of("analytics", person) != "") & (population.of("advertising", person) != "")
    readers = web.drop_duplicates("person")
    return first.index.to_numpy()[answers], readers.index.to_numpy()[population.of("known",
        readers["person"].to_numpy()) == NEWSLETTER]


def _times(visit: Array, starts: Array, rng: np.random.Generator) -> Array:
    """The start of the visit and then gaps of half a minute on average, never near the half hour that ends a visit."""
    first = begins(visit)
    gap = np.where(first, 0, 2_000 + np.minimum(rng.exponential(33_000, len(visit)), 600_000).astype(np.int64))
    run = np.cumsum(gap)
    return np.asarray(starts[visit] + run - run[first][np.cumsum(first) - 1])


def _choose_products(actions: pd.DataFrame, traffic: Traffic, goods: Offer, rng: np.random.Generator) -> None:
    visits, visit = traffic.visits, actions["visit"].to_numpy()
    family = visits["family"].to_numpy()
    focus = goods.pick(rng, family)
    order_of = np.full(len(visits), -1)
    online = traffic.orders["visit"].to_numpy() >= 0
    order_of[traffic.orders["visit"].to_numpy()[online]] = np.flatnonzero(online)
    first_line = np.r_[0, np.cumsum(np.bincount(traffic.items["order"], minlength=len(traffic.orders)))[:-1]].astype(np.int64)
    lines = traffic.items["product"].to_numpy()
    if len(lines):
        focus = np.where(order_of >= 0, lines[first_line[np.maximum(order_of, 0)]], focus)
    verb = actions["verb"].to_numpy()
    on_focus = np.isin(verb, ["add_to_cart", "remove_from_cart"]) | happens(rng, 0.5, len(actions))
    concerns = np.isin(verb, ["product_view", "add_to_cart", "remove_from_cart", "review_view", "compare_view", "share"])
    product = np.where(on_focus, focus[visit], goods.pick(rng, family[visit]))
    actions["product"] = np.where(concerns, product, -1)
    actions["order"] = np.where(verb == "purchase", order_of[visit], -1)
    names = objects([f[0] for f in FAMILIES])[family[visit]]
    pattern = rng.integers(0, len(TERMS), len(actions))
    actions["term"] = ""
    searches = np.flatnonzero(verb == "search")
    actions.loc[searches, "term"] = [TERMS[p].format(f=n) for p, n in zip(pattern[searches], names[searches], strict=True)]
    bought = np.flatnonzero(verb == "purchase")
    traffic.orders.loc[actions["order"].to_numpy()[bought], "t"] = actions["t"].to_numpy()[bought]
