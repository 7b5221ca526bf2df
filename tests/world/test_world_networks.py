"""From where the world's people act: one address a home, which changes now and then, and carriers that hundreds share."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wayprint.sources.identifiers import network
from wayprint.world import hours, networks, raw
from wayprint.world.scene import Scene, stage
from wayprint.world.snowplow import FIELDS

START = date(2026, 1, 5)  # a Monday, far from the change of clocks
SMALL = (150, 40, 7, date(2026, 3, 1))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return stage(2400, 80, 6, START)


@pytest.fixture(scope="module")
def sent(scene: Scene) -> pd.DataFrame:
    """Each visit with a device: its home, person, kind of device, day and hour of Paris, and network."""
    visits, devices = scene.traffic.visits, scene.population.devices
    has = visits["device"].to_numpy() >= 0
    seen = visits[has]
    local = seen["t"].to_numpy() - hours.midnight(START) + 3_600_000
    return pd.DataFrame({
        "person": seen["person"].to_numpy(), "home": scene.population.persons["household"].to_numpy()[seen["person"].to_numpy()],
        "kind": devices["kind"].to_numpy()[seen["device"].to_numpy()], "day": local // hours.DAY, "hour": local % hours.DAY // 3_600_000,
        "address": scene.networks.visits[has], "network": [network(one) for one in scene.networks.visits[has]]})


def at_night(sent: pd.DataFrame) -> pd.DataFrame:
    return sent[(sent["hour"] >= 19) & (sent["kind"] != "phone") & (sent["kind"] != "app")]


def test_every_visit_of_a_device_comes_from_a_public_network_and_a_kiosk_has_none(scene: Scene, sent: pd.DataFrame) -> None:
    kiosk = scene.traffic.visits["device"].to_numpy() < 0
    assert sent["network"].notna().all()
    assert all(network(one) for one in scene.networks.usages)
    assert len(scene.networks.usages) == len(scene.care.usages) > 0
    assert kiosk.any()
    assert set(scene.networks.visits[kiosk]) == {""}


def test_one_home_has_one_address_at_night_and_two_homes_have_two(sent: pd.DataFrame) -> None:
    night = at_night(sent).assign(week=lambda s: s["day"] // 7)
    pairs = night.merge(night, on="week")
    pairs = pairs[pairs["person_x"] < pairs["person_y"]]
    alike = pairs["network_x"] == pairs["network_y"]
    own = pairs["home_x"] == pairs["home_y"]
    assert own.sum() > 80
    assert alike[own].mean() > 0.75  # 0.97 of each is at home, and some addresses change within a week
    assert alike[~own].mean() < 0.001


def test_the_devices_of_a_home_that_speaks_ipv6_take_new_addresses_of_one_network(sent: pd.DataFrame) -> None:
    six = sent[sent["address"].str.contains(":")]
    assert 0.1 < len(six) / len(sent) < 0.35  # of three homes in ten
    assert six["address"].is_unique
    assert six["network"].nunique() < len(six) / 2


def test_most_homes_get_another_address_every_one_to_three_months(sent: pd.DataFrame) -> None:
    usual = at_night(sent).assign(part=lambda s: np.where(s["day"] < 15, "first", np.where(s["day"] >= 65, "last", "")))
    modes = usual[usual["part"] != ""].groupby(["home", "part"])["network"].agg(lambda of: of.mode().iloc[0]).unstack().dropna()
    assert len(modes) > 80
    assert 0.55 < (modes["first"] != modes["last"]).mean() < 0.9  # 0.75 of the homes, some of them within the longest lease still


def test_telephones_on_the_way_share_a_carrier_with_hundreds_and_computers_at_night_do_not(sent: pd.DataFrame) -> None:
    crowds = sent.groupby("network")["person"].nunique()
    shared = sent["network"].map(crowds) > 100
    weekday = (sent["day"] % 7 < 5) & sent["hour"].between(9, 17)
    assert 0.4 < shared[weekday & sent["kind"].isin(["phone", "app"])].mean() < 0.7
    assert shared[sent.index.isin(at_night(sent).index)].mean() < 0.03
    assert (crowds > 100).sum() <= 2400 // networks.PER_MOBILE + 2400 // networks.PER_PUBLIC


def test_a_computer_at_work_shares_its_address_with_colleagues(sent: pd.DataFrame) -> None:
    at_work = sent[(sent["day"] % 7 < 5) & sent["hour"].between(9, 17) & (sent["kind"] == "desktop")]
    shared = at_work["network"].map(at_work.groupby("network")["home"].nunique()) >= 4
    assert 0.12 < shared.mean() < 0.3  # 0.85 of the visits of a quarter of the computers; cafés are 0.03
    at_home = at_night(sent).groupby("network")["home"].nunique()
    assert (at_home == 1).mean() > 0.95


def test_the_seed_decides_every_address() -> None:
    one, again, other = (stage(*SMALL[:2], seed, SMALL[3]) for seed in (7, 7, 8))
    assert (one.networks.visits == again.networks.visits).all()
    assert (one.networks.usages == again.networks.usages).all()
    anew = networks.networks(one.traffic, one.care, one.population, one.days, one.start, 8)
    # Carriers, cafés and offices are few and numbered from the same start; the homes of another seed live elsewhere.
    homes = [{address for address in found if address and not address.startswith(("90.", "91.160.", "92.184."))} for found in (one.networks.visits, anew.visits)]
    assert len(homes[0]) > 100
    assert homes[0] & homes[1] == set()
    assert set(other.networks.visits) != set(one.networks.visits)


# --- the files ------------------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().split("\n")


def without_address(path: Path) -> Iterator[str]:
    """A file's lines, with the sender's address left out where the vendor's format has one; of lines cut off on purpose, the beginning."""
    place = FIELDS.index("user_ipaddress")
    for line in lines(path):
        if path.parent.name == "snowplow_web":
            fields = line.split("\t")
            yield "\t".join([*fields[:place], *fields[place + 1:]]) if len(fields) == len(FIELDS) else line[:100]
        elif path.parent.name == "segment_app":
            head, mark, tail = line.partition('"ip":"')
            yield head + mark + tail.partition('"')[2] if line.endswith("}") else line[:100]
        else:
            yield line


