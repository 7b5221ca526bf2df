"""Files for platforms: what goes in is written or rejected, nothing clear leaves, and the same rows give the same bytes."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from wayprint.audiences.destinations import Destination
from wayprint.audiences.files import Manifest, safe_cell, write_files

AS_OF = dt.date(2026, 6, 15)
Write = Any


def row(person_id: str, field: str | None = None, value: str = "", subject_id: str = "s", day: int = 1, refusal: str | None = None) -> dict[str, Any]:
    return {"person_id": person_id, "legal_basis": "advertising", "refusal": refusal, "subject_id": subject_id, "field": field,
            "seen_at": f"2026-01-{day:02d} 00:00:00", "sealed": None if field is None else value.encode()[::-1]}


@pytest.fixture
def write(shipped: dict[str, Any], tmp_path: Path) -> Write:
    def build(name: str, rows: list[dict[str, Any]], **changes: Any) -> tuple[Manifest, Path]:
        destination = Destination(**{**shipped["destinations"][name], **changes})
        manifest = write_files(rows, "vip", name, destination, tmp_path, AS_OF, lambda sealed: sealed[::-1], "FR")
        return manifest, tmp_path / name / "vip" / "2026-06-15"

    return build


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_person_is_one_line_in_the_columns_of_the_platform(write: Write) -> None:
    rows = [row("a", "email", "old@b.fr", "e1", 1), row("a", "email", "new@b.fr", "e2", 2), row("a", "phone", "0612345678", "p"),
            row("a", "first_name", "Ann", "c"), row("a", "last_name", "Lee", "c"), row("a", "postal_code", "45000", "c"),
            row("a", "country", "fr", "c")]
    _, folder = write("google_customer_match", rows)
    header, line = lines(folder / "google_customer_match_vip_2026-06-15_0001.csv")
    assert header == ["Email"] * 3 + ["Phone"] * 3 + ["First Name", "Last Name", "Country", "Zip"]
    assert line == [sha256("new@b.fr"), sha256("old@b.fr"), "", sha256("+33612345678"), "", "", sha256("ann"), sha256("lee"), "FR", "45000"]


def test_an_address_that_cannot_match_does_not_leave(write: Write) -> None:
    manifest, folder = write("google_customer_match", [
        row("a", "email", "a@b.fr"), row("a", "first_name", "Ann", "c"), row("a", "country", "FR", "c")])
    assert lines(folder / manifest.files[0].name)[1] == [sha256("a@b.fr"), *[""] * 9]
    assert manifest.values_rejected == {"country": 1, "first_name": 1}
    assert "of no use without last_name, postal_code" in manifest.reject_reasons


def test_an_address_comes_from_one_record_the_newest(write: Write) -> None:
    manifest, folder = write("meta_custom_audience", [
        row("a", "first_name", "Ann", "c1", 1), row("a", "city", "Lyon", "c1", 1), row("a", "first_name", "Anne", "c2", 2)])
    assert lines(folder / manifest.files[0].name)[1][6:] == [sha256("anne"), "", "", "", ""]


WHOLE = {"first_name": "Ann", "last_name": "Lee", "postal_code": "1050", "country": "be"}


@pytest.mark.parametrize("newer", [
    {"first_name": "Anne"}, {**WHOLE, "first_name": "Anne", "country": ""}, {**WHOLE, "first_name": "Anne", "country": "Belgique"}, {"city": "Gand"}])
def test_a_whole_address_is_not_lost_for_a_newer_part_of_one(write: Write, newer: dict[str, str]) -> None:
    rows = [row("a", "phone", "0470 12 34 56", "p", 3), *(row("a", field, value, "crm", 1) for field, value in WHOLE.items())]
    rows += [row("a", field, value, "shop", 2) for field, value in newer.items()]
    manifest, folder = write("google_customer_match", rows)
    assert lines(folder / manifest.files[0].name)[1][3:] == [sha256("+32470123456"), "", "", sha256("ann"), sha256("lee"), "BE", "1050"]
    used = sum(field != "city" for field in newer)
    assert manifest.reject_reasons == ({"another record of the person gives the address": used} if used else {})
    _, folder = write("google_customer_match", [*rows, *(row("a", field, value, "till", 3) for field, value in {**WHOLE, "first_name": "Anna"}.items())])
    assert lines(folder / manifest.files[0].name)[1][6] == sha256("anna")


def test_a_phone_is_read_for_the_country_the_person_gives_anywhere(write: Write) -> None:
    manifest, folder = write("meta_custom_audience", [
        row("a", "phone", "0470 12 34 56", "p", 3), row("a", "country", "BE", "crm", 1), row("a", "city", "Gand", "shop", 2)])
    assert lines(folder / manifest.files[0].name)[1][3:] == [sha256("32470123456"), "", "", "", "", "", sha256("gand"), ""]


def test_one_value_written_twice_and_a_fourth_value_are_rejected(write: Write) -> None:
    rows = [row("a", "email", f"a{'.' * number}b@gmail.com", f"e{number}") for number in range(2)]
    rows += [row("b", "email", f"b{number}@b.fr", f"e{number}") for number in range(4)]
    manifest, folder = write("google_customer_match", rows)
    first, second = lines(folder / manifest.files[0].name)[1:]
    assert first[:3] == [sha256("ab@gmail.com"), "", ""]
    assert second[:3] == [sha256(f"b{number}@b.fr") for number in (3, 2, 1)]
    assert manifest.reject_reasons == {
        "the same value after normalising": 1, "the file has room for 3 of them; newer ones were written": 1}


def test_counts_add_up_and_no_clear_value_is_in_any_file(write: Write) -> None:
    draw = random.Random(3)
    rows, clear = [], set()
    for number in range(300):
        person = f"{number:05d}"
        if draw.random() < 0.2:
            rows.append(row(person, refusal=draw.choice(["held out, to measure the effect", "no granted advertising consent"])))
            continue
        if draw.random() < 0.1:
            rows.append(row(person))
        for field in ("email", "phone", "first_name", "last_name", "city", "postal_code", "country"):
            for copy in range(draw.randrange(3 if field in ("email", "phone") else 2)):
                bad = draw.random() < 0.2
                host = "Gmail.com" if draw.random() < 0.3 else "Orange.fr"
                value = {"email": f"Jean.{number}.{copy}@{host}", "phone": f"06{draw.randrange(10**8):08d}",
                         "first_name": f"Prénom{number}", "last_name": f"Nom{number}Lettres", "city": f"Ville{'abc'[number % 3]}sur Loire",
                         "postal_code": "45000", "country": "FR"}[field]
                value = draw.choice(["", "nonsense of " + value, value[::-1]]) if bad else value
                rows.append(row(person, field, value, f"{field if field in ('email', 'phone') else 'c'}{copy}", 1 + draw.randrange(9)))
                if field not in ("postal_code", "country") and value:
                    clear |= {value, value.lower()}
    for name in ("google_customer_match", "meta_custom_audience"):
        manifest, folder = write(name, rows)
        assert manifest.persons_in == len({r["person_id"] for r in rows}) == manifest.persons_written + manifest.persons_rejected
        for field, count in manifest.values_in.items():
            assert count == manifest.values_written.get(field, 0) + manifest.values_rejected.get(field, 0)
            held = sum(r["field"] == field for r in rows)
            assert count == held, field
        assert 0 < manifest.persons_written < manifest.persons_in
        assert sum(manifest.legal_bases.values()) == manifest.persons_written
        assert sum(len(lines(folder / f.name)) - 1 for f in manifest.files if f.name != "rejects.csv") == manifest.persons_written
        for file in manifest.files:
            content = (folder / file.name).read_bytes()
            assert file.sha256 == hashlib.sha256(content).hexdigest()
            assert len(content) == file.bytes
        everything = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))
        assert not re.search(r"[^\s,]+@[^\s,]+\.[a-z]{2,}", everything)
        assert not [value for value in clear if value in everything]
        told = json.loads((folder / "manifest.json").read_text())
        assert told["persons_written"] == manifest.persons_written
        assert told["rule_set"].startswith(name.split("_")[0])


def test_meta_gets_batches_of_ten_thousand_at_most(write: Write) -> None:
    rows = [row(f"{number:06d}", "email", f"{number}@b.fr") for number in range(20_001)]
    manifest, _ = write("meta_custom_audience", rows)
    assert [file.records for file in manifest.files if file.name != "rejects.csv"] == [10_000, 10_000, 1]


def test_google_is_told_of_the_consent_and_a_small_list_is_warned_of(write: Write) -> None:
    manifest, _ = write("google_customer_match", [row("a", "email", "a@b.fr")])
    assert manifest.consent == {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}
    assert "under 100" in manifest.warnings[0]


def test_an_empty_audience_is_a_file_with_a_header_only(write: Write) -> None:
    manifest, folder = write("meta_custom_audience", [])
    assert [len(lines(folder / file.name)) for file in manifest.files] == [1, 1]


def test_the_same_rows_give_the_same_bytes_and_nothing_stale_stays(write: Write) -> None:
    rows = [row(f"{number:03d}", "email", f"{number}@b.fr") for number in range(5)]
    _, folder = write("meta_custom_audience", rows, batch_records=2)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    _, folder = write("meta_custom_audience", rows, batch_records=2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    _, folder = write("meta_custom_audience", rows[:1], batch_records=2)
    assert len(list(folder.iterdir())) == 3
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_taken_for_a_formula(write: Write, start: str) -> None:
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"
    rows = [row("a", "first_name", "Ann", "c"), row("a", "last_name", "Lee", "c"), row("a", "country", "FR", "c"),
            row("a", "postal_code", f"{start}1", "c")]
    manifest, folder = write("google_customer_match", rows)
    assert lines(folder / manifest.files[0].name)[1][-1] == (f"'{start}1" if start.strip() else "1")


def test_rows_that_are_not_sorted_by_person_are_refused(write: Write) -> None:
    with pytest.raises(ValueError, match="sorted"):
        write("meta_custom_audience", [row("b", "email", "b@b.fr"), row("a", "email", "a@b.fr")])


def test_a_field_the_platform_does_not_use_is_not_even_opened(shipped: dict[str, Any], tmp_path: Path) -> None:
    destination = Destination(**shipped["destinations"]["google_customer_match"])
    opened = []
    write_files([row("a", "email", "a@b.fr"), row("a", "street", "1 rue", "c")], "vip", "g", destination, tmp_path, AS_OF,
                lambda sealed: opened.append(sealed[::-1]) or sealed[::-1], "FR")
    assert opened == [b"a@b.fr"]
