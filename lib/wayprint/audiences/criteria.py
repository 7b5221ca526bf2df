"""Criteria as Spark columns: each distinct measure one conditional aggregate, each criterion a condition over them.

All criteria of all audiences are measured in one pass. What is known of a person (touches, orders, state, scores, consents,
standing memberships) is laid into one long list of *facts*; one `groupBy("person_id")` turns it into one wide row a person.
The number of scans and shuffles therefore does not depend on the number of audiences.

Days are UTC days. `within_days: n` is the n days that end with `as_of`; `within_months: m` the days after the same day m
months earlier; `before_days: n` those before the n days that end with `as_of`. What lies after `as_of` is not seen.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.audiences.grammar import Criterion, Group, Leaf, leaves
from wayprint.audiences.wording import in_words

INTEREST = ("product_view", "review_view", "compare_view", "add_to_cart")


def gather_facts(
    as_of: dt.date, events: Iterable[str], persons: DataFrame, touches: DataFrame, conversions: DataFrame | None = None,
    lifecycle: DataFrame | None = None, scores: DataFrame | None = None, person_consents: DataFrame | None = None,
    members: DataFrame | None = None) -> DataFrame:
    """One row per thing known of a person, up to the end of `as_of`; nobody's rows (null person) fall out.

    Only touches whose verb is in `events` are kept: those that no criterion asks for are left out before the shuffle.
    """
    parts = [
        persons.select(
            "person_id", F.lit("person").alias("fact"), "is_known", "devices", "country", "postal_area", "language", "birth_year",
            "loyalty_tier", "sources"),
        touches.where(F.col("event_name").isin(sorted(set(events)))).select(
            "person_id", F.lit("touch").alias("fact"), F.to_date("happened_at").alias("on_date"), F.col("happened_at").alias("at"),
            F.col("event_name").alias("word"), "channel", "families", "stage", F.col("utm_campaign").alias("campaign"), "reason", "status",
            "ticket_id", "device_type")]
    if conversions is not None:
        parts.append(conversions.select(
            "person_id", F.lit("order").alias("fact"), F.to_date("converted_at").alias("on_date"), F.col("converted_at").alias("at"),
            "channel", "families", F.col("sale_place").alias("place"), F.col("revenue_amount").alias("amount"), "currency"))
    if lifecycle is not None:
        parts.append(lifecycle.select("person_id", F.lit("state").alias("fact"), F.col("state").alias("word")))
    if scores is not None:
        parts.append(scores.select("person_id", F.lit("score").alias("fact"), F.col("model").alias("word"), "score", "decile"))
    if person_consents is not None:
        parts.append(person_consents.select(
            "person_id", F.lit("consent").alias("fact"), F.col("stated_at").alias("at"), F.col("purpose").alias("word"),
            F.col("granted").alias("is_true")))
    if members is not None:
        parts.append(members.where("is_member").select("person_id", F.lit("member").alias("fact"), F.col("audience").alias("word")))
    facts = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), parts)
    return facts.where(F.col("person_id").isNotNull() & (F.col("on_date").isNull() | (F.col("on_date") <= F.lit(as_of))))


def first_day(as_of: dt.date, days: int | None = None, months: int | None = None) -> dt.date | None:
    """The earliest day of a window that ends with `as_of`; null for all time. 31 March less a month is the last of February."""
    if days is not None:
        return as_of - dt.timedelta(days=days - 1)
    if months is None:
        return None
    year, month = divmod(as_of.year * 12 + as_of.month - 1 - months, 12)
    same_day = dt.date(year, month + 1, min(as_of.day, calendar.monthrange(year, month + 1)[1]))
    return same_day + dt.timedelta(days=1)


class Measures:
    """The aggregates that all criteria together need, each distinct one once, and the conditions over them."""

    def __init__(self, as_of: dt.date):
        self.as_of = as_of
        self.columns: dict[str, Column] = {}
        self._names: dict[Any, str] = {}

    def named(self, key: Any, aggregate: Callable[[], Column]) -> Column:
        """The measure known by `key`; built only if nobody asked for it before (a column costs calls into the JVM)."""
        if key not in self._names:
            self._names[key] = f"m{len(self._names)}"
            self.columns[self._names[key]] = aggregate().alias(self._names[key])
        return F.col(self._names[key])

    def counted(self, key: Any, condition: Callable[[], Column]) -> Column:
        return self.named(("count", key), lambda: F.sum(F.when(condition(), 1).otherwise(0)))

    def any_of(self, key: Any, condition: Callable[[], Column]) -> Column:
        return self.named(("any", key), lambda: F.max(F.coalesce(condition(), F.lit(False))))

    def latest(self, key: Any, condition: Callable[[], Column]) -> Column:
        return self.named(("latest", key), lambda: F.max(F.when(condition(), F.col("at"))))

    def is_person(self) -> Column:
        """The person stands in `persons`; false for one who only stands in an audience."""
        return self.any_of("person", lambda: is_fact("person"))

    def granted(self, purpose: str) -> Column:
        return self.any_of(("granted", purpose), lambda: is_fact("consent", (purpose,)) & F.col("is_true"))

    def denied(self, purpose: str) -> Column:
        return self.any_of(("denied", purpose), lambda: is_fact("consent", (purpose,)) & ~F.col("is_true"))

    def per_person(self, facts: DataFrame) -> DataFrame:
        """One row per person that `persons` has or that stands in an audience; `is_present` tells which."""
        present = self.is_person()
        aggregates = list(self.columns.values())
        return facts.groupBy("person_id").agg(*aggregates).withColumn("is_present", present)

    def holds(self, criterion: Criterion) -> Column:
        """True or false, never null."""
        if isinstance(criterion, Group):
            parts = [self.holds(part) for part in criterion.parts]
            if criterion.kind == "not":
                return ~parts[0]
            return reduce(lambda one, other: one & other if criterion.kind == "all" else one | other, parts, F.lit(criterion.kind == "all"))
        options = dict(criterion.options)
        match criterion.kind:
            case "did" | "bought" | "interest":
                return self._happened(criterion, options)
            case "spent":
                spent = self.named(
                    ("spent", _without(options, "at_least", "at_most")),
                    lambda: F.coalesce(largest_sum(F.collect_list(F.when(self._matches("order", options), F.struct("currency", "amount"))))["amount"],
                                       F.lit(Decimal("0.00"))))
                return _between(spent, _exact(options.get("at_least")), _exact(options.get("at_most")))
            case "score":
                return self.any_of(criterion, lambda: _is_such_a_score(options))
            case "lifecycle":
                return self.any_of(criterion, lambda: is_fact("state", options["value"]))
            case "consent":
                return reduce(lambda one, other: one & other, [self.granted(purpose) for purpose in options["value"]])
            case "devices_at_least":
                return self.any_of(criterion, lambda: is_fact("person") & (F.col("devices") >= options["value"]))
            case "person":
                return self.any_of(criterion, lambda: _is_such_a_person(options))
        raise AssertionError(f"no meaning for {criterion.kind}")

    def _happened(self, criterion: Leaf, options: dict[str, Any]) -> Column:
        fact = "order" if criterion.kind == "bought" else "touch"
        counts = ("at_least", "at_most", "not_followed_by")
        key = (fact, criterion.kind, _without(options, *counts))
        asked = {**options, "event": INTEREST} if criterion.kind == "interest" else options
        least = options.get("at_least", 0 if "at_most" in options else 1)
        enough = _between(self.counted(key, lambda: self._matches(fact, asked)), least, options.get("at_most"))
        if followed := options.get("not_followed_by"):
            last = self.latest(key, lambda: self._matches(fact, asked))
            after = self.latest(("touch", followed), lambda: is_fact("touch", followed))
            enough = enough & F.coalesce(last > after, last.isNotNull())
        return enough

    def _matches(self, fact: str, options: dict[str, Any]) -> Column:
        condition = is_fact(fact, options.get("event"))
        start = first_day(self.as_of, options.get("within_days"), options.get("within_months"))
        if start is not None:
            condition = condition & (F.col("on_date") >= F.lit(start))
        if "before_days" in options:
            condition = condition & (F.col("on_date") < F.lit(first_day(self.as_of, options["before_days"])))
        for name in ("channel", "stage", "campaign", "status", "device_type", "place", "currency"):
            if name in options:
                condition = condition & _one_of(name, options[name])
        if "family" in options:
            condition = condition & F.arrays_overlap("families", F.array(*map(F.lit, options["family"])))
        if "reason" in options:
            condition = condition & says(options["reason"])
        return condition

    def why(self, criterion: Criterion) -> Column:
        """The criteria a member meets, in words; of `any`, those that hold. All that is named holds."""
        if isinstance(criterion, Group) and criterion.kind != "not" and _has_choice(criterion):
            if criterion.kind == "all":
                return F.concat_ws("; ", *[self.why(part) for part in criterion.parts])
            return F.concat_ws("; ", *[F.when(self.holds(part), self.why(part)) for part in criterion.parts])
        return F.lit(in_words(criterion))


def is_fact(fact: str, words: Iterable[str] | None = None) -> Column:
    condition = F.col("fact") == fact
    return condition if words is None else condition & F.col("word").isin(list(words))


def says(words: Iterable[str]) -> Column:
    """The reason holds one of the words, in any case of letters."""
    return reduce(lambda one, other: one | other, [F.lower("reason").contains(word.lower()) for word in words])


def events_of(criterion: Criterion) -> set[str]:
    """Verbs of touches that a criterion asks for."""
    found: set[str] = set()
    for leaf in leaves(criterion):
        found.update(leaf.get("event", ()), leaf.get("not_followed_by", ()), INTEREST if leaf.kind == "interest" else ())
    return found


def largest_sum(payments: Column) -> Column:
    """Of a list of payments, amount and currency of the largest sum in one: amounts of two currencies are never added. Null without a payment."""
    def total(currency: Column) -> Column:
        same = F.filter(payments, lambda one: one["currency"].eqNullSafe(currency))
        return F.aggregate(same, F.lit(Decimal("0.00")).cast("decimal(18,2)"), lambda sum, one: (sum + one["amount"]).cast("decimal(18,2)"))

    currencies = F.array_distinct(F.transform(payments, lambda one: one["currency"]))
    return F.array_max(F.transform(currencies, lambda currency: F.struct(total(currency).alias("amount"), currency.alias("currency"))))


def _is_such_a_person(options: dict[str, Any]) -> Column:
    condition = is_fact("person")
    for name in ("country", "postal_area", "language", "loyalty_tier"):
        if name in options:
            condition = condition & _one_of(name, options[name])
    if "is_known" in options:
        condition = condition & (F.col("is_known") == options["is_known"])
    if "source" in options:
        condition = condition & F.arrays_overlap("sources", F.array(*map(F.lit, options["source"])))
    if "born_from" in options or "born_to" in options:
        condition = condition & _between(F.col("birth_year"), options.get("born_from"), options.get("born_to"))
    return condition


def _is_such_a_score(options: dict[str, Any]) -> Column:
    condition = is_fact("score", options["model"]) & _between(F.col("decile"), options.get("decile_at_least"), options.get("decile_at_most"))
    return condition & _between(F.col("score"), options.get("at_least"), options.get("at_most"))


def _one_of(name: str, values: Iterable[str]) -> Column:
    return F.lower(name).isin([value.lower() for value in values])


def _between(column: Column, low: Any, high: Any) -> Column:
    condition = F.lit(True)
    if low is not None:
        condition = condition & (column >= F.lit(low))
    if high is not None:
        condition = condition & (column <= F.lit(high))
    return condition


def _exact(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))


def _without(options: dict[str, Any], *names: str) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in sorted(options.items()) if name not in names)


def _has_choice(criterion: Criterion) -> bool:
    return isinstance(criterion, Group) and (criterion.kind == "any" or any(map(_has_choice, criterion.parts)))
