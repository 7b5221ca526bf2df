"""Criteria mean what they say: random audiences over random people, against a loop over plain dictionaries."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from wayprint.audiences.criteria import first_day
from wayprint.audiences.members import weigh_persons
from wayprint.audiences.settings import AudienceSettings
from wayprint.tables.audiences import AUDIENCE_MEMBERS, LIFECYCLE
from wayprint.tables.identity import PERSON_CONSENTS, PERSONS
from wayprint.tables.journeys import CONVERSIONS, TOUCHES
from wayprint.tables.propensity import SCORES

pytestmark = pytest.mark.spark
AS_OF = dt.date(2026, 6, 15)
MIDNIGHT = dt.datetime(2026, 6, 15)
EVENTS = ("product_view", "search", "add_to_cart", "purchase", "email_click", "email_sent", "ticket_opened", "ticket_closed", "email_unsubscribe")
FAMILIES, CHANNELS = ("shoes", "tents", "maps"), ("Email", "Direct", "Store")
PURPOSES = ("email_marketing", "advertising")
Person = dict[str, Any]


def a_person(draw: random.Random) -> Person:
    def moment() -> dt.datetime:
        days = draw.choice([0, 0, 1, 2, 3, 5, 6, 7, 8, 13, 14, 15, 29, 30, 31, 89, 90, 91, 200, 364, 365, 366, -1])
        return MIDNIGHT - dt.timedelta(days=days) + dt.timedelta(seconds=draw.choice([0, 9 * 3600, 24 * 3600 - 1]))

    return {
        "touches": [
            {"event_name": draw.choice(EVENTS), "happened_at": moment(), "channel": draw.choice(CHANNELS), "ticket_id": draw.choice([None, "A", "B"]),
             "families": draw.choice([None, [], ["shoes"], ["maps", "tents"]]), "reason": draw.choice([None, "Claim: broken", "delivery"]),
             "status": draw.choice([None, None, "solved"])} for _ in range(draw.randrange(9))],
        "orders": [
            {"converted_at": moment(), "channel": draw.choice(CHANNELS), "families": draw.choice([["shoes"], ["maps"]]), "currency": draw.choice(["EUR", "EUR", "GBP", None]),
             "revenue_amount": Decimal(draw.randrange(40000)) / 100} for _ in range(draw.randrange(4))],
        "state": draw.choice(["active", "loyal", "suspect", None]),
        "score": draw.choice([None, (0.1, 9), (0.5, 5), (0.9, 1)]),
        "consents": {purpose: (draw.random() < 0.7, moment()) for purpose in PURPOSES if draw.random() < 0.7},
        "is_known": draw.random() < 0.5, "devices": draw.randrange(4), "country": draw.choice([None, "FR", "be"])}


def a_criterion(draw: random.Random, depth: int = 0) -> dict[str, Any]:
    kind = draw.choice(["all", "any", "not"] if depth < 2 and draw.random() < 0.5 else [
        "did", "did", "did_not", "bought", "spent", "interest", "score", "lifecycle", "consent", "devices_at_least", "person"])
    if kind in ("all", "any"):
        return {kind: [a_criterion(draw, depth + 1) for _ in range(draw.randrange(1, 4))]}
    if kind == "not":
        return {kind: a_criterion(draw, depth + 1)}
    window = draw.choice([{}, {"within_days": draw.choice([1, 7, 14, 30, 90])}, {"within_months": draw.choice([1, 3, 12])}, {"within_days": 90, "before_days": 7},
                          {"before_days": 14}])
    counts = draw.choice([{}, {"at_least": 2}, {"at_most": 1}, {"at_least": 1, "at_most": 2}])
    family = draw.choice([{}, {"family": draw.choice(FAMILIES)}, {"family": ["maps", "shoes"]}])
    channel = draw.choice([{}, {}, {"channel": draw.choice(["email", "Store"])}])
    event = {"event": draw.choice([draw.choice(EVENTS), ["search", "add_to_cart", "product_view"]])}
    return {kind: {
        "did": {**event, **window, **counts, **family, **channel, **draw.choice([{}, {"not_followed_by": "purchase"}])},
        "did_not": {**event, **window, **family, **draw.choice([{}, {"reason": "claim"}, {"status": "solved"}])},
        "bought": {**window, **counts, **family, **channel},
        "spent": {**window, **draw.choice([{"at_least": 100}, {"at_most": 150.5}, {"at_least": 50, "at_most": 300}])},
        "interest": {**window, **counts, **family},
        "score": {"model": draw.choice(["m", "other"]), **draw.choice([{"decile_at_most": 5}, {"at_least": 0.5}])},
        "lifecycle": draw.choice(["active", ["loyal", "suspect"]]),
        "consent": draw.choice(["advertising", list(PURPOSES)]),
        "devices_at_least": 2,
        "person": draw.choice([{"country": "BE"}, {"is_known": True}, {"is_known": False, "country": ["fr", "be"]}])}[kind]}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def in_window(moment: dt.datetime, options: dict[str, Any]) -> bool:
    day = moment.date()
    if (AS_OF - day).days < options.get("before_days", -10**6):
        return False
    if "within_months" in options:
        months = options["within_months"]
        year, month = (AS_OF.year, AS_OF.month - months) if AS_OF.month > months else (AS_OF.year - 1, AS_OF.month - months + 12)
        return dt.date(year, month, AS_OF.day) < day <= AS_OF
    return day <= AS_OF and (AS_OF - day).days < options.get("within_days", 10**6)


def matching(person: Person, options: dict[str, Any], of: str = "touches") -> list[Person]:
    time = "happened_at" if of == "touches" else "converted_at"
    found = [row for row in person[of] if in_window(row[time], options)]
    if "event" in options:
        found = [row for row in found if row["event_name"] in listed(options["event"])]
    if "family" in options:
        found = [row for row in found if set(row["families"] or []) & set(listed(options["family"]))]
    if "channel" in options:
        found = [row for row in found if row["channel"].lower() in [c.lower() for c in listed(options["channel"])]]
    if "reason" in options:
        found = [row for row in found if options["reason"] in (row["reason"] or "").lower()]
    if "status" in options:
        found = [row for row in found if row["status"] == options["status"]]
    return found


def enough(amount: Any, options: dict[str, Any]) -> bool:
    least = options.get("at_least", 0 if "at_most" in options else 1)
    return least <= amount <= options.get("at_most", 10**9)


def holds(person: Person, criterion: dict[str, Any]) -> bool:
    (kind, o), = criterion.items()
    match kind:
        case "all":
            return all(holds(person, part) for part in o)
        case "any":
            return any(holds(person, part) for part in o)
        case "not":
            return not holds(person, o)
        case "did_not":
            return not matching(person, o)
        case "bought":
            return enough(len(matching(person, o, "orders")), o)
        case "interest":
            return enough(len(matching(person, {**o, "event": ["product_view", "review_view", "compare_view", "add_to_cart"]})), o)
        case "did":
            found = matching(person, o)
            if not enough(len(found), o):
                return False
            if "not_followed_by" in o:
                last = [row["happened_at"] for row in found]
                after = [row["happened_at"] for row in matching(person, {"event": o["not_followed_by"]})]
                return bool(last) and (not after or max(last) > max(after))
            return True
        case "spent":
            sums: dict[str | None, Decimal] = {}
            for row in matching(person, o, "orders"):
                sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + row["revenue_amount"]
            spent = max(sums.values(), default=Decimal(0))
            return o.get("at_least", 0) <= spent <= Decimal(str(o.get("at_most", 10**9)))
        case "score":
            if person["score"] is None or o["model"] != "m":
                return False
            return person["score"][1] <= o.get("decile_at_most", 10) and person["score"][0] >= o.get("at_least", 0)
        case "lifecycle":
            return person["state"] in listed(o)
        case "consent":
            return all(person["consents"].get(purpose, (False,))[0] for purpose in listed(o))
        case "devices_at_least":
            return bool(person["devices"] >= o)
    country = [c.upper() for c in listed(o["country"])] if "country" in o else None
    return (country is None or (person["country"] or "").upper() in country) and person["is_known"] == o.get("is_known", person["is_known"])


def has_open_complaint(person: Person, complaints: list[Person]) -> bool:
    """A queue of openings without a closing of their own; what closes an unknown ticket takes the oldest."""
    numbers = {kind: {row["ticket_id"] for row in person["touches"] if row["event_name"] == kind and row["happened_at"].date() <= AS_OF} - {None}
               for kind in ("ticket_opened", "ticket_closed")}
    queue = 0
    for row in sorted(complaints, key=lambda row: (row["happened_at"].date(), row["event_name"] == "ticket_closed")):
        if (AS_OF - row["happened_at"].date()).days > 90:
            continue
        if row["event_name"] == "ticket_opened":
            queue += row["status"] != "solved" and row["ticket_id"] not in numbers["ticket_closed"]
        elif row["ticket_id"] not in numbers["ticket_opened"]:
            queue = max(queue - 1, 0)
    return queue > 0


def verdict(person: Person, definition: dict[str, Any]) -> str | None:
    if not holds(person, definition["who"]):
        return None
    granted, stated_at = person["consents"].get("email_marketing", (False, None))
    if not granted:
        return "no_basis"
    stops = [row["happened_at"] for row in matching(person, {"event": "email_unsubscribe"})]
    if stops and stated_at <= max(stops):
        return "suppressed"
    if not definition["is_promotion"]:
        return "member"
    complaints = [row for row in person["touches"] if "claim" in (row["reason"] or "").lower() and row["happened_at"].date() <= AS_OF
                  and row["event_name"] in ("ticket_opened", "ticket_closed")]
    if any((AS_OF - row["happened_at"].date()).days <= 14 for row in complaints):
        return "suppressed"
    if has_open_complaint(person, complaints):
        return "suppressed"
    return "suppressed" if len(matching(person, {"event": "email_sent", "within_days": 14})) >= 2 else "member"


@pytest.fixture
def lake(rows: Callable[..., Any]) -> Callable[[list[Person]], dict[str, Any]]:
    def build(people: list[Person]) -> dict[str, Any]:
        names = [f"p{number:04d}" for number in range(len(people))]
        both = list(zip(names, people, strict=True))
        return {
            "persons": rows(PERSONS, *[{"person_id": n, **{k: p[k] for k in ("is_known", "devices", "country")}} for n, p in both]),
            "touches": rows(
                TOUCHES, {"person_id": None, "event_name": "search"}, *[{"person_id": n, **row} for n, p in both for row in p["touches"]]),
            "conversions": rows(CONVERSIONS, *[{"person_id": n, **row} for n, p in both for row in p["orders"]]),
            "lifecycle": rows(LIFECYCLE, *[{"person_id": n, "state": p["state"]} for n, p in both if p["state"]]),
            "scores": rows(SCORES, *[{"person_id": n, "model": "m", "score": p["score"][0], "decile": p["score"][1]} for n, p in both if p["score"]]),
            "person_consents": rows(PERSON_CONSENTS, *[
                {"person_id": n, "purpose": purpose, "granted": granted, "stated_at": at}
                for n, p in both for purpose, (granted, at) in p["consents"].items()]),
            "previous_audience_members": rows(AUDIENCE_MEMBERS)}

    return build


def test_random_audiences_hold_whom_a_loop_over_people_finds(lake: Any, rules: Callable[..., AudienceSettings]) -> None:
    draw = random.Random(2026)
    people = [a_person(draw) for _ in range(200)]
    definitions = {f"a{number:02d}": {"who": a_criterion(draw), "is_promotion": draw.random() < 0.5} for number in range(45)}
    settings = rules(**definitions, _pressure_cap=2, _pressure_days=14)
    expected = {
        (audience, f"p{number:04d}", verdict(person, definition))
        for audience, definition in definitions.items() for number, person in enumerate(people)}
    expected = {row for row in expected if row[2] is not None}
    assert {row[2] for row in expected} == {"member", "no_basis", "suppressed"}
    inputs = lake(people)
    found = {(r.audience, r.person_id, r.verdict) for r in weigh_persons(**inputs, settings=settings, as_of=AS_OF).collect()}
    wrong = [(definitions[audience]["who"], people[int(person[1:])]) for audience, person, _ in sorted(found ^ expected)]
    assert not wrong, wrong[0]
    shuffled = {name: frame.orderBy(*reversed(frame.columns)).repartition(5) for name, frame in inputs.items()}
    again = {(r.audience, r.person_id, r.verdict) for r in weigh_persons(**shuffled, settings=settings, as_of=AS_OF).collect()}
    assert again == found


def test_two_hundred_audiences_read_and_shuffle_each_input_once(lake: Any, rules: Callable[..., AudienceSettings]) -> None:
    draw = random.Random(7)
    inputs = lake([a_person(draw) for _ in range(3)])
    plans = []
    for number in (1, 200):
        settings = rules(**{
            f"a{n:03d}": {"who": {"all": [{"did": {"event": "search", "within_days": n + 1}}, {"bought": {}}]}, "is_promotion": True}
            for n in range(number)})
        frame = weigh_persons(**inputs, settings=settings, as_of=AS_OF)
        plan = frame._jdf.queryExecution().sparkPlan().toString()
        executed = frame._jdf.queryExecution().executedPlan().toString()
        plans.append((plan.count("Scan ExistingRDD"), executed.count("Exchange ")))
    assert plans == [(len(inputs), 1), (len(inputs), 1)]


@pytest.mark.parametrize(("as_of", "months", "first"), [
    ((2026, 6, 15), 12, (2025, 6, 16)), ((2026, 3, 31), 1, (2026, 3, 1)), ((2024, 2, 29), 12, (2023, 3, 1)), ((2026, 1, 10), 1, (2025, 12, 11))])
def test_a_window_of_months_begins_the_day_after_the_same_day(as_of: tuple[int, int, int], months: int, first: tuple[int, int, int]) -> None:
    assert first_day(dt.date(*as_of), months=months) == dt.date(*first)


def test_the_reason_names_the_branches_that_hold(lake: Any, rules: Callable[..., AudienceSettings]) -> None:
    settings = rules(a="who: {all: [{any: [{lifecycle: loyal}, {spent: {at_least: 1000}}, {devices_at_least: 2}, {person: {country: FR}}]}, {devices_at_least: 3}]}")
    person = {**a_person(random.Random(1)), "state": "active", "orders": [], "devices": 3, "country": "FR", "touches": [],
              "consents": {"email_marketing": (True, MIDNIGHT)}}
    found, = weigh_persons(**lake([person]), settings=settings, as_of=AS_OF).collect()
    assert (found.verdict, found.legal_basis, found.reason) == ("member", "email_marketing", "seen on at least 2 devices; person: country FR; seen on at least 3 devices")
