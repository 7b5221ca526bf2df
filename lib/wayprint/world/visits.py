"""Visits with a time and a device, and orders with products: what `behaviour` decided, placed in the day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.behaviour import DIRECT, PHONE, STORE, Behaviour
from wayprint.world.campaigns import ADS, EMAIL, PAID, Campaigns
from wayprint.world.chance import Array, choose, happens, objects, stream
from wayprint.world.offer import FAMILIES, STORES, Offer
from wayprint.world.people import LOGIN, Population
from wayprint.world.rows import begins, stacked

PLACES = ("store", "app", "web", "web")
KIOSKS = 2 * len(STORES)


@dataclass(frozen=True)
class Traffic:
    """`visits` in order of time, `orders` (online and store), `items` (their lines), `attempts` (wishes that a place failed),
    `emails` with times; `account_from`: when each person's login begins (UTC ms; the largest int64 for never)."""

    visits: pd.DataFrame
    orders: pd.DataFrame
    items: pd.DataFrame
    attempts: pd.DataFrame
    emails: pd.DataFrame
    account_from: Array


def traffic(behaviour: Behaviour, population: Population, plan: Campaigns, goods: Offer, start: dt.date, seed: int) -> Traffic:
    rng = stream(seed, "visits")
    emails = _emails(behaviour.emails, plan, start, rng)
    visits = _hits(behaviour, emails, start, rng)
    wishes = behaviour.wishes.copy()
    wishes["number"] = np.arange(len(wishes))
    wishes["platform"] = objects(PLACES)[wishes["place"]]
    visits = stacked([visits, _missing(wishes, visits, start, rng)])
    visits["wish"], visits["place"] = -1, -1
    _attach(wishes, visits)
    wishes["t"] = 0
    in_store = (wishes["place"] == STORE).to_numpy()
    wishes.loc[in_store, "t"] = hours.utc(start, wishes["day"].to_numpy()[in_store],
        hours.drawn(rng, hours.OPENING, int(in_store.sum())))
    wishes["store"] = (population.of("town", wishes["person"].to_numpy()) + rng.integers(0, 2, len(wishes))) % len(STORES)
    visits = stacked([visits, _on_the_way(wishes, rng), _kiosks(wishes, behaviour, start, rng)])
    visits = _equip(visits, population, rng)
    visits = visits.sort_values(["t", "person", "platform"], kind="stable", ignore_index=True)
    account_from = _log_in(visits, population, rng)
    done = visits["wish"].to_numpy() >= 0
    failed = np.append(wishes["failed"].to_numpy(), False)  # the last one stands for no wish, -1
    wishes["visit"] = -1
    wishes.loc[visits["wish"].to_numpy()[done], "visit"] = np.flatnonzero(done)
    visits["fails"] = done & failed[visits["wish"]]
    visits["buys"] = done & ~failed[visits["wish"]]
    orders, items = _orders(wishes[~(wishes["failed"] | wishes["refused"])], goods, rng)
    return Traffic(visits, orders, items, wishes[wishes["failed"] | wishes["refused"]].reset_index(drop=True), emails,
        account_from)


def _emails(noted: pd.DataFrame, plan: Campaigns, start: dt.date, rng: np.random.Generator) -> pd.DataFrame:
    """Sent in the morning, opened within hours of the same day, clicked a minute after."""
    size = len(noted)
    local = rng.integers(8 * 3_600_000, 10 * 3_600_000, size)
    emails = noted.assign(campaign=plan.email_on(noted["day"].to_numpy()), sent=hours.utc(start, noted["day"].to_numpy(), local))
    emails["read"] = emails["sent"] + np.minimum(rng.exponential(2.0, size), 12) * 3_600_000 // 1 + 20_000
    emails["read"] = emails["read"].astype(np.int64)
    emails["click"] = emails["read"] + rng.integers(5_000, 120_000, size)
    return emails


