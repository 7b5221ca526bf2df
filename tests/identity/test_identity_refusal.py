"""A new identity that does not pass its gates: who ran it reads what was measured, what ties it, and what to do; what stood stands."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.laws import chain
from wayprint.contracts import ContractBroken
from wayprint.engine import Engine, find_files
from wayprint.identity.refusal import refuse_shut
from wayprint.identity.resolution import LEDGER
from wayprint.lake import Lake
from wayprint.tables.identity import IDENTITY_GATES, IDENTITY_MAP

pytestmark = pytest.mark.spark
STEPS = ("ingest", "deduplicate", "clean", "latest_contacts", "stitch_orders", "observe", "resolve")


def test_a_shut_gate_tells_value_bound_meaning_and_what_ties_most_in_the_largest_person(rows, spark):
    standing = rows(IDENTITY_MAP, *[
        {"identifier_id": name, "identifier_type": "email", "person_id": person, "status": "owned"} for name, person in (("hub", "A"), ("a", "A"), ("b", "A"), ("c", "C"), ("d", "C"))])
    ledger = spark.createDataFrame(
        [("link", *ends, rule) for *ends, rule in (("a", "hub", None), ("b", "hub", None), ("c", "d", None), ("c", "hub", "split"))],
        "kind string, identifier_id string, other_id string, rule string")
    assert set(LEDGER) >= set(ledger.columns)
    measured = {"largest_growth": (6.5, 2.0, False), "torn_share": (0.0, 0.1, True)}
    gates = [{"gate": gate, "value": value, "bound": bound, "is_open": is_open, "meaning": f"{gate} in words"} for gate, (value, bound, is_open) in measured.items()]
    with pytest.raises(ContractBroken) as told:
        refuse_shut(rows(IDENTITY_GATES, *gates), ledger, standing)
    assert told.value.broken[0] == "gate largest_growth is shut: 6.5, at most 2 passes (largest_growth in words)"
    assert "would have 3 identifiers, most of all tied by email hub (2 links), email a (1 links)" in told.value.broken[1]
    assert len(told.value.broken) == 3, "no word of an open gate"
    refuse_shut(rows(IDENTITY_GATES, gates[1]), ledger, standing)


def test_a_run_whose_largest_person_explodes_ends_with_3_and_says_what_to_do(spark, tmp_path):
    settings = chain.chain_settings().replace("identity", gate_largest_from=3, gate_largest_growth=1.2)
    header = settings.sources.specs["crm_contacts"].columns

    def run(day: str, **said: str) -> Any:
        file = tmp_path / "raw" / "crm_contacts" / f"{day}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        values = {"contact_id": "c1", "created_at": "2026-05-01T10:00:00Z", "updated_at": f"{day}T10:00:00Z", **said}
        file.write_text(",".join(header) + "\n" + ",".join(values.get(name, "") for name in header) + "\n")
        engine = Engine(spark, Lake(str(tmp_path / "lake")), settings, find_files(str(tmp_path / "raw"), settings))
        return engine, engine.run(dt.date(2026, 6, 1), only=STEPS)

    engine, report = run("2026-05-01", email="ana@exemple.fr")
    assert report.exit_code == 0
    assert engine.table("identity_map").count() == 2
    engine, report = run("2026-05-02", email="ana@exemple.fr", phone="+33612345678", loyalty_card="4000123")
    assert report.exit_code == 3
    error = next(r.error for r in report.results if r.step == "resolve")
    assert "gate largest_growth is shut: 2, at most 1.2 passes" in error
    assert "the largest person would have 4 identifiers, most of all tied by crm_id" in error
    assert "`wayprint identity try conf`" in error
    assert engine.table("identity_map").count() == 2, "what stood stands"
