"""The step that suggests devices: what it gathers is what plain loops gather, whatever the order, and crowds and days give nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import device_worlds
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from wayprint.contracts import broken_counts, conform
from wayprint.matching.closeness import judged
from wayprint.matching.devices import pairs_of, presence, suggest_devices
from wayprint.tables.events import EVENTS
from wayprint.tables.identity import IDENTITY_MAP
from wayprint.tables.matching import PROBABLE_DEVICES

pytestmark = [pytest.mark.spark, pytest.mark.runtime35]
NIGHT, DAY = dt.datetime(2026, 1, 15, 21), dt.datetime(2026, 1, 15, 12)  # UTC; 22 and 13 o'clock in Paris


@pytest.fixture(scope="module")
def knobs(settings: Any) -> Any:
    return settings.matching.model_copy(update={"devices_enabled": True})


@pytest.fixture(scope="module")
def world() -> device_worlds.World:
    """A lived world with what the lake also holds: events without network or kind of device, other platforms, blocked devices, other types."""
    made = device_worlds.lived(530, people=260, days=100)
    rng = np.random.default_rng(2)
    events, identity = made.events, made.identity

    def some(share: float) -> np.ndarray:
        return rng.random(len(events)) < share

    events.loc[some(0.03), "network_id"] = None
    events.loc[some(0.10), "device_type"] = None
    events.loc[some(0.05), "device_type"] = "tablet"  # one browser, two kinds
    events.loc[some(0.02), "platform"] = "kiosk"
    events.loc[some(0.05), "user_agent"] = None
    silent = set(identity.index[rng.random(len(identity)) < 0.03])  # no event of theirs says the kind
    events.loc[events["origin_id"].isin(silent), "device_type"] = None
    identity.loc[rng.random(len(identity)) < 0.02, "status"] = "blocked"
    identity.loc[rng.random(len(identity)) < 0.02, "type"] = "loyalty_card"
    return made


@pytest.fixture
def lake(rows: Callable[..., Any], world: device_worlds.World) -> tuple[Any, Any]:
    events = world.events.astype(object).where(world.events.notna(), None)
    acted = [{"event_key": f"e{number}", "origin_id": one["origin_id"], "happened_at": one["happened_at"].tz_localize(None).to_pydatetime(),
              "network_id": one["network_id"], "platform": one["platform"], "device_type": one["device_type"], "user_agent": one["user_agent"],
              "items": [("p", one["family"], 1, None), ("q", None, 1, None)] if one["family"] else None} for number, one in enumerate(events.to_dict("records"))]
    identity = world.identity.astype(object).where(world.identity.notna(), None).reset_index()
    owned = [{"identifier_id": one["origin_id"], "identifier_type": one["type"], "person_id": one["person_id"], "status": one["status"]}
             for one in identity.to_dict("records")]
    owned += [{"identifier_id": f"login of {person}", "identifier_type": "login", "person_id": person, "status": "owned"}
              for person in identity.loc[identity["has_account"].astype(bool), "person_id"].unique()]
    return rows(EVENTS, *acted), rows(IDENTITY_MAP, *owned)


def test_what_is_gathered_of_each_pair_is_what_plain_loops_gather(lake: tuple[Any, Any], world: device_worlds.World, knobs: Any) -> None:
    events, identity_map = lake
    wanted = device_worlds.gathered(world, knobs)
    found = pairs_of(presence(events, identity_map, knobs), identity_map, knobs).toPandas().sort_values(["identifier_id", "other_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, rtol=1e-12, atol=0)
    assert len(wanted) > 200
    for column in ("rivals", "successor", "never_one"):  # each answer occurs, or the comparison says little
        assert set(wanted[column]) == {True, False}, column
    assert set(wanted["kind"]) | set(wanted["other_kind"]) == {"app", "desktop", "mobile", "tablet", "unknown"}
    assert set(wanted["accounts"]) == {0, 1, 2}
    assert wanted["interest"].isna().any()
    assert (wanted["addresses"] > 1).any()


def test_the_table_holds_the_judged_pairs_in_any_order_and_any_partitions(lake: tuple[Any, Any], world: device_worlds.World, knobs: Any) -> None:
    events, identity_map = lake
    wanted = judged(device_worlds.gathered(world, knobs), knobs.devices_weights["home"], knobs.devices_weights["person"])
    least = float(wanted["probability_home"].quantile(0.2))
    some = knobs.model_copy(update={"devices_least": least})
    rows = conform(suggest_devices(events.coalesce(1), identity_map.coalesce(1), some), PROBABLE_DEVICES).persist()
    found = rows.toPandas().sort_values(["identifier_id", "other_id"], ignore_index=True)
    kept = wanted.loc[wanted["probability_home"] >= least, PROBABLE_DEVICES.column_names].reset_index(drop=True)
    assert 0 < len(kept) < len(wanted)
    pd.testing.assert_frame_equal(found, kept, check_dtype=False, rtol=1e-12, atol=0)
    broken = rows.agg(*broken_counts(PROBABLE_DEVICES)).first().asDict()
    assert broken.pop("rows") == len(kept)
    assert set(broken.values()) == {0}

    shuffled = events.repartition(7, "event_key").sortWithinPartitions(F.desc("happened_at"), F.xxhash64("event_key"))
    again = suggest_devices(shuffled, identity_map.repartition(5, "status"), some)
    assert sorted(again.collect(), key=repr) == sorted(rows.collect(), key=repr)


# --- small lakes, side by side in one: the letters before the colon keep them apart --------------------------------------------

LATER = dt.timedelta(days=28)
DUSK = dt.datetime(2026, 1, 15, 19, 30)  # UTC; 20:30 in Paris, and no night yet in London
CAFE = [(f"cafe:{number:02}", NIGHT) for number in range(13)]
PARTY = [(f"party:{number:02}", NIGHT) for number in range(12)]
VISITS = [
    *CAFE, *PARTY, ("windows:a", NIGHT), ("windows:b", NIGHT + LATER), ("office:a", DAY), ("office:b", DAY), ("home:a", NIGHT), ("home:b", DAY),
    ("dusk:a", DUSK), ("dusk:b", DUSK), ("guarded:a", DAY), ("guarded:b", DAY), ("guarded:guard", NIGHT), ("one:a", NIGHT), ("one:b", NIGHT),
    ("blocked:a", NIGHT), ("blocked:b", NIGHT), ("nowhere:a", NIGHT), ("nowhere:b", NIGHT), ("mail:a", NIGHT), ("mail:b", NIGHT), ("stranger:a", NIGHT), ("stranger:b", NIGHT)]


@pytest.fixture
def small(rows: Callable[..., Any]) -> tuple[Any, Any]:
    """Of VISITS: each place is an address, each device somebody's, but where its place says otherwise."""
    events = rows(EVENTS, *[
        {"event_key": f"{device} {at}", "origin_id": device, "network_id": None if device.startswith("nowhere") else device.split(":")[0], "happened_at": at,
         "platform": "email" if device == "mail:a" else "web", "device_type": "desktop"} for device, at in VISITS])
    owned = rows(IDENTITY_MAP, *[
        {"identifier_id": device, "identifier_type": "web_cookie", "person_id": "ann" if device.startswith("one") else f"person of {device}",
         "status": "blocked" if device == "blocked:a" else "owned"} for device in sorted({device for device, _ in VISITS} - {"stranger:a"})])
    return events, owned


