"""The people: households, names, addresses, identifiers, consents and devices."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wayprint.world import france
from wayprint.world.chance import Array, choose, distinct, happens, objects, stream, uuids
from wayprint.world.rows import stacked

# Purpose: share that granted and that denied; the rest was never asked.
CONSENTS = {
    "email_marketing": (0.60, 0.22), "sms_marketing": (0.35, 0.35), "advertising": (0.45, 0.30), "profiling": (0.50, 0.25),
    "analytics": (0.65, 0.20)}
# How people may be known: with a login, by loyalty card only, by the newsletter only, not at all.
LOGIN, CARD, NEWSLETTER, NOBODY = "login", "card", "newsletter", "nobody"
PHONE_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.156 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/519.0.0.41.70]")
DESKTOP_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0")
TABLET_AGENT = "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1"


@dataclass(frozen=True)
class Population:
    """`persons`: one row a person, its position is the true person. `devices`: one row a browser or app installation;
    the devices a person uses are in `persons` (`phone_device`, `desktop_device`,
    `tablet_device`, `app_device`; -1 where there is none)."""

    persons: pd.DataFrame
    devices: pd.DataFrame

    def of(self, column: str, persons: Array) -> Array:
        """A column's values for the given persons."""
        return np.asarray(self.persons[column].to_numpy()[persons])


def population(people: int, days: int, seed: int, start: dt.date) -> Population:
    """`people` persons in households of 1 to 4; about 45 % have a login, a third is never known by name."""
    rng = stream(seed, "people")
    sizes = choose(rng, (1, 2, 3, 4), (45, 30, 15, 10), people).astype(np.int64)
    household = np.repeat(np.arange(people), sizes)[:people]
    persons = pd.DataFrame({"household": household})
    _name(persons, rng, start)
    _identify(persons, rng, days)
    _ask_consent(persons, rng, start)
    _taste(persons, rng)
    return Population(persons, _devices(persons, rng, days))


def _name(persons: pd.DataFrame, rng: np.random.Generator, start: dt.date) -> None:
    count, homes = len(persons), int(persons["household"].max()) + 1
    home = persons["household"].to_numpy()
    woman = happens(rng, 0.52, count)
    persons["gender"] = np.where(woman, "F", "M")
    persons["first_name"] = np.where(woman, choose(rng, france.WOMEN, np.ones(len(france.WOMEN)), count),
        choose(rng, france.MEN, np.ones(len(france.MEN)), count))
    surname = choose(rng, france.SURNAMES, 1 / np.arange(8, 8 + len(france.SURNAMES)), homes)[home]
    other = choose(rng, france.SURNAMES, np.ones(len(france.SURNAMES)), count)
    persons["last_name"] = np.where(happens(rng, 0.12, count), other, surname)
    persons["town"] = choose(rng, range(len(france.TOWNS)), [t[5] for t in france.TOWNS], homes)[home].astype(np.int64)
    street = choose(rng, france.STREETS, np.ones(len(france.STREETS)), homes)
    door = rng.integers(1, 180, homes)
    persons["street"] = objects([f"{n} {s}" for n, s in zip(door, street, strict=True)])[home]
    age = np.clip(rng.normal(44, 15, count), 18, 90)
    born = np.datetime64(start, "D") - (age * 365.25).astype("timedelta64[D]")
    persons["birth_date"] = born.astype(str).astype(object)
    persons["language"] = choose(rng, ("fr", "en", "de"), (96, 3, 1), count)


def _identify(persons: pd.DataFrame, rng: np.random.Generator, days: int) -> None:
    count = len(persons)
    everybody = np.arange(count)
    known = choose(rng, (LOGIN, CARD, NEWSLETTER, NOBODY), (45, 10, 8, 37), count)
    persons["known"] = known
    in_crm = known != NOBODY
    login = known == LOGIN
    # A quarter of the accounts is opened during the simulated time, at the first visit from that day on.
    persons["signs_up_on"] = np.where(login & happens(rng, 0.25, count), rng.integers(0, max(days, 1), count), -1)
    persons["login"] = np.where(login, objects([f"C{n:08d}" for n in distinct(everybody, 99_999_989, rng)]), "")
    has_card = (known == CARD) | (login & happens(rng, 0.45, count))
    persons["loyalty_card"] = np.where(has_card, objects([f"29{n:011d}" for n in distinct(everybody, 9_999_999_967, rng)]), "")
    number = distinct(everybody, 79_999_987, rng)
    lines = objects([f"+336{'01245678'[n // 10_000_000]}{n % 10_000_000:07d}" for n in number])
    persons["phone"] = np.where(in_crm & ((known == CARD) | happens(rng, 0.7, count)), lines, "")
    plain = [_letters(f"{first}.{last}") for first, last in zip(persons["first_name"], persons["last_name"], strict=True)]
    hosts = [choose(rng, france.MAIL_HOSTS, france.MAIL_WEIGHTS, count) for _ in range(3)]
    persons["email_1"] = objects([f"{p}{i}@{h}" for i, (p, h) in enumerate(zip(plain, hosts[0], strict=True))])
    second = objects([f"{p[0]}{p.split('.')[1]}.{i}@{h}" for i, (p, h) in enumerate(zip(plain, hosts[1], strict=True))])
    third = objects([f"{p.split('.')[1]}-{i}@{h}" for i, (p, h) in enumerate(zip(plain, hosts[2], strict=True))])
    aliases = rng.random(count)
    persons["email_2"] = np.where(aliases < 0.35, second, "")
    persons["email_3"] = np.where(aliases < 0.10, third, "")
    # Who has given an e-mail address before buying; a guest gives one with the first order.
    persons["has_email"] = login | (known == NEWSLETTER)
    persons["contact"] = np.where(in_crm, objects([f"CT{n:07d}" for n in distinct(everybody, 9_999_991, rng)]), "")
    persons["second_contact"] = np.where(login & (persons["phone"] != "") & has_card & happens(rng, 0.08, count),
        objects([f"CT{n}" for n in 50_000_000 + everybody]), "")
    customer = 6_100_000_000_000 + distinct(everybody, 999_999_937, rng) * 16
    persons["shop_customer_1"] = objects([str(n) for n in customer])
    persons["shop_customer_2"] = objects([str(n + 7) for n in customer])
    persons["mail_person"] = np.where(persons["has_email"],
        objects([f"01K{n:023d}" for n in distinct(everybody, 99_999_989, rng) * 1013]), "")


