"""Why identifiers are one person, or are not: evidence paths, weakest links, bridges. Plain Python on the links of a few persons.

The links are those of `evidence`; the functions for notebooks and the command line are `Engine.explain` and `wayprint explain`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Strength = tuple[bool, int, float, str, str]
MOST_TOLD = 10  # links of an identifier that is nobody's: it may have thousands


@dataclass(frozen=True)
class Link:
    """Evidence that two identifiers are one person's; `rule` and `reason` say why it is not believed, None that it is.

    `sync_points`: what tied them (login, form, order, same_order, ...), sorted. `decided`: somebody said so; without any record that saw
    them together there are no times and no sightings.
    """

    identifier_id: str
    identifier_type: str
    other_id: str
    other_type: str
    sources: tuple[str, ...]
    first_seen_at: dt.datetime | None
    last_seen_at: dt.datetime | None
    sightings: int
    rule: str | None
    reason: str | None
    decided: bool = False
    sync_points: tuple[str, ...] = ()

    @property
    def strength(self) -> Strength:
        """Order of evidence: what somebody decided, sightings, then latest sight, then ids."""
        return self.decided, self.sightings, self.last_seen_at.timestamp() if self.last_seen_at else 0.0, self.identifier_id, self.other_id

    def beyond(self, end: str) -> str:
        return self.other_id if end == self.identifier_id else self.identifier_id

    def in_words(self) -> str:
        times = "once" if self.sightings == 1 else f"{self.sightings:,} times"
        told = f"{self.identifier_type} {self.identifier_id[:8]} with {self.other_type} {self.other_id[:8]}: "
        if self.decided:
            told += "joined by decision" + ("; " if self.sightings else "")
        if self.sightings:
            seen_in = ", ".join(source for source in self.sources if source != "decision")
            tied_by = f" by {', '.join(self.sync_points)}" if self.sync_points else ""
            told += f"seen together {times}{tied_by} in {seen_in}, {self.first_seen_at:%Y-%m-%d} to {self.last_seen_at:%Y-%m-%d}"
        return told + (f"; not believed ({self.rule}): {self.reason}" if self.rule else "")


@dataclass(frozen=True)
class Bridge:
    """A believed link without which the person would be two."""

    link: Link
    sizes: tuple[int, int]  # identifiers on the side of `identifier_id`, and on the other


@dataclass(frozen=True)
class Person:
    """What holds one person together."""

    identifiers: Mapping[str, str]  # id -> type
    links: tuple[Link, ...]  # believed, strongest first
    bridges: tuple[Bridge, ...]  # weakest first

    def in_words(self) -> list[str]:
        kinds = sorted(Counter(self.identifiers.values()).items())
        lines = [f"{len(self.identifiers)} identifiers ({', '.join(f'{n} {kind}' for kind, n in kinds)}), {len(self.links)} links believed"]
        if self.links:
            lines.append(f"weakest link: {self.links[-1].in_words()}")
        lines += [f"would be two without ({b.sizes[0]} and {b.sizes[1]} identifiers): {b.link.in_words()}" for b in self.bridges]
        return lines


@dataclass(frozen=True)
class Nobodys:
    """An identifier that is no person's: the rule and reason, and its links, strongest first."""

    identifier_id: str
    identifier_type: str
    status: str
    rule: str
    reason: str
    links: tuple[Link, ...]

    def in_words(self) -> list[str]:
        lines = [f"{self.identifier_type} {self.identifier_id[:8]} is nobody's, {self.status} ({self.rule}): {self.reason}"]
        lines += [f"{len(self.links):,} links to other identifiers tie nobody through it"] if self.links else ["no record names it with another identifier"]
        lines += [link.in_words() for link in self.links[:MOST_TOLD]]
        return [*lines, f"... and {len(self.links) - MOST_TOLD:,} more"] if len(self.links) > MOST_TOLD else lines


@dataclass(frozen=True)
class Pair:
    """What ties two identifiers, or what keeps them apart.

    `together`: what was published. What was decided or seen since may tell otherwise: the path is believed and they are two, or it is
    not and they are one; the next run judges it.
    """

    together: bool
    path: tuple[Link, ...]  # shortest; of equally short ones that whose weakest link is strongest; empty: no evidence ties them at all
    is_same: bool = False  # one names what the other names

    @property
    def weakest(self) -> Link | None:
        return min(self.path, key=lambda link: link.strength, default=None)

    @property
    def refused(self) -> tuple[Link, ...]:
        return tuple(link for link in self.path if link.rule)

    def in_words(self) -> list[str]:
        if self.is_same:
            return ["one and the same identifier"]
        lines = [self._verdict(), *(f"{number}. {link.in_words()}" for number, link in enumerate(self.path, 1))]
        return [*lines, f"weakest link: {self.weakest.in_words()}"] if self.weakest and not self.refused else lines

    def _verdict(self) -> str:
        if self.path and not self.refused:
            return "one person, by this evidence:" if self.together else "two persons as published; the next run judges this evidence, which is newer:"
        if self.together:
            told = "what tied them is no longer believed" if self.path else "no evidence ties them any more"
            return f"one person as published; {told}, and the next run judges it" + (":" if self.path else "")
        if self.path:
            return "two persons: all evidence between them passes through links that are not believed"
        return "two persons: no evidence ties them, directly or through others"


