"""Stays on shared devices against a plain loop over the device's actions, and what touches make of them."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from wayprint.contracts import conform
from wayprint.identity.episodes import cut_episodes
from wayprint.journeys.touches import place_touches
from wayprint.tables.events import EVENTS
from wayprint.tables.identity import EPISODES, IDENTITY_AUDIT, IDENTITY_MAP

pytestmark = pytest.mark.spark
START = dt.datetime(2026, 3, 1)
LOGINS = {"ann": "P-ann", "bob": "P-bob", "junk": None, "guest": None}
FLAWED = ("guest",)  # stands for no record: its actions are told under the device


@pytest.fixture
def scene(rows: Any) -> Any:
    """Tables of devices and their actions: (device, minutes, login or None, event name)."""

    def build(actions: list[tuple[str, int, str | None, str]], rule: str = "shared_device") -> tuple[Any, Any, Any]:
        devices = sorted({device for device, *_ in actions})
        events = rows(EVENTS, *[{
            "event_key": f"{number:05d}", "event_name": name, "happened_at": START + dt.timedelta(minutes=minutes), "channel": "Direct", "platform": "web",
            "identifiers": [*([("login", login)] if login else []), ("web_cookie", device)], "identifier_id": login if login and login not in FLAWED else device, "origin_id": device,
        } for number, (device, minutes, login, name) in enumerate(actions)])
        owners = [{"identifier_id": login, "identifier_type": "login", "person_id": person, "status": "owned" if person else "blocked"} for login, person in LOGINS.items()]
        shared = [{"identifier_id": device, "identifier_type": "web_cookie", "person_id": None, "status": "shared"} for device in devices]
        audit = rows(IDENTITY_AUDIT, *[{"audit_id": d, "identifier_id": d, "identifier_type": "web_cookie", "other_id": None, "rule": rule} for d in devices])
        return events, rows(IDENTITY_MAP, *owners, *shared), audit

    return build


def by_hand(actions: list[tuple[str, int, str | None, str]], silence: int | None) -> dict[int, str | None]:
    """Whose each action is: number -> person."""
    owner: dict[str, str | None] = {}
    last: dict[str, int] = {}
    told = {}
    for number, (device, minutes, login, name) in sorted(enumerate(actions), key=lambda one: (one[1][1], one[0])):
        if silence is not None and device in last and minutes - last[device] > silence:
            owner[device] = None
        last[device] = minutes
        if login and name != "logout":
            owner[device] = LOGINS[login]
        told[number] = LOGINS[login] if login else owner.get(device)
        if name == "logout":
            owner[device] = None
    return told


@pytest.mark.parametrize("silence", [None, 2.0])
def test_each_action_of_100_random_devices_is_given_as_a_loop_gives_it(silence: float | None, scene: Any, knobs: Any, settings: Any) -> None:
    rng = random.Random(7)
    actions = [
        (f"d{device}", minutes, rng.choice([None, None, None, None, "ann", "ann", "bob", "junk", "guest"]), rng.choice(["page_view"] * 6 + ["logout"]))
        for device in range(100) for minutes in sorted(rng.sample(range(2_000), rng.randint(1, 14)))]
    given = knobs.model_copy(update={"episode_silence_hours": silence})
    events, standing, audit = scene(actions)
    episodes = conform(cut_episodes(events.repartition(3), standing, audit, given), EPISODES)
    found = {int(r.event_key): r.person_id for r in place_touches(events, standing, episodes, settings.journeys).collect()}
    expected = by_hand(actions, None if silence is None else int(silence * 60))
    kept = {n for n, (_, _, _, name) in enumerate(actions) if n in found}
    assert len(kept) > 500
    assert found == {n: expected[n] for n in kept}


def test_a_stay_says_when_and_why_it_ended(scene: Any, knobs: Any) -> None:
    actions = [("d", 0, None, "page_view"), ("d", 1, "ann", "login"), ("d", 5, None, "page_view"), ("d", 9, "bob", "login"), ("d", 12, None, "logout"),
               ("d", 15, None, "page_view"), ("d", 20, "ann", "login")]
    found = cut_episodes(*scene(actions), knobs).orderBy("started_at").collect()
    minutes = [((r.started_at - START).total_seconds() / 60, r.person_id, r.ended_by, r.events) for r in found]
    assert minutes == [(1.0, "P-ann", "another_account", 2), (9.0, "P-bob", "logout", 2), (20.0, "P-ann", None, 1)]
    assert found[1].ended_at > START + dt.timedelta(minutes=12)


@pytest.mark.parametrize("account", ["junk", "guest"])
@pytest.mark.parametrize("name", ["page_view", "logout"])
def test_an_account_that_is_nobodys_ends_a_stay_and_begins_none(scene: Any, knobs: Any, settings: Any, account: str, name: str) -> None:
    events, standing, audit = scene([("d", 0, "ann", "page_view"), ("d", 5, account, name), ("d", 6, None, "page_view")])
    episodes = conform(cut_episodes(events, standing, audit, knobs), EPISODES)
    assert [(r.ended_at, r.ended_by, r.events) for r in episodes.collect()] == [(START + dt.timedelta(minutes=5), "another_account", 1)]
    owners = {r.event_key: r.person_id for r in place_touches(events, standing, episodes, settings.journeys).collect()}
    assert (owners.pop("00000"), set(owners.values())) == ("P-ann", {None})


def test_a_counter_with_dozens_of_accounts_has_no_stays(scene: Any, knobs: Any) -> None:
    assert cut_episodes(*scene([("d", 1, "ann", "login"), ("d", 5, None, "page_view")], rule="fan_out"), knobs).collect() == []