def _ask_consent(persons: pd.DataFrame, rng: np.random.Generator, start: dt.date) -> None:
    count = len(persons)
    asked = (persons["known"] != NOBODY).to_numpy()
    for purpose, (granted, denied) in CONSENTS.items():
        drawn = rng.random(count)
        answer = np.where(drawn < granted, "true", np.where(drawn < granted + denied, "false", ""))
        if purpose not in ("analytics", "advertising"):  # these two are asked by the cookie banner too
            answer = np.where(asked, answer, "")
        # The newsletter's own readers asked for it.
        persons[purpose] = np.where((persons["known"] == NEWSLETTER) & (purpose == "email_marketing"), "true", answer)
    since = rng.integers(5, 900, count)
    persons["consent_date"] = (np.datetime64(start, "D") - since.astype("timedelta64[D]")).astype(str).astype(object)


def _taste(persons: pd.DataFrame, rng: np.random.Generator) -> None:
    count = len(persons)
    persons["taste"] = rng.normal(0, 1, count)  # lasting part of the intent
    known = persons["known"].to_numpy()
    app = (known == LOGIN) & happens(rng, 0.30, count)
    store = np.where(known == CARD, 0.85, np.where(known == LOGIN, 0.28, 0.38)) * rng.uniform(0.6, 1.15, count)
    phone = rng.uniform(0.35, 0.8, count)
    persons["has_app"] = app
    persons["buys_in_store"] = np.where(app, 0.7 * store, store)
    persons["buys_in_app"] = np.where(app, (1 - persons["buys_in_store"]) * 0.45, 0.0)
    persons["phone_share"] = phone  # of web visits and web purchases
    persons["owns_connected"] = app & happens(rng, 0.35, count)
    # E-mails a week: the only thing that decides the pressure, so that its effect can be measured.
    persons["emails_per_week"] = choose(rng, (1.0, 2.0, 3.0, 6.0), (38, 34, 18, 10), count).astype(float)
    persons["bad_mailbox"] = happens(rng, 0.015, count)


def _devices(persons: pd.DataFrame, rng: np.random.Generator, days: int) -> pd.DataFrame:
    """Every browser with its cookie (and the one after clearing it), and every app installation with its ids."""
    count = len(persons)
    desktop = happens(rng, 0.6, count)
    phone = ~desktop | happens(rng, 0.8, count)
    persons["phone_share"] = np.where(phone, np.where(desktop, persons["phone_share"], 1.0), 0.0)
    home = persons["household"].to_numpy()
    logins = np.bincount(home, weights=(persons["known"] == LOGIN).astype(float))
    homes = np.flatnonzero((logins >= 2) & happens(rng, 0.35, len(logins)))  # family tablets
    frames, first = [], 0
    for kind, owners in (("phone", np.flatnonzero(phone)), ("desktop", np.flatnonzero(desktop)),
        ("app", np.flatnonzero(persons["has_app"])), ("tablet", homes)):
        size = len(owners)
        agents = {"phone": PHONE_AGENTS, "desktop": DESKTOP_AGENTS, "app": PHONE_AGENTS[:4], "tablet": (TABLET_AGENT,)}[kind]
        frames.append(pd.DataFrame({
            "kind": kind, "owner": owners if kind != "tablet" else -1, "household": owners if kind == "tablet" else home[owners],
            "agent": choose(rng, agents, (30, 10, 30, 25, 5)[: len(agents)], size), "cookie": uuids(rng, size),
            "next_cookie": uuids(rng, size),
            "clears_on": np.where(happens(rng, 0.15, size) & (kind != "tablet"), rng.integers(0, max(days, 1), size), days + 1),
            "network_id": uuids(rng, size),
            "ga_client": objects([f"{a}.{b}" for a,
            b in zip(rng.integers(10**8, 2 * 10**9, size), rng.integers(17 * 10**8, 1767 * 10**6, size), strict=True)]),
            "app_id": uuids(rng, size), "maid": uuids(rng, size)}))
        column = np.full(count, -1)
        if kind == "tablet":
            of_home = np.full(len(logins), -1)
            of_home[owners] = first + np.arange(size)
            column = of_home[home]
        else:
            column[owners] = first + np.arange(size)
        persons[f"{kind}_device"] = column
        first += size
    devices = stacked(frames)
    skewed = happens(rng, 0.012, len(devices)) & (devices["kind"] != "app").to_numpy()
    shift = choose(rng, (-3 * 365 * 86_400, -40 * 86_400, -7_200, 5_400, 86_400, 30 * 86_400), (1, 1, 3, 3, 2, 1),
        len(devices)).astype(np.int64)
    devices["clock_shift_s"] = np.where(skewed, shift, 0)
    return devices


def _letters(text: str) -> str:
    """Lower case without accents, hyphens and spaces: what people put into an address."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return plain.replace("-", "").replace(" ", "").replace("'", "")
