"""A thousand random edit scripts (insert, late insert, delete, block, unblock, split, join, undo, expire, erase), against a plain model.

All scripts run side by side in one graph, each with identifiers of its own. The model shares no code with the engine: it follows the
rules as conf/identity.yaml tells them, one link at a time, in a networkx graph.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import pytest

from wayprint.identity.decisions import decisions
from wayprint.identity.resolution import decide, judge_changes, list_refusals, map_identifiers, replaced_rows
from wayprint.identity.settings import Limit
from wayprint.session import cut
from wayprint.tables.identity import IDENTITY_DECISIONS, OBSERVATIONS

pytestmark = pytest.mark.spark
AS_OF = dt.date(2026, 7, 1)
KINDS = {"login": 1, "crm_id": 2, "email": 4, "phone": 6, "web_cookie": 11}
SCRIPTS, EDITS = 1000, (6, 26)
Pair = tuple[str, str]


@dataclass
class Script:
    """What one script did: sights of each pair (a name and None: alone), and decisions in order."""

    name: str
    rng: random.Random
    seen: dict[tuple[str, str | None], list[tuple[dt.datetime, int]]] = field(default_factory=dict)
    decided: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def run(self, edits: tuple[int, int] = EDITS) -> Script:
        names = [f"{kind}:{self.name}.{n}" for kind, many in (("login", 2), ("crm_id", 2), ("email", 4), ("phone", 2), ("web_cookie", 3)) for n in range(many)]
        for _ in range(self.rng.randint(*edits)):
            edit = self.rng.choice(["insert"] * 8 + ["late", "old", "delete", "block", "unblock", "split", "join", "undo", "erase", "alone"])
            one, other = sorted(self.rng.sample(names, 2), key=lambda n: (KINDS[n.split(":")[0]], n))
            day = dt.datetime(2026, 6, 1) - dt.timedelta(days={"late": 80, "old": 400}.get(edit, self.rng.randint(0, 20)), minutes=self.rng.randint(0, 9))
            if edit in ("insert", "late", "old"):
                self.seen.setdefault((one, other), []).append((day, self.rng.randint(1, 3)))
            elif edit == "alone":
                self.seen.setdefault((one, None), []).append((day, 1))
            elif edit == "delete" and self.seen:
                self.seen.pop(self.rng.choice(sorted(self.seen, key=str)))
            elif edit == "erase":
                self.seen = {pair: sights for pair, sights in self.seen.items() if one not in pair}
            elif edit in ("block", "unblock"):
                self.decided.append((edit, (one,)))
            elif edit in ("split", "join"):
                self.decided.append((edit, (one, other) if self.rng.random() < 0.5 else (other, one)))
            elif edit == "undo" and self.decided:
                self.decided.append(("undo", (str(self.rng.randrange(len(self.decided))),)))
        return self

    def in_force(self) -> tuple[set[str], set[Pair], set[Pair]]:
        """Blocked names, pairs split and joined: the last entry on a subject that nobody undid."""
        undone = {int(what[0]) for action, what in self.decided if action == "undo"}
        last: dict[frozenset[str], tuple[str, tuple[str, ...]]] = {}
        for number, (action, what) in enumerate(self.decided):
            if action != "undo" and number not in undone:
                last[frozenset(what)] = (action, what)
        pairs = {action: {tuple(sorted(what, key=lambda n: (KINDS[n.split(":")[0]], n))) for said, what in last.values() if said == action} for action in ("split", "join")}
        return {what[0] for action, what in last.values() if action == "block"}, pairs["split"], pairs["join"]  # type: ignore[return-value]


def model(script: Script, knobs: Any) -> dict[str, str | None]:
    """Whose each identifier is."""
    blocked, split, joined = script.in_force()
    first = {}
    for pair, sights in script.seen.items():
        for name in filter(None, pair):
            first[name] = min([first.get(name, sights[0][0]), *(day for day, _ in sights)])
    links: dict[Pair, tuple[bool, int, dt.datetime]] = {}
    for (one, other), sights in script.seen.items():
        if other:
            links[one, other] = ((one, other) in joined, sum(n for _, n in sights), max(day for day, _ in sights))
    links |= {pair: (True, 0, dt.datetime(1, 1, 1)) for pair in joined if pair not in links}  # waits where an end was never seen

    def kind(name: str) -> str:
        return name.split(":")[0]

    def expired(pair: Pair) -> bool:
        days = [d for name in pair if (d := knobs.types[kind(name)].expires_after)]
        decided, _, last = links[pair]
        return not decided and bool(days) and last.date() < AS_OF - dt.timedelta(days=min(days))

    def crowded(name: str) -> bool:
        """Whether more devices than its type may be met are first seen with it, ever or in some window of days."""
        met = [min(day for day, _ in script.seen[p]) for p in counting if name in p and p in script.seen and kind(p[0] if p[1] == name else p[1]) == "web_cookie"]
        return any(
            sum(limit.days is None or day - dt.timedelta(days=limit.days) < other <= day for other in met) > limit.most
            for limit in knobs.types[kind(name)].devices for day in met)

    counting = [pair for pair in links if not expired(pair) and not blocked & set(pair)]
    nobodys: dict[str, str] = dict.fromkeys(blocked & set(first), "blocklist")
    for name in set(first) - set(nobodys):
        near = [p[0] if p[1] == name else p[1] for p in counting if name in p]
        people = [n for n in near if kind(n) != "web_cookie"]
        stronger = [n for n in people if KINDS[kind(n)] < KINDS[kind(name)]]
        weaker = [n for n in people if KINDS[kind(n)] >= KINDS[kind(name)]]
        most = knobs.types[kind(name)].fan_out
        if kind(name) == "web_cookie" and len({n for n in near if kind(n) == "login"}) >= 2:
            nobodys[name] = "shared_device"
        if (most is not None and len(stronger) > most) or len(weaker) > knobs.hub_links or (crowded(name) and name not in nobodys):
            nobodys[name] = "fan_out"
    standing = [p for p in counting if not set(p) & set(nobodys) and set(p) <= set(first)]
    order = sorted(standing, key=lambda p: (not links[p][0], -links[p][1], -links[p][2].timestamp() if links[p][2].year > 1 else 0, hashed(p[0]), hashed(p[1])))
    owners: dict[str, str | None] = dict.fromkeys(nobodys)
    whole = nx.Graph()
    whole.add_nodes_from(set(first) - set(nobodys))
    whole.add_edges_from(standing)
    for component in nx.connected_components(whole):
        for group in parts(component, [p for p in order if p[0] in component], split, kind, knobs):
            oldest = min(group, key=lambda n: (first[n], hashed(n)))
            owners.update(dict.fromkeys(group, hashlib.sha256(f"person|{hashed(oldest)}".encode()).hexdigest()[:32]))
        owners.update({name: None for name in component if name not in owners})
    return owners


def parts(component: set[str], order: list[Pair], split: set[Pair], kind: Any, knobs: Any) -> list[set[str]]:
    """The persons of a component: itself where it breaks nothing, else what strongest-first leaves; shared devices are in none."""
    def possible(names: set[str]) -> bool:
        counts = Counter(map(kind, names))
        return all(counts[k] <= limit.most for k, known in knobs.types.items() for limit in known.all_limits) and not any(set(p) <= names for p in split)

    if possible(component):
        return [component]
    graph = nx.Graph()
    graph.add_nodes_from(component)

    def believe(pair: Pair) -> None:
        graph.add_edge(*pair)
        if not possible(nx.node_connected_component(graph, pair[0])):
            graph.remove_edge(*pair)

    for pair in order:
        if "web_cookie" not in map(kind, pair):
            believe(pair)
    shared = set()
    for device in (n for n in component if kind(n) == "web_cookie"):
        people = [n for p in order if device in p for n in p if kind(n) != "web_cookie"]
        if len({n for person in people for n in nx.node_connected_component(graph, person) if kind(n) == "login"}) >= 2:
            shared.add(device)
    for pair in order:
        if "web_cookie" in map(kind, pair) and not shared & set(pair):
            believe(pair)
    graph.remove_nodes_from(shared)
    return list(nx.connected_components(graph))


def hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@pytest.fixture
def tight(knobs: Any) -> Any:
    """Limits that a script of few identifiers meets."""
    given = {
        "email": {"limits": (Limit(most=2),), "fan_out": 2, "devices": (Limit(most=1, days=3),)}, "phone": {"fan_out": 1, "devices": (Limit(most=1),)},
        "web_cookie": {"expires_after": 90}, "crm_id": {"limits": (Limit(most=1),)}}
    return knobs.model_copy(update={"hub_links": 4, "types": {n: k.model_copy(update=given.get(n, {})) for n, k in knobs.types.items()}})


def observed(scripts: list[Script]) -> list[dict[str, Any]]:
    return [
        {"observation_id": f"{one}{other}{turn}", "identifier_id": hashed(one), "identifier_type": one.split(":")[0], "other_id": hashed(other) if other else None,
         "other_type": other.split(":")[0] if other else None, "source": "web", "first_seen_at": day, "last_seen_at": day, "sightings": often}
        for script in scripts for (one, other), sights in script.seen.items() for turn, (day, often) in enumerate(sights)]


def told(scripts: list[Script]) -> list[dict[str, Any]]:
    made = []
    for script in scripts:
        ids: list[str] = []
        for second, (action, what) in enumerate(script.decided):
            at = dt.datetime(2026, 6, 1, 0, second // 60, second % 60)
            subjects = [(None, ids[int(what[0])])] if action == "undo" else [(n.split(":")[0], hashed(n)) for n in what]
            (row,) = decisions(action, subjects, at, script.name, None)
            ids.append(row[0])
            made.append(dict(zip(IDENTITY_DECISIONS.column_names, row, strict=True)))
    return made


def test_a_thousand_edit_scripts_end_as_the_model_says_ids_included(rows, tight):
    scripts = [Script(str(n), random.Random(n)).run() for n in range(SCRIPTS)]
    ledger = decide(rows(OBSERVATIONS, *observed(scripts)).repartition(4), rows(IDENTITY_DECISIONS, *told(scripts)), tight, AS_OF)
    found = {r.identifier_id: r.person_id for r in map_identifiers(ledger).collect()}
    expected = {hashed(name): owner for script in scripts for name, owner in model(script, tight).items()}
    assert found.keys() == expected.keys()
    wrong = {script.name for script in scripts for name in model(script, tight) if found[hashed(name)] != expected[hashed(name)]}
    assert not wrong, f"{len(wrong)} scripts, the first {sorted(wrong, key=int)[:3]}"
    rules = Counter(r.rule for r in ledger.where("rule is not null").select("rule").collect())
    assert set(rules) >= {"blocklist", "expired", "shared_device", "fan_out", "split", "unique_conflict", "max_per_person", "never_seen"}, rules
    crowds = Counter(" days" in r.reason for r in ledger.where("kind = 'identifier' and reason like '% of type web_cookie%'").collect())
    assert min(crowds[True], crowds[False]) > 5, crowds


def test_what_edits_concern_judged_anew_equals_a_rebuild_ids_and_audit_included(rows, tight):
    """Batch after batch a tenth of the scripts go on while the days pass. Desks seen with the accounts of many scripts, and addresses
    tied to too many, stand between regions; an e-mail may be tied to two accounts."""
    types = {**tight.types, "email": tight.types["email"].model_copy(update={"links": {"login": 1, "phone": 2}})}
    settings = tight.model_copy(update={"types": types, "region_from": 0, "region_share": 9.0})
    scripts, rng = [Script(str(n), random.Random(n)).run() for n in range(SCRIPTS)], random.Random(5)
    for desk in range(40):
        scripts.append(Script(f"desk {desk}", rng))
        for script in rng.sample(scripts[:SCRIPTS], 6):
            for pair in ((f"login:{script.name}.0", f"web_cookie:desk.{desk}"), (f"crm_id:{script.name}.0", f"email:desk.{desk}")):
                scripts[-1].seen[pair] = [(dt.datetime(2026, 3, 10), 1)]
    before: dict[str, Any] = {}
    rules: Counter[str] = Counter()
    for as_of in (dt.date(2026, 6, 5), dt.date(2026, 6, 20), dt.date(2026, 6, 20), dt.date(2026, 6, 19)):
        if before:
            for script in rng.sample(scripts[:SCRIPTS], SCRIPTS // 10):
                script.run((1, 3))
            scripts[SCRIPTS + rng.randrange(40)].seen.popitem()
        now = {OBSERVATIONS.name: observed(scripts), IDENTITY_DECISIONS.name: told(scripts)}
        seen, decided = (cut(rows(t, *now[t.name])) for t in (OBSERVATIONS, IDENTITY_DECISIONS))
        whole = cut(decide(seen, decided, settings, as_of))
        rebuilt = {"map": kept(map_identifiers(whole)), "audit": kept(list_refusals(whole))}
        if before:
            changed = [rows(t, *moved(before[t.name], now[t.name])) for t in (OBSERVATIONS, IDENTITY_DECISIONS)]
            ledger, region = judge_changes(seen, decided, *changed, before["map"], before["audit"], settings, as_of, before["as_of"])
            assert region is not None
            audit_before, _, map_before = replaced_rows((ledger, region), before["audit"], before["map"])
            assert 0 < region.members.count() < len(rebuilt["map"]) / 2
            found = {
                "map": before["map"].exceptAll(map_before).unionAll(map_identifiers(ledger)),
                "audit": before["audit"].exceptAll(audit_before).unionAll(list_refusals(ledger))}
            for name in ("map", "audit"):
                now_found = kept(found[name])
                more, less = now_found - rebuilt[name], rebuilt[name] - now_found
                assert (more, less) == (Counter(), Counter()), (name, as_of)
        before = {**now, "map": cut(map_identifiers(whole)), "audit": cut(list_refusals(whole)), "as_of": as_of}
        rules.update(r.rule for r in before["audit"].select("rule").collect())
    assert set(rules) >= {"blocklist", "expired", "shared_device", "fan_out", "split", "unique_conflict", "max_per_person", "links_per_identifier"}, rules


def moved(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that are only in one of the two: both images of what changed."""
    sides = [{str(row): row for row in rows} for rows in (before, now)]
    return [side[key] for side, other in (sides, sides[::-1]) for key in side if key not in other]


def kept(frame: Any) -> Counter[str]:
    return Counter(map(str, frame.collect()))
