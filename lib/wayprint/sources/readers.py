"""The lines of a file -> its records as lists of texts. One function per format; a new format is one more.

A reader finds the header, says at which place each column stands, and then yields every record, whole or refused: nothing
is dropped but blank lines.
"""

from __future__ import annotations

import csv
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import partial
from typing import Any, NamedTuple

from wayprint.sources.convert import Refused
from wayprint.sources.lines import Line, Lines, Readable
from wayprint.sources.nested import inside, parse, value_of
from wayprint.sources.specs import SourceSpec, fold
from wayprint.words import nearest

csv.field_size_limit(1 << 30)  # the limit is on lines and records, see Lines

MEMBERS_READ = 64 << 20  # most bytes read of a companion's member: a header is far smaller
EXTRA_KEPT = 200  # most names of undeclared columns kept of one file of JSON, whose writer may put anything in a key
SIMILAR = 0.85  # likeness of two names of which one is taken for the other misspelt; more than `nearest` asks, or ordinary files would be remarked
_COLUMN_NAME = re.compile(r"(?!\d)[\w$#%][\w .()/$#%°€&'’+-]{0,80}")  # of any language; a line of data that begins with an id or bears an address is none
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SUSPECT = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")  # escapes of the halves of a character, mostly two that belong together, and of NUL
_NUMBER = re.compile(r"\d+")
_DATED = re.compile(r"\d{4}-?\d\d-?\d\d")
_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?\r?')
_NO_TEXT = {
    b"PK\x03\x04": "it is a zip archive or an Excel workbook: unzip it, or save it as CSV UTF-8",
    b"\xff\xfe": "it is UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "it is UTF-16 text: save it as UTF-8"}


class Held(Exception):
    """A file that cannot be read as its source says; the text says what is missing, what came and what to do."""


class Record(NamedTuple):
    """One record: the line it begins on, how many it spans, its bytes, and its values or why it has none."""

    line: int
    lines: int
    raw: bytes
    values: Sequence[Any] = ()
    refused: Refused | None = None


@dataclass
class Raw:
    """A file being read: its lines, its source, the limits, and a way to open the files beside it.

    `slots`: the columns that the mapping reads, `lists`: those of them that hold lists. The reader fills `places` (column,
    folded -> place in `values`; None while there is no header), `extra` (columns the source does not declare) and `remarks`
    (what is worth knowing of a file that is read all the same).
    """

    lines: Lines
    spec: SourceSpec
    slots: tuple[str, ...]
    max_lines: int
    name: str = ""
    beside: Callable[[str], Readable | None] = lambda name: None
    lists: frozenset[str] = frozenset()
    places: dict[str, int] | None = None
    extra: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)
    promised: int | None = None  # records, by a manifest
    unknown_words: Mapping[tuple[str, str], int] = field(default_factory=dict)  # of consent, by purpose and columns

    def header(self, names: Sequence[str]) -> int:
        """Take the names of the columns; returns how many. Raises `Held` if one that is read comes twice."""
        self.places, read = {}, {fold(c) for c in self.slots}
        for place, name in enumerate(names):
            if fold(name) in read and fold(name) in self.places:
                raise Held(f"column {name.strip()!r} comes twice, and nothing says which of them counts: leave one out, or give it another name")
            self.places.setdefault(fold(name), place)
        declared = {fold(c) for c in self.spec.columns} | read
        self.add_extra([n.strip() for n in names if fold(n) not in declared and _COLUMN_NAME.fullmatch(n.strip())], read - self.places.keys())
        return len(names)

    def add_extra(self, names: Sequence[str], absent: set[str]) -> None:
        """Take names that the source does not declare; one that is nearly that of an `absent` column, which the source reads, is remarked.

        `absent`: of the file, or of JSON, whose records differ, of the record that brings the names.
        """
        self.extra.update(names)
        for column in sorted(absent):
            if close := [name for name in names if _similar(fold(name), fold(column))]:
                self.remarks.append(f"column {column!r} that the source reads did not come{nearest(column, close)}")


def _similar(one: str, other: str) -> bool:
    """Whether two names may be one misspelt; names that differ in their numbers only (evar1, evar12) are two."""
    return SequenceMatcher(None, one, other).ratio() >= SIMILAR and _NUMBER.sub("", one) != _NUMBER.sub("", other)


