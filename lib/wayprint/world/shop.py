"""Online orders as the shop platform's exports: orders, lines, customers, customer visits, refunds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wayprint.world import hours, layouts
from wayprint.world.behaviour import APP, STORE, VISIT_CHANNELS
from wayprint.world.campaigns import ADS, EMAIL
from wayprint.world.chance import Array, happens, stream
from wayprint.world.files import Cells, Deliveries, euros, lines_of, monthly, quoted, weekly
from wayprint.world.france import TOWNS
from wayprint.world.people import NOBODY
from wayprint.world.planted import EMPTY_MD5, NO_PHONE_PLUS, Layout, Notes, spoil
from wayprint.world.scene import Scene

HOST = "https://www.oree.example"


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng = stream(scene.seed, "shop")
    orders = scene.traffic.orders.assign(row=np.arange(len(scene.traffic.orders)))
    orders = orders[orders["place"] != STORE].sort_values("t", kind="stable", ignore_index=True)
    person = orders["person"].to_numpy()
    people = scene.population
    # A second address, and with it a second account, for some orders of those who have one.
    other = (people.of("email_2", person) != "") & happens(rng, 0.3, len(orders))
    orders["email"] = np.where(other, people.of("email_2", person), people.of("email_1", person))
    orders["customer"] = np.where(other, people.of("shop_customer_2", person), people.of("shop_customer_1", person))
    notes.show("email", person, orders["email"])
    notes.show("shop_customer", person, orders["customer"])
    notes.tie(person, email=orders["email"], shop_customer=orders["customer"], order=orders["order_id"])
    week = scene.day_of(orders["t"].to_numpy()) // 7
    labels = weekly(scene.days, scene.dates)
    _orders(scene, orders, week, labels, to, notes, rng)
    _lines(scene, orders, week, labels, to)
    _customers(scene, orders, to, notes, rng)
    _visits(scene, orders, to)
    _refunds(scene, orders, to)


def _money(name: str, amount: Cells | str) -> dict[str, Cells | str]:
    """The four columns of an amount; customers pay in the shop's currency."""
    return {f"{name}_set_{side}_{part}": amount if part == "amount" else "EUR" for side in ("pres", "shop")
        for part in ("amount", "currency_code")}


