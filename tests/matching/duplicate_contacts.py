"""A simulated world's customer base as profiles, without Spark, and how well groups of them find the contacts planted twice."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import pandas as pd

from wayprint.world import build

JUNK = {"test@test.com", "0000000000", ""}
Pair = tuple[str, str]


class Base(NamedTuple):
    profiles: pd.DataFrame  # unique_id, the values as typed, birth_year: what the lake keeps of a birth date
    truth: set[Pair]  # profiles of one person, the smaller id first
    logins: dict[str, str]  # profile -> login


def customer_base(folder: Path, people: int, seed: int, days: int = 10) -> Base:
    """Writes a world and reads its CRM files: contacts that share an identifier are one profile, which has the latest value of each field."""
    world = build(people, days, seed)
    world.write_raw(folder / "raw")
    world.write_truth(folder / "truth")
    rows = [row for file in sorted((folder / "raw/crm_contacts").iterdir()) for row in csv.DictReader(file.open(encoding="utf-8-sig"))]
    good = [row for row in rows if None not in row and None not in row.values() and not row["contact_id"].startswith("bad-")]
    states = pd.DataFrame(good).sort_values(["updated_at", "contact_id"], kind="stable")
    contacts = states.drop_duplicates("contact_id", keep="last").query("is_deleted == 'false'")
    shared = nx.Graph()
    for contact in contacts.to_dict("records"):
        shared.add_node(contact["contact_id"])
        phone = "0" + contact["phone"].replace(" ", "").removeprefix("+33").lstrip("0") if contact["phone"] not in JUNK else ""
        for kind, value in (("email", contact["email"].lower()), ("phone", phone), ("card", contact["loyalty_card"]), ("login", contact["customer_login"])):
            if value not in JUNK:
                shared.add_edge(contact["contact_id"], (kind, value))
    profile = {}
    for component in nx.connected_components(shared):
        ids = sorted(node for node in component if isinstance(node, str))
        profile |= dict.fromkeys(ids, ids[0])
    merged = contacts.assign(unique_id=contacts["contact_id"].map(profile)).replace("", None).groupby("unique_id", as_index=False).last()
    merged["birth_year"], merged["birth_date"] = merged["birth_date"].str[:4], None
    told = pd.read_csv(folder / "truth/duplicate_contacts.csv")
    pairs = {(profile[a], profile[b]) for a, b in zip(told["contact_id"], told["duplicate_contact_id"], strict=True) if a in profile and b in profile}
    logins = merged.dropna(subset=["customer_login"]).set_index("unique_id")["customer_login"].to_dict()
    return Base(merged, {(min(pair), max(pair)) for pair in pairs}, logins)


def pairs_of(groups: dict[str, str]) -> set[Pair]:
    """The pairs that stand in one group."""
    members: dict[str, list[str]] = {}
    for record, group in sorted(groups.items()):
        members.setdefault(group, []).append(record)
    return {(one, other) for group in members.values() for place, one in enumerate(group) for other in group[place + 1:]}


class Share(NamedTuple):
    right: int
    of: int

    @property
    def value(self) -> float:
        return self.right / self.of if self.of else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % bounds by Wilson (JASA 1927)."""
        if not self.of:
            return 0.0, 1.0
        z, p, n = 1.959964, self.value, self.of
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def f1(found: set[Pair], truth: set[Pair]) -> float:
    return 2 * len(found & truth) / (len(found) + len(truth))
