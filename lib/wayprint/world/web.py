"""The web shop as Snowplow's enriched events: 131 tab-separated fields, no header, one file a day of arrival."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.behaviour import ORGANIC, ORGANIC_SOCIAL, REFERRAL
from wayprint.world.campaigns import ADS, EMAIL
from wayprint.world.chance import Array, choose, happens, hexes, objects, stream, uuids
from wayprint.world.files import Deliveries, euros, lines_of
from wayprint.world.france import TOWNS
from wayprint.world.offer import FAMILIES
from wayprint.world.people import PHONE_AGENTS
from wayprint.world.planted import CRAWLER, EMPTY_MD5, EMPTY_SHA256, NULL, Layout, Notes, crawlers, spoil
from wayprint.world.scene import Scene
from wayprint.world.visits import numbered

HOST = "www.oree.example"
GEO = "geo_country geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name".split()
BROWSER = """useragent br_name br_family br_version br_type br_renderengine br_lang br_features_pdf br_features_flash br_features_java
 br_features_director br_features_quicktime br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight
 br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer os_timezone dvce_type dvce_ismobile
 dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height""".split()
FIELDS = f"""app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker v_collector v_etl
 user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid {" ".join(GEO)}
 ip_isp ip_organization ip_domain ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath
 page_urlquery page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium
 refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action se_label se_property
 se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku ti_name
 ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max {" ".join(BROWSER)}
 tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network
 etl_tags dvce_sent_tstamp refr_domain_userid refr_device_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
 event_format event_version event_fingerprint true_tstamp""".split()
# Neighbouring fields that depend on the device alone are written as one text.
WRITTEN = [f for f in FIELDS if f not in (*GEO[1:], *BROWSER[1:])]
SNOWPLOW = "com.snowplowanalytics.snowplow"
# verb: Snowplow's event, vendor, name; category and action of a structured event; path of the page.
VERBS = {
    "page_view": ("page_view", SNOWPLOW, "page_view", "", "", ""), "product_view": ("page_view", SNOWPLOW, "page_view", "", "", ""),
    "store_locator": ("page_view", SNOWPLOW, "page_view", "", "", "/magasins"), "search": ("struct", "com.google.analytics", "event", "search", "search", "/recherche"),
    "add_to_cart": ("struct", "com.google.analytics", "event", "ecommerce", "add_to_cart", ""), "remove_from_cart": ("struct", "com.google.analytics", "event", "ecommerce", "remove_from_cart", "/panier"),
    "begin_checkout": ("struct", "com.google.analytics", "event", "ecommerce", "begin_checkout", "/commande"), "payment_error": ("struct", "com.google.analytics", "event", "ecommerce", "payment_error", "/commande/paiement"),
    "login": ("struct", "com.google.analytics", "event", "account", "login", "/compte/connexion"), "sign_up": ("struct", "com.google.analytics", "event", "account", "sign_up", "/compte/inscription"),
    "form_submit": ("struct", "com.google.analytics", "event", "form", "form_submit", "/newsletter"), "consent": ("unstruct", SNOWPLOW, "consent_preferences", "", "", "/"),
    "purchase": ("transaction", SNOWPLOW, "transaction", "", "", "/commande/merci"), "item": ("transaction_item", SNOWPLOW, "transaction_item", "", "", "/commande/merci")}
REFERRERS = {
    ORGANIC: (("https://www.google.com/", "search", "Google"), ("https://www.bing.com/", "search", "Bing"), ("https://www.qwant.com/", "search", "Qwant"), ("https://www.ecosia.org/search", "search", "Ecosia")),
    ORGANIC_SOCIAL: (("https://www.facebook.com/", "social", "Facebook"), ("https://www.instagram.com/", "social", "Instagram"), ("https://www.pinterest.fr/", "social", "Pinterest")),
    REFERRAL: (("https://www.blog-deco.example/salon", "unknown", ""), ("https://www.forum-maison.example/cuisine", "unknown", ""))}


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng = stream(scene.seed, "web")
    hits = _hits(scene, notes, rng)
    hits = pd.concat([hits, _robots(scene, notes, rng)], ignore_index=True)
    _clock(hits, scene.end, rng)
    hits = _repeat(hits, notes, rng)
    hits["arrives"] = scene.day_of(hits["collected"].to_numpy()) + hits["copy"].to_numpy()
    hits = hits.iloc[np.lexsort((hits["t"], hits["arrives"]))].reset_index(drop=True)
    lines = _lines(hits)
    layout = Layout("\t", FIELDS.index("event_id"), FIELDS.index("collector_tstamp"), FIELDS.index("tr_total"))
    to.deliver("snowplow_web/{}.tsv.gz", lines, hits["arrives"].to_numpy(), scene.dates, bad=spoil(rng, lines, layout))


def _hits(scene: Scene, notes: Notes, rng: np.random.Generator) -> pd.DataFrame:
    """Every action on the site, with one more line for each item bought, its texts written out."""
    visits, people, goods = scene.traffic.visits, scene.population, scene.goods
    actions = scene.actions[scene.of_platform("web")]
    lines = _item_rows(actions, scene)
    actions = pd.concat([actions.assign(line=-1), lines], ignore_index=True)
    visit, verb = actions["visit"].to_numpy(), actions["verb"].to_numpy()
    person, device = visits["person"].to_numpy()[visit], visits["device"].to_numpy()[visit]
    landing = (actions["step"] == 0).to_numpy()
    product = actions["product"].to_numpy()
    details = scene.population.devices.iloc[device]
    cleared = visits["day"].to_numpy()[visit] >= details["clears_on"].to_numpy()
    kinds = {name: objects([v[i] for v in VERBS.values()]) for i, name in enumerate(("event", "vendor", "name", "category", "action", "path"))}
    place = pd.Index(list(VERBS)).get_indexer(verb)
    hits = pd.DataFrame({name: column[place] for name, column in kinds.items()})
    hits["t"], hits["person"], hits["visit"] = actions["t"].to_numpy(), person, visit
    hits["cookie"] = np.where(cleared, details["next_cookie"], details["cookie"])
    hits["network"], hits["address"], hits["shift"] = details["network_id"].to_numpy(), details["address"].to_numpy(), details["clock_shift_s"].to_numpy()
    hits["session"] = uuids(rng, len(visits))[visit]
    hits["index"] = [str(n) for n in numbered(visit, pd.factorize(hits["cookie"])[0])]
    hits["geo"], hits["browser"] = _places(scene)[device], _browsers(scene)[device]
    hits["user_id"] = np.where(actions["named"], people.of("login", person), "")
    _addresses(hits, actions, scene, landing, notes, rng)
    _describe(hits, actions, scene, rng)
    hits["contexts"] = _contexts(goods, product, uuids(rng, len(hits)), verb == "product_view")
    notes.show("web_cookie", person, hits["cookie"])
    notes.show("login", person, hits["user_id"])
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


def _addresses(hits: pd.DataFrame, actions: pd.DataFrame, scene: Scene, landing: Array, notes: Notes, rng: np.random.Generator) -> None:
    """Page, query with campaign, referrer and what the enrichment makes of them."""
    visits, goods, visit = scene.traffic.visits, scene.goods, actions["visit"].to_numpy()
    product, size = actions["product"].to_numpy(), len(hits)
    family = objects([quote(f[0].replace(" ", "-")) for f in FAMILIES])[visits["family"].to_numpy()[visit]]
    slugs = objects([quote(f"/produit/{p}-{n.lower().replace(' ', '-')}", safe="/'") for p, n in zip(goods.product_id, goods.name, strict=True)])
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
            "google": ("gclid", "Google", "https://www.google.com/", "search", "Google"), "microsoft": ("msclkid", "Microsoft", "https://www.bing.com/", "search", "Bing"),
            "meta": ("fbclid", "Facebook", "https://www.facebook.com/", "social", "Facebook"), "linkedin": ("li_fat_id", "LinkedIn", "https://www.linkedin.com/", "social", "LinkedIn"),
            "affiliate": ("awc", "Awin", "https://www.codes-promo.example/", "unknown", "")}[ad[2]]
        if ad[7] == "gdn":
            referrer, medium, source = "https://www.journal-local.example/", "unknown", ""
        which = rows[mine]
        ids = [f"{parameter[:2].upper()}{c}" for c, m in zip(clicks, mine, strict=True) if m]
        fixed = {"medium": ad[8], "source": ad[7], "campaign": ad[0], "click_network": network, "referrer": referrer, "refr_medium": medium, "refr_source": source}
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
    hits.loc[which, "query"] = [f"utm_source=klaviyo&utm_medium=email&utm_campaign={s}&eh={h}" for s, h in zip(slug, hashes, strict=True)]
    notes.show("email", person[~broken], scene.population.of("email_1", person[~broken]))
    notes.show("email", person[broken], wrong[broken])
    for number, choices in REFERRERS.items():
        which = rows[channel == number]
        picked = choose(rng, choices, [8, 2, 1, 1][: len(choices)], len(which))
        for place, name in enumerate(("referrer", "refr_medium", "refr_source")):
            hits.loc[which, name] = [p[place] for p in picked]
    hits.loc[~landing, ["referrer", "refr_medium"]] = [f"https://{HOST}/", "internal"]


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
    for name in ("order_id", "total", "tax", "item_order", "sku", "item_name", "item_category", "item_price", "item_quantity", "unstruct"):
        hits[name] = ""
    order = actions["order"].to_numpy()
    if len(bought):
        amount = orders["amount_cents"].to_numpy()[order[bought]]
        hits.loc[bought, "order_id"], hits.loc[bought, "total"] = orders["order_id"].to_numpy()[order[bought]], euros(amount)
        hits.loc[bought, "tax"] = euros(amount - amount * 5 // 6)
        line, sold = actions["line"].to_numpy()[lines], product[lines]
        hits.loc[lines, "item_order"], hits.loc[lines, "sku"] = orders["order_id"].to_numpy()[order[lines]], goods.product_id[sold]
        hits.loc[lines, "item_name"], hits.loc[lines, "item_category"] = goods.name[sold], goods.family_name[sold]
        hits.loc[lines, "item_price"] = euros(items["price_cents"].to_numpy()[line])
        hits.loc[lines, "item_quantity"] = [str(q) for q in items["quantity"].to_numpy()[line]]
    asked = np.flatnonzero(verb == "consent")
    analytics, advertising = (scene.population.of(p, person[asked]) == "true" for p in ("analytics", "advertising"))
    hits.loc[asked, "unstruct"] = [_consent(bool(a), bool(b)) for a, b in zip(analytics, advertising, strict=True)]


def _consent(analytics: bool, advertising: bool) -> str:
    scopes = ["necessary"] + ["analytics"] * analytics + ["advertising"] * advertising
    kind = "allow_all" if analytics and advertising else "allow_selected" if analytics or advertising else "deny_all"
    data = {"basisForProcessing": "consent", "consentVersion": "1.0", "consentScopes": scopes, "consentUrl": f"https://{HOST}/cookies", "domainsApplied": [f"https://{HOST}/"], "eventType": kind, "gdprApplies": True}
    return _compact({"schema": f"iglu:{SNOWPLOW}/unstruct_event/jsonschema/1-0-0", "data": {"schema": f"iglu:{SNOWPLOW}/consent_preferences/jsonschema/1-0-0", "data": data}})


def _contexts(goods: Any, product: Array, pages: Array, shown: Array) -> list[str]:
    """The page id, and on product pages the product, as self-describing JSON."""
    page = f'{{"schema":"iglu:{SNOWPLOW}/web_page/jsonschema/1-0-0","data":{{"id":"'
    head = f'{{"schema":"iglu:{SNOWPLOW}/contexts/jsonschema/1-0-0","data":[{page}'
    tail = objects([
        '"}},' + _compact({"schema": f"iglu:{SNOWPLOW}.ecommerce/product/jsonschema/1-0-0", "data": {"id": p, "name": n, "category": f, "price": float(c), "currency": "EUR"}}) + "]}"
        for p, n, f, c in zip(goods.product_id, goods.name, goods.family_name, goods.price, strict=True)])
    return [f"{head}{i}{e}" for i, e in zip(pages, np.where(shown, tail[product], '"}}]}'), strict=True)]


def _places(scene: Scene) -> Array:
    town = pd.Series(scene.population.persons["town"].to_numpy()).groupby(scene.population.persons["household"].to_numpy()).first()
    texts = objects(["\t".join(("FR", t[2], t[0], t[1], str(t[3]), str(t[4]), t[2])) for t in TOWNS])
    return np.asarray(texts[town.loc[scene.population.devices["household"]].to_numpy()])


def _browsers(scene: Scene) -> Array:
    return objects([_browser(agent, kind) for agent, kind in zip(scene.population.devices["agent"], scene.population.devices["kind"], strict=True)])


def _browser(agent: str, kind: str) -> str:
    mobile = kind != "desktop"
    system = "iOS" if "iPhone" in agent or "iPad" in agent else "Android" if "Android" in agent else "Mac OS X" if "Macintosh" in agent else "Windows"
    shape = {"phone": ("390", "844"), "app": ("390", "844"), "tablet": ("820", "1180"), "desktop": ("1920", "1080")}[kind]
    known = {
        "useragent": agent, "br_lang": "fr-FR", "br_cookies": "1", "br_colordepth": "24", "br_viewwidth": shape[0], "br_viewheight": shape[1], "os_name": system, "os_family": system,
        "os_timezone": "Europe/Paris", "dvce_type": {"phone": "Mobile", "app": "Mobile", "tablet": "Tablet", "desktop": "Computer"}[kind], "dvce_ismobile": str(int(mobile)), "dvce_screenwidth": shape[0],
        "dvce_screenheight": shape[1], "doc_charset": "UTF-8", "doc_width": shape[0], "doc_height": "4200"}
    return "\t".join(known.get(name, "") for name in BROWSER)


def _robots(scene: Scene, notes: Notes, rng: np.random.Generator) -> pd.DataFrame:
    hits = crawlers(rng, len(scene.population.persons), scene.days, hours.midnight(scene.start))
    for rule, cookies in hits.groupby("rule")["cookie"].unique().items():
        notes.plant("bot", cookies, str(rule), "robot by its user agent" if rule == "bot_agent" else "hundreds of pages in minutes under a browser's user agent")
    goods, size = scene.goods, len(hits)
    seen = rng.integers(0, len(goods.price), size)
    event, vendor, name, *_ = VERBS["page_view"]
    agent = np.where(hits["rule"] == "bot_agent", _browser(CRAWLER, "desktop"), _browser(PHONE_AGENTS[2], "phone"))
    return hits.drop(columns=["bot", "rule"]).assign(
        event=event, vendor=vendor, name=name, person=-1, address="66.249.66.1", shift=0, index="1", geo="US" + "\t" * (len(GEO) - 1), browser=agent,
        path_=[f"/produit/{goods.product_id[p]}" for p in seen], contexts=_contexts(goods, seen, uuids(rng, size), np.ones(size, bool))).reset_index(drop=True)


def _clock(hits: pd.DataFrame, end: int, rng: np.random.Generator) -> None:
    """Adds ids, what the device's clock says, and when the collector and the file get the hit."""
    hits.fillna("", inplace=True)
    hits["event_id"], hits["tracker"] = uuids(rng, len(hits)), "sp"
    session, names = pd.factorize(hits["session"])
    late = happens(rng, 0.006, len(names))
    delay = np.where(late, np.exp(rng.uniform(0, np.log(90), len(names))) * hours.DAY, 0).astype(np.int64)
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
    changed["path_"], changed["collected"] = "/autre-page", changed["collected"] + 5_000
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
    return pd.concat([hits, again, changed, second], ignore_index=True)


