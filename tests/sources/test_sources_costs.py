"""Shipped cost reports: the channel that every line's source and medium lead to."""

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
