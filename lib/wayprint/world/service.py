"""The customer service's tickets and the answers to surveys."""

from __future__ import annotations

import numpy as np

from wayprint.world import hours, layouts
from wayprint.world.chance import happens, stream
from wayprint.world.files import Deliveries, lines_of, quoted, weekly
from wayprint.world.people import CARD
from wayprint.world.planted import NO_PHONE, TEST_EMAIL, Layout, Notes, spoil
from wayprint.world.scene import Scene


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    _tickets(scene, to, notes)
    _answers(scene, to, notes)


def _tickets(scene: Scene, to: Deliveries, notes: Notes) -> None:
    """Each ticket as it stands at the end of the world; who writes uses any of his addresses, who calls is known by his number."""
    rng, tickets, people = stream(scene.seed, "service"), scene.care.tickets, scene.population
    person, size = tickets["person"].to_numpy(), len(tickets)
    third = people.of("email_3", person)
    written = np.where((third != "") & happens(rng, 0.6, size), third, people.of("email_1", person))
    email = np.where((tickets["channel"] == "phone") | (people.of("known", person) == CARD), "", written).astype(object)
    phone = np.where((tickets["channel"] == "phone") | happens(rng, 0.5, size), people.of("phone", person), "").astype(object)
    account = scene.traffic.account_from[person] <= tickets["t"].to_numpy()
    login = np.where(account & happens(rng, 0.7, size), people.of("login", person), "")
    unnamed = np.flatnonzero((email == "") & (phone == ""))
    email[unnamed[::2][:6]], phone[unnamed[1::2][:6]] = TEST_EMAIL, NO_PHONE
    rest = unnamed[12:]
    phone[rest] = people.of("phone", person[rest])
    email[rest] = np.where((phone[rest] == "") & (people.of("known", person[rest]) != CARD), people.of("email_1", person[rest]),
        "")
    for kind, values in (("email", email), ("phone", phone), ("login", login)):
        notes.show(kind, person, values)
    notes.tie(person, email=email, phone=phone, login=login)
    closed = tickets["closed"].to_numpy() < scene.end
    done = hours.iso(tickets["closed"].to_numpy())
    lines = lines_of(layouts.SERVICE_TICKETS, {
        "ticket_id": [f"SAV{i:07d}" for i in range(size)], "created_at": hours.iso(tickets["t"].to_numpy()),
        "closed_at": [d if c else "" for d, c in zip(done, closed, strict=True)], "channel": list(tickets["channel"]),
        "email": list(email),
        "phone": list(phone), "customer_login": list(login), "category": list(tickets["category"]),
        "status": ["closed" if c else "open" for c in closed],
        "satisfaction": [str(s) if s and c else "" for s, c in zip(tickets["score"], closed, strict=True)]}, ",")
    layout = Layout(",", 0, layouts.SERVICE_TICKETS.index("created_at"), None)
    # A ticket is exported once, in the week of its closing.
    week = scene.day_of(np.where(closed, tickets["closed"], scene.end - 1)) // 7
    to.deliver("service_tickets/{}.csv", lines, week, weekly(scene.days, scene.dates), header=",".join(layouts.SERVICE_TICKETS),
        bad=spoil(rng, lines, layout))


def _answers(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng, answers, people = stream(scene.seed, "surveys"), scene.care.answers, scene.population
    person, size = answers["person"].to_numpy(), len(answers)
    by_card = (people.of("loyalty_card", person) != "") & (~people.of("has_email", person) | happens(rng, 0.3, size))
    email, card = np.where(by_card, "", people.of("email_1", person)), np.where(by_card, people.of("loyalty_card", person), "")
    notes.show("email", person, email)
    notes.show("loyalty_card", person, card)
    lines = lines_of(layouts.SURVEY_ANSWERS, {
        "answer_id": [f"ENQ{i:07d}" for i in range(size)], "answered_at": hours.iso(answers["t"].to_numpy()),
        "email": list(email), "loyalty_card": list(card), "question": list(answers["question"]), "stage": list(answers["stage"]),
        "channel": list(answers["channel"]), "score": [str(s) for s in answers["score"]],
        "scale": [str(s) for s in answers["scale"]], "verbatim": quoted(list(answers["verbatim"]))}, ",")
    week = scene.day_of(answers["t"].to_numpy()) // 7
    to.deliver("survey_answers/{}.csv", lines, week, weekly(scene.days, scene.dates), header=",".join(layouts.SURVEY_ANSWERS))
