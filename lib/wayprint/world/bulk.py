"""Canonical events in any number, straight to Parquet: for measuring, not for believing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wayprint.tables.bronze import CONSENTS, FLAWS, IDENTIFIERS, ITEMS, RAW_EVENTS
from wayprint.world import hours
from wayprint.world.chance import Array, stream

ROWS_PER_FILE = 250_000
EVENTS_PER_PERSON = 40
DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
VERBS = ("page_view", "product_view", "search", "add_to_cart", "begin_checkout", "login", "email_open", "email_click", "purchase",
    "store_visit")
SHARES = (42, 28, 7, 5, 2, 5, 6, 2, 2, 1)
TYPES: dict[str, Any] = {
    "string": pa.string(), "long": pa.int64(), "binary": pa.binary(), "double": pa.float64(),
    "timestamp": pa.timestamp("us", tz="UTC"), "decimal(18,2)": pa.decimal128(18, 2),
    IDENTIFIERS: pa.list_(pa.struct([("type", pa.string()), ("id", pa.string())])),
    FLAWS: pa.list_(pa.struct([("id", pa.string()), ("rule", pa.string())])),
    CONSENTS: pa.list_(pa.struct([("purpose", pa.string()), ("granted", pa.bool_())])),
    ITEMS: pa.list_(pa.struct([("product_id", pa.string()), ("family", pa.string()), ("quantity", pa.int32()),
    ("amount", pa.decimal128(18, 2))]))}


def write_events(folder: Path | str, rows: int, seed: int, start: dt.date = dt.date(2026, 1, 1), days: int = 120) -> None:
    """`rows` rows of raw_events in files of 250,000: people with one to three devices, half of them with a login seen now and then."""
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([(c.name, TYPES[c.type]) for c in RAW_EVENTS.columns])
    people = max(1, rows // EVENTS_PER_PERSON)
    for number, first in enumerate(range(0, rows, ROWS_PER_FILE)):
        count = min(ROWS_PER_FILE, rows - first)
        table = _chunk(schema, first, count, people, number, seed, start, days)
        pq.write_table(table, where / f"part-{number:05d}.parquet", compression="zstd", compression_level=1)


def _chunk(schema: Any, first: int, count: int, people: int, file: int, seed: int, start: dt.date, days: int) -> Any:
    rng = stream(seed, f"bulk {file}")
    row = np.arange(first, first + count, dtype=np.uint64)
    person = (people * rng.random(count) ** 1.7).astype(np.uint64)
    device = person * np.uint64(3) + np.minimum(rng.integers(0, 3, count), person.astype(np.int64) % 3).astype(np.uint64)
    named = (person % np.uint64(2) == 0) & (rng.random(count) < 0.3)
    verb = np.searchsorted(np.cumsum(SHARES) / sum(SHARES), rng.random(count), side="right")
    at = hours.midnight(start) * 1000 + rng.integers(0, days * hours.DAY, count) * 1000
    cookie, login, ids = digests(device, 1, seed), digests(person, 2, seed), digests(row, 3, seed)
    sold = verb == VERBS.index("purchase")
    given: dict[str, Any] = {
        "record_id": ids, "file_id": digests(np.full(count, file, np.uint64), 4, seed),
        "line_number": pa.array(row.astype(np.int64) - first + 1), "source": _constant("bulk", count), "event_id": ids,
        "happened_at": pa.array(at, pa.timestamp("us", tz="UTC")),
        "sent_at": pa.array(at + 300_000, pa.timestamp("us", tz="UTC")),
        "received_at": pa.array(at + 900_000, pa.timestamp("us", tz="UTC")),
            "payload_digest": digests(row, 5, seed),
        "event_name": pa.DictionaryArray.from_arrays(pa.array(verb.astype(np.int8)), pa.array(VERBS)).cast(pa.string()),
        "identifiers": _identifiers(cookie, login, named),
        "identifier_id": pa.compute.if_else(pa.array(named), login, cookie), "origin_id": cookie,
        "sync_point": pa.compute.if_else(pa.array(named), "login", pa.scalar(None, pa.string())),
        "platform": _constant("web", count),
        "page_host": _constant("www.oree.example", count),
        "order_id": pa.compute.if_else(pa.array(sold), ids, pa.scalar(None, pa.string())), "currency": _constant("EUR", count),
        "tracker": _constant("sp", count)}
    return pa.table([given[f.name] if f.name in given else pa.nulls(count, f.type) for f in schema], schema=schema)


def digests(numbers: Array, salt: int, seed: int) -> Any:
    """32 hexadecimal characters of each number: two rounds of splitmix64, different for each salt and seed."""
    halves = np.empty((len(numbers), 2), dtype=">u8")
    for half in (0, 1):
        halves[:, half] = _mixed(numbers, np.uint64(seed % 2**32 * 1_000_003 + salt * 2 + half + 1))
    raw = halves.view(np.uint8).reshape(len(numbers), 16)
    text = np.empty((len(numbers), 32), dtype=np.uint8)
    text[:, 0::2], text[:, 1::2] = DIGITS[raw >> 4], DIGITS[raw & 15]
    offsets = np.arange(0, 32 * (len(numbers) + 1), 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(text))


def _mixed(numbers: Array, salt: np.uint64) -> Array:
    """splitmix64's finaliser (Steele, Lea, Flood 2014), a bijection of 64-bit words."""
    z = numbers.astype(np.uint64) + np.array([salt], np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # an array wraps around
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _identifiers(cookie: Any, login: Any, named: Array) -> Any:
    """The login, where there is one, before the cookie: sorted by type."""
    size = 1 + named.astype(np.int32)
    offsets = np.r_[0, np.cumsum(size)].astype(np.int32)
    of_login = np.zeros(int(offsets[-1]), bool)
    of_login[offsets[:-1][named]] = True
    row = np.repeat(np.arange(len(named)), size)
    kinds = pa.DictionaryArray.from_arrays(pa.array(np.where(of_login, 0, 1).astype(np.int8)),
        pa.array(["login", "web_cookie"])).cast(pa.string())
    ids = pa.compute.if_else(pa.array(of_login), login.take(pa.array(row)), cookie.take(pa.array(row)))
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays([kinds, ids], names=["type", "id"]))


def _constant(text: str, count: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([text])).cast(pa.string())


__all__: Sequence[str] = ("digests", "write_events")
