"""Match files for ad platforms: batches in the platform's layout, what was rejected and why, and a manifest that adds up."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wayprint.audiences.destinations import ADDRESS, Destination, Rejected, checked_country

Row = Mapping[str, Any]
Open = Callable[[bytes], bytes]


@dataclass(frozen=True)
class WrittenFile:
    """One file: its name beside the manifest, records without the header, and the SHA-256 of its bytes."""

    name: str
    records: int
    bytes: int
    sha256: str


@dataclass
class Manifest:
    """What was handed over. `in` is always `written` plus `rejected`, for persons and for values alike.

    `use` says what the list is for at the platform: to `target` its members, or to `exclude` them.
    """

    audience: str
    destination: str
    rule_set: str
    as_of: str
    operation: str = "replace"
    use: str = "target"
    consent: dict[str, str] = field(default_factory=dict)
    legal_bases: dict[str, int] = field(default_factory=dict)
    persons_in: int = 0
    persons_written: int = 0
    persons_rejected: int = 0
    matchable_rate: float | None = None
    values_in: dict[str, int] = field(default_factory=dict)
    values_written: dict[str, int] = field(default_factory=dict)
    values_rejected: dict[str, int] = field(default_factory=dict)
    reject_reasons: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    files: list[WrittenFile] = field(default_factory=list)


def write_files(
    rows: Iterable[Row], audience: str, destination_name: str, destination: Destination, folder: Path, as_of: dt.date, open_sealed: Open,
    default_country: str, is_exclusion: bool = False) -> Manifest:
    """Write `folder/<destination>/<audience>/<as_of>/` and return its manifest.

    `rows` are those of `export_rows`, sorted by person; values are opened one person at a time and never kept. The folder appears whole
    or not at all, replaces an earlier one of the same day, and is the same byte for byte for the same rows.
    """
    target = folder / destination_name / audience / as_of.isoformat()
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    use = "exclude" if is_exclusion else "target"
    manifest = Manifest(audience, destination_name, destination.version, as_of.isoformat(), use=use, consent=dict(destination.consent))
    counts = {name: Counter[str]() for name in ("in", "written", "rejected", "reasons", "bases")}
    with (partial / "rejects.csv").open("w", encoding="utf-8", newline="") as file:
        rejects = csv.writer(file, lineterminator="\n")
        rejects.writerow(["person_id", "field", "reason"])

        def records() -> Iterator[list[str]]:
            for person_id, person_rows in _by_person(rows):
                manifest.persons_in += 1
                record, refused = _record(person_rows, destination, open_sealed, default_country, counts)
                for name, reason in refused:
                    rejects.writerow([safe_cell(person_id), name, reason])
                    counts["reasons"][reason] += 1
                if record is None:
                    manifest.persons_rejected += 1
                else:
                    manifest.persons_written += 1
                    yield record

        written = _write_batches(records(), destination, partial, f"{destination_name}_{audience}_{as_of.isoformat()}")
    manifest.files = [*written, _described(partial / "rejects.csv", sum(counts["reasons"].values()))]
    for name, counted in (("values_in", "in"), ("values_written", "written"), ("values_rejected", "rejected"), ("reject_reasons", "reasons"),
                          ("legal_bases", "bases")):
        setattr(manifest, name, dict(sorted(counts[counted].items())))
    if manifest.persons_in:
        manifest.matchable_rate = round(manifest.persons_written / manifest.persons_in, 6)
    if manifest.persons_written < destination.minimum_records:
        manifest.warnings.append(f"{manifest.persons_written} persons: {destination.title} does not use a list under {destination.minimum_records}")
    (partial / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return manifest


def safe_cell(value: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP: CSV injection): what begins with = + - @ tab or return gets a quote before it."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") and value else value


def _by_person(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    before = ""
    for person_id, group in itertools.groupby(rows, key=lambda row: str(row["person_id"])):
        if person_id <= before:
            raise ValueError("rows must come sorted by person_id: one person came in two places")
        before = person_id
        yield person_id, list(group)


def _record(
    rows: list[Row], destination: Destination, open_sealed: Open, default_country: str,
    counts: dict[str, Counter[str]]) -> tuple[list[str] | None, list[tuple[str, str]]]:
    """A person's line of the file, or null; and what was refused of him: (field or empty, reason)."""
    if rows[0]["refusal"]:
        return None, [("", rows[0]["refusal"])]
    known = [row for row in rows if row["sealed"] is not None and destination.places(row["field"])]
    if not known:
        return None, [("", "no value is held that the platform matches on")]
    newest_first = sorted(known, key=lambda row: (str(row["seen_at"] or ""), row["subject_id"]), reverse=True)
    opened = [(row, bytes(open_sealed(bytes(row["sealed"]))).decode("utf-8")) for row in newest_first]
    address_of, country = _address(opened, destination, default_country)
    cells: dict[str, list[str]] = {}
    refused: list[tuple[str, str]] = []
    for row, value in opened:
        name = row["field"]
        counts["in"][name] += 1
        try:
            if name in ADDRESS and row["subject_id"] != address_of:
                raise Rejected("another record of the person gives the address")
            cell = destination.cell(name, value, country)
            if cell in cells.get(name, ()):
                raise Rejected("the same value after normalising")
            if len(cells.get(name, ())) == destination.places(name):
                raise Rejected(f"the file has room for {destination.places(name)} of them; newer ones were written")
            cells.setdefault(name, []).append(cell)
        except Rejected as error:
            refused.append((name, str(error)))
    if missing := [name for name in destination.together if name not in cells]:
        for name in destination.together:
            refused += [(name, f"of no use without {', '.join(missing)}")] * len(cells.pop(name, []))
    for name, _ in refused:
        counts["rejected"][name] += 1
    for name, values in cells.items():
        counts["written"][name] += len(values)
    if not cells:
        return None, [*refused, ("", "no value could be used")]
    counts["bases"][rows[0]["legal_basis"]] += 1
    waiting = {name: iter(values) for name, values in cells.items()}
    return [safe_cell(next(waiting.get(column.field, iter(())), "")) for column in destination.columns], refused


