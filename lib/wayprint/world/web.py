"""The web shop as Snowplow's enriched events: 131 tab-separated fields, no header, one file a day of arrival."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

import numpy as np
import pandas as pd

from wayprint.world import hours, snowplow
from wayprint.world.behaviour import ORGANIC, ORGANIC_SOCIAL, REFERRAL
from wayprint.world.campaigns import ADS, EMAIL
from wayprint.world.chance import Array, choose, happens, hexes, objects, stream, uuids
from wayprint.world.files import Deliveries, euros
from wayprint.world.offer import FAMILIES
from wayprint.world.people import PHONE_AGENTS
from wayprint.world.planted import CRAWLER, EMPTY_MD5, EMPTY_SHA256, NULL, Layout, Notes, crawlers, spoil
from wayprint.world.rows import stacked
from wayprint.world.scene import Scene
from wayprint.world.visits import numbered

REFERRERS = {
    ORGANIC: (("https://www.google.com/", "search", "Google"), ("https://www.bing.com/", "search", "Bing"),
        ("https://www.qwant.com/", "search", "Qwant"), ("https://www.ecosia.org/search", "search", "Ecosia")),
    ORGANIC_SOCIAL: (("https://www.facebook.com/", "social", "Facebook"), ("https://www.instagram.com/", "social", "Instagram"),
        ("https://www.pinterest.fr/", "social", "Pinterest")),
    REFERRAL: (("https://www.blog-deco.example/salon", "unknown", ""),
    ("https://www.forum-maison.example/cuisine", "unknown", ""))}


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng = stream(scene.seed, "web")
    hits = _hits(scene, notes, rng)
    hits = stacked([hits, _robots(scene, notes, rng, list(hits.columns))])
    _clock(hits, scene.end, rng)
    hits = _repeat(hits, notes, rng)
    hits["arrives"] = scene.day_of(hits["collected"].to_numpy()) + hits["copy"].to_numpy()
    hits = hits.iloc[np.lexsort((hits["t"], hits["arrives"]))].reset_index(drop=True)
    lines = snowplow.lines(hits)
    layout = Layout("\t", snowplow.FIELDS.index("event_id"), snowplow.FIELDS.index("collector_tstamp"),
        snowplow.FIELDS.index("tr_total"))
    to.deliver("snowplow_web/{}.tsv.gz", lines, hits["arrives"].to_numpy(), scene.dates, bad=spoil(rng, lines, layout))


def _hits(scene: Scene, notes: Notes, rng: np.random.Generator) -> pd.DataFrame:
    """Every action on the site, with one more line for each item bought, its texts written out."""
    visits, people, goods = scene.traffic.visits, scene.population, scene.goods
    actions = scene.actions[scene.of_platform("web")]
    lines = _item_rows(actions, scene)
    actions = stacked([actions.assign(line=-1), lines])
    visit, verb = actions["visit"].to_numpy(), actions["verb"].to_numpy()
    person, device = visits["person"].to_numpy()[visit], visits["device"].to_numpy()[visit]
    landing = (actions["step"] == 0).to_numpy()
    product = actions["product"].to_numpy()
    details = scene.population.devices.iloc[device]
    cleared = visits["day"].to_numpy()[visit] >= details["clears_on"].to_numpy()
    parts = ("event", "vendor", "name", "category", "action", "path")
    kinds = {name: objects([v[i] for v in snowplow.VERBS.values()]) for i, name in enumerate(parts)}
    place = pd.Index(list(snowplow.VERBS)).get_indexer(pd.Index(verb))
    hits = pd.DataFrame({name: column[place] for name, column in kinds.items()})
    hits["t"], hits["person"], hits["visit"] = actions["t"].to_numpy(), person, visit
    hits["cookie"] = np.where(cleared, details["next_cookie"], details["cookie"])
    for name, column in (("network", "network_id"), ("shift", "clock_shift_s")):
        hits[name] = details[column].to_numpy()
    hits["address"] = scene.networks.visits[visit]
    hits["session"] = uuids(rng, len(visits))[visit]
    hits["index"] = [str(n) for n in numbered(visit, pd.factorize(hits["cookie"])[0])]
    hits["geo"], hits["browser"] = snowplow.places(scene.population)[device], snowplow.browsers(scene.population)[device]
    hits["user_id"] = np.where(actions["named"], people.of("login", person), "")
    _addresses(hits, actions, scene, landing, notes, rng)
    _describe(hits, actions, scene, rng)
    form = np.flatnonzero(verb == "form_submit")
    notes.tie(person[form], web_cookie=hits["cookie"].to_numpy()[form], email=scene.population.of("email_1", person[form]))
    hits["contexts"] = snowplow.contexts(goods, product, uuids(rng, len(hits)), verb == "product_view")
    notes.show("web_cookie", person, hits["cookie"])
    notes.show("login", person, hits["user_id"])
    notes.tie(person, web_cookie=hits["cookie"], login=hits["user_id"])
    notes.tie(person, web_cookie=hits["cookie"], order=hits["order_id"])
    stray = np.flatnonzero(happens(rng, 0.0012, len(hits)) & (hits["user_id"] == "").to_numpy() & (verb == "page_view"))
    hits.loc[stray, "user_id"] = NULL
    notes.show("login", person[stray], hits["user_id"].to_numpy()[stray])
    tablets = (details["kind"] == "tablet").to_numpy() & (hits["user_id"].to_numpy() != "") & (hits["user_id"].to_numpy() != NULL)
    shared = hits[tablets].groupby("cookie")["user_id"].agg(lambda s: sorted(set(s)))
    shared = shared[shared.map(len) >= 2]
    notes.plant("family_tablet", shared.index.to_numpy(), "shared_device", [" ".join(x) for x in shared])
    return hits.drop(columns=["visit", "path"])


def _item_rows(actions: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    bought = actions[actions["verb"] == "purchase"]
    items = scene.traffic.items
    mine = items[items["order"].isin(bought["order"])].copy()
    mine["line"] = mine.index
    return bought.drop(columns="product").merge(mine[["order", "line", "product"]], on="order").assign(verb="item")


def _addresses(hits: pd.DataFrame, actions: pd.DataFrame, scene: Scene, landing: Array, notes: Notes,
    rng: np.random.Generator) -> None:
    """Page, query with campaign, referrer and what the enrichment makes of them."""
    visits, goods, visit = scene.traffic.visits, scene.goods, actions["visit"].to_numpy()
    product, size = actions["product"].to_numpy(), len(hits)
    family = objects([quote(f[0].replace(" ", "-")) for f in FAMILIES])[visits["family"].to_numpy()[visit]]
    slugs = objects([quote(f"/produit/{p}-{n.lower().replace(' ', '-')}", safe="/'") for p,
        n in zip(goods.product_id, goods.name, strict=True)])
    path = hits["path"].to_numpy()
    path = np.where(product >= 0, slugs[product], np.where(path != "", path, "/c/" + family))
    path = np.where(landing & happens(rng, 0.4, size), "/", path)
    hits["path_"] = path
    hits["query"] = [f"q={quote(t)}" if t else "" for t in actions["term"]]
    for name in ("medium", "source", "campaign", "content", "click", "click_network", "referrer", "refr_medium", "refr_source"):
        hits[name] = ""
    rows = np.flatnonzero(landing)
    channel, campaign = visits["channel"].to_numpy()[visit[rows]], visits["campaign"].to_numpy()[visit[rows]]
    clicks = hexes(rng, len(rows), 20)
    junk = happens(rng, 0.02, len(rows))
    for number, ad in enumerate(ADS):
        mine = (campaign == number) & (channel == ad[1])
        parameter, network, referrer, medium, source = {
            "google": ("gclid", "Google", "https://www.google.com/", "search", "Google"),
            "microsoft": ("msclkid", "Microsoft", "https://www.bing.com/", "search", "Bing"),
            "meta": ("fbclid", "Facebook", "https://www.facebook.com/", "social", "Facebook"),
            "linkedin": ("li_fat_id", "LinkedIn", "https://www.linkedin.com/", "social", "LinkedIn"),
            "affiliate": ("awc", "Awin", "https://www.codes-promo.example/", "unknown", "")}[ad[2]]
        if ad[7] == "gdn":
            referrer, medium, source = "https://www.journal-local.example/", "unknown", ""
        which = rows[mine]
        ids = [f"{parameter[:2].upper()}{c}" for c, m in zip(clicks, mine, strict=True) if m]
        fixed = {"medium": ad[8], "source": ad[7], "campaign": ad[0], "click_network": network, "referrer": referrer,
            "refr_medium": medium, "refr_source": source}
        for name, value in fixed.items():
            hits.loc[which, name] = value
        hits.loc[which, "click"] = ids
        hits.loc[which, "query"] = [f"utm_source={ad[7]}&utm_medium={ad[8]}&utm_campaign={ad[0]}&{parameter}={i}" for i in ids]
    mine = channel == EMAIL
    which, slug = rows[mine], scene.plan.emails["slug"].to_numpy()[campaign[mine]]
    person = hits["person"].to_numpy()[which]
    hashes = objects([hashlib.sha256(e.encode()).hexdigest() for e in scene.population.of("email_1", person)])
    wrong = np.where(np.arange(len(which)) % 2 == 0, EMPTY_SHA256, EMPTY_MD5)
    broken = junk[mine] | (np.arange(len(which)) < 4)  # a small world too shows both
    hashes = np.where(broken, wrong, hashes)
    for name, value in {"medium": "email", "source": "klaviyo"}.items():
        hits.loc[which, name] = value
    hits.loc[which, "campaign"] = slug
    hits.loc[which, "query"] = [f"utm_source=klaviyo&utm_medium=email&utm_campaign={s}&eh={h}" for s,
        h in zip(slug, hashes, strict=True)]
    notes.show("email", person[~broken], scene.population.of("email_1", person[~broken]))
    notes.tie(person[~broken], web_cookie=hits["cookie"].to_numpy()[which][~broken], email=scene.population.of("email_1", person[~broken]))
    notes.show("email_md5", person[broken], wrong[broken])
    for number, choices in REFERRERS.items():
        which = rows[channel == number]
        picked = choose(rng, choices, [8, 2, 1, 1][: len(choices)], len(which))
        for place, name in enumerate(("referrer", "refr_medium", "refr_source")):
            hits.loc[which, name] = [p[place] for p in picked]
    hits.loc[~landing, ["referrer", "refr_medium"]] = [f"https://{snowplow.HOST}/", "internal"]


def _describe(hits: pd.DataFrame, actions: pd.DataFrame, scene: Scene, rng: np.random.Generator) -> None:
    """Structured event, transaction and item fields, and the consent given in the banner."""
    goods, verb, product = scene.goods, actions["verb"].to_numpy(), actions["product"].to_numpy()
    priced = np.isin(verb, ["add_to_cart", "remove_from_cart"])
    label = np.where(priced, goods.product_id[product], np.where(verb == "search", actions["term"], ""))
    label = np.where(verb == "payment_error", choose(rng, ("3DS_TIMEOUT", "CARD_DECLINED"), (8, 2), len(hits)), label)
    hits["label"] = np.where(verb == "form_submit", "newsletter", label)
    person = hits["person"].to_numpy()
    forms = np.flatnonzero(verb == "form_submit")
    hits["property"] = np.where(priced, goods.family_name[product], "")
    hits.loc[forms, "property"] = [hashlib.sha256(e.encode()).hexdigest() for e in scene.population.of("email_1", person[forms])]
    hits["value"] = np.where(priced, objects([f"{p:.2f}" for p in goods.price])[product], "")
    orders, items = scene.traffic.orders, scene.traffic.items
    bought, lines = np.flatnonzero(verb == "purchase"), np.flatnonzero(verb == "item")
    for name in ("order_id", "total", "tax", "item_order", "sku", "item_name", "item_category", "item_price", "item_quantity",
        "unstruct"):
        hits[name] = ""
    order = actions["order"].to_numpy()
    if len(bought):
        amount = orders["amount_cents"].to_numpy()[order[bought]]
        hits.loc[bought, "order_id"], hits.loc[bought, "total"] = orders["order_id"].to_numpy()[order[bought]], euros(amount)
        hits.loc[bought, "tax"] = euros(amount - amount * 5 // 6)
        line, sold = actions["line"].to_numpy()[lines], product[lines]
        hits.loc[lines, "item_order"], hits.loc[lines,
            "sku"] = orders["order_id"].to_numpy()[order[lines]], goods.product_id[sold]
        hits.loc[lines, "item_name"], hits.loc[lines, "item_category"] = goods.name[sold], goods.family_name[sold]
        hits.loc[lines, "item_price"] = euros(items["price_cents"].to_numpy()[line])
        hits.loc[lines, "item_quantity"] = [str(q) for q in items["quantity"].to_numpy()[line]]
    asked = np.flatnonzero(verb == "consent")
    analytics, advertising = (scene.population.of(p, person[asked]) == "true" for p in ("analytics", "advertising"))
    hits.loc[asked, "unstruct"] = [snowplow.consent(bool(a), bool(b)) for a, b in zip(analytics, advertising, strict=True)]


def _robots(scene: Scene, notes: Notes, rng: np.random.Generator, columns: list[str]) -> pd.DataFrame:
    hits = crawlers(rng, len(scene.population.persons), scene.days, hours.midnight(scene.start))
    for rule, cookies in hits.groupby("rule")["cookie"].unique().items():
        notes.plant("bot", cookies, str(rule), "robot by its user agent" if rule == "bot_agent"
            else "hundreds of pages in minutes under a browser's user agent")
    goods, size = scene.goods, len(hits)
    seen = rng.integers(0, len(goods.price), size)
    event, vendor, name, *_ = snowplow.VERBS["page_view"]
    agent = np.where(hits["rule"] == "bot_agent", snowplow.browser(CRAWLER, "desktop"),
        snowplow.browser(PHONE_AGENTS[2], "phone"))
    hits = hits.drop(columns=["bot", "rule"])
    return hits.assign(**{name: "" for name in columns if name not in hits.columns}).assign(
        event=event, vendor=vendor, name=name, person=-1, address="66.249.66.1", shift=0, index="1",
            geo="US" + "\t" * (len(snowplow.GEO) - 1), browser=agent,
        path_=[f"/produit/{goods.product_id[p]}" for p in seen],
        contexts=snowplow.contexts(goods, seen, uuids(rng, size), np.ones(size, bool))).reset_index(drop=True)


def _clock(hits: pd.DataFrame, end: int, rng: np.random.Generator) -> None:
    """Adds ids, what the device's clock says, and when the collector and the file get the hit."""
    hits["event_id"], hits["tracker"] = uuids(rng, len(hits)), "sp"
    session, visits = pd.factorize(hits["session"])
    late = happens(rng, 0.006, len(visits))
    delay = np.where(late, np.exp(rng.uniform(0, np.log(90), len(visits))) * hours.DAY, 0).astype(np.int64)
    last = hits["t"].groupby(session).max().to_numpy()
    wait = np.where(hits["person"] < 0, 0, np.where(last + delay + 10_000 < end, delay, 0)[session])
    hits["late_days"] = wait / hours.DAY
    held = wait + rng.integers(60, 900, len(hits))
    hits["created"] = hits["t"] + hits["shift"].astype(np.int64) * 1000
    hits["sent"] = hits["created"] + held
    hits["collected"] = hits["t"] + held + rng.integers(20, 250, len(hits))