def of_all(*devices: str) -> set[tuple[str, str]]:
    return {(one, other) for one in devices for other in devices if one < other}


def suggested(small: tuple[Any, Any], knobs: Any, **changes: Any) -> set[tuple[str, str]]:
    found = suggest_devices(*small, knobs.model_copy(update={"devices_least": 0.0, **changes}))
    return {(row.identifier_id, row.other_id) for row in found.select("identifier_id", "other_id").collect()}


def test_few_devices_at_night_on_one_address_in_one_window_are_pairs_and_no_others_are(small: tuple[Any, Any], knobs: Any) -> None:
    """Not a crowd, not two windows, not by day only, not one person's already, not blocked, not without address, not what e-mails and strangers tell."""
    assert (knobs.devices_most, knobs.devices_window_days, knobs.devices_zone) == (12, 28, "Europe/Paris")
    assert suggested(small, knobs) == (
        of_all(*[device for device, _ in PARTY]) | of_all("home:a", "home:b") | of_all("dusk:a", "dusk:b")
        | {("guarded:a", "guarded:guard"), ("guarded:b", "guarded:guard")})


def test_crowd_window_and_night_are_those_of_the_settings(small: tuple[Any, Any], knobs: Any) -> None:
    found = suggested(small, knobs, devices_most=2, devices_window_days=1000, devices_zone="Europe/London")
    assert found == of_all("home:a", "home:b") | of_all("windows:a", "windows:b")


def test_off_gives_an_empty_table_and_reads_nothing(spark: Any, knobs: Any) -> None:
    nothing = spark.range(3)  # no column that the step reads
    found = suggest_devices(nothing, nothing, knobs.model_copy(update={"devices_enabled": False}))
    assert conform(found, PROBABLE_DEVICES).count() == 0


def test_no_events_and_no_identity_give_no_rows(small: tuple[Any, Any], rows: Callable[..., Any], knobs: Any) -> None:
    events, identity_map = small
    for some in ((rows(EVENTS), identity_map), (events, rows(IDENTITY_MAP))):
        assert conform(suggest_devices(*some, knobs), PROBABLE_DEVICES).count() == 0