def explain_person(identifiers: Mapping[str, str], links: Iterable[Link]) -> Person:
    """The person of these identifiers, from the links that lie inside it; links to others and refused ones are left out."""
    inside = [link for link in links if link.rule is None and link.identifier_id in identifiers and link.other_id in identifiers]
    inside.sort(key=lambda link: link.strength, reverse=True)
    found = sorted(bridges(identifiers, inside), key=lambda bridge: bridge.link.strength)
    return Person(dict(identifiers), tuple(inside), tuple(found))


def explain_pair(one: Iterable[str], other: Iterable[str], links: Iterable[Link], together: bool) -> Pair:
    """The shortest way from any of `one` to any of `other` over believed links; if there is none, over all links. `together`: as published.

    Over all links, the way with the fewest refused ones is not sought, only the shortest: it names what was seen.
    """
    starts, ends, links = set(one), set(other), list(links)
    if ends.intersection(starts):
        return Pair(True, (), is_same=True)
    believed = path(starts, ends, [link for link in links if link.rule is None])
    return Pair(together, believed or path(starts, ends, links))


def path(starts: Iterable[str], ends: set[str], links: Iterable[Link]) -> tuple[Link, ...]:
    """The shortest way; of equally short ones that whose weakest link is strongest, so that the order of links settles nothing; empty if there is none.

    Breadth first, a step at a time: of all links that reach an identifier in that step the one counts whose way has the strongest weakest link.
    """
    around = neighbours(links)
    came: dict[str, tuple[Strength, Link] | None] = dict.fromkeys(starts)
    reached: Iterable[str] = came
    while reached and not ends & came.keys():
        nearer: dict[str, tuple[Strength, Link]] = {}
        for node in reached:
            so_far = came[node]
            for link in around.get(node, ()):
                offer = (min(so_far[0], link.strength) if so_far else link.strength, link)
                near = link.beyond(node)
                if near not in came and (near not in nearer or _order(offer) > _order(nearer[near])):
                    nearer[near] = offer
        came.update(nearer)
        reached = list(nearer)
    steps: list[Link] = []
    node = max((end for end in ends if came.get(end)), key=lambda end: _order(came[end]), default="")
    while step := came.get(node):
        steps.append(step[1])
        node = step[1].beyond(node)
    return tuple(reversed(steps))


def _order(reached: tuple[Strength, Link] | None) -> tuple[Strength, Strength]:
    """Of two ways to one identifier: the weakest link, then the last."""
    assert reached is not None
    return reached[0], reached[1].strength


def bridges(nodes: Iterable[str], links: Iterable[Link]) -> list[Bridge]:
    """Links whose removal splits their component (Tarjan 1974: a tree link is one if nothing below it reaches above it).

    Without recursion: a person may have ten thousand identifiers. Two links between the same two identifiers are no bridge.
    """
    around = neighbours(links)
    order: dict[str, int] = {}
    found: list[Bridge] = []
    for root in sorted(nodes):
        if root in order:
            continue
        first = len(order)
        order[root] = first
        low, size = {root: first}, {root: 1}
        tree: list[tuple[Link, str]] = []
        stack: list[tuple[str, Iterator[Link], Link | None]] = [(root, iter(around.get(root, ())), None)]
        while stack:
            node, rest, above = stack[-1]
            for link in rest:
                near = link.beyond(node)
                if link is above:
                    continue
                if near in order:
                    low[node] = min(low[node], order[near])
                    continue
                order[near] = low[near] = len(order)
                size[near] = 1
                stack.append((near, iter(around[near]), link))
                break
            else:
                stack.pop()
                if above is not None:
                    parent = above.beyond(node)
                    low[parent] = min(low[parent], low[node])
                    size[parent] += size[node]
                    if low[node] > order[parent]:
                        tree.append((above, node))
        whole = size[root]
        for link, below in tree:
            down = size[below]
            found.append(Bridge(link, (down, whole - down) if link.identifier_id == below else (whole - down, down)))
    return found


def neighbours(links: Iterable[Link]) -> dict[str, list[Link]]:
    """The links at each identifier, strongest first; a link of an identifier with itself is none."""
    around: dict[str, list[Link]] = {}
    for link in sorted(links, key=lambda link: link.strength, reverse=True):
        if link.identifier_id != link.other_id:
            around.setdefault(link.identifier_id, []).append(link)
            around.setdefault(link.other_id, []).append(link)
    return around
