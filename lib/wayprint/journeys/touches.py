"""Touches: every action that means something to the customer, given to a person and placed in a stage."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.journeys.settings import JourneySettings, StagePlan, StageRule
from wayprint.tables.bronze import NOTHING


def is_device_sent(settings: JourneySettings) -> Column:
    """Whether the event's origin is a device, not an account nor the event itself."""
    is_origin = F.exists("identifiers", lambda i: (i["id"] == F.col("origin_id")) & i["type"].isin(*settings.device_types))
    return F.coalesce(is_origin, F.lit(False))


def fulfils(rule: StageRule) -> Column:
    conditions = []
    if rule.events:
        conditions.append(F.col("event_name").isin(*rule.events))
    if rule.channels:
        conditions.append(F.col("channel").isin(*rule.channels))
    if rule.path:
        conditions.append(F.coalesce(F.col("page_path").rlike(rule.path), F.lit(False)))
    return reduce(lambda one, other: one & other, conditions)


def stage_of(plan: StagePlan) -> Column:
    """The stage of an event by the first rule that fits; null if none does."""
    rules = [F.when(fulfils(rule), F.lit(rule.stage)) for rule in plan.rules]
    return F.coalesce(*rules) if rules else F.lit(None).cast("string")


def phase_of(plan: StagePlan) -> Column:
    """The phase of column `stage`."""
    return F.coalesce(*[F.when(F.col("stage") == stage.name, F.lit(stage.phase)) for stage in plan.stages])


def is_marketing(settings: JourneySettings) -> Column:
    """What may earn credit: an exposure or click named in `marketing_events`, or an arrival through a marketing channel.

    An arrival is an inbound digital event that says where it came from (campaign, whatever part of it is tagged, ad click id or
    outside referrer).
    """
    says_whence = F.coalesce("utm_source", "utm_medium", "utm_campaign", "click_id_type", "referrer_host").isNotNull()
    arrives = F.col("platform").isin(*settings.session_platforms) & (F.col("direction") == "inbound") & says_whence
    return F.col("event_name").isin(*settings.marketing_events) | F.coalesce(
        arrives & F.col("channel").isin(*settings.marketing_channels), F.lit(False))


def order_id() -> Column:
    """The order's number as reported; null for the words by which tools say that there is none, which would make one order of many people."""
    return F.when(~F.lower(F.trim("order_id")).isin(*NOTHING), F.col("order_id"))


def acts(settings: JourneySettings) -> Column:
    """Whether a touch proves that the person did something: inbound, and not booked by the firm's systems."""
    return (F.col("direction") == "inbound") & ~F.col("event_name").isin(*settings.stages.booked_events)


def ticket_id() -> Column:
    """The service ticket of an opening or a closing; a record that tells of both says its number once (see `event_id` in sources/mapping.py)."""
    number = F.regexp_replace("event_id", ":ticket_(opened|closed)$", "")
    return F.when(F.col("event_name").isin("ticket_opened", "ticket_closed"), F.substring(F.sha2(F.concat_ws("|", "source", number), 256), 1, 32))


def place_touches(events: DataFrame, identity_map: DataFrame, episodes: DataFrame, settings: JourneySettings) -> DataFrame:
    """One row per event that is not internal and is in scope, with its person, direction, stage and phase.

    Events named in `ignored_events` mean nothing to the customer and are left out (kpis count them as ignored_events), as are
    those of excluded stages or of other product families where the scope names some. An action of a shared device is given to
    the person in whose episode it happened. `person_id` is null where the record has no identifier, or its identifier is
    nobody's and no episode holds it. `score` is divided by its scale; null without a scale.
    """
    plan, scope = settings.stages, settings.stages.scope
    owners = identity_map.where(F.col("person_id").isNotNull()).select("identifier_id", "person_id")
    means_something = ~F.col("event_name").isin(*plan.ignored_events)
    event = F.col("event_name")
    direction = F.when(event.isin(*plan.outbound_events), "outbound").when(event.isin(*plan.machine_events), "machine").otherwise("inbound")
    families = F.array_sort(F.array_distinct(F.filter(F.transform("items", lambda i: i["family"]), lambda f: f.isNotNull())))
    placed = (
        events.where(means_something)
        .withColumn("stage", stage_of(plan))
        .withColumn("direction", direction)
        .withColumn("families", families))
    if scope.excluded_stages:
        placed = placed.where(~F.coalesce(F.col("stage").isin(*scope.excluded_stages), F.lit(False)))
    if scope.families:
        concerned = F.arrays_overlap("families", F.array(*[F.lit(family) for family in scope.families]))
        placed = placed.where(F.coalesce(F.size("families") <= 0, F.lit(True)) | F.coalesce(concerned, F.lit(False)))
    stays = episodes.select("identifier_id", "started_at", "ended_at", F.col("person_id").alias("signed_in"))
    inside = (F.col("happened_at") >= F.col("started_at")) & F.coalesce(F.col("happened_at") < F.col("ended_at"), F.lit(True))
    owned = placed.join(owners, "identifier_id", how="left").alias("placed").join(
        stays.alias("stays"), (F.col("placed.identifier_id") == F.col("stays.identifier_id")) & inside, how="left").drop(F.col("stays.identifier_id"))
    return owned.select(
        "event_key", "identifier_id", F.coalesce("person_id", "signed_in").alias("person_id"), "origin_id",
        F.when(is_device_sent(settings), F.col("origin_id")).alias("device_id"),
        "source", "platform", "event_name", "happened_at", "channel", "is_digital", "stage",
        phase_of(plan).alias("phase"),
        "direction",
        F.when(F.col("stage").isNotNull(), F.concat_ws(" / ", "stage", "channel")).alias("touchpoint"),
        is_marketing(settings).alias("is_marketing"),
        (F.col("event_name") == "purchase").alias("is_conversion"),
        "device_type", "utm_source", "utm_campaign", "campaign_id", "content_id", "families",
        order_id().alias("order_id"), ticket_id().alias("ticket_id"), "amount", "currency",
        F.try_divide("score", "score_scale").alias("score"),
        "reason", "status", "store_id", "search_term", "page_path")
