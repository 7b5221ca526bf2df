"""What nobody should send and somebody will: each has one named answer."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections import Counter
from typing import Any

import pytest
from households import ident

from wayprint.identity.resolution import decide, list_refusals, map_identifiers
from wayprint.sources.identifiers import canonical
from wayprint.tables.identity import OBSERVATIONS

COOKIES = 10_000
COLLECTED = 150  # one a day


@pytest.mark.parametrize("value", ["Zoë", "Jürgen.Müller", "é" * 40])
def test_one_name_typed_composed_or_decomposed_is_one_identifier(value: str) -> None:
    composed, decomposed = (canonical("login", unicodedata.normalize(form, value), "FR") for form in ("NFC", "NFD"))
    assert composed == decomposed


def test_letters_that_only_look_alike_stay_two() -> None:
    assert canonical("login", "ana", "FR") != canonical("login", "аna", "FR")
    assert canonical("email", "ANA@Exemple.FR", "FR") == canonical("email", "ana@exemple.fr", "FR")


def test_a_text_of_ten_thousand_characters_and_a_pattern_are_flaws(settings: Any) -> None:
    types = settings.sources.identifier_types
    assert types["login"].flaw("x" * 10_000) == "shape"
    assert types["login"].flaw("x" * 1_000) is None
    assert [types["login"].flaw(value) for value in ("NULL", "anonymous", "000", "nullable", "0042")] == ["blocklist", "blocklist", "blocklist", None, None]
    assert types["email"].flaw("no-reply@shop.fr") == "blocklist"
    assert types["loyalty_card"].flaw("1111111") == "blocklist"
    assert types["phone"].flaw("+33666666666") == "blocklist"
    shaped = types["crm_id"].model_copy(update={"shape": "[0-9]{6}"})
    assert (shaped.flaw("123456"), shaped.flaw("12345x")) == (None, "shape")


@pytest.mark.spark
def test_loops_cycles_doubles_giants_growing_hubs_and_a_million_blocked_values(rows: Any, decided: Any, knobs: Any) -> None:
    """One build holds all of them, each with identifiers of its own, so that none may spoil another."""
    links = [("login:loop", "login:loop"), ("email:x", "phone:y"), ("phone:y", "loyalty_card:z"), ("loyalty_card:z", "email:x"), ("email:x", "phone:y")]
    links += [("login:giant", f"web_cookie:giant-{n}") for n in range(COOKIES)]  # all in one day
    links += [("login:collector", f"web_cookie:collector-{n}") for n in range(COLLECTED)]
    hubs = {size: [f"login:hub{size}-{n}" for n in range(size)] for size in range(1, 9)}  # the hub grew by one a day: eight days side by side
    links += [(login, f"email:hub{size}") for size, logins in hubs.items() for login in logins]
    seen = rows(OBSERVATIONS, *[{
        "observation_id": str(n), "identifier_id": ident(a), "identifier_type": a.split(":")[0], "other_id": ident(b), "other_type": b.split(":")[0], "sightings": 1 + n % 3,
        "first_seen_at": dt.datetime(2026, 1, 1) + (dt.timedelta(days=int(b.split("-")[1])) if "collector" in b else dt.timedelta(seconds=n)),
        "last_seen_at": dt.datetime(2026, 6, 1), "source": "web"} for n, (a, b) in enumerate(links)])
    million = tuple(f"{n:032x}" for n in range(1_000_000))
    ledger = decide(seen, decided(), knobs.model_copy(update={"blocked_ids": million}), dt.date(2026, 7, 1))
    owners = {r.identifier_id: r.person_id for r in map_identifiers(ledger).collect()}
    assert len(owners) == len({end for link in links for end in link})
    assert owners[ident("login:loop")] is not None
    assert len({owners[ident(name)] for name in ("email:x", "phone:y", "loyalty_card:z")}) == 1
    assert owners[ident("login:giant")] is None, "so many devices in so few days are no person's"
    assert len({owners[ident(f"web_cookie:giant-{n}")] for n in range(COOKIES)}) == COOKIES, "and they are not one another's"
    collector = owners[ident("login:collector")]
    assert sum(owner == collector for owner in owners.values()) == 1 + 100, "a person keeps as many cookies as the type allows; the others are anonymous"
    rules = Counter(r.rule for r in list_refusals(ledger).where("other_id is not null").collect())
    assert rules["max_per_person"] == COLLECTED - 100
    assert rules["fan_out"] >= COOKIES
    for size, logins in hubs.items():
        persons = {owners[ident(login)] for login in logins}
        assert len(persons) == size, "two accounts are never one person, however the hub grows"
        hub = owners[ident(f"email:hub{size}")]
        assert hub in persons if size <= knobs.types["email"].fan_out else hub is None
