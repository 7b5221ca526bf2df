"""The newsletter tool's exports: events, people and campaigns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wayprint.world import hours, layouts
from wayprint.world.chance import hexes, stream, uuids
from wayprint.world.files import Deliveries, lines_of, monthly, quoted, weekly
from wayprint.world.france import TOWNS
from wayprint.world.planted import NO_PHONE_PLUS, Layout, Notes, spoil
from wayprint.world.rows import stacked
from wayprint.world.scene import Scene

METRICS = {"Received Email": "Q4q6PC", "Opened Email": "LyZ7re", "Clicked Email": "H2Qz6F", "Bounced Email": "MNdFpi",
    "Unsubscribed": "Vx2d6i", "Marked Email as Spam": "T9bK2s"}


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng = stream(scene.seed, "mailing")
    _events(scene, to, notes, rng)
    _people(scene, to, notes)
    _campaigns(scene, to)


def _events(scene: Scene, to: Deliveries, notes: Notes, rng: np.random.Generator) -> None:
    emails = scene.traffic.emails
    kinds = (
        ("Received Email", ~emails["bounced"], "sent", 0), ("Bounced Email", emails["bounced"], "sent", 4_000),
        ("Opened Email", emails["opened"], "read", 0), ("Clicked Email", emails["clicked"], "click", 0),
        ("Unsubscribed", emails["unsubscribed"], "read", 30_000), ("Marked Email as Spam", emails["spam"], "read", 45_000))
    frames = [pd.DataFrame({"person": e["person"], "campaign": e["campaign"], "t": e[time] + wait, "type": kind}) for kind, flag,
        time, wait in kinds for e in (emails[flag],)]
    events = stacked(frames).sort_values(["t", "person", "type"], kind="stable", ignore_index=True)
    person, campaign = events["person"].to_numpy(), events["campaign"].to_numpy()
    letters = scene.plan.emails.iloc[campaign]
    notes.show("mail_person", person, scene.population.of("mail_person", person))
    when = hours.spaced(events["t"].to_numpy())
    clicked = (events["type"] == "Clicked Email").to_numpy()
    kind = events["type"].tolist()
    lines = lines_of(layouts.MAIL_EVENTS, {
        "id": hexes(rng, len(events), 22), "person_id": list(scene.population.of("mail_person", person)),
        "campaign_id": letters["id"].tolist(), "uuid": list(uuids(rng, len(events))), "datetime": when, "timestamp": when,
        "_fivetran_deleted": "FALSE", "metric_id": [METRICS[k] for k in kind], "type": kind,
        "_fivetran_synced": hours.spaced(events["t"].to_numpy() + 7_200_000),
        "property_subject": quoted(letters["subject"].tolist()),
        "property_url": [f"https://www.oree.example/?utm_source=klaviyo&utm_medium=email&utm_campaign={s}" if c else "" for s,
        c in zip(letters["slug"], clicked, strict=True)],
        "property_campaign_name": quoted(letters["name"].tolist()),
        "property_email_domain": [e.rpartition("@")[2] for e in scene.population.of("email_1", person)],
        "property_bounce_type": ["Hard" if k == "Bounced Email" else "" for k in kind]}, ",")
    layout = Layout(",", 0, layouts.MAIL_EVENTS.index("datetime"), None)
    week = scene.day_of(events["t"].to_numpy()) // 7
    to.deliver("klaviyo_events/{}.csv", lines, week, weekly(scene.days, scene.dates), header=",".join(layouts.MAIL_EVENTS),
        bad=spoil(rng, lines, layout))


def _people(scene: Scene, to: Deliveries, notes: Notes) -> None:
    """Everybody in the tool on the first day, and again in the month of an unsubscription."""
    persons, begin = scene.population.persons, hours.midnight(scene.start)
    here = np.flatnonzero(persons["mail_person"] != "")
    gone = scene.traffic.emails[scene.traffic.emails["unsubscribed"] | scene.traffic.emails["spam"]]
    rows = stacked([
        pd.DataFrame({"person": here, "t": begin, "accepts": persons["email_marketing"].to_numpy()[here] == "true"}),
        pd.DataFrame({"person": gone["person"], "t": gone["read"] + 60_000, "accepts": False})]).sort_values(["t", "person"],
            kind="stable", ignore_index=True)
    person = rows["person"].to_numpy()
    town = [TOWNS[t] for t in scene.population.of("town", person)]
    phone = scene.population.of("phone", person).copy()
    phone[np.flatnonzero(phone == "")[:8]] = NO_PHONE_PLUS
    notes.show("mail_person", person, scene.population.of("mail_person", person))
    notes.show("email", person, scene.population.of("email_1", person))
    notes.show("phone", person, phone)
    notes.tie(person, mail_person=scene.population.of("mail_person", person), email=scene.population.of("email_1", person), phone=phone)
    answer = scene.population.of("email_marketing", person)
    when = hours.spaced(rows["t"].to_numpy())
    lines = lines_of(layouts.MAIL_PEOPLE, {
        "id": list(scene.population.of("mail_person", person)), "updated": when, "created": when, "_fivetran_deleted": "FALSE",
        "first_name": quoted(scene.population.of("first_name", person)),
        "last_name": quoted(scene.population.of("last_name", person)), "timezone": "Europe/Paris", "phone_number": list(phone),
        "country": "France", "zip": [t[1] for t in town], "city": [t[0] for t in town],
        "email": list(scene.population.of("email_1", person)), "custom_object": "person",
        "custom_accepts_marketing": ["true" if a else "false" if asked else "" for a,
        asked in zip(rows["accepts"], answer != "", strict=True)],
        "_fivetran_synced": hours.spaced(rows["t"].to_numpy() + 7_200_000)}, ",")
    to.deliver("klaviyo_people/{}.csv", lines, scene.day_of(rows["t"].to_numpy()) // 30, monthly(scene.days, scene.dates),
        header=",".join(layouts.MAIL_PEOPLE))


def _campaigns(scene: Scene, to: Deliveries) -> None:
    letters = scene.plan.emails
    letters = letters[letters["first_day"] < scene.days]
    t = hours.midnight(scene.start) + letters["first_day"].to_numpy() * hours.DAY + 7 * 3_600_000
    when = hours.spaced(t)
    lines = lines_of(layouts.MAIL_CAMPAIGNS, {
        "id": letters["id"].tolist(), "from_name": "Orée", "status_id": "1", "campaign_type": "Regular", "status_label": "Sent",
        "from_email": "bonjour@oree.example", "subject": quoted(letters["subject"].tolist()),
        "name": quoted(letters["name"].tolist()), "status": "sent", "created": when, "updated": when, "send_time": when,
        "sent_at": when, "_fivetran_deleted": "FALSE", "_fivetran_synced": when, "archived": "false"}, ",")
    to.deliver("klaviyo_campaigns/{}.csv", lines, letters["first_day"].to_numpy() // 30, monthly(scene.days, scene.dates),
        header=",".join(layouts.MAIL_CAMPAIGNS))