def _orders(scene: Scene, orders: pd.DataFrame, week: Array, labels: list[str], to: Deliveries, notes: Notes,
    rng: np.random.Generator) -> None:
    people, person = scene.population, orders["person"].to_numpy()
    town = [TOWNS[t] for t in people.of("town", person)]
    first, last = quoted(people.of("first_name", person)), quoted(people.of("last_name", person))
    phone = people.of("phone", person)
    notes.show("phone", person, phone)
    notes.tie(person, shop_customer=orders["customer"], phone=phone)
    when = hours.seconds(orders["t"].to_numpy())
    address: dict[str, Cells | str] = {}
    for kind in ("billing", "shipping"):
        address |= {
            f"{kind}_address_address_1": quoted(people.of("street", person)), f"{kind}_address_city": [t[0] for t in town],
                f"{kind}_address_country": "France", f"{kind}_address_country_code": "FR",
            f"{kind}_address_first_name": first, f"{kind}_address_last_name": last,
            f"{kind}_address_name": [f"{a} {b}" for a, b in zip(first, last, strict=True)],
            f"{kind}_address_phone": list(phone), f"{kind}_address_zip": [t[1] for t in town]}
    amount = orders["amount_cents"].to_numpy()
    lines = lines_of(layouts.ORDERS, {
        **address, "_fivetran_deleted": "FALSE", "_fivetran_synced": hours.seconds(orders["t"].to_numpy() + 3_600_000),
        "app_id": "580111", "confirmed": "TRUE", "created_at": when, "currency_code": "EUR",
        "customer_id": list(orders["customer"]), "customer_locale": [f"{g}-FR" for g in people.of("language", person)],
        "display_financial_status": "PAID", "display_fulfillment_status": "FULFILLED",
        "email": list(orders["email"]), "id": list(orders["order_id"]), "name": [f"#{1000 + i}" for i in range(len(orders))],
        "number": [str(1000 + i) for i in range(len(orders))], "presentment_currency_code": "EUR",
        "processed_at": when, "source_name": ["580111" if p == APP else "web" for p in orders["place"]],
        **_money("subtotal_price", euros(amount)), "taxes_included": "TRUE", "test": "FALSE",
        **_money("total_discounts", "0.00"), **_money("total_price", euros(amount)), **_money("total_shipping_price", "0.00"),
        **_money("total_tax", euros(amount - amount * 5 // 6)), **_money("total_tip_received", "0.00"),
        "updated_at": when}, ",")
    layout = Layout(",", layouts.ORDERS.index("id"), layouts.ORDERS.index("created_at"),
        layouts.ORDERS.index("total_price_set_shop_amount"))
    to.deliver("shopify_orders/{}.csv", lines, week, labels, header=",".join(layouts.ORDERS), bad=spoil(rng, lines, layout),
        marked=(2,))


def _lines(scene: Scene, orders: pd.DataFrame, week: Array, labels: list[str], to: Deliveries) -> None:
    place = pd.Series(np.arange(len(orders)), index=orders["row"])
    items = scene.traffic.items[scene.traffic.items["order"].isin(place.index)]
    order = place.loc[items["order"]].to_numpy()
    by_order = np.argsort(order, kind="stable")
    items, order = items.iloc[by_order], order[by_order]
    product, goods = items["product"].to_numpy(), scene.goods
    gross = items["price_cents"].to_numpy() * items["quantity"].to_numpy()
    name = quoted(goods.name[product])
    lines = lines_of(layouts.ORDER_LINES, {
        "_fivetran_synced": hours.seconds(orders["t"].to_numpy()[order] + 3_600_000),
        "id": [str(14_000_000_000_000 + i * 4) for i in items.index], "is_gift_card": "FALSE", "name": name,
        "order_id": list(orders["order_id"].to_numpy()[order]), **_money("original_total", euros(gross)),
        "product_id": list(goods.product_id[product]), "quantity": [str(q) for q in items["quantity"]],
        "requires_shipping": "TRUE", "sku": list(goods.product_id[product]), "taxable": "TRUE", "title": name,
        **_money("total_discount", euros(items["discount_cents"].to_numpy())), "unfulfilled_quantity": "0",
        "variant_id": list(goods.product_id[product]), "variant_title": list(goods.family_name[product]), "vendor": "Orée"}, ",")
    to.deliver("shopify_order_lines/{}.csv", lines, week[order], labels, header=",".join(layouts.ORDER_LINES))


def _customers(scene: Scene, orders: pd.DataFrame, to: Deliveries, notes: Notes, rng: np.random.Generator) -> None:
    """A customer's state after the first and after each later order; a few rows hold a hashed empty address or a made-up number."""
    people, person, t = scene.population, orders["person"].to_numpy(), orders["t"].to_numpy()
    so_far = orders.groupby("customer").cumcount().to_numpy() + 1
    spent = orders.groupby("customer")["amount_cents"].cumsum().to_numpy()
    opened = orders.groupby("customer")["t"].transform("min").to_numpy()
    email, phone = orders["email"].to_numpy().copy(), people.of("phone", person).copy()
    strange = np.flatnonzero(people.of("known", person) == NOBODY)[: max(8, len(orders) // 120)]
    email[strange[::2]], phone[strange[1::2]] = EMPTY_MD5, NO_PHONE_PLUS
    notes.show("email_md5", person[strange[::2]], email[strange[::2]])
    notes.show("phone", person, phone)
    consent = people.of("email_marketing", person)
    state = np.where(consent == "true", "SUBSCRIBED", np.where(consent == "false", "UNSUBSCRIBED", "NOT_SUBSCRIBED"))
    lines = lines_of(layouts.CUSTOMERS, {
        "_fivetran_synced": hours.seconds(t + 3_600_000), "created_at": hours.seconds(opened - 60_000), "currency": "EUR",
        "email": list(email), "email_marketing_consent_opt_in_level": "SINGLE_OPT_IN",
        "email_marketing_consent_state": list(state),
        "email_marketing_consent_updated_at": [f"{d} 12:00:00" for d in people.of("consent_date", person)],
        "first_name": quoted(people.of("first_name", person)),
        "id": list(orders["customer"]), "last_name": quoted(people.of("last_name", person)),
        "orders_count": [str(n) for n in so_far], "phone": list(phone), "state": "enabled", "tax_exempt": "FALSE",
        "total_spent": euros(spent), "updated_at": hours.seconds(t), "verified_email": "TRUE"}, ",")
    to.deliver("shopify_customers/{}.csv", lines, scene.day_of(t) // 30, monthly(scene.days, scene.dates),
        header=",".join(layouts.CUSTOMERS))


def _visits(scene: Scene, orders: pd.DataFrame, to: Deliveries) -> None:
    """The visit that led to each online order, with its campaign."""
    visits = scene.traffic.visits.iloc[orders["visit"].to_numpy()]
    channel, campaign = visits["channel"].to_numpy(), visits["campaign"].to_numpy()
    slugs = scene.plan.emails["slug"].to_numpy()
    told = [("klaviyo", "email", slugs[g]) if c == EMAIL else (ADS[g][7], ADS[g][8], ADS[g][0]) if g >= 0 else ("", "", "") for c,
        g in zip(channel.tolist(), campaign.tolist(), strict=True)]
    source = [VISIT_CHANNELS[c].lower() for c in channel]
    lines = lines_of(layouts.VISITS, {
        "_fivetran_synced": hours.seconds(orders["t"].to_numpy() + 3_600_000),
        "id": [str(2_000_000_000 + i) for i in orders["row"]], "order_id": list(orders["order_id"]), "type": "LAST",
        "landing_page": f"{HOST}/",
        "occurred_at": hours.seconds(visits["t"].to_numpy()), "source": source, "utm_parameters_campaign": [u[2] for u in told],
        "utm_parameters_medium": [u[1] for u in told], "utm_parameters_source": [u[0] for u in told]}, ",")
    to.deliver("shopify_visits/{}.csv", lines, scene.day_of(orders["t"].to_numpy()) // 30, monthly(scene.days, scene.dates),
        header=",".join(layouts.VISITS))


def _refunds(scene: Scene, orders: pd.DataFrame, to: Deliveries) -> None:
    refunds = scene.care.refunds[scene.care.refunds["order"].isin(orders["row"])]
    of = pd.Series(np.arange(len(orders)), index=orders["row"]).loc[refunds["order"]].to_numpy()
    t, when = refunds["t"].to_numpy(), hours.seconds(refunds["t"].to_numpy())
    lines = lines_of(layouts.REFUNDS, {
        "_fivetran_synced": hours.seconds(t + 3_600_000), "created_at": when,
        "id": [str(900_000_000 + i) for i in refunds["order"]], "note": "retour",
        "order_id": list(orders["order_id"].to_numpy()[of]),
        **_money("total_refunded", euros(orders["amount_cents"].to_numpy()[of])), "updated_at": when}, ",")
    to.deliver("shopify_refunds/{}.csv", lines, scene.day_of(t) // 30, monthly(scene.days, scene.dates),
        header=",".join(layouts.REFUNDS))