def _hits(behaviour: Behaviour, emails: pd.DataFrame, start: dt.date, rng: np.random.Generator) -> pd.DataFrame:
    hits = behaviour.hits.copy()
    hits["t"] = hours.utc(start, hits["day"].to_numpy(), hours.drawn(rng, hours.AWAKE, len(hits)))
    hits["campaign"] = -1
    for channel in PAID:
        mine = (hits["channel"] == channel).to_numpy()
        numbers = [i for i, ad in enumerate(ADS) if ad[1] == channel]
        hits.loc[mine, "campaign"] = choose(rng, numbers, [ADS[i][4] for i in numbers], int(mine.sum())).astype(np.int64)
    clicks = emails[emails["clicked"]]
    landed = pd.DataFrame({"person": clicks["person"], "day": clicks["day"], "platform": "web", "channel": EMAIL,
        "t": clicks["click"] + 1_500, "campaign": clicks["campaign"]})
    visits = stacked([hits, landed])
    interest = behaviour.family[visits["day"], visits["person"]].astype(np.int64)
    visits["family"] = np.where(happens(rng, 0.88, len(visits)), interest, rng.integers(0, len(FAMILIES), len(visits)))
    visits["intent"] = behaviour.intent[visits["day"], visits["person"]]
    visits["locator"], visits["kiosk"] = False, -1
    return visits


def _keys(frame: pd.DataFrame) -> Array:
    return np.asarray((frame["person"].to_numpy() * 100_000 + frame["day"].to_numpy()) * 2
        + (frame["platform"] == "app").to_numpy())


def _missing(wishes: pd.DataFrame, visits: pd.DataFrame, start: dt.date, rng: np.random.Generator) -> pd.DataFrame:
    """A direct visit in the evening for each online wish of somebody who had not come that day."""
    online = wishes[wishes["place"] != STORE]
    alone = online[~np.isin(_keys(online), _keys(visits[visits["platform"].isin(["web", "app"])]))]
    local = rng.integers(19 * 3_600_000, 22 * 3_600_000, len(alone))
    return pd.DataFrame({
        "person": alone["person"], "day": alone["day"], "platform": alone["platform"], "channel": DIRECT,
        "t": hours.utc(start, alone["day"].to_numpy(), local),
        "campaign": -1, "family": alone["family"], "intent": 1.5, "locator": False, "kiosk": -1})


def _attach(wishes: pd.DataFrame, visits: pd.DataFrame) -> None:
    """Gives each online wish the last visit of its day on its platform."""
    online = wishes[wishes["place"] != STORE]
    able = visits[visits["platform"].isin(["web", "app"])].assign(key=lambda v: _keys(v)).sort_values(["key", "t"], kind="stable")
    last = np.searchsorted(able["key"].to_numpy(), _keys(online), side="right") - 1
    rows = able.index.to_numpy()[last]
    visits.loc[rows, "wish"] = online["number"].to_numpy()
    visits.loc[rows, "place"] = online["place"].to_numpy()
    visits.loc[rows, "family"] = online["family"].to_numpy()


