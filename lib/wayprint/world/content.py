"""The advice site as GA4's BigQuery export: JSON lines with nested parameters, one file a day. Whole numbers are quoted, as
BigQuery writes them."""

from __future__ import annotations

import numpy as np

from wayprint.world import hours
from wayprint.world.chance import stream
from wayprint.world.files import Deliveries
from wayprint.world.planted import Notes, spoil_json
from wayprint.world.scene import Scene
from wayprint.world.visits import numbered

HOST = "conseils.oree.example"
PAGES = ("choisir-son-canape", "cuisine-ouverte", "eclairer-une-piece", "jardin-d-ete", "bien-dormir", "petits-espaces",
    "textiles-d-hiver")
SOURCES = (("google", "organic"), ("bing", "organic"), ("(direct)", "(none)"), ("pinterest.fr", "referral"))

EVENT = (
    '{"event_date":"%s","event_timestamp":"%d","event_name":"%s","event_params":[%s],%s"user_pseudo_id":"%s",'
    '"device":{"category":"%s","web_info":{"browser":"Chrome","hostname":"' + HOST + '"}},"geo":{"country":"France"},'
    '"collected_traffic_source":{"manual_source":"%s","manual_medium":"%s"},"stream_id":"7700112233","platform":"WEB","items":[]}')


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng = stream(scene.seed, "content")
    visits = scene.traffic.visits
    actions = scene.actions[scene.of_platform("content")].reset_index(drop=True)
    visit = actions["visit"].to_numpy()
    person, device = visits["person"].to_numpy()[visit], visits["device"].to_numpy()[visit]
    details = scene.population.devices.iloc[device]
    user = np.where(actions["named"], scene.population.of("login", person), "")
    notes.show("ga_client", person, details["ga_client"].to_numpy())
    notes.show("login", person, user)
    notes.tie(person, ga_client=details["ga_client"].to_numpy(), login=user)
    came = rng.choice(len(SOURCES), len(visits), p=(0.55, 0.1, 0.25, 0.1))[visit]
    number = numbered(visit, device)
    page = rng.integers(0, len(PAGES), len(actions))
    t, start = actions["t"].to_numpy(), visits["t"].to_numpy()[visit] // 1000
    params = [
        _text("page_location", f"https://{HOST}/{PAGES[p]}") + ","
        + _text("page_title", PAGES[p].replace("-", " ")) + "," + _whole("ga_session_id", session) + ","
        + _whole("ga_session_number", n)
        + ("," + _text("item_id", scene.goods.product_id[product]) if product >= 0 else "")
        + ("," + _text("page_referrer", "https://www.google.com/") if source == 0 and step == 0 else "")
        for p, session, n, product, source,
        step in zip(page.tolist(), start.tolist(), number.tolist(), actions["product"].tolist(), came.tolist(),
        actions["step"].tolist(), strict=True)]
    rows = zip([text[:10].replace("-", "") for text in hours.iso(t)], (t * 1000).tolist(), actions["verb"], params,
        [f'"user_id":"{u}",' if u else "" for u in user], details["ga_client"],
               ["mobile" if kind == "phone" else kind for kind in details["kind"]], [SOURCES[s][0] for s in came],
                   [SOURCES[s][1] for s in came], strict=True)
    lines = [EVENT % row for row in rows]
    bad = spoil_json(rng, lines, "user_pseudo_id", "event_timestamp")
    to.deliver("ga4_content/{}.jsonl.gz", lines, scene.day_of(t), scene.dates, bad=bad)


def _text(key: str, value: str) -> str:
    return f'{{"key":"{key}","value":{{"string_value":"{value}"}}}}'


def _whole(key: str, value: int) -> str:
    return f'{{"key":"{key}","value":{{"int_value":"{value}"}}}}'
