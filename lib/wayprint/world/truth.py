"""What is true of a world, as CSV files beside the raw folder.

persons.csv          one person: household, how known, taste, pressure, consents, purchases
identifiers.csv      one person and identifier that stands in a raw file, in clear and normalised; shared and junk ones marked
untied_identifiers.csv  the same for identifiers that no record ties, even by steps, to the rest of their person (a cookie that never
                     logged in): whose they are is true, and nobody can know it from the files
channel_effects.csv  one marketing channel: effect of one exposure on the log-hazard, conversions lost without it, share, cost
purchases.csv        one order: who, when (UTC), where, amount
intents.csv          one person and month: intent on its first day and the true chance of a purchase in the 30 days from it
pressure.csv         e-mails of the 7 days before: true chances of open, click given open, unsubscription; and how many of each came
incidents.csv        what went wrong, when, and what it did
duplicate_contacts.csv  a CRM contact and a second one of the same person that shares no identifier with it; how each part of it varies
planted.csv          kind, key, detail, and the rule expected to find it
files.csv            one raw file: records written (headers not counted), of which malformed
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wayprint.world import hours
from wayprint.world.ads import spending
from wayprint.world.behaviour import click_rate, month_chance, open_rate, unsubscribe_rate
from wayprint.world.campaigns import CATALOGUE_COST, CHANNELS
from wayprint.world.duplicates import variations
from wayprint.world.files import Deliveries, euros
from wayprint.world.people import CONSENTS
from wayprint.world.planted import JUNK, Notes
from wayprint.world.rows import stacked
from wayprint.world.scene import Scene
from wayprint.world.visits import PLACES


def write(scene: Scene, to: Deliveries, notes: Notes, folder: Path) -> None:
    tables = {
        "persons": persons(scene), **identifiers(notes), "channel_effects": channel_effects(scene),
        "purchases": purchases(scene), "intents": intents(scene), "pressure": pressure(scene),
        "incidents": incidents(scene), "duplicate_contacts": variations(scene),
        "planted": pd.DataFrame(notes.planted, columns=["kind", "key", "detail", "expected_rule"]),
        "files": pd.DataFrame(to.files, columns=["file", "lines", "malformed"])}
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def persons(scene: Scene) -> pd.DataFrame:
    people = scene.population.persons
    orders = np.bincount(scene.traffic.orders["person"], minlength=len(people))
    return pd.DataFrame({
        "true_person": np.arange(len(people)), "household": people["household"], "known": people["known"],
        "has_app": people["has_app"], "taste": people["taste"].round(6),
        "emails_per_week": people["emails_per_week"], **{purpose: people[purpose] for purpose in CONSENTS}, "purchases": orders})


def identifiers(notes: Notes) -> dict[str, pd.DataFrame]:
    """A row per person, type and value; `is_shared`: more than one person shows it in the files.

    A person's own identifiers fall into groups that records tie together; those outside the largest (ties: the one whose first
    identifier sorts first) are untied. Shared and junk identifiers tie nothing, since nobody may follow them. The number of an
    order ties what records of it name, and is no identifier itself.
    """
    seen = stacked(notes.seen).drop_duplicates().sort_values(["type", "value", "true_person"], ignore_index=True)
    owners = seen.groupby(["type", "value"])["true_person"].transform("size")
    seen = seen.assign(is_shared=owners > 1, is_junk=seen["value"].isin(JUNK))
    own = seen[~seen["is_shared"] & ~seen["is_junk"]].reset_index(drop=True)
    ties = stacked(notes.tied).drop_duplicates()
    orders = ties.loc[ties["other_type"] == "order", ["true_person", "other_type", "other"]].drop_duplicates().set_axis(["true_person", "type", "value"], axis=1)
    nodes = pd.concat([own[["true_person", "type", "value"]], orders], ignore_index=True)
    place = pd.Series(nodes.index, index=pd.MultiIndex.from_frame(nodes))
    ends = [place.reindex(pd.MultiIndex.from_frame(ties[["true_person", *end]])).to_numpy() for end in (["type", "value"], ["other_type", "other"])]
    known = ~np.isnan(ends[0]) & ~np.isnan(ends[1])
    links = coo_array((np.ones(known.sum(), bool), (ends[0][known].astype(int), ends[1][known].astype(int))), shape=(len(nodes), len(nodes)))
    group = connected_components(links, directed=False)[1][:len(own)]
    sizes = own.assign(group=group).groupby(["true_person", "group"]).size().reset_index(name="size")
    main = sizes.sort_values(["size", "group"], ascending=[False, True]).drop_duplicates("true_person")["group"]
    untied = own[~np.isin(group, main)]
    is_untied = pd.MultiIndex.from_frame(seen[["true_person", "type", "value"]]).isin(pd.MultiIndex.from_frame(untied[["true_person", "type", "value"]]))
    return {"identifiers": seen[~is_untied], "untied_identifiers": untied[["true_person", "type", "value"]]}


def channel_effects(scene: Scene) -> pd.DataFrame:
    """`true_incremental_conversions`: expected purchases that vanish with the channel's exposures; shares are of their sum."""
    lost, paid = scene.behaviour.lost, spending(scene).groupby("channel")["cents"].sum()
    cost = {**{name: cents / 100 for name, cents in paid.items()}, "Catalogue": CATALOGUE_COST * len(scene.behaviour.catalogues)}
    return pd.DataFrame({
        "channel": [c.name for c in CHANNELS], "true_effect": [c.effect for c in CHANNELS],
        "kept_a_day_later": [c.keeps for c in CHANNELS], "exposures": scene.behaviour.exposures.round(3),
        "true_incremental_conversions": lost, "true_share": lost / lost.sum() if lost.sum() else lost,
        "cost": [round(float(cost.get(c.name, 0.0)), 2) for c in CHANNELS],
        "expected_conversions": scene.behaviour.expected})


