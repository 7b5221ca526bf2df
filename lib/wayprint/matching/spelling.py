"""One spelling of names, streets, towns and numbers, so that what differs in writing only is the same text. Null and empty give null."""

from __future__ import annotations

import re

from wayprint.letters import unaccented

# Abbreviations of French and English addresses; a word not listed stays as it is.
WORDS = {
    "r": "rue", "bd": "boulevard", "bld": "boulevard", "blvd": "boulevard", "boul": "boulevard", "av": "avenue", "ave": "avenue", "pl": "place",
    "all": "allee", "ch": "chemin", "che": "chemin", "chem": "chemin", "imp": "impasse", "rte": "route", "sq": "square", "fg": "faubourg",
    "fbg": "faubourg", "crs": "cours", "res": "residence", "lot": "lotissement", "st": "saint", "ste": "sainte", "gal": "general",
    "gen": "general", "mal": "marechal", "col": "colonel", "cdt": "commandant", "dr": "docteur", "pdt": "president", "rd": "road"}
_DOOR = re.compile(r"^(?:(?:no|n)\s+)?(\d+)\s*(bis|ter|quater|[a-f](?=\s))?\s*")
_CEDEX = re.compile(r"\s+cedex(?:\s+\d+)?$|\s+\d+(?:er|e|eme)?$")
_NOT_WORDS = re.compile(r"[^a-z0-9]+")


def plain(text: str | None) -> str | None:
    """Lower case, without accents, words apart by one space: `Jean-Noël` is `jean noel`."""
    return _NOT_WORDS.sub(" ", unaccented((text or "").lower())).strip() or None


def unabbreviated(text: str | None) -> str | None:
    """`plain`, each abbreviation of an address in full: `Bd. St-Michel` is `boulevard saint michel`."""
    known = plain(text)
    return " ".join(WORDS.get(word, word) for word in known.split()) if known else None


def door_and_street(text: str | None) -> tuple[str | None, str | None]:
    """The house number (with bis, ter, a letter) apart from the street: `12 bis, r. Pasteur` is `12bis` and `rue pasteur`."""
    known = plain(text) or ""
    found = _DOOR.match(known)
    door = found.group(1) + (found.group(2) or "") if found else None
    return door, unabbreviated(known[found.end():] if found else known)


def town(text: str | None) -> str | None:
    """`St Étienne Cedex 2` is `saint etienne`, `Lyon 3e` is `lyon`."""
    known = unabbreviated(text)
    return _CEDEX.sub("", known) if known else None


def postal_code(text: str | None) -> str | None:
    """Letters and digits, upper case; five digits where a leading zero was lost (`6000` is `06000`)."""
    known = "".join(c for c in (text or "").upper() if c.isalnum())
    return (known.zfill(5) if known.isdigit() and len(known) == 4 else known) or None


def digits(text: str | None) -> str | None:
    """The last nine digits of a telephone number: how it is written at home and from abroad differs before them."""
    return "".join(c for c in text or "" if c.isdigit())[-9:] or None


def mailbox(text: str | None) -> str | None:
    """What stands before the sign of an e-mail address, without points and without what follows a plus."""
    return _NOT_WORDS.sub("", (plain((text or "").split("@")[0].split("+")[0]) or "")) or None