def test_nothing_else_in_any_file_depends_on_the_addresses(tmp_path: Path) -> None:
    scene = stage(*SMALL)
    moved = dataclasses.replace(scene, networks=networks.networks(scene.traffic, scene.care, scene.population, scene.days, scene.start, 99))
    for name, one in (("one", scene), ("other", moved)):
        raw.deliver(one, tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path / "other") for path in (tmp_path / "other").rglob("*") if path.is_file())
    differ = set()
    for file in files:
        one, other = tmp_path / "one" / file, tmp_path / "other" / file
        if one.read_bytes() != other.read_bytes():
            differ.add(file.parts[0])
            assert list(without_address(one)) == list(without_address(other)), file
    assert differ == {"snowplow_web", "segment_app"}


def test_the_files_tell_the_address_of_each_visit(tmp_path: Path) -> None:
    scene = stage(*SMALL)
    raw.deliver(scene, tmp_path)
    web = [row for path in sorted((tmp_path / "snowplow_web").iterdir()) for row in csv.reader(lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
           if len(row) == len(FIELDS)]
    of_web = {row[FIELDS.index("user_ipaddress")] for row in web}
    of_app = set()
    for path in sorted((tmp_path / "segment_app").iterdir()):
        for line in lines(path):
            try:
                of_app.add(json.loads(line)["context"]["ip"])
            except (ValueError, KeyError, TypeError):
                continue  # spoiled on purpose
    acted = scene.actions["visit"].to_numpy()
    for platform, found in (("web", of_web), ("app", of_app)):
        wanted = set(scene.networks.visits[acted[scene.of_platform(platform)]]) | (set(scene.networks.usages) if platform == "app" else set())
        assert wanted <= found, platform
        assert found - wanted <= {"66.249.66.1"}, platform  # the crawler's