def _lines(hits: pd.DataFrame) -> list[str]:
    text = {name: hits[name].tolist() for name in hits.columns if hits[name].dtype == object}
    created, sent, collected = (hours.spaced(hits[name].to_numpy()) for name in ("created", "sent", "collected"))
    derived = hours.spaced((hits["collected"] - (hits["sent"] - hits["created"])).to_numpy())
    host = [r.split("/", 3) if r else ["", "", "", ""] for r in text["referrer"]]
    url = [f"https://{HOST}{p}?{q}" if q else f"https://{HOST}{p}" for p, q in zip(text["path_"], text["query"], strict=True)]
    sold, lines = ["EUR" if o else "" for o in text["order_id"]], ["EUR" if o else "" for o in text["item_order"]]
    return lines_of(WRITTEN, {
        "app_id": "oree-web", "platform": "web", "etl_tstamp": hours.spaced(hits["collected"].to_numpy() + 1_400), "collector_tstamp": collected, "dvce_created_tstamp": created,
        "event": text["event"], "event_id": text["event_id"], "name_tracker": text["tracker"], "v_tracker": "js-3.24.6", "v_collector": "ssc-3.3.0-kafka", "v_etl": "snowplow-enrich-kafka-5.2.0",
        "user_id": text["user_id"], "user_ipaddress": text["address"], "domain_userid": text["cookie"], "domain_sessionidx": text["index"], "network_userid": text["network"], "geo_country": text["geo"],
        "page_url": url, "page_title": "Orée", "page_referrer": text["referrer"], "page_urlscheme": "https", "page_urlhost": HOST, "page_urlport": "443", "page_urlpath": text["path_"], "page_urlquery": text["query"],
        "refr_urlscheme": ["https" if r else "" for r in text["referrer"]], "refr_urlhost": [h[2] for h in host], "refr_urlpath": ["/" + h[3] if h[2] else "" for h in host], "refr_medium": text["refr_medium"],
        "refr_source": text["refr_source"], "mkt_medium": text["medium"], "mkt_source": text["source"], "mkt_campaign": text["campaign"], "mkt_clickid": text["click"], "mkt_network": text["click_network"],
        "contexts": text["contexts"], "se_category": text["category"], "se_action": text["action"], "se_label": text["label"], "se_property": text["property"], "se_value": text["value"], "unstruct_event": text["unstruct"],
        "tr_orderid": text["order_id"], "tr_total": text["total"], "tr_tax": text["tax"], "tr_currency": sold, "tr_country": ["FR" if o else "" for o in text["order_id"]], "ti_orderid": text["item_order"],
        "ti_sku": text["sku"], "ti_name": text["item_name"], "ti_category": text["item_category"], "ti_price": text["item_price"], "ti_quantity": text["item_quantity"], "ti_currency": lines, "useragent": text["browser"],
        "geo_timezone": "Europe/Paris", "dvce_sent_tstamp": sent, "domain_sessionid": text["session"], "derived_tstamp": derived, "event_vendor": text["vendor"], "event_name": text["name"],
        "event_format": "jsonschema", "event_version": "1-0-0"}, "\t")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
