"""All engines find the components that networkx finds, on graphs drawn side by side."""

from __future__ import annotations

import logging
import random
from typing import Any

import networkx as nx
import pyarrow as pa
import pytest

from wayprint.identity import components
from wayprint.identity.components import ARROW_STARS, connect, contract, in_rounds, with_graphframes, with_numbers
from wayprint.identity.components import graphframe_class as jar_of

pytestmark = [pytest.mark.spark, pytest.mark.runtime35]

Links = list[tuple[str, str]]


def drawn(graphs: int = 200, seed: int = 7) -> Links:
    """Random graphs of every density, a chain, a star, a cycle, a self-loop; links doubled, turned and shuffled; names unrelated to places."""
    rng = random.Random(seed)
    links = []
    for graph in range(graphs):
        nodes = rng.randint(1, 14)
        links += [((graph, rng.randrange(nodes)), (graph, rng.randrange(nodes))) for _ in range(rng.randint(0, 2 * nodes))]
    links += [(("chain", n), ("chain", n + 1)) for n in range(2000)]
    links += [(("star", 0), ("star", n)) for n in range(1, 500)]
    links += [(("cycle", n), ("cycle", (n + 1) % 300)) for n in range(300)]
    links += [(("alone", 0), ("alone", 0))]
    links += [(right, left) for left, right in rng.sample(links, len(links) // 4)] + rng.sample(links, len(links) // 4)
    rng.shuffle(links)
    names: dict[Any, str] = {}
    return [tuple(names.setdefault(end, f"{rng.getrandbits(128):032x}") for end in link) for link in links]  # type: ignore[misc]


def by_networkx(links: Links) -> dict[str, str]:
    graph = nx.Graph(links)
    return {node: min(members) for members in nx.connected_components(graph) for node in members}


LINKS = drawn()
TRUE_ROOTS = by_networkx(LINKS)


def roots(labels: Any) -> dict[str, str]:
    found = [tuple(row) for row in labels.collect()]
    assert len(found) == len({node for node, _ in found}), "a node came twice"
    return dict(found)


@pytest.fixture
def links(spark: Any) -> Any:
    return spark.createDataFrame(LINKS, "node string, root string").repartition(3)


@pytest.fixture
def graphframes(spark: Any) -> None:
    if jar_of(spark) is None:
        pytest.skip("GraphFrames' jar is not in this runtime: this test runs on the other one")


def test_one_task_finds_the_components(links: Any, knobs: Any) -> None:
    assert roots(connect(links, knobs)) == TRUE_ROOTS


def test_the_rounds_find_the_components_of_links_as_they_come(links: Any) -> None:
    assert roots(with_numbers(links, in_rounds)) == TRUE_ROOTS


def test_links_beyond_the_limit_are_contracted_twice_and_end_the_same(links: Any, knobs: Any) -> None:
    few = knobs.model_copy(update={"engine": "builtin", "max_local_edges": 10})
    assert roots(connect(links.repartition(5), few)) == TRUE_ROOTS


def test_graphframes_finds_the_components_of_links_as_they_come(links: Any, graphframes: None) -> None:
    assert roots(with_numbers(links, with_graphframes)) == TRUE_ROOTS


def test_graphframes_leaves_nothing_of_its_own_persisted(links: Any, graphframes: None) -> None:
    edges = components.cut(links.selectExpr("xxhash64(node) as child", "xxhash64(root) as parent").where("child <> parent").distinct())
    nodes = components.cut(edges.selectExpr("explode(array(child, parent)) as id").distinct())
    before = components.persisted(links.sparkSession)
    labels = with_graphframes(nodes, edges)
    left = components.persisted(links.sparkSession) - before
    assert len(left) == 1, "the labels, and no more"
    assert labels.count() == nodes.count()


def test_without_its_jar_graphframes_gives_way_to_the_rounds_in_one_line(
    links: Any, knobs: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(components, "graphframe_class", lambda spark: None)
    with caplog.at_level(logging.WARNING, "wayprint"):
        found = roots(connect(links.limit(50), knobs.model_copy(update={"engine": "graphframes"})))
    assert found == by_networkx([tuple(row) for row in links.limit(50).collect()])
    assert len(caplog.messages) == 1
    assert "built-in rounds" in caplog.messages[0]


def test_two_nodes_with_one_number_are_numbered_anew(links: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    true_hash, calls = components.F.xxhash64, []

    def poor(*columns: Any) -> Any:
        calls.append(columns)
        return true_hash(*columns) % 5 if len(calls) <= 2 else true_hash(*columns)

    monkeypatch.setattr(components.F, "xxhash64", poor)
    assert roots(with_numbers(links, in_rounds)) == TRUE_ROOTS
    assert len(calls) == 4


def test_no_links_give_no_components(spark: Any, knobs: Any) -> None:
    assert connect(spark.createDataFrame([], "node string, root string"), knobs).collect() == []


@pytest.mark.parametrize("room", [1, 100, 10**6])
def test_a_partition_contracts_to_one_star_a_node_however_its_links_are_folded(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "FOLD_LINKS", room)
    batches = [pa.RecordBatch.from_pylist([{"node": a, "root": b} for a, b in LINKS[n: n + 97]], ARROW_STARS) for n in range(0, len(LINKS), 97)]
    found = [row for batch in contract(batches) for row in batch.to_pylist()]
    assert len(found) == len(TRUE_ROOTS)
    assert {row["node"]: row["root"] for row in found} == TRUE_ROOTS