def _address(opened: list[tuple[Row, str]], destination: Destination, default_country: str) -> tuple[str | None, str]:
    """The record whose address is written, and the country for which the person's values are read; `opened` comes newest first.

    It is the newest record of which the platform can use all that matches only together: an older whole address matches, a newer
    part of one does not. Without any, the newest. A record that says no country is read for the newest that the person gives.
    """
    addresses: dict[str, dict[str, str]] = {}
    for row, value in opened:
        if row["field"] in ADDRESS:
            addresses.setdefault(row["subject_id"], {})[row["field"]] = value
    said = {subject: code for subject, fields in addresses.items() if (code := _country(fields.get("country", "")))}
    elsewhere = next(iter(said.values()), default_country)

    def is_whole(subject: str) -> bool:
        try:
            return all(destination.cell(name, addresses[subject].get(name, ""), said.get(subject, elsewhere)) for name in destination.together)
        except Rejected:
            return False

    chosen = next(filter(is_whole, addresses), next(iter(addresses), None))
    return chosen, said.get(chosen or "", elsewhere)


def _country(value: str) -> str | None:
    try:
        return checked_country(value.strip().upper())
    except Rejected:
        return None


def _write_batches(records: Iterable[list[str]], destination: Destination, folder: Path, stem: str) -> list[WrittenFile]:
    """One file per batch; an empty audience is one file with a header, which empties the platform's list."""
    written = []
    rest = iter(records)
    for number in itertools.count(1):
        batch = itertools.islice(rest, destination.batch_records)
        first = next(batch, None)
        if first is None and number > 1:
            break
        path = folder / f"{stem}_{number:04d}.csv"
        lines = 0
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow([column.header for column in destination.columns])
            for record in itertools.chain([first] if first else [], batch):
                out.writerow(record)
                lines += 1
        written.append(_described(path, lines))
    return written


def _described(path: Path, records: int) -> WrittenFile:
    return WrittenFile(path.name, records, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
