"""The truth folder tells what the raw files hold, and the model does what its docstring says."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from wayprint.world import build
from wayprint.world.behaviour import BASE, KEEPS_RELIEF, RELIEF, SLOPE, month_chance, wish_chance
from wayprint.world.campaigns import CHANNELS, OPEN_EXPOSURE

MARKETING = ["Email", "Paid Search", "Paid Social", "Display", "Affiliates", "Catalogue"]


def test_shares_sum_to_one_and_the_placebo_has_none(written):
    effects = written.truth("channel_effects").set_index("channel")
    assert effects.index.tolist() == MARKETING
    assert effects["true_share"].sum() == pytest.approx(1, abs=1e-12)
    assert (effects.loc["Affiliates", ["true_effect", "true_incremental_conversions", "true_share"]] == 0).all()
    assert effects.loc["Affiliates", "exposures"] > 50
    assert (effects.drop("Affiliates")["true_share"] > 0.02).all()
    assert 0.1 < effects["true_incremental_conversions"].sum() / effects["expected_conversions"].iloc[0] < 0.35


def test_conversions_lost_are_those_of_a_world_whose_exposures_are_counted_by_hand():
    scene = build(people=60, days=50, seed=2).scene
    behaviour, count = scene.behaviour, 60
    fresh = np.zeros((len(CHANNELS), scene.days, count))
    for person, day, channel in behaviour.hits.loc[behaviour.hits["channel"] < len(CHANNELS),
        ["person", "day", "channel"]].to_numpy(dtype=int):
        fresh[channel, day, person] += 1
    for row in behaviour.emails.itertuples():
        fresh[0, row.day, row.person] += 1 if row.clicked else OPEN_EXPOSURE if row.opened else 0
    for row in behaviour.catalogues.itertuples():
        fresh[5, row.day, row.person] += 1
    lost, total, stock = [0.0] * len(CHANNELS), 0.0, np.zeros((len(CHANNELS), count))
    for day in range(scene.days):
        for person in range(count):
            log_hazard = BASE + SLOPE * float(behaviour.intent[day, person]) - RELIEF * float(behaviour.relief[day, person])
            for channel, one in enumerate(CHANNELS):
                stock[channel, person] = one.keeps * stock[channel, person] + fresh[channel, day, person]
            push = [one.effect * stock[channel, person] for channel, one in enumerate(CHANNELS)]
            succeeds = float(behaviour.success[day, person])
            chance = 1 - math.exp(-math.exp(log_hazard + sum(push)))
            total += succeeds * chance
            for channel in range(len(CHANNELS)):
                lost[channel] += succeeds * (chance - (1 - math.exp(-math.exp(log_hazard + sum(push) - push[channel]))))
    assert behaviour.expected == pytest.approx(total, rel=1e-5)
    assert behaviour.lost == pytest.approx(lost, rel=1e-4, abs=1e-12)
    assert behaviour.lost[4] == 0


def test_the_placebo_runs_after_those_who_want_to_buy(written):
    scene = written.world.scene
    visits = scene.traffic.visits
    wish = scene.behaviour.intent[visits["day"], visits["person"]]
    web = (visits["platform"] == "web").to_numpy()
    by_channel = {name: wish[web & (visits["channel"] == number).to_numpy()].mean() for number, name in enumerate(MARKETING[:5])}
    assert max(by_channel, key=by_channel.get) == "Affiliates"
    assert by_channel["Affiliates"] > by_channel["Paid Social"] + 0.5


def test_the_month_chance_is_what_many_lives_would_show():
    scene = build(people=400, days=60, seed=4).scene
    behaviour, rng = scene.behaviour, np.random.default_rng(0)
    told = month_chance(behaviour, 20)
    bought = np.zeros((300, 400), bool)
    for life in range(300):
        for day in range(20, 50):
            relieved = behaviour.relief[20] * KEEPS_RELIEF ** (day - 20)
            bought[life] |= rng.random(400) < behaviour.success[day] * wish_chance(behaviour.hazard[day], relieved)
    error = np.sqrt(told * (1 - told) / 300) + 1e-3
    assert (np.abs(bought.mean(axis=0) - told) < 5 * error).all()


def test_intents_are_calibrated_and_tell_who_buys(written):
    intents, purchases = written.truth("intents"), written.truth("purchases")
    assert set(intents["month"]) == {"2026-01-01", "2026-02-01", "2026-03-01"}
    expected = variance = observed = 0.0
    for month, group in intents.groupby("month"):
        begin = pd.Timestamp(month, tz="UTC")
        times = pd.to_datetime(purchases["time"])
        buyers = set(purchases.loc[(times >= begin) & (times < begin + pd.Timedelta(days=30)), "true_person"])
        chance, bought = group["purchase_probability_30d"], group["true_person"].isin(buyers)
        expected, variance, observed = expected + chance.sum(), variance + (chance * (1 - chance)).sum(), observed + bought.sum()
        assert 0.06 < bought.mean() < 0.20
        assert chance[bought].mean() > 2 * chance[~bought].mean()
    assert abs(observed - expected) < 4 * math.sqrt(variance)


def test_each_purchase_stands_in_the_files_of_its_place_with_its_amount(written, hits):
    told = written.truth("purchases").assign(amount=lambda p: (p["amount"].astype(float) * 100).round().astype(int))
    online = told[told["place"] != "store"].set_index("order_id")["amount"].sort_index()
    shop = written.table("shopify_orders").set_index("id")["total_price_set_shop_amount"].astype(float).mul(100).round().astype(int).sort_index()
    assert shop.to_dict() == online.to_dict()
    sold = hits[hits["event"] == "transaction"].drop_duplicates("event_id")
    assert set(sold["tr_orderid"]) == set(told.loc[told["place"] == "web", "order_id"])
    assert set(hits.loc[hits["event"] == "transaction_item", "ti_orderid"]) == set(sold["tr_orderid"])
    app = {c["properties"]["orderId"] for c in written.json("segment_app") if c.get("event") == "Order Completed"}
    assert app == set(told.loc[told["place"] == "app", "order_id"])
    tickets = written.table("store_tickets").astype({"quantity": int, "unit_price": float, "discount": float})
    tickets["cents"] = (100 * (tickets["quantity"] * tickets["unit_price"] - tickets["discount"])).round().astype(int)
    in_store = told[told["place"] == "store"].set_index("order_id")["amount"]
    assert tickets[tickets["quantity"] > 0].groupby("ticket_id")["cents"].sum().to_dict() == in_store.to_dict()
    back = tickets[tickets["quantity"] < 0]
    assert set(back["ticket_id"].str[1:]) <= set(tickets["ticket_id"])
    assert (back["cents"] < 0).all()


def test_shop_lines_add_up_to_their_order(written):
    lines = written.table("shopify_order_lines")
    gross, discount = (lines[f"{name}_set_shop_amount"].astype(float) for name in ("original_total", "total_discount"))
    cents = (gross - discount).mul(100).round().astype(int)
    orders = written.table("shopify_orders").set_index("id")["total_price_set_shop_amount"].astype(float).mul(100).round().astype(int)
    assert cents.groupby(lines["order_id"]).sum().to_dict() == orders.to_dict()


def test_what_no_record_ties_to_its_person_stands_apart(written, hits):
    """Another way to the same answer: a cookie is tied if it logged in, or bought under an address that is, alone or shared aside."""
    tied, untied = written.truth("identifiers"), written.truth("untied_identifiers")
    assert not set(zip(tied["type"], tied["value"], strict=True)) & set(zip(untied["type"], untied["value"], strict=True))
    named = set(hits.loc[(hits["user_id"] != "") & (hits["user_id"] != "null"), "domain_userid"])
    assert not named & set(untied.loc[untied["type"] == "web_cookie", "value"])
    emails = written.table("shopify_orders").drop_duplicates("id").set_index("id")["email"]
    orders = hits.loc[hits["tr_orderid"].isin(emails.index), ["domain_userid", "tr_orderid"]]
    alone = orders["tr_orderid"].map(emails).isin(untied.loc[untied["type"] == "email", "value"])
    own = orders["domain_userid"].isin(tied.loc[tied["type"].eq("web_cookie") & ~tied["is_shared"], "value"])
    strays = orders["domain_userid"].isin(untied.loc[untied["type"] == "web_cookie", "value"])
    assert not (strays & ~alone).any()
    assert (own & ~orders["domain_userid"].isin(named)).sum() > 10
    assert len(untied) > 20


def test_identifiers_are_exactly_those_that_stand_in_the_files(written, hits):
    shown = pd.concat([written.truth("identifiers"), written.truth("untied_identifiers").assign(is_shared=False, is_junk=False)])
    values = {kind: set(group["value"]) for kind, group in shown.groupby("type")}
    bots = set(written.truth("planted").query("kind == 'bot'")["key"])
    calls, advice = written.json("segment_app"), written.json("ga4_content")
    assert values["web_cookie"] == set(hits["domain_userid"]) - bots
    assert values["ga_client"] == {h["user_pseudo_id"] for h in advice}
    assert values["app_device"] == {c["anonymousId"] for c in calls}
    assert values["maid"] == {c["context"]["device"]["advertisingId"] for c in calls}
    crm = written.table("crm_contacts")
    assert values["crm_id"] == set(crm["contact_id"])
    assert values["loyalty_card"] == {*crm["loyalty_card"], *written.table("store_tickets")["loyalty_card"],
        *written.table("catalogue_sends")["loyalty_card"], *written.table("survey_answers")["loyalty_card"]} - {""}
    assert values["mail_person"] == set(written.table("klaviyo_people")["id"]) | set(written.table("klaviyo_events")["person_id"])
    assert values["shop_customer"] == set(written.table("shopify_customers")["id"])
    emails = {*crm["email"].str.lower(), *written.table("klaviyo_people")["email"], *written.table("shopify_orders")["email"],
        *written.table("survey_answers")["email"], *written.table("service_tickets")["email"]} - {""}
    assert emails <= values["email"]
    assert values["email"] - emails <= {e for e in values["email"] if e[0].isalpha()}  # those shown by their hash only
    assert shown.loc[shown["type"] == "phone", "value"].str.fullmatch(r"\+33[67]\d{8}|0{10}|\+330{9}").all()
    own = shown[~shown["is_shared"] & ~shown["is_junk"]]
    assert not own.duplicated(["type", "value"]).any()
    assert set(shown.loc[shown["is_shared"] & ~shown["is_junk"], "type"]) == {"web_cookie", "ga_client", "adobe_visitor"}


def test_a_kitchen_looked_up_on_the_web_is_never_bought_in_a_store(written):
    scene = written.world.scene
    visits, orders = scene.traffic.visits, scene.traffic.orders
    web = visits[visits["platform"] == "web"]
    sold = orders[(orders["place"] == 0) & (orders["family"] == 7)]
    for person, day in sold[["person", "day"]].to_numpy():
        days = web.loc[(web["person"] == person) & ~web["locator"], "day"]
        assert not ((days <= day) & (days >= day - 30)).any()
    refused = scene.traffic.attempts[scene.traffic.attempts["refused"]]
    assert len(refused) > 5
    assert (orders[(orders["place"] == 0) & (orders["family"] != 7)].shape[0]) > 50
    finders = set(zip(*visits.loc[visits["locator"], ["person", "day"]].to_numpy().T, strict=True))
    assert all(pair in finders for pair in zip(refused["person"], refused["day"], strict=True))


def test_phones_convert_less_while_payments_fail(written, hits):
    incident = written.truth("incidents").set_index("incident").loc["payment_error_mobile"]
    phone = hits[hits["dvce_type"] == "Mobile"].drop_duplicates("event_id")
    phone = phone.assign(day=pd.to_datetime(phone["derived_tstamp"]).dt.date.astype(str))
    inside = phone["day"].between(incident["from"], incident["to"])
    errors = phone["se_action"] == "payment_error"
    assert errors.sum() > 5
    assert not (errors & ~inside).any()
    sold, visits = phone["event"] == "transaction", phone.drop_duplicates("domain_sessionid")
    rates = [sold[part].sum() / part[visits.index].sum() for part in (inside, ~inside)]
    assert rates[0] < 0.65 * rates[1]


def test_complaints_come_in_a_wave(written):
    wave = written.truth("incidents").set_index("incident").loc["complaint_wave"]
    tickets = written.table("service_tickets").query("category != 'question'")
    day = tickets["created_at"].str[:10]
    inside = day.between(wave["from"], wave["to"])
    span = (date.fromisoformat(wave["to"]) - date.fromisoformat(wave["from"])).days + 1
    assert inside.sum() / span > 4 * (~inside).sum() / (written.world.scene.days - span)


def test_answers_fall_after_something_went_wrong(written):
    answers, attempts = written.world.scene.care.answers, written.world.scene.traffic.attempts
    csat = answers[(answers["question"] == "csat") & (answers["stage"] == "purchase")]
    hurt = csat["person"].isin(attempts["person"])
    assert hurt.sum() > 10
    assert csat.loc[hurt, "score"].mean() < csat.loc[~hurt, "score"].mean() - 0.5
    assert set(answers["stage"]) == {"search", "compare", "purchase", "service", "recommend"}


def test_pressure_lowers_response_and_drives_readers_away(written):
    pressure = written.truth("pressure").set_index("emails_7d")
    low, high = pressure.loc[:3].sum(), pressure.loc[6:].sum()
    assert high["opened"] / high["emails"] < 0.85 * low["opened"] / low["emails"]
    assert high["unsubscribed"] / high["emails"] > 1.5 * low["unsubscribed"] / low["emails"]
    gone = written.world.scene.traffic.emails
    last = gone[gone["unsubscribed"] | gone["spam"]].set_index("person")["sent"]
    after = gone[gone["person"].isin(last.index)]
    assert (after["sent"] <= after["person"].map(last)).all()


def test_who_unsubscribes_denies_consent_from_then_on(written):
    mail = written.table("klaviyo_events").query("type == 'Unsubscribed'")
    people = written.table("klaviyo_people").set_index("id")
    assert len(mail) > 3
    for person in mail["person_id"]:
        rows = people.loc[[person]].sort_values("updated")
        assert rows["custom_accepts_marketing"].tolist() == ["true", "false"]
    email = people.loc[mail["person_id"], "email"].unique()
    crm = written.table("crm_contacts").assign(email=lambda c: c["email"].str.lower())
    last = crm[crm["email"].isin(email)].sort_values("updated_at").drop_duplicates("contact_id", keep="last")
    assert (last["consent_email"] == "false").all()


def test_rates_are_those_of_a_retailer():
    scene = build().scene  # the default world
    persons, visits, orders, actions = scene.population.persons, scene.traffic.visits, scene.traffic.orders, scene.actions
    emails, web = scene.traffic.emails, visits[visits["platform"] == "web"]
    assert len(persons) == 3000
    assert 0.42 < (persons["login"] != "").mean() < 0.48
    assert 0.02 < web["buys"].mean() < 0.04
    assert len(orders) > 1200
    assert 1.5 < len(orders) / orders["person"].nunique() < 3
    assert 100_000 < len(actions) + len(emails) + int(emails["opened"].sum()) + len(scene.care.usages) < 220_000
    assert 0.22 < emails["opened"].mean() < 0.31
    reached = persons[persons["known"] != "nobody"]
    assert 0.55 < (reached["email_marketing"] == "true").mean() < 0.70
    assert 0.40 < (persons["advertising"] == "true").mean() < 0.50
    assert {"true", "false", ""} == set(persons["advertising"])
    assert ((persons[["phone_device", "desktop_device", "tablet_device", "app_device"]] >= 0).sum(axis=1).between(1, 4)).all()
    aliases = (persons[["email_1", "email_2", "email_3"]] != "").sum(axis=1)
    assert set(aliases) == {1, 2, 3}
    for column in ("email_1", "login", "phone", "loyalty_card", "contact", "shop_customer_1", "mail_person"):
        given = persons.loc[persons[column] != "", column]
        assert given.is_unique, column


def test_phone_numbers_are_numbers_that_exist(written):
    phonenumbers = pytest.importorskip("phonenumbers")
    phones = [p for p in written.world.scene.population.persons["phone"] if p]
    assert len(phones) > 300
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(p)) for p in phones)


def test_costs_in_the_reports_are_those_of_the_truth(written):
    def total(folder: str, column: str, unit: float = 1.0) -> float:
        return float(written.table(folder)[column].astype(float).sum()) / unit

    effects = written.truth("channel_effects").set_index("channel")["cost"]
    google = written.table("ads_google")
    display = google["ad_network_type"] == "CONTENT"
    micros = google["cost_micros"].astype(float) / 1e6
    assert micros[display].sum() == pytest.approx(effects["Display"])
    assert micros[~display].sum() + total("ads_microsoft", "spend") == pytest.approx(effects["Paid Search"])
    assert total("ads_meta", "spend") + total("ads_linkedin", "cost_in_local_currency") == pytest.approx(effects["Paid Social"])
    assert total("ads_affiliate", "cost") == pytest.approx(effects["Affiliates"])
    assert total("catalogue_sends", "cost") == pytest.approx(effects["Catalogue"])
