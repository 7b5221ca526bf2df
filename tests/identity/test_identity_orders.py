"""Orders that two systems told of: what ties the shop's customer to the tracker's browser, and what does not."""

from __future__ import annotations

import datetime as dt
import random
from itertools import groupby
from typing import Any

import pytest
from households import ident
from pyspark.sql import functions as F

from wayprint.identity.observations import observe
from wayprint.identity.orders import stitch_orders
from wayprint.tables.events import CONTACTS, EVENTS

pytestmark = pytest.mark.spark
NOON = dt.datetime(2026, 3, 1, 12)
FLAW = "flaw"  # a name that starts so is one whose text names nobody

# case: (records "source identifiers [@hours after noon] [platform] [event]", pairs that it ties, the strongest first)
CASES: dict[str, tuple[list[str], list[str]]] = {
    "shop and tracker": (["shop email:a,shop_customer:1", "web web_cookie:w"], ["email:a web_cookie:w"]),
    "three systems": (["shop email:a", "web web_cookie:w", "ga ga_client:g"], ["email:a web_cookie:w", "email:a ga_client:g"]),
    "two trackers": (["web web_cookie:w", "ga ga_client:g"], ["web_cookie:w ga_client:g"]),
    "the tracker knows the account": (["shop shop_customer:1", "web login:L,web_cookie:w"], ["login:L shop_customer:1"]),
    "both know it": (["shop login:L,shop_customer:1", "web login:L,web_cookie:w"], []),
    "one system": (["shop email:a,shop_customer:1"], []),
    "within a day": (["shop email:a", "web web_cookie:w @24"], ["email:a web_cookie:w"]),
    "a day later": (["shop email:a", "web web_cookie:w @24.001"], []),
    "the number again next year, by another": (["shop email:a", "web web_cookie:w @1", "shop email:b @9000"], []),
    "told of again next year": (["shop email:a", "web web_cookie:w @1", "web web_cookie:w @9000"], ["email:a web_cookie:w"]),
    "two customers": (["shop email:a", "shop email:b", "web web_cookie:w"], []),
    "two browsers": (["shop email:a", "web web_cookie:w", "web web_cookie:v"], []),
    "told of twice": (["shop email:a", "web web_cookie:w", "web web_cookie:w @2"], ["email:a web_cookie:w"]),
    "a kiosk": (["shop email:a", "web web_cookie:w @0 kiosk"], []),
    "an app": (["shop email:a", "app app_device:d @0 app"], ["email:a app_device:d"]),
    "a refund": (["shop email:a", "web web_cookie:w @0 web refund"], []),
    "a flawed address does not lead": (["shop email:flaw1", "web web_cookie:w"], ["web_cookie:w email:flaw1"]),
    "a type that conf does not know comes last": (["shop fax:f", "web web_cookie:w"], ["web_cookie:w fax:f"]),
}


@pytest.fixture
def bought(rows: Any) -> Any:
    """Events from {case: records}; the case is the number of the order."""

    def build(cases: dict[str, list[str]]) -> Any:
        made = []
        for case, records in cases.items():
            for record in records:
                source, names, *more = record.split()
                after, platform, event = [*more, *("@0", "web", "purchase")[len(more):]]
                known = [(name.split(":")[0], ident(f"{case}/{name}")) for name in names.split(",")]
                flaws = [(id, "shape") for (_, id), name in zip(known, names.split(","), strict=True) if name.split(":")[1].startswith(FLAW)]
                made.append({
                    "event_name": event, "order_id": case, "source": source, "platform": platform, "happened_at": NOON + dt.timedelta(hours=float(after[1:])),
                    "identifiers": sorted(known), "identifier_id": known[0][1], "flaws": flaws or None})
        return rows(EVENTS, *made)

    return build


def test_each_case_ties_what_it_should(bought, knobs):
    found = {(r["order_id"], r["identifier_id"], *(one["id"] for one in r["identifiers"] if one["id"] != r["identifier_id"]))
             for r in stitch_orders(bought({case: records for case, (records, _) in CASES.items()}), knobs).collect()}
    assert found == {(case, *(ident(f"{case}/{name}") for name in pair.split())) for case, (_, pairs) in CASES.items() for pair in pairs}


def test_an_order_is_an_observation_of_its_own(bought, rows, knobs):
    events = bought({"o": ["shop email:flaw1", "web web_cookie:w @3"]})
    [seen] = observe(events, rows(CONTACTS), stitch_orders(events, knobs), knobs).where("sync_point = 'same_order'").collect()
    assert (seen["identifier_id"], seen["identifier_type"], seen["identifier_flaw"]) == (ident("o/web_cookie:w"), "web_cookie", None)
    assert (seen["other_id"], seen["other_type"], seen["other_flaw"]) == (ident("o/email:flaw1"), "email", "shape")
    assert (seen["source"], seen["first_seen_at"], seen["sightings"]) == ("shop", NOON, 1)


@pytest.mark.parametrize("number", ["(not set)", "NULL ", "-", None])
def test_no_number_ties_nothing(bought, knobs, number):
    events = bought({"o": CASES["shop and tracker"][0]}).withColumn("order_id", F.lit(number).cast("string"))
    assert stitch_orders(events, knobs).collect() == []


def test_switched_off_it_ties_nothing(bought, knobs):
    assert stitch_orders(bought({"o": CASES["shop and tracker"][0]}), knobs.model_copy(update={"order_stitch_hours": None})).collect() == []


def test_many_orders_as_a_loop_over_them_says(bought, knobs):
    """500 random orders side by side, against the rule written as a loop."""
    rng, priority = random.Random(5), {name: kind.priority for name, kind in knobs.types.items()}
    kinds = ["login", "email", "shop_customer", "web_cookie", "ga_client"]
    cases: dict[str, list[str]] = {}
    for number in range(500):
        named = [",".join(f"{kind}:{rng.choice('aaab')}" for kind in kinds if rng.random() < 0.4) or "web_cookie:a" for _ in range(rng.randint(1, 4))]
        cases[f"o{number}"] = [f"{rng.choice('st')} {names} @{rng.choice((0, 0, 1, 23, 24, 25, 48))}" for names in named]
    expected = set()
    for case, records in cases.items():
        told = [(float(r.split("@")[1]), r.split()[1].split(",")) for r in records]
        near = [names for hours, names in told if hours <= min(h for h, _ in told) + knobs.order_stitch_hours]
        every = sorted({name for _, names in told for name in names})
        if all(len(list(same)) == 1 for _, same in groupby(every, lambda name: name.split(":")[0])):
            ends = sorted({names[0] for names in near}, key=lambda name: priority[name.split(":")[0]])
            expected |= {(case, ident(f"{case}/{ends[0]}"), ident(f"{case}/{end}")) for end in ends[1:]}
    found = {(r["order_id"], r["identifier_id"], *(one["id"] for one in r["identifiers"] if one["id"] != r["identifier_id"]))
             for r in stitch_orders(bought(cases), knobs).collect()}
    assert found == expected
    assert len(expected) > 50
