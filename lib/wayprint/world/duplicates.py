"""Second contacts that share no identifier with the first: another e-mail, no card, no login, the phone missing or a digit wrong.

One person in sixteen of the customer base (about 4 % of all people) has one. Whoever typed it knew the person, so name and address are
there, each in one of a few variations; no record ties the two contacts, and only name, address, year of birth and phone tell.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd

from wayprint.world import france, hours
from wayprint.world.chance import Array, choose, happens, stream
from wayprint.world.people import NOBODY
from wayprint.world.scene import Scene

SHARE = 1 / 16
NAMES = {"same": 20, "accents_lost": 22, "typo": 20, "nickname": 10, "initial": 8, "maiden_name": 10, "swapped": 10}
ADDRESSES = {"same": 45, "abbreviated": 37, "moved": 18}
PHONES = {"missing": 45, "wrong_digit": 55}
BIRTHS = {"same": 65, "missing": 25, "day_and_month_swapped": 10}
SHORT = {"boulevard": "bd", "avenue": "av", "place": "pl", "allée": "all.", "chemin": "ch.", "impasse": "imp.", "route": "rte", "rue": "r.",
    "Saint": "St", "Général": "Gal"}
NICKNAMES = {"Françoise": "Fanfan", "Aurélie": "Lili", "Camille": "Cam", "Nathalie": "Nath", "Sophie": "Soph", "Frédéric": "Fred",
    "Sébastien": "Seb", "Nicolas": "Nico", "Maxime": "Max", "Stéphane": "Steph", "Antoine": "Toine", "Mohamed": "Momo",
    "Raphaël": "Raph", "Cédric": "Ced", "Benoît": "Ben", "Margaux": "Margot", "Élodie": "Elo", "Clémence": "Clem", "Noémie": "Nono"}


def duplicates(scene: Scene) -> pd.DataFrame:
    """One row a second contact: person, contact, t (when it was written), its fields as typed, and which variation each of them is.

    `name`, `address`, `phone_kind`, `birth` say which. A variation that the person does not allow (no accent to lose, no phone) is "same"
    or, for a phone, "missing". Who has moved keeps the name, or nobody could know.
    """
    rng = stream(scene.seed, "duplicates")
    people = scene.population.persons
    chosen = np.flatnonzero((people["known"] != NOBODY).to_numpy() & happens(rng, SHARE, len(people)))
    count = len(chosen)
    kinds = {kind: choose(rng, list(shares), list(shares.values()), count) for kind, shares in
        (("name", NAMES), ("address", ADDRESSES), ("phone_kind", PHONES), ("birth", BIRTHS))}
    day = rng.integers(0, scene.days, count)
    numbers = set(people["phone"])
    rows = []
    for place, person in enumerate(chosen.tolist()):
        known = people.iloc[person]
        address = str(kinds["address"][place])
        name, first, last = _named(rng, str(kinds["name"][place]), known, is_still_here=address != "moved")
        street, town = str(known["street"]), int(known["town"])
        if address == "abbreviated":
            street = _short(street)
        elif address == "moved":
            street, town = f"{rng.integers(1, 180)} {rng.choice(france.STREETS)}", int(rng.integers(len(france.TOWNS)))
        phone = _wrong(rng, str(known["phone"])) if kinds["phone_kind"][place] == "wrong_digit" and known["phone"] else ""
        phone = "" if phone in numbers else phone
        birth = str(known["birth_date"])
        birth, told = _birth(birth, str(kinds["birth"][place]))
        email = _plain(f"{last}{first[:2]}{person}b") + f"@{rng.choice(france.MAIL_HOSTS)}" if rng.random() < 0.6 else ""
        rows.append((person, f"CT{60_000_000 + person}", name, first, last, address, street, france.TOWNS[town][1], france.TOWNS[town][0],
            "wrong_digit" if phone else "missing", phone, told, birth, email))
    found = pd.DataFrame(rows, columns=["person", "contact", "name", "first_name", "last_name", "address", "street", "postal_code", "city",
        "phone_kind", "phone", "birth", "birth_date", "email"]).astype({"person": np.int64})  # also without a row
    return found.assign(t=hours.midnight(scene.start) + day * hours.DAY + 41_000_000)


def _named(rng: np.random.Generator, kind: str, known: pd.Series[str], is_still_here: bool) -> tuple[str, str, str]:
    first, last = known["first_name"], known["last_name"]
    if kind == "typo":
        return (kind, first, _typo(rng, last)) if rng.random() < 0.5 else (kind, _typo(rng, first), last)
    if kind == "maiden_name" and known["gender"] == "F" and is_still_here:
        return kind, first, str(rng.choice([name for name in france.SURNAMES if name != last]))
    if kind == "nickname" and first in NICKNAMES and is_still_here:
        return kind, NICKNAMES[first], last
    if kind == "initial" and is_still_here:
        return kind, f"{first[0]}.", last
    if kind == "swapped":
        return kind, last, first
    plain = _unaccented(first).upper(), _unaccented(last).upper()
    if kind == "accents_lost" and plain != (first.upper(), last.upper()):
        return kind, *plain
    return "same", first, last


def _typo(rng: np.random.Generator, word: str) -> str:
    """One letter lost, doubled or exchanged with the next; never the first."""
    at = int(rng.integers(1, len(word) - 1))
    return (word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:], word[:at] + word[at + 1] + word[at] + word[at + 2 :])[int(rng.integers(3))]


def _wrong(rng: np.random.Generator, phone: str) -> str:
    """The number with one of its last seven digits another one."""
    at = int(rng.integers(len(phone) - 7, len(phone)))
    return phone[:at] + str((int(phone[at]) + int(rng.integers(1, 10))) % 10) + phone[at + 1 :]


def _birth(birth: str, kind: str) -> tuple[str, str]:
    year, month, day = birth.split("-")
    if kind == "missing":
        return "", kind
    if kind == "day_and_month_swapped" and int(day) <= 12 and day != month:
        return f"{year}-{day}-{month}", kind
    return birth, "same"


def _short(street: str) -> str:
    for word, short in SHORT.items():
        street = street.replace(word, short)
    return _unaccented(street)


def _unaccented(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _plain(text: str) -> str:
    return "".join(c for c in _unaccented(text).lower() if c.isalnum())


def variations(scene: Scene) -> pd.DataFrame:
    """Truth: both contacts' ids, the true person, and how each part varies."""
    found = duplicates(scene)
    first: Array = scene.population.of("contact", found["person"].to_numpy())
    return pd.DataFrame({"contact_id": first, "duplicate_contact_id": found["contact"], "true_person": found["person"], "name": found["name"],
        "address": found["address"], "phone": found["phone_kind"], "birth": found["birth"]})
