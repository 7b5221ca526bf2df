"""Real vendors' files: all of them are read by shipped sources, and the numbers are those of the files."""

import collections
import csv
import gzip
import tarfile
from decimal import Decimal

import pytest

from wayprint.sources.ingest import read_file
from wayprint.sources.listing import beside, list_files, opened


@pytest.fixture(scope="module")
def lake(request):
    samples, settings, = request.getfixturevalue("samples"), request.getfixturevalue("settings")
    from wayprint.sources.keys import Keys

    keys, rows = Keys(bytes(32), b"\x11" * 32), collections.defaultdict(list)
    files, unmatched = list_files(str(samples), settings.sources.specs, keys)
    for file in files:
        with opened(file["path"]) as stream:
            for kind, row in read_file(file, stream, settings.sources, keys, beside(file["path"])):
                rows[kind, file["source"]].append(row)
    return rows, unmatched


def table(samples, name):
    with open(samples / name, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_every_sample_is_claimed_and_read_and_every_row_accounted_for(lake, samples):
    rows, unmatched = lake
    assert unmatched == ["README.md"]
    files = [row for (kind, _), found in rows.items() if kind == "file" for row in found]
    assert {file["status"] for file in files} == {"read"}
    for file in files:
        if file["file"].endswith(".csv"):
            assert file["lines"] == len(table(samples, file["file"])), file["file"]
        else:
            with gzip.open(samples / file["file"]) as text:
                assert file["lines"] == sum(1 for _ in text)
        assert file["lines"] == file["kept"] + file["quarantined"]
    refused = collections.Counter(row["rule"] for (kind, _), found in rows.items() if kind == "quarantine" for row in found)
    assert refused == {"test_order": 2}


def test_invoice_lines_sum_to_what_the_files_say(lake, samples):
    rows, _ = lake
    wanted = collections.Counter()
    for name in sorted(samples.glob("online_retail/*.csv")):
        for line in table(samples, name.relative_to(samples)):
            wanted["refund" if line["Quantity"].startswith("-") else "purchase"] += Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])
    found = collections.Counter()
    for row in rows["event", "online_retail"]:
        found["refund" if row["items"][0][2] < 0 else "purchase"] += row["amount"]
    assert all(abs(found[name] - wanted[name]) < 1 for name in ("purchase", "refund"))  # a price has three digits now and then


def test_costs_of_four_platforms_have_one_unit_and_grain(lake, samples):
    rows, _ = lake
    for source, file, column, unit in (
            ("ads_google", "google_ads_campaign_stats_data", "cost_micros", 1_000_000), ("ads_meta", "facebook_ads_basic_ad_data", "spend", 1),
            ("ads_microsoft", "microsoft_ads_campaign_performance_daily_report_data", "spend", 1),
            ("ads_linkedin", "linkedin_ad_analytics_by_campaign_data", "cost_in_local_currency", 1)):
        lines = table(samples, f"ads/{file}.csv")
        assert sum(row["cost_amount"] for row in rows["cost", source]) == sum(Decimal(line[column]) for line in lines) / unit
        assert sum(row["clicks"] or 0 for row in rows["cost",
            source]) == sum(int(line.get("clicks") or line.get("inline_link_clicks") or 0) for line in lines)


def test_the_two_generations_of_shop_orders_are_one_kind_of_purchase(lake):
    rows, _ = lake
    orders = rows["event", "shopify_orders"]
    assert {row["currency"] for row in orders} >= {"GBP", "USD"}
    assert all(row["amount"] is not None and row["identifiers"] for row in orders)


def test_hashed_recipients_are_one_identifier_for_all_their_events(lake, samples):
    rows, _ = lake
    lines = table(samples, "hubspot/email_event_data.csv")
    assert len({row["identifier_id"] for row in rows["event", "hubspot_email_events"]}) == len({line["recipient"] for line in lines})


def test_web_hits_keep_their_deliberate_repetitions_with_equal_digests(lake, samples):
    rows, _ = lake
    hits = rows["event", "snowplow_web"]
    copies = collections.Counter(line["event_id"] for line in table(samples, "snowplow/web_events.csv"))
    assert collections.Counter(row["event_id"] for row in hits) == copies
    same = {row["event_id"]: row["payload_digest"] for row in hits}
    line_of = collections.defaultdict(set)
    for line in table(samples, "snowplow/web_events.csv"):
        line_of[line["event_id"]].add(tuple(sorted((k, v) for k, v in line.items() if k not in ("collector_tstamp", "dvce_sent_tstamp"))))
    for row in hits:
        if len(line_of[row["event_id"]]) == 1:
            assert row["payload_digest"] == same[row["event_id"]]


def test_consent_given_in_the_banner_is_what_the_hit_says(lake, samples):
    rows, _ = lake
    said = {line["root_id"]: '"statistics"' in line["consent_scopes"] for line in table(samples, "snowplow/consent_preferences.csv")}
    stated = {row["event_id"]: dict(row["consents"])["analytics"] for row in rows["event", "snowplow_web"] if row.get("consents")}
    assert stated == said


def test_adobe_hits_happened_when_their_unix_time_says_not_by_the_clock_of_the_report_suite(lake, samples):
    rows, _ = lake
    with tarfile.open(samples / "adobe/zwitchdev_2015-07-13-lookup_data.tar.gz") as archive:
        columns = archive.extractfile("column_headers.tsv").read().decode().strip().split("\t")
    with gzip.open(samples / "adobe/01-zwitchdev_2015-07-13.tsv.gz", "rt") as text:
        times = [int(line.rstrip("\n").split("\t")[columns.index("post_cust_hit_time_gmt")]) for line in text]
    assert [row["happened_at"] for row in sorted(rows["event", "adobe_site"], key=lambda row: row["line_number"])] == [time * 1_000_000 for time in times]
