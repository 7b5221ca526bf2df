"""The Spark expression of the rules: equal to the plain function, hints derived where tags are missing, own channels first."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from wayprint.events.channels import classify, place_in_channels
from wayprint.tables.events import UNIQUE_EVENTS

pytestmark = pytest.mark.spark


@pytest.fixture
def placed(rows, settings):
    def build(*given: dict):
        events = rows(UNIQUE_EVENTS, *[{"event_name": "page_view", "platform": "web", **event} for event in given])
        return [tuple(row) for row in place_in_channels(events, settings.events.channels)
                .orderBy(F.regexp_extract("event_key", r"\d+$", 0).cast("int")).select("channel", "channel_rule", "is_digital").collect()]
    return build


def test_the_expression_and_the_function_agree_on_the_whole_truth_table(placed, settings):
    cases = list(csv.DictReader((Path(__file__).parent / "channel_cases.csv").open(encoding="utf-8")))
    came = placed(*[{"utm_source": c["source"] or None, "utm_medium": c["medium"] or None, "utm_campaign": c["campaign"] or None} for c in cases])
    assert [channel for channel, _, _ in came] == [c["channel"] for c in cases]
    assert [channel for channel, _, _ in came] == [
        classify(c["source"] or None, c["medium"] or None, c["campaign"] or None, settings.events.channels) for c in cases]


HINTS = [
    ({}, "Direct"),
    ({"utm_source": " ", "utm_medium": ""}, "Direct"),
    ({"page_host": "shop.example", "referrer_host": "shop.example"}, "Direct"),
    ({"referrer_host": "blog.example"}, "Referral"),
    ({"referrer_host": "www.google.com"}, "Organic Search"),
    ({"referrer_host": "google.co.uk"}, "Organic Search"),
    ({"referrer_host": "www.google.com.br"}, "Organic Search"),
    ({"referrer_host": "mail.google.com"}, "Referral"),
    ({"referrer_host": "notgoogle.com"}, "Referral"),
    ({"referrer_host": "google.com.evil.example"}, "Referral"),
    ({"referrer_host": "fr.search.yahoo.com"}, "Organic Search"),
    ({"referrer_host": "search.brave.com"}, "Organic Search"),
    ({"referrer_host": "www.ecosia.org"}, "Organic Search"),
    ({"referrer_host": "ask.fm"}, "Referral"),
    ({"referrer_host": "m.facebook.com"}, "Organic Social"),
    ({"referrer_host": "l.instagram.com"}, "Organic Social"),
    ({"referrer_host": "out.reddit.com"}, "Organic Social"),
    ({"referrer_host": "t.co"}, "Organic Social"),
    ({"referrer_host": "fr.pinterest.com"}, "Organic Social"),
    ({"utm_source": "web.facebook.com", "utm_medium": "cpc"}, "Paid Social"),
    ({"utm_source": "fr.blog.example", "utm_medium": "referral"}, "Referral"),
    ({"referrer_host": "x.com"}, "Organic Social"),
    ({"referrer_host": "www.youtube.com"}, "Organic Video"),
    ({"referrer_host": "www.amazon.fr"}, "Organic Shopping"),
    ({"click_id_type": "gclid"}, "Paid Search"),
    ({"click_id_type": "msclkid", "referrer_host": "www.bing.com"}, "Paid Search"),
    ({"click_id_type": "gclid", "referrer_host": "blog.example"}, "Paid Search"),
    ({"click_id_type": "gclid", "utm_campaign": "eshop"}, "Paid Shopping"),
    ({"click_id_type": "dclid"}, "Display"),
    ({"click_id_type": "ttclid"}, "Paid Social"),
    ({"click_id_type": "fbclid"}, "Organic Social"),
    ({"click_id_type": "fbclid", "utm_source": "facebook", "utm_medium": "cpc"}, "Paid Social"),
    ({"click_id_type": "newclid"}, "Direct"),
    ({"click_id_type": "gclid", "utm_source": "newsletter", "utm_medium": "email"}, "Email"),
    ({"referrer_host": "www.google.com", "utm_source": "newsletter"}, "Unassigned"),
]


def test_without_tags_the_click_id_the_results_page_and_the_referrer_tell_in_that_order(placed):
    came = [channel for channel, _, _ in placed(*[hints for hints, _ in HINTS])]
    assert [(*hints, channel) for (hints, _), channel in zip(HINTS, came, strict=True)] == [(*hints, channel) for hints, channel in HINTS]


OWN = [
    ({"event_name": "purchase", "platform": "store"}, ("Store", "own_store", False)),
    ({"event_name": "store_visit", "platform": "web", "utm_source": "google", "utm_medium": "cpc"}, ("Store", "own_store", False)),
    ({"event_name": "product_view", "platform": "kiosk"}, ("Kiosk", "own_kiosk", False)),
    ({"event_name": "call_in", "platform": "call_centre"}, ("Call centre", "own_call_centre", False)),
    ({"event_name": "ticket_opened", "platform": "call_centre"}, ("Service", "own_service", True)),
    ({"event_name": "catalogue_sent", "platform": "crm"}, ("Catalogue", "own_catalogue", False)),
    ({"event_name": "other", "platform": "crm"}, ("CRM", "own_crm", True)),
    ({"event_name": "survey_answer", "platform": "web"}, ("Survey", "own_survey", True)),
    ({"event_name": "product_usage", "platform": "app"}, ("IoT", "own_iot", True)),
    ({"event_name": "error", "platform": "iot"}, ("IoT", "own_iot", True)),
    ({"event_name": "email_sent", "platform": None}, ("Email", "own_email", True)),
    ({"event_name": "email_click", "platform": "email", "utm_campaign": "shop"}, ("Email", "own_email", True)),
    ({"event_name": "sms_sent"}, ("SMS", "own_sms", True)),
    ({"event_name": "push_sent", "platform": "app"}, ("Mobile Push Notifications", "own_push", True)),
    ({"event_name": "page_view", "platform": "app"}, ("App", "own_app", True)),
    ({"event_name": "page_view", "platform": "app", "utm_source": "google", "utm_medium": "cpc"}, ("Paid Search", "ga4_04_paid_search", True)),
    ({"event_name": "ad_impression", "platform": "ads", "utm_source": "criteo", "utm_medium": "display"}, ("Display", "ga4_07_display", True)),
    ({"event_name": "ad_click", "platform": "ads"}, ("Paid Other", "own_ad_without_tags", True)),
    ({"event_name": "page_view", "platform": "web"}, ("Direct", "ga4_01_direct", True)),
    ({"event_name": "purchase", "platform": None}, ("Direct", "ga4_01_direct", True)),
    ({"event_name": "page_view", "utm_source": "tv", "utm_medium": "spot"}, ("Unassigned", "ga4_unassigned", True)),
]


def test_own_channels_come_first_with_their_rule_and_whether_they_are_digital(placed):
    assert placed(*[event for event, _ in OWN]) == [place for _, place in OWN]


def test_without_own_channels_the_groups_decide_alone(rows, settings):
    groups_only = settings.events.channels.model_copy(update={"own": ()})
    events = rows(UNIQUE_EVENTS, {"event_name": "purchase", "platform": "store"})
    assert place_in_channels(events, groups_only).first().channel == "Direct"
