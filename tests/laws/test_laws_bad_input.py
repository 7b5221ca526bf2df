"""A delivery of damaged files on top of a good lake: the run ends well, every record is accounted for, what stood still stands."""

from __future__ import annotations

import gzip
import random
import shutil

import pytest

from tests.laws import chain
from wayprint.lake import Lake

pytestmark = [pytest.mark.spark, pytest.mark.chain]
FLIPS = 1000


def test_damaged_files_on_top_of_a_good_lake(spark, world, baseline, tmp_path):
    shutil.copytree(baseline.lake, tmp_path / "lake")
    named = damaged_files(world.raw, random.Random(5))
    for name, content in named.items():
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    chain.run(spark, tmp_path / "raw", tmp_path / "lake", world.as_of)
    now = chain.tables(spark, Lake(str(tmp_path / "lake")))

    files = {row[2]: dict(zip(chain.ALL["files"].column_names, row, strict=True)) for row in now["files"]}
    assert set(named) <= set(files)
    assert all(files[name]["lines"] == files[name]["kept"] + files[name]["quarantined"] for name in named)
    held = {name for name in named if files[name]["status"] == "held"}
    assert {"klaviyo_events/renamed-2026-01-01.csv", "klaviyo_events/without-2026-01-01.csv"} <= held
    assert all(files[name]["reason"] for name in held)
    assert files["klaviyo_events/other-case-2026-01-01.csv"]["kept"] > 0
    refused = {dict(zip(chain.ALL["quarantine"].column_names, row, strict=True))["rule"] for row in now["quarantine"]}
    assert {"truncated_gzip", "corrupt_gzip", "too_long", "bad_encoding", "nul_byte", "bad_time"} <= refused
    for table in ("raw_events", "raw_contacts", "raw_costs", "vault", "quarantine", "files"):
        assert set(baseline.rows[table]) <= set(now[table]), f"{table} lost rows that were published before"


def damaged_files(raw, rng):
    """Name -> bytes: one vendor's files in every way that files go wrong, and a thousand flipped bytes over files of all vendors."""
    mails = next(iter(sorted(raw.glob("klaviyo_events/*.csv")))).read_bytes()
    head, *lines = mails.split(b"\n")
    app = gzip.decompress(next(iter(sorted(raw.glob("segment_app/*.gz")))).read_bytes())
    till, *sales = next(iter(sorted(raw.glob("store_tickets/*.csv")))).read_bytes().split(b"\n")
    sale = dict(zip(till.split(b","), sales[0].split(b","), strict=True))

    def sold(**other):
        return b",".join({**sale, **{k.encode(): v for k, v in other.items()}}.values())

    made = {
        "klaviyo_events/empty-2026-01-01.csv": b"",
        "klaviyo_events/renamed-2026-01-01.csv": mails.replace(b"person_id", b"persona", 1),
        "klaviyo_events/without-2026-01-01.csv": b"\n".join(line.split(b",", 1)[-1] for line in (head, *lines)),
        "klaviyo_events/other-case-2026-01-01.csv": b"\n".join([head.upper(), *[line.replace(b",", b"9,", 1) for line in lines]]),
        "segment_app/truncated-2026-01-01.jsonl.gz": gzip.compress(app * 50)[:-400],
        "segment_app/long-2026-01-01.jsonl.gz": gzip.compress(b'{"x": "' + b"y" * 5_000_000 + b'"}\n' + app),
        "segment_app/bytes-2026-01-01.jsonl.gz": gzip.compress(b'{"a": "\xff\xfe"}\n{"b": "\0"}\n' + app[: app.index(b"\n") + 1]),
        "segment_app/no-gzip-2026-01-01.jsonl.gz": bytes(rng.randrange(256) for _ in range(2000)),
        "store_tickets/odd-2026-01-01.csv": b"\n".join([
            till, sold(ticket_id=b"X1", ticket_time=b"1970-01-01 00:00:00"), sold(ticket_id=b"X2", ticket_time=b"2099-01-01 00:00:00"),
            sold(ticket_id=b"X3", unit_price=b"-4"), sold(ticket_id=b"X4", quantity=b"many"), sold(ticket_id=b"X5", ticket_time=b"soon")])}
    vendors = sorted(p for p in raw.rglob("*") if p.is_file() and "adobe" not in str(p))
    for number in range(FLIPS // 50):
        path = rng.choice(vendors)
        content = bytearray(path.read_bytes())
        for _ in range(50):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        made[str(path.relative_to(raw).with_name(f"flipped-{number}-{path.name}"))] = bytes(content)
    return made
