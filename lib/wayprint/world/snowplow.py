"""Snowplow's enriched event: the 131 fields of a line, and how the shop's actions look in them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.chance import Array, objects
from wayprint.world.files import lines_of
from wayprint.world.france import TOWNS
from wayprint.world.layouts import names
from wayprint.world.offer import Offer
from wayprint.world.people import Population

HOST = "www.oree.example"
GEO = names("geo_country geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name")
BROWSER = names("""useragent br_name br_family br_version br_type br_renderengine br_lang br_features_pdf br_features_flash
 br_features_java br_features_director br_features_quicktime br_features_realplayer br_features_windowsmedia
 br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family
 os_manufacturer os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width
 doc_height""")
FIELDS = names(f"""app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker
 v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid
 {" ".join(GEO)} ip_isp ip_organization ip_domain ip_netspeed page_url page_title page_referrer page_urlscheme
 page_urlhost page_urlport page_urlpath page_urlquery page_urlfragment refr_urlscheme refr_urlhost refr_urlport
 refr_urlpath refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term
 mkt_content mkt_campaign contexts se_category se_action se_label se_property se_value unstruct_event tr_orderid
 tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku ti_name ti_category ti_price
 ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max {" ".join(BROWSER)} tr_currency tr_total_base
 tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network etl_tags
 dvce_sent_tstamp refr_domain_userid refr_device_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor
 event_name event_format event_version event_fingerprint true_tstamp""")
# Neighbouring fields that depend on the device alone are written as one text.
WRITTEN = [f for f in FIELDS if f not in (*GEO[1:], *BROWSER[1:])]
SNOWPLOW = "com.snowplowanalytics.snowplow"
# verb: Snowplow's event, vendor, name; category and action of a structured event; path of the page.
VERBS = {
    "page_view": ("page_view", SNOWPLOW, "page_view", "", "", ""),
    "product_view": ("page_view", SNOWPLOW, "page_view", "", "", ""),
    "store_locator": ("page_view", SNOWPLOW, "page_view", "", "", "/magasins"),
    "search": ("struct", "com.google.analytics", "event", "search", "search", "/recherche"),
    "add_to_cart": ("struct", "com.google.analytics", "event", "ecommerce", "add_to_cart", ""),
    "remove_from_cart": ("struct", "com.google.analytics", "event", "ecommerce", "remove_from_cart", "/panier"),
    "begin_checkout": ("struct", "com.google.analytics", "event", "ecommerce", "begin_checkout", "/commande"),
    "payment_error": ("struct", "com.google.analytics", "event", "ecommerce", "payment_error", "/commande/paiement"),
    "login": ("struct", "com.google.analytics", "event", "account", "login", "/compte/connexion"),
    "sign_up": ("struct", "com.google.analytics", "event", "account", "sign_up", "/compte/inscription"),
    "form_submit": ("struct", "com.google.analytics", "event", "form", "form_submit", "/newsletter"),
    "consent": ("unstruct", SNOWPLOW, "consent_preferences", "", "", "/"),
    "purchase": ("transaction", SNOWPLOW, "transaction", "", "", "/commande/merci"),
    "item": ("transaction_item", SNOWPLOW, "transaction_item", "", "", "/commande/merci")}


def lines(hits: pd.DataFrame) -> list[str]:
    text = {name: hits[name].tolist() for name in hits.columns}
    created, sent, collected = (hours.spaced(hits[name].to_numpy()) for name in ("created", "sent", "collected"))
    derived = hours.spaced((hits["collected"] - (hits["sent"] - hits["created"])).to_numpy())
    host = [r.split("/", 3) if r else ["", "", "", ""] for r in text["referrer"]]
    url = [f"https://{HOST}{p}?{q}" if q else f"https://{HOST}{p}" for p, q in zip(text["path_"], text["query"], strict=True)]
    sold, priced = ["EUR" if o else "" for o in text["order_id"]], ["EUR" if o else "" for o in text["item_order"]]
    return lines_of(WRITTEN, {
        "app_id": "oree-web", "platform": "web", "etl_tstamp": hours.spaced(hits["collected"].to_numpy() + 1_400),
        "collector_tstamp": collected, "dvce_created_tstamp": created,
        "event": text["event"], "event_id": text["event_id"], "name_tracker": text["tracker"], "v_tracker": "js-3.24.6",
        "v_collector": "ssc-3.3.0-kafka", "v_etl": "snowplow-enrich-kafka-5.2.0",
        "user_id": text["user_id"], "user_ipaddress": text["address"], "domain_userid": text["cookie"],
        "domain_sessionidx": text["index"], "network_userid": text["network"], "geo_country": text["geo"],
        "page_url": url, "page_title": "Orée", "page_referrer": text["referrer"], "page_urlscheme": "https", "page_urlhost": HOST,
        "page_urlport": "443", "page_urlpath": text["path_"], "page_urlquery": text["query"],
        "refr_urlscheme": ["https" if r else "" for r in text["referrer"]], "refr_urlhost": [h[2] for h in host],
        "refr_urlpath": ["/" + h[3] if h[2] else "" for h in host], "refr_medium": text["refr_medium"],
        "refr_source": text["refr_source"], "mkt_medium": text["medium"], "mkt_source": text["source"],
        "mkt_campaign": text["campaign"], "mkt_clickid": text["click"], "mkt_network": text["click_network"],
        "contexts": text["contexts"], "se_category": text["category"], "se_action": text["action"], "se_label": text["label"],
        "se_property": text["property"], "se_value": text["value"], "unstruct_event": text["unstruct"],
        "tr_orderid": text["order_id"], "tr_total": text["total"], "tr_tax": text["tax"], "tr_currency": sold,
        "tr_country": ["FR" if o else "" for o in text["order_id"]], "ti_orderid": text["item_order"],
        "ti_sku": text["sku"], "ti_name": text["item_name"], "ti_category": text["item_category"], "ti_price": text["item_price"],
        "ti_quantity": text["item_quantity"], "ti_currency": priced, "useragent": text["browser"],
        "geo_timezone": "Europe/Paris", "dvce_sent_tstamp": sent, "domain_sessionid": text["session"], "derived_tstamp": derived,
        "event_vendor": text["vendor"], "event_name": text["name"],
        "event_format": "jsonschema", "event_version": "1-0-0"}, "\t")


def consent(analytics: bool, advertising: bool) -> str:
    scopes = ["necessary"] + ["analytics"] * analytics + ["advertising"] * advertising
    kind = "allow_all" if analytics and advertising else "allow_selected" if analytics or advertising else "deny_all"
    data = {"basisForProcessing": "consent", "consentVersion": "1.0", "consentScopes": scopes,
        "consentUrl": f"https://{HOST}/cookies", "domainsApplied": [f"https://{HOST}/"], "eventType": kind, "gdprApplies": True}
    return _compact({"schema": f"iglu:{SNOWPLOW}/unstruct_event/jsonschema/1-0-0",
        "data": {"schema": f"iglu:{SNOWPLOW}/consent_preferences/jsonschema/1-0-0", "data": data}})


def contexts(goods: Offer, product: Array, pages: Array, shown: Array) -> list[str]:
    """The page id, and on product pages the product, as self-describing JSON."""
    page = f'{{"schema":"iglu:{SNOWPLOW}/web_page/jsonschema/1-0-0","data":{{"id":"'
    head = f'{{"schema":"iglu:{SNOWPLOW}/contexts/jsonschema/1-0-0","data":[{page}'
    schema = f"iglu:{SNOWPLOW}.ecommerce/product/jsonschema/1-0-0"
    tail = objects([
        '"}},' + _compact({"schema": schema, "data": {"id": p, "name": n, "category": f, "price": float(c), "currency": "EUR"}})
        + "]}"
        for p, n, f, c in zip(goods.product_id, goods.name, goods.family_name, goods.price, strict=True)])
    return [f"{head}{i}{e}" for i, e in zip(pages, np.where(shown, tail[product], '"}}]}'), strict=True)]


def places(population: Population) -> Array:
    town = pd.Series(population.persons["town"].to_numpy()).groupby(population.persons["household"].to_numpy()).first()
    texts = objects(["\t".join(("FR", t[2], t[0], t[1], str(t[3]), str(t[4]), t[2])) for t in TOWNS])
    return np.asarray(texts[town.loc[population.devices["household"]].to_numpy()])


def browsers(population: Population) -> Array:
    return objects([browser(agent, kind) for agent,
        kind in zip(population.devices["agent"], population.devices["kind"], strict=True)])


def browser(agent: str, kind: str) -> str:
    mobile = kind != "desktop"
    system = "iOS" if "iPhone" in agent or "iPad" in agent else "Android" if "Android" in agent else "Mac OS X" if "Macintosh" in agent else "Windows"
    shape = {"phone": ("390", "844"), "app": ("390", "844"), "tablet": ("820", "1180"), "desktop": ("1920", "1080")}[kind]
    known = {
        "useragent": agent, "br_lang": "fr-FR", "br_cookies": "1", "br_colordepth": "24", "br_viewwidth": shape[0],
        "br_viewheight": shape[1], "os_name": system, "os_family": system,
        "os_timezone": "Europe/Paris", "dvce_type": {"phone": "Mobile", "app": "Mobile", "tablet": "Tablet",
        "desktop": "Computer"}[kind], "dvce_ismobile": str(int(mobile)), "dvce_screenwidth": shape[0],
        "dvce_screenheight": shape[1], "doc_charset": "UTF-8", "doc_width": shape[0], "doc_height": "4200"}
    return "\t".join(known.get(name, "") for name in BROWSER)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
