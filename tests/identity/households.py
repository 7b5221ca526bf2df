"""A small town: households with logins, cards, e-mails and devices, family tablets, counters in stores, and junk values."""

from __future__ import annotations

import datetime as dt
import hashlib

import numpy as np
import pandas as pd

START = dt.datetime(2026, 1, 1)
JUNK = "email:junk@test.com"


def ident(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


class Town:
    """`observations` as promised by the table, `truth` as the scorer wants it."""

    def __init__(self, seed: int, people: int = 300):
        self.rng, self.seed = np.random.default_rng(seed), seed
        self.seen: list[tuple[str, str | None, int, int]] = []
        self.owners: list[tuple[str, int]] = []
        person = 0
        while person < people:
            size = int(self.rng.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.15, 0.1]))
            self.settle(range(person, person + size))
            person += size
        self.observations = self.as_observations()
        self.truth = self.as_truth()

    def settle(self, home: range) -> None:
        logins = [self.live(person) for person in home]
        with_login = [login for login in logins if login]
        tablet = f"web_cookie:{self.seed}-tablet-{home[0]}"
        for person, login in zip(home, logins, strict=True):
            if login and len(with_login) > 1 and self.chance(0.6):
                self.see(person, login, tablet)
            if login and self.chance(0.1):
                self.see(person, login, f"app_device:{self.seed}-counter-{int(self.rng.integers(3))}")

    def live(self, person: int) -> str | None:
        """One person's year; the login, if there is one."""
        own = f"{self.seed}-{person}"
        emails = [f"email:{own}-{n}" for n in range(int(self.rng.choice([1, 2, 3], p=[0.65, 0.25, 0.1])))]
        cookies = [f"web_cookie:{own}-{n}" for n in range(1 + int(self.rng.poisson(1.0)))]
        login = f"login:{own}" if self.chance(0.6) else None
        for cookie in cookies:
            self.see(person, cookie, f"ga_client:{cookie}")
            if login:
                self.see(person, login, cookie)
            elif self.chance(0.7):
                self.see(person, emails[0], cookie)
        if not login:
            return None
        for email in emails:
            self.see(person, login, email)
        lead = login
        if self.chance(0.5):
            lead = f"crm_id:{own}"
            self.see(person, login, lead)
        if self.chance(0.5):
            self.see(person, lead, f"loyalty_card:{own}")
        if self.chance(0.7):
            self.see(person, lead, f"phone:{own}")
        if self.chance(0.4):
            self.see(person, login, f"app_device:{own}")
            self.see(person, f"app_device:{own}", f"maid:{own}")
        if self.chance(0.05):
            self.see(person, login, JUNK)
        return login

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def see(self, person: int, lead: str, other: str) -> None:
        self.seen.append((lead, other, int(self.rng.integers(365 * 86_400)), 1 + int(self.rng.poisson(3))))
        self.owners += [(lead, person), (other, person)]

    def as_observations(self) -> pd.DataFrame:
        lead, other, at, often = zip(*self.seen, strict=True)
        first = [START + dt.timedelta(seconds=s) for s in at]
        frame = pd.DataFrame({
            "identifier_id": [ident(n) for n in lead], "identifier_type": [n.split(":")[0] for n in lead],
            "other_id": [ident(n) for n in other], "other_type": [n.split(":")[0] for n in other], "source": "web", "sync_point": "login",
            "first_seen_at": first, "last_seen_at": [t + dt.timedelta(days=n) for t, n in zip(first, often, strict=True)], "sightings": often})
        return frame.assign(observation_id=[ident(f"{self.seed}|{n}") for n in range(len(frame))])

    def as_truth(self) -> pd.DataFrame:
        named = pd.DataFrame(self.owners, columns=["name", "true_person"]).drop_duplicates()
        owners = named.groupby("name")["true_person"].transform("size")
        return named.assign(identifier_id=named["name"].map(ident), is_shared=owners > 1, is_junk=named["name"] == JUNK)