Reader = Callable[[Raw], Iterator[Record]]
Parse = Callable[[str], list[str]]


def read_csv(raw: Raw) -> Iterator[Record]:
    """RFC 4180 with a header; a record may span lines inside quotes, and a stray quote costs its own line only.

    Two stray quotes that together look like a value's cost the lines that they enclose, see `_quoted`.
    """
    return _with_header(raw, partial(_delimited, raw, _delimiter(raw)))


def read_tsv(raw: Raw) -> Iterator[Record]:
    """Tab-separated with a header, quotes as they come."""
    _first_line(raw)
    return _with_header(raw, partial(_plain, raw))


def read_rows(raw: Raw) -> Iterator[Record]:
    """Tab-separated without a header: the columns are those of the source, in order."""
    _first_line(raw)
    return _plain(raw, raw.header(raw.spec.columns))


def read_jsonl(raw: Raw) -> Iterator[Record]:
    """One JSON object a line; lists of keys and values (as in GA4's export) are read by their keys."""
    _first_line(raw)
    raw.places = {fold(slot): place for place, slot in enumerate(raw.slots)}
    declared = {column.split(".")[0] for column in (*raw.slots, *raw.spec.columns)}
    return _objects(raw, declared)


def read_adobe(raw: Raw) -> Iterator[Record]:
    """Adobe's data feed: hits without a header, backslash before a tab, line feed or backslash that belongs to a value.

    The names of the columns stand in `column_headers.tsv` of the lookup archive beside the file, the number of records in
    the manifest beside it.
    """
    pattern = raw.spec.companions
    found = re.fullmatch(pattern.of, raw.name) if pattern else None
    if not pattern or not found:
        raise Held(f"the name {raw.name!r} does not say which lookup archive belongs to it: see companions.of of its source")
    lookup, *others = [name.format(**found.groupdict()) for name in pattern.are]
    for name in others:
        if (manifest := raw.beside(name)) is not None:
            raw.promised = _promised(manifest.read(1 << 20), raw.name)
    if (archive := raw.beside(lookup)) is None:
        raise Held(f"the lookup archive {lookup} is not beside the file: deliver it; the file is then read again")
    width = raw.header(_headers(archive, lookup))
    return _escaped(raw, width)


READERS: dict[str, Reader] = {"csv": read_csv, "tsv": read_tsv, "rows": read_rows, "jsonl": read_jsonl, "adobe": read_adobe}


def _first_line(raw: Raw) -> bytes:
    """The bytes of the first line, which stays to be read. Raises `Held` if they begin as no readable text does."""
    line = next(raw.lines, None)
    if line:
        raw.lines.push([line])
    begin = line.content if line else raw.lines.damage.rest if raw.lines.damage else b""
    for mark, why in _NO_TEXT.items():
        if begin.startswith(mark):
            raise Held(f"{why}, and deliver it again")
    return begin


def _delimiter(raw: Raw) -> str:
    """What separates the columns: a comma, or what Excel's line `sep=` names, or what alone splits off a column that the source reads.

    Excel writes `;` where the comma is a decimal mark.
    """
    header = _first_line(raw).decode(errors="replace")
    if told := _SEPARATOR.fullmatch(header):
        next(raw.lines)
        return told.group(1)
    read = {fold(c) for c in raw.slots}
    found = next((d for d in ",;\t|" if read & {fold(name).strip('"') for name in header.split(d)}), ",")
    if found != ",":
        raw.remarks.append(f"its columns are separated by {found!r} and not by a comma, and it is read so")
    return found


def _with_header(raw: Raw, records: Callable[[int | None], Iterator[Record]]) -> Iterator[Record]:
    first = next(records(None), None)
    if first is None:
        return iter(())
    if first.refused:
        raise Held(f"the header cannot be read ({first.refused.reason}): deliver the file again, as UTF-8 text with one line of column names")
    if any("\r" in name for name in first.values):
        raise Held("its lines end in a carriage return alone, so all of it looks like one line: save the file with line feeds (CSV UTF-8, not CSV Macintosh)")
    return records(raw.header(first.values))


