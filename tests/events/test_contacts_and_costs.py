"""Present state of contacts; what a campaign cost a day, once."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest

from wayprint.contracts import conform
from wayprint.events.contacts import latest_contacts
from wayprint.events.costs import daily_costs
from wayprint.tables.bronze import RAW_CONTACTS, RAW_COSTS
from wayprint.tables.events import CONTACTS, COSTS

pytestmark = pytest.mark.spark
DAY = dt.date(2026, 3, 1)


def test_a_contact_is_its_latest_state_in_200_worlds_whatever_the_order(rows):
    draw = random.Random(17)
    states = [
        {"record_id": f"{draw.randrange(10**9):09}-{number}", "contact_id": f"c{contact}", "updated_at": dt.datetime(2026, 1, draw.randrange(1, 4)), "language": draw.choice(["fr", None])}
        for contact in range(200) for number in range(draw.randrange(1, 6))]
    expected = {}
    for state in states:
        best = expected.get(state["contact_id"])
        if best is None or (state["updated_at"], state["record_id"]) > (best["updated_at"], best["record_id"]):
            expected[state["contact_id"]] = state
    shuffled = draw.sample(states, len(states))
    for given in (rows(RAW_CONTACTS, *states), rows(RAW_CONTACTS, *shuffled).repartition(5)):
        came = conform(latest_contacts(given), CONTACTS).collect()
        assert sorted((r.contact_id, r.record_id, r.language) for r in came) == sorted((s["contact_id"], s["record_id"], s["language"]) for s in expected.values())


@pytest.fixture
def costs(rows, settings):
    def build(*given: dict):
        lines = [{"record_id": f"r{n}", "cost_date": DAY, "platform": "google", "campaign_id": "c1", "currency": "EUR", **line} for n, line in enumerate(given)]
        return conform(daily_costs(rows(RAW_COSTS, *lines), settings.events), COSTS).orderBy("campaign_id", "currency", "cost_id").collect()
    return build


def test_equal_lines_of_two_files_are_one_and_of_one_file_are_two(costs):
    line = {"cost_amount": Decimal("1.5"), "clicks": 3}
    assert [(r.cost_amount, r.clicks) for r in costs({**line, "file_id": "a"}, {**line, "file_id": "b"})] == [(Decimal("1.5"), 3)]
    assert [(r.cost_amount, r.clicks) for r in costs({**line, "file_id": "a"}, {**line, "file_id": "a"})] == [(Decimal(3), 6)]
    assert [(r.cost_amount, r.clicks) for r in costs({**line, "file_id": "a"}, {**line, "file_id": "a"}, {**line, "file_id": "b"})] == [(Decimal(3), 6)]


def test_a_restated_line_counts_with_its_largest_cost_and_dimensions_add_up(costs):
    mobile, desktop = {"dimensions": "mobile"}, {"dimensions": "desktop"}
    came = costs(
        {"file_id": "a", "cost_amount": Decimal(10), "impressions": 100, **mobile}, {"file_id": "a", "cost_amount": Decimal(4), **desktop},
        {"file_id": "b", "cost_amount": Decimal("10.25"), "impressions": 104, **mobile})
    assert [(r.cost_amount, r.impressions, r.clicks) for r in came] == [(Decimal("14.25"), 104, None)]


def test_currencies_and_accounts_stay_apart_even_where_one_is_missing(costs):
    came = costs(
        {"file_id": "a", "cost_amount": Decimal(1)}, {"file_id": "a", "cost_amount": Decimal(2), "currency": "USD"},
        {"file_id": "a", "cost_amount": Decimal(3), "account_id": "x"}, {"file_id": "a", "cost_amount": Decimal(4), "account_id": "x|c1", "campaign_id": "EUR", "currency": None})
    assert sorted(r.cost_amount for r in came) == [1, 2, 3, 4]
    assert len({r.cost_id for r in came}) == 4


def test_a_campaign_takes_the_name_of_its_costliest_line_and_its_id_without_any(costs):
    named = costs({"file_id": "a", "dimensions": "m", "campaign": "old", "cost_amount": Decimal(1)}, {"file_id": "a", "dimensions": "d", "campaign": "new", "cost_amount": Decimal(2)})
    assert [r.campaign for r in named] == ["new"]
    assert [r.campaign for r in costs({"file_id": "a", "cost_amount": Decimal(1)})] == ["c1"]


def test_the_channel_of_a_cost_is_that_of_the_platforms_clicks(costs):
    came = costs(
        {"campaign_id": "1", "file_id": "a"}, {"campaign_id": "2", "file_id": "a", "platform": "meta"}, {"campaign_id": "3", "file_id": "a", "platform": "microsoft"},
        {"campaign_id": "4", "file_id": "a", "utm_medium": "display"}, {"campaign_id": "5", "file_id": "a", "campaign": "Cross-Network FR"},
        {"campaign_id": "6", "file_id": "a", "campaign": "eshop"}, {"campaign_id": "7", "file_id": "a", "platform": "some network"},
        {"campaign_id": "8", "file_id": "a", "platform": "youtube", "utm_source": "YouTube ", "utm_medium": "CPV"})
    assert [r.channel for r in came] == ["Paid Search", "Paid Social", "Paid Search", "Display", "Cross-network", "Paid Shopping", "Paid Other", "Paid Video"]


def test_the_total_is_exact_and_order_of_delivery_changes_nothing(rows, settings):
    draw = random.Random(19)
    lines = [
        {"record_id": f"r{n}", "file_id": f"f{draw.randrange(4)}", "cost_date": DAY + dt.timedelta(days=draw.randrange(3)), "platform": draw.choice(["google", "meta"]),
         "campaign_id": f"c{draw.randrange(40)}", "dimensions": draw.choice([None, "m", "d"]), "currency": "EUR", "campaign": draw.choice([None, "x", "y"]),
         "cost_amount": Decimal(draw.randrange(10**9)).scaleb(-6), "clicks": draw.choice([None, 1, 2])} for n in range(900)]
    per_file: dict[tuple, Decimal] = {}
    for line in lines:
        key = (*(line[k] for k in ("cost_date", "platform", "campaign_id", "dimensions")), line["file_id"])
        per_file[key] = per_file.get(key, Decimal(0)) + line["cost_amount"]
    figures: dict[tuple, Decimal] = {}
    for (*key, _), cost in per_file.items():
        figures[tuple(key)] = max(cost, figures.get(tuple(key), Decimal(0)))
    once = daily_costs(rows(RAW_COSTS, *lines), settings.events).collect()
    again = daily_costs(rows(RAW_COSTS, *draw.sample(lines, len(lines))).repartition(5), settings.events).collect()
    assert sum(row.cost_amount for row in once) == sum(figures.values())
    assert sorted(map(str, once)) == sorted(map(str, again))
