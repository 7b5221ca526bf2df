"""The figures everybody shares: conf/kpis.yaml says which and how, here is what they are counted from."""

from __future__ import annotations

import datetime as dt
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.journeys.settings import FACTS, JourneySettings, Kpi
from wayprint.journeys.touches import acts
from wayprint.tables.quality import NO_CURRENCY

EXACT = "decimal(38,6)"  # sums of decimals do not depend on the order of the rows, sums of doubles do
DAY_US = 86_400_000_000
ALL = "(all)"
MONEY = ("gross_amount", "refund_amount", "revenue_amount", "digital_revenue_amount")


def count_kpis(
    events: DataFrame, sessions: DataFrame, touches: DataFrame, visits: DataFrame, conversions: DataFrame, journeys: DataFrame,
    settings: JourneySettings, as_of: dt.date,
) -> DataFrame:
    """One row per figure, month (UTC), channel and currency, and one for all channels together.

    An additive figure sums over channels to (all); a distinct one does not (a person may use two channels); a ratio is numerator
    over denominator, at (all) that of the sums, and is absent without a denominator. Each fact is dated and placed by its own row:
    a visit by its start and arrival channel, a conversion by its sale (`place_sales`), a journey by its end and its first channel. Amounts of
    different currencies are never added: a figure that counts money has one row per currency, its orders those of that currency;
    any other figure, and money of a conversion that names no currency, stands under XXX.
    """
    facts = (
        monthly(sessions, "started_at", session_facts()),
        monthly(visits, "started_at", visit_facts()),
        monthly(touches, "happened_at", touch_facts(settings)),
        monthly(place_sales(conversions, touches, visits, journeys, settings), "converted_at", conversion_facts(), F.coalesce("currency", F.lit(NO_CURRENCY))),
        monthly(journeys.withColumn("channel", F.coalesce(F.get("channels", F.lit(0)), F.lit("Unassigned"))), "ended_at", journey_facts(settings, as_of)),
        monthly(events.where(F.col("event_name").isin(*settings.stages.ignored_events)), "happened_at", {"ignored_events": one()}),
        active_persons(touches, settings))
    is_distinct = F.col("fact") == "active_persons"
    places = F.when(is_distinct, F.array("channel")).otherwise(F.array(F.col("channel"), F.lit(ALL)))
    # Figures without money are of all currencies together, which is the group without one.
    moneys = F.when(F.col("currency").isNull(), F.array("currency")).otherwise(F.array("currency", F.lit(None).cast("string")))
    wide = (
        reduce(DataFrame.unionByName, facts)
        .select("month", "currency", "fact", "amount", F.explode(places).alias("channel"))
        .select("month", "channel", "fact", "amount", F.explode(moneys).alias("currency"))
        .groupBy("month", "channel", "currency")
        .agg(*[F.sum(F.when(F.col("fact") == fact, F.col("amount"))).alias(fact) for fact in FACTS]))
    figures = F.array(*[figure(name, kpi) for name, kpi in settings.kpis.items()])
    return (
        wide.select("month", "channel", "currency", F.explode(figures).alias("figure"))
        .where(F.col("figure.value").isNotNull() & (F.col("figure.is_money") == F.col("currency").isNotNull()))
        .select("figure.kpi", "month", "channel", F.coalesce("currency", F.lit(NO_CURRENCY)).alias("currency"),
                "figure.value", "figure.numerator", "figure.denominator"))


def place_sales(conversions: DataFrame, touches: DataFrame, visits: DataFrame, journeys: DataFrame, settings: JourneySettings) -> DataFrame:
    """The conversions, an online one under the channel of the visit in which it was made, its own where no visit is known.

    Of several visits that hold purchase rows of the order the earliest counts whose channel is not weak, else the earliest.
    """
    sold = touches.where(F.col("is_conversion") & F.col("order_id").isNotNull()).select("event_key", "order_id", "happened_at")
    held = journeys.select(F.explode(F.filter("touches", lambda t: (t["event_name"] == "purchase") & t["visit_id"].isNotNull())).alias("touch"))
    came = visits.where("is_digital").select("visit_id", F.col("channel").alias("visit_channel"))
    is_weak = F.col("visit_channel").isin(*settings.weak_channels)
    placed = (
        sold.join(held.select("touch.event_key", "touch.visit_id"), "event_key", how="inner").join(came, "visit_id", how="inner")
        .groupBy("order_id").agg(F.min(F.struct(is_weak.alias("is_weak"), "happened_at", "event_key", "visit_channel")).alias("visit")))
    by_visit = F.when(F.col("is_digital"), F.col("visit.visit_channel"))
    return conversions.join(placed, "order_id", how="left").withColumn("channel", F.coalesce(by_visit, "channel"))


