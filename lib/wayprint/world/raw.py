"""The raw folder of a world: every vendor's files, and what is known about them once written."""

from __future__ import annotations

from pathlib import Path

from wayprint.world import ads, app, content, crm, kiosk, mailing, service, shop, stores, web
from wayprint.world.files import Deliveries
from wayprint.world.planted import JUNK, Notes
from wayprint.world.scene import Scene


def deliver(scene: Scene, root: Path | None) -> tuple[Deliveries, Notes]:
    """Writes all files below `root`, or with None nothing, and returns what they hold."""
    to, notes = Deliveries(root), Notes()
    for vendor in (web, app, content, kiosk, shop, mailing, crm, stores, service):
        vendor.deliver(scene, to, notes)
    ads.deliver(scene, to)
    notes.plant("malformed", [f"{file}:{line}" for file, line, _ in to.broken], "malformed", [rule for _, _, rule in to.broken])
    notes.planted = [(kind, key, detail, detail if kind == "malformed" else rule) for kind, key, detail, rule in notes.planted]
    shown = {value for frame in notes.seen for value in frame["value"].unique() if value in JUNK}
    junk = sorted(shown)
    notes.plant("junk_identifier", junk, "blocklist", [JUNK[value] for value in junk])
    first, last = scene.periods.payment
    notes.plant("payment_incident", [scene.dates[first]], "irritant", [f"payment_error on phones until {scene.dates[last - 1]}"])
    notes.plant("channel_break", ["cuisines"], "rupture", ["looked up on the web, cannot be bought in a store"])
    first, last = scene.periods.complaints
    notes.plant("complaint_wave", [scene.dates[first]], "irritant", [f"retard de livraison until {scene.dates[last - 1]}"])
    return to, notes
