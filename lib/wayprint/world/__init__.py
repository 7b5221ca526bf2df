"""A seeded world of people, devices, campaigns and stores that writes vendors' raw files, and the truth about it.

    world = build(people=3000, days=120, seed=1, start=date(2026, 1, 1))
    world.write_raw("raw")
    world.write_truth("truth")

The same arguments give the same bytes; another seed gives another world. Below the raw folder, times in UTC unless said:

    snowplow_web/<day>.tsv.gz              the shop's site: Snowplow enriched events, 131 fields, no header; day of arrival
    ga4_content/<day>.jsonl.gz             the advice site: GA4 export to BigQuery
    segment_app/<day>.jsonl.gz             the mobile app and the products connected to it: Segment calls
    adobe_kiosk/01-kiosk_<day>.tsv.gz      the stores' kiosks: Adobe data feed (date_time in Paris time), beside it
                kiosk_<day>-lookup_data.tar.gz and kiosk_<day>.txt
    shopify_orders, shopify_order_lines/<week>.csv; shopify_customers, shopify_visits, shopify_refunds/<month>.csv
    klaviyo_events/<week>.csv; klaviyo_people, klaviyo_campaigns/<month>.csv
    crm_contacts/<week>.csv                states of contacts
    ads_google, ads_meta, ads_microsoft, ads_linkedin, ads_affiliate/<month>.csv
    store_tickets/<week>.csv               lines of sales tickets (Paris time without zone)
    service_tickets/<week>.csv; survey_answers/<week>.csv
    catalogue_sends/<day>.csv

A week's or month's file (a month has 30 days here) is named by its last day. What the truth folder holds: see truth.py; how
people behave: see behaviour.py.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from wayprint.world import raw, truth
from wayprint.world.bulk import write_events
from wayprint.world.files import Deliveries
from wayprint.world.planted import Notes
from wayprint.world.scene import Scene, stage

__all__ = ["World", "build", "write_events", "write_raw", "write_truth"]


@dataclass
class World:
    """What happened, and (once the raw files have been made) what was put into them."""

    scene: Scene
    _made: tuple[Deliveries, Notes] | None = field(default=None, repr=False)

    def write_raw(self, folder: Path | str) -> None:
        """Writes the vendors' files below `folder`, over those of the same name."""
        self._made = raw.deliver(self.scene, Path(folder))

    def write_truth(self, folder: Path | str) -> None:
        """Writes the truth; what it says about the raw files holds whether or not they have been written."""
        self._made = self._made or raw.deliver(self.scene, None)
        truth.write(self.scene, *self._made, Path(folder))


def build(people: int = 3000, days: int = 120, seed: int = 1, start: dt.date = dt.date(2026, 1, 1)) -> World:
    """Lets `people` people live `days` days from `start`."""
    return World(stage(people, days, seed, start))


def write_raw(world: World, folder: Path | str) -> None:
    world.write_raw(folder)


def write_truth(world: World, folder: Path | str) -> None:
    world.write_truth(folder)
