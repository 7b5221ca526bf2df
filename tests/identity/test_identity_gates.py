"""Each gate measured against pandas and numpy, and shut where it should be; the figures of health against a plain count."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections import Counter
from typing import Any

import pytest

from wayprint.contracts import broken_counts, conform
from wayprint.identity.gates import guard
from wayprint.identity.health import judged_links, measure_identity
from wayprint.identity.resolution import LEDGER
from wayprint.identity.suggestions import suggest
from wayprint.tables.identity import IDENTITY_AUDIT, IDENTITY_CHANGES, IDENTITY_GATES, IDENTITY_HEALTH, IDENTITY_MAP, IDENTITY_SUGGESTIONS, OBSERVATIONS
from wayprint.tables.persons import PERSON_FIELDS

pytestmark = pytest.mark.spark
DAY = dt.date(2026, 6, 1)


@pytest.fixture
def standing(rows: Any) -> Any:
    return lambda owners: rows(IDENTITY_MAP, *[
        {"identifier_id": i, "identifier_type": "email", "person_id": p, "status": "owned" if p else "shared"} for i, p in owners.items()])


@pytest.fixture
def gates(spark: Any, rows: Any, standing: Any, knobs: Any) -> Any:
    """Gate -> (value, open), of a map now and before, believed links and identifiers observed; and whether a rule of the table is broken."""

    def run(now: dict[str, Any], before: dict[str, Any], links: tuple[tuple[str, str], ...] = (), seen: tuple[str, ...] = (), **given: Any) -> tuple[dict[str, Any], bool]:
        ledger = spark.createDataFrame(
            [("link", a, b, None) for a, b in links], "kind string, identifier_id string, other_id string, rule string")
        observed = rows(OBSERVATIONS, *[{"observation_id": i, "identifier_id": i} for i in seen])
        made = conform(guard(observed, ledger, standing(now), standing(before), knobs.model_copy(update=given)), IDENTITY_GATES)
        counts = made.agg(*broken_counts(IDENTITY_GATES)).collect()[0].asDict()
        return {r.gate: (r.value, r.is_open) for r in made.collect()}, any(counts[c] for c in counts if c.startswith("rule_"))

    return run


def test_every_gate_is_open_on_a_first_run_and_shut_by_what_it_guards(gates):
    assert set(LEDGER) >= {"kind", "identifier_id", "other_id", "rule"}
    first, broken = gates({"a": "A", "b": "A"}, {}, links=(("a", "b"),), seen=("a", "b"))
    assert not broken
    assert first == {"edges_across": (0.0, True), "nodes_lost": (0.0, True), "largest_growth": (1.0, True), "torn_share": (0.0, True), "ids_gone_share": (0.0, True)}
    shut = {
        "edges_across": gates({"a": "A", "b": "B"}, {}, links=(("a", "b"),)),
        "nodes_lost": gates({"a": "A"}, {}, seen=("a", "c")),
        "largest_growth": gates({str(n): "A" for n in range(9)}, {str(n): str(n // 4) for n in range(9)}, gate_largest_from=9),
        "torn_share": gates({"a": "A", "b": "B", "c": "C", "d": None}, {"a": "A", "b": "A", "c": "A", "d": "D"}, gate_torn_from=4),
        "ids_gone_share": gates({"a": "A", "b": "A", "c": "C", "d": "X"}, {"a": "A", "b": "B", "c": "C", "d": "D"}, gate_ids_gone_from=4)}
    for gate, (found, broken) in shut.items():
        assert [name for name, (_, is_open) in found.items() if not is_open] == [gate]
        assert broken, gate
    assert shut["largest_growth"][0]["largest_growth"][0] == 9 / 4
    assert shut["torn_share"][0]["torn_share"][0] == 3 / 4
    assert shut["ids_gone_share"][0]["ids_gone_share"][0] == 2 / 4


def test_what_grows_when_small_or_merges_shuts_nothing(gates):
    found, broken = gates({"a": "A", "b": "A", "c": "A", "d": "A"}, {"a": "A", "b": "B", "c": "C", "d": "C"}, gate_torn_from=1)
    assert not broken
    assert found["torn_share"] == (0.0, True)
    assert found["largest_growth"] == (1.0, True)


def test_an_address_that_ties_strangers_is_suggested_with_what_its_block_would_do(rows, knobs):
    """Two hundred persons with their e-mail and card, and one e-mail that holds eight of them together; a card with three e-mails is usual."""
    pairs = [(f"login{n}", f"email{n}") for n in range(200)] + [(f"login{n}", "shared") for n in range(8)] + [("login9", "email-b"), ("login9", "email-c")]
    seen = rows(OBSERVATIONS, *[{
        "observation_id": a + b, "identifier_id": a, "other_id": b, "identifier_type": "login", "other_type": "email", "sightings": 2} for a, b in pairs])
    owners = {a: "P" if int(a[5:]) < 8 else f"P{a}" for a, _ in pairs}
    owners |= {b: owners[a] for a, b in pairs}
    standing = rows(IDENTITY_MAP, *[{
        "identifier_id": i, "identifier_type": i.rstrip("0123456789").split("-")[0].replace("shared", "email"), "person_id": p, "status": "owned"} for i, p in owners.items()])
    (row,) = conform(suggest(judged_links(seen, rows(IDENTITY_AUDIT)), standing, knobs), IDENTITY_SUGGESTIONS).collect()
    assert (row.identifier_id, row.neighbours, row.sightings, row.person_identifiers, row.persons_after) == ("shared", 8, 16, 17, 8)
    assert row.effective_neighbours == pytest.approx(8.0)


def test_a_value_met_on_many_devices_is_suggested(rows, knobs):
    """Two hundred e-mails with one cookie each, one with twenty over the years, and a client id that a bug prints beside as many other cookies."""
    pairs = [("email", f"email{n}", "web_cookie", f"w{n}") for n in range(200)] + [("email", "typed", "web_cookie", f"w{n}") for n in range(20)]
    pairs += [("web_cookie", f"w{n}", "ga_client", f"g{n}") for n in range(200)] + [("web_cookie", f"w{n}", "ga_client", "printed") for n in range(100, 120)]
    seen = rows(OBSERVATIONS, *[{
        "observation_id": a + b, "identifier_id": a, "other_id": b, "identifier_type": kind, "other_type": near, "sightings": 2} for kind, a, near, b in pairs])
    owned = {(i, kind) for kind, a, near, b in pairs for i, kind in ((a, kind), (b, near))}
    standing = rows(IDENTITY_MAP, *[{"identifier_id": i, "identifier_type": kind, "person_id": "P", "status": "owned"} for i, kind in owned])
    found = conform(suggest(judged_links(seen, rows(IDENTITY_AUDIT)), standing, knobs), IDENTITY_SUGGESTIONS).collect()
    assert {(r.identifier_id, r.neighbours_name, r.neighbours, round(r.effective_neighbours, 6)) for r in found} == {
        ("typed", "device", 20, 20.0), ("printed", "device", 20, 20.0)}


def test_the_figures_are_those_of_a_plain_count(rows, spark, standing, knobs):
    rng = random.Random(4)
    owners = {f"i{n}": rng.choice([None, *[f"P{m}" for m in range(60)]]) for n in range(300)}
    sizes = Counter(p for p in owners.values() if p)
    largest = min(sizes, key=lambda p: (-sizes[p], p))
    inside = [i for i, p in owners.items() if p == largest]
    chain = [*itertools.pairwise(inside), (inside[0], inside[2])]  # a path with one triangle at its head
    refused = [("i0", "i1"), ("i0", "i2")]
    seen = [{"observation_id": f"{a}{b}", "identifier_id": a, "other_id": b, "identifier_type": "email", "other_type": "phone", "sightings": 1} for a, b in [*chain, *refused]]
    audit = [{"audit_id": f"{a}{b}", "identifier_id": a, "other_id": b, "rule": "split"} for a, b in refused]
    audit += [{"audit_id": "x", "identifier_id": "i9", "other_id": None, "rule": "blocklist"}]
    owned = [i for i, p in owners.items() if p]
    fields = [{"person_id": f"P{n}", "field": rng.choice(["birth_year", "first_name", "city"]), "values_said": rng.randint(1, 6)} for n in range(60)]
    changes = [{"change_id": str(n), "changed_on": DAY, "kind": kind} for n, kind in enumerate(["merged", "merged", "split"])]
    told = [(dt.date(2026, 4, 1), "edges_seen", 1.0), (dt.date(2026, 5, 1), "edges_seen", 2.0), (dt.date(2026, 5, 1), "persons", 100.0), (DAY, "gone", 1.0)]
    earlier = rows(IDENTITY_HEALTH, *[{"measured_on": day, "measure": measure, "value": value} for day, measure, value in told])
    passed = rows(IDENTITY_GATES, *[{"gate": gate, "value": value} for gate, value in (("torn_share", 0.03), ("ids_gone_share", 0.02), ("nodes_lost", 0.0))])
    refused_rows = rows(IDENTITY_AUDIT, *audit)
    _, health = measure_identity(
        judged_links(rows(OBSERVATIONS, *seen), refused_rows), standing(owners), refused_rows, passed, rows(PERSON_FIELDS, *fields),
        rows(IDENTITY_CHANGES, *changes), earlier, knobs, DAY)
    made = conform(health, IDENTITY_HEALTH).collect()
    found = {r.measure: r.value for r in made if r.measured_on == DAY}
    assert sorted(r.value for r in made if r.measured_on != DAY) == [1.0, 2.0, 100.0]
    assert not {"gone", "edges_refused_change", "nodes_lost", "largest_growth"} & set(found)

    def above(field: str, most: int) -> float:
        said = [one["values_said"] for one in fields if one["field"] == field]
        return sum(n > most for n in said) / len(said)

    count = len(inside)
    expected = {
        "identifiers": 300, "identifiers_owned": len(owned), "identifiers_shared": 300 - len(owned), "identifiers_blocked": 0, "persons": len(sizes), "known_share": 1.0,
        "largest_component": count, "persons_with_1": sum(s == 1 for s in sizes.values()), "persons_with_3_to_5": sum(3 <= s <= 5 for s in sizes.values()),
        "edges_seen": len({tuple(sorted(p)) for p in [*chain, *refused]}), "edges_refused": 2, "edges_refused_by_split": 2, "identifiers_refused_by_blocklist": 1,
        "edges_seen_change": len({tuple(sorted(p)) for p in [*chain, *refused]}) - 2, "persons_change": len(sizes) - 100, "torn_share": 0.03, "ids_gone_share": 0.02,
        "persons_merged": 2, "persons_split": 1, "persons_retired": 0, "largest_density": len(chain) / (count * (count - 1) / 2), "largest_bridge_share": (count - 3) / len(chain),
        "persons_with_two_birth_years": above("birth_year", 1),
        "persons_with_many_names": above("first_name", 3)}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
