"""Six questions about each person: who, what, when, where, why, how; and how many persons leave them open."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.persons.happenings import tell_timeline
from wayprint.tables.persons import PERSON_360, PERSON_360_GAPS

TICKETS = ("ticket_opened", "ticket_closed", "call_in")
DAY_US = 86_400_000_000


def view_persons(prepared: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Timeline and answers, from `gather_happenings`; a row depends on the rows of its person alone."""
    return tell_timeline(prepared), answer_questions(prepared)


def answer_questions(prepared: DataFrame) -> DataFrame:
    """One row per person of `persons`, from `gather_happenings`.

    Actions are the person's own (inbound) touches; what the firm sends answers nothing. Of two actions of one instant the one with the
    larger event_key is the latest. Orders count where they were refunded since. Amounts of two currencies are never added: the revenue is
    that of the currency of most orders (those that name none count where none does). Lists are empty, words null, where nothing is known.
    """
    acts = (F.col("fact") == "touch") & F.col("is_inbound")
    is_order = F.col("fact") == "order"
    first_order, last_order = F.min(F.when(is_order, F.col("happened_at"))), F.max(F.when(is_order, F.col("happened_at")))
    orders = F.count_if(is_order)
    days = F.try_divide((F.unix_micros(last_order) - F.unix_micros(first_order)) / DAY_US, F.when(orders > 1, orders - 1))
    stages = F.collect_list(F.when(acts, F.col("stage")))
    answered = prepared.groupBy("person_id").agg(
        F.max("person").alias("person"),
        orders.alias("orders"),
        F.collect_list(F.when(is_order, F.struct("currency", "revenue"))).alias("payments"),
        F.array_sort(F.array_distinct(F.flatten(F.collect_list(F.when(is_order, F.col("families")))))).alias("families"),
        _latest("event_name", acts).alias("last_event"),
        F.max(F.when(acts, F.col("happened_at"))).alias("last_event_at"),
        last_order.alias("last_purchase_at"),
        days.cast("double").alias("days_between_purchases"),
        _every("platform", acts).alias("platforms"),
        _every("store_id", acts | is_order).alias("stores"),
        _latest("stage", acts & F.col("stage").isNotNull()).alias("last_stage"),
        stages.alias("stages"),
        _every("reason", acts & (F.col("event_name") == "survey_answer")).alias("survey_reasons"),
        _every("reason", (F.col("fact") == "touch") & F.col("event_name").isin(*TICKETS)).alias("ticket_reasons"),
        (F.count_if((F.col("fact") == "journey") & (F.col("event_name") == "open")) > 0).alias("has_open_journey"),
        _every("channel", acts).alias("channels"),
        _every("channel", F.col("fact") == "visit").alias("arrival_channels"),
        _every("platform", is_order).alias("sale_places"),
        _every("device_type", acts).alias("device_types"),
        F.count_if(F.col("fact") == "visit").alias("visits"),
        F.count_if(F.col("fact") == "journey").alias("journeys"))
    currencies = F.filter(F.transform("payments", lambda one: one["currency"]), lambda one: one.isNotNull())
    paid = F.filter("payments", lambda one: one["currency"].eqNullSafe(F.col("revenue_currency")))
    revenue = F.aggregate(paid, F.lit(0).cast("decimal(18,2)"), lambda sum, one: (sum + F.coalesce(one["revenue"], F.lit(0))).cast("decimal(18,2)"))
    of_person = ("is_known", "identifier_types", "known_fields", "devices", "first_seen_at", "last_seen_at", "postal_area")
    return answered.where(F.col("person").isNotNull()).withColumn("revenue_currency", _most(currencies)).select(
        "*", _most(F.col("stages")).alias("dominant_stage"), revenue.alias("revenue_amount"), *(f"person.{name}" for name in of_person),
    ).select(*PERSON_360.column_names)


def count_gaps(person_360: DataFrame) -> DataFrame:
    """One row per answer and population: how many persons leave the question open.

    Answered is: who by an attribute (identifiers alone name nobody), what by an order or an action, when by the time of one, where by a
    platform, store or postal area, why by a stage or a reason, how by a channel of an action or a visit, a device type or a place of sale.
    """
    answers: dict[str, Column] = {
        "who": F.size("known_fields") > 0,
        "what": (F.col("orders") > 0) | F.col("last_event").isNotNull(),
        "when": F.coalesce("last_event_at", "last_purchase_at").isNotNull(),
        "where": _any("platforms", "stores") | F.col("postal_area").isNotNull(),
        "why": F.col("last_stage").isNotNull() | _any("survey_reasons", "ticket_reasons"),
        "how": _any("channels", "arrival_channels", "device_types", "sale_places")}
    counted = person_360.groupBy(F.when(F.col("is_known"), "known").otherwise("anonymous").alias("population")).agg(
        F.count(F.lit(1)).alias("persons"), *(F.count_if(~has).alias(name) for name, has in answers.items()))
    lines = F.explode(F.array(*[F.struct(F.lit(name).alias("answer"), F.col(name).alias("unanswered")) for name in answers]))
    return counted.select("population", "persons", lines.alias("line")).select(
        "line.answer", "population", "persons", "line.unanswered", (F.col("line.unanswered") / F.col("persons")).alias("unanswered_share"),
    ).select(*PERSON_360_GAPS.column_names)


def _most(words: Column) -> Column:
    """The word that stands most often in the list; of equals, the last by name; null of an empty list."""
    often = F.transform(F.array_distinct(words), lambda name: F.struct(F.size(F.filter(words, lambda one: one == name)).alias("often"), name.alias("name")))
    return F.array_max(often)["name"]


def _every(name: str, condition: Column) -> Column:
    return F.sort_array(F.collect_set(F.when(condition, F.col(name))))


def _latest(name: str, condition: Column) -> Column:
    return F.max(F.when(condition, F.struct("happened_at", "happening_id", name)))[name]


def _any(*lists: str) -> Column:
    return F.size(F.concat(*lists)) > 0
