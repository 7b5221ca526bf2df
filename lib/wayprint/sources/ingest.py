"""Raw files -> bronze rows: each file is read once, by one task, as a stream; every record ends as kept or quarantined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from wayprint.sources.convert import Refused
from wayprint.sources.keys import Keys
from wayprint.sources.lines import Lines, Readable
from wayprint.sources.listing import beside, name_of, opened
from wayprint.sources.mapping import Mapper, Row, columns_read
from wayprint.sources.readers import READERS, Held, Raw, Record
from wayprint.sources.settings import SourceSettings
from wayprint.sources.specs import SourceSpec
from wayprint.tables.bronze import (
    CONSENTS,
    FILES,
    FLAWS,
    IDENTIFIERS,
    ITEMS,
    QUARANTINE,
    RAW_CONTACTS,
    RAW_COSTS,
    RAW_EVENTS,
    RAW_REFERENCES,
    VAULT,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TABLES = {"vault": VAULT, "event": RAW_EVENTS, "contact": RAW_CONTACTS, "cost": RAW_COSTS, "reference": RAW_REFERENCES,
          "quarantine": QUARANTINE, "file": FILES}
# One wide row for all of them: columns of one name have one type (a test holds us to it).
WIDE = {"kind": "string"} | {c.name: c.type for table in TABLES.values() for c in table.columns}

_STRUCTS: dict[str, list[tuple[str, pa.DataType]]] = {
    IDENTIFIERS: [("type", pa.string()), ("id", pa.string())],
    FLAWS: [("id", pa.string()), ("rule", pa.string())],
    CONSENTS: [("purpose", pa.string()), ("granted", pa.bool_())],
    ITEMS: [("product_id", pa.string()), ("family", pa.string()), ("quantity", pa.int32()), ("amount", pa.decimal128(18, 2))],
}
_SIMPLE = {
    "string": pa.string(), "binary": pa.binary(), "long": pa.int64(), "int": pa.int32(), "double": pa.float64(), "boolean": pa.bool_(),
    "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "decimal(18,2)": pa.decimal128(18, 2), "decimal(18,6)": pa.decimal128(18, 6),
    "array<string>": pa.list_(pa.string())}


def parse_files(raw_files: DataFrame, settings: SourceSettings) -> DataFrame:
    """Every row that the files give, of all tables together: `kind` tells which, columns of other tables are null.

    A file is read by one task and never held whole. A file that cannot be opened stops the run, for it may be there again
    the next time; one that can be opened and not be understood is held, with its reason in `files`.
    """
    keys = Keys.from_environment()

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, Row]]:
        for batch in batches:
            for file in batch.to_pylist():
                with opened(file["path"]) as stream:
                    yield from read_file(file, stream, settings, keys, beside(file["path"]))

    def read(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        return record_batches(rows(batches), settings.batch_records)

    ddl = ", ".join(f"`{name}` {type}" for name, type in WIDE.items())
    # More parts than cores: files differ in size, and free tasks take what is left.
    return raw_files.repartition(settings.partitions, "file_id").mapInArrow(read, ddl)


def ingest(prepared: DataFrame) -> tuple[DataFrame, ...]:
    """The rows of `parse_files`, table by table: vault, events, contacts, costs, references, quarantine, files.

    Of several clear values of one subject and field in one file, the latest counts; at one time, the one that sorts last.
    """
    from pyspark.sql import functions as F

    def rows(kind: str) -> DataFrame:
        return prepared.where(F.col("kind") == kind).select(*TABLES[kind].column_names)

    latest = F.max(F.struct("seen_at", "sealed")).alias("latest")
    vault = rows("vault").groupBy(*VAULT.key).agg(latest).select(*VAULT.key, "latest.seen_at", "latest.sealed")
    return (vault.select(*VAULT.column_names), *(rows(kind) for kind in list(TABLES)[1:]))


def read_file(
        file: dict[str, Any], stream: Readable, settings: SourceSettings, keys: Keys,
        beside: Callable[[str], Readable | None] = lambda name: None) -> Iterator[tuple[str, Row]]:
    """The rows of one file, each with its kind; the last is the file's own, with the account of its records."""
    source, name = file["source"], file["file"]
    spec = settings.specs[source]
    account = {"lines": 0, "kept": 0, "quarantined": 0}
    status, reason, extra = "read", None, []

    def refuse(record: Record, rule: str, why: str) -> tuple[str, Row]:
        account["quarantined"] += 1
        return "quarantine", {
            "file_id": file["file_id"], "line_number": record.line, "line_count": record.lines, "file": name, "source": source,
            "rule": rule, "reason": why, "original": keys.seal(record.raw[:settings.max_line_bytes])}

    raw = _raw(file, stream, settings, spec, beside)
    try:
        for record, outcome in _read(raw, file, settings, spec, keys):
            account["lines"] += 1
            if isinstance(outcome, Refused):
                yield refuse(record, outcome.rule, outcome.reason)
            else:
                account["kept"] += 1
                yield from outcome
        extra = sorted(raw.extra)
        told = [*raw.remarks, _unknown_words(raw, source)]
        if raw.promised is not None and raw.promised != account["lines"]:
            told.append(f"the manifest promises {raw.promised} records and {account['lines']} came: ask for the file again")
        reason = "; ".join(filter(None, told)) or None
    except Held as held:
        status, reason = "held", str(held)
    if (damage := raw.lines.damage) and status == "read":
        account["lines"] += 1
        yield refuse(Record(damage.number, 1, damage.rest), damage.rule, damage.reason)
        reason = f"{damage.rule} at line {damage.number}: {damage.reason}; what came before it was read"
    yield "file", {
        **{c: file[c] for c in ("file_id", "source", "file", "names", "bytes", "spec_id")},
        "status": status, "reason": reason, **account, "extra_columns": extra}


