"""Listing: files by content, each claimed by one source."""

import gzip
import hashlib
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from wayprint.contracts import RawFiles
from wayprint.sources.keys import Keys
from wayprint.sources.listing import BadSources, beside, child, list_files, name_of, opened
from wayprint.sources.specs import SourceSpec

TICKETS = {"about": "x", "paths": {"tickets/*.csv": "csv"}, "kind": "reference", "constants": {"entity": "x"}, "fields": {"entity_id": "id"}}


def spec(**changes):
    return SourceSpec.model_validate({**TICKETS, **changes})


def put(folder: Path, **files: str) -> str:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".csv").write_text(text)
    return str(folder)


def test_a_file_is_its_content_under_its_smallest_name(tmp_path, keys):
    raw = put(tmp_path, tickets__b="same", tickets__a="same", tickets__c="other")
    files, unmatched = list_files(raw, {"tickets": spec()}, keys)
    assert [(f["file"], f["names"]) for f in files] == [("tickets/a.csv", ["tickets/a.csv", "tickets/b.csv"]), ("tickets/c.csv", ["tickets/c.csv"])]
    assert files[0]["file_id"] == hashlib.sha256(b"same").hexdigest()
    assert files[0]["bytes"] == 4
    assert unmatched == []
    assert [set(f) for f in files] == [{c.split()[0] for c in RawFiles.columns.split(", ")}] * 2


@pytest.mark.parametrize(("name", "source", "reader"), [
    ("ga4_content/events-000000000000.json.gz", "ga4_content", "jsonl"), ("ga4_content/events.ndjson", "ga4_content", "jsonl"),
    ("segment_app/1451606400000/1451606400000.0a1b.1.gz", "segment_app", "jsonl"), ("segment_app/a.jsonl.gz", "segment_app", "jsonl"),
    ("snowplow_web/2026-03-01-49568-49569.gz", "snowplow_web", "rows"), ("snowplow_web/a.tsv.gz", "snowplow_web", "rows"),
    ("snowplow_web/a.csv.gz", "snowplow_web", "csv"), ("snowplow_consent/a.csv", "snowplow_consent", "csv"),
    ("crm_contacts/Export.CSV", "crm_contacts", "csv"), ("crm_contacts/a.csv.GZ", "crm_contacts", "csv"), ("snowplow_web/a.CSV.gz", "snowplow_web", "csv"),
    ("segment_referrers/a.csv.gz", "segment_referrers", "csv"), ("hubspot_email_campaigns/a.csv.gz", "hubspot_email_campaigns", "csv"),
    ("hubspot/email_event_open_data.csv.gz", "hubspot_email_details", "csv"), ("shopify/shopify_gql_order_data.csv.gz", "shopify_orders", "csv")])
def test_files_as_vendors_name_them_are_claimed_by_one_source_and_one_reader(tmp_path, keys, settings, name, source, reader):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("x")
    ((file,), unmatched) = list_files(str(tmp_path), settings.sources.specs, keys)
    assert (file["source"], unmatched) == (source, [])
    assert settings.sources.specs[source].reader_of(file["names"]) == reader


