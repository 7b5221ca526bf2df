"""How one canonical value is taken from the values of a record: a column, several, a verb, products, a statement of consent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from wayprint.sources.convert import Refused, number, plain_word, product
from wayprint.sources.nested import walk
from wayprint.sources.specs import ConsentSpec, FieldSpec, ItemsSpec, NamesSpec, RuleSpec, fold

Values = Sequence[Any]
Get = Callable[[Values], Any]
Places = Mapping[str, int]

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_CARET = re.compile(r"\^(.)", re.DOTALL)  # Adobe's escape inside a list: ^, ^; ^= ^^
_VALUED = re.compile(r"[=:].*")  # what a word of a list bears: its number of times (200=4), its serial number (1:777)


def getter(one: FieldSpec, convert: Callable[[str], Any], places: Places, nulls: frozenset[str] = frozenset()) -> Get:
    """A function from the values of a record to one canonical value; None where the columns are absent or empty."""
    given = [places.get(fold(c)) for c in one.column]  # an absent column keeps its place, so that no other takes its meaning
    found = [place for place in given if place is not None]
    beside = [places.get(fold(c)) for c in one.only_with]
    table, default = one.table, one.default
    pattern = re.compile(one.pattern) if one.pattern else None

    def clean(values: Values, place: int) -> str | None:
        value = values[place]
        if value == "":
            return None
        if type(value) is not str:
            value = json.dumps(value)
        value = value.strip()
        if pattern and value:
            match = pattern.search(value)
            found = match[match.lastindex] if match and match.lastindex else ""
            value = _unescaped(found) if value[0] in "{[" else found  # only what is cut out of JSON has its escapes
        return None if not value or value in nulls else value

    def finish(value: str | None) -> Any:
        if value is not None and table is not None:
            value = table.get(value.lower(), default)
        value = default if value is None else value
        return None if value is None else convert(value)

    def filled(values: Values, place: int | None) -> str | None:
        return None if place is None else clean(values, place)

    def first(values: Values) -> Any:
        for place in found:
            if (value := clean(values, place)) is not None:
                return finish(value)
        return finish(None)

    def joined(values: Values) -> Any:
        parts = [v for place in given if (v := filled(values, place)) is not None]
        return finish((one.join or "").join(parts) if len(parts) == len(one.column) else None)

    def multiplied(values: Values) -> Any:
        parts = [filled(values, place) or "" for place in given]
        return product(parts) if len(parts) > 1 and parts[0] and parts[1] else None

    def single(values: Values) -> Any:  # as `first`, for most columns of most sources
        value = values[place]
        if value == "":
            return None
        if type(value) is not str:
            value = json.dumps(value)
        value = value.strip()
        return None if not value or value in nulls else convert(value)

    if one.how == "product":
        return multiplied
    if one.join is not None:
        return joined
    if one.only_with:
        def accompanied(values: Values) -> Any:
            alone = any(place is None or str(values[place]).strip() in ("", *nulls) for place in beside)
            return None if alone else first(values)
        return accompanied
    if len(found) == 1 and table is None and default is None and pattern is None:
        place = found[0]
        return single
    return first


def _unescaped(text: str) -> str:
    """A text cut out of JSON, without JSON's escapes."""
    if "\\" not in text:
        return text
    try:
        return _sound(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _sound(text: str) -> str:
    """A text out of JSON, whose escapes may stand for what no text can hold."""
    if _NO_TEXT.search(text):
        raise Refused("bad_encoding", "promised text, came an escape for half a character or a NUL: correct the writer")
    return text


def _parted(text: str, mark: str) -> list[str]:
    """The parts of a list of Adobe's between its marks; one after a caret belongs to a value. An empty part may follow the last."""
    return re.findall(rf"((?:[^{mark}^]|\^.?)*)(?:{mark}|\Z)", text, re.DOTALL) if "^" in text else text.split(mark)


def item_fields(items: ItemsSpec) -> dict[str, FieldSpec]:
    given = {"product_id": items.product_id, "family": items.family, "quantity": items.quantity, "amount": items.amount}
    return {name: one for name, one in given.items() if one is not None}


class Names:
    """The verb of a record; see NamesSpec."""

    def __init__(self, spec: NamesSpec, places: Places):
        self._table, self._split, self._default = spec.table, spec.split, spec.default
        self._by = [read for by in spec.by if (read := self._reading(by, places))]
        self._refine = [(one.event, places[fold(one.column)], one.contains, one.name) for one in spec.refine if fold(one.column) in places]
        self._order = {word: rank for rank, word in enumerate(spec.table)}

    @staticmethod
    def _reading(by: str | FieldSpec, places: Places) -> Callable[[Values], str] | None:
        """What gives the word, in small letters; None where the file lacks a column of it."""
        if isinstance(by, FieldSpec):
            get = getter(by, str.lower, places)
            return lambda values: get(values) or ""
        several = [places.get(fold(c)) for c in by.split("/")]
        found = [place for place in several if place is not None]
        return (lambda values: "/".join(str(values[place]).strip() for place in found).lower()) if len(found) == len(several) else None

    def __call__(self, values: Values) -> str:
        name = self._broad(values)
        for event, place, text, narrower in self._refine:
            if name == event and text in str(values[place]):
                return narrower
        return name

    def _broad(self, values: Values) -> str:
        for read in self._by:
            word = read(values)
            if self._split:
                words = (_VALUED.sub("", w).strip() for w in word.split(self._split))
                known = [w for w in words if w in self._order]
                word = min(known, key=self._order.__getitem__, default="")
            if word in self._table:
                return self._table[word]
        return self._default


class Items:
    """The products of a record: (product, family, quantity, amount of the line) each; see ItemsSpec."""

    def __init__(self, spec: ItemsSpec, places: Places, converter: Callable[[str], Callable[[str], Any]], nulls: frozenset[str] = frozenset()):
        self._format, self._is_list, self.events = spec.format, spec.at is not None, frozenset(spec.events)
        self.total_of = frozenset(spec.total_of)
        self._at = places.get(fold(spec.at)) if spec.at else None
        fields = item_fields(spec)
        self._columns = tuple(sorted({c for one in fields.values() for c in one.columns}))
        self._paths = [(*(("data",) if spec.format == "snowplow" else ()), *c.split(".")) for c in self._columns]
        inner = {fold(c): place for place, c in enumerate(self._columns)} if self._is_list else places
        how = {"product_id": "raw", "family": "text", "quantity": "pieces", "amount": "money"}
        self._get = [getter(fields[name], str if fields[name].how == "product" else converter(fields[name].how or how[name]), inner, nulls)
                     if name in fields else None for name in how]

    def __call__(self, values: Values) -> tuple[tuple[Any, ...], ...] | None:
        if not self._is_list:
            found = [self._item(values)] if self._get[0] and self._get[0](values) is not None else []
        elif self._at is None:
            return None
        else:
            found = [self._item(element) for element in self._elements(values[self._at])]
        return tuple(item for item in found if item[0] is not None) or None

    def _item(self, values: Values) -> tuple[Any, ...]:
        try:
            return tuple(get(values) if get else None for get in self._get)
        except Refused as refused:
            raise Refused(refused.rule, f"items: {refused.reason}") from None

    def _elements(self, value: Any) -> Iterator[list[Any]]:
        if self._format == "adobe":
            for entry in _parted(value, ",") if value else ():
                parts = dict(zip(("category", "product", "quantity", "price"), _parted(entry, ";"), strict=False))
                yield [_CARET.sub(r"\1", parts.get(column, "")) for column in self._columns]
            return
        if type(value) is str:
            try:
                value = json.loads(value, parse_int=str, parse_float=str) if value.strip() else []
            except (ValueError, RecursionError):
                value = None
        if self._format == "snowplow" and type(value) is dict:  # the entities of a hit, of which those of the plugin for e-commerce are products
            entities = value.get("data")
            value = [one for one in entities if "snowplow.ecommerce/product/" in walk(one, ("schema",))] if type(entities) is list else None
        if type(value) is not list:
            raise Refused("malformed", "items: promised a JSON list of products, came something else: correct the export")
        for element in value:
            yield [_sound(walk(element, path)) for path in self._paths]


class Consent:
    """What a record says of one purpose: granted, denied, or nothing; see ConsentSpec."""

    def __init__(self, spec: ConsentSpec, places: Places, nulls: frozenset[str]):
        self.spec = spec
        self._get = getter(spec, str, places, nulls)
        self._verdict = getter(spec.verdict, str, places, nulls) if spec.verdict else None
        self._words = frozenset(map(fold, spec.contains))

    def __call__(self, values: Values) -> bool | None:
        verdict = self._verdict(values) if self._verdict else "listed"
        if verdict != "listed":
            return False if verdict == "denied" else None
        if (value := self._get(values)) is None:
            return None
        if self._words:
            return not self._words.isdisjoint(re.findall(r"\w+", value.lower()))
        word = plain_word(value)
        return True if word in self.spec.granted else False if word in self.spec.denied else None

    def is_unknown(self, values: Values) -> bool:
        """Does the column hold a word of which nobody said what it means?"""
        value = None if self._words or self.spec.verdict else self._get(values)
        return value is not None and plain_word(value) not in (*self.spec.granted, *self.spec.denied, *self.spec.silent)


def keep(rule: RuleSpec, value: str | None, convert: Callable[[str], Any] | None) -> None:
    """Raises `Refused` if the value breaks the rule; an empty value only breaks a list that does not hold it."""
    if rule.one_of is not None and fold(value or "") not in rule.one_of:
        raise Refused(rule.name, f"column {rule.column!r}: {rule.why}")
    if value is None:
        return
    if fold(value) in rule.none_of:
        raise Refused(rule.name, f"column {rule.column!r}: {rule.why}")
    try:
        if convert:
            convert(value)
        fits = rule.at_least is None or number(value) >= Decimal(str(rule.at_least))
    except Refused as refused:
        raise Refused(refused.rule, f"column {rule.column!r}: {refused.reason}") from None
    if not fits:
        raise Refused(rule.name, f"column {rule.column!r}: promised at least {rule.at_least:g}, came less: {rule.why}")
