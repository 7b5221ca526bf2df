"""The mobile app as Segment's JSON lines: track, screen and identify calls, one file a day of arrival."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.chance import happens, objects, stream, uuids
from wayprint.world.files import Deliveries
from wayprint.world.offer import CONNECTED
from wayprint.world.planted import NULL, Notes, spoil_json
from wayprint.world.rows import stacked
from wayprint.world.scene import Scene

# verb: (type, event or screen name)
CALLS = {
    "page_view": ("screen", "Home"), "search": ("track", "Products Searched"), "product_view": ("track", "Product Viewed"),
    "add_to_cart": ("track", "Product Added"),
    "remove_from_cart": ("track", "Product Removed"), "begin_checkout": ("track", "Checkout Started"),
    "login": ("track", "Signed In"), "purchase": ("track", "Order Completed"),
    "payment_error": ("track", "Payment Failed"), "share": ("track", "Product Shared"), "usage": ("track", "Product Used"),
    "identify": ("identify", "")}

CALL = (
    '{"type":"%s",%s"messageId":"%s","anonymousId":"%s",%s"timestamp":"%s","originalTimestamp":"%s","sentAt":"%s","receivedAt":"%s",'
    '"context":{"app":{"name":"Orée","version":"4.2.1"},%s'
    '"device":{"id":"%s","advertisingId":"%s","type":"%s"},"ip":"%s","locale":"fr-FR","timezone":"Europe/Paris","userAgent":"%s"},%s}')


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng = stream(scene.seed, "app")
    calls = _calls(scene)
    size = len(calls)
    person, device = calls["person"].to_numpy(), calls["device"].to_numpy()
    details = scene.population.devices.iloc[device]
    calls["message"] = uuids(rng, size)
    calls["user"] = np.where(calls["named"], scene.population.of("login", person), "")
    stray = np.flatnonzero((calls["user"] == "").to_numpy() & happens(rng, 0.004, size))
    notes.show("login", person, calls["user"])
    notes.tie(person, app_device=details["app_id"].to_numpy(), maid=details["maid"].to_numpy(), login=calls["user"])
    bought = (calls["verb"] == "purchase").to_numpy()
    number = scene.traffic.orders["order_id"].to_numpy()[calls["order"].to_numpy()[bought]]
    notes.tie(person[bought], app_device=details["app_id"].to_numpy()[bought], order=number)
    calls.loc[stray, "user"] = NULL
    notes.show("login", person[stray], calls["user"].to_numpy()[stray])
    notes.show("app_device", person, details["app_id"].to_numpy())
    notes.show("maid", person, details["maid"].to_numpy())
    identified = (calls["verb"] == "identify").to_numpy()
    notes.show("email", person[identified], scene.population.of("email_1", person[identified]))
    notes.tie(person[identified], app_device=details["app_id"].to_numpy()[identified], email=scene.population.of("email_1", person[identified]))
    lines = _lines(calls, details, scene, rng)
    day = scene.day_of(calls["t"].to_numpy())
    again = np.sort(rng.choice(size, min(size, max(2, size // 300)), replace=False)) if size else np.zeros(0, np.int64)
    notes.plant("exact_duplicate", calls["message"].to_numpy()[again], "repetition", "segment_app")
    lines += [lines[i] for i in again]
    bad = spoil_json(rng, lines, "messageId", "timestamp")
    to.deliver("segment_app/{}.jsonl.gz", lines, np.concatenate([day, day[again] + again % 2]), scene.dates, bad=bad)


def _calls(scene: Scene) -> pd.DataFrame:
    """Actions in the app, an identify call after each login, and what connected products report through it."""
    visits, usages = scene.traffic.visits, scene.care.usages
    actions = scene.actions[scene.of_platform("app")]
    visit = actions["visit"].to_numpy()
    calls = actions[["verb", "t", "product", "term", "order", "named"]].assign(person=visits["person"].to_numpy()[visit],
        device=visits["device"].to_numpy()[visit], campaign=visits["campaign"].to_numpy()[visit], address=scene.networks.visits[visit])
    named = calls[calls["verb"] == "login"].assign(verb="identify", t=lambda c: c["t"] + 400)
    used = usages.assign(verb="usage", product=scene.goods.product_id.tolist().index("P10000") + CONNECTED * 20, term="",
        order=-1, named=True, campaign=-1, device=scene.population.of("app_device", usages["person"].to_numpy()), address=scene.networks.usages)
    used["named"] = used["t"].to_numpy() >= scene.traffic.account_from[used["person"].to_numpy()]
    return stacked([calls, named, used]).sort_values(["t", "person"], kind="stable", ignore_index=True)


def _lines(calls: pd.DataFrame, details: pd.DataFrame, scene: Scene, rng: np.random.Generator) -> list[str]:
    when = hours.iso(calls["t"].to_numpy())
    sent = hours.iso(calls["t"].to_numpy() + rng.integers(200, 9_000, len(calls)))
    received = hours.iso(calls["t"].to_numpy() + rng.integers(9_100, 12_000, len(calls)))
    kinds = [CALLS[v] for v in calls["verb"]]
    bodies = _bodies(calls, scene)
    system = ["ios" if "iPhone" in agent else "android" for agent in details["agent"]]
    campaign = ['"campaign":{"source":"push","medium":"push","name":"app-relance"},' if number % 40 == 0 else ""
        for number in range(len(calls))]
    users = [f'"userId":"{user}",' if user else "" for user in calls["user"]]
    rows = zip([k[0] for k in kinds], [_named(*k) for k in kinds], calls["message"], details["app_id"], users, when, when, sent,
        received, campaign, details["app_id"], details["maid"], system,
               calls["address"], details["agent"], bodies, strict=True)
    return [CALL % row for row in rows]


def _named(kind: str, name: str) -> str:
    return "" if kind == "identify" else f'"name":"{name}",' if kind == "screen" else f'"event":"{name}",'


def _bodies(calls: pd.DataFrame, scene: Scene) -> list[str]:
    """`"properties":{...}` or `"traits":{...}`."""
    goods, orders, items = scene.goods, scene.traffic.orders, scene.traffic.items
    about = objects([f'"product_id":"{p}","name":"{n}","category":"{f}","price":{c:.2f}' for p, n, f,
        c in zip(goods.product_id, goods.name, goods.family_name, goods.price, strict=True)])
    verb, product, order = calls["verb"].to_numpy(), calls["product"].to_numpy(), calls["order"].to_numpy()
    bodies = np.where(product >= 0, '"properties":{' + about[product] + ',"currency":"EUR"}', '"properties":{}').astype(object)
    search, failed, identify, bought = (np.flatnonzero(verb == name)
        for name in ("search", "payment_error", "identify", "purchase"))
    bodies[search] = [f'"properties":{{"query":"{t}"}}' for t in calls["term"].to_numpy()[search]]
    bodies[failed] = '"properties":{"reason":"CARD_DECLINED"}'
    person = calls["person"].to_numpy()[identify]
    emails, languages = scene.population.of("email_1", person), scene.population.of("language", person)
    bodies[identify] = [f'"traits":{{"email":"{e}","language":"{g}"}}' for e, g in zip(emails, languages, strict=True)]
    bounds = np.searchsorted(items["order"].to_numpy(), np.arange(len(orders) + 1))
    ids, amounts = orders["order_id"].to_numpy(), orders["amount_cents"].to_numpy()
    for row in bought:
        o = order[row]
        lines = items.iloc[bounds[o] : bounds[o + 1]]
        products = ",".join(f'{{{about[p]},"quantity":{q}}}' for p, q in zip(lines["product"], lines["quantity"], strict=True))
        paid = f"{amounts[o] / 100:.2f}"
        bodies[row] = f'"properties":{{"orderId":"{ids[o]}","revenue":{paid},"total":{paid},"currency":"EUR","products":[{products}]}}'
    return list(bodies)