def _repeat(hits: pd.DataFrame, notes: Notes, rng: np.random.Generator) -> pd.DataFrame:
    """Exact copies, copies with another payload under the same id, and hits that a second tracker saw too."""
    plain = np.flatnonzero((hits["person"] >= 0) & (hits["event"] == "page_view") & (hits["late_days"] == 0))
    size = len(hits)
    exact = np.sort(rng.choice(size, max(4, size // 250), replace=False))
    other = np.sort(rng.choice(plain, min(len(plain), max(4, size // 1200)), replace=False))
    twice = np.sort(rng.choice(plain, min(len(plain), max(4, size // 120)), replace=False))
    again, changed, second = (hits.iloc[rows].copy() for rows in (exact, other, twice))
    changed["path_"], changed["sent"], changed["collected"] = "/autre-page", changed["sent"] + 5_000, changed["collected"] + 5_000
    second["event_id"], second["tracker"] = uuids(rng, len(second)), "sp2"
    lag = rng.integers(150, 1_900, len(second))
    for name in ("t", "created", "sent", "collected"):
        second[name] += lag
    notes.plant("exact_duplicate", again["event_id"].to_numpy(), "repetition", "snowplow_web")
    notes.plant("other_payload", changed["event_id"].to_numpy(), "other_payload", "snowplow_web")
    notes.plant("second_tracker", second["event_id"].to_numpy(), "other_tracker", hits["event_id"].to_numpy()[twice])
    late = hits[hits["late_days"] > 0]
    notes.plant("late", late["event_id"].to_numpy(), "late", [f"{d:.1f} days" for d in late["late_days"]])
    skewed = hits[(hits["shift"] != 0) & (hits["person"] >= 0)].drop_duplicates("cookie")
    notes.plant("skewed_clock", skewed["cookie"].to_numpy(), "clock_shift", [f"{s} s" for s in skewed["shift"]])
    hits["copy"], again["copy"], changed["copy"], second["copy"] = 0, np.arange(len(again)) % 2, 0, 0
    return stacked([hits, again, changed, second])
