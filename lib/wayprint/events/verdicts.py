"""What becomes of each event of one device: kept, or refused as a machine's or as another tracker's view of a kept one.

Plain Python over sorted Arrow batches: the pass is sequential by nature (which sighting absorbs which depends on those before), and one
pass over rows already sorted by device is cheaper than the three windows and the join it would take in SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pyarrow as pa

from wayprint.events.bots import DAY, busy_days, is_machine
from wayprint.events.twins import Sighting, twins


class Limits(NamedTuple):
    events_per_minute: int
    twin_micros: int
    app_libraries: tuple[str, ...]


class Seen(NamedTuple):
    """One event as far as a verdict depends on it; `unclean` names the rule it broke already."""

    event_key: str
    at: int
    hit: str
    tracker: str | None
    platform: str | None
    event_name: str
    agent: str | None
    unclean: str | None


class Verdict(NamedTuple):
    rule: str | None
    kept_event_key: str | None
    trackers: list[str] | None


TRACKED = ("web", "app")  # where a script can pose as a visitor; a call centre or a till sends no user agent of the customer
FIELDS = [f"_{name}" if name in ("at", "hit", "unclean") else name for name in Seen._fields]
FIELDS[FIELDS.index("agent")] = "user_agent"
VERDICT = [("_rule", "string"), ("_kept_event_key", "string"), ("_trackers", "array<string>")]
ARROW = [pa.string(), pa.string(), pa.list_(pa.string())]


def judge(events: list[Seen], limits: Limits) -> list[Verdict]:
    """One verdict an event, for all events of one device in order of (at, event_key).

    Order of rules: a broken clock; a machine's user agent; a busy day (more hits than the limit in some minute: all that the device's
    trackers saw on that UTC day, pings not counted but refused with it); a twin. Twins are put together before hits are
    counted, so a second tracker does not halve the limit, and a twin shares the fate of the hit kept for it.
    """
    rules = [event.unclean or ("bot_agent" if _is_bot(event, limits) else None) for event in events]
    people = [position for position, rule in enumerate(rules) if rule is None]
    paired = twins([Sighting(events[p].at, events[p].hit, events[p].tracker) for p in people], limits.twin_micros)
    kept_for = {people[twin]: people[kept] for twin, kept in paired.items()}
    hits = [
        events[p].at for p in people if p not in kept_for and events[p].platform in TRACKED and events[p].event_name != "page_ping"]
    busy = busy_days(hits, limits.events_per_minute)
    if busy:
        for position in people:
            hit = events[kept_for.get(position, position)]
            if hit.platform in TRACKED and hit.at // DAY in busy:
                rules[position] = "bot_rate"
    names: list[set[str] | None] = [{event.tracker} if event.tracker is not None else None for event in events]
    for twin, kept in kept_for.items():
        if rules[twin] is None:
            rules[twin] = "other_tracker"
            names[kept] = (names[kept] or set()) | (names[twin] or set())
    return [
        Verdict(rule, events[kept_for[p]].event_key if rule == "other_tracker" else None, sorted(seen_by) if seen_by else None)
        for p, (rule, seen_by) in enumerate(zip(rules, names, strict=True))]


def _is_bot(event: Seen, limits: Limits) -> bool:
    if event.platform not in TRACKED:
        return False
    return is_machine(event.agent, limits.app_libraries if event.platform == "app" else ())


def with_verdicts(batches: Iterable[pa.RecordBatch], limits: Limits) -> Iterator[pa.RecordBatch]:
    """The rows with VERDICT's columns behind them; batches come sorted by (origin_id, _at, event_key)."""
    for table in whole_devices(batches):
        origins = table.column("origin_id").to_pylist()
        events = [Seen(*values) for values in zip(*(table.column(name).to_pylist() for name in FIELDS), strict=True)]
        verdicts: list[Verdict] = []
        while len(verdicts) < len(events):
            begin = end = len(verdicts)
            while end < len(events) and origins[end] == origins[begin]:
                end += 1
            verdicts += judge(events[begin:end], limits)
        for (name, _), kind, values in zip(VERDICT, ARROW, zip(*verdicts, strict=True), strict=True):
            table = table.append_column(name, pa.array(values, kind))
        yield from table.combine_chunks().to_batches()


def whole_devices(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows, cut so that no device is in two pieces; holds one batch and the events of one device."""
    held: list[pa.RecordBatch] = []
    device = None
    for batch in batches:
        if not batch.num_rows:
            continue
        origins = batch.column(batch.schema.get_field_index("origin_id")).to_pylist()
        cut = origins.index(origins[-1])
        if cut:
            yield pa.Table.from_batches([*held, batch.slice(0, cut)])
            held = []
        elif held and origins[0] != device:
            yield pa.Table.from_batches(held)
            held = []
        held.append(batch.slice(cut))
        device = origins[-1]
    if held:
        yield pa.Table.from_batches(held)
