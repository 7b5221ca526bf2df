"""One record of a source -> the canonical rows it stands for, by the source's field list compiled once for a file.

1. Values are taken from their columns and converted; the first that cannot be is why the record is refused.
2. Addresses are split; identifiers and the sender's network are written canonically and hashed; clear values are sealed for the vault.
3. The row gets its name, its digest and its ids; a record may tell further actions.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from wayprint.sources import pages
from wayprint.sources.convert import BY_COLUMN, BY_TYPE, Refused, Times, converters, is_hash, money, postal_area, postal_code, region
from wayprint.sources.fields import Consent, Get, Items, Names, Values, getter, item_fields, keep
from wayprint.sources.identifiers import Identifier, identifier, network
from wayprint.sources.keys import Keys
from wayprint.sources.readers import Held
from wayprint.sources.settings import SourceSettings, Types
from wayprint.sources.specs import KINDS, NEEDED, FieldSpec, SourceSpec, fold
from wayprint.tables.bronze import ACTION, NOTHING, RAW_EVENTS
from wayprint.words import nearest

Row = dict[str, Any]

# What two deliveries of one action agree on: its id, its time, and everything it says. `flaws` is what we say of it, and a
# telephone that sends again what it could not send has moved to another network since.
DIGESTED = ("event_id", "happened_at", *(c.name for c in ACTION if c.name not in ("flaws", "network_id")))
_told = itemgetter(*DIGESTED[1:])
_repeated = itemgetter(*(name for name in DIGESTED if name != "origin_id"))
# Records that state consent: those of a contact, which have no verb, and these actions.
CONSENTING = (None, "consent", "sign_up", "form_submit")
_TYPES = {c.name: c.type for table in KINDS.values() for c in table.columns}


def columns_read(spec: SourceSpec) -> tuple[tuple[str, ...], frozenset[str]]:
    """Every raw column that a source reads, sorted, and those of them that hold lists."""
    found: set[str] = set()
    fields: list[FieldSpec] = [
        *spec.fields.values(), *spec.identifiers, *spec.vault.values(), *spec.attributes.values(), *spec.consents,
        *(one for also in spec.also for one in also.fields.values()), *filter(None, (spec.page.url, spec.page.referrer, spec.network_address))]
    found.update(column for one in fields for column in one.columns)
    found.update(rule.column for rule in spec.rules)
    found.update(spec.names.columns if spec.names else ())
    found.update(r.column for r in (spec.names.refine if spec.names else ()))
    found.update((*spec.dimensions, *spec.told_apart_by))
    lists = frozenset(items.at for items in spec.items if items.at)
    found.update(lists, *(one.columns for items in spec.items if not items.at for one in item_fields(items).values()))
    return tuple(sorted(found)), lists


class Named(NamedTuple):
    """Whom a record names: type and id of each identifier, the flawed ones with their rule, the strongest of all and of the devices, and what came in clear."""

    identifiers: tuple[tuple[str, str], ...]
    flaws: tuple[tuple[str, str], ...] | None
    strongest: str | None
    device: str | None
    types: frozenset[str]
    clear: tuple[tuple[str, str, str], ...]  # id, type, clear value


class Mapper:
    """The compiled mapping of one source onto the columns of one file.

    `places`: column (folded) -> place in the values. Raises `Held` if a column is absent without which no record could be
    read (`has_header`: where the columns of all records are known). `unknown_words` counts, by purpose and columns, the records
    whose word of consent means nothing to the source.
    """

    def __init__(self, source: str, spec: SourceSpec, places: dict[str, int], settings: SourceSettings, keys: Keys, has_header: bool = True):
        self.source, self.spec, self.keys = source, spec, keys
        self.unknown_words: Counter[tuple[str, str]] = Counter()
        self._places, self._nulls = places, frozenset(spec.nulls)
        self._times = Times(spec.time_zone, settings.earliest_year, settings.latest_year)
        self._country, self._types = spec.country or settings.default_country, settings.types
        self._needed = (*NEEDED[spec.kind], *spec.keys)
        if has_header:
            self._hold_if_missing()
        self._blank = self._row(spec.kind, spec.constants)
        self._fields = self._compiled(spec.fields)
        self._vault = self._compiled(spec.vault)
        self._attributes = self._compiled(spec.attributes, "raw")
        self._dimensions = [self._column(name) for name in spec.dimensions]
        self._identifiers = [(one, self._get(one, self._convert("", one.how or "id", one.format)),
                              self._get(one.country, region) if one.country else None)
                             for one in spec.identifiers]
        self._consents = [Consent(one, places, self._nulls) for one in spec.consents]
        self._apart = [self._column(name) for name in spec.told_apart_by]
        self._rules = [(one, self._column(one.column), self._convert("", one.how, None) if one.how else None) for one in spec.rules]
        self._url = self._get(spec.page.url, str) if spec.page.url else None
        self._referrer = self._get(spec.page.referrer, str) if spec.page.referrer else None
        self._network_address = self._get(spec.network_address, str) if spec.network_address else None
        self._asked, self._click_ids = tuple(sorted(spec.page.identifiers)), settings.click_ids
        self._name = Names(spec.names, places) if spec.names else None
        self._negative = spec.names.negative if spec.names else None
        self._items = [Items(one, places, lambda how: self._convert("", how, None), self._nulls) for one in spec.items]
        self._also = [(also, self._row(also.kind, also.constants), self._compiled(also.fields)) for also in spec.also]

    def rows(self, values: Values, file_id: str, line: int, original: bytes) -> Iterator[tuple[str, Row]]:
        """The rows of one record, each with its kind; the vault's rows too. Raises `Refused`."""
        for rule, get, convert in self._rules:
            keep(rule, get(values), convert)
        row: Row = {**self._blank, "file_id": file_id, "line_number": line}
        if self._name:
            row["event_name"] = self._name(values)
        self._fill(row, self._fields, values)
        kind = self.spec.kind
        asked: tuple[tuple[str, str], ...] = ()
        if kind == "event":
            asked = self._page(row, values)
            if self._negative and (row["amount"] or 0) < 0:
                row["event_name"] = self._negative
        for name in self._needed:
            if row[name] is None:
                raise Refused("missing_key", f"column {self._columns_of(name)}: every record needs its {name}, and it is empty: "
                              "correct the export, or map another column")
        if kind in ("event", "contact"):
            yield from self._identify(row, values, asked)
            row["consents"] = self._consent(values, row)
        row["record_id"] = _hash(file_id, line, 0)
        row["original"] = self.keys.seal(original)
        if kind == "event":
            self._take_items(row, values)
            self._finish(row, values)
            yield kind, row
            yield from self._further(row, values)
            return
        if kind == "contact":
            row["contact_id"] = f"{self.source}:{self.keys.identifier_id(f'contact of {self.source}', row['contact_id'])}"
            row["consented_at"] = row["consented_at"] or row["updated_at"]
            if row["postal_area"]:
                row["postal_area"] = postal_area(postal_code(row["postal_area"], row["country"]))
        elif kind == "cost":
            row["dimensions"] = "|".join(get(values) or "" for get in self._dimensions) if self._dimensions else None
            if row["cost_amount"] < 0:
                raise Refused("negative", f"column {self._columns_of('cost_amount')}: promised a cost of at least 0, came a negative one")
        else:
            told = {name: value for name, _, get in self._attributes if (value := get(values)) is not None}
            row["attributes"] = json.dumps(told, sort_keys=True, ensure_ascii=False) if told else None
        yield kind, row

    def _take_items(self, row: Row, values: Values) -> None:
        """The products of an action; where its source says so, what they cost together is the amount that the record lacks."""
        for items in self._items:
            if (not items.events or row["event_name"] in items.events) and (found := items(values)):
                row["items"] = found
                amounts = [amount for _, _, _, amount in found if amount is not None]
                if amounts and row["amount"] is None and row["event_name"] in items.total_of:
                    try:
                        row["amount"] = money(sum(amounts))
                    except Refused as refused:
                        raise Refused(refused.rule, f"items, all together: {refused.reason}") from None
                return

    def _hold_if_missing(self) -> None:
        missing = [(name, columns) for name in self._needed if name in self.spec.fields for columns in self._absent(self.spec.fields[name])]
        missing += [("needs", (c,)) for c in self.spec.needs if fold(c) not in self._places]
        if not missing:
            return
        known = {fold(c) for c in columns_read(self.spec)[0]} | {fold(c) for c in self.spec.columns}
        if not known & set(self._places):  # the first line may be data: nothing of it is repeated
            raise Held(f"none of the {len(self._places)} columns is one of the source: is the line of column names missing, or does the "
                       f"file belong to another source? Correct the file, or paths of sources/{self.source}.yaml")
        told = []
        for name, columns in missing:
            spare = sorted(set(self._places) - known)
            hints = [nearest(fold(c), spare) for c in columns] if spare else [""]
            hint = next((one for one in hints if "did you mean" in one), hints[0])
            told.append(f"column {' or '.join(repr(c) for c in columns)} ({name}) is missing{hint}")
        raise Held(f"{'; '.join(told)}. Came: {', '.join(sorted(self._places))[:800]}. Correct the export, or add the new name to "
                   f"sources/{self.source}.yaml; the file is then read again")

    def _absent(self, one: FieldSpec) -> list[tuple[str, ...]]:
        """The columns without which the field would be empty in every record: each of a join or product, all of the others."""
        absent: list[tuple[str, ...]] = [(c,) for c in one.indispensable if fold(c) not in self._places]
        return absent or ([] if any(fold(c) in self._places for c in one.column) else [one.column])

    def _columns_of(self, name: str) -> str:
        return _listed(self.spec.fields[name]) if name in self.spec.fields else repr(name)

    def _convert(self, target: str, how: str | None, pattern: str | None) -> Callable[[str], Any]:
        how = how or BY_COLUMN.get(target) or BY_TYPE[_TYPES.get(target, "string")]
        return converters(self._times, pattern)[how]

    def _row(self, kind: str, constants: dict[str, str]) -> Row:
        """A row of `kind` before its record is read: every column is there, empty but for source and constants."""
        given = {name: self._convert(name, None, None)(text) for name, text in constants.items()}
        return dict.fromkeys(KINDS[kind].column_names) | given | {"source": self.source}

    def _compiled(self, fields: dict[str, FieldSpec], how: str | None = None) -> list[tuple[str, FieldSpec, Get]]:
        compiled = []
        for target, one in fields.items():
            convert = str if one.how == "product" else self._convert(target, one.how or how, one.format)
            compiled.append((target, one, self._get(one, convert)))
        return compiled

    def _get(self, one: FieldSpec, convert: Callable[[str], Any]) -> Get:
        return getter(one, convert, self._places, self._nulls)

    def _column(self, name: str) -> Get:
        return self._get(FieldSpec(column=(name,)), str)

    def _fill(self, row: Row, fields: list[tuple[str, FieldSpec, Get]], values: Values) -> None:
        for target, one, get in fields:
            if one.events and row["event_name"] not in one.events:
                continue
            try:
                value = get(values)
            except Refused as refused:
                raise Refused(refused.rule, f"column {_listed(one)}: {refused.reason}") from None
            if value is not None:
                row[target] = value

    def _page(self, row: Row, values: Values) -> tuple[tuple[str, str], ...]:
        address = self._url(values) if self._url else None
        found = pages.page(address, self._asked, self._click_ids) if address else pages.Page()
        row["page_host"], row["page_path"] = row["page_host"] or found.host, row["page_path"] or found.path
        for name, value in zip(pages.UTM, found.utm, strict=True):
            row[name] = row[name] or value
        row["click_id_type"] = found.click_id_type
        came_from = self._referrer(values) if self._referrer else None
        row["referrer_host"] = pages.referrer_host(came_from, row["page_host"]) if came_from else None
        if not row["device_type"] and row["user_agent"]:
            row["device_type"] = pages.device_type(row["user_agent"])
        if self._network_address and (sender := self._network_address(values)):
            row["network_id"] = _network_id(self.keys, sender)
        return found.asked

    def _identify(self, row: Row, values: Values, asked: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, Row]]:
        given: list[tuple[str, str, str | None, str]] = []
        for one, get, country_of in self._identifiers:
            if one.events and row["event_name"] not in one.events:
                continue
            try:
                value = get(values)
            except Refused as refused:
                raise Refused(refused.rule, f"column {_listed(one)}: {refused.reason}") from None
            if value is not None:
                given.append((one.type, value, one.space, (country_of(values) if country_of else None) or self._country))
        given.extend((self.spec.page.identifiers[parameter], value, None, self._country) for parameter, value in asked)
        named = _named(self.keys, self._types, tuple(given))
        row["identifiers"], row["flaws"], row["identifier_id"] = named.identifiers, named.flaws, named.strongest
        row["origin_id"] = named.device or named.strongest
        row["sync_point"] = self._sync_point(row, named.types) if named.types else None
        about: Row = {"file_id": row["file_id"], "seen_at": row.get("happened_at", row.get("updated_at"))}
        for id, type, clear in named.clear:
            yield "vault", {**about, "subject_id": id, "field": type, "sealed": _sealed(self.keys, clear)}
        if named.strongest:
            for field, _, get in self._vault:
                value = get(values)
                if value and not is_hash(value) and value.lower() not in NOTHING:
                    clear = " ".join(unicodedata.normalize("NFKC", value).split())
                    if field == "postal_code":
                        clear = postal_code(clear, row.get("country"))
                    yield "vault", {**about, "subject_id": named.strongest, "field": field, "sealed": _sealed(self.keys, clear)}

    def _sync_point(self, row: Row, types: frozenset[str]) -> str | None:
        for one in self.spec.sync_points:
            if types.issuperset(one.has) and (not one.events or row.get("event_name") in one.events):
                return one.point
        return None

    def _consent(self, values: Values, row: Row) -> tuple[tuple[str, bool], ...] | None:
        verb, said_of = row.get("event_name"), {}
        for consent in self._consents:
            if verb not in (consent.spec.events or CONSENTING):
                continue
            if (said := consent(values)) is not None:
                said_of[consent.spec.purpose] = said
            elif consent.is_unknown(values):
                self.unknown_words[consent.spec.purpose, _listed(consent.spec)] += 1
        return tuple(sorted(said_of.items())) or None

    def _finish(self, row: Row, values: Values) -> None:
        """The ids and the digest of an action, once all it says is known."""
        if not row["event_id"]:
            apart = [get(values) for get in self._apart]
            row["event_id"] = _hash(self.source, *_told(row), *(apart if any(apart) else ()))
        row["payload_digest"] = _hash(*_repeated(row))
        row["origin_id"] = row["origin_id"] or _hash(self.source, row["event_id"])

    def _further(self, row: Row, values: Values) -> Iterator[tuple[str, Row]]:
        for ordinal, (also, blank, fields) in enumerate(self._also, start=1):
            further: Row = {**blank, "file_id": row["file_id"], "line_number": row["line_number"]}
            if also.event_name:
                replaced = {name: blank[name] for name in (*also.drop, *also.fields, *also.constants, "original", "consents")}
                further = {**row, **replaced, "event_name": also.event_name}
            self._fill(further, fields, values)
            if any(further[name] is None for name in NEEDED[also.kind]):
                continue
            further["record_id"] = _hash(row["file_id"], row["line_number"], ordinal)
            if also.event_name:
                further["event_id"] = f"{row['event_id']}:{also.event_name}"
                self._finish(further, values)
            else:
                further["event_id"] = row["event_id"]
            yield also.kind, further


