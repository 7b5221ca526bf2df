"""One order is one conversion, whoever reported it and in whatever order the reports came."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from wayprint.contracts import conform
from wayprint.journeys.conversions import order_conversions
from wayprint.tables.journeys import CONVERSIONS, TOUCHES

pytestmark = pytest.mark.spark


def bought(order, source, amount, when, key, **more):
    return {
        "event_key": key, "order_id": order, "source": source, "event_name": "purchase", "happened_at": when, "channel": "Direct", "platform": "web",
        "is_digital": True, "amount": None if amount is None else Decimal(amount), "currency": "EUR", "is_conversion": True, **more}


def test_an_order_seen_by_tracker_and_shop_counts_once_with_the_shops_amount_and_the_trackers_channel(rows, at, knobs, short_hash):
    touches = rows(
        TOUCHES,
        bought("o1", "a_tracker", "99.00", at("10:00:00"), "k1", device_id="cookie", channel="Paid Search", device_type="mobile",
               person_id="cookie's"),
        bought("o1", "shop", "60.00", at("10:00:02"), "k2", person_id="ann", families=["sofas"]),
        bought("o1", "shop", "40.00", at("10:00:02"), "k3", person_id="ann", families=["beds", "sofas"]),
        bought("o1", "shop", "-25.50", at("9 10:00"), "k4", event_name="refund", is_conversion=False))
    (order,) = conform(order_conversions(touches, knobs), CONVERSIONS).collect()
    assert order.asDict() == {
        "order_id": "o1", "conversion_id": short_hash("o1"), "person_id": "ann", "converted_at": at("10:00:00"), "channel": "Paid Search",
        "is_digital": True, "sale_place": "web", "store_id": None, "device_type": "mobile", "families": ["beds", "sofas"],
        "gross_amount": Decimal("100.00"), "refund_amount": Decimal("25.50"), "revenue_amount": Decimal("74.50"), "currency": "EUR",
        "sources": ["a_tracker", "shop"]}


def test_a_listed_source_outranks_all_others(rows, at, with_policy):
    touches = rows(TOUCHES, bought("o1", "shop", "10", at("10:00"), "k1"), bought("o1", "tracker", "11", at("10:00"), "k2", device_id="c"))
    assert [o.gross_amount for o in order_conversions(touches, with_policy("ga4", order_sources=["tracker"])).collect()] == [Decimal("11.00")]


def test_a_refund_alone_is_no_conversion_and_a_null_amount_is_zero(rows, at, knobs):
    touches = rows(
        TOUCHES,
        bought("returned", "shop", "-5", at("10:00"), "k1", event_name="refund"),
        bought("free", "shop", None, at("10:00"), "k2"),
        bought(None, "shop", "7", at("10:00"), "k3"))
    assert [(o.order_id, o.gross_amount, o.revenue_amount) for o in order_conversions(touches, knobs).collect()] == [("free", 0, 0)]


def test_a_thank_you_page_loaded_twice_is_one_sale_and_the_lines_of_a_shops_order_are_summed(rows, at, knobs):
    touches = rows(
        TOUCHES,
        *[bought("seen twice", "tracker", amount, at(when), when, device_id="cookie") for amount, when in [("70", "10:00"), (None, "10:05"), ("70", "10:06")]],
        *[bought("of two lines", "shop", "35", at("10:00"), key) for key in ("k1", "k2")])
    assert {o.order_id: o.gross_amount for o in order_conversions(touches, knobs).collect()} == {"seen twice": 70, "of two lines": 70}


def test_a_sale_in_a_shop_stays_the_shops(rows, at, knobs):
    touches = rows(
        TOUCHES, bought("o1", "till", "10", at("10:00"), "k1", channel="Store", platform="store", is_digital=False, store_id="s9"),
        bought("o2", "phone", "10", at("10:00"), "k2", channel="Call centre", platform="call_centre", is_digital=False),
        bought("o3", "kiosk", "10", at("10:00"), "k3", channel="Kiosk", platform="kiosk"))
    came = sorted(order_conversions(touches, knobs).collect())
    assert [(o.channel, o.is_digital, o.sale_place, o.store_id) for o in came] == [
        ("Store", False, "store", "s9"), ("Call centre", False, "call_centre", None), ("Kiosk", True, "store", None)]


def test_200_orders_are_those_of_a_plain_loop_whole_or_in_part_in_any_row_order(rows, at, knobs):
    chance = random.Random(5)
    told = []
    for order in range(200):
        for number in range(chance.randrange(1, 7)):
            name = chance.choice(["purchase", "purchase", "refund"])
            source = chance.choice(["shop", "till", "ga", "snow"])
            told.append({
                "event_key": f"{chance.random():.12f}-{number}", "order_id": f"o{order}", "event_name": name, "source": source,
                "device_id": f"d{order}" if source in ("ga", "snow") else None, "happened_at": at(f"10:0{chance.randrange(3)}"),
                "amount": Decimal(chance.randrange(1, 9999)) / 100 * (-1 if name == "refund" else 1),
                "person_id": chance.choice([None, "ann", "bob"]), "is_digital": True, "platform": "web"})
    expected = {}
    for order in {t["order_id"] for t in told}:
        mine = [t for t in told if t["order_id"] == order]
        purchases = sorted(
            (t for t in mine if t["event_name"] == "purchase"),
            key=lambda t: (t["device_id"] is not None, t["source"], t["happened_at"], t["event_key"]))
        refunds = sorted((t for t in mine if t["event_name"] == "refund"), key=lambda t: (t["device_id"] is not None, t["source"]))
        if purchases:
            told_by = [t for t in purchases if t["source"] == purchases[0]["source"]]
            gross = (max if told_by[0]["device_id"] else sum)(t["amount"] for t in told_by)
            back = -sum(t["amount"] for t in refunds if t["source"] == refunds[0]["source"]) if refunds else Decimal(0)
            buyer = next((t["person_id"] for t in purchases if t["person_id"]), None)
            expected[order] = (gross, back, gross - back, buyer, min(t["happened_at"] for t in purchases), sorted({t["source"] for t in mine}))
    chance.shuffle(told)
    touches = rows(TOUCHES, *told).repartition(5)
    came = order_conversions(touches, knobs).collect()
    assert {o.order_id: (o.gross_amount, o.refund_amount, o.revenue_amount, o.person_id, o.converted_at, o.sources) for o in came} == expected
    asked = [f"o{n}" for n in range(0, 200, 9)]
    part = order_conversions(touches.where(touches.order_id.isin(*asked)), knobs).collect()
    assert sorted(part) == sorted(o for o in came if o.order_id in asked)
