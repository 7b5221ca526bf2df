"""The stores' kiosks as Adobe Analytics data feeds: hit file, lookup archive and manifest, one set a day."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pandas as pd

from wayprint.world import hours
from wayprint.world.chance import stream
from wayprint.world.files import Deliveries, lines_of
from wayprint.world.layouts import names
from wayprint.world.offer import STORES
from wayprint.world.planted import Layout, Notes, spoil
from wayprint.world.scene import Scene
from wayprint.world.visits import numbered

HEADERS = names("""accept_language browser country date_time duplicate_purchase exclude_hit geo_country hit_source hit_time_gmt
 hitid_high hitid_low ip language new_visit post_campaign post_channel post_currency post_cust_visid post_evar1
 post_event_list post_page_url post_pagename post_product_list post_purchaseid post_referrer post_search_engine
 post_visid_high post_visid_low post_keywords service user_agent visit_num visit_page_num visit_start_time_gmt""")
# Numbers of the event lookup: 2 is Adobe's own product view, the others the retailer's.
EVENTS = {"page_view": "", "search": "200", "product_view": "2"}
EVENT_NAMES = (("1", "Purchase"), ("2", "Product View"), ("11", "Checkout"), ("12", "Cart Add"), ("100", "Instance of eVar1"),
    ("200", "Search"))
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 OreeKiosk/2.3"


def kiosk_ids(count: int, seed: int) -> list[tuple[int, int]]:
    """High and low half of each kiosk's visitor id."""
    rng = stream(seed, "kiosk ids")
    return [(int(a), int(b)) for a, b in rng.integers(10**18, 7 * 10**18, (count, 2))]


def deliver(scene: Scene, to: Deliveries, notes: Notes) -> None:
    rng = stream(scene.seed, "kiosk")
    visits = scene.traffic.visits
    actions = scene.actions[scene.of_platform("kiosk")].reset_index(drop=True)
    if not len(actions):
        return
    visit, verb = actions["visit"].to_numpy(), actions["verb"].to_numpy()
    person, kiosk = visits["person"].to_numpy()[visit], visits["kiosk"].to_numpy()[visit]
    ids = kiosk_ids(2 * len(STORES), scene.seed)
    login = np.where(actions["named"], scene.population.of("login", person), "")
    high, low = [str(ids[k][0]) for k in kiosk], [str(ids[k][1]) for k in kiosk]
    visitor = [f"{a}_{b}" for a, b in zip(high, low, strict=True)]
    notes.show("adobe_visitor", person, visitor)
    notes.show("login", person, login)
    notes.tie(person, adobe_visitor=visitor, login=login)
    used = pd.DataFrame({"visitor": visitor, "login": login}).query("login != ''").groupby("visitor")["login"].nunique()
    many = used[used >= 3]
    notes.plant("store_kiosk", many.index.to_numpy(), "shared_device", [f"{n} logins" for n in many])
    product, goods, size = actions["product"].to_numpy(), scene.goods, len(actions)
    t = actions["t"].to_numpy()
    page = np.where(product >= 0, "/borne/produit/" + goods.product_id[product],
        np.where(verb == "search", "/borne/recherche", "/borne/accueil"))
    sold = [f"{f};{p};1;{c:.2f}" if i >= 0 else "" for i, f, p,
        c in zip(product, goods.family_name[product], goods.product_id[product], goods.price[product], strict=True)]
    hit = rng.integers(10**18, 9 * 10**18, (size, 2))
    grouped = pd.Series(visit)
    order = numbered(visit, kiosk)
    begun = visits["t"].to_numpy()[visit] // 1000
    lines = lines_of(HEADERS, {
        "accept_language": "fr-FR", "browser": "0", "country": "0", "date_time": hours.paris(scene.start, t),
        "duplicate_purchase": "0", "exclude_hit": "0", "geo_country": "fra", "hit_source": "1",
        "hit_time_gmt": [str(s) for s in t // 1000], "hitid_high": [str(h) for h in hit[:, 0]],
        "hitid_low": [str(h) for h in hit[:, 1]], "ip": "10.20.0.1", "language": "45",
        "new_visit": ["1" if s == 0 else "0" for s in actions["step"]],
        "post_channel": "borne", "post_currency": "EUR", "post_cust_visid": list(login),
        "post_evar1": [STORES[k // 2] for k in kiosk], "post_event_list": [EVENTS[v] for v in verb],
        "post_page_url": [f"https://borne.oree.example{p}" for p in page], "post_pagename": list(page), "post_product_list": sold,
        "post_keywords": list(actions["term"]), "post_visid_high": high, "post_visid_low": low,
        "service": "ss", "user_agent": AGENT, "visit_num": [str(n) for n in order],
        "visit_page_num": [str(n + 1) for n in grouped.groupby(grouped).cumcount()],
        "visit_start_time_gmt": [str(s) for s in begun]}, "\t")
    bad = spoil(rng, lines, Layout("\t", HEADERS.index("hitid_high"), HEADERS.index("date_time"), None))
    day = np.clip(scene.day_of(t), 0, scene.days - 1)
    inner = _Hits()
    inner.deliver("adobe_kiosk/01-kiosk_{}.tsv.gz", lines, day, scene.dates, bad=bad)
    lookup = _archive()
    for (file, count, malformed), content in zip(inner.files, inner.contents, strict=True):
        date = file[-17:-7]
        archive, data = f"kiosk_{date}-lookup_data.tar.gz", file.rpartition("/")[2]
        manifest = "\n".join((
            "-- proper file", "Datafeed-Manifest-Version: 1.0", "Lookup-Files: 1", "Data-Files: 1", f"Total-Records: {count}", "",
            *_entry("Lookup-File", archive, lookup), "", *_entry("Data-File", data, content), f"Record-Count: {count}", ""))
        to.put(file, content, count, malformed)
        to.put(f"adobe_kiosk/{archive}", lookup, 0)
        to.put(f"adobe_kiosk/kiosk_{date}.txt", manifest.encode(), 0)
    to.broken += inner.broken


class _Hits(Deliveries):
    """Keeps the hit files, whose digests the manifests need."""

    def __init__(self) -> None:
        super().__init__(None)
        self.contents: list[bytes] = []

    def put(self, file: str, content: bytes, lines: int, malformed: int = 0) -> None:
        super().put(file, content, lines, malformed)
        self.contents.append(content)


def _entry(kind: str, name: str, content: bytes) -> tuple[str, str, str]:
    return f"{kind}: {name}", f"MD5-Digest: {hashlib.md5(content, usedforsecurity=False).hexdigest()}", f"File-Size: {len(content)}"


def _archive() -> bytes:
    """The lookup tables, the same bytes each day."""
    tables = {
        "column_headers.tsv": "\t".join(HEADERS) + "\n", "event.tsv": "".join(f"{i}\t{n}\n" for i, n in EVENT_NAMES),
        "browser.tsv": "0\tKiosk Browser\n", "country.tsv": "0\tFrance\n", "languages.tsv": "45\tFrench (France)\n"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in tables.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), 6, mtime=0)
