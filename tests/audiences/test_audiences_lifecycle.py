"""Exactly one state per person and date, by the shipped rules."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from wayprint.audiences.lifecycle import place_lifecycle
from wayprint.audiences.settings import AudienceSettings
from wayprint.contracts import conform
from wayprint.tables.audiences import LIFECYCLE
from wayprint.tables.identity import PERSONS
from wayprint.tables.journeys import CONVERSIONS, TOUCHES

pytestmark = pytest.mark.spark
AS_OF = dt.date(2026, 6, 15)


def on(year: int, month: int, day: int) -> dt.datetime:
    return dt.datetime(year, month, day, 12)


# Each person: known or not, purchases, touches, and the state that the definitions give by hand.
PEOPLE: dict[str, tuple[bool, list[dt.datetime], list[tuple[str, dt.datetime, str | None]], str]] = {
    "visitor": (False, [], [("page_view", on(2026, 6, 1), None)], "suspect"),
    "stranger with a cart": (False, [], [("add_to_cart", on(2026, 6, 1), None)], "suspect"),
    "contact": (True, [], [("page_view", on(2026, 6, 1), None)], "prospect"),
    "searcher": (True, [], [("search", on(2026, 6, 1), None)], "lead"),
    "searcher long ago": (True, [], [("search", on(2026, 4, 1), None)], "prospect"),
    "buyer": (True, [on(2025, 6, 16)], [], "active"),
    "buyer a year ago to the day": (True, [on(2025, 6, 15)], [], "inactive"),
    "lapsed with a cart": (True, [on(2025, 1, 1)], [("add_to_cart", on(2026, 6, 1), None)], "inactive"),
    "gone": (True, [on(2024, 6, 15)], [], "leaver"),
    "almost gone": (True, [on(2024, 6, 16)], [], "inactive"),
    "fan": (True, [on(2025, 7, 1), on(2026, 1, 1), on(2026, 6, 15)], [], "loyal"),
    "old fan": (True, [on(2025, 6, 1), on(2026, 1, 1), on(2026, 2, 1)], [], "active"),
    "closed": (True, [on(2026, 1, 1)], [("form_submit", on(2026, 3, 1), "account_closed"), ("purchase", on(2026, 1, 1), None)], "leaver"),
    "closed and back": (True, [on(2026, 5, 1)], [("form_submit", on(2026, 3, 1), "account_closed"), ("purchase", on(2026, 5, 1), None)], "active"),
    "buys tomorrow": (True, [on(2026, 6, 16)], [], "prospect"),
}


@pytest.fixture
def place(rows: Callable[..., Any], rules: Callable[..., AudienceSettings]) -> Callable[..., Any]:
    def build(names: list[str], **extra: Any) -> Any:
        persons = rows(PERSONS, *[{"person_id": name, "is_known": PEOPLE[name][0]} for name in names])
        orders = rows(CONVERSIONS, *[
            {"order_id": f"{name}{at}", "person_id": name, "converted_at": at, "revenue_amount": Decimal("10.50")}
            for name in names for at in PEOPLE[name][1]])
        touches = rows(TOUCHES, *[
            {"event_key": f"{name}{at}{event}", "person_id": name, "event_name": event, "happened_at": at, "status": status}
            for name in names for event, at, status in PEOPLE[name][2]], {"person_id": "nobody known", "event_name": "search"})
        if extra.get("shuffled"):
            persons, orders, touches = (frame.orderBy(frame.columns[-1], frame.columns[0]).repartition(3) for frame in (persons, orders, touches))
        return conform(place_lifecycle(persons, orders, touches, rules(), AS_OF), LIFECYCLE)

    return build


def test_everybody_is_in_the_one_state_of_the_definitions(place: Callable[..., Any]) -> None:
    found = place(list(PEOPLE)).collect()
    assert {row.person_id: row.state for row in found} == {name: person[3] for name, person in PEOPLE.items()}
    assert len(found) == len(PEOPLE)
    assert {row.state for row in found} == {"suspect", "prospect", "lead", "active", "loyal", "inactive", "leaver"}
    by_name = {row.person_id: row for row in found}
    assert (by_name["fan"].orders_365d, by_name["fan"].revenue_365d, by_name["fan"].last_purchase_at) == (3, Decimal("31.50"), on(2026, 6, 15))
    assert (by_name["gone"].orders_365d, by_name["gone"].revenue_365d) == (0, Decimal("0.00"))
    assert by_name["fan"].reason == "loyal: bought at least 3 in the last 12 months"
    assert all(row.reason.startswith(row.state) for row in found)


def test_revenue_of_two_currencies_is_not_added(rows: Callable[..., Any], rules: Callable[..., AudienceSettings]) -> None:
    sold = [("ann", "EUR", "10.00"), ("ann", "EUR", "15.00"), ("ann", "CHF", "20.00"), ("bob", None, "5.00"), ("cid", "CHF", "5.00"), ("cid", "EUR", "5.00")]
    orders = rows(CONVERSIONS, *[
        {"order_id": str(n), "person_id": name, "converted_at": on(2026, 6, 1), "currency": currency, "revenue_amount": Decimal(amount)}
        for n, (name, currency, amount) in enumerate(sold)])
    persons = rows(PERSONS, *[{"person_id": name} for name in ("ann", "bob", "cid", "dan")])
    found = conform(place_lifecycle(persons, orders, rows(TOUCHES), rules(), AS_OF), LIFECYCLE).collect()
    assert {row.person_id: (row.orders_365d, row.revenue_365d, row.revenue_currency) for row in found} == {
        "ann": (3, Decimal("25.00"), "EUR"), "bob": (1, Decimal("5.00"), None), "cid": (2, Decimal("5.00"), "EUR"), "dan": (0, Decimal("0.00"), None)}


def test_a_state_depends_on_the_rows_of_its_person_alone(place: Callable[..., Any]) -> None:
    whole = {tuple(row) for row in place(list(PEOPLE), shuffled=True).collect()}
    names = random.Random(4).sample(list(PEOPLE), len(PEOPLE))
    parts = [names[:7], names[7:]]
    assert {tuple(row) for part in parts for row in place(part).collect()} == whole
