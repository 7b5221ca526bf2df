"""Journeys told again by plain loops, and short ways to write what happened."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from wayprint.journeys.settings import JourneySettings
from wayprint.settings import conf_folder, load


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The shipped knobs of this domain alone: another section's mistake is another domain's red test."""
    folder = tmp_path_factory.mktemp("conf")
    own = yaml.safe_load((conf_folder() / "base.yaml").read_text(encoding="utf-8"))["journeys"]
    (folder / "base.yaml").write_text(yaml.safe_dump({"journeys": own}), encoding="utf-8")
    for name in ("stages.yaml", "kpis.yaml", "channels.yaml"):
        (folder / name).write_text((conf_folder() / name).read_text(encoding="utf-8"), encoding="utf-8")
    return load({"journeys": JourneySettings}, folder=folder, environ={})


@pytest.fixture(scope="session")
def knobs(settings: Any) -> Any:
    return settings.journeys


@pytest.fixture(scope="session")
def with_policy(settings: Any) -> Callable[..., Any]:
    return lambda policy, **changes: settings.replace("journeys", session_policy=policy, **changes).journeys


@pytest.fixture(scope="session")
def at() -> Callable[[str], dt.datetime]:
    """`at("10:00")` on 2 March 2026; `at("3 10:00:30")` on the third."""

    def read(told: str) -> dt.datetime:
        day, _, clock = told.rpartition(" ")
        return dt.datetime.combine(dt.date(2026, 3, int(day or 2)), dt.time.fromisoformat(clock))

    return read


@pytest.fixture(scope="session")
def short_hash() -> Callable[..., str]:
    return lambda *parts: hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


@pytest.fixture(scope="session")
def cut_by_hand() -> Callable[..., list[list[dict[str, Any]]]]:
    """Walk along one owner's rows and begin a new visit where the policy's vendor says so."""

    def cut(rows: list[dict[str, Any]], policy: str, zone: str) -> list[list[dict[str, Any]]]:
        visits: list[list[dict[str, Any]]] = []
        campaign = None
        for row in sorted(rows, key=lambda r: (r["happened_at"], r["event_key"])):
            ends = not visits
            if visits:
                last = visits[-1][-1]["happened_at"]
                silence = (row["happened_at"] - last).total_seconds()
                ends = silence > 1800 if policy == "ga4" else silence >= 1800
                if policy in ("universal", "matomo"):
                    days = {t.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).date() for t in (last, row["happened_at"])}
                    ends = ends or len(days) > 1 or (row["campaign"] is not None and row["campaign"] != campaign)
            if ends:
                visits.append([])
                campaign = None
            visits[-1].append(row)
            campaign = row["campaign"] if row["campaign"] is not None else campaign
        return visits

    return cut
