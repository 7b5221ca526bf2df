"""Each guard fires where it should, says so in the audit, and nowhere else; the certificate is counted afresh."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from households import ident

from wayprint.contracts import conform
from wayprint.identity.resolution import decide, resolve
from wayprint.tables.identity import IDENTITY_AUDIT, IDENTITY_GATES, IDENTITY_MAP

pytestmark = pytest.mark.spark


@pytest.fixture
def resolved(sightings: Any, decided: Any, knobs: Any, rows: Any) -> Any:
    """Owner of each identifier by name, the audit's rules by name, and the gates, of observations as written."""

    def run(*lines: str, partitions: int = 3, settings: Any = None, decisions: tuple[str, ...] = ()) -> tuple[dict[str, Any], dict[str, set[str]], dict[str, float]]:
        observations = sightings(*lines).repartition(partitions)
        names = {ident(name): name for line in lines for name in line.split() if ":" in name}
        ledger = decide(observations, decided(*decisions), settings or knobs, dt.date(2026, 7, 1))
        audit, gates, standing = resolve(observations, (ledger, None), rows(IDENTITY_MAP), settings or knobs)
        owners = {names[r.identifier_id]: (r.person_id, r.status) for r in conform(standing, IDENTITY_MAP).collect()}
        rules: dict[str, set[str]] = {}
        for row in conform(audit, IDENTITY_AUDIT).collect():
            rules.setdefault(names[row.identifier_id], set()).add(row.rule)
            assert row.reason
        return owners, rules, {r.gate: r.value for r in conform(gates, IDENTITY_GATES).collect()}

    return run


def test_a_device_with_two_logins_is_nobodys_and_the_logins_stay_apart(resolved):
    owners, rules, gates = resolved("login:ann web_cookie:tablet", "login:bob web_cookie:tablet", "login:ann email:a", "login:bob email:b")
    assert owners["web_cookie:tablet"] == (None, "shared")
    assert owners["login:ann"][0] != owners["login:bob"][0]
    assert owners["login:ann"] == owners["email:a"]
    assert "shared_device" in rules["web_cookie:tablet"]
    assert (gates["edges_across"], gates["nodes_lost"]) == (0.0, 0.0)


def test_a_blocked_value_joins_nobody_and_stands_in_the_audit(resolved, knobs):
    settings = knobs.model_copy(update={"blocked_ids": (ident("email:junk"),)})
    owners, rules, _ = resolved("login:ann email:junk", "login:bob email:junk", settings=settings)
    assert owners["email:junk"] == (None, "blocked")
    assert owners["login:ann"][0] != owners["login:bob"][0]
    assert rules["email:junk"] >= {"blocklist"}


def test_an_identifier_seen_with_too_many_others_joins_none_of_them(resolved):
    crowd = [f"crm_id:c{n} phone:desk" for n in range(30)]
    owners, rules, _ = resolved(*crowd)
    assert owners["phone:desk"] == (None, "shared")
    assert len({owners[f"crm_id:c{n}"][0] for n in range(30)}) == 30
    assert "fan_out" in rules["phone:desk"]


def test_two_logins_joined_by_a_chain_are_parted_at_the_weakest_link(resolved):
    owners, rules, gates = resolved("login:ann email:a 9", "email:a phone:p 1", "email:b phone:p 7", "login:bob email:b 9")
    assert owners["login:ann"][0] != owners["login:bob"][0]
    assert owners["phone:p"][0] == owners["login:bob"][0]
    assert {rule for found in rules.values() for rule in found} & {"unique_conflict", "max_per_person"}
    assert gates["edges_across"] == 0.0


def test_an_innocent_family_of_identifiers_is_one_person_whatever_the_partitions(resolved):
    lines = ("login:ann email:a", "login:ann web_cookie:c1", "crm_id:k email:a", "crm_id:k phone:p", "login:ann app_device:d")
    one, rules, _ = resolved(*lines, partitions=1)
    many, _, _ = resolved(*reversed(lines), partitions=7)
    assert len({person for person, _ in one.values()}) == 1
    assert one == many
    assert rules == {}
