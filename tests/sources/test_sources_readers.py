"""Readers: every record of every format, whole or refused, and a broken one costs no other."""

import csv
import gzip
import hashlib
import io
import json
import random
import tarfile

import pytest

HEADER = "id,at,login,amount\n"
GOOD = "{},2026-01-01 10:00:00,C{},1.50\n"


def ids(rows):
    return [row["event_id"] for row in rows.get("event", [])]


def test_csv_written_by_a_csv_writer_is_read_as_it_was_meant(read):
    rng = random.Random(11)
    wanted, file = [], io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["id", "at", "login", "amount"])
    for number in range(400):
        word = "".join(rng.choice('ab",\n é\'') for _ in range(rng.randint(0, 12)))
        wanted.append(f"x{word}x{number}")
        writer.writerow([wanted[-1], "2026-01-01 10:00:00", "", "1"])
    assert ids(read(file.getvalue())) == wanted


def test_a_stray_quote_costs_its_own_line_only(read):
    content = HEADER + GOOD.format("a", 1) + '"b,2026-01-01 10:00:00,C2,1\n' + "".join(GOOD.format(f"c{n}", n) for n in range(300))
    rows = read(content)
    assert ids(rows) == ["a", *(f"c{n}" for n in range(300))]
    assert [(row["line_number"], row["rule"]) for row in rows["quarantine"]] == [(3, "malformed")]


def test_two_stray_quotes_do_not_swallow_what_is_between_them(read):
    content = HEADER + '"a,2026-01-01,C,1\n' + GOOD.format("b", 1) + GOOD.format("c", 1) + 'd,2026-01-01,"C,1\n' + GOOD.format("e", 1)
    rows = read(content)
    assert ids(rows) == ["b", "c", "e"]
    assert [row["line_number"] for row in rows["quarantine"]] == [2, 5]


def test_a_quote_inside_an_unquoted_value_is_part_of_it(read):
    assert ids(read(HEADER + '12" pipe,2026-01-01,C,1\n' + GOOD.format("b", 1))) == ['12" pipe', "b"]


def test_a_quoted_value_longer_than_a_record_may_be_costs_its_first_line_only(read):
    content = HEADER + '"a' + "\nx" * 150 + '",2026-01-01,C,1\n' + GOOD.format("z", 1)
    rows = read(content)
    assert ids(rows) == ['x"', "z"]
    assert len(rows["quarantine"]) == 150
    assert len(ids(read(content, knobs={"max_record_lines": 200}))) == 2


@pytest.mark.parametrize("line", ['"a"x,2026-01-01,C,1', 'a,2026-01-01,C,"1'])
def test_a_quote_that_ends_before_its_value_or_never_is_refused(read, line):
    rows = read(HEADER + GOOD.format("b", 1) + line + "\n")
    assert ids(rows) == ["b"]
    assert rows["quarantine"][0]["rule"] == "malformed"


def test_a_record_is_numbered_by_the_line_it_begins_on_and_blank_lines_are_no_records(read):
    rows = read(HEADER + "\n" + '"a\n\nb",2026-01-01,C,1\r\n\r\n' + GOOD.format("c", 1))
    assert [(row["event_id"], row["line_number"]) for row in rows["event"]] == [("a\n\nb", 3), ("c", 7)]


def test_the_original_is_the_record_as_received(read, keys):
    rows = read(HEADER + '"a\r\nb",2026-01-01,C,1\r\n')
    assert keys.open(rows["event"][0]["original"]) == b'"a\r\nb",2026-01-01,C,1\r'


@pytest.mark.parametrize("wrap", [lambda b: b, gzip.compress, lambda b: b"\xef\xbb\xbf" + b, lambda b: gzip.compress(b"\xef\xbb\xbf" + b)])
def test_gzip_and_a_byte_order_mark_change_nothing(read, wrap):
    assert ids(read(wrap((HEADER + GOOD.format("é", 1)).encode()))) == ["é"]


def test_column_names_may_come_in_another_case_and_order_and_with_more_columns(read):
    rows = read("Amount,LOGIN, At ,ID,new_one\n1.50,C1,2026-01-01,a,x\n")
    assert ids(rows) == ["a"]
    assert rows["file"][0]["extra_columns"] == ["new_one"]


def test_a_file_whose_lines_end_in_carriage_returns_alone_is_held_and_not_taken_for_an_empty_one(read):
    (file,) = read((HEADER + GOOD.format("a", 1)).replace("\n", "\r"))["file"]
    assert (file["status"], file["lines"]) == ("held", 0)
    assert "carriage return" in file["reason"]


