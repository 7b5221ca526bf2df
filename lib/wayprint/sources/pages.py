"""What an address of a page tells that may be kept: host, path, campaign, kind of ad click; its query never."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus, urlsplit

from wayprint.sources.convert import text

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")

# Names under which a country registers names of its own, in front of its two letters: oree.co.uk and oree.com.br are sites, co.uk is none.
_REGISTRIES = frozenset(("ac", "co", "com", "edu", "gov", "net", "ne", "or", "org"))

_TABLET = re.compile(r"iPad|Tablet|Kindle|Android(?!.*Mobile)", re.IGNORECASE)
_MOBILE = re.compile(r"Mobi|iPhone|iPod|Android|Windows Phone", re.IGNORECASE)
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS")


class Page(NamedTuple):
    """An address taken apart; `asked` holds the query parameters that the source names as identifiers."""

    host: str | None = None
    path: str | None = None
    utm: tuple[str | None, ...] = (None,) * len(UTM)
    click_id_type: str | None = None
    asked: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=16_384)
def page(address: str, asked: tuple[str, ...] = (), click_ids: tuple[str, ...] = ()) -> Page:
    """`address` taken apart; an address that cannot be read gives nothing. E-mail addresses in the path become `<email>`.

    `click_ids`: the parameters, lower case, that say on what kind of link somebody clicked; the first that is there tells the click.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
        query = _parameters(parts.query, asked, click_ids) if parts.query else {}
    except ValueError:
        return Page()
    if not query:
        return Page(host, text(parts.path) or None)
    clicked = next((name for name in click_ids if query.get(name)), None)
    utm = tuple(text(query[name].strip()) or None if name in query else None for name in UTM)
    return Page(host, text(parts.path) or None, utm, clicked, tuple((name, query[name]) for name in asked if query.get(name)))


def _parameters(query: str, asked: tuple[str, ...], click_ids: tuple[str, ...]) -> dict[str, str]:
    """The parameters that may be kept, decoded; the last of a name counts. Click ids are known whatever their case (Snapchat's is ScCid)."""
    found = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if (folded := name.lower()) in click_ids:
            name = folded
        elif name not in UTM and name not in asked:
            continue
        found[name] = unquote_plus(value) if "%" in value or "+" in value else value
    return found


@lru_cache(maxsize=4_096)
def referrer_host(address: str, own: str | None) -> str | None:
    """Host of the referring page; None if it is of the page's own site: checkout.oree.fr is of www.oree.fr's."""
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname
    except ValueError:
        return None
    return None if host is None or (own and _site(host) == _site(own)) else host


def _site(host: str) -> str:
    """The name that somebody registered, as far as the host tells: its last two labels, three under a country's own registry.

    An address in numbers is its own site. Two customers of one host of shops (a.myshopify.com, b.myshopify.com) look like one.
    """
    labels = host.rstrip(".").split(".")
    if labels[-1].isdigit() or ":" in host:
        return host
    is_of_country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _REGISTRIES
    return ".".join(labels[-3 if is_of_country else -2:])


@lru_cache(maxsize=4_096)
def device_type(user_agent: str) -> str | None:
    """mobile, tablet or desktop by the words of a user agent; None for anything else (a robot, a server, a television)."""
    if _TABLET.search(user_agent):
        return "tablet"
    if _MOBILE.search(user_agent):
        return "mobile"
    return "desktop" if _DESKTOP.search(user_agent) else None
