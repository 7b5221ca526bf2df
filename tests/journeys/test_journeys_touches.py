"""A touch has the right person, stage, direction and marketing flag; internal events are left out."""

from __future__ import annotations

import pytest

from wayprint.contracts import conform
from wayprint.journeys.touches import place_touches
from wayprint.tables.events import EVENTS
from wayprint.tables.identity import EPISODES, IDENTITY_MAP
from wayprint.tables.journeys import TOUCHES

pytestmark = pytest.mark.spark


@pytest.fixture
def placed(rows, knobs):
    def place(*events, owners=(), settings=None):
        numbered = [{"event_key": f"k{number}", "is_digital": True, **event} for number, event in enumerate(events)]
        known = rows(IDENTITY_MAP, *(owners or [{"identifier_id": "ann@", "person_id": "ann"}]))
        touches = conform(place_touches(rows(EVENTS, *numbered), known, rows(EPISODES), settings or knobs), TOUCHES).collect()
        return {t.event_key: t for t in sorted(touches, key=lambda t: int(t.event_key[1:]))}

    return place


def test_the_shipped_rules_place_actions_in_stages(placed):
    told = [
        ({"event_name": "ad_impression", "channel": "Display"}, "need", "before", "outbound"),
        ({"event_name": "email_sent", "channel": "Email"}, "need", "before", "outbound"),
        ({"event_name": "email_open", "channel": "Email"}, "need", "before", "machine"),
        ({"event_name": "catalogue_sent", "channel": "Catalogue"}, "need", "before", "outbound"),
        ({"event_name": "call_out", "channel": "Call centre"}, "need", "before", "outbound"),
        ({"event_name": "email_click", "channel": "Email"}, "need", "before", "inbound"),
        ({"event_name": "page_view", "page_path": "/"}, "need", "before", "inbound"),
        ({"event_name": "page_view", "page_path": "/sofas"}, "search", "before", "inbound"),
        ({"event_name": "page_view"}, "search", "before", "inbound"),
        ({"event_name": "page_view", "page_path": "/produit/42"}, "compare", "before", "inbound"),
        ({"event_name": "page_view", "page_path": "/p/42/avis"}, "reviews", "before", "inbound"),
        ({"event_name": "page_view", "page_path": "/Panier"}, "purchase", "during", "inbound"),
        ({"event_name": "page_view", "page_path": "/mon-compte"}, "usage", "usage", "inbound"),
        ({"event_name": "page_view", "page_path": "/aide"}, "service", "after", "inbound"),
        ({"event_name": "purchase", "channel": "Store"}, "purchase", "during", "inbound"),
        ({"event_name": "other", "channel": "IoT"}, "usage", "usage", "inbound"),
        ({"event_name": "ticket_opened", "channel": "Service"}, "service", "after", "inbound"),
        ({"event_name": "review_posted"}, "share", "after", "inbound"),
        ({"event_name": "recommend"}, "recommend", "after", "inbound"),
        ({"event_name": "other"}, None, None, "inbound")]
    touches = placed(*[{"channel": "Direct", **event} for event, *_ in told])
    assert [(t.stage, t.phase, t.direction) for t in touches.values()] == [tuple(expected) for _, *expected in told]
    assert touches["k0"].touchpoint == "need / Display"
    assert touches["k19"].touchpoint is None


def test_internal_events_are_left_out(placed, knobs):
    touches = placed(*[{"event_name": name} for name in knobs.stages.ignored_events], {"event_name": "search"})
    assert [t.event_name for t in touches.values()] == ["search"]


def test_a_touch_without_identifier_or_with_nobodys_is_kept_for_nobody(placed):
    touches = placed(
        {"identifier_id": "ann@"}, {"identifier_id": "kiosk"}, {"identifier_id": None}, {"identifier_id": "unseen"},
        owners=[{"identifier_id": "ann@", "person_id": "ann"}, {"identifier_id": "kiosk", "person_id": None}])
    assert [t.person_id for t in touches.values()] == ["ann", None, None, None]


