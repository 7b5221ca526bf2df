"""Each vendor's files have the vendor's layout, and each file holds what files.csv says."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

import pytest

SOURCES = {
    "snowplow_web", "ga4_content", "segment_app", "adobe_kiosk", "shopify_orders", "shopify_order_lines", "shopify_customers",
    "shopify_visits",
    "shopify_refunds", "crm_contacts", "klaviyo_events", "klaviyo_people", "klaviyo_campaigns", "ads_google", "ads_meta",
    "ads_microsoft", "ads_linkedin",
    "ads_affiliate", "store_tickets", "service_tickets", "survey_answers", "catalogue_sends"}
# Number of columns, and some of them at their places, as the vendors publish them.
HEADERS = {
    "shopify_orders": (84, {13: "billing_address_name", 23: "created_at", 26: "customer_id", 30: "email", 31: "id",
    68: "total_price_set_shop_amount"}),
    "shopify_order_lines": (23, {1: "id", 4: "order_id", 9: "product_id", 10: "quantity", 12: "sku"}),
    "shopify_customers": (18, {3: "email", 5: "email_marketing_consent_state", 8: "id", 12: "phone", 16: "updated_at"}),
    "shopify_visits": (18, {2: "order_id", 6: "occurred_at", 13: "utm_parameters_campaign", 16: "utm_parameters_source"}),
    "shopify_refunds": (12, {1: "created_at", 4: "order_id", 9: "total_refunded_set_shop_amount"}),
    "klaviyo_events": (100, {0: "id", 1: "person_id", 2: "campaign_id", 5: "uuid", 6: "datetime", 10: "type",
    35: "property_subject", 38: "property_url"}),
    "klaviyo_people": (69, {0: "id", 14: "phone_number", 18: "email", 21: "custom_accepts_marketing", 68: "last_event_date"}),
    "klaviyo_campaigns": (18, {0: "id", 7: "name", 12: "sent_at", 17: "scheduled"}),
    "ads_google": (21, {2: "date", 9: "ad_network_type", 14: "cost_micros", 16: "id"}),
    "ads_meta": (6, {0: "ad_id", 4: "inline_link_clicks", 5: "spend"}),
    "ads_microsoft": (22, {2: "campaign_id", 3: "currency_code", 15: "spend"}),
    "ads_linkedin": (63, {0: "campaign_id", 1: "day", 13: "cost_in_local_currency"}),
    "ads_affiliate": (6, dict(enumerate("date network campaign cost currency clicks".split()))),  # noqa: SIM905
    "store_tickets": (11, {0: "ticket_id", 2: "ticket_time", 4: "loyalty_card", 7: "quantity", 10: "currency"}),
    "service_tickets": (10, {1: "created_at", 2: "closed_at", 6: "customer_login", 9: "satisfaction"}),
    "survey_answers": (10, {1: "answered_at", 4: "question", 5: "stage", 7: "score", 8: "scale", 9: "verbatim"}),
    "catalogue_sends": (4, {0: "sent_at", 1: "loyalty_card", 2: "campaign", 3: "cost"}),
    "crm_contacts": (25, {0: "contact_id", 12: "loyalty_card", 13: "customer_login", 17: "updated_at", 19: "consent_email",
    24: "consent_date"})}
SAMPLES = {
    "shopify_orders": "shopify/shopify_gql_order_data.csv", "shopify_order_lines": "shopify/shopify_gql_order_line_data.csv",
    "shopify_customers": "shopify/shopify_gql_customer_data.csv",
    "shopify_visits": "shopify/shopify_gql_customer_visit_data.csv", "shopify_refunds": "shopify/shopify_gql_refund_data.csv",
    "klaviyo_events": "klaviyo/event.csv",
    "klaviyo_people": "klaviyo/person.csv", "klaviyo_campaigns": "klaviyo/campaign.csv",
    "ads_google": "ads/google_ads_campaign_stats_data.csv", "ads_meta": "ads/facebook_ads_basic_ad_data.csv",
    "ads_microsoft": "ads/microsoft_ads_campaign_performance_daily_report_data.csv",
    "ads_linkedin": "ads/linkedin_ad_analytics_by_campaign_data.csv"}


def header(written, folder: str) -> list[str]:
    """The one header that all files of a folder share."""
    found = {path.read_text(encoding="utf-8-sig").split("\n", 1)[0] for path in (written.raw / folder).iterdir()}
    assert len(found) == 1
    return next(csv.reader([found.pop()]))


def test_every_source_has_its_folder(written):
    assert {path.name for path in written.raw.iterdir()} == SOURCES


@pytest.mark.parametrize("folder", sorted(HEADERS))
def test_a_csv_file_has_the_vendors_columns(written, folder):
    columns, places = HEADERS[folder]
    names = header(written, folder)
    assert len(names) == columns
    assert {place: names[place] for place in places} == places


@pytest.mark.parametrize("folder", sorted(SAMPLES))
def test_a_csv_file_has_the_header_of_the_vendors_sample(written, samples, folder):
    with (samples / SAMPLES[folder]).open(encoding="utf-8-sig", newline="") as sample:
        assert header(written, folder) == next(csv.reader(sample))


def test_an_enriched_event_has_131_fields_in_snowplows_order(written, hits):
    assert {line.count("\t") for line in written.good("snowplow_web")} == {130}
    at = {0: "app_id", 3: "collector_tstamp", 6: "event_id", 12: "user_id", 15: "domain_userid", 29: "page_url", 47: "mkt_medium",
        52: "contexts", 58: "unstruct_event",
          59: "tr_orderid", 77: "useragent", 101: "dvce_type", 108: "tr_currency", 116: "mkt_clickid", 119: "dvce_sent_tstamp",
          122: "derived_contexts", 126: "event_name", 130: "true_tstamp"}
    assert {place: hits.columns[place] for place in at} == at
    assert set(hits["event"]) == {"page_view", "struct", "transaction", "transaction_item", "unstruct"}
    assert hits["collector_tstamp"].str.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}").all()
    assert set(hits["dvce_type"]) == {"Mobile", "Computer", "Tablet"}
    for text in [*hits["contexts"].unique()[:3000], *hits.loc[hits["unstruct_event"] != "", "unstruct_event"].unique()]:
        assert json.loads(text)["schema"].startswith("iglu:com.snowplowanalytics.snowplow/")


def test_what_the_page_address_says_the_campaign_fields_say_too(hits):
    landed = hits[hits["mkt_source"] != ""]
    told = landed["page_urlquery"].str.extract(r"utm_source=([^&]*)&utm_medium=([^&]*)&utm_campaign=([^&]*)")
    assert (told.to_numpy() == landed[["mkt_source", "mkt_medium", "mkt_campaign"]].to_numpy()).all()
    assert set(zip(landed["mkt_source"], landed["mkt_medium"], strict=True)) == {
        ("klaviyo", "email"), ("google", "cpc"), ("bing", "cpc"), ("facebook", "paid_social"), ("instagram", "paid_social"),
        ("linkedin", "paid_social"), ("gdn", "display"), ("awin", "affiliate")}
    assert landed.loc[landed["mkt_medium"] == "email",
        "page_urlquery"].str.contains(r"&eh=(?:[0-9a-f]{64}|d41d8cd98f00b204e9800998ecf8427e)$").all()


def test_app_calls_and_advice_hits_are_json_with_their_vendors_keys(written):
    calls = written.json("segment_app")
    assert {c["type"] for c in calls} == {"track", "screen", "identify"}
    assert all({"messageId", "anonymousId", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "context"} <= c.keys()
        for c in calls)
    orders = [c for c in calls if c.get("event") == "Order Completed"]
    assert orders
    assert all(o["properties"]["orderId"] and o["properties"]["products"] and o["properties"]["revenue"] > 0 for o in orders)
    assert all(re.fullmatch(r"[0-9a-f-]{36}", c["context"]["device"]["advertisingId"]) for c in calls)
    hits = written.json("ga4_content")
    assert {h["event_name"] for h in hits} == {"page_view", "review_view", "compare_view", "share"}
    assert all(h["event_timestamp"].isdigit() and len(h["event_timestamp"]) == 16 for h in hits)
    keys = {p["key"] for h in hits for p in h["event_params"]}
    assert keys == {"page_location", "page_title", "ga_session_id", "ga_session_number", "page_referrer", "item_id"}


def test_a_kiosk_day_has_hits_lookups_and_a_manifest_that_fits_them(written):
    folder = written.raw / "adobe_kiosk"
    manifests = sorted(folder.glob("*.txt"))
    assert len(manifests) == len(list(folder.glob("01-kiosk_*.tsv.gz"))) == len(list(folder.glob("*-lookup_data.tar.gz"))) > 50
    for manifest in manifests:
        text = manifest.read_text()
        for name, digest, size in re.findall(r"-File: (\S+)\nMD5-Digest: (\S+)\nFile-Size: (\d+)", text):
            content = (folder / name).read_bytes()
            assert (hashlib.md5(content).hexdigest(), len(content)) == (digest, int(size))
        lines = gzip.decompress((folder / f"01-{manifest.stem}.tsv.gz").read_bytes()).decode().count("\n")
        assert f"Total-Records: {lines}\n" in text
        with tarfile.open(folder / f"{manifest.stem}-lookup_data.tar.gz") as archive:
            columns = archive.extractfile("column_headers.tsv").read().decode().rstrip("\n").split("\t")
            assert "event.tsv" in archive.getnames()
    assert {"date_time", "hit_time_gmt", "hitid_high", "hitid_low", "post_visid_high", "post_visid_low", "post_cust_visid",
        "exclude_hit", "post_event_list", "post_product_list"} <= set(columns)
    assert {len(line.split("\t")) for line in written.good("adobe_kiosk", ".tsv.gz")} == {len(columns)}


def test_every_file_holds_the_records_that_files_csv_tells(written):
    told = written.truth("files")
    assert set(told["file"]) == {str(p.relative_to(written.raw)) for p in written.raw.rglob("*") if p.is_file()}
    for file, lines, _ in told[~told["file"].str.contains("lookup_data|\\.txt")].itertuples(index=False):
        path: Path = written.raw / file
        if path.suffix == ".gz":
            assert gzip.decompress(path.read_bytes()).count(b"\n") == lines
        else:
            assert sum(1 for _ in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))) - 1 == lines
    assert told["malformed"].sum() == len(written.malformed)
    assert told.loc[~told["file"].str.startswith("adobe"), "lines"].min() > 0, "a file without records was written"


def test_some_files_begin_with_a_byte_order_mark_and_speak_french(written):
    marked = [p for p in written.raw.rglob("*.csv") if p.read_bytes().startswith(b"\xef\xbb\xbf")]
    assert {p.parent.name for p in marked} == {"crm_contacts", "store_tickets", "shopify_orders"}
    assert re.search("[éèêëîïôûç]", "".join(line for _, _, line in written.lines("crm_contacts")))
    assert any('"' in line for _, _, line in written.lines("survey_answers"))
