"""Taking apart components that would be an impossible person."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import networkx as nx
import pandas as pd
import pytest

from wayprint.identity.conflicts import MEMBERS, settle
from wayprint.identity.settings import Limit


def component(*lines: str, days: dict[str, int] | None = None) -> pd.DataFrame:
    """`"login:a email:x 3"` is a link seen three times, `"split login:a email:x"` a decision; an identifier's id is its whole text."""
    made, nodes = [], set()
    for line in lines:
        first, *rest = line.split()
        kind, left, right = ("split", *rest) if first == "split" else ("link", first, rest[0])
        often = int(rest[1]) if kind == "link" else 0
        nodes |= {left, right}
        made.append((kind, left, left.split(":")[0], right, right.split(":")[0], False, often, None, pd.Timestamp("2026-01-01")))
    first = {n: pd.Timestamp("2026-01-01") + pd.Timedelta(days=(days or {}).get(n, 0)) for n in nodes}
    made += [("identifier", n, n.split(":")[0], None, None, None, None, first[n], None) for n in sorted(nodes)]
    return pd.DataFrame(made, columns=[c for c in MEMBERS if c != "root"])


def verdicts(settled: pd.DataFrame) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """Root of each identifier that is somebody's, and rule of each refused link."""
    nodes = settled[(settled["kind"] == "identifier") & settled["rule"].isna()]
    links = settled[settled["kind"] == "link"]
    return (dict(zip(nodes["identifier_id"], nodes["root"], strict=True)),
            dict(zip(zip(links["identifier_id"], links["other_id"], strict=True), links["rule"], strict=True)))


def test_two_logins_with_one_email_stay_two_and_the_email_goes_where_it_was_seen_more(knobs: Any) -> None:
    roots, refused = verdicts(settle(component("login:ann email:x 2", "login:bob email:x 5"), knobs))
    assert roots["email:x"] == roots["login:bob"] != roots["login:ann"]
    assert refused == {("login:ann", "email:x"): "unique_conflict"}


def test_of_equally_often_seen_links_the_latest_wins(knobs: Any) -> None:
    links = component("login:ann email:x 2", "login:bob email:x 2")
    links.loc[0, "last_seen_at"] = pd.Timestamp("2026-02-01")
    roots, _ = verdicts(settle(links, knobs))
    assert roots["email:x"] == roots["login:ann"]


def test_more_emails_than_a_person_has_are_refused_from_the_weakest(knobs: Any) -> None:
    roots, refused = verdicts(settle(component(*[f"login:ann email:{n} {n}" for n in range(1, 8)]), knobs))
    assert refused == {("login:ann", "email:1"): "max_per_person", ("login:ann", "email:2"): "max_per_person"}
    assert len(set(roots.values())) == 3


def test_a_device_between_two_persons_with_logins_is_nobodys_though_only_one_logged_in_on_it(knobs: Any) -> None:
    lines = ("login:ann web_cookie:tablet 50", "email:bob web_cookie:tablet 9", "login:bob email:bob 1", "web_cookie:tablet ga_client:t 3")
    roots, refused = verdicts(settle(component(*lines), knobs))
    assert roots == {"login:ann": "login:ann", "login:bob": "email:bob", "email:bob": "email:bob", "ga_client:t": "ga_client:t"}
    assert set(refused.values()) == {"shared_device"}
    assert len(refused) == 3


def test_devices_in_a_row_between_two_logins_part_at_the_weakest_link(knobs: Any) -> None:
    lines = ("login:ann web_cookie:1 5", "web_cookie:1 ga_client:g 3", "web_cookie:2 ga_client:g 2", "login:bob web_cookie:2 5")
    roots, refused = verdicts(settle(component(*lines), knobs))
    assert refused == {("web_cookie:2", "ga_client:g"): "unique_conflict"}
    assert roots["ga_client:g"] == roots["login:ann"] != roots["login:bob"]


def test_two_that_somebody_split_part_at_the_weakest_link_between_them(knobs: Any) -> None:
    roots, refused = verdicts(settle(component("login:ann email:x 2", "email:x phone:p 5", "split login:ann phone:p"), knobs))
    assert refused == {("login:ann", "email:x"): "split"}
    assert roots["email:x"] == roots["phone:p"] != roots["login:ann"]


def test_what_somebody_joined_is_believed_before_all_sightings(knobs: Any) -> None:
    links = component("login:ann email:x 0", "login:bob email:x 50")
    links.loc[0, "decided"] = True
    roots, refused = verdicts(settle(links, knobs))
    assert roots["email:x"] == roots["login:ann"]
    assert refused == {("login:bob", "email:x"): "unique_conflict"}


