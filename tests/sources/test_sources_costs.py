"""Shipped cost reports: the channel that every line's source and medium lead to."""

from decimal import Decimal

import pytest

from wayprint.events.channels import classify


@pytest.fixture
def google(read, settings):
    spec = settings.sources.specs["ads_google"].model_dump()

    def run(network: str):
        (row,) = read(f"customer_id,date,ad_network_type,clicks,cost_micros,id,impressions,device\n1,2026-01-01,{network},1,2000000,7,3,MOBILE\n", "ads_google/a.csv", **spec)["cost"]
        return row

    return run


@pytest.mark.parametrize(("network", "channel"), [
    ("SEARCH", "Paid Search"), ("SEARCH_PARTNERS", "Paid Search"), ("CONTENT", "Display"), ("YOUTUBE", "Paid Video"), ("YOUTUBE_WATCH", "Paid Video"),
    ("YOUTUBE_SEARCH", "Paid Video"), ("GOOGLE_TV", "Paid Video"), ("MIXED", "Cross-network"), ("DISCOVER", "Cross-network"), ("GMAIL", "Cross-network"),
    ("MAPS", "Cross-network"), ("GOOGLE_OWNED_CHANNELS", "Cross-network"), ("", "Paid Search")])
def test_what_google_charges_is_of_the_channel_of_its_network(google, settings, network, channel):
    row = google(network)
    charged = [(case.platform.equals, case.medium.equals, rule.channel) for rule in settings.events.channels.own for case in rule.any if case.medium]
    own = next((told for platforms, mediums, told in charged if row["platform"] in platforms and row["utm_medium"] in mediums), None)
    assert (own or classify(row["utm_source"], row["utm_medium"], None, settings.events.channels)) == channel


@pytest.mark.parametrize(("source", "header", "line"), [
    ("ads_meta", "ad_id,date,account_id,account_currency,impressions,inline_link_clicks,spend", "1,2026-03-01,9,{},100,3,12.34"),
    ("ads_google", "customer_id,customer_currency_code,date,ad_network_type,clicks,cost_micros,id,impressions,device", "1,{},2026-03-01,SEARCH,1,12340000,7,3,MOBILE"),
    ("ads_linkedin", "campaign_id,day,cost_in_local_currency,currency,impressions,clicks", "1,2026-03-01 00:00:00,12.34,{},1,1")])
def test_a_cost_is_in_the_currency_that_its_report_names_and_in_that_of_the_account_where_it_names_none(read, settings, source, header, line):
    spec = settings.sources.specs[source].model_dump()
    rows = read("\n".join((header, line.format("USD"), line.format(""), line.format("$"))) + "\n", f"{source}/a.csv", **spec)
    assert [(row["currency"], row["cost_amount"]) for row in rows["cost"]] == [("USD", Decimal("12.34")), ("EUR", Decimal("12.34"))]
    assert [row["rule"] for row in rows["quarantine"]] == ["bad_currency"]


def test_a_sign_is_a_currency_where_it_can_mean_only_one(read, settings):
    spec = settings.sources.specs["ads_affiliate"].model_dump()
    rows = read("date,network,campaign,cost,currency,clicks\n2026-03-01,awin,c,1.5,€,1\n2026-03-01,awin,c,1.5,euro,1\n", "ads_affiliate/a.csv", **spec)
    assert ([row["currency"] for row in rows["cost"]], [row["rule"] for row in rows["quarantine"]]) == (["EUR"], ["bad_currency"])


def test_a_range_of_days_is_no_day(google, read, settings):
    spec = settings.sources.specs["ads_google"].model_dump()
    rows = read("customer_id,date,ad_network_type,clicks,cost_micros,id,impressions,device\n1,2026-03-01 - 2026-03-31,SEARCH,1,2000000,7,3,MOBILE\n", "ads_google/a.csv", **spec)
    assert [row["rule"] for row in rows["quarantine"]] == ["bad_time"]
