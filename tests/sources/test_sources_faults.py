"""Faults: whatever comes, no exception, every record accounted for, and nothing personal in what is said about it."""

import csv
import datetime as dt
import gzip
import io
import random

import pytest

from wayprint.sources.identifiers import canonical
from wayprint.sources.ingest import read_file, record_batches
from wayprint.sources.listing import beside, list_files, opened

HEADER = "id,at,login,amount\n"
LINE = "{},2026-01-01 10:00:00,C{},1.50\n"


def test_a_file_of_no_bytes_is_read_and_holds_nothing(read):
    for empty in (b"", b"\xef\xbb\xbf", gzip.compress(b""), b"\n\n"):
        (file,) = read(empty)["file"]
        assert (file["status"], file["lines"], file["reason"]) == ("read", 0, None)


def test_a_header_alone_holds_nothing(read):
    assert read(HEADER)["file"][0]["lines"] == 0


def test_a_broken_off_gzip_keeps_what_was_readable_and_says_the_rest_is_missing(read):
    packed = gzip.compress((HEADER + "".join(LINE.format(n, n * 7919 % 1000) for n in range(20_000))).encode())
    rows = read(packed[: len(packed) * 2 // 3], "a.csv.gz")
    (refused,), (file,) = rows["quarantine"], rows["file"]
    assert 5_000 < len(rows["event"]) < 20_000
    assert (refused["rule"], refused["line_number"]) == ("truncated_gzip", len(rows["event"]) + 2)
    assert "truncated_gzip" in file["reason"]
    assert file["status"] == "read"


def test_a_renamed_key_column_holds_the_file_and_names_the_nearest(read):
    (file,) = read(HEADER.replace("at,", "att,") + LINE.format("a", 1))["file"]
    assert (file["status"], file["lines"]) == ("held", 0)
    for words in ("'at'", "did you mean 'att'?", "sources/shop.yaml", "amount, att, id, login"):
        assert words in file["reason"]


def test_what_is_remarked_of_a_file_that_is_read_stands_in_its_reason(read):
    rows = read("id;at;logn\na;2026-01-01;C1\n")
    assert len(rows["event"]) == 1
    assert rows["file"][0]["reason"] == ("its columns are separated by ';' and not by a comma, and it is read so; "
        "column 'login' that the source reads did not come; did you mean 'logn'?")


def test_a_column_that_a_source_needs_holds_the_file_when_it_is_gone(read):
    rows = read("id,at,amount\na,2026-01-01,1\n", needs=["login"])
    assert rows["file"][0]["status"] == "held"
    assert "event" in read("id,at,amount\na,2026-01-01,1\n")


def test_a_first_line_that_is_data_is_not_repeated_in_the_reason(read):
    (file,) = read("jeanne,2026-01-01,dupont,1\n" * 3)["file"]
    assert file["status"] == "held"
    assert "jeanne" not in file["reason"]
    assert file["extra_columns"] == []


def test_a_line_of_five_megabytes_is_refused_with_its_beginning(read, keys):
    rows = read(HEADER + LINE.format("a", 1) + "x" * 5_000_000 + "\n" + LINE.format("b", 2))
    (refused,) = rows["quarantine"]
    assert refused["rule"] == "too_long"
    assert keys.open(refused["original"]) == b"x" * 65_536
    assert [row["event_id"] for row in rows["event"]] == ["a", "b"]


@pytest.mark.parametrize(("line", "rule"), [(b"\xff\xfea,2026-01-01,C,1", "bad_encoding"), (b"a\0,2026-01-01,C,1", "nul_byte"),
    ("é".encode("latin-1") + b",2026-01-01,C,1", "bad_encoding")])
def test_bytes_that_are_no_text_are_refused_alone(read, line, rule):
    rows = read(HEADER.encode() + line + b"\n" + LINE.format("b", 2).encode())
    assert [row["rule"] for row in rows["quarantine"]] == [rule]
    assert [row["event_id"] for row in rows["event"]] == ["b"]


def test_a_header_in_another_encoding_holds_the_file(read):
    (file,) = read((HEADER + LINE.format("a", 1)).encode("utf-16"))["file"]
    assert file["status"] == "held"


def test_a_failure_that_nobody_foresaw_costs_one_record(read, monkeypatch):
    from wayprint.sources import mapping

    real = mapping.Mapper._finish
    monkeypatch.setattr(mapping.Mapper, "_finish", lambda self, row, values: real(self, row, values) if row["event_id"] != "b" else row["no such column"])
    rows = read(HEADER + LINE.format("a", 1) + LINE.format("b", 1) + LINE.format("c", 1))
    assert [row["rule"] for row in rows["quarantine"]] == ["unexpected"]
    assert len(rows["event"]) == 2


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    from wayprint.world import build

    folder = tmp_path_factory.mktemp("world")
    made = build(people=150, days=12, seed=5, start=dt.date(2026, 1, 1))
    made.write_raw(folder / "raw")
    made.write_truth(folder / "truth")
    return folder


@pytest.fixture(scope="module")
def raw(world):
    return world / "raw"


def truth(world, name):
    with open(world / "truth" / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_line_broken_on_purpose_is_found_at_its_place_by_its_rule_and_no_other(world, settings, keys):
    files, unmatched = list_files(str(world / "raw"), settings.sources.specs, keys)
    assert unmatched == []
    found, lines, identifiers = {}, {}, set()
    for file in files:
        with opened(file["path"]) as stream:
            for kind, row in read_file(file, stream, settings.sources, keys, beside(file["path"])):
                if kind == "quarantine":
                    found[f"{row['file']}:{row['line_number']}"] = row["rule"]
                elif kind == "file":
                    lines[row["file"]] = row["lines"]
                identifiers |= set(row.get("identifiers") or ())
    assert found == {row["key"]: row["expected_rule"] for row in truth(world, "planted") if row["kind"] == "malformed"}
    assert lines == {row["file"]: int(row["lines"]) for row in truth(world, "files") if row["file"] in lines}
    shown = {known for row in truth(world, "identifiers") if (known := canonical(row["type"], row["value"], "FR"))}
    assert len(shown) > 500
    assert {(type, keys.identifier_id(type, value)) for type, value in shown} <= identifiers


def test_a_thousand_bytes_turned_at_random_raise_nothing_and_lose_nothing(raw, settings, keys):
    files = [f for f in list_files(str(raw), settings.sources.specs, keys).files if f["bytes"]]
    by_source = {f["source"]: f for f in files}
    assert len(by_source) > 20
    rng = random.Random(20)
    rules = set()
    for turn in range(1_000 // 8):
        file = list(by_source.values())[turn % len(by_source)]
        with opened(file["path"]) as stream:
            data = bytearray(stream.read())
        if turn % 2 and file["path"].endswith(".gz"):  # inside the compressed text, or inside the text
            data = bytearray(gzip.decompress(bytes(data)))
        for _ in range(8):
            data[rng.randrange(len(data))] = rng.randrange(256)
        rows = list(read_file(file, io.BytesIO(bytes(data)), settings.sources, keys, beside(file["path"])))
        last = rows[-1][1]
        kept = {row["line_number"] for kind, row in rows if kind not in ("vault", "quarantine", "file")}
        refused = [row["line_number"] for kind, row in rows if kind == "quarantine"]
        rules |= {row["rule"] for kind, row in rows if kind == "quarantine"}
        assert len(set(refused)) == len(refused)
        assert not kept & set(refused)
        assert (last["lines"], last["kept"]) == (len(kept) + len(refused), len(kept))
        assert sum(batch.num_rows for batch in record_batches(iter(rows), 500)) == len(rows)
    assert "unexpected" not in rules
    assert {"malformed", "corrupt_gzip", "bad_encoding"} <= rules


def test_no_reason_of_a_world_full_of_faults_holds_anything_personal(raw, settings, keys):
    personal = set()
    reasons = []
    for file in list_files(str(raw), settings.sources.specs, keys).files:
        with opened(file["path"]) as stream:
            for kind, row in read_file(file, stream, settings.sources, keys, beside(file["path"])):
                if kind == "vault" and row["field"] in ("email", "phone", "street", "last_name"):
                    personal.add(keys.open(row["sealed"]).decode())
                if kind == "quarantine":
                    reasons.append(row["reason"])
                    assert row["rule"] != "unexpected"
    assert len(personal) > 50
    assert len(reasons) > 20
    assert not [reason for reason in reasons for value in personal if value in reason]