@pytest.mark.parametrize(("last_day", "persons"), [(29, 2), (30, 1)])
def test_a_limit_in_days_counts_first_sights_in_any_window(last_day: int, persons: int, knobs: Any) -> None:
    """Three e-mails in any 30 days: the fourth on day 29 is one too many, on day 30 the first has left the window."""
    rolling = knobs.types["email"].model_copy(update={"limits": (Limit(most=3, days=30),)})
    limited = knobs.model_copy(update={"types": {**knobs.types, "email": rolling}})
    lines = [f"login:ann email:{n} {9 - n}" for n in range(4)]
    roots, _ = verdicts(settle(component(*lines, days={"email:1": 10, "email:2": 20, "email:3": last_day}), limited))
    assert len(set(roots.values())) == persons


def test_two_types_that_are_both_unique_may_meet_on_a_device(knobs: Any) -> None:
    unique = knobs.types["crm_id"].model_copy(update={"unique": True, "limits": ()})
    both = knobs.model_copy(update={"types": {**knobs.types, "crm_id": unique}})
    roots, refused = verdicts(settle(component("login:ann web_cookie:c 2", "crm_id:1 web_cookie:c 3"), both))
    assert not refused
    assert len(set(roots.values())) == 1


def drawn(rng: random.Random) -> pd.DataFrame:
    kinds = ["login", "crm_id", "email", "phone", "web_cookie", "app_device"]
    names = [f"{rng.choice(kinds)}:{n}" for n in range(rng.randint(3, 16))]
    lines = {tuple(sorted(rng.sample(names, 2), key=lambda n: (kinds.index(n.split(":")[0]), n))) for _ in range(rng.randint(3, 30))}
    return component(*[f"{left} {right} {rng.randint(1, 4)}" for left, right in sorted(lines)])


def settled_by_networkx(links: pd.DataFrame, knobs: Any) -> tuple[set[tuple[str, str]], set[str]]:
    """Refused links and shared devices, by trying each link in a graph and counting the component it would make."""
    links = links[links["kind"] == "link"]
    graph = nx.Graph()
    graph.add_nodes_from({*links["identifier_id"], *links["other_id"]})

    def kind(node: str) -> str:
        return node.split(":")[0]

    def fits(link: Any) -> bool:
        graph.add_edge(*link)
        counts = Counter(kind(n) for n in nx.node_connected_component(graph, link[0]))
        if any(counts[name] > limit.most for name, k in knobs.types.items() for limit in k.all_limits):
            graph.remove_edge(*link)
            return False
        return True

    order = links.assign(late=-links["last_seen_at"].astype("int64"), often=-links["sightings"])
    order = order.sort_values(["often", "late", "identifier_id", "other_id"])
    every = list(zip(order["identifier_id"], order["other_id"], strict=True))
    devices = {n for n in graph if kind(n) in knobs.device_types}
    refused = {link for link in every if not devices & set(link) and not fits(link)}
    shared = set()
    for device in devices:
        people = {p for link in every if device in link for p in link if p not in devices}
        logins = {n for p in people for n in nx.node_connected_component(graph, p) if kind(n) == "login"}
        if len(logins) >= knobs.shared_device_uniques:
            shared.add(device)
    for link in every:
        if devices & set(link) and (shared & set(link) or not fits(link)):
            refused.add(link)
    return refused, shared


@pytest.mark.parametrize("block", range(4))
def test_every_verdict_is_that_of_a_graph_that_tries_each_link(block: int, knobs: Any) -> None:
    fewer = {name: knobs.types[name].model_copy(update={"limits": (Limit(most=most),)}) for name, most in (("email", 2), ("crm_id", 1))}
    tight = knobs.model_copy(update={"types": {**knobs.types, **fewer}})
    refusals = 0
    for seed in range(50 * block, 50 * block + 50):
        links = drawn(random.Random(seed))
        settled = settle(links.sample(frac=1, random_state=seed), tight)
        refused, shared = settled_by_networkx(links, tight)
        roots, rules = verdicts(settled)
        assert set(rules) == refused, seed
        links = links[links["kind"] == "link"]
        assert set(roots) == {*links["identifier_id"], *links["other_id"]} - shared, seed
        believed = nx.Graph()
        believed.add_nodes_from(roots)
        believed.add_edges_from(link for link in zip(links["identifier_id"], links["other_id"], strict=True) if link not in refused)
        assert roots == {n: min(c) for c in nx.connected_components(believed) for n in c}, seed
        refusals += len(refused)
    assert refusals > 100, "the draws must make conflicts"
