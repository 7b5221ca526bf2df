"""Readers: every record of every format, whole or refused, and a broken one costs no other."""

import csv
import gzip
import hashlib
import io
import json
import random
import tarfile
import zipfile

import pytest

from wayprint.sources.lines import Lines
from wayprint.sources.readers import READERS, Raw
from wayprint.sources.specs import SourceSpec

HEADER = "id,at,login,amount\n"
GOOD = "{},2026-01-01 10:00:00,C{},1.50\n"


def ids(rows):
    return [row["event_id"] for row in rows.get("event", [])]


def remarks(content, reader="csv", slots=("id", "at", "login", "amount")):
    """What a reader remarks of a file that it reads."""
    spec = SourceSpec.model_validate({"about": "x", "paths": {"*": "csv"}, "kind": "reference", "constants": {"entity": "x"}, "fields": {"entity_id": "id"}})
    raw = Raw(Lines(io.BytesIO(content.encode()), "a", 1_000_000), spec, slots, 100)
    assert not [record for record in READERS[reader](raw) if record.refused]
    return raw.remarks


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


def test_two_stray_quotes_that_make_a_value_cost_the_records_between_them_and_give_none_a_value_of_another(read, keys):
    enclosed = 'a,2026-01-01,"C,1\n' + GOOD.format("b", 1) + 'c,2026-01-01,Ecran 21",40\n'
    rows = read(HEADER + enclosed + GOOD.format("d", 1))
    assert ids(rows) == ["d"]
    (refused,) = rows["quarantine"]
    assert (refused["line_number"], refused["line_count"], refused["rule"]) == (2, 3, "malformed")
    assert "closes on line 4 only, after lines that look like records" in refused["reason"]
    assert keys.open(refused["original"]).decode() + "\n" == enclosed


def test_two_stray_quotes_on_lines_that_follow_each_other_are_seen_too(read):
    rows = read(HEADER + 'a,2026-01-01,"C,1\nb,2026-01-01,C",40\n' + GOOD.format("c", 1))
    assert ids(rows) == ["c"]
    assert rows["quarantine"][0]["line_count"] == 2


@pytest.mark.parametrize("text", ["Bat A,\n12, rue de la Paix,\n75001, Paris", "on\n2026-01-01, late", "on\nx,2026-01-01", "x\na,b,c,d\n1,2,3,4"])
def test_a_quoted_text_of_several_lines_with_commas_is_one_value(read, text):
    assert ids(read(HEADER + f'"{text}",2026-01-01,C,1\n' + GOOD.format("b", 1))) == [text, "b"]


def test_a_line_in_another_encoding_inside_a_quoted_value_is_told_with_the_record(read):
    rows = read((HEADER + 'a,2026-01-01,"C\nà bientôt\nD",1\n' + GOOD.format("c", 1)).encode("cp1252"))
    assert ids(rows) == ["c"]
    assert [(row["line_number"], row["rule"]) for row in rows["quarantine"]] == [(2, "malformed"), (3, "bad_encoding"), (4, "malformed")]
    reason = rows["quarantine"][0]["reason"]
    assert "goes on to line 3, which cannot be read (promised UTF-8, came another encoding at byte 1 " in reason
    assert "double the quotes" not in reason


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


def test_extra_columns_are_reported_in_any_language_and_with_signs(read):
    rows = read("id,at,Prénom usuel,$score,n°client,ana@x.fr,12 rue,,Город\na,2026-01-01,,,,,,,\n")
    assert rows["file"][0]["extra_columns"] == ["$score", "Prénom usuel", "n°client", "Город"]


