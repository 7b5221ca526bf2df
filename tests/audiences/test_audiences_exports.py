"""What leaves for an ad platform: present members, not held out, with consent, each with all values that are his."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wayprint.audiences.destinations import Destination
from wayprint.audiences.exports import export_rows
from wayprint.audiences.files import write_files
from wayprint.tables.audiences import AUDIENCE_MEMBERS
from wayprint.tables.bronze import VAULT
from wayprint.tables.identity import IDENTITY_MAP, PERSON_CONSENTS

pytestmark = pytest.mark.spark
GOOGLE, META = "google_customer_match", "meta_custom_audience"


def member(name: str, **changes: Any) -> dict[str, Any]:
    return {"audience": "vip", "person_id": name, "is_member": True, "legal_basis": "advertising", "is_holdout": False, **changes}


@pytest.fixture
def export(rows: Callable[..., Any], shipped: dict[str, Any]) -> Callable[..., list[Any]]:
    members = rows(
        AUDIENCE_MEMBERS, member("ann"), member("held", is_holdout=True), member("denied", legal_basis="email_marketing"),
        member("silent", legal_basis="email_marketing"), member("left", is_member=False, legal_basis=None), member("nameless"),
        member("interest", legal_basis="legitimate interest: x"), member("against", legal_basis="legitimate interest: x"),
        member("elsewhere", audience="other"))
    known = ("ann", "held", "denied", "silent", "left", "interest", "against", "elsewhere")
    identity = rows(
        IDENTITY_MAP, *[{"identifier_id": f"e-{name}", "person_id": name, "status": "owned"} for name in known],
        {"identifier_id": "p-ann", "person_id": "ann", "status": "owned"}, {"identifier_id": "shared", "person_id": None, "status": "shared"})
    old, new = dt.datetime(2026, 1, 1), dt.datetime(2026, 2, 1)
    vault = rows(
        VAULT, *[{"subject_id": f"e-{name}", "field": "email", "seen_at": new, "sealed": bytearray(f"{name}@b.fr".encode())} for name in known],
        {"subject_id": "e-ann", "field": "email", "seen_at": old, "sealed": bytearray(b"stale@b.fr")},
        {"subject_id": "p-ann", "field": "phone", "seen_at": old, "sealed": bytearray(b"+33612345678")},
        {"subject_id": "p-ann", "field": "street", "seen_at": old, "sealed": bytearray(b"1 rue")},
        {"subject_id": "shared", "field": "email", "seen_at": old, "sealed": bytearray(b"shop@b.fr")})
    consents = rows(PERSON_CONSENTS, *[
        {"person_id": name, "purpose": "advertising", "granted": name not in ("denied", "against")} for name in (*known, "nameless")
        if name not in ("silent", "interest")], {"person_id": "silent", "purpose": "email_marketing", "granted": True})

    def build(destination: str) -> list[Any]:
        return export_rows(members, identity, vault, consents, "vip", Destination(**shipped["destinations"][destination])).collect()

    return build


def test_a_member_carries_all_his_latest_values_and_the_refused_carry_none(export: Callable[..., list[Any]]) -> None:
    found = export(GOOGLE)
    assert [(row.person_id, row.field, bytes(row.sealed)) for row in found if row.sealed is not None] == [
        ("ann", "email", b"ann@b.fr"), ("ann", "phone", b"+33612345678")]
    refused = "no granted advertising consent"
    assert {row.person_id: row.refusal for row in found if row.sealed is None} == {
        "held": "held out, to measure the effect", "denied": refused, "silent": refused, "interest": refused, "against": refused, "nameless": None}


def test_a_declared_interest_goes_where_it_may_and_never_against_a_denial(export: Callable[..., list[Any]]) -> None:
    found = export(META)
    assert {row.person_id for row in found if row.sealed is not None} == {"ann", "interest"}
    assert next(row.refusal for row in found if row.person_id == "against") == "no granted advertising consent"


def test_the_rows_become_a_file_whose_counts_cover_every_member(export: Callable[..., list[Any]], shipped: dict[str, Any], tmp_path: Path) -> None:
    rows = [row.asDict() for row in export(GOOGLE)]
    destination = Destination(**shipped["destinations"][GOOGLE])
    manifest = write_files(rows, "vip", GOOGLE, destination, tmp_path, dt.date(2026, 6, 15), bytes, "FR")
    assert (manifest.persons_in, manifest.persons_written, manifest.persons_rejected, manifest.use) == (7, 1, 6, "target")
    assert write_files(rows, "vip", GOOGLE, destination, tmp_path, dt.date(2026, 6, 15), bytes, "FR", is_exclusion=True).use == "exclude"
    assert b"@b.fr" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file())
