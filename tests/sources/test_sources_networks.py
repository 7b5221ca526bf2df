"""The network an action was sent from: one writing of it, hashed, and the clear address nowhere but where all clear values lie sealed."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from wayprint.sources.identifiers import network
from wayprint.sources.ingest import read_file
from wayprint.sources.keys import Keys

from .conftest import KEYS, account, described

HOME, SIX = "82.64.13.7", "2a01:e0a:1b2:c3d0:8899:aabb:ccdd:eeff"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"


@pytest.mark.parametrize(("address", "meant"), [
    (HOME, HOME), (f"  {HOME} ", HOME), (f"::ffff:{HOME}", HOME), ("::FFFF:5240:0D07", HOME),
    (SIX, "2a01:e0a:1b2:c3d0::/64"), ("2A01:0E0A:01B2:C3D0::1", "2a01:e0a:1b2:c3d0::/64"), ("2a01:e0a:1b2:c3d1::1", "2a01:e0a:1b2:c3d1::/64")])
def test_a_public_address_names_one_network_however_it_is_written(address: str, meant: str) -> None:
    assert network(address) == meant


@pytest.mark.parametrize("address", [
    "10.20.0.1", "172.16.5.4", "192.168.1.17", "::ffff:192.168.1.17", "fd12:3456:789a:1::1",  # private
    "127.0.0.1", "::1", "169.254.3.4", "fe80::1", "fe80::1%eth0",  # of one machine or one wire
    "100.64.0.9", "100.127.255.254",  # shared by a carrier's customers (RFC 6598)
    "0.0.0.1", "224.0.0.5", "ff02::1", "240.0.0.1", "255.255.255.255", "192.0.2.7", "2001:db8::7"])  # reserved, multicast, documentation
def test_an_address_that_many_networks_use_alike_names_none(address: str) -> None:
    assert network(address) is None


@pytest.mark.parametrize("address", ["82.64.13.x", "82.64.13", "82.64.13.0", "::ffff:82.64.13.0", "2a01:e0a:1b2:c3d0::", "2a01:e0a:1b2::", "x.x.x.x"])
def test_an_address_whose_end_was_cut_off_for_privacy_names_none(address: str) -> None:
    assert network(address) is None


@pytest.mark.parametrize("address", ["", " ", "-", "unknown", "null", f"{HOME}:443", f"{HOME}, 10.0.0.1", "1377832199", "082.064.013.007", "82.64.13.256",
                                     "jeanne@example.fr", "é" * 500, "٨٢.64.13.7", hashlib.sha256(HOME.encode()).hexdigest()])
def test_what_is_no_address_names_no_network(address: str) -> None:
    assert network(address) is None


# --- at the door: the five sources that say where a hit was sent from -------------------------------------------------


def table(record: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(record))
    writer.writeheader()
    writer.writerow(record)
    return text.getvalue().encode()


def feed(names: list[str]) -> bytes:
    """A lookup archive of an Adobe data feed: the names of the columns."""
    archive, header = io.BytesIO(), "\t".join(names).encode() + b"\n"
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("column_headers.tsv")
        entry.size = len(header)
        tar.addfile(entry, io.BytesIO(header))
    return archive.getvalue()


def snowplow(address: str) -> tuple[str, bytes, dict[str, bytes]]:
    return "snowplow/web_events.csv", table({
        "event_id": "e1", "event": "page_view", "domain_userid": "cookie-1", "dvce_created_tstamp": "2026-01-05 21:00:00", "platform": "web",
        "user_id": "C00000001", "user_ipaddress": address, "useragent": AGENT, "page_url": "https://shop.example/?eh=ann@example.fr",
        "page_referrer": "https://www.search.example/"}), {}


def segment_app(address: str) -> tuple[str, bytes, dict[str, bytes]]:
    call = {"type": "identify", "messageId": "e1", "anonymousId": "app-1", "userId": "C00000001", "originalTimestamp": "2026-01-05T21:00:00.000Z",
            "context": {"ip": address, "userAgent": AGENT, "device": {"id": "app-1"}}, "traits": {"email": "ann@example.fr"}}
    return "segment_app/2026-01-05.jsonl", json.dumps(call).encode() + b"\n", {}


def segment_pages(address: str) -> tuple[str, bytes, dict[str, bytes]]:
    return "segment/pages.csv", table({
        "id": "e1", "anonymous_id": "cookie-1", "user_id": "C00000001", "timestamp": "2026-01-05 21:00:00", "url": "https://shop.example/?eh=ann@example.fr",
        "context_ip": address, "context_user_agent": AGENT}), {}


def adobe(folder: str) -> Callable[[str], tuple[str, bytes, dict[str, bytes]]]:
    def hit(address: str) -> tuple[str, bytes, dict[str, bytes]]:
        record = {"hitid_high": "1", "hitid_low": "2", "date_time": "2026-01-05 21:00:00", "post_visid_high": "3", "post_visid_low": "4", "ip": address,
                  "user_agent": AGENT, "post_page_url": "https://shop.example/?eh=ann@example.fr"}
        return f"{folder}/01-site_2026-01-05.tsv.gz", gzip.compress(("\t".join(record.values()) + "\n").encode()), {"site_2026-01-05-lookup_data.tar.gz": feed(list(record))}

    return hit


RECORDS = {"snowplow_web": snowplow, "segment_app": segment_app, "segment_pages": segment_pages, "adobe_site": adobe("adobe_site"), "adobe_kiosk": adobe("adobe_kiosk")}


def came(source: str, address: str, settings: Any, keys: Keys = KEYS) -> dict[str, list[dict[str, Any]]]:
    """The rows by kind of a file of one record that was sent from the address."""
    name, content, beside = RECORDS[source](address)
    given = {other: io.BytesIO(inside) for other, inside in beside.items()}
    rows: dict[str, list[dict[str, Any]]] = {}
    for kind, row in read_file(described(name, content, source), io.BytesIO(content), settings.sources, keys, given.get):
        rows.setdefault(kind, []).append(row)
    account(rows)
    return rows


def test_these_are_all_the_sources_that_say_from_where(settings: Any) -> None:
    assert {name for name, spec in settings.sources.specs.items() if spec.network_address} == set(RECORDS)


@pytest.mark.parametrize("source", RECORDS)
def test_the_door_keeps_a_keyed_hash_of_the_network_and_the_address_nowhere_in_clear(source: str, settings: Any) -> None:
    rows = came(source, HOME, settings)
    events = rows["event"]
    assert {event["network_id"] for event in events} == {KEYS.identifier_id("network", HOME)}
    assert KEYS.open(next(event["original"] for event in events if event["original"])).count(HOME.encode()) == 1
    assert all(HOME not in repr(row) for found in rows.values() for row in found)
    sealed = [KEYS.open(row["sealed"]) for row in rows["vault"]]
    assert sealed
    assert HOME.encode() not in b" ".join(sealed)


@pytest.mark.parametrize("source", RECORDS)
def test_an_address_that_names_no_network_leaves_the_action_without_one(source: str, settings: Any) -> None:
    for address in ("10.20.0.1", "82.64.13.x", ""):
        assert [event["network_id"] for event in came(source, address, settings)["event"]] == [None]


@pytest.mark.parametrize("source", RECORDS)
def test_an_action_sent_again_from_elsewhere_is_the_same_action(source: str, settings: Any) -> None:
    (one,), (other,), (none,) = (came(source, address, settings)["event"] for address in (HOME, SIX, ""))
    assert len({one["network_id"], other["network_id"], none["network_id"]}) == 3
    assert one["payload_digest"] == other["payload_digest"] == none["payload_digest"]
    assert one["event_id"] == other["event_id"] == none["event_id"]


def test_an_action_without_an_id_of_its_own_is_named_by_what_it_says_and_not_by_where_it_was_sent_from(read: Any) -> None:
    header, spec = "at,login,amount,ip\n", {"fields": {"happened_at": "at", "amount": "amount"}, "keys": [], "network_address": "ip",
                                            "columns": ["at", "login", "amount", "ip"]}
    rows = read(f"{header}2026-01-01,C1,1,{HOME}\n2026-01-01,C1,1,{SIX}\n2026-01-01,C1,2,{HOME}\n", **spec)
    one, elsewhere, other = rows["event"]
    assert one["event_id"] == elsewhere["event_id"] != other["event_id"]
    assert one["network_id"] == other["network_id"] != elsewhere["network_id"]


def test_devices_of_one_home_meet_under_one_key_and_under_two_keys_nobody_does(settings: Any) -> None:
    def sent(address: str, keys: Keys = KEYS) -> str:
        return str(came("snowplow_web", address, settings, keys)["event"][0]["network_id"])

    assert sent(SIX) == sent("2a01:e0a:1b2:c3d0::5")
    assert sent(HOME) == sent(f"::ffff:{HOME}")
    assert sent(HOME, Keys(b"\x22" * 32, b"\x33" * 32)) != sent(HOME)
