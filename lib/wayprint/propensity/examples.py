"""Examples: each person at each month end, described by the past only and labelled by what came next.

1. Every touch, visit, order and identifier becomes a fact with a time; facts are added up per person, UTC day and channel.
2. Each such day is laid against the feature dates: the first of each month whose label window is closed at `as_of`, and
   `as_of` itself. A day before the date feeds its features, a day in the window from the date on feeds its label, never both.
   Windows are whole days and dates begin at midnight UTC, so adding up per day first loses nothing.
3. One sum per person and date. All of it follows one shuffle by person; the cost is person-days times months.

What a later event could change about an earlier month is kept out: revenue is gross (a refund comes later), `devices` and
`is_known` count identifiers by when they were first seen. One thing cannot be kept out: which identifiers belong to one
person is today's knowledge. A visit that was still anonymous in March is its owner's if a login in April revealed it.
"""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.propensity.settings import PropensitySettings
from wayprint.tables.propensity import EXAMPLES

DEVICE_TYPES = ("app_device", "maid", "web_cookie", "ga_client", "adobe_visitor")
NAMED_TYPES = ("login", "email", "email_md5", "phone", "loyalty_card", "crm_id")
EVENT_COUNTS = {
    "product_views": "product_view", "carts": "add_to_cart", "searches": "search", "email_clicks": "email_click",
    "emails_sent": "email_sent", "tickets": "ticket_opened"}
WINDOWED = {
    "purchases_365d": ("orders", 365), "visits_7d": ("visits", 7), "visits_30d": ("visits", 30), "visits_90d": ("visits", 90),
    "product_views_30d": ("product_views", 30), "carts_30d": ("carts", 30), "searches_30d": ("searches", 30),
    "email_clicks_90d": ("email_clicks", 90), "emails_sent_90d": ("emails_sent", 90), "store_visits_365d": ("store_touches", 365),
    "tickets_90d": ("tickets", 90)}


def build_examples(
    touches: DataFrame, visits: DataFrame, conversions: DataFrame, identity_map: DataFrame, settings: PropensitySettings, as_of: dt.date,
) -> DataFrame:
    """One row per person and feature date from the person's first touch on; a person without a touch has none.

    `fold`: test is the latest closed month of the persons in the test share; train is the other persons in months whose
    label window ends before the test month begins; any other closed month is unused. So no person is in both, and nothing
    that train learns from happened in the test window. Rows with a null person are left out.
    """
    dates = feature_dates(as_of, settings)
    days = by_day(facts_of(touches, visits, conversions, identity_map).repartition("person_id"))
    described = describe(lay_against(days, dates, settings.horizon_days), settings.horizon_days)
    return described.where("touches > 0").select(
        "person_id", "feature_date", "features_until", F.col("feature_date").alias("label_from"),
        F.when(F.col("feature_date") < F.lit(as_of), (F.col("bought") > 0).cast("int")).alias("label"),
        fold_of(dates, settings).alias("fold"),
        *(F.col(name).cast("double").alias(name) for name in EXAMPLES.column_names[6:]))


def feature_dates(as_of: dt.date, settings: PropensitySettings) -> list[dt.date]:
    """Month starts whose label window is closed at the start of `as_of`, at most `history_months` of them, then `as_of`."""
    month = as_of.replace(day=1)
    closed: list[dt.date] = []
    while len(closed) < settings.history_months and month.year > 1970:
        if month + dt.timedelta(days=settings.horizon_days) <= as_of:
            closed.append(month)
        month = (month - dt.timedelta(days=1)).replace(day=1)
    return [*reversed(closed), as_of]


def fold_of(dates: list[dt.date], settings: PropensitySettings) -> Column:
    """The fold by feature date and by a hash of the person that stays the same from run to run.

    Stable, so that a champion trained earlier never meets its own persons in a later test.
    """
    is_tester = F.pmod(F.xxhash64(F.lit("fold"), "person_id"), F.lit(10_000)) < round(settings.test_share * 10_000)
    date = F.col("feature_date")
    last_closed = dates[-2] if len(dates) > 1 else dates[-1]
    is_before_test = date <= F.lit(last_closed - dt.timedelta(days=settings.horizon_days))
    return (
        F.when(date == F.lit(dates[-1]), "score")
        .when(is_tester & (date == F.lit(last_closed)), "test")
        .when(~is_tester & is_before_test, "train")
        .otherwise("unused"))


