"""The views give the columns that other tools' queries ask for."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import Any

import pytest

from wayprint.persons import views
from wayprint.tables import ALL
from wayprint.tables.events import CONTACTS
from wayprint.tables.identity import IDENTITY_MAP, PERSONS
from wayprint.tables.persons import PERSON_FIELDS

pytestmark = pytest.mark.spark
NOON = dt.datetime(2026, 3, 1, 12)
HISTORY = "identifier_id string, identifier_type string, person_id string, status string, valid_from date, valid_to date"
ALIASES = "person_id string, present_person_id string, since date"


@pytest.fixture
def given(spark: Any, rows: Any) -> dict[str, Any]:
    """Ann, whose old person_id is `ann-app`, and Bob; a shared phone; an old id `lost` that is nobody's today."""
    day = dt.date(2026, 3, 2), dt.date(2026, 3, 9)
    return {
        "persons": rows(PERSONS, {"person_id": "ann", "first_seen_at": NOON}, {"person_id": "bob", "first_seen_at": NOON}),
        "person_aliases": spark.createDataFrame([("ann-app", "ann", day[1]), ("lost", None, day[1])], ALIASES),
        "identity_history": spark.createDataFrame([
            ("app", "app_device", "ann-app", "owned", day[0], day[1]), ("maid", "maid", "ann-app", "owned", day[1], day[1]),
            ("app", "app_device", "ann", "owned", day[1], None), ("login", "login", "ann", "owned", day[0], None)], HISTORY),
        "identity_map": rows(
            IDENTITY_MAP, {"identifier_id": "login", "identifier_type": "login", "person_id": "ann", "first_seen_at": NOON},
            {"identifier_id": "phone", "identifier_type": "phone", "status": "shared"}),
        "contacts": rows(
            CONTACTS, {"contact_id": "crm|1", "identifier_id": "login", "source": "crm", "updated_at": NOON}, {"contact_id": "crm|2", "identifier_id": "phone", "source": "crm"},
            {"contact_id": "crm|3", "source": "crm"}),
        "person_fields": rows(
            PERSON_FIELDS, {"person_id": "ann", "field": "gender", "value": "f"}, {"person_id": "ann", "field": "stage", "value": "lead"},
            {"person_id": "ann", "field": "email", "subject_id": "e"})}


def seen(given: dict[str, Any], name: str) -> set[tuple[Any, ...]]:
    view = views.VIEWS[name](**{table: given[table] for table in inspect.signature(views.VIEWS[name]).parameters})
    return {tuple(view.columns), *map(tuple, view.collect())}


def test_the_graph_of_profiles_and_its_updates(given: dict[str, Any]) -> None:
    merged = dt.datetime(2026, 3, 9)
    assert seen(given, "id_graph") == {
        ("segment_id", "canonical_segment_id", "timestamp"), ("ann", "ann", NOON), ("bob", "bob", NOON), ("ann-app", "ann", merged)}
    assert seen(given, "id_graph_updates") == {
        ("segment_id", "canonical_segment_id", "triggering_event_type", "triggering_event_id", "timestamp"), ("ann", "ann", "creation", None, NOON),
        ("bob", "bob", "creation", None, NOON), ("ann-app", "ann-app", "creation", None, dt.datetime(2026, 3, 2)), ("ann-app", "ann", "merge", None, merged)}
    assert seen(given, "external_id_mapping") == {
        ("canonical_segment_id", "external_id_type", "external_id_value", "external_id_hash", "timestamp"), ("ann", "login", "login", "login", NOON)}


def test_resolved_rows_and_golden_records(given: dict[str, Any]) -> None:
    resolved = seen(given, "persons_resolved")
    assert {row[:3] for row in resolved} == {("ht_id", "source", "primary_key"), ("ann", "crm", "crm|1"), (None, "crm", "crm|2"), (None, "crm", "crm|3")}
    assert ("ann", "crm", "crm|1", NOON) in resolved
    nothing = (None,) * 7
    assert seen(given, "persons_golden_records") == {
        ("ht_id", "country", "postal_area", "language", "birth_year", "gender", "loyalty_tier", "stage"), ("ann", None, None, None, None, "f", None, "lead"), ("bob", *nothing)}


def test_every_view_is_made_of_tables(given: dict[str, Any]) -> None:
    asked = {table for view in views.VIEWS.values() for table in inspect.signature(view).parameters}
    assert asked == set(given)
    assert asked - set(ALL) <= {"identity_history", "person_aliases"}