def _text(line: Line, limit: int) -> str:
    """The line as text, or why it is none."""
    if line.size > limit:
        raise Refused("too_long", f"promised a line of at most {limit} bytes, came {line.size}; its first {len(line.content)} are kept: "
                      "raise sources.max_line_bytes if such lines are right")
    if b"\0" in line.content:
        raise Refused("nul_byte", "promised text, came a NUL byte: correct the writer, or deliver the file again")
    try:
        return line.content.decode().removesuffix("\r")
    except UnicodeDecodeError as error:
        raise Refused("bad_encoding", f"promised UTF-8, came another encoding at byte {error.start + 1} of the record: write it as UTF-8") from None


def _width(values: Sequence[str], width: int | None) -> Refused | None:
    if width is None or len(values) == width:
        return None
    return Refused("malformed", f"promised {width} columns, came {len(values)}: look for a stray quote or delimiter, or a line broken off")


def _plain(raw: Raw, width: int | None) -> Iterator[Record]:
    for line in raw.lines:
        if not line.content or line.content == b"\r":
            continue
        try:
            values = _text(line, raw.lines.limit).split("\t")
        except Refused as refused:
            yield Record(line.number, 1, line.content, refused=refused)
        else:
            yield Record(line.number, 1, line.content, values, _width(values, width))


def _delimited(raw: Raw, delimiter: str, width: int | None) -> Iterator[Record]:
    for line in raw.lines:
        if not line.content or line.content == b"\r":
            continue
        try:
            text = _text(line, raw.lines.limit)
        except Refused as refused:
            yield Record(line.number, 1, line.content, refused=refused)
            continue
        if '"' not in text:
            values = text.split(delimiter)
            yield Record(line.number, 1, line.content, values, _width(values, width))
        else:
            yield _quoted(raw, line, text, delimiter, width)


def _quoted(raw: Raw, line: Line, text: str, delimiter: str, width: int | None) -> Record:
    """A record with quotes: as many lines as its quotes ask for; if that gives no record, its first line alone is refused.

    A stray quote and a later one may close to a value that holds whole records. Such lines are refused together, as one
    record: what a customer wrote into a comment must not become a record either. The cost: a true value that quotes a dated
    line of such a file is refused too, and where no date tells that a line is a record, it is taken for text.
    """
    taken: list[Line] = []
    stopped = False
    unreadable = ""

    def feed() -> Iterator[str]:
        nonlocal stopped, unreadable
        yield text + "\n"
        size = line.size
        for further in raw.lines:
            taken.append(further)
            size += further.size + 1
            if len(taken) >= raw.max_lines or size > raw.lines.limit:
                stopped = True
                return
            try:
                yield _text(further, raw.lines.limit) + "\n"
            except Refused as refused:
                unreadable = f"promised a record with balanced quotes, came one that goes on to line {further.number}, which cannot be read ({refused.reason})"
                return

    try:
        values = next(csv.reader(feed(), delimiter=delimiter, strict=True))
        refused = _width(values, width)
    except (csv.Error, StopIteration):
        refused = Refused("malformed", unreadable or "promised a record with balanced quotes, came a quote that is not closed" +
                          (f" within {raw.max_lines} lines and {raw.lines.limit} bytes" if stopped else "") + ": double the quotes inside a value")
    if refused:
        raw.lines.push(taken)
        return Record(line.number, 1, line.content, refused=refused)
    if not taken:
        return Record(line.number, 1, line.content, values)
    if width is not None and _hold_a_record(taken, values, delimiter):
        refused = Refused("malformed", f"promised one record, came a quote that closes on line {taken[-1].number} only, after lines that look like records: "
                          "double the quotes inside a value, and deliver these lines again")
    return Record(line.number, 1 + len(taken), b"\n".join((line.content, *(t.content for t in taken))), values, refused)