def purchases(scene: Scene) -> pd.DataFrame:
    orders = scene.traffic.orders.sort_values(["t", "order_id"], ignore_index=True)
    return pd.DataFrame({
        "order_id": orders["order_id"], "true_person": orders["person"], "time": hours.iso(orders["t"].to_numpy()),
        "place": [PLACES[p] for p in orders["place"]], "amount": euros(orders["amount_cents"].to_numpy())})


def intents(scene: Scene) -> pd.DataFrame:
    """Months that begin in the world and whose 30 days lie within it."""
    dates = [scene.start + dt.timedelta(d) for d in range(scene.days)]
    people = np.arange(len(scene.population.persons))
    months = [pd.DataFrame({"true_person": people, "month": date.isoformat(), "intent": scene.behaviour.intent[day].round(5),
        "purchase_probability_30d": month_chance(scene.behaviour, day).round(7)})
              for day, date in enumerate(dates) if date.day == 1 and day + 30 <= scene.days]
    return stacked(months) if months else pd.DataFrame(columns=["true_person", "month", "intent", "purchase_probability_30d"])


def pressure(scene: Scene) -> pd.DataFrame:
    came = scene.traffic.emails.groupby("emails_7d").agg(emails=("person", "size"), opened=("opened", "sum"),
        clicked=("clicked", "sum"), unsubscribed=("unsubscribed", "sum")).reset_index()
    before = came["emails_7d"].to_numpy()
    return came.assign(true_open_rate=open_rate(before).round(6), true_click_rate=click_rate(before).round(6),
        true_unsubscribe_rate=unsubscribe_rate(before).round(6))


def incidents(scene: Scene) -> pd.DataFrame:
    attempts, tickets = scene.traffic.attempts, scene.care.tickets
    (pay, paid), (complain, complained) = scene.periods.payment, scene.periods.complaints
    rows = (
        ("payment_error_mobile", scene.dates[pay], scene.dates[paid - 1], "payment on phones fails",
            int(attempts["failed"].sum())),
        ("channel_break_cuisines", scene.dates[0], scene.dates[-1], "kitchens looked up on the web cannot be bought in a store",
            int(attempts["refused"].sum())),
        ("complaint_wave", scene.dates[complain], scene.dates[complained - 1], "tickets about late deliveries",
            int((tickets["category"] == "retard de livraison").sum())))
    return pd.DataFrame(rows, columns=["incident", "from", "to", "detail", "cases"])
