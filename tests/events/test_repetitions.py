"""Once each: which record of an event id is kept, whatever the order of delivery."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from decimal import Decimal

import pytest

from wayprint.contracts import conform
from wayprint.events.repetitions import deduplicate, find_repetitions
from wayprint.tables.bronze import RAW_EVENTS
from wayprint.tables.events import REPEATED_EVENTS, UNIQUE_EVENTS

pytestmark = pytest.mark.spark


def at(second: int) -> dt.datetime:
    return dt.datetime.fromisoformat("2026-01-01") + dt.timedelta(seconds=second)


def drawn(seed: int) -> list[dict]:
    draw = random.Random(seed)
    records = []
    for case in range(200):
        for number in range(draw.randrange(1, 9)):
            records.append({
                "record_id": f"{case:03}-{draw.randrange(10**6):06}-{number}", "event_id": f"{case}-{draw.randrange(2)}",
                "source": draw.choice(["shop", "app"]), "payload_digest": draw.choice("xyz"),
                "received_at": draw.choice([None, at(0), at(0), at(1)])})
    return records


def told_by_a_loop(records: list[dict]) -> tuple[dict, dict]:
    """(source, event_id) -> (kept record, repetitions), and refused record -> kept record."""
    groups: dict[tuple, list[dict]] = {}
    for record in records:
        groups.setdefault((record["source"], record["event_id"]), []).append(record)
    unique, repeated = {}, {}
    for key, group in groups.items():
        earliest = min(record["received_at"] or at(10**6) for record in group)
        earliest_records = [record for record in group if (record["received_at"] or at(10**6)) == earliest]
        smallest = min(record["payload_digest"] for record in earliest_records)
        best = min((r for r in earliest_records if r["payload_digest"] == smallest), key=lambda r: r["record_id"])
        alike = [r for r in group if r["payload_digest"] == best["payload_digest"]]
        unique[key] = (best["record_id"], len(alike) - 1)
        repeated |= {r["record_id"]: best["record_id"] for r in group if r["payload_digest"] != best["payload_digest"]}
    return unique, repeated


def collected(raw_events) -> tuple[dict, dict, int]:
    unique, repeated = deduplicate(raw_events, find_repetitions(raw_events))
    kept = conform(unique, UNIQUE_EVENTS).collect()
    refused = conform(repeated, REPEATED_EVENTS).collect()
    assert {row.event_key for row in refused} <= {row.event_key for row in kept}
    return (
        {(row.source, row.event_id): (row.record_id, row.repetitions) for row in kept},
        {row.record_id: row.kept_record_id for row in refused},
        len(kept) + sum(row.repetitions for row in kept) + len(refused))


def test_the_first_received_is_kept_in_200_worlds_and_nothing_is_lost(rows):
    records = drawn(seed=1)
    unique, repeated, balance = collected(rows(RAW_EVENTS, *records))
    assert (unique, repeated) == told_by_a_loop(records)
    assert balance == len(records)


def test_the_latest_state_of_a_record_is_kept_and_of_equal_ones_the_one_that_says_how_it_ended(rows):
    early, late = at(0), at(86_400)
    records = [
        {"record_id": "paid", "event_id": "o1", "payload_digest": "a", "updated_at": early, "received_at": early, "amount": Decimal(100)},
        {"record_id": "voided", "event_id": "o1", "payload_digest": "b", "updated_at": late},
        {"record_id": "undated", "event_id": "o1", "payload_digest": "0", "received_at": early, "amount": Decimal(100)},
        *[{"record_id": f"closed{n}", "event_id": f"t{n}", "payload_digest": digest, "status": "closed"} for n, digest in enumerate("ac")],
        *[{"record_id": f"answered{n}", "event_id": f"t{n}", "payload_digest": "b", "status": "closed", "score": 5.0} for n in range(2)]]
    unique, repeated, _ = collected(rows(RAW_EVENTS, *[{"source": "shop", **record} for record in records]))
    assert {kept for kept, _ in unique.values()} == {"voided", "answered0", "answered1"}
    assert set(repeated) == {"paid", "undated", "closed0", "closed1"}


def test_order_of_delivery_and_partitions_change_nothing(rows):
    records = drawn(seed=2)
    shuffled = random.Random(3).sample(records, len(records))
    assert collected(rows(RAW_EVENTS, *records)) == collected(rows(RAW_EVENTS, *shuffled).repartition(7))


def test_the_key_of_an_event_is_the_hash_of_its_source_and_id(rows):
    raw_events = rows(RAW_EVENTS, {"source": "shop", "event_id": "e1"})
    unique, _ = deduplicate(raw_events, find_repetitions(raw_events))
    assert unique.first().event_key == hashlib.sha256(b"shop|e1").hexdigest()[:32]
