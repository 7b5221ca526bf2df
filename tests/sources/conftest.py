"""A file of a made-up source is read without Spark: `read(content, **spec)` gives its rows by kind."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

from wayprint.sources.ingest import read_file
from wayprint.sources.keys import Keys
from wayprint.sources.settings import SourceSettings

KEYS = Keys(bytes(32), b"\x11" * 32)

SHOP = {
    "about": "a shop's actions", "paths": {"*": "csv"}, "kind": "event", "columns": ["id", "at", "login", "amount"],
    "fields": {"event_id": "id", "happened_at": "at", "amount": "amount"}, "keys": ["event_id"], "constants": {"event_name": "purchase"},
    "identifiers": [{"type": "login", "column": "login"}]}


def described(name: str, content: bytes, source: str = "shop") -> dict[str, Any]:
    return {"file_id": hashlib.sha256(content).hexdigest(), "source": source, "file": name, "names": [name], "path": name, "bytes": len(content),
            "spec_id": "spec"}


@pytest.fixture
def keys() -> Keys:
    return KEYS


@pytest.fixture
def read(settings: Any) -> Callable[..., dict[str, list[dict[str, Any]]]]:
    """`read(content, name="a.csv", beside={...}, knobs={...}, under=KEYS, **changes of SHOP)` -> kind: rows, every record accounted for."""

    def run(content: bytes | str, name: str = "a.csv", beside: dict[str, bytes] | None = None, knobs: dict[str, Any] | None = None,
            under: Keys = KEYS, **spec: Any) -> dict[str, list[dict[str, Any]]]:
        data = content.encode() if isinstance(content, str) else content
        chosen = SourceSettings(**{**settings.sources.model_dump(), "specs": {"shop": {**SHOP, **spec}}, **(knobs or {})})
        given = {other: io.BytesIO(inside) for other, inside in (beside or {}).items()}
        rows: dict[str, list[dict[str, Any]]] = {}
        for kind, row in read_file(described(name, data), io.BytesIO(data), chosen, under, given.get):
            rows.setdefault(kind, []).append(row)
        account(rows)
        return rows

    return run


def account(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Lines in = kept + quarantined, counted again from the rows themselves."""
    (file,) = rows["file"]
    kept = {row["line_number"] for kind in ("event", "contact", "cost", "reference") for row in rows.get(kind, [])}
    refused = [row["line_number"] for row in rows.get("quarantine", [])]
    assert len(refused) == len(set(refused)), "a record stands twice in quarantine"
    assert not kept & set(refused), "a record is kept and refused"
    assert (file["lines"], file["kept"], file["quarantined"]) == (len(kept) + len(refused), len(kept), len(refused))