def _hold_a_record(lines: Sequence[Line], values: Sequence[str], delimiter: str) -> bool:
    """Whether a line by itself has as many fields as the record that it is part of, and a date where the record has one.

    Of the last line only the columns before the value count: those behind it are the record's own.
    """
    spread = next(place for place, value in enumerate(values) if "\n" in value)
    dated = [place for place, value in enumerate(values) if _DATED.match(value) and "\n" not in value]
    for line in lines if dated else ():
        if line is lines[-1]:
            dated = [place for place in dated if place < spread]
        try:
            fields = next(csv.reader([line.content.decode()], delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        if len(fields) == len(values) and any(_DATED.match(fields[place]) for place in dated):
            return True
    return False


def _objects(raw: Raw, declared: set[str]) -> Iterator[Record]:
    read: dict[tuple[str, ...], list[tuple[int, str, bool]]] = {}  # of each object inside the record, the keys that are read
    for place, slot in enumerate(raw.slots):
        *parents, key = slot.split(".")
        read.setdefault(tuple(parents), []).append((place, key, slot in raw.lists))
    outermost = {slot.split(".")[0] for slot in raw.slots}
    for line in raw.lines:
        try:
            text = _text(line, raw.lines.limit)
            if not text.strip():
                continue
            found = parse(text, _SUSPECT.search(line.content) is not None)
            if (new := found.keys() - declared - raw.extra) and len(raw.extra) < EXTRA_KEPT:
                raw.add_extra([key for key in sorted(new) if _COLUMN_NAME.fullmatch(key)][:EXTRA_KEPT - len(raw.extra)], outermost - found.keys())
            values: list[Any] = [""] * len(raw.slots)
            for path, keys in read.items():
                if held := inside(found, path):
                    for place, key, as_list in keys:
                        values[place] = value_of(held.get(key), as_list)
            yield Record(line.number, 1, line.content, values)
        except Refused as refused:
            yield Record(line.number, 1, line.content, refused=refused)


def _escaped(raw: Raw, width: int) -> Iterator[Record]:
    for line in raw.lines:
        if not line.content or line.content == b"\r":
            continue
        taken: list[Line] = []
        try:
            texts = [_text(line, raw.lines.limit)]
            while _continues(texts[-1]) and len(texts) < raw.max_lines and (further := next(raw.lines, None)) is not None:
                taken.append(further)
                texts.append(_text(further, raw.lines.limit))
            text = "\n".join(texts)
            if "\\" in text:  # first the delimiters, then the escapes: a doubled backslash may stand before a real tab
                values = [_ESCAPED.sub(r"\1", v) for v in re.findall(r"((?:[^\t\\]|\\.)*)(?:\t|\Z)", text, re.DOTALL)][:_fields(text)]
            else:
                values = text.split("\t")
            refused = _width(values, width)
        except Refused as caught:
            refused, values = caught, []
        if refused:
            raw.lines.push(taken)
            yield Record(line.number, 1, line.content, refused=refused)
        else:
            yield Record(line.number, 1 + len(taken), b"\n".join((line.content, *(t.content for t in taken))), values)


def _continues(text: str) -> bool:
    """Does the line end inside a value: with a backslash that no other backslash escapes?"""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _fields(text: str) -> int:
    return len(re.sub(r"\\.", "", text, flags=re.DOTALL).split("\t"))


def _headers(archive: Readable, name: str) -> list[str]:
    try:
        with tarfile.open(fileobj=archive, mode="r|*") as members:  # type: ignore[call-overload]
            for member in members:
                if member.name.split("/")[-1] == "column_headers.tsv" and (content := members.extractfile(member)) is not None:
                    return str(content.read(MEMBERS_READ).decode().strip("\r\n")).split("\t")
    except (tarfile.TarError, EOFError, zlib.error, UnicodeDecodeError, ValueError, OSError) as error:
        raise Held(f"the lookup archive {name} cannot be read ({type(error).__name__}): deliver it again") from None
    raise Held(f"the lookup archive {name} has no column_headers.tsv: deliver it again")


def _promised(manifest: bytes, name: str) -> int | None:
    """The number of records that the manifest gives for a file."""
    entries = re.split(rb"(?m)^(?=Data-File:)", manifest)
    for entry in entries:
        if re.match(rb"Data-File:\s*" + re.escape(name.encode()) + rb"\s*$", entry, re.MULTILINE):
            count = re.search(rb"(?m)^Record-Count:\s*(\d{1,15})\s*$", entry)
            return int(count.group(1)) if count else None
    return None
