"""Canonical events for measuring: as promised by raw_events, in any number."""

from __future__ import annotations

import hashlib

import pyarrow.parquet as pq
import pytest

from wayprint.tables.bronze import RAW_EVENTS
from wayprint.world import bulk, write_events


@pytest.fixture
def small_files(monkeypatch):
    monkeypatch.setattr(bulk, "ROWS_PER_FILE", 1_000)


def test_rows_come_in_files_with_the_promised_columns(tmp_path, small_files):
    write_events(tmp_path, rows=2_500, seed=1)
    files = sorted(tmp_path.iterdir())
    assert [pq.read_metadata(f).num_rows for f in files] == [1_000, 1_000, 500]
    events = pq.read_table(tmp_path)
    events.validate(full=True)
    assert events.column_names == RAW_EVENTS.column_names
    for column in RAW_EVENTS.columns:
        if column.required or column.name in RAW_EVENTS.key:
            assert events.column(column.name).null_count == 0, column.name


def test_ids_are_32_hexadecimal_characters_and_the_login_is_the_strongest(tmp_path, small_files):
    write_events(tmp_path, rows=3_000, seed=1)
    rows = pq.read_table(tmp_path).to_pylist()
    assert len({r["event_id"] for r in rows}) == 3_000
    named = 0
    for row in rows:
        ids = {i["type"]: i["id"] for i in row["identifiers"]}
        assert list(ids) == sorted(ids)
        assert row["identifier_id"] == ids.get("login", ids["web_cookie"])
        assert row["origin_id"] == ids["web_cookie"]
        assert all(len(i) == 32 and set(i) <= set("0123456789abcdef") for i in ids.values())
        named += "login" in ids
    assert 200 < named < 1_000
    cookies: dict[str, set[str]] = {}
    for row in rows:
        ids = {i["type"]: i["id"] for i in row["identifiers"]}
        if "login" in ids:
            cookies.setdefault(ids["web_cookie"], set()).add(ids["login"])
    assert {len(logins) for logins in cookies.values()} == {1}


def test_a_seed_decides_the_bytes(tmp_path, small_files):
    def digest(folder: str, seed: int) -> list[str]:
        write_events(tmp_path / folder, rows=1_500, seed=seed)
        return [hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted((tmp_path / folder).iterdir())]

    assert digest("one", 1) == digest("again", 1)
    assert not set(digest("one", 1)) & set(digest("other", 2))
