"""All that happened to each person, in one shape: the story and the answers are both read from it."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.tables.persons import PERSON_TIMELINE

SERVICE = ("ticket_opened", "ticket_closed", "call_in", "refund")
REFUSALS = ("email_unsubscribe", "email_spam")
KINDS = {"web": "web", "app": "app", "store": "store", "kiosk": "store", "call_centre": "service", "survey": "survey", "email": "email", "ads": "ad", "iot": "usage"}
ATTRIBUTES = ("birth_year", "country", "gender", "language", "loyalty_tier", "postal_area")


def gather_happenings(
    persons: DataFrame, touches: DataFrame, conversions: DataFrame, visits: DataFrame, journeys: DataFrame, person_consents: DataFrame,
) -> DataFrame:
    """One row per touch, order, consent, visit, journey and person, told apart by `fact`; rows that are nobody's are left out."""
    acts = touches.select(
        F.lit("touch").alias("fact"), "person_id", F.col("event_key").alias("happening_id"), "happened_at", "event_name", "platform", "channel", "stage",
        (F.col("direction") == "inbound").alias("is_inbound"), "device_type", "store_id", "order_id", "reason", "amount", "currency",
        F.array("source").alias("sources"))
    orders = conversions.select(
        F.lit("order").alias("fact"), "person_id", F.col("conversion_id").alias("happening_id"), F.col("converted_at").alias("happened_at"),
        F.lit("purchase").alias("event_name"), F.col("sale_place").alias("platform"), "channel", "store_id", "order_id", "families",
        F.col("gross_amount").alias("amount"), F.col("revenue_amount").alias("revenue"), "currency", "sources")
    said = F.concat_ws(" ", "purpose", F.when(F.col("granted"), "granted").otherwise("denied"))
    consents = person_consents.select(
        F.lit("consent").alias("fact"), "person_id", F.substring(F.sha2(F.concat_ws("|", "person_id", "purpose"), 256), 1, 32).alias("happening_id"),
        F.col("stated_at").alias("happened_at"), said.alias("event_name"), F.array("source").alias("sources"))
    came = visits.select(F.lit("visit").alias("fact"), "person_id", "channel")
    went = journeys.select(F.lit("journey").alias("fact"), "person_id", F.col("ended_by").alias("event_name"))
    known = F.filter(F.array(*[F.when(F.col(name).isNotNull(), F.lit(name)) for name in ATTRIBUTES]), lambda name: name.isNotNull())
    described = persons.select(F.lit("person").alias("fact"), "person_id", F.struct(
        "is_known", "identifier_types", "devices", "first_seen_at", "last_seen_at", "postal_area", known.alias("known_fields")).alias("person"))
    facts = (acts, orders, consents, came, went, described)
    return reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), facts).where(F.col("person_id").isNotNull())


def tell_timeline(prepared: DataFrame) -> DataFrame:
    """One row per touch, order and consent of a person, from `gather_happenings`.

    An order is told once, whatever number of systems reported it: its purchase touches are left out, also those by which another
    person's device reported it. A purchase without order number stands as its touch. Of a consent the present statement is told.
    """
    is_told = (F.col("fact") == "touch") & ~((F.col("event_name") == "purchase") & F.col("order_id").isNotNull())
    return prepared.where(is_told | F.col("fact").isin("order", "consent")).select(
        "happening_id", "person_id", "happened_at", _kind().alias("kind"), F.col("event_name").alias("description"), "channel", "stage", "sources",
        "amount", "currency", "order_id", "store_id",
    ).select(*PERSON_TIMELINE.column_names)


def _kind() -> Column:
    event = F.col("event_name")
    kind = F.when((F.col("fact") == "consent") | event.isin(*REFUSALS), "consent").when(event == "purchase", "purchase")
    kind = kind.when(~F.col("is_inbound"), "contact").when(event == "survey_answer", "survey").when(event.isin(*SERVICE), "service")
    for platform, name in KINDS.items():
        kind = kind.when(F.col("platform") == platform, name)
    return kind.otherwise("other")
