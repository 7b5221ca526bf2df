"""What becomes of each event of one device: kept, or refused as a machine's or as another tracker's view of a kept one.

Plain Python over sorted Arrow batches of few columns: the pass is sequential by nature (which sighting absorbs which depends on
those before), and only events of which there is something to say leave it.
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
    hit: int
    tracker: str | None
    platform: str | None
    event_name: str
    user_agent: str | None
    unclean: str | None


class Verdict(NamedTuple):
    """`trackers` only where a twin was found: all that saw the hit, sorted."""

    rule: str | None
    kept_event_key: str | None
    trackers: list[str] | None


TRACKED = ("web", "app")  # where a script can pose as a visitor; a call centre or a till sends no user agent of the customer
FIELDS = [f"_{name}" if name in ("at", "hit", "unclean") else name for name in Seen._fields]
VERDICT = [("_rule", "string"), ("_kept_event_key", "string"), ("_trackers", "array<string>")]
ARROW = [pa.string(), pa.string(), pa.list_(pa.string())]


def judge(events: list[Seen], limits: Limits) -> list[Verdict]:
    """One verdict an event, for all events of one device in order of (at, event_key).

    Order of rules: a broken clock; a machine's user agent; a busy day (more hits than the limit in some minute: all that the device's
    trackers saw on that UTC day, pings not counted but refused with it); a twin. Twins are put together before hits are
    counted, so a second tracker does not halve the limit, and a twin shares the fate of the hit kept for it.
    """
    rules = [event.unclean or ("bot_agent" if _is_machine(event, limits) else None) for event in events]
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
    seen_by: dict[int, set[str | None]] = {}
    for twin, kept in kept_for.items():
        if rules[twin] is None:
            rules[twin] = "other_tracker"
            seen_by.setdefault(kept, {events[kept].tracker}).add(events[twin].tracker)
    return [
        Verdict(
            rule, events[kept_for[p]].event_key if rule == "other_tracker" else None,
            sorted(filter(None, seen_by[p])) if p in seen_by else None)
        for p, rule in enumerate(rules)]


def _is_machine(event: Seen, limits: Limits) -> bool:
    if event.platform not in TRACKED:
        return False
    return is_machine(event.user_agent, limits.app_libraries if event.platform == "app" else ())


def notable(batches: Iterable[pa.RecordBatch], limits: Limits) -> Iterator[pa.RecordBatch]:
    """The events refused and those that several trackers saw, with VERDICT's columns behind; batches come sorted by (origin_id, _at, event_key)."""
    for table in whole_devices(batches):
        origins = table.column("origin_id").to_pylist()
        events = [Seen(*values) for values in zip(*(table.column(name).to_pylist() for name in FIELDS), strict=True)]
        said: list[tuple[int, Verdict]] = []
        begin = 0
        while begin < len(events):
            end = begin + 1
            while end < len(events) and origins[end] == origins[begin]:
                end += 1
            verdicts = judge(events[begin:end], limits)
            said += [(begin + position, verdict) for position, verdict in enumerate(verdicts) if verdict.rule or verdict.trackers]
            begin = end
        if said:
            rows = table.take([position for position, _ in said])
            for (name, _), kind, values in zip(VERDICT, ARROW, zip(*(verdict for _, verdict in said), strict=True), strict=True):
                rows = rows.append_column(name, pa.array(values, kind))
            yield from rows.combine_chunks().to_batches()


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