def facts_of(touches: DataFrame, visits: DataFrame, conversions: DataFrame, identity_map: DataFrame) -> DataFrame:
    """(person_id, at, kind, channel, cents): everything that may describe a person, with the time it became known.

    Narrow, since this is what is shuffled. `kind` is the verb of a touch that is counted by itself, else touch, visit, order,
    device, named or identifier; `channel` is told for inbound touches only.
    """
    verb, identifier = F.col("event_name"), F.col("identifier_type")
    inbound_channel = F.when(F.col("direction") == "inbound", F.coalesce("channel", F.lit("Unassigned")))
    named_or_device = F.when(identifier.isin(*DEVICE_TYPES), "device").when(identifier.isin(*NAMED_TYPES), "named").otherwise("identifier")
    return (
        fact(touches, "happened_at", F.when(verb.isin(*EVENT_COUNTS.values()), verb).otherwise("touch"), channel=inbound_channel)
        .unionByName(fact(visits, "started_at", F.lit("visit")))
        .unionByName(fact(conversions, "converted_at", F.lit("order"), cents=F.col("gross_amount") * 100))
        .unionByName(fact(identity_map.where("status = 'owned'"), "first_seen_at", named_or_device)))


def fact(rows: DataFrame, at: str, kind: Column, channel: Column | None = None, cents: Column | None = None) -> DataFrame:
    return rows.where(F.col("person_id").isNotNull() & F.col(at).isNotNull()).select(
        "person_id", F.col(at).alias("at"), kind.alias("kind"), (F.lit(None) if channel is None else channel).cast("string").alias("channel"),
        (F.lit(None) if cents is None else cents).cast("long").alias("cents"))


def by_day(facts: DataFrame) -> DataFrame:
    """Counts, money and the latest time per person, UTC day and channel; money in whole cents, which add up in any order."""
    kind, is_inbound = F.col("kind"), F.col("channel").isNotNull()
    counted = {
        "touches": kind.isin("touch", *EVENT_COUNTS.values()), "inbound": is_inbound,
        "store_touches": is_inbound & (F.col("channel") == "Store"), **{name: kind == verb for name, verb in EVENT_COUNTS.items()},
        "visits": kind == "visit", "orders": kind == "order", "devices": kind == "device", "named": kind == "named"}
    return facts.groupBy("person_id", F.to_date("at").alias("day"), "channel").agg(
        F.max("at").alias("last_at"), F.coalesce(F.sum("cents"), F.lit(0)).alias("gross_cents"),
        *(F.count_if(condition).alias(name) for name, condition in counted.items()))


def lay_against(days: DataFrame, dates: list[dt.date], horizon_days: int) -> DataFrame:
    """Each day once per feature date that it describes (later dates) or labels (an order in the window from the date on)."""
    date = F.col("feature_date")
    is_later = date > F.col("day")
    has_label = (F.col("orders") > 0) & (date > F.date_sub("day", horizon_days))
    # explode, then filter: both are compiled, a filter inside the array is not
    return days.select("*", F.explode(F.array(*map(F.lit, dates))).alias("feature_date")).where(is_later | has_label)


def describe(laid: DataFrame, horizon_days: int) -> DataFrame:
    """All features and the orders of the label window, one row per person and feature date."""
    age = F.datediff("feature_date", "day")
    is_past = age > 0

    def before(name: str, days: int | None = None) -> Column:
        return F.sum(F.when(is_past if days is None else is_past & (age <= days), F.col(name)).otherwise(0))

    sums = {
        "touches": before("touches"), "devices": before("devices"), "named": before("named"), "gross_cents": before("gross_cents", 365),
        "bought": F.sum(F.when(~is_past & (age > -horizon_days), F.col("orders")).otherwise(0)),
        **{name: before(*source) for name, source in WINDOWED.items()}}
    latest = {
        "features_until": F.max(F.when(is_past, F.col("last_at"))),
        "seen_on": F.max(F.when(is_past & (F.col("inbound") > 0), F.col("day"))),
        "bought_on": F.max(F.when(is_past & (F.col("orders") > 0), F.col("day")))}
    by_channel = laid.groupBy("person_id", "feature_date", "channel").agg(
        *(column.alias(name) for name, column in (sums | latest).items()),
        F.min(F.when(is_past, F.col("day"))).alias("first_on"),
        F.max(F.when(F.col("channel").isNotNull() & is_past & (age <= 90), 1).otherwise(0)).alias("channels_90d"))
    # a second sum, over the channels, counts the distinct ones without a set per group
    whole = by_channel.groupBy("person_id", "feature_date").agg(
        *(F.sum(name).alias(name) for name in [*sums, "channels_90d"]), *(F.max(name).alias(name) for name in latest),
        F.min("first_on").alias("first_on"))
    return whole.select(
        "*", (F.col("gross_cents") / 100).alias("gross_revenue_365d"), (F.col("named") > 0).cast("int").alias("is_known"),
        F.datediff("feature_date", "seen_on").alias("days_since_seen"),
        F.datediff("feature_date", "bought_on").alias("days_since_purchase"),
        F.datediff("feature_date", "first_on").alias("tenure_days"))