def test_an_exposure_or_an_arrival_through_a_marketing_channel_may_earn_credit(placed):
    told = [
        ({"event_name": "page_view", "channel": "Paid Search", "platform": "web", "click_id_type": "gclid"}, True),
        ({"event_name": "page_view", "channel": "Organic Search", "platform": "web", "referrer_host": "www.bing.com"}, True),
        ({"event_name": "page_view", "channel": "Email", "platform": "app", "utm_source": "news"}, True),
        ({"event_name": "page_view", "channel": "Email", "platform": "web", "utm_medium": "email"}, True),
        ({"event_name": "page_view", "channel": "Paid Shopping", "platform": "web", "utm_campaign": "shopping cpc"}, True),
        ({"event_name": "page_view", "channel": "Direct", "platform": "web"}, False),
        ({"event_name": "page_view", "channel": "Unassigned", "platform": "web", "utm_source": "odd"}, False),
        ({"event_name": "page_view", "channel": "Paid Search", "platform": "web"}, False),
        ({"event_name": "ad_click", "channel": "Display", "platform": "ads"}, True),
        ({"event_name": "email_click", "channel": "Email", "platform": "email"}, True),
        ({"event_name": "catalogue_sent", "channel": "Catalogue", "platform": "catalogue"}, True),
        ({"event_name": "email_sent", "channel": "Email", "platform": "email", "utm_source": "news"}, False),
        ({"event_name": "purchase", "channel": "Store", "platform": "store"}, False)]
    touches = placed(*[event for event, _ in told])
    assert [t.is_marketing for t in touches.values()] == [expected for _, expected in told]


def test_the_word_for_no_order_number_is_no_number(placed):
    said = ["(not set)", "NULL", " none ", "", "-", None, "4711", "N-1"]
    touches = placed(*[{"event_name": "purchase", "order_id": number} for number in said])
    assert [t.order_id for t in touches.values()] == [None] * 6 + ["4711", "N-1"]
    (rule,) = [rule for rule in TOUCHES.checks if rule.name == "a purchase has its order"]
    assert rule.severity == "warn"


def test_scores_become_shares_of_their_scale_and_families_a_sorted_set(placed):
    touches = placed(
        {"event_name": "survey_answer", "score": 4.0, "score_scale": 5.0}, {"event_name": "survey_answer", "score": 4.0},
        {"event_name": "survey_answer", "score": 4.0, "score_scale": 0.0},
        {"event_name": "add_to_cart", "items": [("1", "sofas", 1, None), ("2", "beds", 1, None), ("3", "sofas", 1, None), ("4", None, 1, None)]},
        {"origin_id": "cookie", "identifiers": [("login", "ann@"), ("web_cookie", "cookie")]},
        {"origin_id": "ann@", "identifiers": [("login", "ann@")]})
    assert [touches[f"k{n}"].score for n in range(3)] == [0.8, None, None]
    assert touches["k3"].families == ["beds", "sofas"]
    assert [touches[k].device_id for k in ("k4", "k5")] == ["cookie", None]


def test_opening_and_closing_told_by_one_record_are_of_one_ticket(placed):
    told = [("care", "7", "ticket_opened"), ("care", "7:ticket_closed", "ticket_closed"), ("care", "8:ticket_closed", "ticket_closed"),
            ("other", "7", "ticket_opened"), ("care", "7:search", "search")]
    found = [t.ticket_id for t in placed(*[dict(zip(("source", "event_id", "event_name"), one, strict=True)) for one in told]).values()]
    assert found[0] == found[1]
    assert len({*found[:4]}) == 3
    assert found[4] is None


def test_the_scope_leaves_out_excluded_stages_and_other_families(placed, settings):
    plan = settings.journeys.stages.model_dump()
    plan["scope"] |= {"excluded_stages": ["service"], "families": ["sofas"]}
    touches = placed(
        {"event_name": "ticket_opened"}, {"event_name": "product_view", "items": [("1", "beds", 1, None)]},
        {"event_name": "product_view", "items": [("2", "sofas", 1, None)]}, {"event_name": "search"}, {"event_name": "other"},
        settings=settings.replace("journeys", stages=plan).journeys)
    assert list(touches) == ["k2", "k3", "k4"]


def test_the_touches_of_some_identifiers_are_the_same_without_the_others(rows, knobs):
    events = rows(EVENTS, *[{"event_key": f"k{n}", "identifier_id": f"id-{n % 5}" if n % 7 else None} for n in range(40)])
    known = rows(IDENTITY_MAP, *[{"identifier_id": f"id-{n}", "person_id": f"person-{n // 2}"} for n in range(4)])
    asked = ["id-1", "id-4"]
    whole = place_touches(events, known, rows(EPISODES), knobs)
    part = place_touches(events.where(events.identifier_id.isin(*asked)), known.where(known.identifier_id.isin(*asked)), rows(EPISODES), knobs)
    assert sorted(part.collect()) == sorted(whole.where(whole.identifier_id.isin(*asked)).collect())
