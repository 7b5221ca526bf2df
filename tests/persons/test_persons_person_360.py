"""Timeline and answers against plain loops over what happened."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from wayprint.persons.happenings import gather_happenings
from wayprint.persons.person_360 import count_gaps, view_persons
from wayprint.tables.identity import PERSON_CONSENTS, PERSONS
from wayprint.tables.journeys import CONVERSIONS, JOURNEYS, TOUCHES, VISITS
from wayprint.tables.persons import PERSON_360, PERSON_TIMELINE

pytestmark = pytest.mark.spark
EVENTS = ("page_view", "add_to_cart", "email_sent", "email_click", "ticket_opened", "survey_answer", "purchase", "refund", "store_visit", "email_unsubscribe", "product_usage")
PLATFORMS = ("web", "app", "store", "kiosk", "call_centre", "email", "survey", "iot", "crm", None)
TABLES = (PERSONS, TOUCHES, CONVERSIONS, VISITS, JOURNEYS, PERSON_CONSENTS)


class Lives:
    """`rows` by table name."""

    def __init__(self, seed: int, people: int = 60):
        self.rng = random.Random(seed)
        self.rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
        for n in range(people):
            self.live(f"p{n}", n)
        self.add(TOUCHES, event_key="of nobody", event_name="page_view", direction="inbound")
        self.add(CONVERSIONS, order_id="of nobody", conversion_id="c of nobody")

    def add(self, table: Any, **row: Any) -> None:
        self.rows[table.name].append(row)

    def at(self) -> dt.datetime:
        return dt.datetime(2026, 1, 1) + dt.timedelta(hours=self.rng.randint(0, 60))

    def live(self, person: str, n: int) -> None:
        rng = self.rng
        self.add(PERSONS, person_id=person, is_known=rng.random() < 0.6, devices=rng.randint(0, 3), identifier_types=["email"], country=rng.choice(["FR", None]),
                 postal_area=rng.choice(["75", None, None]), first_seen_at=self.at(), last_seen_at=self.at())
        orders = [f"o{n}-{k}" for k in range(rng.choice([0, 0, 1, 3]))]
        for k in range(rng.choice([0, 0, 4, 12])):
            event = rng.choice(EVENTS)
            self.add(TOUCHES, event_key=f"e{n}-{k}", person_id=person, event_name=event, direction="outbound" if event == "email_sent" else "inbound", happened_at=self.at(),
                     platform=rng.choice(PLATFORMS), channel=rng.choice(["Email", "Direct"]), stage=rng.choice(["need", "compare", None]), store_id=rng.choice([None, "S1"]),
                     device_type=rng.choice([None, "mobile", "desktop"]), order_id=rng.choice([*orders, f"o{n - 1}-0", None]) if event == "purchase" else None,
                     reason=rng.choice([None, "late", "price"]), source=rng.choice(["a", "b"]))
        for order in orders:
            self.add(CONVERSIONS, order_id=order, conversion_id=f"c{order}", person_id=person, converted_at=self.at(), sale_place=rng.choice(["web", "store"]), gross_amount=Decimal(30),
                     revenue_amount=Decimal(rng.choice([10, 30])), families=rng.choice([["oven"], ["fan", "oven"], None]), store_id=rng.choice([None, "S2"]), sources=["a", "b"], channel="Direct", currency=rng.choice(["EUR", "EUR", "GBP", None]))
        for k in range(rng.choice([0, 2])):
            self.add(VISITS, visit_id=f"v{n}-{k}", person_id=person, channel=rng.choice(["Email", "Paid Search"]))
            self.add(JOURNEYS, journey_id=f"j{n}-{k}", person_id=person, ended_by=rng.choice(["silence", "open"]))
        if rng.random() < 0.5:
            self.add(PERSON_CONSENTS, person_id=person, purpose="email_marketing", granted=rng.random() < 0.5, stated_at=self.at(), source="crm")

    def of(self, table: Any, person: str) -> list[dict[str, Any]]:
        return [row for row in self.rows[table.name] if row.get("person_id") == person]


@pytest.fixture(scope="module")
def lives() -> Lives:
    return Lives(11)


@pytest.fixture
def seen(lives: Lives, rows: Any) -> tuple[Any, Any]:
    shuffled = [random.Random(1).sample(lives.rows[table.name], len(lives.rows[table.name])) for table in TABLES]
    timeline, answers = view_persons(gather_happenings(*(rows(table, *given) for table, given in zip(TABLES, shuffled, strict=True))))
    return timeline.select(*PERSON_TIMELINE.column_names), answers.select(*PERSON_360.column_names)


def kind_of(touch: dict[str, Any]) -> str:
    event, platform = touch["event_name"], touch["platform"]
    if event in ("email_sent", "email_unsubscribe"):
        return {"email_sent": "contact", "email_unsubscribe": "consent"}[event]
    if event in ("purchase", "survey_answer"):
        return {"purchase": "purchase", "survey_answer": "survey"}[event]
    if event in ("ticket_opened", "refund") or platform == "call_centre":
        return "service"
    return {"kiosk": "store", "iot": "usage", "crm": "other", None: "other"}.get(platform, platform)


def test_the_timeline_tells_every_happening_once_and_every_order_once(lives: Lives, seen: tuple[Any, Any]) -> None:
    expected = Counter()
    for touch in lives.rows["touches"]:
        if touch.get("person_id") and not (touch["event_name"] == "purchase" and touch["order_id"]):
            expected[touch["event_key"], touch["person_id"], touch["happened_at"], kind_of(touch), touch["event_name"], touch["stage"]] += 1
    for order in lives.rows["conversions"]:
        if order.get("person_id"):
            expected[order["conversion_id"], order["person_id"], order["converted_at"], "purchase", "purchase", None] += 1
    found = seen[0].collect()
    consents = [row for row in found if row.kind == "consent" and "marketing" in row.description]
    assert Counter(tuple(row[name] for name in ("happening_id", "person_id", "happened_at", "kind", "description", "stage")) for row in found if row not in consents) == expected
    assert sorted((row.person_id, row.description, row.happened_at) for row in consents) == sorted(
        (c["person_id"], f"email_marketing {'granted' if c['granted'] else 'denied'}", c["stated_at"]) for c in lives.rows["person_consents"])
    assert len({row.happening_id for row in found}) == len(found)
    assert {row.kind for row in found} == {"purchase", "contact", "service", "survey", "consent", "web", "app", "store", "email", "usage", "other"}
    told = Counter(row.order_id for row in found if row.order_id)
    assert told == Counter(order["order_id"] for order in lives.rows["conversions"] if order.get("person_id"))
    assert all(row.sources == ["a", "b"] and row.amount == 30 for row in found if row.order_id)


def answer(lives: Lives, person: dict[str, Any]) -> dict[str, Any]:
    name = person["person_id"]
    acts = sorted((t for t in lives.of(TOUCHES, name) if t["direction"] == "inbound"), key=lambda t: (t["happened_at"], t["event_key"]))
    orders, visits, journeys = (lives.of(table, name) for table in (CONVERSIONS, VISITS, JOURNEYS))
    stages, times = Counter(t["stage"] for t in acts if t["stage"]), sorted(o["converted_at"] for o in orders)

    def every(rows: list[dict[str, Any]], column: str) -> list[str]:
        return sorted({row[column] for row in rows if row[column] is not None})

    named = Counter(o["currency"] for o in orders if o["currency"])
    money = max(named, key=lambda c: (named[c], c)) if named else None
    return {
        "person_id": name, "is_known": person["is_known"], "identifier_types": ["email"], "known_fields": every([{"f": f} for f in ("country", "postal_area") if person[f]], "f"),
        "orders": len(orders), "revenue_currency": money, "revenue_amount": sum((o["revenue_amount"] for o in orders if o["currency"] == money), Decimal(0)),
        "families": sorted({f for o in orders for f in o["families"] or []}),
        "last_event": acts[-1]["event_name"] if acts else None, "last_event_at": acts[-1]["happened_at"] if acts else None,
        "first_seen_at": person["first_seen_at"], "last_seen_at": person["last_seen_at"], "last_purchase_at": times[-1] if times else None,
        "days_between_purchases": pytest.approx((times[-1] - times[0]) / dt.timedelta(days=1) / (len(times) - 1)) if len(times) > 1 else None,
        "platforms": every(acts, "platform"), "stores": every([*acts, *orders], "store_id"), "postal_area": person["postal_area"],
        "last_stage": next((t["stage"] for t in reversed(acts) if t["stage"]), None), "dominant_stage": max(stages, key=lambda s: (stages[s], s)) if stages else None,
        "survey_reasons": every([t for t in acts if t["event_name"] == "survey_answer"], "reason"),
        "ticket_reasons": every([t for t in acts if t["event_name"] == "ticket_opened"], "reason"),
        "has_open_journey": any(j["ended_by"] == "open" for j in journeys), "channels": every(acts, "channel"), "arrival_channels": every(visits, "channel"),
        "sale_places": every(orders, "sale_place"), "device_types": every(acts, "device_type"), "devices": person["devices"], "visits": len(visits), "journeys": len(journeys)}


def test_every_person_has_the_answers_that_loops_give(lives: Lives, seen: tuple[Any, Any]) -> None:
    expected = {person["person_id"]: answer(lives, person) for person in lives.rows["persons"]}
    assert {len(e["families"]) for e in expected.values()} == {0, 1, 2}
    assert {row.person_id: row.asDict() for row in seen[1].collect()} == expected


def test_gaps_count_the_persons_who_leave_a_question_open(lives: Lives, seen: tuple[Any, Any]) -> None:
    rows = [answer(lives, person) for person in lives.rows["persons"]]
    answered = {
        "who": lambda r: r["known_fields"], "what": lambda r: r["orders"] or r["last_event"], "when": lambda r: r["last_event_at"] or r["last_purchase_at"],
        "where": lambda r: r["platforms"] or r["stores"] or r["postal_area"], "why": lambda r: r["last_stage"] or r["survey_reasons"] or r["ticket_reasons"],
        "how": lambda r: r["channels"] or r["arrival_channels"] or r["device_types"] or r["sale_places"]}
    expected = {}
    for population in ("known", "anonymous"):
        group = [r for r in rows if r["is_known"] == (population == "known")]
        for question, has in answered.items():
            expected[question, population] = (len(group), sum(not has(r) for r in group))
    found = {(r.answer, r.population): (r.persons, r.unanswered, r.unanswered_share) for r in count_gaps(seen[1]).collect()}
    assert found == {key: (*counts, pytest.approx(counts[1] / counts[0])) for key, counts in expected.items()}
    assert min(unanswered for _, unanswered in expected.values()) > 0
    assert len({unanswered for _, unanswered in expected.values()}) > 5
