"""Membership over runs: who entered, who left and why, and sizes that add up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from wayprint.audiences.members import choose_members, is_held_out, preview_sizes, weigh_persons
from wayprint.audiences.settings import AudienceSettings
from wayprint.audiences.suppressions import list_suppressions
from wayprint.contracts import conform
from wayprint.tables.audiences import AUDIENCE_MEMBERS, AUDIENCE_SIZES, LIFECYCLE, SUPPRESSIONS
from wayprint.tables.identity import PERSON_CONSENTS, PERSONS
from wayprint.tables.journeys import CONVERSIONS, TOUCHES
from wayprint.tables.propensity import SCORES

pytestmark = pytest.mark.spark
DAY = dt.date(2026, 6, 15)
NOON = dt.datetime(2026, 6, 15, 12)


def back(days: float) -> dt.datetime:
    return NOON - dt.timedelta(days=days)


class Lake:
    """A few people whose touches and consents a test changes between runs; members and sizes stand from run to run."""

    def __init__(self, rows: Callable[..., Any]):
        self.rows = rows
        self.people: set[str] = set()
        self.touches: list[tuple[Any, ...]] = []  # person, verb, moment, reason, and the ticket's number if it has one
        self.granted: dict[str, bool] = {}
        self.members: list[Any] = []
        self.sizes: list[Any] = []
        self.is_old = False  # the sizes that stand are of 0.1.0

    def inputs(self) -> dict[str, Any]:
        consents = [{"person_id": name, "purpose": "email_marketing", "granted": yes, "stated_at": back(400)} for name, yes in self.granted.items()]
        return {
            "persons": self.rows(PERSONS, *[{"person_id": name, "is_known": True} for name in sorted(self.people)]),
            "touches": self.rows(TOUCHES, *[
                {"event_key": str(n), "person_id": name, "event_name": event, "happened_at": at, "reason": reason, "ticket_id": next(iter(ticket), None)}
                for n, (name, event, at, reason, *ticket) in enumerate(self.touches) if name in self.people]),
            "person_consents": self.rows(PERSON_CONSENTS, *[c for c in consents if c["person_id"] in self.people])}

    def run(self, settings: AudienceSettings, as_of: dt.date = DAY) -> dict[tuple[str, str], Any]:
        previous = self.rows(AUDIENCE_MEMBERS, *[row.asDict() for row in self.members])
        earlier = self.rows(AUDIENCE_SIZES, *[row.asDict() for row in self.sizes])
        if self.is_old:
            earlier = earlier.drop("is_exclusion")
        prepared = weigh_persons(
            **self.inputs(), conversions=self.rows(CONVERSIONS), lifecycle=self.rows(LIFECYCLE), scores=self.rows(SCORES),
            previous_audience_members=previous, settings=settings, as_of=as_of).localCheckpoint()
        sizes, members = choose_members(prepared, previous, earlier, settings, as_of)
        self.members = sorted(conform(members, AUDIENCE_MEMBERS).collect())
        self.sizes = sorted(conform(sizes, AUDIENCE_SIZES).collect())
        for row in self.members:
            assert row.is_member == (row.left_on is None)
            assert (row.legal_basis is not None) == row.is_member
        for row in self.sizes:
            assert row.candidates == row.without_basis + row.suppressed + row.members
        return {(row.audience, row.person_id): row for row in self.members}


@pytest.fixture
def lake(rows: Callable[..., Any]) -> Lake:
    return Lake(rows)


CARTS = "who: {did: {event: add_to_cart, within_days: 7}}"


def test_members_enter_stay_leave_and_return_with_reasons_and_sizes_that_add_up(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    settings = rules(carts=CARTS, other="who: {did: {event: search}}")
    lake.people = {"ann", "bob", "cid", "dan", "eve"}
    lake.granted = dict.fromkeys(("ann", "bob", "cid", "dan"), True)
    lake.touches = [(name, "add_to_cart", back(age), None) for name, age in (("ann", 6), ("bob", 1), ("cid", 1), ("dan", 1), ("eve", 1))]
    first = lake.run(settings, DAY)
    assert {key[1] for key in first} == {"ann", "bob", "cid", "dan"}
    assert {(row.entered_on, row.reason) for row in first.values()} == {(DAY, "did add_to_cart in the last 7 days")}

    before = lake.members, lake.sizes
    lake.run(settings, DAY)
    assert (lake.members, lake.sizes) == before

    lake.granted["bob"] = False
    lake.people.remove("dan")
    lake.granted["eve"] = True
    second_day = DAY + dt.timedelta(days=1)
    second = lake.run(settings, second_day)
    assert {key[1]: row.reason for key, row in second.items() if row.left_on == second_day} == {
        "ann": "no longer meets: did add_to_cart in the last 7 days", "bob": "no granted email_marketing",
        "dan": "merged into another person, or erased"}
    assert (second["carts", "cid"].entered_on, second["carts", "eve"].entered_on) == (DAY, second_day)

    lake.touches.append(("ann", "add_to_cart", back(-2), None))
    third_day = DAY + dt.timedelta(days=2)
    third = lake.run(settings, third_day)
    assert (third["carts", "ann"].entered_on, third["carts", "ann"].left_on, third["carts", "bob"].left_on) == (third_day, None, second_day)

    fourth_day = DAY + dt.timedelta(days=3)
    fourth = lake.run(rules(other="who: {did: {event: search}}"), fourth_day)
    assert {row.reason for row in fourth.values() if row.left_on == fourth_day} == {"the audience is no longer defined"}

    standing, counted = 0, []
    for row in (row for row in lake.sizes if row.audience == "carts"):
        assert row.members == standing + row.entered - row.left
        standing = row.members
        counted.append((row.counted_on, row.candidates, row.without_basis, row.members, row.entered, row.left))
    assert counted == [(DAY, 5, 1, 4, 4, 0), (second_day, 3, 1, 2, 1, 3), (third_day, 4, 1, 3, 1, 0), (fourth_day, 0, 0, 0, 0, 3)]
    assert [(row.counted_on, row.candidates) for row in lake.sizes if row.audience == "other"] == [
        (day, 0) for day in (DAY, second_day, third_day, fourth_day)]


def test_a_second_run_of_a_day_corrects_the_day(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    settings = rules(carts=CARTS)
    lake.people, lake.granted = {"ann", "bob"}, {"ann": True, "bob": True}
    lake.touches = [("ann", "add_to_cart", back(1), None)]
    lake.run(settings, DAY)
    next_day = DAY + dt.timedelta(days=1)
    lake.granted["ann"] = False
    assert lake.run(settings, next_day)["carts", "ann"].left_on == next_day
    lake.granted["ann"] = True
    lake.touches.append(("bob", "add_to_cart", back(1), None))
    assert lake.run(settings, next_day)["carts", "ann"].entered_on == DAY
    lake.touches.pop()
    lake.run(settings, next_day)
    assert [(row.members, row.entered, row.left) for row in lake.sizes] == [(1, 1, 0), (1, 0, 0)]


def test_a_run_for_an_earlier_day_takes_the_later_ones_back(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    settings = rules(carts=CARTS)
    lake.people = {"stays", "leaves", "comes", "returns", "gone"}
    lake.granted = dict.fromkeys(lake.people, True)
    lake.touches = [("stays", "add_to_cart", back(1), None), ("leaves", "add_to_cart", back(6), None), ("comes", "add_to_cart", back(-1), None),
                    ("returns", "add_to_cart", back(6), None), ("returns", "add_to_cart", back(-2), None), ("gone", "add_to_cart", back(6), None)]
    first = lake.run(settings, DAY)
    standing = lake.members, lake.sizes
    for days in (1, 2):
        lake.run(settings, DAY + dt.timedelta(days=days))
    assert {(row.person_id, row.left_on) for row in lake.members if not row.is_member} == {
        (name, DAY + dt.timedelta(days=1)) for name in ("leaves", "gone")}
    assert lake.run(settings, DAY) == first
    assert (lake.members, lake.sizes) == standing
    lake.granted["gone"] = False
    lake.run(settings, DAY + dt.timedelta(days=1))
    earlier = DAY - dt.timedelta(days=1)
    assert {(row.person_id, row.entered_on) for row in lake.run(settings, earlier).values()} == {("leaves", earlier), ("returns", earlier), ("stays", earlier)}
    assert [(row.counted_on, row.members, row.entered, row.left) for row in lake.sizes] == [(earlier, 3, 3, 0)]


def test_who_left_since_leaves_on_the_earlier_day_for_the_reason_of_that_day(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    settings = rules(carts=CARTS)
    lake.people, lake.granted = {"ann"}, {"ann": True}
    lake.touches = [("ann", "add_to_cart", back(1), None)]
    lake.run(settings, DAY)
    lake.granted["ann"] = False
    lake.run(settings, DAY + dt.timedelta(days=2))
    middle = DAY + dt.timedelta(days=1)
    row = lake.run(settings, middle)["carts", "ann"]
    assert (row.entered_on, row.left_on, row.reason) == (DAY, middle, "no granted email_marketing")
    lake.touches.clear()
    row = lake.run(settings, DAY)["carts", "ann"]
    assert (row.left_on, row.reason) == (DAY, "no longer meets: did add_to_cart in the last 7 days")


def test_nobody_without_the_right_is_a_member(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    lake.people = {"granted", "denied", "silent"}
    lake.granted = {"granted": True, "denied": False}
    lake.touches = [(name, "add_to_cart", back(1), None) for name in lake.people]
    found = lake.run(rules(
        consented=CARTS,
        declared={"purpose": {"legitimate_interest": "to help", "unless_denied": "email_marketing"}, "who": {"did": {"event": "add_to_cart"}}},
        always={"purpose": {"legitimate_interest": "to warn"}, "channel": "site", "who": {"did": {"event": "add_to_cart"}}}))
    assert {key: row.legal_basis for key, row in found.items()} == {
        ("consented", "granted"): "email_marketing", ("declared", "granted"): "legitimate interest: to help",
        ("declared", "silent"): "legitimate interest: to help",
        **{("always", name): "legitimate interest: to warn" for name in lake.people}}


def test_nobody_who_denied_the_purpose_of_a_channel_is_addressed_there(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    who = {"who": {"did": {"event": "add_to_cart"}}}
    lake.people, lake.granted = {"granted", "denied", "silent"}, {"granted": True, "denied": False}
    lake.touches = [(name, "add_to_cart", back(1), None) for name in lake.people]
    found = lake.run(rules(letter={**who, "purpose": {"legitimate_interest": "to warn"}}, page={**who, "channel": "site", "purpose": {"legitimate_interest": "to warn"}}))
    assert set(found) == {("letter", "granted"), ("letter", "silent"), *(("page", name) for name in lake.people)}
    assert {row.audience: row.without_basis for row in lake.sizes} == {"letter": 1, "page": 0}


def test_no_promotion_while_a_complaint_is_open_nor_just_after(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    cases: dict[str, tuple[list[tuple[Any, ...]], bool]] = {
        "just complained": ([("ticket_opened", 0, "Claim")], True),
        "14 days ago": ([("ticket_opened", 14, "complaint: late"), ("ticket_closed", 14, "complaint: late")], True),
        "15 days ago and closed": ([("ticket_opened", 15, "complaint"), ("ticket_closed", 15, "complaint")], False),
        "closed 3 days ago": ([("ticket_opened", 40, "complaint"), ("ticket_closed", 3, "complaint")], True),
        "still open": ([("ticket_opened", 40, "complaint")], True),
        "two opened one closed": ([("ticket_opened", 40, "complaint"), ("ticket_opened", 30, "complaint"), ("ticket_closed", 20, "complaint")], True),
        "forgotten": ([("ticket_opened", 91, "complaint")], False),
        "closed something else": ([("ticket_opened", 40, "complaint"), ("ticket_closed", 20, "delivery")], True),
        "a question": ([("ticket_opened", 1, "delivery")], False),
        "another was closed, which is forgotten": (
            [("ticket_opened", 100, "complaint", "A"), ("ticket_closed", 50, "complaint", "A"), ("ticket_opened", 40, "complaint", "B")], True),
        "another was closed, which is forgotten, numbered apart": (
            [("ticket_opened", 100, "complaint"), ("ticket_closed", 50, "complaint"), ("ticket_opened", 40, "complaint")], True),
        "another was closed twice": (
            [("ticket_opened", 60, "complaint", "A"), ("ticket_closed", 55, "complaint", "A"), ("ticket_closed", 20, "complaint", "A"),
             ("ticket_opened", 40, "complaint", "B")], True),
        "another was closed twice, numbered apart": (
            [("ticket_opened", 60, "complaint"), ("ticket_closed", 55, "complaint"), ("ticket_closed", 50, "complaint"), ("ticket_opened", 40, "complaint")], True),
        "the newer was closed": ([("ticket_opened", 100, "complaint", "A"), ("ticket_opened", 40, "complaint", "B"), ("ticket_closed", 30, "complaint", "B")], False),
        "closed under another heading": ([("ticket_opened", 40, "complaint", "A"), ("ticket_closed", 20, "delivery", "A")], False),
        "no reason": ([("ticket_opened", 1, "")], False),
        "tomorrow": ([("ticket_opened", -1, "complaint")], False)}
    lake.people = set(cases)
    lake.granted = dict.fromkeys(cases, True)
    lake.touches = [(name, "add_to_cart", back(1), None) for name in cases]
    lake.touches += [(name, event, back(age), reason or None, *number) for name, (tickets, _) in cases.items() for event, age, reason, *number in tickets]
    content = {"who": {"did": {"event": "add_to_cart"}}}
    settings = rules(offer={**content, "is_promotion": True}, advice={**content, "is_promotion": False})
    found = lake.run(settings)
    assert {name for name in cases if ("offer", name) not in found} == {name for name, (_, silent) in cases.items() if silent}
    assert {key[1] for key in found if key[0] == "advice"} == set(cases)
    assert next(row.suppressed for row in lake.sizes if row.audience == "offer") == sum(silent for _, silent in cases.values())
    listed = conform(list_suppressions(**lake.inputs(), settings=settings, as_of=DAY), SUPPRESSIONS).where("channel = 'email'").collect()
    assert {row.person_id for row in listed} == {name for name, (_, silent) in cases.items() if silent}


def test_promotions_wait_when_the_cap_is_reached_over_all_channels(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    lake.people = {"below", "at cap", "long ago"}
    lake.granted = dict.fromkeys(lake.people, True)
    lake.touches = [(name, "add_to_cart", back(1), None) for name in lake.people]
    lake.touches += [("below", "email_sent", back(1), None), ("below", "email_click", back(1), None)]
    lake.touches += [("at cap", "email_sent", back(1), None), ("at cap", "call_out", back(6), None)]
    lake.touches += [("long ago", "email_sent", back(7), None), ("long ago", "sms_sent", back(7), None)]
    found = lake.run(rules(offer={"is_promotion": True, "who": {"did": {"event": "add_to_cart"}}}, _pressure_cap=2, _pressure_days=7))
    assert {key[1] for key in found} == {"below", "long ago"}


def test_a_suppression_list_names_the_strongest_reason_per_channel(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    lake.people = {"free", "denied", "silent", "stopped", "angry", "pressed"}
    lake.granted = {"free": True, "denied": False, "stopped": True, "angry": True, "pressed": True}
    lake.touches = [("stopped", "email_unsubscribe", back(2), None), ("denied", "email_spam", back(2), None)]
    lake.touches += [("angry", "ticket_opened", back(2), "claim")]
    lake.touches += [("pressed", "sms_sent", back(2), None)] * 4
    found = list_suppressions(**lake.inputs(), settings=rules(), as_of=DAY).collect()
    assert {row.person_id: row.reason for row in found if row.channel == "email"} == {
        "denied": "denied email_marketing", "silent": "no granted email_marketing", "stopped": "said no on email",
        "angry": "a complaint is open, or was within 14 days", "pressed": "4 contacts or more in 14 days"}
    assert {row.person_id for row in found if row.channel == "ads"} == lake.people  # nobody granted advertising
    assert {row.person_id for row in found if row.channel == "call_centre"} == {"angry", "pressed"}


def test_the_holdout_is_near_its_share_stable_and_drawn_per_audience(spark: Any, lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    from pyspark.sql import functions as F

    people = spark.range(20_000).select(F.sha2(F.col("id").cast("string"), 256).alias("person_id"))
    held = people.select(*[
        is_held_out(F.col("person_id"), F.lit(audience), F.lit(share)).alias(name)
        for name, audience, share in (("a", "a", 0.1), ("more", "a", 0.2), ("b", "b", 0.1), ("none", "a", 0.0), ("all", "a", 1.0))]).collect()
    counts = {name: sum(row[name] for row in held) for name in ("a", "more", "b", "none", "all")}
    assert (counts["none"], counts["all"]) == (0, 20_000)
    assert abs(counts["a"] - 2000) < 4 * (20_000 * 0.1 * 0.9) ** 0.5
    assert abs(sum(row.a and row.b for row in held) - 200) < 4 * (20_000 * 0.01 * 0.99) ** 0.5
    assert all(row.more for row in held if row.a)

    lake.people = {f"p{n}" for n in range(60)}
    lake.granted = dict.fromkeys(lake.people, True)
    lake.touches = [(name, "add_to_cart", back(1), None) for name in lake.people]
    settings = rules(carts={"holdout_share": 0.3, "who": {"did": {"event": "add_to_cart"}}})
    first = {key[1] for key, row in lake.run(settings).items() if row.is_holdout}
    assert 0 < len(first) < 60
    assert next(row.holdout for row in lake.sizes) == len(first)
    assert {key[1] for key, row in lake.run(settings, DAY + dt.timedelta(days=1)).items() if row.is_holdout} == first


def test_sizes_say_which_list_keeps_its_members_away(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    lake.people, lake.granted = {"ann"}, {"ann": True}
    lake.touches = [("ann", "add_to_cart", back(1), None)]
    who = {"who": {"did": {"event": "add_to_cart"}}}
    lake.run(rules(shown=who, hidden={**who, "is_exclusion": True}))
    assert {(row.audience, row.is_exclusion, row.members) for row in lake.sizes} == {("shown", False, 1), ("hidden", True, 1)}
    lake.is_old = True
    lake.run(rules(shown=who), DAY + dt.timedelta(days=1))
    assert {(row.audience, row.is_exclusion, row.left) for row in lake.sizes if row.counted_on != DAY} == {("shown", False, 0), ("hidden", False, 1)}


def test_a_preview_counts_without_members_of_before(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    lake.people, lake.granted = {"ann", "bob"}, {"ann": True}
    lake.touches = [("ann", "add_to_cart", back(1), None), ("bob", "add_to_cart", back(1), None)]
    prepared = weigh_persons(
        **lake.inputs(), conversions=lake.rows(CONVERSIONS), lifecycle=lake.rows(LIFECYCLE), scores=lake.rows(SCORES),
        previous_audience_members=lake.rows(AUDIENCE_MEMBERS), settings=rules(carts=CARTS), as_of=DAY)
    assert [tuple(row) for row in preview_sizes(prepared).collect()] == [("carts", 2, 1, 0, 1)]


def test_the_shipped_audiences_find_whom_they_describe(lake: Lake, rules: Callable[..., AudienceSettings]) -> None:
    settings = rules()
    people = {
        "sleeper": [("email_sent", 300), ("email_sent", 20)], "clicker": [("email_sent", 300), ("email_sent", 100), ("email_click", 90)],
        "old visitor": [("email_sent", 181), ("email_sent", 100), ("page_view", 181)], "joined yesterday": [("email_sent", 0)],
        "mailed no more": [("email_sent", 300)],
        **{f"{event} only": [("email_sent", 300), ("email_sent", 20), (event, 30)] for event in ("sign_up", "search", "begin_checkout", "form_submit", "call_in")}, "cart": [("add_to_cart", 1)], "cart bought": [("add_to_cart", 2), ("purchase", 1)],
        "browser": [("product_view", 1), ("product_view", 2), ("product_view", 3), ("product_view", 4)], "stuck": [("payment_error", 1)]}
    lake.people = {*people, "vip"}
    lake.touches = [(name, event, back(age), None) for name, touches in people.items() for event, age in touches]
    lake.touches += [("vip", "product_view", back(n), None) for n in (20, 21)]
    consents = [{"person_id": name, "purpose": purpose, "granted": True} for name in lake.people for purpose in ("email_marketing", "advertising")]
    prepared = weigh_persons(
        **{**lake.inputs(), "person_consents": lake.rows(PERSON_CONSENTS, *consents)},
        conversions=lake.rows(CONVERSIONS, {"order_id": "1", "person_id": "vip", "converted_at": back(40), "revenue_amount": Decimal(600)},
                              {"order_id": "2", "person_id": "cart bought", "converted_at": back(1), "revenue_amount": Decimal(20)}),
        lifecycle=lake.rows(LIFECYCLE, {"person_id": "vip", "state": "active"}), scores=lake.rows(
            SCORES, {"person_id": "vip", "model": "purchase_30d", "decile": 2, "score": 0.4}),
        previous_audience_members=lake.rows(AUDIENCE_MEMBERS), settings=settings, as_of=DAY)
    found = {(row.audience, row.person_id) for row in prepared.where("verdict = 'member'").collect()}
    assert found == {
        ("inactive_email", "sleeper"), ("inactive_email", "old visitor"), ("vip_cross_sell", "vip"), ("customers_off_acquisition", "vip"),
        ("abandoned_cart", "cart"), ("browsing_interest", "browser"), ("call_centre_priority", "stuck"), ("post_purchase", "cart bought")}