def monthly(rows: DataFrame, at: str, facts: dict[str, Column], currency: Column | None = None) -> DataFrame:
    """The sums of `facts` by month of `at`, channel and currency (null: none), one row each; absent where nothing was counted."""
    money = F.lit(None).cast("string") if currency is None else currency
    sums = rows.groupBy(F.to_date(F.trunc(at, "month")).alias("month"), "channel", money.alias("currency")).agg(
        *[F.sum(what.cast(EXACT)).alias(fact) for fact, what in facts.items()])
    pairs = F.array(*[F.struct(F.lit(fact).alias("fact"), F.col(fact).alias("amount")) for fact in facts])
    return sums.select("month", "channel", "currency", F.explode(pairs).alias("pair")).select(
        "month", "channel", "currency", "pair.fact", "pair.amount").where(F.col("amount").isNotNull())


def active_persons(touches: DataFrame, settings: JourneySettings) -> DataFrame:
    """Persons who did something in the month (see `acts`): by channel and, each once, in all."""
    month = F.to_date(F.trunc("happened_at", "month")).alias("month")
    seen = touches.where(F.col("person_id").isNotNull() & acts(settings)).select(month, "channel", "person_id").distinct()
    return (
        seen.select("month", F.explode(F.array(F.col("channel"), F.lit(ALL))).alias("channel"), "person_id")
        .groupBy("month", "channel").agg(F.count_distinct("person_id").cast(EXACT).alias("amount"))
        .select("month", "channel", F.lit(None).cast("string").alias("currency"), F.lit("active_persons").alias("fact"), "amount"))


def figure(name: str, kpi: Kpi) -> Column:
    """A struct of kpi, is_money, value, numerator, denominator; the value is null where it cannot be said."""
    of = F.col(kpi.of).cast("double")
    nothing = F.lit(None).cast("double")
    if kpi.out_of is None:
        value, numerator, denominator = of, nothing, nothing
    else:
        denominator = F.when(F.col(kpi.out_of) > 0, F.col(kpi.out_of).cast("double"))
        numerator = F.coalesce(of, F.lit(0.0))
        value = numerator / denominator
    is_money = F.lit(kpi.of in MONEY or kpi.out_of in MONEY)
    return F.struct(F.lit(name).alias("kpi"), is_money.alias("is_money"), value.alias("value"), numerator.alias("numerator"), denominator.alias("denominator"))


def one(where: Column | None = None) -> Column:
    return F.lit(1) if where is None else F.when(where, 1)


def session_facts() -> dict[str, Column]:
    return {"sessions": one(), "engaged_sessions": one(F.col("is_engaged"))}


def visit_facts() -> dict[str, Column]:
    return {"visits": one(), "buying_visits": one(F.col("has_conversion"))}


def touch_facts(settings: JourneySettings) -> dict[str, Column]:
    name = F.col("event_name")
    is_answer = (name == "survey_answer") & F.col("score").isNotNull()
    return {
        "touches": one(),
        "unmapped_touches": one(F.col("stage").isNull()),
        "tickets": one(name == "ticket_opened"),
        "payment_errors": one(name == "payment_error"),
        "payment_trials": one(F.col("is_digital") & name.isin("payment_error", "purchase")),
        "emails_sent": one(name == "email_sent"),
        "email_clicks": one(name == "email_click"),
        "answers": one(is_answer),
        "satisfied_answers": one(is_answer & (F.col("score") >= settings.satisfied_share))}


def conversion_facts() -> dict[str, Column]:
    return {
        "conversions": one(),
        "gross_amount": F.col("gross_amount"),
        "refund_amount": F.col("refund_amount"),
        "revenue_amount": F.col("revenue_amount"),
        "digital_revenue_amount": F.when(F.col("is_digital"), F.col("revenue_amount"))}


def journey_facts(settings: JourneySettings, as_of: dt.date) -> dict[str, Column]:
    """A sale ends a journey at once, silence is sure only a gap later: until then a rate of those that end would be one of buyers."""
    is_bought = F.col("ended_by") == "conversion"
    is_judged = F.unix_micros("ended_at") + settings.journey_gap_days * DAY_US < F.unix_micros(F.lit(as_of).cast("timestamp"))
    lasted_us = (F.unix_micros("ended_at") - F.unix_micros("started_at")).cast("decimal(20,0)")
    return {
        "judged_journeys": one(is_judged),
        "judged_bought_journeys": one(is_judged & is_bought),
        "bought_journeys": one(is_bought),
        "cycle_days": F.when(is_bought, (lasted_us / F.lit(DAY_US).cast("decimal(20,0)")).cast(EXACT)),
        "visits_to_purchase": F.when(is_bought, F.col("visits")),
        "sources_to_purchase": F.when(is_bought, F.col("sources"))}