def test_a_text_file_and_an_archive_of_a_source_stay_unclaimed(tmp_path, keys, settings):
    for name in ("crm_contacts/a.txt", "crm_contacts/a.zip", "snowplow_web/a.json", "segment_app/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list_files(str(tmp_path), settings.sources.specs, keys).files == []


def test_files_that_no_source_claims_are_named(tmp_path, keys):
    raw = put(tmp_path, readme="x", tickets__deep__a="x", tickets___hidden="x")
    files, unmatched = list_files(raw, {"tickets": spec()}, keys)
    assert files == []
    assert unmatched == ["readme.csv", "tickets/_hidden.csv", "tickets/deep/a.csv"]


def test_a_name_that_is_not_utf8_costs_its_own_file_only(tmp_path, keys):
    raw = put(tmp_path, tickets__a="same")
    Path(os.fsdecode(bytes(tmp_path) + b"/tickets/client\xe8le.csv")).write_text("other")
    files, unmatched = list_files(raw, {"tickets": spec()}, keys)
    assert [f["file"] for f in files] == ["tickets/a.csv"]
    assert unmatched == ["tickets/client\\xe8le.csv (its name is not UTF-8: rename it)"]


def test_what_is_no_plain_file_is_passed_by_and_a_link_to_one_is_read(tmp_path, keys):
    raw = put(tmp_path, tickets__a="same", elsewhere__b="linked")
    os.mkfifo(tmp_path / "tickets/pipe.csv")
    (tmp_path / "tickets/loop.csv").symlink_to(tmp_path / "tickets")
    (tmp_path / "tickets/dangling.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "tickets/link.csv").symlink_to(tmp_path / "elsewhere/b.csv")
    assert [f["file"] for f in list_files(raw, {"tickets": spec()}, keys).files] == ["tickets/a.csv", "tickets/link.csv"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path, keys, monkeypatch):
    raw, listed = put(tmp_path, tickets__a="same"), os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied", path)) if str(path).endswith("tickets") else listed(path))
    with pytest.raises(BadSources, match=r"tickets cannot be read .Permission denied."):
        list_files(raw, {"tickets": spec()}, keys)


def test_a_file_in_place_of_the_folder_is_told(tmp_path, keys):
    with pytest.raises(BadSources, match="is no folder"):
        list_files(put(tmp_path, a="x") + "/a.csv", {"tickets": spec()}, keys)


def test_an_empty_folder_and_a_source_without_files_are_nothing(tmp_path, keys):
    assert list_files(str(tmp_path), {"tickets": spec()}, keys) == ([], [])


def test_a_folder_that_is_not_there_is_told(tmp_path, keys):
    with pytest.raises(BadSources, match="does not exist"):
        list_files(str(tmp_path / "none"), {"tickets": spec()}, keys)


def test_two_sources_that_claim_one_file_are_named(tmp_path, keys):
    raw = put(tmp_path, tickets__a="x")
    with pytest.raises(BadSources, match=r"tickets/a\.csv is claimed by one and two"):
        list_files(raw, {"one": spec(), "two": spec(paths={"**/a.csv": "csv"})}, keys)


def test_a_file_is_read_again_when_its_source_a_key_or_its_companion_changes(tmp_path, keys):
    companions = {"of": "(?P<day>.+).csv", "are": ["{day}.txt"]}
    raw = put(tmp_path, tickets__a="x")

    def spec_id(keys=keys, **changes):
        return list_files(raw, {"tickets": spec(companions=companions, **changes)}, keys).files[0]["spec_id"]

    first = spec_id()
    assert spec_id() == first
    told = [first, spec_id(about="another"), spec_id(Keys(b"\1" * 32, b"\x11" * 32)), spec_id(Keys(bytes(32), b"\2" * 32))]
    companion = tmp_path / "tickets" / "a.txt"
    for text in ("1", "2"):
        companion.write_text(text)
        told.append(spec_id())
    assert len(set(told)) == 6
    (tmp_path / "tickets" / "b.txt").write_text("of another file")
    assert spec_id() == told[-1]


def test_a_companion_is_not_reported_as_unclaimed(tmp_path, keys):
    raw = put(tmp_path, tickets__a="x")
    (tmp_path / "tickets" / "a.txt").write_text("x")
    assert list_files(raw, {"tickets": spec(companions={"of": "(?P<day>.+).csv", "are": ["{day}.txt"]})}, keys).unmatched == []


@pytest.mark.parametrize("form", [str, lambda p: f"file://{quote(str(p))}", lambda p: f"file:{quote(str(p))}"])
def test_a_path_or_an_address_names_the_same_folder(tmp_path, keys, form):
    folder = tmp_path / "with blank é"
    put(folder, tickets__a="text")
    (folder / "tickets" / "a.csv").rename(folder / "tickets" / "a%41 ?.csv")
    (file,) = list_files(form(folder), {"tickets": spec()}, keys).files
    assert name_of(file["path"]) == "a%41 ?.csv"
    with opened(file["path"]) as stream:
        assert stream.read() == b"text"
    assert beside(file["path"])("a%41 ?.csv").read() == b"text"


def test_options_of_a_store_stay_at_the_end_of_its_addresses():
    path = child("s3://bucket/raw/?region=eu-west-3", "a/b.csv")
    assert path == "s3://bucket/raw/a/b.csv?region=eu-west-3"
    assert name_of(path) == "b.csv"


def test_bytes_come_as_they_are_delivered(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x"))
    with opened(str(tmp_path / "a.gz")) as stream:
        assert stream.read() == (tmp_path / "a.gz").read_bytes()


def test_what_is_not_beside_a_file_is_none(tmp_path):
    (tmp_path / "b").write_text("b")
    assert beside(str(tmp_path / "a"))("c") is None
    assert beside(str(tmp_path / "a"))("b").read() == b"b"
