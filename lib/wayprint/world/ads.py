"""Ad platforms' daily reports, each with its own columns and unit of cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wayprint.world import layouts
from wayprint.world.campaigns import ADS, CHANNELS, DISPLAY
from wayprint.world.chance import stream
from wayprint.world.files import Deliveries, euros, lines_of, monthly
from wayprint.world.planted import Layout, spoil
from wayprint.world.rows import stacked
from wayprint.world.scene import Scene


def spending(scene: Scene) -> pd.DataFrame:
    """One row a campaign and day with a budget: what was paid (cents), shown and clicked; a few clicks never land."""
    rng = stream(scene.seed, "spending")
    visits = scene.traffic.visits
    paid = visits[(visits["platform"] == "web") & (visits["campaign"] >= 0)]
    rows = []
    for number, ad in enumerate(ADS):
        mine = paid[(paid["channel"] == ad[1]) & (paid["campaign"] == number)]
        landed = np.bincount(mine["day"], minlength=scene.days)[: scene.days]
        clicks = landed + rng.binomial(landed, 0.07)
        on = (scene.plan.push[ad[1], np.arange(scene.days) // 7] > 0) | (clicks > 0)
        shown = (clicks / ad[6] * rng.uniform(0.8, 1.25, scene.days)).astype(np.int64) + rng.integers(5, 60, scene.days)
        cents = np.round(100 * clicks * ad[5] * np.exp(rng.normal(0, 0.15, scene.days))).astype(np.int64)
        rows.append(pd.DataFrame({"ad": number, "channel": CHANNELS[ad[1]].name, "day": np.arange(scene.days), "cents": cents,
            "shown": shown, "clicks": clicks})[on])
    return stacked(rows).sort_values(["day", "ad"], kind="stable", ignore_index=True)


def deliver(scene: Scene, to: Deliveries) -> None:
    rng = stream(scene.seed, "ads")
    spent = spending(scene)
    labels = monthly(scene.days, scene.dates)
    for platform, write in (("google", _google), ("meta", _meta), ("microsoft", _microsoft), ("linkedin", _linkedin),
        ("affiliate", _affiliate)):
        mine = spent[[ADS[a][2] == platform for a in spent["ad"]]].reset_index(drop=True)
        ads = [ADS[a] for a in mine["ad"]]
        dates = [scene.dates[d] for d in mine["day"]]
        header, lines, layout = write(mine, ads, dates)
        bad = spoil(rng, lines, layout) if layout else []
        to.deliver(f"ads_{platform}/{{}}.csv", lines, mine["day"].to_numpy() // 30, labels, header=",".join(header), bad=bad)


Made = tuple[list[str], list[str], Layout | None]
Ads = list[tuple[str, int, str, str, float, float, float, str, str]]


def _texts(values: pd.Series[int]) -> list[str]:
    return [str(v) for v in values]


def _google(rows: pd.DataFrame, ads: Ads, dates: list[str]) -> Made:
    lines = lines_of(layouts.GOOGLE, {
        "_fivetran_id": [f"g{d.replace('-', '')}{a[0]}=" for d, a in zip(dates, ads, strict=True)], "customer_id": "2121450128",
        "date": dates, "_fivetran_synced": [f"{d} 23:59:00" for d in dates],
        "ad_network_type": ["CONTENT" if a[1] == DISPLAY else "SEARCH" for a in ads],
        "base_campaign": [f"customers/2121450128/campaigns/{a[0]}" for a in ads], "clicks": _texts(rows["clicks"]),
        "cost_micros": _texts(rows["cents"] * 10_000), "device": "MOBILE", "id": [a[0] for a in ads],
        "impressions": _texts(rows["shown"]), "interaction_event_types": "[CLICK]", "interactions": _texts(rows["clicks"])}, ",")
    return layouts.GOOGLE, lines, Layout(",", layouts.GOOGLE.index("id"), layouts.GOOGLE.index("date"),
        layouts.GOOGLE.index("cost_micros"))


def _meta(rows: pd.DataFrame, ads: Ads, dates: list[str]) -> Made:
    lines = lines_of(layouts.META, {
        "ad_id": [a[0] for a in ads], "date": dates, "account_id": "1700252260223815", "impressions": _texts(rows["shown"]),
        "inline_link_clicks": _texts(rows["clicks"]), "spend": euros(rows["cents"].to_numpy())}, ",")
    return layouts.META, lines, None


def _microsoft(rows: pd.DataFrame, ads: Ads, dates: list[str]) -> Made:
    lines = lines_of(layouts.MICROSOFT, {
        "date": dates, "account_id": "150175881", "campaign_id": [a[0] for a in ads], "currency_code": "EUR",
        "device_os": "Unknown", "device_type": "Unknown", "network": "Bing and Yahoo! search", "ad_distribution": "Search",
        "bid_match_type": "Unknown", "delivered_match_type": "Unknown", "top_vs_other": "Bing and Yahoo! search - Top",
        "budget_association_status": "Current", "budget_name": "budget général", "clicks": _texts(rows["clicks"]),
        "impressions": _texts(rows["shown"]), "spend": euros(rows["cents"].to_numpy())}, ",")
    return layouts.MICROSOFT, lines, None


def _linkedin(rows: pd.DataFrame, ads: Ads, dates: list[str]) -> Made:
    lines = lines_of(layouts.LINKEDIN, {
        "campaign_id": [a[0] for a in ads], "day": [f"{d} 00:00:00" for d in dates],
        "_fivetran_synced": [f"{d} 23:59:00" for d in dates], "clicks": _texts(rows["clicks"]),
        "cost_in_local_currency": euros(rows["cents"].to_numpy()), "impressions": _texts(rows["shown"]),
        "landing_page_clicks": _texts(rows["clicks"])}, ",")
    return layouts.LINKEDIN, lines, None


def _affiliate(rows: pd.DataFrame, ads: Ads, dates: list[str]) -> Made:
    lines = lines_of(layouts.AFFILIATE, {
        "date": dates, "network": "awin", "campaign": [a[0] for a in ads], "cost": euros(rows["cents"].to_numpy()),
        "currency": "EUR", "clicks": _texts(rows["clicks"])}, ",")
    return layouts.AFFILIATE, lines, None