def test_a_list_of_objects_is_refused_with_the_way_out(read):
    (refused,) = read('[{"id": "a"}, {"id": "b"}]\n', paths={"*": "jsonl"})["quarantine"]
    assert "jq" in refused["reason"]


def test_rows_without_header_are_named_by_the_source(read):
    rows = read("a\t2026-01-01\tC1\t1\nb\t2026-01-01\tC1\n", paths={"*": "rows"})
    assert ids(rows) == ["a"]
    assert "promised 4 columns, came 3" in rows["quarantine"][0]["reason"]


@pytest.mark.parametrize("line", ["{", "[1]", '"text"', "12", '{"id": NaN}', "[" * 100_000, '{"id": "\\ud800", "at": "2026-01-01"}',
    '{"id": "\\u0000"}'])
def test_a_line_that_is_no_json_object_is_refused_and_the_next_is_read(read, line):
    rows = read(line + '\n{"id":"b","at":"2026-01-01"}\n', paths={"*": "jsonl"})
    assert ids(rows) == ["b"]
    assert rows["quarantine"][0]["rule"] in ("malformed", "bad_encoding")


def test_json_is_read_by_paths_and_by_keys_of_lists_and_numbers_stay_exact(read):
    event = {"id": "a", "t": 1767225600123456, "p": [{"key": "page", "value": {"string_value": "x"}}, {"key": "n", "value": {"int_value": 7}}],
             "deep": {"amount": 0.1}, "new": 1}
    rows = read(json.dumps(event), paths={"*": "jsonl"}, columns=["id"], fields={
        "event_id": "id", "happened_at": {"column": "t", "how": "unix_us"}, "search_term": "p.page", "content_id": "p.n", "amount": "deep.amount"})
    (row,) = rows["event"]
    assert (row["search_term"], row["content_id"], str(row["amount"]), row["happened_at"]) == ("x", "7", "0.10", 1767225600123456)
    assert rows["file"][0]["extra_columns"] == ["new"]


def feed(hits: bytes, headers: str = "id\tat\tlogin\tamount", count: int | None = None, name: str = "01-site_2026-01-01.tsv"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member, text in (("browser.tsv", b"0\tx"), ("column_headers.tsv", headers.encode() + b"\n")):
            info = tarfile.TarInfo(member)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    manifest = f"Data-File: {name}\nMD5-Digest: {hashlib.md5(hits, usedforsecurity=False).hexdigest()}\nRecord-Count: {count}\n".encode()
    return {"site_2026-01-01-lookup_data.tar.gz": buffer.getvalue(), **({"site_2026-01-01.txt": manifest} if count is not None else {})}


ADOBE = {"paths": {"*": "adobe"}, "columns": [], "companions": {"of": r"(?:\d+-)?(?P<feed>.+)\.tsv",
    "are": ["{feed}-lookup_data.tar.gz", "{feed}.txt"]}}
HITS = "01-site_2026-01-01.tsv"


def test_adobe_values_may_hold_escaped_tabs_line_feeds_and_backslashes(read):
    rng = random.Random(4)
    wanted = ["x" + "".join(rng.choice("ab\\\t\n") for _ in range(rng.randint(0, 8))) + "x" for _ in range(300)]
    escaped = [w.replace("\\", "\\\\").replace("\t", "\\\t").replace("\n", "\\\n") for w in wanted]
    data = "".join(f"{e}\t2026-01-01\tC1\t1\n" for e in escaped).encode()
    assert ids(read(data, HITS, feed(data), **ADOBE)) == wanted


def test_an_adobe_file_waits_for_its_lookup_archive(read):
    (file,) = read(b"a\t2026-01-01\tC\t1\n", HITS, **ADOBE)["file"]
    assert (file["status"], file["lines"]) == ("held", 0)
    assert "site_2026-01-01-lookup_data.tar.gz" in file["reason"]


def test_a_broken_lookup_archive_holds_the_file(read):
    for broken in (b"", b"not a tar", feed(b"")["site_2026-01-01-lookup_data.tar.gz"][:60]):
        (file,) = read(b"a\t2026-01-01\tC\t1\n", HITS, {"site_2026-01-01-lookup_data.tar.gz": broken}, **ADOBE)["file"]
        assert file["status"] == "held"


def test_fewer_records_than_the_manifest_promises_are_told(read):
    data = b"a\t2026-01-01\tC\t1\n"
    assert read(data, HITS, feed(data, count=1), **ADOBE)["file"][0]["reason"] is None
    assert "promises 3 records and 1 came" in read(data, HITS, feed(data, count=3), **ADOBE)["file"][0]["reason"]