def _on_the_way(wishes: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The visit that looks for a store some hours before going there: all whom the store will refuse, half of the others."""
    bound = wishes[(wishes["place"] == STORE) & (wishes["refused"] | happens(rng, 0.5, len(wishes)))]
    before = rng.integers(30 * 60_000, 3 * 3_600_000, len(bound))
    return pd.DataFrame({
        "person": bound["person"], "day": bound["day"], "platform": "web", "channel": DIRECT, "t": bound["t"] - before,
        "campaign": -1, "family": bound["family"],
        "intent": 1.0, "locator": True, "kiosk": -1, "wish": -1, "place": -1})


def _kiosks(wishes: pd.DataFrame, behaviour: Behaviour, start: dt.date, rng: np.random.Generator) -> pd.DataFrame:
    """Kiosk visits in stores: some buyers, most of the refused, and people who just walk in. The first kiosk has most of them."""
    bound = wishes[(wishes["place"] == STORE) & happens(rng, np.where(wishes["refused"], 0.7, 0.2))]
    days, count = behaviour.intent.shape
    walk = rng.poisson(0.0016 * days * count)
    person, day = rng.integers(0, count, walk), rng.integers(0, days, walk)
    walked = pd.DataFrame({"person": person, "day": day, "t": hours.utc(start, day, hours.drawn(rng, hours.OPENING, walk)),
        "family": behaviour.family[day, person].astype(np.int64), "store": rng.integers(0, len(STORES), walk)})
    both = stacked([bound[["person", "day", "t", "family", "store"]].assign(t=bound["t"] - 600_000), walked])
    kiosk = np.where(happens(rng, 0.25, len(both)), 0, both["store"] * 2 + rng.integers(0, 2, len(both)))
    return both.drop(columns="store").assign(platform="kiosk", channel=DIRECT, campaign=-1,
        intent=behaviour.intent[both["day"], both["person"]], locator=False, kiosk=kiosk, wish=-1, place=-1)


def _equip(visits: pd.DataFrame, population: Population, rng: np.random.Generator) -> pd.DataFrame:
    """A device for each visit: a purchase uses the one its place says, a family tablet takes a quarter of its household's web visits."""
    person, place = visits["person"].to_numpy(), visits["place"].to_numpy()
    phone, desktop, tablet, app = (population.of(f"{kind}_device", person) for kind in ("phone", "desktop", "tablet", "app"))
    on_phone = np.where(place < 0, happens(rng, population.of("phone_share", person)), place == PHONE)
    device = np.where((on_phone & (phone >= 0)) | (desktop < 0), phone, desktop)
    device = np.where((tablet >= 0) & (place < 0) & happens(rng, 0.25, len(visits)), tablet, device)
    return visits.assign(device=np.where(visits["platform"] == "app", app, np.where(visits["platform"] == "kiosk", -1, device)))


def numbered(visit: Array, of: Array) -> Array:
    """For rows that name their visit: its number, from 1, among the visits of the same device (visits are in order of time)."""
    seen, row = np.unique(visit, return_index=True)
    number = pd.Series(of[row]).groupby(of[row]).cumcount().to_numpy() + 1
    return np.asarray(number[np.searchsorted(seen, visit)], dtype=np.int64)


def _log_in(visits: pd.DataFrame, population: Population, rng: np.random.Generator) -> Array:
    """Marks sign-ups and logins; a login is possible only after the account exists."""
    person, never = visits["person"].to_numpy(), np.iinfo(np.int64).max
    opens = population.of("signs_up_on", person)
    web = (visits["platform"] == "web").to_numpy()
    candidate = np.flatnonzero(web & (opens >= 0) & (visits["day"].to_numpy() >= opens))
    who, position = np.unique(person[candidate], return_index=True)
    account_from = np.where((population.persons["known"] == LOGIN) & (population.persons["signs_up_on"] < 0), 0, never)
    account_from[who] = visits["t"].to_numpy()[candidate[position]]
    visits["signs_up"] = False
    visits.loc[candidate[position], "signs_up"] = True
    habit = visits["platform"].map({"web": 0.35, "app": 0.85, "content": 0.25, "kiosk": 0.5}).to_numpy()
    buys = visits["wish"].to_numpy() >= 0
    may = visits["t"].to_numpy() >= account_from[person]
    visits["logs_in"] = may & (happens(rng, habit) | (buys & happens(rng, 0.9, len(visits))) | visits["signs_up"].to_numpy())
    return account_from


def _orders(wishes: pd.DataFrame, goods: Offer, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One to three lines an order, the first in the family that was wanted; amounts in whole cents."""
    orders = wishes[["number", "person", "day", "t", "place", "family", "visit", "store"]].reset_index(drop=True)
    size = len(orders)
    online = (orders["place"] != STORE).to_numpy()
    numbers = np.where(online, 5_500_000_000_000 + orders.index.to_numpy() * 8, orders.index.to_numpy())
    orders["order_id"] = [str(n) if o else f"T{n:08d}" for n, o in zip(numbers, online, strict=True)]
    order = np.repeat(np.arange(size), choose(rng, (1, 2, 3), (62, 26, 12), size).astype(np.int64))
    first = begins(order)
    family = np.where(first, orders["family"].to_numpy()[order], choose(rng, range(4, 6), (1, 1), len(order)).astype(np.int64))
    product = goods.pick(rng, family)
    quantity = np.where(goods.price[product] < 60, choose(rng, (1, 2, 4), (70, 22, 8), len(order)).astype(np.int64), 1)
    cents = np.round(goods.price[product] * 100).astype(np.int64)
    discount = np.where(happens(rng, 0.2, len(order)), (cents * quantity) // 10, 0)
    items = pd.DataFrame({"order": order, "product": product, "quantity": quantity, "price_cents": cents,
        "discount_cents": discount})
    orders["amount_cents"] = np.bincount(order, weights=cents * quantity - discount, minlength=size).round().astype(np.int64)
    return orders, items
