"""Shipped sources whose records change: orders that come to nothing, tickets answered later; and what one action cost."""

from collections import Counter

import pytest

SYNCED = 1_767_225_600_000_000  # 2026-01-01


@pytest.fixture
def shipped(read, settings):
    def run(source: str, content: str) -> dict:
        return read(content, f"{source}/a.csv", **settings.sources.specs[source].model_dump())

    return run


ORDER = {"id": "1", "created_at": "2025-12-31 10:00:00", "total_price_set_shop_amount": "100.00", "email": "ana@exemple.fr",
         "display_financial_status": "PAID", "_fivetran_synced": "2026-01-01 00:00:00"}


@pytest.mark.parametrize(("change", "verb"), [
    ({}, "purchase"), ({"display_financial_status": "VOIDED"}, "other"), ({"display_financial_status": "expired"}, "other"),
    ({"display_financial_status": "REFUNDED"}, "purchase"), ({"cancelled_at": "2025-12-31 11:00:00"}, "other"), ({"cancelled_at": ""}, "purchase"),
    ({"_fivetran_deleted": "TRUE"}, "other"), ({"_fivetran_deleted": "FALSE"}, "purchase")])
def test_an_order_that_comes_to_nothing_is_no_sale_and_dated_by_its_state(shipped, change, verb):
    order = {**ORDER, **change}
    (row,) = shipped("shopify_orders", f"{','.join(order)}\n{','.join(order.values())}\n")["event"]
    assert (row["event_name"], row["updated_at"], row["event_id"]) == (verb, SYNCED, "1")


def test_a_later_state_without_news_is_the_same_payload(shipped):
    header = ",".join(ORDER)
    first, again = (",".join({**ORDER, "_fivetran_synced": when}.values()) for when in ("2026-01-01 00:00:00", "2026-02-01 00:00:00"))
    rows = shipped("shopify_orders", f"{header}\n{first}\n{again}\n")["event"]
    assert len({row["payload_digest"] for row in rows}) == 1
    assert len({row["updated_at"] for row in rows}) == 2


def test_a_ticket_and_its_closing_are_dated_by_the_state_of_the_record(shipped):
    header = "ticket_id,created_at,closed_at,channel,email,phone,customer_login,category,status,satisfaction,updated_at"
    rows = shipped("service_tickets", f"{header}\n7,2025-12-01,2025-12-02,chat,,,ana,delivery,closed,4,2026-01-01\n")["event"]
    assert [(row["event_name"], row["updated_at"]) for row in rows] == [("ticket_opened", SYNCED), ("ticket_closed", SYNCED)]


def test_what_a_catalogue_cost_is_named_by_its_sending(shipped):
    line = "2026-01-01,C1,Spring,0.50"
    rows = shipped("catalogue_sends", f"sent_at,loyalty_card,campaign,cost\n{line}\n{line.replace('C1', 'C2')}\n{line}\n")
    assert [row["event_id"] for row in rows["cost"]] == [row["event_id"] for row in rows["event"]]
    assert sorted(Counter(row["event_id"] for row in rows["cost"]).values()) == [1, 2]