def _unknown_words(raw: Raw, source: str) -> str | None:
    """What the records of a file said of consent that its source does not understand; it grants nothing and denies nothing."""
    told = [f"column {columns}: {count} records say of {purpose} a word that is neither yes nor no"
            for (purpose, columns), count in sorted(raw.unknown_words.items())]
    return f"{'; '.join(told)}: name the words in granted, denied or silent of sources/{source}.yaml" if told else None


def _raw(file: dict[str, Any], stream: Readable, settings: SourceSettings, spec: SourceSpec, beside: Callable[[str], Readable | None]) -> Raw:
    slots, lists = columns_read(spec)
    name = name_of(file["path"])
    return Raw(Lines(stream, name, settings.max_line_bytes), spec, slots, settings.max_record_lines, name, beside, lists)


def _read(raw: Raw, file: dict[str, Any], settings: SourceSettings, spec: SourceSpec, keys: Keys) -> Iterator[tuple[Record, Any]]:
    """Each record with its rows, or with why it is refused."""
    reader = spec.reader_of(file["names"])
    records = READERS[reader](raw)
    if raw.places is None:
        return
    mapper = Mapper(file["source"], spec, raw.places, settings, keys, has_header=reader != "jsonl")
    raw.unknown_words = mapper.unknown_words
    for record in records:
        if record.refused:
            yield record, record.refused
            continue
        try:
            yield record, list(mapper.rows(record.values, file["file_id"], record.line, record.raw))
        except Refused as refused:
            yield record, refused
        except Exception as error:  # one record that nobody foresaw must not stop the file; its text stays out of the reason
            yield record, Refused("unexpected", f"the reader failed with {type(error).__name__}: report it, with the record's shape")


def record_batches(rows: Iterator[tuple[str, Row]], size: int) -> Iterator[pa.RecordBatch]:
    """The rows as Arrow, at most `size` a batch, each batch of one kind.

    A record of which Arrow cannot hold a row is quarantined, for one that nobody foresaw must not stop the run. The files come last:
    by then it is known how many of their records did not keep.
    """
    waiting: dict[str, list[Row]] = {}
    spoiled: dict[tuple[str, int], Row] = {}
    files: list[Row] = []
    for kind, row in rows:
        if kind == "file":
            files.append(row)
            continue
        kept = waiting.setdefault(kind, [])
        kept.append(row)
        if len(kept) >= size:
            yield _batch_of_sound(kind, kept, spoiled)
            waiting[kind] = []
    for kind, kept in waiting.items():
        if kept:
            yield _batch_of_sound(kind, kept, spoiled)
    if spoiled:
        by_id = {file["file_id"]: file for file in files}
        for row in spoiled.values():
            file = by_id[row["file_id"]]
            file["kept"] -= 1
            file["quarantined"] += 1
            row["file"] = file["file"]
    for kind, given in (("quarantine", list(spoiled.values())), ("file", files)):
        for start in range(0, len(given), size):
            yield _record_batch(kind, given[start:start + size])


def _batch_of_sound(kind: str, rows: list[Row], spoiled: dict[tuple[str, int], Row]) -> pa.RecordBatch:
    """The rows that Arrow can hold; for each other, a row of quarantine is added to `spoiled`, by file and line."""
    try:
        return _record_batch(kind, rows)
    except Exception:  # which row it is, only each alone tells
        sound = []
        for row in rows:
            try:
                _record_batch(kind, [row])
                sound.append(row)
            except Exception as error:
                if "line_number" not in row or kind == "quarantine":
                    raise  # nobody's record: our own rows, which nothing that comes in can spoil
                spoiled.setdefault((row["file_id"], row["line_number"]), {
                    **dict.fromkeys(QUARANTINE.column_names), **{c: row[c] for c in ("file_id", "line_number", "source", "original")}, "rule": "unexpected",
                    "reason": f"the row cannot be written ({type(error).__name__}): report it, with the record's shape"})
        return _record_batch(kind, sound)


def _record_batch(kind: str, rows: list[Row]) -> pa.RecordBatch:
    own = set(TABLES[kind].column_names)  # every row has all of them
    arrays = []
    for name, type in WIDE.items():
        if name == "kind":
            arrays.append(pa.array([kind] * len(rows), pa.string()))
        elif name in own:
            arrays.append(_array(list(map(itemgetter(name), rows)), type))
        else:
            arrays.append(pa.nulls(len(rows), arrow_type(type)))
    return pa.RecordBatch.from_arrays(arrays, names=list(WIDE))


def arrow_type(ddl: str) -> pa.DataType:
    return pa.list_(pa.struct(_STRUCTS[ddl])) if ddl in _STRUCTS else _SIMPLE[ddl]


def _array(values: list[Any], ddl: str) -> pa.Array:
    if ddl == "timestamp":  # microseconds already
        return pa.array(values, pa.int64()).view(_SIMPLE[ddl])
    if ddl not in _STRUCTS:
        return pa.array(values, _SIMPLE[ddl])
    if not any(values):
        return pa.array([None if v is None else [] for v in values], arrow_type(ddl))
    offsets, flat, end = [], [], 0
    for value in values:
        offsets.append(None if value is None else end)
        if value:
            flat.extend(value)
            end += len(value)
    columns = list(zip(*flat, strict=True))
    struct = pa.StructArray.from_arrays(
        [pa.array(column, type) for column, (_, type) in zip(columns, _STRUCTS[ddl], strict=True)], names=[n for n, _ in _STRUCTS[ddl]])
    return pa.ListArray.from_arrays(pa.array([*offsets, end], pa.int32()), struct)


