"""Stores' sales tickets, in Paris time without zone, and the catalogues sent by post."""

from __future__ import annotations

import numpy as np

from wayprint.world import hours, layouts
from wayprint.world.behaviour import STORE
from wayprint.world.campaigns import CATALOGUE_COST
from wayprint.world.chance import happens, objects, stream
from wayprint.world.files import Deliveries, euros, lines_of, weekly
from wayprint.world.offer import STORES
from wayprint.world.planted import Layout, Notes, spoil
from wayprint.world.rows import stacked
from wayprint.world.scene import Scene


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    _tickets(scene, to, notes)
    _catalogues(scene, to, notes)


def _tickets(scene: Scene, to: Deliveries, notes: Notes) -> None:
    """The lines of each sale; a return is the sale's lines with negative quantities under its number with an R before it."""
    rng = stream(scene.seed, "stores")
    orders, items = scene.traffic.orders, scene.traffic.items
    card = np.where(happens(rng, 0.85, len(orders)), scene.population.of("loyalty_card", orders["person"].to_numpy()), "")
    sold = items[np.isin(items["order"], np.flatnonzero(orders["place"] == STORE))]
    sold = sold.assign(sign=1, t=orders["t"].to_numpy()[sold["order"]], ticket=orders["order_id"].to_numpy()[sold["order"]])
    refunds = scene.care.refunds
    back = refunds.rename(columns={"t": "returned"}).merge(sold, on="order").assign(sign=-1)
    back["t"], back["ticket"] = hours.utc(scene.start, scene.day_of(back["returned"].to_numpy()),
        15 * 3_600_000 + back["order"].to_numpy() % 3_600 * 1000), ["R" + ticket for ticket in back["ticket"]]
    rows = stacked([sold, back[sold.columns]])
    rows = rows[rows["t"] < scene.end].sort_values(["t", "ticket"], kind="stable", ignore_index=True)
    order, product = rows["order"].to_numpy(), rows["product"].to_numpy()
    buyer = orders["person"].to_numpy()[order]
    notes.show("loyalty_card", buyer, card[order])
    lines = lines_of(layouts.STORE_TICKETS, {
        "ticket_id": list(rows["ticket"]), "line": [str(n + 1) for n in rows.groupby("ticket").cumcount()],
        "ticket_time": hours.paris(scene.start, rows["t"].to_numpy()),
        "store_id": list(objects(STORES)[orders["store"].to_numpy()[order]]),
        "loyalty_card": list(card[order]), "product_id": list(scene.goods.product_id[product]),
        "family": list(scene.goods.family_name[product]), "quantity": [str(q) for q in rows["quantity"] * rows["sign"]],
        "unit_price": euros(rows["price_cents"].to_numpy()),
        "discount": euros((rows["discount_cents"] * rows["sign"]).to_numpy()), "currency": "EUR"}, ",")
    layout = Layout(",", 0, layouts.STORE_TICKETS.index("ticket_time"), layouts.STORE_TICKETS.index("quantity"))
    week = scene.day_of(rows["t"].to_numpy()) // 7
    to.deliver("store_tickets/{}.csv", lines, week, weekly(scene.days, scene.dates), header=",".join(layouts.STORE_TICKETS),
        bad=spoil(rng, lines, layout), marked=(2,))


def _catalogues(scene: Scene, to: Deliveries, notes: Notes) -> None:
    """One file a mailing, dated the day on which it arrives."""
    sent = scene.behaviour.catalogues
    person, day = sent["person"].to_numpy(), sent["day"].to_numpy()
    card = scene.population.of("loyalty_card", person)
    notes.show("loyalty_card", person, card)
    lines = lines_of(layouts.CATALOGUE_SENDS, {
        "sent_at": [f"{scene.dates[d]}T08:00:00Z" for d in day], "loyalty_card": list(card),
        "campaign": [f"Catalogue n° {scene.plan.mailings.index(d) + 1}" for d in day], "cost": f"{CATALOGUE_COST:.2f}"}, ",")
    to.deliver("catalogue_sends/{}.csv", lines, day, scene.dates, header=",".join(layouts.CATALOGUE_SENDS))
