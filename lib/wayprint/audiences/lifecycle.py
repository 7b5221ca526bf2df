"""Suspect, prospect, lead, active, loyal, inactive, leaver: exactly one state per person and date, by rules in one file."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.audiences.criteria import Measures, events_of, first_day, gather_facts, is_fact, largest_sum
from wayprint.audiences.settings import AudienceSettings
from wayprint.audiences.wording import in_words


def place_lifecycle(persons: DataFrame, conversions: DataFrame, touches: DataFrame, settings: AudienceSettings, as_of: dt.date) -> DataFrame:
    """Each person of `persons` in the state of the first rule of conf/lifecycle.yaml that holds; the last rule takes the rest.

    A row depends on the rows of its person and on `as_of` alone. An order counts even where it was refunded since: the person
    bought. `orders_365d` and `revenue_365d` cover the 365 days that end with `as_of`; revenue is net of refunds, in the
    currency in which most was paid.
    """
    rules = settings.lifecycle_rules
    measures = Measures(as_of)
    state, reason = F.lit(None).cast("string"), F.lit(None).cast("string")
    for name, criterion in reversed(rules):
        words = f"{name}: {in_words(criterion)}" if criterion else f"{name}: none of the other rules holds"
        holds = measures.holds(criterion) if criterion else F.lit(True)
        state = F.when(holds, name).otherwise(state)
        reason = F.when(holds, words).otherwise(reason)
    last = measures.latest("orders", lambda: is_fact("order"))
    recent = is_fact("order") & (F.col("on_date") >= F.lit(first_day(as_of, days=365)))
    orders = measures.counted("orders_365d", lambda: recent)
    revenue = measures.named("revenue_365d", lambda: largest_sum(F.collect_list(F.when(recent, F.struct("currency", "amount")))))
    events = {event for _, criterion in rules if criterion for event in events_of(criterion)}
    wide = measures.per_person(gather_facts(as_of, events, persons, touches, conversions))
    return wide.where("is_present").select(
        "person_id", state.alias("state"), reason.alias("reason"), last.alias("last_purchase_at"), orders.cast("long").alias("orders_365d"),
        F.coalesce(revenue["amount"], F.lit(0)).cast("decimal(18,2)").alias("revenue_365d"), revenue["currency"].alias("revenue_currency"))