def test_a_column_that_comes_twice_holds_the_file_if_its_source_reads_it(read):
    (file,) = read("id,at,login,amount, Login\na,2026-01-01,,1,C1\n")["file"]
    assert (file["status"], file["lines"]) == ("held", 0)
    assert "column 'Login' comes twice" in file["reason"]
    assert ids(read("id,at,login,amount,note,note\na,2026-01-01,C1,1,x,y\n")) == ["a"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
def test_columns_separated_by_another_sign_than_a_comma_are_read(read, delimiter, first):
    content = first.format(delimiter) + delimiter.join(['"Id"', "At", "Login"]) + "\r\n" + delimiter.join(["a", "2026-01-01", '"x, y"']) + "\r\n"
    rows = read(content)
    assert [(row["event_id"], len(row["identifiers"])) for row in rows["event"]] == [("a", 1)]
    if not first:
        assert remarks(content) == [f"its columns are separated by {delimiter!r} and not by a comma, and it is read so"]


def test_a_line_that_names_the_comma_changes_nothing_and_a_comma_that_finds_a_column_is_kept(read):
    assert ids(read("sep=,\n" + HEADER + GOOD.format("a", 1))) == ["a"]
    assert ids(read("id,at,x;login;y\na,2026-01-01,z\n")) == ["a"]
    assert remarks(HEADER + GOOD.format("a", 1)) == []


def test_an_amount_with_a_decimal_comma_is_refused_in_a_file_with_semicolons_too(read):
    assert [row["rule"] for row in read("id;at;amount\na;2026-01-01;12,50\n")["quarantine"]] == ["bad_number"]


def test_a_missing_column_is_remarked_where_an_unknown_one_bears_nearly_its_name():
    columns = ("id", "at", "consent_email", "evar1")
    assert remarks("id,at,consent_mail,evar12,note\n1,2,3,4,5\n", slots=columns) == [
        "column 'consent_email' that the source reads did not come; did you mean 'consent_mail'?"]
    assert remarks("id,at,consent_email,consent_mail\n1,2,3,4\n", slots=columns) == []
    assert remarks("id,at,consent_date\n1,2,3\n", slots=columns) == []


def test_a_missing_key_of_json_is_remarked_once_where_an_unknown_one_bears_nearly_its_name():
    line = '{"id": "1", "userPseudoId": "2"}\n'
    assert remarks(line * 3, "jsonl", ("id", "user_pseudo_id", "device.category")) == [
        "column 'user_pseudo_id' that the source reads did not come; did you mean 'userPseudoId'?"]
    assert remarks('{"id": "1", "user_pseudo_id": "2", "userPseudoId": "2"}\n', "jsonl", ("id", "user_pseudo_id")) == []


def zipped(content: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("reader", ["csv", "tsv", "rows", "jsonl"])
@pytest.mark.parametrize(("data", "told"), [(zipped(HEADER * 50), "unzip it"), (HEADER.encode("utf-16"), "save it as UTF-8"),
    (b"\xfe\xff" + HEADER.encode("utf-16-be"), "save it as UTF-8")], ids=["zip", "utf-16-le", "utf-16-be"])
def test_an_archive_and_utf16_hold_the_file_and_say_what_to_do(read, name, reader, data, told):
    (file,) = read(data, name, paths={"*": reader})["file"]
    assert (file["status"], file["lines"]) == ("held", 0)
    assert told in file["reason"]


def test_a_file_whose_lines_end_in_carriage_returns_alone_is_held_and_not_taken_for_an_empty_one(read):
    (file,) = read((HEADER + GOOD.format("a", 1)).replace("\n", "\r"))["file"]
    assert (file["status"], file["lines"]) == ("held", 0)
    assert "carriage return" in file["reason"]


def test_a_list_of_objects_is_refused_with_the_way_out(read):
    (refused,) = read('[{"id": "a"}, {"id": "b"}]\n', paths={"*": "jsonl"})["quarantine"]
    assert "jq" in refused["reason"]


def test_a_list_over_several_lines_is_refused_with_the_way_out(read):
    rows = read('[\n  {"id": "a", "at": "2026-01-01"},\n  {"id": "b", "at": "2026-01-01"}\n]\n', paths={"*": "jsonl"})
    assert ids(rows) == ["b"]
    assert [("jq -c '.[]'" in row["reason"], row["line_number"]) for row in rows["quarantine"]] == [(True, 1), (True, 2), (True, 4)]


@pytest.mark.parametrize("text", ["\U0001f600 Sale", "C:\\users\\udata", json.dumps({"t": "\U0001f600 \0"}), "\\ud83d", "\\u0000"])
def test_an_escape_that_stands_for_text_is_no_broken_one(read, text):
    (row,) = read(json.dumps({"id": "a", "at": "2026-01-01", "text": text}) + "\n", paths={"*": "jsonl"},
        fields={"event_id": "id", "happened_at": "at", "search_term": "text"})["event"]
    assert row["search_term"] == text


def test_rows_without_header_are_named_by_the_source(read):
    rows = read("a\t2026-01-01\tC1\t1\nb\t2026-01-01\tC1\n", paths={"*": "rows"})
    assert ids(rows) == ["a"]
    assert "promised 4 columns, came 3" in rows["quarantine"][0]["reason"]


@pytest.mark.parametrize("line", ["{", "[1]", '"text"', "12", '{"id": NaN}', "[" * 100_000, '{"id": "\\ud800", "at": "2026-01-01"}',
    '{"id": "\\u0000"}', '{"id": "b\\\\\\u0000"}', '{"id": "b", "deep": ["\\ude00\\ud83d"]}', '{"id": ' + '{"\\ud83d": ' * 900 + '"1"' + "}" * 901])
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