# One person has many records, in many files. Keys are equal to themselves only, so no id or seal of one is given for another.
@lru_cache(maxsize=16_384)
def _named(keys: Keys, types: Types, given: tuple[tuple[str, str, str | None, str], ...]) -> Named:
    """Whom the texts of a record name, each given with its type, space and country.

    The strongest is the one whose type comes first; one whose text is flawed, or listed as naming nobody, stands for a record only where all are.
    """
    ids: dict[Identifier, str] = {}
    for type, text, space, country in given:
        if known := identifier(type, text, country):
            ids[known] = keys.identifier_id(known.type, f"{space}:{known.value}" if space else known.value)
    flaws = {id: flaw for known, id in ids.items() if (flaw := types[known.type].flaw(known.clear or known.value))}
    nobodys = flaws.keys() | {id for known, id in ids.items() if (known.type, known.value) in types.blocked}
    pairs = sorted({(known.type, id) for known, id in ids.items()})
    ranked = sorted(pairs, key=lambda pair: (pair[1] in nobodys, types[pair[0]].priority, pair[1]))
    return Named(
        identifiers=tuple(pairs), flaws=tuple(sorted(flaws.items())) or None, types=frozenset(type for type, _ in pairs),
        strongest=next((id for _, id in ranked), None), device=next((id for type, id in ranked if types[type].names == "device"), None),
        clear=tuple((id, known.type, known.clear) for known, id in ids.items() if known.clear))


# One home or carrier sends many records.
@lru_cache(maxsize=65_536)
def _network_id(keys: Keys, address: str) -> str | None:
    """What stands for the network of an address; None where the address stands for none."""
    known = network(address)
    return keys.identifier_id("network", known) if known else None


@lru_cache(maxsize=16_384)
def _sealed(keys: Keys, clear: str) -> bytes:
    return keys.seal(clear.encode())


def _listed(one: FieldSpec) -> str:
    return " or ".join(repr(c) for c in one.column)


def _hash(*parts: Any) -> str:
    """32 hexadecimal digits of the parts, each written so that no two lists of parts are written alike."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


assert set(DIGESTED) <= set(RAW_EVENTS.column_names)
