"""Every rule that a link or an identifier can fall by, and every decision, in one graph: each case has identifiers of its own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from households import ident

from wayprint.identity.resolution import decide, list_refusals, map_identifiers
from wayprint.tables.identity import OBSERVATIONS

pytestmark = pytest.mark.spark
AS_OF = dt.date(2026, 7, 1)

# case: (observations "type:name type:name [sightings]", decisions, pairs that are one person's, pairs that are not, rules in the audit by name)
CASES: dict[str, tuple[list[str], list[str], list[str], list[str], dict[str, str]]] = {
    "blocked since": (["login:L email:a", "login:M email:a"], ["block email:a"], [], ["login:L email:a"], {"email:a": "blocklist"}),
    "unblocked again": (["login:L email:a"], ["block email:a", "unblock email:a"], ["login:L email:a"], [], {}),
    "unblocked against the list": (["login:L email:listed"], ["unblock email:listed"], ["login:L email:listed"], [], {}),
    "a block undone": (["login:L email:a"], ["block email:a", "undo {0}"], ["login:L email:a"], [], {}),
    "split": (["login:L email:a 5", "email:a phone:p 2"], ["split login:L phone:p"], ["login:L email:a"], ["email:a phone:p"], {"email:a": "split"}),
    "split the other way round": (["login:L email:a 5", "email:a phone:p 2"], ["split phone:p login:L"], ["login:L email:a"], ["email:a phone:p"], {}),
    "a split undone": (["login:L email:a"], ["split login:L email:a", "undo {0}"], ["login:L email:a"], [], {}),
    "joined": (["login:L email:a", "phone:p loyalty_card:c"], ["join phone:p email:a"], ["login:L loyalty_card:c"], [], {}),
    "a join after a split": (["login:L email:a"], ["split login:L email:a", "join login:L email:a"], ["login:L email:a"], [], {}),
    "a split after a join": (["login:L email:a", "phone:p"], ["join login:L phone:p", "split login:L phone:p"], ["login:L email:a"], ["login:L phone:p"], {}),
    "joined against two logins": (["login:L email:a", "login:M email:b"], ["join login:L login:M"], [], ["login:L login:M"], {"login:L": "unique_conflict"}),
    "joined to one never seen": (["login:L email:a"], ["join login:L phone:unseen"], ["login:L email:a"], [], {"login:L": "never_seen"}),
    "expired": (["login:L maid:old @2026-04-01", "login:L email:a @2026-04-01"], [], ["login:L email:a"], ["login:L maid:old"], {"login:L": "expired"}),
    "seen on the last day": (["login:L maid:late @2026-04-02"], [], ["login:L maid:late"], [], {}),
    "decided does not expire": (["login:L maid:old @2026-04-01"], ["join login:L maid:old"], ["login:L maid:old"], [], {}),
    "purpose": (["login:L mail_person:m"], [], [], ["login:L mail_person:m"], {"login:L": "purpose"}),
    "flaw of the shape": (["login:L phone:bad!shape"], [], [], ["login:L phone:bad!shape"], {"phone:bad!shape": "shape"}),
    "unknown type": (["login:L fax:f"], [], [], ["login:L fax:f"], {"fax:f": "unknown_type"}),
    "one card to two contacts": (
        ["crm_id:1 loyalty_card:c 5", "crm_id:2 loyalty_card:c 1"], [], ["crm_id:1 loyalty_card:c"], ["crm_id:2 loyalty_card:c"], {"crm_id:2": "links_per_identifier"}),
    "an expired login shares no device": (
        ["login:L web_cookie:w", "login:M web_cookie:w @2025-01-01"], [], ["login:L web_cookie:w"], ["login:M web_cookie:w"], {"login:M": "expired"}),
    "a decision weighs more than sightings": (["login:L email:a 90", "login:M email:a 1"], ["join login:M email:a"], ["login:M email:a"], ["login:L email:a"], {}),
}


def own(case: int, name: str) -> str:
    return f"{name}#{case}"


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    return {}


@pytest.fixture
def settled(answers: Any, rows: Any, decided: Any, knobs: Any) -> Any:
    """Owners and audit rules by name, for all cases in one build."""
    if answers:
        return answers
    seen, told = [], []
    for number, (lines, said, *_) in enumerate(CASES.values()):
        for line in lines:
            words = line.split()
            ends = [w for w in words if ":" in w]
            day = next((w[1:] for w in words if w.startswith("@")), "2026-06-01")
            often = next((int(w) for w in words if w.isdigit()), 1)
            ids = [ident(own(number, end)) for end in ends] + [None]
            kinds, flaws = ([part(e) for e in ends] + [None] for part in (lambda e: e.split(":")[0], lambda e: "shape" if "!" in e else None))
            seen.append({
                "observation_id": f"{number} {line}", "identifier_id": ids[0], "identifier_type": kinds[0], "identifier_flaw": flaws[0], "other_id": ids[1],
                "other_type": kinds[1], "other_flaw": flaws[1], "sightings": often, "source": "web", "first_seen_at": dt.datetime(2025, 1, 1),
                "last_seen_at": dt.datetime.fromisoformat(day) + dt.timedelta(hours=23)})
        base = len(told)
        told += [" ".join(own(number, w) if ":" in w else str(base + int(w[1:-1])) if w.startswith("{") else w for w in line.split()) for line in said]
    listed = next(n for n, name in enumerate(CASES) if name == "unblocked against the list")
    types = {
        **knobs.types, "maid": knobs.types["maid"].model_copy(update={"expires_after": 90}),
        "loyalty_card": knobs.types["loyalty_card"].model_copy(update={"links": {"crm_id": 1}}),
        "mail_person": knobs.types["mail_person"].model_copy(update={"purposes": ("analytics",)}),
        "web_cookie": knobs.types["web_cookie"].model_copy(update={"expires_after": 365})}
    settings = knobs.model_copy(update={"types": types, "blocked_ids": (ident(own(listed, "email:listed")),)})
    ledger = decide(rows(OBSERVATIONS, *seen), decided(*told), settings, AS_OF)
    answers["owners"] = {r.identifier_id: r.person_id for r in map_identifiers(ledger).collect()}
    answers["rules"] = {}
    for row in list_refusals(ledger).collect():
        for end in (row.identifier_id, row.other_id):
            answers["rules"].setdefault(end, set()).add(row.rule)
    return answers


@pytest.mark.parametrize("case", CASES)
def test_a_rule_parts_and_joins_what_it_should_and_says_so(case: str, settled: Any) -> None:
    number = list(CASES).index(case)
    _, _, together, apart, rules = CASES[case]

    def owner(name: str) -> str | None:
        return settled["owners"][ident(own(number, name))]

    for pair in together:
        one, other = map(owner, pair.split())
        assert one == other is not None, pair
    for pair in apart:
        one, other = map(owner, pair.split())
        assert one is None or one != other, pair
    for name, rule in rules.items():
        assert rule in settled["rules"][ident(own(number, name))], (name, settled["rules"])


def test_an_identifier_that_only_a_decision_names_is_not_in_the_map(settled: Any) -> None:
    unseen = list(CASES).index("joined to one never seen")
    assert ident(own(unseen, "phone:unseen")) not in settled["owners"]
