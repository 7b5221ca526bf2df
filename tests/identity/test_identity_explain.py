"""Explanations against networkx: shortest ways, bridges and the two sides that a bridge holds together."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import networkx as nx
import pytest

from wayprint.identity.explain import MOST_TOLD, Link, Nobodys, bridges, explain_pair, explain_person, path

DAY = dt.datetime(2026, 3, 1)


def link(a, b, sightings=1, rule=None, at=DAY):
    return Link(a, "email", b, "web_cookie", ("web",), at, at, sightings, rule, "because" if rule else None)


def drawn(rng):
    nodes = [f"n{i:02}" for i in range(rng.randint(2, 14))]
    ends = {tuple(sorted(rng.sample(nodes, 2))) for _ in range(rng.randint(1, 18))}
    return nodes, [link(a, b, rng.randint(1, 3), rng.choice([None, None, None, "fan_out"])) for a, b in sorted(ends)]


def graph(nodes, links):
    made = nx.Graph()
    made.add_nodes_from(nodes)
    made.add_edges_from((one.identifier_id, one.other_id) for one in links)
    return made


@pytest.mark.parametrize("seed", range(200))
def test_bridges_and_ways_are_those_of_networkx(seed):
    rng = random.Random(seed)
    nodes, links = drawn(rng)
    whole = graph(nodes, links)
    found = bridges(nodes, links)
    assert {frozenset((b.link.identifier_id, b.link.other_id)) for b in found} == {frozenset(edge) for edge in nx.bridges(whole)}
    for bridge in found:
        cut = whole.copy()
        cut.remove_edge(bridge.link.identifier_id, bridge.link.other_id)
        sides = tuple(len(nx.node_connected_component(cut, end)) for end in (bridge.link.identifier_id, bridge.link.other_id))
        assert bridge.sizes == sides
    a, b = rng.sample(nodes, 2)
    way = path([a], {b}, links)
    assert bool(way) == nx.has_path(whole, a, b)
    if way:
        assert len(way) == nx.shortest_path_length(whole, a, b)
        node = a
        for step in way:
            node = step.beyond(node)
        assert node == b
        strength = {frozenset((one.identifier_id, one.other_id)): one.strength for one in links}
        weakest = [min(strength[frozenset(step)] for step in itertools.pairwise(other)) for other in nx.all_shortest_paths(whole, a, b)]
        assert min(step.strength for step in way) == max(weakest)


@pytest.mark.parametrize("seed", range(50))
def test_the_order_of_the_links_changes_nothing(seed):
    rng = random.Random(seed)
    nodes, links = drawn(rng)
    a, b = rng.sample(nodes, 2)
    shuffled = rng.sample(links, len(links))
    assert path([a], {b}, links) == path([a], {b}, shuffled)
    assert explain_person(dict.fromkeys(nodes, "email"), links) == explain_person(dict.fromkeys(nodes, "email"), shuffled)


def test_of_equally_short_ways_the_one_with_the_strongest_weakest_link_is_told():
    links = [link("a", "x", 5), link("x", "b", 1), link("a", "y", 4), link("y", "b", 4)]
    assert [step.beyond("a") for step in path(["a"], {"b"}, links)[:1]] == ["y"]
    assert path(["a1", "a2"], {"b1", "b2"}, [link("a1", "b1", 1), link("a2", "b1", 99), link("a1", "b2", 98)])[0].sightings == 99


def test_a_pair_is_together_by_believed_links_alone_and_its_weakest_is_named():
    links = [link("a", "x", 5), link("x", "b", 1), link("a", "b", 9, rule="unique_conflict")]
    told = explain_pair(["a"], ["b"], links, together=True)
    assert told.in_words()[0] == "one person, by this evidence:"
    assert len(told.path) == 2
    assert told.weakest == links[1]


def test_a_pair_apart_names_the_rule_that_refused_or_that_there_is_nothing():
    refused = link("a", "b", 9, rule="unique_conflict")
    told = explain_pair(["a"], ["b"], [refused], together=False)
    assert told.refused == (refused,)
    assert "unique_conflict" in "\n".join(told.in_words())
    assert explain_pair(["a"], ["b"], [link("b", "c")], together=False).in_words() == ["two persons: no evidence ties them, directly or through others"]


def test_one_identifier_with_itself_needs_no_way():
    assert explain_pair(["a"], ["a", "b"], [], together=True).in_words() == ["one and the same identifier"]


def test_what_was_decided_or_seen_since_the_last_run_does_not_contradict_what_was_published():
    joined = explain_pair(["a"], ["b"], [link("a", "b")], together=False)
    assert joined.in_words()[0] == "two persons as published; the next run judges this evidence, which is newer:"
    assert len(joined.path) == 1
    gone = explain_pair(["a"], ["b"], [], together=True)
    assert gone.in_words() == ["one person as published; no evidence ties them any more, and the next run judges it"]
    parted = explain_pair(["a"], ["b"], [link("a", "b", rule="expired")], together=True)
    assert parted.in_words()[0].startswith("one person as published; what tied them is no longer believed")
    assert len(parted.in_words()) == 2


def test_an_identifier_that_is_nobodys_is_told_with_its_rule_and_its_strongest_links():
    links = tuple(link("junk", f"n{n}", 30 - n, rule="blocklist") for n in range(MOST_TOLD + 2))
    lines = Nobodys("junk", "email", "blocked", "blocklist", "its value is on the list", links).in_words()
    assert lines[0] == "email junk is nobody's, blocked (blocklist): its value is on the list"
    assert "seen together 30 times" in lines[2]
    assert (len(lines), lines[-1]) == (MOST_TOLD + 3, "... and 2 more")
    assert Nobodys("junk", "email", "blocked", "shape", "no e-mail", ()).in_words()[1:] == ["no record names it with another identifier"]


def test_a_person_of_ten_thousand_identifiers_in_a_row_is_explained():
    nodes = [f"n{i:05}" for i in range(10_000)]
    told = explain_person(dict.fromkeys(nodes, "email"), [link(a, b) for a, b in itertools.pairwise(nodes)])
    assert len(told.bridges) == 9_999
    assert {min(b.sizes) for b in told.bridges} == set(range(1, 5_001))


def test_links_to_others_and_refused_ones_hold_nobody_together():
    told = explain_person({"a": "email", "b": "phone"}, [link("a", "b"), link("b", "z"), link("a", "b", rule="fan_out")])
    assert told.links == (link("a", "b"),)
    assert "2 identifiers (1 email, 1 phone), 1 links believed" in told.in_words()[0]
