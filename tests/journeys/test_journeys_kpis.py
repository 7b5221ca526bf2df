"""Every figure of the dictionary is counted as it says, and channels add up to the whole."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest

from wayprint.contracts import conform
from wayprint.journeys.kpis import active_persons, count_kpis, place_sales
from wayprint.tables.events import EVENTS
from wayprint.tables.journeys import CONVERSIONS, JOURNEYS, SESSIONS, TOUCHES, VISITS
from wayprint.tables.quality import KPIS

pytestmark = pytest.mark.spark
MARCH, APRIL = dt.date(2026, 3, 1), dt.date(2026, 4, 1)


@pytest.fixture
def figures(rows, at, knobs):
    april = dt.datetime.fromisoformat("2026-04-01")
    sessions = rows(
        SESSIONS, {"started_at": at("10:00"), "channel": "Email", "is_engaged": True}, {"started_at": at("10:00"), "channel": "Direct"},
        {"started_at": april - dt.timedelta(seconds=1), "channel": "Direct"}, {"started_at": april, "channel": "Direct"})
    came = [("Email", True), ("Email", False), ("Store", False)]
    visits = rows(VISITS, *[{"started_at": at("10:00"), "channel": c, "has_conversion": b} for c, b in came])
    names = ["email_sent", "email_sent", "email_click", "ticket_opened", "payment_error", "purchase", "purchase",
             "survey_answer", "survey_answer", "other"]
    touches = rows(TOUCHES, *[{
        "event_name": name, "happened_at": at("10:00"), "channel": "Email" if n % 2 else "Direct", "is_digital": n != 6,
        "person_id": None if n == 9 else f"person-{0 if n == 7 else n % 3}", "direction": "outbound" if name == "email_sent" else "inbound",
        "stage": None if name == "other" else "search", "score": {7: 0.8, 8: 0.2}.get(n)} for n, name in enumerate(names)])
    conversions = rows(
        CONVERSIONS,
        {"converted_at": at("10:00"), "channel": "Email", "is_digital": True, "currency": "EUR", "gross_amount": Decimal("0.10"), "revenue_amount": Decimal("0.10")},
        {"converted_at": april, "channel": "Email", "currency": "EUR", "gross_amount": Decimal("8"), "revenue_amount": Decimal("8")},
        {"converted_at": april, "channel": "Store", "currency": "CHF", "gross_amount": Decimal("6"), "refund_amount": Decimal("3"), "revenue_amount": Decimal("3")},
        {"converted_at": april, "channel": "Store", "currency": None, "gross_amount": Decimal("1"), "revenue_amount": Decimal("1")},
        {"converted_at": at("10:00"), "channel": "Store", "currency": "EUR", "gross_amount": Decimal("10.20"), "refund_amount": Decimal("5.10"),
         "revenue_amount": Decimal("5.10")})
    journeys = rows(
        JOURNEYS,
        {"started_at": at("10:00"), "ended_at": at("3 22:00"), "ended_by": "conversion", "channels": ["Email", "Direct"], "visits": 2, "sources": 1},
        {"started_at": at("10:00"), "ended_at": at("3 10:00"), "ended_by": "conversion", "channels": ["Direct"], "visits": 5, "sources": 3},
        {"started_at": at("10:00"), "ended_at": at("3 10:00"), "ended_by": "silence", "channels": ["Direct"]},
        {"started_at": at("10:00"), "ended_at": april, "ended_by": "open", "channels": ["Direct"]},
        {"started_at": april, "ended_at": april, "ended_by": "conversion", "channels": ["Direct"], "visits": 1, "sources": 1})
    events = rows(EVENTS, *[{"event_name": n, "happened_at": at("10:00"), "channel": "Direct"} for n in ("page_ping", "consent", "page_view")])
    counted = conform(count_kpis(events, sessions, touches, visits, conversions, journeys, knobs, dt.date(2026, 4, 30)), KPIS).collect()
    return {(k.kpi, k.month, k.channel, k.currency): k for k in counted}


def test_a_sale_online_counts_under_the_channel_of_its_visit_and_one_in_a_shop_under_the_shop(rows, at, knobs):
    def row(key, visit, order, name="purchase"):
        held = (key, at("10:00"), "Direct", "purchase", "inbound", name, visit, None, False)
        return held, {"event_key": key, "order_id": order, "is_conversion": name == "purchase", "happened_at": at("10:00")}

    told = [row("k1", "paid", "o1"), row("k2", "direct", "o2"), row("k3", "paid", "o2"), row("k4", None, "o3"), row("k5", "till", "o4"), row("k6", "paid", "o5"),
            row("k7", "paid", "o3", "page_view")]
    journeys = rows(JOURNEYS, {"touches": [held for held, _ in told]})
    touches = rows(TOUCHES, *[touch for _, touch in told])
    channels = {"paid": "Paid Search", "direct": "Direct", "till": "Store"}
    visits = rows(VISITS, *[{"visit_id": v, "channel": c, "is_digital": v != "till"} for v, c in channels.items()])
    sales = rows(CONVERSIONS, *[{"order_id": f"o{n}", "channel": "Direct" if n < 5 else "Store", "is_digital": n < 5} for n in range(1, 6)])
    placed = place_sales(sales, touches, visits, journeys, knobs).collect()
    assert {sale.order_id: sale.channel for sale in placed} == {
        "o1": "Paid Search", "o2": "Paid Search", "o3": "Direct", "o4": "Direct", "o5": "Store"}


def test_nobody_is_active_by_what_a_system_books_or_a_mail_program_opens(rows, at, knobs):
    names = ["email_open", "refund", "ticket_closed", "email_click", "page_view"]
    touches = rows(TOUCHES, *[{"event_name": name, "person_id": name, "happened_at": at("10:00"), "direction": "machine" if name == "email_open" else "inbound", "channel": "Email"} for name in names])
    assert {row.channel: row.amount for row in active_persons(touches, knobs).collect()} == {"Email": 2, "(all)": 2}


def test_every_figure_of_the_dictionary_is_counted_as_it_says(figures, knobs):
    march = {kpi: figure.value for (kpi, month, channel, _), figure in figures.items() if (month, channel) == (MARCH, "(all)")}
    assert march == pytest.approx({
        "sessions": 3, "engagement_rate": 1 / 3, "visits": 3, "conversion_rate": 1 / 3, "touches": 10, "unmapped_share": 0.1, "ignored_events": 2,
        "active_persons": 3, "conversions": 2, "gross_amount": 10.30, "refund_amount": 5.10, "revenue_amount": 5.20, "refund_share": 5.1 / 10.3,
        "digital_revenue_share": 0.1 / 5.2, "average_basket": 2.6, "journey_conversion_rate": 2 / 3, "cycle_days": 1.25, "visits_to_purchase": 3.5,
        "sources_to_purchase": 2, "satisfaction_rate": 0.5, "tickets": 1, "payment_error_rate": 0.5, "emails_sent": 2, "email_click_rate": 0.5})
    assert set(march) == set(knobs.kpis)


def test_journeys_have_a_rate_of_conversion_once_those_that_fade_out_are_known_too(figures):
    assert [figures["visits_to_purchase", month, "(all)", "XXX"].denominator for month in (MARCH, APRIL)] == [2, 1]
    assert figures["journey_conversion_rate", MARCH, "(all)", "XXX"].denominator == 3
    assert ("journey_conversion_rate", APRIL, "(all)", "XXX") not in figures  # 30 days before the 30th of April is the 31st of March


def test_channels_add_up_to_the_whole_exactly_where_the_dictionary_says_so(figures, knobs):
    sums = defaultdict(Decimal)
    for (kpi, month, channel, currency), figure in figures.items():
        if knobs.kpis[kpi].kind == "additive" and channel != "(all)":
            sums[kpi, month, currency] += Decimal(str(figure.value))
    wholes = {(*key[:2], key[3]): Decimal(str(f.value)) for key, f in figures.items() if key[2] == "(all)" and knobs.kpis[key[0]].kind == "additive"}
    assert sums == wholes
    assert ("sessions", APRIL, "XXX") in wholes
    assert [figures["active_persons", MARCH, c, "XXX"].value for c in ("Direct", "Email", "(all)")] == [3, 2, 3]  # each once in all


def test_a_ratio_shows_what_it_is_made_of_and_is_absent_without_a_denominator(figures):
    rate = figures["conversion_rate", MARCH, "Email", "XXX"]
    assert (rate.value, rate.numerator, rate.denominator) == (0.5, 1.0, 2.0)
    assert figures["conversion_rate", MARCH, "Store", "XXX"].value == 0.0
    assert ("conversion_rate", APRIL, "(all)", "XXX") not in figures


def test_money_of_two_currencies_is_never_added(figures):
    april = {(kpi, currency): figure.value for (kpi, month, channel, currency), figure in figures.items() if (month, channel) == (APRIL, "(all)")}
    assert {currency: value for (kpi, currency), value in april.items() if kpi == "revenue_amount"} == {"EUR": 8.0, "CHF": 3.0, "XXX": 1.0}
    assert (april["average_basket", "EUR"], april["average_basket", "CHF"], april["refund_share", "CHF"]) == (8.0, 3.0, 0.5)
    assert [(currency, value) for (kpi, currency), value in april.items() if kpi == "conversions"] == [("XXX", 3.0)]
