"""Marketing: channels with their true effect on purchases, campaigns, and how hard each channel is pushed week by week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wayprint.world.chance import Array, stream


@dataclass(frozen=True)
class Channel:
    """One marketing channel and the truth about it.

    `effect`: what one fresh exposure adds to the log-hazard of a purchase. `keeps`: share of it left a day later.
    `rate`: exposures per person and day. `chases`: how strongly the channel runs after people who want to buy anyway.
    """

    name: str
    effect: float
    keeps: float
    rate: float
    chases: float


EMAIL, SEARCH, SOCIAL, DISPLAY, AFFILIATES, CATALOGUE = range(6)
# Affiliates is the placebo: no effect at all, yet nothing runs faster after those who are about to buy.
CHANNELS = (
    Channel("Email", 0.55, 0.80, 0.0, 0.0), Channel("Paid Search", 0.60, 0.75, 0.0105, 0.45),
    Channel("Paid Social", 0.55, 0.86, 0.0115, 0.05),
    Channel("Display", 0.30, 0.85, 0.0045, 0.25), Channel("Affiliates", 0.0, 0.80, 0.0045, 0.95),
    Channel("Catalogue", 0.45, 0.95, 0.0, 0.0))
PAID = (SEARCH, SOCIAL, DISPLAY, AFFILIATES)
OPEN_EXPOSURE = 0.3  # an e-mail opened but not clicked, in exposures
CATALOGUE_COST = 0.85

# Campaign of an ad platform: id as its links carry it, channel, platform, share of the channel, cost per click, click rate,
# utm_source, utm_medium. Ids are what the platforms put into utm_campaign, so that costs and visits meet.
ADS = (
    ("20991234501", SEARCH, "google", "Search marque", 0.40, 0.22, 0.110, "google", "cpc"),
    ("20991234502", SEARCH, "google", "Search générique", 0.35, 0.65, 0.045, "google", "cpc"),
    ("359751201", SEARCH, "microsoft", "Bing générique", 0.25, 0.48, 0.040, "bing", "cpc"),
    ("6215293456071", SOCIAL, "meta", "Été intérieur", 0.50, 0.42, 0.012, "facebook", "paid_social"),
    ("6215304566071", SOCIAL, "meta", "Inspiration décoration", 0.44, 0.38, 0.013, "instagram", "paid_social"),
    ("148633856", SOCIAL, "linkedin", "Aménager ses bureaux", 0.06, 2.40, 0.005, "linkedin", "paid_social"),
    ("20991234601", DISPLAY, "google", "Retargeting catalogue", 0.65, 0.30, 0.004, "gdn", "display"),
    ("20991234602", DISPLAY, "google", "Prospection", 0.35, 0.35, 0.002, "gdn", "display"),
    ("codes-promo", AFFILIATES, "affiliate", "codes-promo", 0.55, 0.80, 0.060, "awin", "affiliate"),
    ("cashback", AFFILIATES, "affiliate", "cashback", 0.45, 0.80, 0.060, "awin", "affiliate"))
THEMES = ("Soldes d'hiver", "Nouveautés déco", "Semaine du blanc", "Belles tables", "Lumière !", "Jardin & terrasse",
    "Idées cadeaux", "Dernière chance")


@dataclass(frozen=True)
class Campaigns:
    """`push`: channel x week, 1 on average: budgets come and go, which is what lets an effect be told from a chase.
    `emails`: one row a newsletter. `mailings`: the days on which catalogues arrive."""

    push: Array
    emails: pd.DataFrame
    mailings: list[int]

    def email_on(self, day: Array) -> Array:
        """The newsletter that goes out on a day (a new one every third day)."""
        return np.asarray(np.minimum(day // 3, len(self.emails) - 1))


def campaigns(days: int, seed: int) -> Campaigns:
    rng = stream(seed, "campaigns")
    weeks = days // 7 + 1
    push = np.exp(rng.normal(0, 0.55, (len(CHANNELS), weeks)) - 0.15)
    push[rng.random(push.shape) < 0.12] = 0.0  # weeks without a budget
    count = days // 3 + 1
    theme = [THEMES[i % len(THEMES)] for i in range(count)]
    emails = pd.DataFrame({
        "id": [f"Z{i:02d}{n:05X}" for i, n in enumerate(rng.integers(0, 16**5, count))],
        "name": [f"NL {i + 1:03d} {t}" for i, t in enumerate(theme)],
        "subject": [f"{t} : jusqu'à -{10 + 10 * (i % 4)} %" for i, t in enumerate(theme)],
        "slug": [f"nl-{i + 1:03d}" for i in range(count)], "first_day": [3 * i for i in range(count)]})
    return Campaigns(push, emails, list(range(min(9, max(days - 1, 0)), days, 28)))
