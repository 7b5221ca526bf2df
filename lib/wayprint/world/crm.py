"""The customer base: states of contacts over time, some persons under two contacts (tied by an identifier or by none), a few junk values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wayprint.world import hours, layouts
from wayprint.world.chance import Array, happens, stream
from wayprint.world.duplicates import duplicates
from wayprint.world.files import Deliveries, lines_of, quoted, weekly
from wayprint.world.france import TOWNS
from wayprint.world.people import CARD, NEWSLETTER, NOBODY
from wayprint.world.planted import NO_PHONE, TEST_EMAIL, Layout, Notes, spoil
from wayprint.world.rows import stacked
from wayprint.world.scene import Scene

PURPOSES = {"consent_email": "email_marketing", "consent_sms": "sms_marketing", "consent_advertising": "advertising",
    "consent_profiling": "profiling", "consent_analytics": "analytics"}


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng = stream(scene.seed, "crm")
    states = _states(scene, rng)
    people, person, second = scene.population, states["person"].to_numpy(), states["second"].to_numpy()
    # A second contact is the same person as the store's staff wrote it down: phone and card, no address, no account.
    email = np.where(second | (people.of("known", person) == CARD), "", people.of("email_1", person)).astype(object)
    phone, card = people.of("phone", person).copy(), people.of("loyalty_card", person).copy()
    card = np.where((people.of("second_contact", person) != "") & ~second, "", card)
    login = np.where(states["account"], people.of("login", person), "")
    told = np.where(np.arange(len(states)) % 3 == 0, _national(phone), phone)  # half the world writes 06 12 34 56 78
    told = np.where(phone == "", "", told)
    nobody = np.flatnonzero((phone == "") & (people.of("known", person) != NEWSLETTER))[: max(6, len(states) // 250)]
    told[nobody] = NO_PHONE
    phone[nobody] = NO_PHONE
    without = np.flatnonzero(people.of("known", person) == CARD)[: max(6, len(states) // 250)]
    email[without] = TEST_EMAIL
    contact = np.where(second, people.of("second_contact", person), people.of("contact", person))
    for kind, values in (("email", email), ("phone", phone), ("loyalty_card", card), ("login", login), ("crm_id", contact)):
        notes.show(kind, person, values)
    notes.tie(person, email=email, phone=phone, loyalty_card=card, login=login, crm_id=contact)
    town = [TOWNS[t] for t in people.of("town", person)]
    consents = {column: list(np.where(second, "", people.of(purpose, person))) for column, purpose in PURPOSES.items()}
    consents["consent_email"] = ["false" if left else c for left,
        c in zip(states["left"], consents["consent_email"], strict=True)]
    decided = hours.seconds(states["t"].to_numpy())
    t = states["t"].to_numpy()
    lines = lines_of(layouts.CONTACTS, {
        "contact_id": list(contact), "email": [e.upper() if i % 11 == 0 else e for i, e in enumerate(email)], "phone": list(told),
        "first_name": quoted(people.of("first_name", person)), "last_name": quoted(people.of("last_name", person)),
        "street": quoted(people.of("street", person)), "postal_code": [x[1] for x in town], "city": [x[0] for x in town],
        "country": "FR", "birth_date": list(people.of("birth_date", person)), "gender": list(people.of("gender", person)),
        "language": list(people.of("language", person)), "loyalty_card": list(card), "customer_login": list(login),
        "loyalty_tier": list(states["tier"]), "lifecycle_stage": list(states["stage"]),
        "created_at": hours.seconds(states["created"].to_numpy()), "updated_at": hours.seconds(t),
        "is_deleted": ["true" if d else "false" for d in states["deleted"]], **consents,
        "consent_date": [at[:10] if left else d for at, left,
        d in zip(decided, states["left"], people.of("consent_date", person), strict=True)]}, ",")
    strangers, further = _duplicates(scene, notes)
    t = np.concatenate([t, strangers["t"].to_numpy()])
    order = np.argsort(t, kind="stable")
    lines, t = [(lines + further)[i] for i in order.tolist()], t[order]
    layout = Layout(",", 0, layouts.CONTACTS.index("updated_at"), None)
    to.deliver("crm_contacts/{}.csv", lines, np.maximum(scene.day_of(t), 0) // 7, weekly(scene.days, scene.dates),
        header=",".join(layouts.CONTACTS), bad=spoil(rng, lines, layout), marked=(1, 3))


def _duplicates(scene: Scene, notes: Notes) -> tuple[pd.DataFrame, list[str]]:
    """Second contacts that nothing ties to the first, and their lines."""
    found, people = duplicates(scene), scene.population
    person, contact, email, phone = (found[name].to_numpy() for name in ("person", "contact", "email", "phone"))
    for kind, values in (("email", email), ("phone", phone), ("crm_id", contact)):
        notes.show(kind, person, values)
    notes.tie(person, email=email, phone=phone, crm_id=contact)
    notes.plant("duplicate_contact", contact, "profile_match", people.of("contact", person))
    written = hours.seconds(found["t"].to_numpy())
    return found, lines_of(layouts.CONTACTS, {
        "contact_id": list(contact), "email": list(email), "phone": list(phone),
        "first_name": quoted(found["first_name"].to_list()), "last_name": quoted(found["last_name"].to_list()),
        "street": quoted(found["street"].to_list()), "postal_code": list(found["postal_code"]), "city": list(found["city"]), "country": "FR",
        "birth_date": list(found["birth_date"]), "gender": list(people.of("gender", person)), "language": list(people.of("language", person)),
        "lifecycle_stage": "lead", "created_at": written, "updated_at": written, "is_deleted": "false"}, ",")


def _states(scene: Scene, rng: np.random.Generator) -> pd.DataFrame:
    """One row a state: the first load, the opening of an account, each purchase, an unsubscription, a deletion."""
    persons, begin = scene.population.persons, hours.midnight(scene.start)
    here = np.flatnonzero(persons["known"] != NOBODY)
    created = begin - rng.integers(10, 1_500, len(persons)) * hours.DAY
    account_from, never = scene.traffic.account_from, np.iinfo(np.int64).max
    loaded = np.full(len(here), begin - 3_600_000)
    parts = [pd.DataFrame({"person": here, "t": loaded, "why": "load"})]
    joined = np.flatnonzero((account_from > 0) & (account_from < never))
    parts.append(pd.DataFrame({"person": joined, "t": account_from[joined] + 120_000, "why": "account"}))
    orders = scene.traffic.orders
    bought = orders[np.isin(orders["person"], here)]
    parts.append(pd.DataFrame({"person": bought["person"], "t": bought["t"] + 600_000, "why": "order"}))
    gone = scene.traffic.emails[scene.traffic.emails["unsubscribed"] | scene.traffic.emails["spam"]]
    parts.append(pd.DataFrame({"person": gone["person"], "t": gone["read"] + 90_000, "why": "left"}))
    double = np.flatnonzero(persons["second_contact"] != "")
    parts.append(pd.DataFrame({"person": double, "t": begin + rng.integers(0, scene.days, len(double)) * hours.DAY + 43_200_000,
        "why": "second"}))
    erased = here[happens(rng, 0.006, len(here))]
    parts.append(pd.DataFrame({"person": erased,
        "t": begin + rng.integers(scene.days // 2, scene.days, len(erased)) * hours.DAY + 50_000_000, "why": "deleted"}))
    states = stacked(parts)
    states = states[states["t"] < scene.end].sort_values(["t", "person", "why"], kind="stable", ignore_index=True)
    person, why = states["person"].to_numpy(), states["why"].to_numpy()
    running = pd.DataFrame({"person": person, "order": why == "order", "left": why == "left",
        "deleted": why == "deleted"}).groupby("person").cumsum()
    states["second"] = why == "second"
    states["account"] = (account_from[person] <= states["t"].to_numpy()) & ~states["second"]
    states["left"], states["deleted"] = running["left"].to_numpy() > 0, running["deleted"].to_numpy() > 0
    count = running["order"].to_numpy()
    states["tier"] = np.where(scene.population.of("loyalty_card", person) == "", "",
        np.where(count >= 3, "or", np.where(count >= 1, "argent", "bronze")))
    states["stage"] = np.where(states["deleted"], "leaver",
        np.where(count >= 3, "loyal", np.where(count >= 1, "active", np.where(states["account"], "prospect", "lead"))))
    states["created"] = np.where(states["second"], states["t"], created[person])
    return states


def _national(phones: Array) -> Array:
    """`06 12 34 56 78` from `+33612345678`."""
    return np.array([f"0{p[3]} {p[4:6]} {p[6:8]} {p[8:10]} {p[10:12]}" if p else "" for p in phones], dtype=object)
