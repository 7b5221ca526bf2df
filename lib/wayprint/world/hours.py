"""Times of the world: when people act, in Paris and in UTC, and how vendors write it.

Inside the world a time is milliseconds since 1970 in UTC (int64) and a day is a number counted from the first one.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

from wayprint.world.chance import Array

DAY = 86_400_000
PARIS = ZoneInfo("Europe/Paris")
# Visits per hour of the Paris day, from midnight on: quiet at night, a lunch bump, an evening peak.
AWAKE = np.array([3, 1, 0, 0, 0, 0, 2, 5, 8, 10, 11, 11, 13, 12, 11, 10, 10, 11, 13, 15, 18, 20, 15, 7], dtype=float)
OPENING = np.array([0] * 10 + [6, 9, 8, 7, 9, 11, 13, 15, 12, 5] + [0] * 4, dtype=float)


def midnight(start: dt.date) -> int:
    """UTC milliseconds of the first day's start in UTC."""
    return int(dt.datetime(start.year, start.month, start.day, tzinfo=dt.UTC).timestamp()) * 1000


def offsets(start: dt.date, days: int) -> Array:
    """Milliseconds by which Paris is ahead of UTC at noon of each day (the clock changes at night, when nobody acts)."""
    noons = (dt.datetime.combine(start + dt.timedelta(d), dt.time(12), PARIS) for d in range(days))
    return np.array([(n.utcoffset() or dt.timedelta()).total_seconds() * 1000 for n in noons], dtype=np.int64)


def drawn(rng: np.random.Generator, hours: Array, size: int) -> Array:
    """Milliseconds after Paris midnight, drawn from a profile of hours."""
    hour = np.searchsorted(np.cumsum(hours) / hours.sum(), rng.random(size), side="right")
    return np.minimum(hour, 23).astype(np.int64) * 3_600_000 + rng.integers(0, 3_600_000, size)


def utc(start: dt.date, day: Array, local: Array) -> Array:
    """The moment `local` milliseconds after Paris midnight of each `day`."""
    ahead = offsets(start, int(day.max(initial=0)) + 1)
    return midnight(start) + day.astype(np.int64) * DAY + local - ahead[day]


def date_texts(start: dt.date, days: int) -> list[str]:
    return [(start + dt.timedelta(d)).isoformat() for d in range(days)]


def spaced(ms: Array) -> list[str]:
    """`2026-01-03 17:22:10.123`, UTC."""
    return _with(ms, 10, " ")


def iso(ms: Array) -> list[str]:
    """`2026-01-03T17:22:10.123Z`."""
    return [text + "Z" for text in _with(ms, 10, "T")]


def seconds(ms: Array) -> list[str]:
    """`2026-01-03 17:22:10`, UTC."""
    return [text[:19] for text in spaced(ms)]


def paris(start: dt.date, ms: Array) -> list[str]:
    """`2026-01-03 17:22:10` on a Paris clock, without zone."""
    day = np.maximum((ms - midnight(start)) // DAY, 0)
    return seconds(ms + offsets(start, int(day.max(initial=0)) + 1)[day])


def _with(ms: Array, place: int, mark: str) -> list[str]:
    if not len(ms):
        return []
    text = np.datetime_as_string(ms.astype("datetime64[ms]"), unit="ms")
    letters = text.view("U1").reshape(len(ms), -1)
    letters[:, place] = mark
    return list(text.tolist())
