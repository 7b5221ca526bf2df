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
    new_year = dt.datetime.fromisoformat("2026-01-01")
    states = [
        {"record_id": f"{draw.randrange(10**9):09}-{number}", "contact_id": f"c{contact}",
         "updated_at": new_year + dt.timedelta(days=draw.randrange(3)), "language": draw.choice(["fr", None])}
        for contact in range(200) for number in range(draw.randrange(1, 6))]
    latest = {}
    for state in states:
        standing = latest.setdefault(state["contact_id"], state)
        if (state["updated_at"], state["record_id"]) > (standing["updated_at"], standing["record_id"]):
            latest[state["contact_id"]] = state
    expected = sorted((state["contact_id"], state["record_id"], state["language"]) for state in latest.values())
    shuffled = draw.sample(states, len(states))
    for given in (rows(RAW_CONTACTS, *states), rows(RAW_CONTACTS, *shuffled).repartition(5)):
        came = conform(latest_contacts(given), CONTACTS).collect()
        assert sorted((row.contact_id, row.record_id, row.language) for row in came) == expected


@pytest.fixture
def costs(rows, settings):
    def build(*given: dict):
        usual = {"file_id": "a", "cost_date": DAY, "platform": "google", "campaign_id": "c1", "currency": "EUR"}
        lines = [{**usual, "record_id": f"r{number}", **line} for number, line in enumerate(given)]
        return conform(daily_costs(rows(RAW_COSTS, *lines), settings.events), COSTS).orderBy("campaign_id", "cost_id").collect()
    return build


def test_equal_lines_of_two_files_are_one_and_of_one_file_are_two(costs):
    line = {"cost_amount": Decimal("1.5"), "clicks": 3}
    for files, cost, clicks in (("ab", "1.5", 3), ("aa", "3", 6), ("aab", "3", 6)):
        assert [(row.cost_amount, row.clicks) for row in costs(*[{**line, "file_id": file} for file in files])] == [(Decimal(cost), clicks)]


def test_what_single_actions_cost_is_summed_over_files_and_counted_once_each(costs):
    first, second, third = ({"event_id": name, "cost_amount": Decimal("0.5"), "clicks": 1} for name in "abc")
    came = costs(first, second, {**third, "file_id": "b"}, first, {**second, "file_id": "b"})
    assert [(row.cost_amount, row.clicks) for row in came] == [(Decimal("1.5"), 3)]


def test_a_restated_line_counts_with_its_largest_cost_and_dimensions_add_up(costs):
    mobile, desktop = {"dimensions": "mobile"}, {"dimensions": "desktop"}
    came = costs(
        {"cost_amount": Decimal(10), "impressions": 100, **mobile}, {"cost_amount": Decimal(4), **desktop},
        {"file_id": "b", "cost_amount": Decimal("10.25"), "impressions": 104, **mobile})
    assert [(row.cost_amount, row.impressions, row.clicks) for row in came] == [(Decimal("14.25"), 104, None)]


def test_currencies_and_accounts_stay_apart_even_where_one_is_missing(costs):
    came = costs(
        {"cost_amount": Decimal(1)}, {"cost_amount": Decimal(2), "currency": "USD"}, {"cost_amount": Decimal(3), "account_id": "x"},
        {"cost_amount": Decimal(4), "account_id": "x", "currency": None})
    assert sorted(row.cost_amount for row in came) == [1, 2, 3, 4]
    assert len({row.cost_id for row in came}) == 4


def test_a_campaign_takes_the_name_of_its_costliest_line_and_its_id_without_any(costs):
    old, new = {"dimensions": "m", "campaign": "old", "cost_amount": Decimal(1)}, {"dimensions": "d", "campaign": "new", "cost_amount": Decimal(2)}
    assert [row.campaign for row in costs(old, new)] == ["new"]
    assert [row.campaign for row in costs({"cost_amount": Decimal(1)})] == ["c1"]


CHANNELS = [
    ({}, "Paid Search"), ({"platform": "meta"}, "Paid Social"), ({"platform": "microsoft"}, "Paid Search"), ({"utm_medium": "display"}, "Display"),
    ({"campaign": "Cross-Network FR"}, "Cross-network"), ({"campaign": "eshop"}, "Paid Shopping"), ({"platform": "some network"}, "Paid Other"),
    ({"platform": "google", "utm_source": "YouTube ", "utm_medium": "CPV"}, "Paid Video"),
    ({"utm_source": "www.linkedin.com", "utm_medium": "cpc"}, "Paid Social"), ({"utm_medium": "cross-network"}, "Cross-network")]


def test_the_channel_of_a_cost_is_that_of_the_platforms_clicks(costs):
    came = costs(*[{"campaign_id": str(number), **line} for number, (line, _) in enumerate(CHANNELS)])
    assert [row.channel for row in came] == [channel for _, channel in CHANNELS]


def test_the_total_is_exact_and_order_of_delivery_changes_nothing(rows, settings):
    draw = random.Random(19)
    lines = [
        {"record_id": f"r{number}", "file_id": f"f{draw.randrange(4)}", "cost_date": DAY + dt.timedelta(days=draw.randrange(3)),
         "platform": draw.choice(["google", "meta"]), "campaign_id": f"c{draw.randrange(40)}", "dimensions": draw.choice([None, "m", "d"]),
         "currency": "EUR", "campaign": draw.choice([None, "x", "y"]), "cost_amount": Decimal(draw.randrange(10**9)).scaleb(-6),
         "clicks": draw.choice([None, 1, 2])}
        for number in range(900)]
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


def test_what_a_printed_catalogue_cost_is_of_the_channel_of_the_catalogue(rows, settings):
    costs = daily_costs(rows(RAW_COSTS, {"platform": "catalogue", "utm_source": "catalogue", "utm_medium": "print"}), settings.events)
    assert [c.channel for c in costs.collect()] == ["Catalogue"]
